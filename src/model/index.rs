//! Indices: what of the fleet can be found without walking it, such as hosts by when the rules must look at them again.
//!
//! An index is derived from the rows, never written, and ignored by `PartialEq`. A row that is handed out to be changed
//! is stale until [`Fleet::reindex`](super::Fleet::reindex) has read it again. That costs in proportion to the stale
//! rows, not to all rows.

use std::collections::{BTreeMap, BTreeSet};

use super::{Hold, HostName, HostTrack, ProfileName, ProfileTrack, Stage, Standing, Timestamp};
use super::{Settings, limits};

/// The lists of stale rows keep room for so many from one decision to the next.
const KEPT: usize = 64;

/// The indices of a fleet.
#[derive(Debug, Clone, Default)]
pub struct Index {
    /// The profiles of each configured host that has some, in name order.
    pub members: BTreeMap<HostName, Vec<ProfileName>>,
    /// Profiles that speak for a thread, by when people last heard of it plus
    /// [`Telling::put_off`](super::Telling::put_off).
    pub told: BTreeSet<(Timestamp, ProfileName)>,
    /// Profiles with an open incident, also those no longer configured.
    pub open: BTreeSet<ProfileName>,
    /// Profiles that speak for a thread of which people have not heard yet.
    pub untold: BTreeSet<ProfileName>,
    /// Profiles that speak for a thread, by since when it has other sites than people were told.
    pub news: BTreeSet<(Timestamp, ProfileName)>,
    /// Profiles of which people were told that they flap, by when they last went down or came back.
    pub flapping: BTreeSet<(Timestamp, ProfileName)>,
    /// Profiles whose last result waits for a canary, or for their host's SSH port.
    pub suspected: BTreeSet<ProfileName>,
    /// Profiles of which people are to be told that they cannot be judged.
    pub unjudged: BTreeSet<ProfileName>,
    /// Profiles of which people were told that they cannot be judged, by when that began.
    pub blanks: BTreeSet<(Timestamp, ProfileName)>,
    /// Profiles whose last verdict was unknown.
    pub unknown: BTreeSet<ProfileName>,
    /// Profiles that are failing or down.
    pub ailing: BTreeSet<ProfileName>,
    /// Hosts by when the rules must look at them again.
    pub wakes: BTreeSet<(Timestamp, HostName)>,
    /// Hosts that people paused, by when the pause ends on the wall clock.
    pub paused: BTreeSet<(Timestamp, HostName)>,
    /// Hosts by when they began to fail.
    pub onsets: BTreeSet<(Timestamp, HostName)>,
    /// Hosts by their last restart.
    pub started: BTreeSet<(Timestamp, HostName)>,
    /// Hosts in restart, by its deadline; also those no longer configured.
    pub restarting: BTreeSet<(Timestamp, HostName)>,
    /// Hosts with a hold.
    pub held: BTreeSet<HostName>,
    /// Held hosts that wait for a canary.
    pub blind: BTreeSet<HostName>,
    /// Held hosts that wait for the end of another host's restart.
    pub queued: BTreeSet<HostName>,
    /// Held hosts that are to be looked at over SSH.
    pub unseen: BTreeSet<HostName>,
    /// Hosts and profiles that changed, for the rules to look at.
    pub dirty: Dirty,
    profiles: BTreeMap<ProfileName, ProfileKeys>,
    hosts: BTreeMap<HostName, HostKeys>,
    stale: Dirty,
    /// The profile handed out last, if it is already listed as changed everywhere: one decision hands the same one out
    /// many times.
    pub(super) noted: Option<ProfileName>,
}

/// Rows that were handed out to be changed; a row may be listed more than once.
#[derive(Debug, Clone, Default)]
pub struct Dirty {
    /// Profiles.
    pub profiles: Vec<ProfileName>,
    /// Hosts.
    pub hosts: Vec<HostName>,
}

/// Where a profile stands in the indices.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct ProfileKeys {
    told: Option<Timestamp>,
    open: bool,
    untold: bool,
    news: Option<Timestamp>,
    flapping: Option<Timestamp>,
    suspected: bool,
    unjudged: bool,
    blank: Option<Timestamp>,
    unknown: bool,
    ailing: bool,
}

/// Where a host stands in the indices.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct HostKeys {
    wakes: Option<Timestamp>,
    paused: Option<Timestamp>,
    onset: Option<Timestamp>,
    started: Option<Timestamp>,
    restarting: Option<Timestamp>,
    held: bool,
    blind: bool,
    queued: bool,
    unseen: bool,
}

impl PartialEq for Index {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Index {}

impl Index {
    pub(super) fn profile_changes(&mut self, name: &ProfileName) {
        self.stale.profiles.push(name.clone());
    }

    pub(super) fn host_changes(&mut self, name: &HostName) {
        if self.stale.hosts.last() != Some(name) {
            self.stale.hosts.push(name.clone());
        }
    }

    /// Whether this profile is already listed as changed.
    pub(super) fn is_noted(&self, name: &ProfileName) -> bool {
        self.noted.as_ref().is_some_and(|noted| noted.is_same(name))
    }

    /// Reads the stale rows again.
    pub(super) fn refresh(
        &mut self,
        profiles: &BTreeMap<ProfileName, ProfileTrack>,
        hosts: &BTreeMap<HostName, HostTrack>,
    ) {
        self.noted = None;
        let mut stale = std::mem::take(&mut self.stale);
        for name in &stale.profiles {
            let keys = profiles.get(name).map(ProfileKeys::of).unwrap_or_default();
            self.place_profile(name, keys);
        }
        for name in &stale.hosts {
            let keys = hosts.get(name).map(HostKeys::of).unwrap_or_default();
            self.place_host(name, keys);
        }
        // The room of the lists is used again, unless a start with all its profiles made it large.
        if stale.profiles.capacity() <= KEPT {
            self.dirty.profiles.append(&mut stale.profiles);
            self.dirty.hosts.append(&mut stale.hosts);
            self.stale = stale;
        } else {
            self.dirty.profiles.extend(stale.profiles);
            self.dirty.hosts.extend(stale.hosts);
        }
    }

    /// Enters which profiles each host has.
    pub(super) fn enlist(&mut self, settings: &Settings) {
        self.members.clear();
        for (name, profile) in &settings.profiles {
            if let Some(host) = &profile.host
                && settings.hosts.contains_key(host)
            {
                let members = self.members.entry(host.clone()).or_default();
                members.push(name.clone());
            }
        }
    }

    /// Whether no row is stale and every index agrees with the rows.
    pub(super) fn is_true(
        &self,
        profiles: &BTreeMap<ProfileName, ProfileTrack>,
        hosts: &BTreeMap<HostName, HostTrack>,
    ) -> bool {
        let mut again = Self::default();
        again.stale.profiles = profiles.keys().cloned().collect();
        again.stale.hosts = hosts.keys().cloned().collect();
        again.refresh(profiles, hosts);
        let settled = self.stale.profiles.is_empty() && self.stale.hosts.is_empty();
        let times = |index: &Self| {
            let sets = [&index.wakes, &index.paused, &index.onsets, &index.started];
            sets.map(Clone::clone)
        };
        let names = |index: &Self| {
            let sets = [&index.held, &index.blind, &index.queued, &index.unseen];
            sets.map(Clone::clone)
        };
        settled
            && (&self.told, &self.suspected, &self.ailing)
                == (&again.told, &again.suspected, &again.ailing)
            && (&self.unjudged, &self.blanks, &self.unknown)
                == (&again.unjudged, &again.blanks, &again.unknown)
            && (&self.open, &self.untold, &self.news, &self.flapping)
                == (&again.open, &again.untold, &again.news, &again.flapping)
            && times(self) == times(&again)
            && names(self) == names(&again)
            && self.restarting == again.restarting
    }

    fn place_profile(&mut self, name: &ProfileName, new: ProfileKeys) {
        let old = self.profiles.get(name).cloned().unwrap_or_default();
        if old == new {
            return;
        }
        timed(&mut self.told, name, old.told, new.told);
        timed(&mut self.news, name, old.news, new.news);
        timed(&mut self.flapping, name, old.flapping, new.flapping);
        listed(&mut self.open, name, new.open);
        listed(&mut self.untold, name, new.untold);
        listed(&mut self.suspected, name, new.suspected);
        listed(&mut self.unjudged, name, new.unjudged);
        timed(&mut self.blanks, name, old.blank, new.blank);
        listed(&mut self.unknown, name, new.unknown);
        listed(&mut self.ailing, name, new.ailing);
        if new == ProfileKeys::default() {
            self.profiles.remove(name);
        } else {
            self.profiles.insert(name.clone(), new);
        }
    }

    fn place_host(&mut self, name: &HostName, new: HostKeys) {
        let old = self.hosts.get(name).cloned().unwrap_or_default();
        if old == new {
            return;
        }
        timed(&mut self.wakes, name, old.wakes, new.wakes);
        timed(&mut self.paused, name, old.paused, new.paused);
        timed(&mut self.onsets, name, old.onset, new.onset);
        timed(&mut self.started, name, old.started, new.started);
        timed(&mut self.restarting, name, old.restarting, new.restarting);
        listed(&mut self.held, name, new.held);
        listed(&mut self.blind, name, new.blind);
        listed(&mut self.queued, name, new.queued);
        listed(&mut self.unseen, name, new.unseen);
        if new == HostKeys::default() {
            self.hosts.remove(name);
        } else {
            self.hosts.insert(name.clone(), new);
        }
    }
}

fn timed<N: Ord + Clone>(
    set: &mut BTreeSet<(Timestamp, N)>,
    name: &N,
    old: Option<Timestamp>,
    new: Option<Timestamp>,
) {
    if old == new {
        return;
    }
    if let Some(at) = old {
        set.remove(&(at, name.clone()));
    }
    set.extend(new.map(|at| (at, name.clone())));
}

fn listed<N: Ord + Clone>(set: &mut BTreeSet<N>, name: &N, member: bool) {
    if !member {
        set.remove(name);
    } else if !set.contains(name) {
        set.insert(name.clone());
    }
}

impl ProfileKeys {
    fn of(track: &ProfileTrack) -> Self {
        let speaks = track.telling.as_ref().filter(|telling| !telling.led);
        Self {
            open: track.telling.is_some(),
            told: speaks.map(|telling| telling.told + telling.put_off),
            untold: speaks.is_some_and(|telling| telling.sequence == 0),
            news: speaks.and_then(|telling| telling.news),
            flapping: track
                .flap
                .as_ref()
                .filter(|flap| flap.told.is_some())
                .and_then(|flap| flap.turns.last().copied()),
            suspected: track.suspicion.is_some(),
            unjudged: track.unjudged.as_ref().is_some_and(|unjudged| unjudged.due),
            blank: track
                .unjudged
                .as_ref()
                .filter(|unjudged| unjudged.told.is_some())
                .map(|unjudged| unjudged.since),
            unknown: track.unknown.is_some(),
            ailing: matches!(track.standing, Standing::Failing | Standing::Down),
        }
    }
}

impl HostKeys {
    fn of(track: &HostTrack) -> Self {
        let restarting = match track.stage {
            Stage::Restarting { deadline, .. } => Some(deadline),
            Stage::Idle | Stage::Settling { .. } | Stage::GaveUp { .. } => None,
        };
        let started = track.starts.iter().max().copied();
        if track.removed.is_some() {
            return Self {
                started,
                restarting,
                ..Self::default()
            };
        }
        let settling = match track.stage {
            Stage::Settling { until, .. } => Some(until),
            Stage::Idle | Stage::Restarting { .. } | Stage::GaveUp { .. } => None,
        };
        let stage = restarting.or(settling);
        let proven = track
            .mended_since
            .filter(|_| track.may_rearm())
            .map(|since| since + limits::PROVEN_HEALTH);
        let hold = track.hold.as_ref();
        let held = hold.and_then(Hold::until);
        let lasts = track
            .lasting
            .as_ref()
            .filter(|lasting| !lasting.reported)
            .map(|lasting| lasting.since + limits::HOLD_LASTS);
        Self {
            wakes: [stage, held, proven, lasts].into_iter().flatten().min(),
            paused: match hold {
                Some(Hold::Paused { until, .. }) => *until,
                Some(_) | None => None,
            },
            onset: track.failing_since,
            started,
            restarting,
            held: hold.is_some(),
            blind: matches!(hold, Some(Hold::AwaitingCanary | Hold::NetworkDown)),
            queued: matches!(hold, Some(Hold::FleetBusy { .. })),
            unseen: hold.is_some_and(Hold::asks_for_facts),
        }
    }
}
