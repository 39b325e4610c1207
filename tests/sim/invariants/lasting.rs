//! S13, S31: what is on the disk.

use std::collections::{BTreeMap, BTreeSet};

use probe::model::{Delivery, EntryId, Happened, IncidentId, limits};

use super::super::world::Fact;
use super::Course;
use super::told::is_end;

impl Course<'_> {
    /// What opens, goes on or closes and the message that tells it become durable together; an entry leaves the outbox
    /// only when a relay said that it took it, or as a dead letter with a reason.
    pub(super) fn s13_no_loss(&self) {
        let mut messages: BTreeSet<(&IncidentId, u32)> = BTreeSet::new();
        let mut ended: BTreeSet<&IncidentId> = BTreeSet::new();
        let mut going: BTreeMap<IncidentId, u32> = BTreeMap::new();
        let mut written: BTreeMap<EntryId, &IncidentId> = BTreeMap::new();
        let mut merged: BTreeMap<EntryId, EntryId> = BTreeMap::new();
        let (mut sent, mut taken) = (BTreeSet::<EntryId>::new(), BTreeSet::<EntryId>::new());
        for (t, fact) in &self.facts {
            match fact {
                Fact::Mailed { entry, taken: true } => _ = taken.insert(entry.id),
                // Another message holds what it told, in the same write.
                Fact::Noted(Happened::Merged { entry, into }) => _ = merged.insert(*entry, *into),
                Fact::Noted(Happened::Delivered {
                    entry,
                    delivery: Delivery::Sent { .. },
                    ..
                }) => _ = sent.insert(*entry),
                Fact::Wrote {
                    queued,
                    left,
                    threads,
                } => {
                    for (id, incident, sequence, event) in queued {
                        messages.insert((incident, *sequence));
                        written.insert(*id, incident);
                        if is_end(*event) {
                            ended.insert(incident);
                        }
                    }
                    for (thread, told) in threads {
                        // What a later message of the thread replaced before the disk took it never was on it.
                        let replaced = merged.iter().filter(|(entry, into)| {
                            !written.contains_key(*entry) && written.get(*into) == Some(&thread)
                        });
                        let mut missing = (0..*told).filter(|n| !messages.contains(&(thread, *n)));
                        if let Some(lost) = missing.nth(replaced.count()) {
                            self.fail(*t, &format!("S13 no loss: message {lost} of {thread} was told, and is not on the disk"));
                        }
                    }
                    for thread in going.keys().filter(|thread| !threads.contains_key(*thread)) {
                        if !ended.contains(thread) {
                            self.fail(*t, &format!("S13 no loss: {thread} is over on the disk, and its last message is not there"));
                        }
                    }
                    going.clone_from(threads);
                    for (id, dead) in left {
                        let is_sent = sent.contains(id) && taken.contains(id);
                        let holds = merged.get(id).is_some_and(|into| into > id);
                        if !dead && !is_sent && !holds {
                            self.fail(
                                *t,
                                &format!(
                                    "S13 no loss: entry {id} left the outbox, and no relay took it"
                                ),
                            );
                        }
                    }
                }
                _ => {}
            }
        }
    }

    /// What grows has its cap, in memory and on the disk.
    pub(super) fn s31_bounds(&self) {
        let fleet = self.world.fleet();
        let dead = fleet.outbox.values().filter(|entry| entry.is_dead());
        let mut bounds = vec![
            ("dead letters", dead.count(), limits::DEAD_LETTERS),
            ("outbox", fleet.outbox.len(), 10_000),
        ];
        for (name, track) in &fleet.profiles {
            let threshold = self.world.settings.profiles.get(name);
            let threshold = threshold.map_or(0, |profile| profile.failure_threshold as usize);
            bounds.push(("evidence", track.evidence.began.len(), threshold));
            if let Some(incident) = &track.incident {
                let attempts = &incident.attempts;
                let printed = attempts.iter().filter(|attempt| {
                    let report = attempt.report.as_ref();
                    report.is_some_and(|report| !report.output.is_empty())
                });
                bounds.push(("attempts", attempts.len(), limits::ATTEMPTS_KEPT));
                bounds.push(("outputs", printed.count(), limits::OUTPUTS_KEPT));
            }
        }
        for (name, track) in &fleet.hosts {
            if let Some(host) = self.world.settings.hosts.get(name) {
                // A budget that was made smaller meanwhile leaves more.
                let most = host.restart.budget.restarts as usize;
                bounds.push(("starts", track.starts.len(), most.max(1)));
            }
        }
        for (what, counted, most) in bounds {
            if counted > most {
                let what = format!("S31 bounds: {counted} of {what}, where {most} may be");
                self.fail(self.world.t, &what);
            }
        }
    }
}
