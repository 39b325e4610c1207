//! The safety invariants, each by its name, checked over what truly happened in a world. They are written against the
//! facts and from the specification, not from the code that is to keep them.

use std::collections::{BTreeMap, BTreeSet};

use probe::model::{
    AttemptId, Blame, Cause, EntryId, EventKind, HostName, IncidentId, Note, ProfileName,
    RecoveryOutcome,
};

use super::world::{Fact, World};

const HOUR: i64 = 3_600_000;

/// One order to restart and what became of it.
struct Attempt {
    id: AttemptId,
    host: HostName,
    ordered: i64,
    number: u32,
    /// When the prober took it to have ended, and how.
    ended: Option<(i64, RecoveryOutcome)>,
}

struct Course<'a> {
    world: &'a World,
    label: &'a str,
    facts: Vec<(i64, &'a Fact)>,
    attempts: Vec<Attempt>,
}

/// Checks every invariant.
pub fn check(world: &World, label: &str) {
    let mut facts: Vec<(i64, &Fact)> = world.facts.iter().map(|(t, fact)| (*t, fact)).collect();
    facts.sort_by_key(|(t, _)| *t);
    let mut attempts = attempts(&facts);
    // An attempt whose answer never came ends at its deadline, whenever somebody notices.
    for attempt in &mut attempts {
        let limit = world
            .settings
            .hosts
            .get(&attempt.host)
            .map_or(0, |host| host.restart.timeout.as_millis() as i64 + 35_000);
        attempt.ended = attempt
            .ended
            .map(|(end, outcome)| (end.min(attempt.ordered + limit), outcome));
    }
    let course = Course {
        world,
        label,
        facts,
        attempts,
    };
    course.s1_budget();
    course.s2_write_ahead();
    course.s3_no_overlap_s4_one_at_a_time();
    course.s5_canary_s6_evidence_s7_class();
    course.s8_floor_s9_backoff();
    course.s10_reset();
    course.s11_give_up();
    course.s12_pairing_s14_identity_s15_duplicates();
    course.s23_proof();
    course.s26_big_red_button();
}

fn attempts(facts: &[(i64, &Fact)]) -> Vec<Attempt> {
    let mut found: Vec<Attempt> = Vec::new();
    for (t, fact) in facts {
        match fact {
            Fact::Ordered {
                order, attempts, ..
            } => found.push(Attempt {
                id: order.attempt,
                host: order.host.clone(),
                ordered: *t,
                number: *attempts,
                ended: None,
            }),
            Fact::Noted(Note::RestartEnded { attempt, .. }) => {
                // The last word counts: an earlier one may have died with the process that noted it.
                if let Some(known) = found.iter_mut().find(|known| known.id == attempt.id) {
                    let outcome = attempt
                        .report
                        .as_ref()
                        .map_or(RecoveryOutcome::Unknown, |report| report.outcome);
                    known.ended = Some((*t, outcome));
                }
            }
            _ => {}
        }
    }
    found
}

impl Course<'_> {
    fn fail(&self, t: i64, what: &str) -> ! {
        panic!(
            "{what} [{}] at +{} s\n{}",
            self.label,
            (t - super::world::BEGIN) / 1000,
            super::story::transcript(self.world)
        )
    }

    fn begun(&self) -> Vec<(i64, &HostName)> {
        let begun = |(t, fact): &(i64, &Fact)| match fact {
            Fact::RestartBegan { host } => Some((*t, host.clone())),
            _ => None,
        };
        let list: Vec<(i64, HostName)> = self.facts.iter().filter_map(begun).collect();
        list.into_iter()
            .filter_map(|(t, name)| Some((t, self.world.machines.get_key_value(&name)?.0)))
            .collect()
    }

    fn s1_budget(&self) {
        let begun = self.begun();
        for (t, host) in &begun {
            let Some(settings) = self.world.settings.hosts.get(*host) else {
                continue;
            };
            let budget = settings.restart.budget;
            let window = budget.per.as_millis() as i64;
            let spent = begun
                .iter()
                .filter(|(other, name)| name == host && *other > t - window && other <= t)
                .count();
            if spent > budget.restarts as usize {
                self.fail(
                    *t,
                    &format!("S1 budget: {spent} restarts of {host} in its window"),
                );
            }
            let all = begun
                .iter()
                .filter(|(other, _)| *other > t - HOUR && other <= t)
                .count();
            if all > 10 {
                self.fail(
                    *t,
                    &format!("S1 budget: {all} restarts of all hosts in an hour"),
                );
            }
        }
    }

    fn s2_write_ahead(&self) {
        let mut seen = BTreeSet::new();
        for (t, fact) in &self.facts {
            if let Fact::Ordered { order, durable, .. } = fact {
                if !durable {
                    self.fail(
                        *t,
                        &format!(
                            "S2 write-ahead: attempt {} left before its intent was durable",
                            order.attempt
                        ),
                    );
                }
                if !seen.insert(order.attempt) {
                    self.fail(
                        *t,
                        &format!(
                            "S2 write-ahead: attempt {} was ordered twice",
                            order.attempt
                        ),
                    );
                }
            }
        }
    }

    fn s3_no_overlap_s4_one_at_a_time(&self) {
        for pair in self.attempts.windows(2) {
            let [before, after] = pair else { continue };
            if before.ended.is_none_or(|(end, _)| end > after.ordered) {
                self.fail(
                    after.ordered,
                    &format!(
                        "S3/S4: {} ordered while {} is in restart",
                        after.host, before.host
                    ),
                );
            }
        }
        // A restart of the same host begins after the one before has truly ended, or its limit and settle have passed.
        let mut open: BTreeMap<&HostName, i64> = BTreeMap::new();
        for (t, fact) in &self.facts {
            match fact {
                Fact::RestartBegan { host } => {
                    let limit = self.world.settings.hosts.get(host).map_or(0, |h| {
                        (h.restart.timeout + h.restart.settle).as_millis() as i64
                    });
                    if open.insert(host, *t).is_some_and(|began| t - began < limit) {
                        self.fail(
                            *t,
                            &format!("S3 no overlap: {host} restarted while a restart runs"),
                        );
                    }
                }
                Fact::RestartEnded { host } => drop(open.remove(host)),
                _ => {}
            }
        }
    }

    /// Results of a profile that count, up to `t`: when the probe began, and what it found.
    fn counted(&self, profile: &ProfileName, t: i64) -> Vec<(i64, Option<Cause>)> {
        let canaries: Vec<(i64, i64, bool)> = self
            .facts
            .iter()
            .filter_map(|(ended, fact)| match fact {
                Fact::Canary { began, answered } => Some((*ended, *began, *answered)),
                _ => None,
            })
            .collect();
        let mut counted = Vec::new();
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
            match cause.map(|cause| (cause, cause.blame())) {
                Some((_, Blame::Ourselves)) | Some((Cause::Maintenance, _)) => {}
                None | Some((_, Blame::Nobody)) => counted.push((*began, None)),
                Some((cause, _)) => {
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

    fn s5_canary_s6_evidence_s7_class(&self) {
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

    fn canary_answered(&self, since: i64, t: i64) -> bool {
        self.world.settings.network.canaries.is_empty()
            || self.facts.iter().any(|(ended, fact)| match fact {
                Fact::Canary {
                    began,
                    answered: true,
                } => *began >= since && *ended <= t && t - began < 30_000,
                _ => false,
            })
    }

    fn s8_floor_s9_backoff(&self) {
        for after in &self.attempts {
            let before = self
                .attempts
                .iter()
                .rfind(|other| other.host == after.host && other.ordered < after.ordered);
            let Some((before, settings)) = before.zip(self.world.settings.hosts.get(&after.host))
            else {
                continue;
            };
            let Some((end, _)) = before.ended else {
                continue;
            };
            let least =
                (settings.restart.backoff.plain(before.number) * 80 / 100).as_millis() as i64;
            let gap = after.ordered - end;
            if gap < least.max(30_000) {
                self.fail(
                    after.ordered,
                    &format!(
                        "S8/S9: only {gap} ms after attempt {} of {}",
                        before.number, after.host
                    ),
                );
            }
        }
    }

    fn s10_reset(&self) {
        for after in self.attempts.iter().filter(|attempt| attempt.number == 1) {
            let before = self
                .attempts
                .iter()
                .rfind(|other| other.host == after.host && other.ordered < after.ordered);
            let Some(before) = before else { continue };
            let rearmed = self.facts.iter().any(|(t, fact)| {
                matches!(fact, Fact::Noted(Note::Rearmed { host }) if *host == after.host)
                    && (before.ordered..=after.ordered).contains(t)
            });
            if rearmed {
                continue;
            }
            let mut failures: Vec<i64> = vec![before.ordered];
            for (name, _) in self.world.settings.profiles_of(&after.host) {
                let counted = self
                    .counted(name, after.ordered)
                    .into_iter()
                    .filter(|(began, cause)| cause.is_some() && *began > before.ordered);
                failures.extend(counted.map(|(began, _)| began));
            }
            failures.sort_unstable();
            let longest = failures
                .windows(2)
                .map(|pair| pair[1] - pair[0])
                .max()
                .unwrap_or(0);
            if longest < 600_000 {
                self.fail(
                    after.ordered,
                    &format!(
                        "S10 reset: attempts of {} forgotten after {longest} ms of health",
                        after.host
                    ),
                );
            }
        }
    }

    fn s11_give_up(&self) {
        let mut suspended: BTreeSet<&HostName> = BTreeSet::new();
        for (t, fact) in &self.facts {
            match fact {
                Fact::Noted(Note::GaveUp { host, .. }) => drop(suspended.insert(host)),
                Fact::Noted(Note::Rearmed { host }) => drop(suspended.remove(host)),
                // What was noted and not written died with the process.
                Fact::Crashed => suspended.clear(),
                Fact::Ordered { order, .. } if suspended.contains(&order.host) => {
                    self.fail(*t, &format!("S11 give-up: {} restarted", order.host))
                }
                _ => {}
            }
        }
    }

    fn s12_pairing_s14_identity_s15_duplicates(&self) {
        let mut first: BTreeMap<EntryId, &probe::model::Entry> = BTreeMap::new();
        let mut told: BTreeMap<(IncidentId, String), Vec<(u32, EventKind)>> = BTreeMap::new();
        let (mut again, mut excuses) = (0, 0);
        for (t, fact) in &self.facts {
            match fact {
                Fact::Crashed => excuses += 4, // at most so many were in transit
                Fact::Mailed { entry, taken: true } => {
                    if let Some(known) = first.get(&entry.id) {
                        again += 1;
                        if (&known.notification, &known.to, &known.from)
                            != (&entry.notification, &entry.to, &entry.from)
                        {
                            self.fail(*t, "S14 identity: a repeated message differs");
                        }
                        continue;
                    }
                    first.insert(entry.id, entry);
                    let n = &entry.notification;
                    if let Some(incident) = &n.incident {
                        told.entry((incident.clone(), entry.to.clone()))
                            .or_default()
                            .push((n.sequence, n.event));
                    }
                }
                _ => {}
            }
        }
        let unclear = self.facts.iter().filter(|(_, fact)| {
            matches!(
                fact,
                Fact::Noted(Note::Delivered {
                    delivery: probe::model::Delivery::Unclear { .. },
                    ..
                })
            )
        });
        excuses += unclear.count();
        if again > excuses {
            self.fail(
                self.world.t,
                &format!("S15 duplicates: {again}, excused {excuses}"),
            );
        }
        for ((incident, _), events) in told {
            let order: Vec<u32> = events.iter().map(|(sequence, _)| *sequence).collect();
            let whole: Vec<u32> = (0..order.len() as u32).collect();
            let kinds: Vec<EventKind> = events.iter().map(|(_, event)| *event).collect();
            let count =
                |wanted: &[EventKind]| kinds.iter().filter(|event| wanted.contains(event)).count();
            let last_is_end = kinds
                .iter()
                .rposition(|event| is_end(*event))
                .is_none_or(|at| at + 1 == kinds.len());
            let paired = kinds.first() == Some(&EventKind::Down)
                && count(&[EventKind::Down]) == 1
                && count(&[EventKind::GaveUp]) <= 1
                && count(&[EventKind::Up, EventKind::Back, EventKind::Closed]) <= 1
                && (count(&[EventKind::Back]) == 0 || count(&[EventKind::GaveUp]) == 1)
                && (count(&[EventKind::Up]) == 0 || count(&[EventKind::GaveUp]) == 0);
            if order != whole || !paired || !last_is_end {
                self.fail(
                    self.world.t,
                    &format!("S12 pairing: {incident}: {events:?}"),
                );
            }
        }
    }

    fn s23_proof(&self) {
        for (t, fact) in &self.facts {
            let Fact::Noted(Note::Closed { profile, .. }) = fact else {
                continue;
            };
            if !self.world.settings.profiles.contains_key(profile)
                || self.label.starts_with("removed")
            {
                continue; // closed because it is no longer watched
            }
            let seen = self.facts.iter().any(|(at, fact)| match fact {
                Fact::Arrived {
                    profile: name,
                    cause,
                } => {
                    at == t
                        && name == profile
                        && cause.is_none_or(|cause| cause.blame() == Blame::Nobody)
                }
                _ => false,
            });
            if !seen {
                self.fail(*t, &format!("S23 proof: the incident of {profile} was closed by something else than a probe"));
            }
        }
    }

    fn s26_big_red_button(&self) {
        let mut pauses = BTreeMap::new();
        for (t, fact) in &self.facts {
            match fact {
                Fact::Pauses(now) => pauses.clone_from(now),
                Fact::Ordered { order, wall, .. } => {
                    let holds = |target: &str| {
                        pauses
                            .get(target)
                            .is_some_and(|pause| pause.until.is_none_or(|until| until.0 > *wall))
                    };
                    if holds("all") || holds(order.host.as_str()) {
                        self.fail(
                            *t,
                            &format!("S26 big red button: {} restarted while paused", order.host),
                        );
                    }
                }
                _ => {}
            }
        }
    }
}

const fn is_end(event: EventKind) -> bool {
    matches!(event, EventKind::Up | EventKind::Back | EventKind::Closed)
}
