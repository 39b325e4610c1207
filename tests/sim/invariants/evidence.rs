//! S5, S6, S7, S10: what a restart may rest on, counted again from the facts.

use std::collections::{BTreeMap, BTreeSet};

use probe::model::{
    Ailment, Blame, Cause, Happened, HostName, ProfileName, Reach, Timestamp, When,
};

use super::super::world::{Fact, MAINTENANCE, World};
use super::Course;

/// A result that counts: when its probe began, when it came in, when it was known to count, and what it found.
pub(super) struct Counted {
    pub(super) began: i64,
    arrived: i64,
    known: i64,
    pub(super) cause: Option<Cause>,
    /// It is the doing of the profile's own server, which was well before.
    pub(super) own: bool,
    /// A URL of it was well.
    well: bool,
}

/// What canaries and SSH ports said, each by when it came in.
#[derive(Default)]
pub(super) struct Seen<'a> {
    /// Ended, began, answered, and its place in the course.
    canaries: Vec<(i64, i64, bool, usize)>,
    /// Ended, began, what it said, and its place in the course.
    reached: BTreeMap<&'a HostName, Vec<(i64, i64, Reach, usize)>>,
    /// Ended, began, facts, stuck.
    looked: BTreeMap<&'a HostName, Vec<Look>>,
    counted: BTreeMap<&'a ProfileName, Vec<Counted>>,
    /// Probes that were kept out where a browser was not, by when they began.
    shut: BTreeSet<(&'a ProfileName, i64)>,
    /// Browsers that were not answered: when one was asked, and when that came in.
    unanswered: BTreeMap<&'a ProfileName, Vec<(i64, i64)>>,
    /// When the program was started: what an earlier run waited for nobody waits for.
    starts: Vec<i64>,
}

/// Its place in the course, when it arrived and began, what it found, and whether that is its own server's doing, and
/// whether something of it was well.
type Arrival = (usize, i64, i64, Option<Cause>, (bool, bool));

type Look = (i64, i64, Option<Option<Ailment>>, bool);

impl<'a> Seen<'a> {
    /// Reads the course of a world once.
    pub(super) fn of(world: &World, facts: &[(i64, &'a Fact)]) -> Self {
        let mut seen = Self::default();
        let mut results: BTreeMap<&ProfileName, Vec<Arrival>> = BTreeMap::new();
        // What came in at the same instant came in this order.
        for (place, (t, fact)) in facts.iter().enumerate() {
            match fact {
                Fact::Canary { began, answered } => {
                    seen.canaries.push((*t, *began, *answered, place))
                }
                Fact::Started => seen.starts.push(*t),
                Fact::Reached { host, began, reach } => {
                    seen.reached
                        .entry(host)
                        .or_default()
                        .push((*t, *began, *reach, place));
                }
                Fact::Looked {
                    host,
                    began,
                    facts,
                    stuck,
                } => {
                    let looks = seen.looked.entry(host).or_default();
                    looks.push((*t, *began, *facts, *stuck));
                }
                Fact::Result {
                    profile,
                    began,
                    cause,
                    own,
                    shut,
                    well,
                } => {
                    let arrival = (place, *t, *began, *cause, (*own, *well));
                    results.entry(profile).or_default().push(arrival);
                    if *shut {
                        seen.shut.insert((profile, *began));
                    }
                }
                Fact::Browsed {
                    profile,
                    began,
                    answered: false,
                } => {
                    let asked = seen.unanswered.entry(profile).or_default();
                    asked.push((*began, *t));
                }
                _ => {}
            }
        }
        for (profile, results) in results {
            let counted = seen.count(world, profile, &results);
            seen.counted.insert(profile, counted);
        }
        seen
    }

    fn count(&self, world: &World, profile: &ProfileName, results: &[Arrival]) -> Vec<Counted> {
        let mut counted = Vec::new();
        // A site is taken at its word that it is in maintenance once, until it is well.
        let mut word_ends: Option<i64> = None;
        let mut seen_up = false;
        for (place, arrived, began, cause, (own, well)) in results.iter().copied() {
            let mut cause = cause;
            if cause == Some(Cause::Maintenance) {
                let lasts = MAINTENANCE.as_millis() as i64;
                if arrived >= *word_ends.get_or_insert(arrived + lasts) {
                    cause = Some(Cause::ServerError);
                }
            } else if cause.is_none_or(|cause| cause.blame() == Blame::Nobody) {
                word_ends = None;
            }
            let settings = world.settings.profiles.get(profile);
            let limit = settings.map_or(0, |settings| super::longest(settings) + 5_000);
            if cause.is_some() && arrived - began > limit {
                continue; // late: our machine was asleep, and says nothing of the site
            }
            let mut known = arrived;
            let cause = match cause.map(|cause| (cause, cause.blame())) {
                Some((_, Blame::Ourselves)) | Some((Cause::Maintenance, _)) => continue,
                None | Some((_, Blame::Nobody)) => None,
                Some((cause, _)) => {
                    let seen = (place, arrived, began, Some(cause), (own, well));
                    let Some((reached, cause)) = self.seen_from_afar(world, profile, seen) else {
                        continue; // nobody has tried the SSH port
                    };
                    known = known.max(reached);
                    if !world.settings.network.canaries.is_empty() {
                        let from = self.canaries.partition_point(|(.., at)| *at < place);
                        let mut after = self.canaries.iter().skip(from);
                        let judged = after.find(|(_, asked, ..)| *asked >= began);
                        match judged {
                            Some((ended, _, true, _)) => known = known.max(*ended),
                            Some((_, _, false, _)) | None => continue,
                        }
                    }
                    Some(cause)
                }
            };
            let from = self.starts.partition_point(|start| *start <= arrived);
            if self.starts.get(from).is_some_and(|start| *start <= known) {
                continue;
            }
            seen_up |= well;
            counted.push(Counted {
                began,
                arrived,
                known,
                cause,
                own: own && seen_up,
                well,
            });
        }
        counted
    }

    /// A silence is the host's own when its SSH port is silent, too: what a try after the probe began said of it, and when.
    fn seen_from_afar(
        &self,
        world: &World,
        profile: &ProfileName,
        (place, arrived, began, cause, _): Arrival,
    ) -> Option<(i64, Cause)> {
        let cause = cause?;
        let settings = world.settings.profiles.get(profile)?;
        let host = settings.host.as_ref();
        let Some(host) = host.filter(|_| cause == Cause::ConnectTimeout) else {
            return Some((arrived, cause));
        };
        let tries = self.reached.get(host)?;
        let from = tries.partition_point(|(.., at)| *at < place);
        let mut after = tries.iter().skip(from);
        let (ended, _, reach, _) = after.find(|(_, asked, ..)| *asked >= began)?;
        let cause = match reach {
            Reach::Silent => Cause::HostUnreachable,
            Reach::Answered | Reach::Refused | Reach::Unknown => cause,
        };
        Some((*ended, cause))
    }

    /// Results of a profile that count, up to `t`, the last first: when the probe began, and what it found.
    pub(super) fn counted(&self, profile: &ProfileName, t: i64) -> impl Iterator<Item = &Counted> {
        let all = self.counted.get(profile).map_or(&[][..], Vec::as_slice);
        let until = all.partition_point(|counted| counted.arrived <= t);
        all.iter()
            .take(until)
            .rev()
            .filter(move |one| one.known <= t)
    }

    /// Whether a failure speaks for a restart decided at `t`: its own server's doing, or one of ours alone where a browser was
    /// asked since `first` and was not answered.
    fn speaks(&self, profile: &ProfileName, one: &Counted, first: i64, t: i64) -> bool {
        let mut asked = self.unanswered.get(profile).into_iter().flatten();
        let shut = self.shut.contains(&(profile, one.began));
        one.own || (shut && asked.any(|(asked, came)| *asked >= first && *came <= t))
    }

    fn canary_answered(&self, since: i64, t: i64) -> bool {
        let until = self.canaries.partition_point(|(ended, ..)| *ended <= t);
        let fresh = self.canaries.iter().take(until).rev();
        fresh
            .take_while(|(ended, ..)| t - ended < 60_000)
            .any(|(_, began, answered, _)| *answered && *began >= since && t - began < 30_000)
    }
}

impl Course<'_> {
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
                    let counted = self.seen.counted(name, t);
                    let mut row: Vec<&Counted> =
                        counted.filter(|one| one.began >= floor).take(n).collect();
                    row.reverse();
                    if row.len() < n {
                        return false;
                    }
                    let first = row.first().map_or(t, |oldest| oldest.began);
                    let recent = t - super::longest(profile) - 60_000;
                    let healable = row.iter().all(|one| {
                        let listed = |cause| settings.restart.causes.contains(&cause);
                        self.seen.speaks(name, one, first.min(recent), t)
                            && one.cause.is_some_and(listed)
                    });
                    let span = (profile.interval * (profile.failure_threshold + 1)
                        + profile.timeout * profile.failure_threshold)
                        .as_millis() as i64;
                    // Where one site may speak for all, no other one was answered since.
                    let others = self.world.settings.profiles_of(host);
                    let alone = settings.restart.when != When::Auto
                        || !row
                            .last()
                            .and_then(|one| one.cause)
                            .is_some_and(Cause::server_gone)
                        || others
                            .filter(|(other, _)| *other != name)
                            .all(|(other, _)| {
                                let last = self.seen.counted(other, t).next();
                                !last.is_some_and(|last| last.well && last.arrived > first)
                            });
                    let fresh = t - first < span;
                    let last = row.last().map_or(0, |one| one.began);
                    let seen = self.world.settings.network.canaries.is_empty()
                        || self.seen.canary_answered(last, t);
                    healable && fresh && seen && alone
                });
            if !rests {
                let mut rows = String::new();
                for (name, _) in self.world.settings.profiles_of(host) {
                    let counted = self.seen.counted(name, t).take(6);
                    for Counted { began, cause, .. } in counted {
                        rows += &format!("\n  {name} {} ms before: {cause:?}", t - began);
                    }
                }
                let what = format!("S5/S6/S7: the restart of {host} rests on no evidence");
                self.fail(
                    t,
                    &format!("{what}, floor {} ms before{rows}", t.saturating_sub(floor)),
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

    /// Whether every look at a host in the half hour before found this ailment, and it is one that passes by itself.
    fn was_waited_for(&self, host: &HostName, ailment: Ailment, began: i64) -> bool {
        let looks = self.seen.looked.get(host).into_iter().flatten().rev();
        let earlier = looks.filter(|(_, other, facts, _)| *other <= began && facts.is_some());
        // While a host fails it is looked at every quarter of an hour, unless we sleep, cannot see, or people work on it. What was
        // before a gap of hours was another failure.
        let mut later = began;
        let alike = earlier.take_while(|(_, other, facts, _)| {
            let gap = later - *other;
            later = *other;
            facts.flatten() == Some(ailment) && gap <= 2 * 3_600_000
        });
        let first = alike.last().map(|(_, first, ..)| *first);
        ailment.passes() && first.is_some_and(|first| began - first >= 30 * 60_000)
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
            let looks = self.seen.looked.get(host).into_iter().flatten();
            let last = looks
                .rev()
                .find(|(ended, ..)| *ended <= t)
                .map(|(_, began, facts, stuck)| (*began, *facts, *stuck));
            let fits = last.is_some_and(|(began, facts, stuck)| {
                let fresh = began >= floor && t - began < 60_000;
                let ailment = facts.flatten();
                let clear = ailment.is_none_or(|ailment| self.was_waited_for(host, ailment, began));
                fresh && !stuck && clear
            });
            if !fits {
                self.fail(
                    t,
                    &format!("S21/S22: {host} was restarted on the look {last:?}"),
                );
            }
        }
    }

    /// Where nobody looks, the SSH port is the witness: a host that was seen without it is left alone for three minutes from
    /// when it was seen to answer again, and nobody is sent there before.
    pub(super) fn s21_boot_window_without_facts(&self) {
        for (t, fact) in &self.facts {
            let Fact::Ordered { order, decided, .. } = fact else {
                continue;
            };
            let settings = self.world.settings.hosts.get(&order.host);
            if settings.is_none_or(|host| host.diagnose) {
                continue;
            }
            let before = self.facts.iter().take_while(|(at, _)| at <= decided);
            let mut away: Option<(Reach, Option<i64>)> = None;
            let mut seeing = i64::MIN;
            for (at, fact) in before {
                match fact {
                    // We were blind when it was asked, and whatever was silent may not have been.
                    Fact::Reached {
                        reach: Reach::Silent,
                        began,
                        ..
                    } if *began <= seeing => {}
                    Fact::Reached { host, reach, .. } if *host == order.host => match reach {
                        // Heard in the very millisecond of the decision, it may have been heard after it.
                        Reach::Silent | Reach::Refused if at == decided => {}
                        Reach::Silent | Reach::Refused => away = Some((*reach, None)),
                        Reach::Answered => {
                            if let Some((_, back)) = &mut away {
                                back.get_or_insert(*at);
                            }
                        }
                        Reach::Unknown => {}
                    },
                    Fact::Noted(Happened::NetworkBack { .. }) => {
                        seeing = *at;
                        away = away.filter(|(reach, _)| *reach != Reach::Silent);
                    }
                    _ => {}
                }
            }
            let waited = |back: i64| decided - back >= 180_000;
            if let Some((_, back)) = away
                && !back.is_some_and(waited)
            {
                let host = &order.host;
                let what =
                    format!("S21 boot window: {host} ordered, its SSH port back since {back:?}");
                self.fail(*t, &what);
            }
        }
    }
}
