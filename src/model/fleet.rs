//! All we remember, and what of it changed since it was last written.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    AttemptId, BootId, Entry, EntryId, HostName, HostTrack, Incident, Note, Pause, ProbeId,
    ProfileName, ProfileTrack, Timestamp,
};

/// The fleet's own line of time: never runs backwards, never jumps while the machine stays up.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FleetClock {
    /// The latest instant.
    pub now: Timestamp,
    /// The boot in which it was read.
    pub boot: BootId,
    /// `CLOCK_BOOTTIME` at that instant.
    pub since_boot: Duration,
    /// Wall clock minus our line, in milliseconds: for showing times to people.
    pub skew_ms: i64,
}

/// What we know of our own network.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Network {
    /// When the last canary probe that was answered began.
    pub answered: Option<Timestamp>,
    /// Since when no canary answers.
    pub down_since: Option<Timestamp>,
    /// While it is down: some profile could not be judged, so people hear of it afterwards.
    pub blinded: bool,
    /// The next canary probe while the network is down.
    pub due: Option<Timestamp>,
    /// The canary probe under way in this process; never written.
    #[serde(skip)]
    pub in_flight: Option<(ProbeId, Timestamp)>,
    /// What the last canary probe said.
    pub detail: String,
}

/// The part of the fleet that is one row.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CoreRow {
    /// Time.
    pub clock: FleetClock,
    /// Our own network.
    pub network: Network,
    /// Last number given to an attempt.
    pub last_attempt: u64,
    /// Last number given to an outbox entry.
    pub last_entry: u64,
    /// Nothing is restarted before this: the state was damaged.
    pub quarantine: Option<Timestamp>,
}

/// All we remember.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fleet {
    /// One row.
    pub core: CoreRow,
    /// A row each.
    pub profiles: BTreeMap<ProfileName, ProfileTrack>,
    /// A row each.
    pub hosts: BTreeMap<HostName, HostTrack>,
    /// A row each.
    pub outbox: BTreeMap<EntryId, Entry>,
    /// What people ordered (`probe pause`); read from files, never written here.
    pub pauses: BTreeMap<String, Pause>,
    /// The last write failed: nothing is done until one succeeds.
    pub unwritable: bool,
    /// Profiles by their next probe, those in flight left out.
    pub agenda: BTreeSet<(Timestamp, ProfileName)>,
    /// Messages in transit.
    pub in_transit: BTreeSet<EntryId>,
    /// Probes in flight.
    pub probing: usize,
    /// Profiles whose last result waits for a canary.
    pub suspects: usize,
    /// Last number given to a probe, in this process.
    pub last_probe: u64,
    touched: Touched,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Touched {
    profiles: BTreeSet<ProfileName>,
    hosts: BTreeSet<HostName>,
    outbox: BTreeSet<EntryId>,
}

/// What changed, as rows; `None` deletes.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// Always.
    pub core: CoreRow,
    /// Profiles.
    pub profiles: Vec<(ProfileName, Option<ProfileTrack>)>,
    /// Hosts.
    pub hosts: Vec<(HostName, Option<HostTrack>)>,
    /// Outbox entries.
    pub outbox: Vec<(EntryId, Option<Entry>)>,
    /// What happened, with its wall-clock time.
    pub journal: Vec<(Timestamp, Note)>,
}

impl Fleet {
    /// Our line of time, now.
    #[must_use]
    pub const fn now(&self) -> Timestamp {
        self.core.clock.now
    }

    /// An instant of our line as the wall clock shows it.
    #[must_use]
    pub const fn wall(&self, instant: Timestamp) -> Timestamp {
        Timestamp(instant.0.saturating_add(self.core.clock.skew_ms))
    }

    /// A profile's memory, for changing it; made when it is not there.
    pub fn profile_mut(&mut self, name: &ProfileName) -> &mut ProfileTrack {
        if !self.touched.profiles.contains(name) {
            self.touched.profiles.insert(name.clone());
        }
        self.profiles.entry(name.clone()).or_default()
    }

    /// A host's memory, for changing it; made when it is not there.
    pub fn host_mut(&mut self, name: &HostName) -> &mut HostTrack {
        if !self.touched.hosts.contains(name) {
            self.touched.hosts.insert(name.clone());
        }
        self.hosts.entry(name.clone()).or_default()
    }

    /// An outbox entry, for changing it.
    pub fn entry_mut(&mut self, id: EntryId) -> Option<&mut Entry> {
        self.touched.outbox.insert(id);
        self.outbox.get_mut(&id)
    }

    /// Adds an entry.
    pub fn queue(&mut self, entry: Entry) {
        self.touched.outbox.insert(entry.id);
        self.outbox.insert(entry.id, entry);
    }

    /// Forgets a profile.
    pub fn forget_profile(&mut self, name: &ProfileName) {
        self.touched.profiles.insert(name.clone());
        self.profiles.remove(name);
    }

    /// Forgets a host.
    pub fn forget_host(&mut self, name: &HostName) {
        self.touched.hosts.insert(name.clone());
        self.hosts.remove(name);
    }

    /// Forgets an entry.
    pub fn forget_entry(&mut self, id: EntryId) {
        self.touched.outbox.insert(id);
        self.outbox.remove(&id);
    }

    /// Profiles with an open incident.
    pub fn open_incidents(&self) -> impl Iterator<Item = (&ProfileName, &Incident)> {
        self.profiles
            .iter()
            .filter_map(|(name, track)| Some((name, track.incident.as_ref()?)))
    }

    /// The next attempt's number.
    pub fn next_attempt(&mut self) -> AttemptId {
        self.core.last_attempt += 1;
        AttemptId(self.core.last_attempt)
    }

    /// The next entry's number.
    pub fn next_entry(&mut self) -> EntryId {
        self.core.last_entry += 1;
        EntryId(self.core.last_entry)
    }

    /// The next probe's number.
    pub fn next_probe(&mut self) -> ProbeId {
        self.last_probe += 1;
        ProbeId(self.last_probe)
    }

    /// Whether something is not written yet.
    #[must_use]
    pub fn is_touched(&self) -> bool {
        !(self.touched.profiles.is_empty()
            && self.touched.hosts.is_empty()
            && self.touched.outbox.is_empty())
    }

    /// The rows that changed since the last [`Fleet::written`].
    #[must_use]
    pub fn changes(&self) -> Changes {
        Changes {
            core: self.core.clone(),
            profiles: self
                .touched
                .profiles
                .iter()
                .map(|name| (name.clone(), self.profiles.get(name).cloned()))
                .collect(),
            hosts: self
                .touched
                .hosts
                .iter()
                .map(|name| (name.clone(), self.hosts.get(name).cloned()))
                .collect(),
            outbox: self
                .touched
                .outbox
                .iter()
                .map(|id| (*id, self.outbox.get(id).cloned()))
                .collect(),
            journal: Vec::new(),
        }
    }

    /// The rows of the last [`Fleet::changes`] are durable.
    pub fn written(&mut self) {
        self.touched = Touched::default();
    }

    /// Whether an entry is not written yet.
    #[must_use]
    pub fn is_unwritten(&self, id: EntryId) -> bool {
        self.touched.outbox.contains(&id)
    }
}
