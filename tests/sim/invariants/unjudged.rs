//! What cannot be judged by our own doing is told.

use std::collections::{BTreeMap, BTreeSet};

use probe::model::{Cause, Happened, IncidentId, ProfileName, limits};

use super::super::world::Fact;
use super::Course;

impl Course<'_> {
    /// Who has not been judged for longer than the limit, while our own network is up, was told so. Asked of each probe that
    /// finds it so an interval later, for mail may wait and a canary is asked first.
    pub(super) fn unjudged_is_told(&self) {
        let mut since: BTreeMap<&ProfileName, i64> = BTreeMap::new();
        let mut told: BTreeSet<&ProfileName> = BTreeSet::new();
        // And what is remembered of it: what arrived since may have said nothing, our own network being down.
        let mut written: &BTreeMap<IncidentId, u32> = &BTreeMap::new();
        for (t, fact) in &self.facts {
            match fact {
                Fact::Noted(Happened::Unjudged { profile, .. }) => _ = told.insert(profile),
                Fact::Wrote { threads, .. } => written = threads,
                Fact::Arrived {
                    profile,
                    cause: Some(Cause::Monitor),
                } => _ = since.entry(profile).or_insert(*t),
                Fact::Arrived { profile, .. } => {
                    since.remove(profile);
                    told.remove(profile);
                }
                // What was not written is not remembered; what cannot be seen at all is told as blind; who sleeps tells nobody.
                Fact::Woke(_)
                | Fact::Crashed
                | Fact::Ended { written: false }
                | Fact::Removed(..)
                | Fact::Alone => since.clear(),
                _ => continue,
            }
            let Fact::Arrived { profile, .. } = fact else {
                continue;
            };
            let Some(site) = self.world.settings.profiles.get(profile) else {
                continue;
            };
            let patience = limits::UNJUDGED.max(site.interval * 3) + site.interval;
            let lasted = since.get(profile).map_or(0, |since| t - since);
            let late = lasted > patience.as_millis() as i64 + 60_000;
            let thread = format!("{profile}-unjudged-");
            let remembered = || {
                written
                    .keys()
                    .any(|told| told.as_str().starts_with(&thread))
            };
            if late && !told.contains(profile) && !remembered() && site.maintenance.is_empty() {
                self.fail(
                    *t,
                    &format!("{profile} was not judged for {lasted} ms, and nobody was told"),
                );
            }
        }
    }
}
