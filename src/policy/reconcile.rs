//! What a start, a reload or a damaged state changes: nothing by itself.
//!
//! What was in flight in another process is nobody's. A profile or host that is no longer configured is remembered for
//! [`limits::REMOVED_MEMORY`], so that removing it and adding it again gives no fresh budget; its incident ends and
//! people hear of it. A changed profile keeps its state, loses its evidence, and can come no nearer to its threshold
//! than one failure below it. An equal configuration changes nothing.

use crate::model::{
    EventKind, HostName, Next, Note, ProfileName, ProfileTrack, Standing, Start, limits,
};

use super::draft::Draft;
use super::{incident, outbox, recovery, schedule};

/// A run begins, or the configuration was read again.
pub(super) fn start(draft: &mut Draft<'_>, start: &Start) {
    if *start != Start::Reload {
        forget_flights(draft);
    }
    for profile in draft
        .settings
        .profiles
        .values()
        .cloned()
        .collect::<Vec<_>>()
    {
        adopt(
            draft,
            &profile.name,
            profile.fingerprint,
            profile.failure_threshold,
        );
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
        recovery::felt(draft, &host.name);
    }
    retire(draft);
    plan(draft, start);
    // What is due is asked before any rule can rest on what an earlier run saw.
    schedule::move_on(draft);
}

/// Nothing is in flight in a process that has just begun.
fn forget_flights(draft: &mut Draft<'_>) {
    let fleet = &mut draft.fleet;
    fleet.agenda.clear();
    fleet.in_transit.clear();
    (fleet.probing, fleet.suspects) = (0, 0);
    fleet.core.network.in_flight = None;
    for host in fleet.hosts.values_mut() {
        host.acting = false;
    }
    for track in fleet.profiles.values_mut() {
        (track.in_flight, track.suspicion, track.probed_in_run) = (None, None, false);
    }
}

fn adopt(draft: &mut Draft<'_>, name: &ProfileName, fingerprint: u64, threshold: u32) {
    let known = draft.fleet.profiles.get(name);
    if known.is_some_and(|track| track.fingerprint == fingerprint && track.removed.is_none()) {
        return;
    }
    let now = draft.now;
    // What was seen of a profile before it was removed says nothing about it now; its host's budget does.
    let fresh = known.is_none_or(|track| track.removed.is_some());
    let track = draft.fleet.profile_mut(name);
    if fresh {
        *track = ProfileTrack::default();
    }
    (track.fingerprint, track.removed) = (fingerprint, None);
    if fresh {
        (track.since, track.due) = (now, now);
        return;
    }
    track.evidence.began.clear();
    if track.standing != Standing::Down {
        track.failures = track.failures.min(threshold.saturating_sub(1));
    }
    schedule::enter(draft, name, now);
}

/// Lets go of what is no longer configured.
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
        incident::abandon(draft, &name);
        let Some(track) = draft.fleet.profiles.get(&name) else {
            continue;
        };
        let entry = (track.due, name.clone());
        let (removed, waits) = (track.removed, track.suspicion.is_some());
        draft.fleet.agenda.remove(&entry);
        if waits {
            draft.fleet.profile_mut(&name).suspicion = None;
            draft.fleet.suspects = draft.fleet.suspects.saturating_sub(1);
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

/// Fills the agenda.
fn plan(draft: &mut Draft<'_>, start: &Start) {
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
        // A due time further off than one interval is from another configuration or another clock.
        let due = track.due.min(draft.now + profile.interval);
        let due = match start {
            Start::Daemon | Start::Reload => due,
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

/// The state was damaged: what the budgets had seen is not known, so nothing is restarted for a while, and people hear of it.
pub(super) fn damaged(draft: &mut Draft<'_>, path: String) {
    let until = draft.now + limits::QUARANTINE;
    draft.fleet.core.quarantine = Some(until);
    draft.durable = true;
    let mut told = outbox::blank(draft, EventKind::Damaged);
    told.next = Next::Held(crate::model::Hold::Quarantine {
        until: draft.wall(until),
    });
    told.remark = Some(path.clone());
    outbox::queue(draft, &told);
    draft.notes.push(Note::Damaged { path });
}
