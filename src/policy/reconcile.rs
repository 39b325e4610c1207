//! What a start, a reload or a damaged state changes.
//!
//! - Start: what was in flight in another process is forgotten; results of it that come late change nothing.
//! - An equal configuration changes nothing.
//! - A profile or host that is no longer configured is remembered for [`limits::REMOVED_MEMORY`], so that removing a
//!   host and adding it again gives no fresh budget. The profile's incident is closed, and people are told. A profile
//!   that is added again starts anew, except for which of its checks were well once.
//! - A changed profile keeps its standing but loses its evidence, and its failures are cut to one below the threshold,
//!   unless it is down. A check that is new counts only after it was well once.
//! - A damaged state: nothing is restarted for [`limits::QUARANTINE`], every check counts as one that was well, and
//!   people are told.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{
    AsBrowser, EventKind, Flights, Happened, HostName, Next, Profile, ProfileName, ProfileTrack,
    Remark, Skips, Standing, Start, Timestamp, limits,
};

use super::draft::Draft;
use super::host::recovery;
use super::site::{evidence, incident, schedule, spread};
use super::tell;

/// A run begins, or the configuration was read again.
pub(in crate::policy) fn start(draft: &mut Draft<'_>, start: &Start) {
    if *start != Start::Reload {
        forget_flights(draft);
    }
    let waiting = draft.fleet.flights.disperse();
    draft.fleet.agenda.extend(waiting);
    draft.fleet.reindex_all(draft.settings);
    let unknown = unknown(draft);
    draft.fleet.make(unknown.iter().cloned());
    let mut fresh = Vec::new();
    for profile in draft
        .settings
        .profiles
        .values()
        .cloned()
        .collect::<Vec<_>>()
    {
        if adopt(draft, &profile, unknown.contains(&profile.name)) {
            fresh.push(profile.name.clone());
        }
    }
    for host in draft.settings.hosts.values().cloned().collect::<Vec<_>>() {
        if !draft.fleet.hosts.contains_key(&host.name)
            || draft
                .fleet
                .hosts
                .get(&host.name)
                .is_some_and(|track| track.removed.is_some())
        {
            draft.fleet.host_mut(&host.name).removed = None;
        }
        recovery::reconfigured(draft, &host);
        recovery::update_health(draft, &host.name);
    }
    retire(draft);
    draft.fleet.close_ranks();
    plan(draft, start, &fresh);
    // Due probes leave first, before a rule can rest on what an earlier run saw.
    schedule::move_on(draft);
}

/// Forgets what was in flight: a process that has just begun has nothing in flight.
fn forget_flights(draft: &mut Draft<'_>) {
    let fleet = &mut draft.fleet;
    fleet.agenda.clear();
    fleet.in_transit.clear();
    fleet.flights = Flights::default();
    fleet.probing = 0;
    fleet.suspects.clear();
    fleet.core.network.in_flight = None;
    for host in fleet.hosts.values_mut() {
        (host.acting, host.reaching, host.looking) = (false, None, None);
    }
    for track in fleet.profiles.values_mut() {
        (track.in_flight, track.suspicion, track.probed_in_run) = (None, None, false);
        track.browser = AsBrowser::default();
        track.skips = Skips::default();
    }
}

/// Configured profiles of which nothing is remembered.
fn unknown(draft: &Draft<'_>) -> BTreeSet<ProfileName> {
    let known = &draft.fleet.profiles;
    let names = draft.settings.profiles.keys();
    names
        .filter(|name| !known.contains_key(*name))
        .cloned()
        .collect()
}

/// Takes over the configuration of a profile; `new` means that nothing is remembered of it. Returns whether it is new
/// or changed.
fn adopt(draft: &mut Draft<'_>, profile: &Profile, new: bool) -> bool {
    let (name, fingerprint) = (&profile.name, profile.fingerprint);
    let known = draft.fleet.profiles.get(name).filter(|_| !new);
    if known.is_some_and(|track| track.fingerprint == fingerprint && track.removed.is_none()) {
        // The state is of an earlier version, which did not remember checks: those it has count as well once.
        if known.is_some_and(|track| track.checks.is_empty()) {
            let track = draft.fleet.profile_mut(name);
            evidence::adopt(track, profile, true);
            evidence::trust(track);
        }
        return false;
    }
    let now = draft.now;
    // The state of a profile from before it was removed is out of date. Only which of its checks were well once still
    // holds.
    let fresh = known.is_none_or(|track| track.removed.is_some());
    let track = draft.fleet.profile_mut(name);
    if fresh {
        // A probe under way stays the only one.
        *track = ProfileTrack {
            in_flight: track.in_flight,
            checks: std::mem::take(&mut track.checks),
            ..ProfileTrack::default()
        };
    }
    evidence::adopt(track, profile, fresh);
    (track.fingerprint, track.removed) = (fingerprint, None);
    if fresh {
        (track.since, track.due) = (now, now);
        return true;
    }
    track.evidence.began.clear();
    // The URLs may be others, or in another order.
    track.known.clear();
    if track.standing != Standing::Down {
        let short = profile.failure_threshold.saturating_sub(1);
        track.failures = track.failures.min(short);
    }
    schedule::enter(draft, name, now);
    true
}

/// Marks what is no longer configured as removed, and forgets it after [`limits::REMOVED_MEMORY`].
fn retire(draft: &mut Draft<'_>) {
    let now = draft.now;
    let gone: Vec<ProfileName> = draft
        .fleet
        .profiles
        .keys()
        .filter(|name| !draft.settings.profiles.contains_key(*name))
        .cloned()
        .collect();
    for name in gone {
        tell::abandon(draft, &name);
        incident::close(draft, &name);
        tell::handle(draft);
        let Some(track) = draft.fleet.profiles.get(&name) else {
            continue;
        };
        let entry = (track.due, name.clone());
        let (removed, waits) = (track.removed, track.suspicion.is_some());
        draft.fleet.agenda.remove(&entry);
        if waits {
            draft.fleet.profile_mut(&name).suspicion = None;
            draft.fleet.suspects.remove(&name);
        }
        match removed {
            None => draft.fleet.profile_mut(&name).removed = Some(now),
            Some(since) if now.since(since) >= limits::REMOVED_MEMORY => {
                draft.fleet.forget_profile(&name)
            }
            Some(_) => {}
        }
    }
    let gone: Vec<HostName> = draft
        .fleet
        .hosts
        .keys()
        .filter(|name| !draft.settings.hosts.contains_key(*name))
        .cloned()
        .collect();
    for name in gone {
        match draft.fleet.hosts.get(&name).and_then(|track| track.removed) {
            None => draft.fleet.host_mut(&name).removed = Some(now),
            Some(since) if now.since(since) >= limits::REMOVED_MEMORY => {
                draft.fleet.forget_host(&name)
            }
            Some(_) => {}
        }
    }
}

/// When the first probes are due: all of a starting daemon, or those of profiles that a reload added or changed.
fn first_probes(
    draft: &Draft<'_>,
    start: &Start,
    fresh: &[ProfileName],
) -> BTreeMap<ProfileName, Timestamp> {
    let due = |name: &&ProfileName| {
        let track = draft.fleet.profiles.get(*name);
        track.is_some_and(|track| track.due <= draft.now) && spread::may_wait(draft, name)
    };
    let names: Vec<ProfileName> = match start {
        Start::Daemon => draft
            .settings
            .profiles
            .keys()
            .filter(due)
            .cloned()
            .collect(),
        Start::Reload => fresh.iter().filter(due).cloned().collect(),
        Start::Due | Start::Named(_) => return BTreeMap::new(),
    };
    spread::over(draft, &names)
}

/// Fills the agenda.
fn plan(draft: &mut Draft<'_>, start: &Start, fresh: &[ProfileName]) {
    let spread = first_probes(draft, start, fresh);
    for profile in draft
        .settings
        .profiles
        .values()
        .cloned()
        .collect::<Vec<_>>()
    {
        let Some(track) = draft.fleet.profiles.get(&profile.name) else {
            continue;
        };
        if track.in_flight.is_some() || track.suspicion.is_some() {
            continue;
        }
        // A due time later than one interval plus the wait that the site asked for comes from another configuration or
        // another clock.
        let asked = schedule::asked(track).unwrap_or_default();
        let due = track.due.min(draft.now + profile.interval + asked);
        let due = match start {
            Start::Daemon | Start::Reload => spread.get(&profile.name).copied().unwrap_or(due),
            Start::Due if due <= draft.now + profile.interval / 2 => draft.now,
            Start::Due => due,
            Start::Named(names) if names.contains(&profile.name) => draft.now,
            Start::Named(_) => continue,
        };
        if track.due == due {
            draft.fleet.agenda.insert((due, profile.name.clone()));
        } else {
            schedule::enter(draft, &profile.name, due);
        }
    }
}

/// The state was damaged: how much of the budgets is spent is not known, so nothing is restarted for a while.
pub(in crate::policy) fn damaged(draft: &mut Draft<'_>, path: String) {
    let until = draft.now + limits::QUARANTINE;
    draft.fleet.core.quarantine = Some(until);
    draft.durable = true;
    // Which checks were ever well is not known either. Most were, and the quarantine gives people time to look.
    for name in draft.settings.profiles.keys() {
        evidence::trust(draft.fleet.profile_mut(name));
    }
    let mut told = draft.blank(EventKind::Damaged);
    told.next = Next::Held(crate::model::Hold::Quarantine {
        until: draft.wall(until),
    });
    told.remark = (!path.is_empty()).then(|| Remark::Path(path.clone()));
    tell::outbox::queue(draft, &told);
    draft.happened.push(Happened::Damaged { path });
}
