//! The disk of a world. A commit is one transaction: it lands whole, or not at all. Where the disk takes its time, commits
//! run beside the prober as beside the engine's loop: results are judged and probes begin meanwhile, what else must be
//! durable joins the next one, and each act waits for the commit that holds its decision. Whether a commit that was under
//! way when the process died has landed is a matter of luck. What is written later never lands without what was written
//! before: SQLite's log is read up to its first frame that is not whole (`it::store::damage` shows that with real files).
//!
//! A rollback takes the last commits away again, as a damaged log or an old copy does. Commits for which acts wait carry a
//! number, and the mark beside the disk, which is raised before the acts leave, tells a disk that is behind it: that one is
//! damaged (`it::store::rolled`). What no act waited for may be lost without a word.

use std::collections::{BTreeMap, BTreeSet};

use probe::model::{
    AttemptId, Changes, CoreRow, Delivery, Effect, Entry, EntryId, Event, Fleet, HostName,
    HostTrack, IncidentId, ProfileName, ProfileTrack,
};

use probe::policy::{self, Release};

use super::World;
use super::things::{Due, Fact};

#[derive(Default, Clone)]
pub(super) struct Disk {
    pub(super) core: CoreRow,
    pub(super) profiles: BTreeMap<ProfileName, ProfileTrack>,
    pub(super) hosts: BTreeMap<HostName, HostTrack>,
    pub(super) outbox: BTreeMap<EntryId, Entry>,
    /// Threads of mails that go on, and how many messages each has.
    threads: BTreeMap<IncidentId, u32>,
    /// Commits for which acts waited.
    pub(super) number: u64,
}

/// Commits that a rollback can take away at most.
const KEPT: usize = 8;

fn put<K: Ord, V>(table: &mut BTreeMap<K, V>, rows: Vec<(K, Option<V>)>) {
    for (key, row) in rows {
        match row {
            Some(row) => drop(table.insert(key, row)),
            None => drop(table.remove(&key)),
        }
    }
}

impl Disk {
    /// Takes one commit; says what of it people are to hear of, where anything is.
    pub(super) fn write(&mut self, changes: Changes) -> Option<Fact> {
        let (mut queued, mut left) = (Vec::new(), Vec::new());
        for (id, row) in &changes.outbox {
            match (row, self.outbox.get(id)) {
                (Some(entry), None) => {
                    for told in entry.notification.told() {
                        let incident = told.incident.clone();
                        queued.extend(
                            incident.map(|incident| (*id, incident, told.sequence, told.event)),
                        );
                    }
                }
                (None, Some(entry)) => left.push((*id, entry.is_dead() && has_reason(entry))),
                _ => {}
            }
        }
        self.number += u64::from(changes.durable);
        self.core = changes.core;
        put(&mut self.profiles, changes.profiles);
        put(&mut self.hosts, changes.hosts);
        put(&mut self.outbox, changes.outbox);
        let incidents = self
            .profiles
            .values()
            .filter_map(|row| row.telling.as_deref());
        let speaking = incidents.filter(|incident| !incident.led && incident.sequence > 0);
        let mut threads: BTreeMap<IncidentId, u32> = speaking
            .map(|incident| (incident.thread.clone(), incident.sequence))
            .collect();
        // The thread of a site that flaps outlives the single incidents.
        let flaps = self.profiles.values().filter_map(|row| row.flap.as_ref());
        for told in flaps.filter_map(|flap| flap.told.as_ref()) {
            let sequence = threads.entry(told.thread.clone()).or_default();
            *sequence = told.sequence.max(*sequence);
        }
        let unjudged = self.profiles.values().map(|row| row.unjudged.as_ref());
        let told = unjudged.filter_map(|unjudged| unjudged?.told.clone());
        threads.extend(told.map(|thread| (thread, 1)));
        if queued.is_empty() && left.is_empty() && threads == self.threads {
            return None;
        }
        self.threads.clone_from(&threads);
        Some(Fact::Wrote {
            queued,
            left,
            threads,
        })
    }

    /// What was written, with what is never written in it; a start forgets that.
    pub(super) fn copy(&self) -> Fleet {
        let mut fleet = Fleet::default();
        fleet.core = self.core.clone();
        fleet.profiles = self.profiles.clone();
        fleet.hosts = self.hosts.clone();
        fleet.outbox = self.outbox.clone();
        fleet
    }

    /// Through JSON, as the real store keeps it: what is not written is not read; and S32: what is read is what was written.
    pub(super) fn read(&self) -> Fleet {
        fn again<T: serde::Serialize + serde::de::DeserializeOwned>(value: &T) -> T {
            let written = serde_json::to_string(value).unwrap();
            let read: T = serde_json::from_str(&written).unwrap();
            assert_eq!(serde_json::to_string(&read).unwrap(), written, "S32 state");
            read
        }
        fn table<K: Ord + Clone, V: serde::Serialize + serde::de::DeserializeOwned>(
            rows: &BTreeMap<K, V>,
        ) -> BTreeMap<K, V> {
            let rows = rows.iter();
            rows.map(|(key, row)| (key.clone(), again(row))).collect()
        }
        let mut fleet = Fleet::default();
        fleet.core = again(&self.core);
        fleet.profiles = table(&self.profiles);
        fleet.hosts = table(&self.hosts);
        fleet.outbox = table(&self.outbox);
        fleet
    }
}

fn has_reason(entry: &Entry) -> bool {
    matches!(&entry.last, Some(Delivery::Rejected { reason }) if !reason.is_empty())
}

/// What waits for a commit.
#[derive(Default)]
pub(super) struct Load {
    acts: Vec<Effect>,
    rearmed: bool,
    durable: bool,
}

pub(super) struct Writing {
    changes: Changes,
    load: Load,
    unsure: Vec<(i64, Fact)>,
    /// By how much the wall clock was wrong.
    offset: i64,
}

impl World {
    pub(super) fn lands(&mut self, changes: Changes, unsure: Vec<(i64, Fact)>, offset: i64) {
        (self.written_offset, self.written_boot) = (offset, self.boot);
        if self.keeps_old {
            self.old.push_back(self.disk.clone());
            let surplus = self.old.len().saturating_sub(KEPT);
            self.old.drain(..surplus);
        }
        let wrote = self.disk.write(changes);
        self.facts.extend(unsure);
        if let Some(wrote) = wrote {
            self.fact(wrote);
        }
    }

    /// The last commit was for acts: before they leave, the mark says so.
    pub(super) fn marked(&mut self) {
        self.mark = self.disk.number;
    }

    /// The last commits are taken away, all that are kept where there are fewer; a run that is under way is killed. Says
    /// whether something was forgotten that was done: the state is then damaged, and begun anew.
    pub fn rolls_back(&mut self, commits: usize) -> bool {
        self.crash();
        let left = self.old.len().saturating_sub(commits);
        if left < self.old.len() {
            self.disk = self.old[left].clone();
            self.old.truncate(left);
        }
        let is_behind = self.disk.number < self.mark;
        if is_behind {
            self.begins_anew();
        }
        is_behind
    }

    /// The state is moved aside; the new one goes on counting.
    pub(super) fn begins_anew(&mut self) {
        self.disk = Disk {
            number: self.mark,
            ..Disk::default()
        };
        self.old.clear();
        self.damaged = true;
    }

    /// Nothing is being written, and nothing must be.
    pub(super) fn is_idle(&self) -> bool {
        self.writing.is_none() && !self.next.durable
    }

    /// The process died: what was being written is on the disk, or it is not.
    pub(super) fn lost(&mut self) {
        self.next = Load::default();
        self.released.clear();
        if let Some(writing) = self.writing.take()
            && self.rng.bool()
        {
            self.lands(writing.changes, writing.unsure, writing.offset);
        }
        self.unsure.clear();
    }

    /// Leaves a decision to a disk that takes its time.
    pub(super) fn joins(&mut self, acts: Vec<Effect>, durable: bool, rearmed: bool) {
        self.next.durable |= durable || !acts.is_empty();
        self.next.acts.extend(acts);
        self.next.rearmed |= rearmed;
        let due = self.t - self.last_commit >= 10_000;
        let Some(fleet) = self.fleet.as_mut().filter(|_| self.writing.is_none()) else {
            return;
        };
        if self.next.durable || (due && (fleet.is_touched() || fleet.unwritable)) {
            self.last_commit = self.t;
            let mut changes = fleet.changes();
            changes.durable = self.next.durable;
            self.writing = Some(Writing {
                changes,
                load: std::mem::take(&mut self.next),
                unsure: std::mem::take(&mut self.unsure),
                offset: self.stepped_offset,
            });
            let takes = self.rng.i64(1..=self.disk_takes);
            self.push(self.t + takes, Due::Written(self.generation));
        }
    }

    /// A commit ended: its acts leave after the step that follows, or are taken back.
    pub(super) fn written(&mut self) {
        let Some(Writing {
            changes,
            mut load,
            mut unsure,
            offset,
        }) = self.writing.take()
        else {
            return;
        };
        let Some(fleet) = self.fleet.as_mut() else {
            return;
        };
        if self.disk_writable {
            fleet.written();
            let event = if fleet.unwritable {
                Event::Recorded
            } else {
                Event::Ticked
            };
            self.lands(changes, unsure, offset);
            self.marked();
            if load.rearmed {
                self.rearm.clear();
            }
            self.released.append(&mut load.acts);
            if self.survives() {
                self.decide(event);
            }
        } else {
            fleet.unwritten();
            unsure.append(&mut self.unsure);
            self.unsure = unsure;
            load.acts.append(&mut self.next.acts);
            self.next.rearmed |= load.rearmed;
            self.next.durable = false;
            self.decide(take_back(load.acts, true));
        }
    }

    /// Carries out acts that are durable; what time has overtaken is not begun.
    pub(super) fn release(&mut self) {
        for act in std::mem::take(&mut self.released) {
            let Some(fleet) = &self.fleet else { return };
            if let Effect::Recover(order) = &act {
                match policy::release(fleet, order) {
                    Release::Within(_) => {}
                    Release::Late(event) => {
                        self.push(self.t, Due::Event(self.generation, event));
                        continue;
                    }
                    Release::Overtaken => continue,
                }
            }
            self.dispatch(act);
            if !self.survives() {
                return;
            }
        }
    }

    /// When this attempt was decided, in true time and as the wall clock showed it.
    pub(super) fn decided(&self, attempt: AttemptId) -> (i64, i64) {
        let decided = self.decided.get(&attempt).copied();
        decided.unwrap_or((self.t, self.t + self.wall_offset))
    }
}

/// The event that takes back orders which were not carried out.
pub(super) fn take_back(acts: Vec<Effect>, unwritable: bool) -> Event {
    let (mut attempts, mut entries) = (Vec::new(), BTreeSet::new());
    for effect in acts {
        match effect {
            Effect::Recover(order) => attempts.push((order.host, order.attempt)),
            Effect::Notify(entry) => _ = entries.insert(entry),
            _ => {}
        }
    }
    Event::TakenBack {
        attempts,
        entries: entries.into_iter().collect(),
        unwritable,
    }
}
