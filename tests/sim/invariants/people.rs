//! S26: what people forbade; and what they asked for: one report a week.

use std::collections::{BTreeMap, BTreeSet};

use probe::model::{EntryId, EventKind, HostName, Pause};

use super::super::world::Fact;
use super::Course;

impl Course<'_> {
    pub(super) fn s26_big_red_button(&self) {
        let mut pauses: Vec<(i64, &BTreeMap<String, Pause>)> = Vec::new();
        let mut offset = BTreeMap::new();
        let holds = |known: &BTreeMap<String, Pause>, host: &HostName, wall: i64| {
            ["all", host.as_str()].iter().any(|target| {
                let pause = known.get(*target);
                pause.is_some_and(|pause| pause.until.is_none_or(|until| until.0 > wall))
            })
        };
        for (t, fact) in &self.facts {
            let (host, wall, known) = match fact {
                Fact::Pauses(now) => {
                    pauses.push((*t, now));
                    continue;
                }
                // It was decided on what was known then.
                Fact::Ordered {
                    order,
                    wall,
                    decided,
                    ..
                } => {
                    offset.insert(&order.host, wall - decided);
                    let known = pauses.iter().rfind(|(at, _)| at <= decided);
                    (&order.host, *wall, known)
                }
                // And the last look is made before the client is started.
                Fact::RestartBegan { host } => {
                    let wall = t + offset.get(host).copied().unwrap_or_default();
                    (host, wall, pauses.last())
                }
                _ => continue,
            };
            if known.is_some_and(|(_, known)| holds(known, host, wall)) {
                let what = format!("S26 big red button: {host} restarted while paused");
                self.fail(*t, &what);
            }
        }
    }

    /// A world lasts a day, in which Monday at nine comes once at most, whatever crashes, sleeps or clocks do.
    pub(super) fn one_report(&self) {
        let mut told: BTreeSet<EntryId> = BTreeSet::new();
        for (t, fact) in &self.facts {
            if let Fact::Mailed { entry, .. } = fact
                && entry.notification.event == EventKind::Report
            {
                told.insert(entry.id);
            }
            if told.len() > 1 {
                self.fail(*t, "two reports of one week");
            }
        }
    }
}
