//! S24, L4, L6, L7: sites are watched in time, whatever happens elsewhere, and no more than that.

use std::collections::{BTreeMap, BTreeSet};

use probe::model::{Cause, Happened, HostName, ProfileName, limits};

use super::super::world::Fact;
use super::{Course, longest};

/// A canary that does not answer, and an SSH port that does not: both are awaited before the next probe.
const ANSWERS: i64 = 8_000;

impl Course<'_> {
    fn probes_of(&self, profile: &ProfileName, from: i64, to: i64) -> usize {
        let begun = |fact: &Fact| matches!(fact, Fact::Probing(name) if name == profile);
        let facts = self.between(from, to).iter();
        facts.filter(|(_, fact)| begun(fact)).count()
    }

    /// A jump of the wall clock makes up for no probes: at most the one that is due, one more because a neighbour fails,
    /// and what each start of the program makes.
    pub(super) fn s24_clock(&self) {
        for (t, fact) in &self.facts {
            if !matches!(fact, Fact::Jumped) {
                continue;
            }
            for (name, profile) in &self.world.settings.profiles {
                let until = t + profile.retry_interval.as_millis() as i64;
                let facts = self.between(*t, until).iter();
                let starts = facts
                    .filter(|(_, fact)| matches!(fact, Fact::Started))
                    .count();
                let probes = self.probes_of(name, *t, until);
                if probes > 3 + starts {
                    self.fail(
                        *t,
                        &format!("S24 clock: {probes} probes of {name} after a jump"),
                    );
                }
            }
        }
    }

    /// While a daemon runs each profile is probed at its interval, also where its host was given up, is paused or in a
    /// window; only what is asked about its own failure, and a site's own request for patience, come before.
    pub(super) fn l4_independence_l6_never_blind(&self) {
        let profiles = &self.world.settings.profiles;
        if !self.world.daemon {
            return;
        }
        let mut last: BTreeMap<&ProfileName, i64> = BTreeMap::new();
        let (mut patient, mut given_up) = (BTreeSet::new(), BTreeSet::<&HostName>::new());
        let mut away: BTreeSet<&ProfileName> = BTreeSet::new();
        let end = (self.world.t, &Fact::Ended { written: true });
        let end = [&end].into_iter().filter(|_| !self.world.is_asleep());
        for (t, fact) in self.facts.iter().chain(end) {
            match fact {
                Fact::Started => {
                    let here = profiles.keys().filter(|name| !away.contains(name));
                    last = here.map(|name| (name, *t)).collect();
                }
                Fact::Woke(_) => last.values_mut().for_each(|at| *at = *t),
                Fact::Removed(_, names) => {
                    away.extend(names);
                    last.retain(|name, _| !names.contains(name));
                }
                Fact::Added(_, names) => {
                    away.retain(|name| !names.contains(name));
                    if !last.is_empty() {
                        last.extend(names.iter().map(|name| (name, *t)));
                    }
                }
                Fact::Noted(Happened::GaveUp { host, .. }) => _ = given_up.insert(host),
                Fact::Noted(Happened::Rearmed { host }) => _ = given_up.remove(host),
                Fact::Arrived {
                    profile,
                    cause: Some(Cause::Maintenance),
                } => _ = patient.insert(profile),
                Fact::Crashed | Fact::Ended { .. } | Fact::Probing(_) => {}
                _ => continue,
            }
            let ends = matches!(fact, Fact::Crashed | Fact::Ended { .. });
            for (name, at) in &mut last {
                let own = matches!(fact, Fact::Probing(probed) if probed == *name);
                let Some(profile) = profiles.get(*name).filter(|_| own || ends) else {
                    continue;
                };
                let asked = if patient.contains(name) {
                    limits::RETRY_AFTER.as_millis() as i64
                } else {
                    0
                };
                let most = (profile.interval.as_millis() as i64).max(asked)
                    + 1_000
                    + longest(profile)
                    + ANSWERS;
                if t - *at > most {
                    let host = profile.host.as_ref();
                    let suspended = host.is_some_and(|host| given_up.contains(host));
                    let broken = if suspended {
                        "L6 suspended is not blind"
                    } else {
                        "L4 independence"
                    };
                    let gap = t - *at;
                    self.fail(
                        *t,
                        &format!("{broken}: no probe of {name} for {gap} ms, most {most}"),
                    );
                }
                *at = *t;
            }
            if let Fact::Probing(name) = fact {
                patient.remove(name);
            }
            if ends {
                last.clear();
            }
        }
    }

    /// After our machine slept longer than an interval each profile is probed within seconds, and once.
    pub(super) fn l7_resume(&self) {
        for (t, fact) in &self.facts {
            let Fact::Woke(span) = fact else { continue };
            let soon = t + 5_000 + ANSWERS;
            let since = t - span;
            let disturbed = self.between(since, soon).iter().any(|(_, fact)| {
                matches!(
                    fact,
                    Fact::Crashed | Fact::Started | Fact::Removed(..) | Fact::Added(..)
                )
            });
            let again = |(woke, fact): &(i64, &Fact)| matches!(fact, Fact::Woke(span) if woke > t && woke - span <= soon);
            let disturbed = disturbed || self.facts.iter().any(again);
            let runs = self
                .between(i64::MIN, *t)
                .iter()
                .rev()
                .find_map(|(_, fact)| match fact {
                    Fact::Started => Some(true),
                    Fact::Crashed | Fact::Ended { .. } => Some(false),
                    _ => None,
                });
            if !self.world.daemon || disturbed || runs != Some(true) || soon > self.world.t {
                continue;
            }
            for (name, profile) in &self.world.settings.profiles {
                if !self.is_configured(name, *t) {
                    continue;
                }
                let patience = limits::RETRY_AFTER.as_millis() as i64;
                let asked = self.between(since - patience, *t).iter().any(|(_, fact)| {
                    matches!(fact, Fact::Arrived { profile, cause: Some(Cause::Maintenance) } if profile == name)
                });
                let due = *span > profile.interval.as_millis() as i64 + ANSWERS && !asked;
                if due && self.probes_of(name, *t, soon) == 0 {
                    self.fail(
                        *t,
                        &format!("L7 resume: {name} was not probed when we woke"),
                    );
                }
                let retry = profile.retry_interval.as_millis() as i64;
                let probes = self.probes_of(name, *t, t + retry.min(5_000) - 1);
                // The one that was missed, the next one's own time, and a look because a neighbour fails.
                if probes > 3 {
                    self.fail(*t, &format!("L7 resume: {probes} probes of {name} at once"));
                }
            }
        }
    }

    fn is_configured(&self, profile: &ProfileName, t: i64) -> bool {
        let last = self
            .between(i64::MIN, t)
            .iter()
            .rev()
            .find_map(|(_, fact)| match fact {
                Fact::Removed(_, names) if names.contains(profile) => Some(false),
                Fact::Added(_, names) if names.contains(profile) => Some(true),
                _ => None,
            });
        last != Some(false)
    }
}
