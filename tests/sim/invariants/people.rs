//! S26: what people forbade; and what they asked for: one report a week.

use std::collections::BTreeMap;

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

    /// Two reports lie half a week apart on our own line of time, whatever crashes, sleeps or clocks do; one may arrive twice.
    pub(super) fn one_report(&self) {
        const APART: i64 = 84 * 3_600_000;
        let mut last: Option<(i64, EntryId)> = None;
        for (t, fact) in &self.facts {
            if let Fact::Mailed { entry, .. } = fact
                && entry.notification.event == EventKind::Report
                && last.is_none_or(|(_, id)| id != entry.id)
            {
                // Mail may leave late, the next one in time: each counts from when it was written, on our own line of time.
                let at = entry.queued.0;
                if last.is_some_and(|(before, _)| at - before < APART) {
                    self.fail(*t, "two reports of one week");
                }
                let unseen = entry.notification.week.as_ref();
                if unseen.is_some_and(|week| week.blind + week.away > week.span) {
                    self.fail(*t, "a week of which more was not seen than it has");
                }
                last = Some((at, entry.id));
            }
        }
    }
}
