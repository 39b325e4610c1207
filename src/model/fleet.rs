//! All that is remembered ([`Fleet`]): our line of time, our own network, a row for each profile, host and outbox
//! entry, and which of these rows changed since they were last written.
//!
//! [`CoreRow`], profiles, hosts and outbox are written to the state directory; [`rows`](super::rows) says how. Pauses
//! and drills are read from files there. The other fields are the working memory of this process.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::rows::{Rows, Waiting};
use super::{
    Ack, Approval, AttemptId, BootId, Detour, Drills, Ending, Entry, EntryId, Finding, Flights,
    Heart, HostName, HostTrack, Incident, IncidentId, Index, Pause, Period, ProbeId, ProfileName,
    ProfileTrack, Rehearsal, Settings, Share, Slot, Timestamp,
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
    /// When it was last found to be back; never written, because this process gets no answer that an earlier one asked
    /// for.
    #[serde(skip)]
    pub back: Option<Timestamp>,
    /// Some profile could not be judged while it was down, so people are told afterwards.
    pub blinded: bool,
    /// The next canary probe while the network is down.
    pub due: Option<Timestamp>,
    /// The canary probe under way in this process; never written.
    #[serde(skip)]
    pub in_flight: Option<(ProbeId, Timestamp)>,
    /// What the last canary probe said.
    pub detail: Finding,
}

/// What was sent to one recipient lately.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Post {
    /// When mails of the last hour left, oldest first.
    pub sent: Vec<Timestamp>,
    /// When those of them left that began a thread or belong to none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub begun: Vec<Timestamp>,
    /// When the next digest leaves; `None` while messages leave one by one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Timestamp>,
    /// Threads that are not over and were told only in a digest.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub gathered: BTreeSet<IncidentId>,
}

/// The part of the fleet that is one row.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CoreRow {
    /// The line of time.
    pub clock: FleetClock,
    /// Our own network.
    pub network: NetworkState,
    /// Last number given to an attempt.
    pub last_attempt: u64,
    /// Last number given to an outbox entry.
    pub last_entry: u64,
    /// Nothing is restarted before this, because the state was damaged.
    pub quarantine: Option<Timestamp>,
    /// Since when nothing is restarted, because restarts of hosts that failed together did not help.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latched: Option<Timestamp>,
    /// What is remembered of the heartbeat.
    #[serde(default)]
    pub heart: Heart,
    /// By recipient: what was sent lately.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub posts: BTreeMap<String, Post>,
    /// The relay that mail leaves by while the first one does not work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detour: Option<Detour>,
    /// Certificate warnings that wait for others, to leave in one mail, and since when each waits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<(Timestamp, Ending)>,
    /// The period of the next weekly report, where one is configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub week: Option<Period>,
}

/// All that is remembered.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fleet {
    /// What is one row of its own.
    pub core: CoreRow,
    /// One row per profile.
    pub profiles: BTreeMap<ProfileName, ProfileTrack>,
    /// One row per host.
    pub hosts: BTreeMap<HostName, HostTrack>,
    /// One row per outbox entry.
    pub outbox: BTreeMap<EntryId, Entry>,
    /// What people ordered (`probe pause`); read from files, never written here.
    pub pauses: BTreeMap<String, Pause>,
    /// What people approved (`probe approve`), by host; read from files, never written here.
    pub approvals: BTreeMap<String, Approval>,
    /// Which hosts people want restarted for a rehearsal (`probe drill --restart`); read from files, never written here.
    pub rehearsals: BTreeMap<String, Rehearsal>,
    /// What people acknowledged (`probe ack`), by thread; read from files, never written here.
    pub acks: BTreeMap<String, Ack>,
    /// What `probe drill` found last; read from files, never written here.
    pub drills: Drills,
    /// The last write failed: nothing is done until one succeeds.
    pub unwritable: bool,
    /// This run cannot use the state: a stand-in remembers who was told, and nothing is restarted. Never written.
    pub stands_in: bool,
    /// Profiles by their next probe, without those in flight or waiting for room on their machine.
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
    /// What can be found without walking the fleet; true after [`Fleet::reindex`].
    pub index: Index,
    /// Finished slots that are not written yet.
    pub(super) slots: Waiting<(ProfileName, Slot)>,
    /// Parts of hours and days that are not written yet.
    pub(super) shares: Waiting<(ProfileName, Share)>,
    /// Rows that changed since the last [`Fleet::changes`].
    pub(super) touched: Rows,
    /// Rows in the commit under way.
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

    /// A restart could not be remembered, or those before are not known: nothing may be restarted.
    #[must_use]
    pub const fn may_forget(&self) -> bool {
        self.unwritable || self.stands_in
    }

    /// An instant of our line as the wall clock shows it.
    #[must_use]
    pub const fn wall(&self, instant: Timestamp) -> Timestamp {
        Timestamp(instant.0.saturating_add(self.core.clock.skew_ms))
    }

    /// A profile's row, to be changed; made if there is none.
    pub fn profile_mut(&mut self, name: &ProfileName) -> &mut ProfileTrack {
        if !self.index.is_noted(name) {
            self.changing(|rows| rows.profile(name));
            self.index.profile_changes(name);
            self.index.noted = Some(name.clone());
        }
        self.profiles.entry(name.clone()).or_default()
    }

    /// Makes the rows of these profiles, all at once: inserted one by one in name order, they would leave the map's
    /// nodes half empty.
    pub fn make(&mut self, names: impl Iterator<Item = ProfileName>) {
        let blank = names.map(|name| (name, ProfileTrack::default()));
        self.profiles.append(&mut blank.collect());
    }

    /// A host's row, to be changed; made if there is none.
    pub fn host_mut(&mut self, name: &HostName) -> &mut HostTrack {
        self.changing(|rows| rows.host(name));
        self.index.host_changes(name);
        self.hosts.entry(name.clone()).or_default()
    }

    /// An outbox entry, to be changed.
    pub fn entry_mut(&mut self, id: EntryId) -> Option<&mut Entry> {
        self.changing(|rows| rows.entry(id));
        self.outbox.get_mut(&id)
    }

    /// Adds an entry.
    pub fn queue(&mut self, entry: Entry) {
        self.changing(|rows| rows.entry(entry.id));
        self.outbox.insert(entry.id, entry);
    }

    /// Keeps a finished slot of a profile for the next commit.
    pub fn finish(&mut self, name: &ProfileName, slot: Slot) {
        self.slots.push((name.clone(), slot));
    }

    /// Keeps a part of an hour and a day of a profile for the next commit.
    pub fn roll_up(&mut self, name: &ProfileName, share: Share) {
        self.shares.push((name.clone(), share));
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

    /// Frees the memory that the map of profiles wastes when names were inserted in order: nearly half of it.
    pub fn close_ranks(&mut self) {
        self.profiles = std::mem::take(&mut self.profiles).into_iter().collect();
    }

    /// Brings the indices up to date with the changed rows.
    pub fn reindex(&mut self) {
        self.index.refresh(&self.profiles, &self.hosts);
    }

    /// Builds the indices anew, for rows that were just read and for the hosts of these settings.
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

    /// Whether the indices agree with the rows. Walks the whole fleet: for tests.
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
