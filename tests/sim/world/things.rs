//! What a world is made of, and what is remembered of its course.

use std::collections::BTreeMap;

use probe::model::{
    Ailment, Cause, Changes, CoreRow, Entry, EntryId, Event, Fleet, HostName, HostTrack, Note,
    Pause, ProfileName, ProfileTrack, Reach, RecoverOrder,
};

use super::World;

/// What a restart does to a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heals {
    Yes,
    No,
    /// For so many milliseconds.
    For(i64),
}

/// What becomes of an SSH login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ssh {
    Ok,
    /// The connection is lost in the middle; the machine finishes.
    Lost,
    /// Refused: nothing is executed.
    Closed,
    /// The port is as silent as a machine that is off.
    Silent,
    /// The host key changed.
    KeyChanged,
}

#[derive(Debug, Clone)]
pub struct Machine {
    /// What every site on it shows; `None`: well.
    pub cause: Option<Cause>,
    pub heals: Heals,
    pub ssh: Ssh,
    /// Milliseconds.
    pub takes: i64,
    pub busy: bool,
    /// Since when it is ill, in true time.
    pub ill_since: Option<i64>,
    /// What it says of itself beside that, to whoever looks.
    pub short: Option<Ailment>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mail {
    Up,
    Down,
    /// Takes the message and breaks before saying so.
    Unclear,
    /// Refuses it for good.
    Refuses,
}

/// What truly happened.
#[derive(Debug, Clone)]
pub enum Fact {
    Said(String),
    Started,
    Ended,
    Crashed,
    /// A result that the prober will not forget: when the probe began, and what it found.
    Result {
        profile: ProfileName,
        began: i64,
        cause: Option<Cause>,
    },
    /// A result reached a running prober, whatever became of it.
    Arrived {
        profile: ProfileName,
        cause: Option<Cause>,
    },
    Canary {
        began: i64,
        answered: bool,
    },
    /// A host's SSH port was tried.
    Reached {
        host: HostName,
        began: i64,
        reach: Reach,
    },
    /// A host was looked at, and this is what speaks against restarting it; `None` where nobody got facts.
    Looked {
        host: HostName,
        began: i64,
        facts: Option<Option<Ailment>>,
        stuck: bool,
    },
    /// An order left the prober, resting on this durable fleet.
    Ordered {
        /// Attempts since proven health, this one included.
        attempts: u32,
        order: RecoverOrder,
        durable: bool,
        wall: i64,
    },
    /// What people had ordered from then on, as far as a running prober had read it.
    Pauses(BTreeMap<String, Pause>),
    RestartBegan {
        host: HostName,
    },
    RestartEnded {
        host: HostName,
    },
    Noted(Note),
    Mailed {
        entry: Box<Entry>,
        taken: bool,
    },
}

pub(super) enum Due {
    Event(u64, Event),
    Wake(u64),
    Limit(u64),
    Cron,
    Begins(u64, RecoverOrder),
    Finishes(HostName),
    Delivers(u64, EntryId),
    Script(Box<dyn FnOnce(&mut World)>),
}

pub(super) struct Item(pub(super) i64, pub(super) u64, pub(super) Due);
impl PartialEq for Item {
    fn eq(&self, other: &Self) -> bool {
        (self.0, self.1) == (other.0, other.1)
    }
}
impl Eq for Item {}
impl PartialOrd for Item {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Item {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.0, self.1).cmp(&(other.0, other.1))
    }
}

#[derive(Default, Clone)]
pub(super) struct Disk {
    pub(super) core: CoreRow,
    pub(super) profiles: BTreeMap<ProfileName, ProfileTrack>,
    pub(super) hosts: BTreeMap<HostName, HostTrack>,
    pub(super) outbox: BTreeMap<EntryId, Entry>,
}

fn put<K: Ord, V>(table: &mut BTreeMap<K, V>, rows: Vec<(K, Option<V>)>) {
    for (key, row) in rows {
        match row {
            Some(row) => drop(table.insert(key, row)),
            None => drop(table.remove(&key)),
        }
    }
}

impl Disk {
    pub(super) fn write(&mut self, changes: Changes) {
        self.core = changes.core;
        put(&mut self.profiles, changes.profiles);
        put(&mut self.hosts, changes.hosts);
        put(&mut self.outbox, changes.outbox);
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

    /// Through JSON, as the real store keeps it: what is not written is not read.
    pub(super) fn read(&self) -> Fleet {
        fn again<T: serde::Serialize + serde::de::DeserializeOwned>(value: &T) -> T {
            serde_json::from_str(&serde_json::to_string(value).unwrap()).unwrap()
        }
        let mut fleet = Fleet::default();
        fleet.core = again(&self.core);
        fleet.profiles = self
            .profiles
            .iter()
            .map(|(name, row)| (name.clone(), again(row)))
            .collect();
        fleet.hosts = self
            .hosts
            .iter()
            .map(|(name, row)| (name.clone(), again(row)))
            .collect();
        fleet.outbox = self
            .outbox
            .iter()
            .map(|(id, row)| (*id, again(row)))
            .collect();
        fleet
    }
}
