//! S5, S6, S7, S10: what a restart may rest on, counted again from the facts.

use probe::model::{Blame, Cause, ProfileName, Reach, Timestamp};

use super::super::world::{Fact, MAINTENANCE};
use super::Course;

impl Course<'_> {
    /// Results of a profile that count, up to `t`: when the probe began, and what it found.
    pub(super) fn counted(&self, profile: &ProfileName, t: i64) -> Vec<(i64, Option<Cause>)> {
        let canaries: Vec<(i64, i64, bool)> = self
            .facts
            .iter()
            .filter_map(|(ended, fact)| match fact {
                Fact::Canary { began, answered } => Some((*ended, *began, *answered)),
                _ => None,
            })
            .collect();
        let mut counted = Vec::new();
        // A site is taken at its word that it is in maintenance once, until it is well.
        let mut word_ends: Option<i64> = None;
        for (arrived, fact) in self.facts.iter().filter(|(arrived, _)| *arrived <= t) {
            let Fact::Result {
                profile: name,
                began,
                cause,
            } = fact
            else {
                continue;
            };
            if name != profile {
                continue;
            }
            let mut cause = *cause;
            if cause == Some(Cause::Maintenance) {
                let lasts = MAINTENANCE.as_millis() as i64;
                if *arrived >= *word_ends.get_or_insert(arrived + lasts) {
                    cause = Some(Cause::ServerError);
                }
            } else if cause.is_none_or(|cause| cause.blame() == Blame::Nobody) {
                word_ends = None;
            }
            match cause.map(|cause| (cause, cause.blame())) {
                Some((_, Blame::Ourselves)) | Some((Cause::Maintenance, _)) => {}
                None | Some((_, Blame::Nobody)) => counted.push((*began, None)),
                Some((cause, _)) => {
                    let Some(cause) = self.seen_from_afar(name, *began, *arrived, t, cause) else {
                        continue; // nobody has tried the SSH port yet
                    };
                    let from = canaries.partition_point(|(ended, ..)| ended < arrived);
                    let judged = canaries.get(from..).unwrap_or_default().iter().find(
                        |(ended, asked, answered)| {
                            // One that failed in the same instant may have come in before the result.
                            let after = ended > arrived || (*answered && ended == arrived);
                            asked >= began && after && *ended <= t
                        },
                    );
                    if self.world.settings.network.canaries.is_empty()
                        || judged.is_some_and(|(_, _, answered)| *answered)
                    {
                        counted.push((*began, Some(cause)));
                    }
                }
            }
        }
        counted
    }

    /// A silence is the host's own when its SSH port is silent, too: what a try after the probe began said of it.
    fn seen_from_afar(
        &self,
        profile: &ProfileName,
        began: i64,
        arrived: i64,
        t: i64,
        cause: Cause,
    ) -> Option<Cause> {
        let settings = self.world.settings.profiles.get(profile)?;
        let Some(host) = settings
            .host
            .as_ref()
            .filter(|_| cause == Cause::ConnectTimeout)
        else {
            return Some(cause);
        };
        self.facts.iter().find_map(|(ended, fact)| match fact {
            Fact::Reached {
                host: name,
                began: asked,
                reach,
            } if name == host && *asked >= began && *ended >= arrived && *ended <= t => {
                Some(match reach {
                    Reach::Silent => Cause::HostUnreachable,
                    Reach::Answered | Reach::Refused | Reach::Unknown => cause,
                })
            }
            _ => None,
        })
    }

    pub(super) fn s5_canary_s6_evidence_s7_class(&self) {
        for attempt in &self.attempts {
            let (t, host) = (attempt.ordered, &attempt.host);
            let Some(settings) = self.world.settings.hosts.get(host) else {
                continue;
            };
            let settle = settings.restart.settle.as_millis() as i64;
            let floor = self
                .attempts
                .iter()
                .filter(|other| other.host == *host && other.ordered < t)
                .filter_map(|other| {
                    other
                        .ended
                        .filter(|(_, outcome)| outcome.touched_host())
                        .map(|(end, _)| end + settle)
                });
            let floor = floor.max().unwrap_or(i64::MIN);
            let rests = self
                .world
                .settings
                .profiles_of(host)
                .any(|(name, profile)| {
                    let n = profile.failure_threshold as usize;
                    let counted: Vec<(i64, Option<Cause>)> = self
                        .counted(name, t)
                        .into_iter()
                        .filter(|(began, _)| *began >= floor)
                        .collect();
                    let Some(row) = counted
                        .len()
                        .checked_sub(n)
                        .and_then(|from| counted.get(from..))
                    else {
                        return false;
                    };
                    let healable = row.iter().all(|(_, cause)| {
                        cause.is_some_and(|cause| settings.restart.causes.contains(&cause))
                    });
                    let span = (profile.interval * (profile.failure_threshold + 1)
                        + profile.timeout * profile.failure_threshold)
                        .as_millis() as i64;
                    let fresh = row.first().is_some_and(|(oldest, _)| t - oldest < span);
                    let last = row.last().map_or(0, |(began, _)| *began);
                    healable && fresh && self.canary_answered(last, t)
                });
            if !rests {
                self.fail(
                    t,
                    &format!("S5/S6/S7: the restart of {host} rests on no evidence"),
                );
            }
        }
    }

    /// No restart begins while people work on one of the host's sites, by the clock the prober saw.
    pub(super) fn s17_windows(&self) {
        for (t, fact) in &self.facts {
            let Fact::Ordered { order, wall, .. } = fact else {
                continue;
            };
            let open = self
                .world
                .settings
                .profiles_of(&order.host)
                .find(|(_, profile)| profile.window(Timestamp(*wall)).is_some());
            if let Some((name, _)) = open {
                self.fail(*t, &format!("S17: {name} is in its maintenance window"));
            }
        }
    }

    /// Where hosts are looked at, a restart rests on a look that began after the last restart had settled, not long ago,
    /// and found nothing that speaks against it; only where nobody got in there is none.
    pub(super) fn s21_boot_s22_resources(&self) {
        for attempt in &self.attempts {
            let (t, host) = (attempt.ordered, &attempt.host);
            let settings = self.world.settings.hosts.get(host);
            let Some(settings) = settings.filter(|host| host.diagnose) else {
                continue;
            };
            let settle = settings.restart.settle.as_millis() as i64;
            let earlier = self
                .attempts
                .iter()
                .filter(|other| other.host == *host && other.ordered < t);
            let floor = earlier.filter_map(|other| {
                let (end, outcome) = other.ended?;
                outcome.touched_host().then_some(end + settle)
            });
            let floor = floor.max().unwrap_or(i64::MIN);
            let looks = self.facts.iter().filter(|(ended, _)| *ended <= t);
            let last = looks.rev().find_map(|(_, fact)| match fact {
                Fact::Looked {
                    host: of,
                    began,
                    facts,
                    stuck,
                } if of == host => Some((*began, *facts, *stuck)),
                _ => None,
            });
            let fits = last.is_some_and(|(began, facts, stuck)| {
                let fresh = began >= floor && t - began < 60_000;
                fresh && !stuck && facts.flatten().is_none()
            });
            if !fits {
                self.fail(
                    t,
                    &format!("S21/S22: {host} was restarted on the look {last:?}"),
                );
            }
        }
    }

    pub(super) fn canary_answered(&self, since: i64, t: i64) -> bool {
        self.world.settings.network.canaries.is_empty()
            || self.facts.iter().any(|(ended, fact)| match fact {
                Fact::Canary {
                    began,
                    answered: true,
                } => *began >= since && *ended <= t && t - began < 30_000,
                _ => false,
            })
    }
}
