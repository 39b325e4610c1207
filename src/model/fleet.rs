//! All we remember, and what of it changed since it was last written.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::rows::Rows;
use super::{
    AttemptId, BootId, Detour, Drills, Ending, Entry, EntryId, Finding, Flights, Heart, HostName,
    HostTrack, Incident, IncidentId, Index, Pause, Period, ProbeId, ProfileName, ProfileTrack,
    Settings, Slot, Timestamp, limits,
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
pub struct NetworkState {
    /// When the last canary probe that was answered began.
    pub answered: Option<Timestamp>,
    /// Since when no canary answers.
    pub down_since: Option<Timestamp>,
    /// When it was last found to be back; never written: what was asked before this process began nobody hears the answer of.
    #[serde(skip)]
    pub back: Option<Timestamp>,
    /// While it is down: some profile could not be judged, so people hear of it afterwards.
    pub blinded: bool,
    /// The next canary probe while the network is down.
    pub due: Option<Timestamp>,
    /// The canary probe under way in this process; never written.
    #[serde(skip)]
    pub in_flight: Option<(ProbeId, Timestamp)>,
    /// What the last canary probe said.
    pub detail: Finding,
}

/// What one recipient got lately.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Post {
    /// When mails left, oldest first; those of the last hour.
    pub sent: Vec<Timestamp>,
    /// Of these, those that began a thread, or belong to none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub begun: Vec<Timestamp>,
    /// So much is to be told that it is gathered: the next digest leaves then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Timestamp>,
    /// Threads that were told in a digest alone and are not over.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub gathered: BTreeSet<IncidentId>,
}

/// The part of the fleet that is one row.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CoreRow {
    /// Time.
    pub clock: FleetClock,
    /// Our own network.
    pub network: NetworkState,
    /// Last number given to an attempt.
    pub last_attempt: u64,
    /// Last number given to an outbox entry.
    pub last_entry: u64,
    /// Nothing is restarted before this: the state was damaged.
    pub quarantine: Option<Timestamp>,
    /// What an outside watcher hears of us.
    #[serde(default)]
    pub heart: Heart,
    /// By recipient: what left lately.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub posts: BTreeMap<String, Post>,
    /// By which relay mail leaves where the first did not work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detour: Option<Detour>,
    /// Certificate warnings that wait for others to go with them, and since when.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<(Timestamp, Ending)>,
    /// What the next weekly report covers, where one is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub week: Option<Period>,
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
    /// The last rehearsals; read from files, never written here.
    pub drills: Drills,
    /// The last write failed: nothing is done until one succeeds.
    pub unwritable: bool,
    /// The state itself cannot be used by this run, and a stand-in remembers who was told: nothing is restarted. Never written.
    pub stands_in: bool,
    /// Profiles by their next probe, those left out that are in flight or wait for room on their machine.
    pub agenda: BTreeSet<(Timestamp, ProfileName)>,
    /// Messages in transit.
    pub in_transit: BTreeSet<EntryId>,
    /// Probes in flight.
    pub probing: usize,
    /// Which probes are in flight, and who waits for them.
    pub flights: Flights,
    /// Probes that were due and not made, in this process.
    pub skipped: u64,
    /// Profiles whose last result waits for a canary, or for their host's SSH port.
    pub suspects: BTreeSet<ProfileName>,
    /// Last number given to a probe, in this process.
    pub last_probe: u64,
    /// What can be found without walking; true after [`Fleet::reindex`].
    pub index: Index,
    /// Finished slots that are neither written nor leaving, oldest first.
    pub(super) finished: VecDeque<(ProfileName, Slot)>,
    /// Those of a commit that has not ended.
    pub(super) finishing: Vec<(ProfileName, Slot)>,
    /// Rows that changed since the last [`Fleet::changes`].
    pub(super) touched: Rows,
    /// Rows of a commit that has not ended.
    pub(super) leaving: Rows,
    /// Rows that changed since the last [`Fleet::news`]; `None` while nobody follows.
    pub(super) unread: Option<Rows>,
}

impl Fleet {
    /// Our line of time, now.
    #[must_use]
    pub const fn now(&self) -> Timestamp {
        self.core.clock.now
    }

    /// What would be restarted could not be remembered, or what was is not known.
    #[must_use]
    pub const fn may_forget(&self) -> bool {
        self.unwritable || self.stands_in
    }

    /// An instant of our line as the wall clock shows it.
    #[must_use]
    pub const fn wall(&self, instant: Timestamp) -> Timestamp {
        Timestamp(instant.0.saturating_add(self.core.clock.skew_ms))
    }

    /// A profile's memory, for changing it; made when it is not there.
    pub fn profile_mut(&mut self, name: &ProfileName) -> &mut ProfileTrack {
        if !self.index.is_noted(name) {
            self.changing(|rows| rows.profile(name));
            self.index.profile_changes(name);
            self.index.noted = Some(name.clone());
        }
        self.profiles.entry(name.clone()).or_default()
    }

    /// Makes the memory of profiles that have none. Made together they lie close: one by one in their order, a map's nodes
    /// stay half empty.
    pub fn make(&mut self, names: impl Iterator<Item = ProfileName>) {
        let blank = names.map(|name| (name, ProfileTrack::default()));
        self.profiles.append(&mut blank.collect());
    }

    /// A host's memory, for changing it; made when it is not there.
    pub fn host_mut(&mut self, name: &HostName) -> &mut HostTrack {
        self.changing(|rows| rows.host(name));
        self.index.host_changes(name);
        self.hosts.entry(name.clone()).or_default()
    }

    /// An outbox entry, for changing it.
    pub fn entry_mut(&mut self, id: EntryId) -> Option<&mut Entry> {
        self.changing(|rows| rows.entry(id));
        self.outbox.get_mut(&id)
    }

    /// Adds an entry.
    pub fn queue(&mut self, entry: Entry) {
        self.changing(|rows| rows.entry(entry.id));
        self.outbox.insert(entry.id, entry);
    }

    /// Five minutes of a profile are over.
    pub fn finish(&mut self, name: &ProfileName, slot: Slot) {
        self.finished.push_back((name.clone(), slot));
        let surplus = self.finished.len().saturating_sub(limits::SLOTS_WAITING);
        self.finished.drain(..surplus);
    }

    /// Forgets a profile.
    pub fn forget_profile(&mut self, name: &ProfileName) {
        self.index.noted = None;
        self.changing(|rows| rows.profile(name));
        self.index.profile_changes(name);
        self.profiles.remove(name);
    }

    /// Forgets a host.
    pub fn forget_host(&mut self, name: &HostName) {
        self.changing(|rows| rows.host(name));
        self.index.host_changes(name);
        self.hosts.remove(name);
    }

    /// Forgets an entry.
    pub fn forget_entry(&mut self, id: EntryId) {
        self.changing(|rows| rows.entry(id));
        self.outbox.remove(&id);
    }

    fn changing(&mut self, name: impl Fn(&mut Rows)) {
        name(&mut self.touched);
        if let Some(unread) = &mut self.unread {
            name(unread);
        }
    }

    /// Lets go of the room that a map keeps free when names came into it in order: nearly half of all it takes.
    pub fn close_ranks(&mut self) {
        self.profiles = std::mem::take(&mut self.profiles).into_iter().collect();
    }

    /// Makes the indices say what the rows say.
    pub fn reindex(&mut self) {
        self.index.refresh(&self.profiles, &self.hosts);
    }

    /// Makes the indices anew, for rows that were just read and for the hosts of these settings.
    pub fn reindex_all(&mut self, settings: &Settings) {
        for name in self.profiles.keys() {
            self.index.profile_changes(name);
        }
        for name in self.hosts.keys() {
            self.index.host_changes(name);
        }
        self.index.enlist(settings);
        self.reindex();
    }

    /// Hosts whose restart is under way, also those no longer configured.
    pub fn hosts_in_restart(&self, now: Timestamp) -> impl Iterator<Item = &HostName> {
        let restarting = self.index.restarting.iter().rev();
        restarting
            .take_while(move |(deadline, _)| *deadline > now)
            .map(|(_, name)| name)
    }

    /// Whether the indices say what the rows say. Walks the whole fleet: for tests.
    #[must_use]
    pub fn is_indexed(&self) -> bool {
        self.index.is_true(&self.profiles, &self.hosts) && self.index.suspected == self.suspects
    }

    /// Profiles with an open incident. Walks the whole fleet; the rules ask `index.told`.
    pub fn open_incidents(&self) -> impl Iterator<Item = (&ProfileName, &Incident)> {
        self.profiles
            .iter()
            .filter_map(|(name, track)| Some((name, track.incident.as_deref()?)))
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
}
