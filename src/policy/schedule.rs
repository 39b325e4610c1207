//! What is due.
//!
//! Due times are absolute: a late probe does not push the next one back, and after a long sleep there is one probe, not
//! one for every interval missed. A profile that is well is probed every `interval`, any other every `retry_interval`.
//! A run of `probe once` takes what is due within half an interval, so that a 60 s cron and a 60 s interval agree.

use std::time::Duration;

use crate::model::{
    Effect, Fleet, Hold, Profile, ProfileName, Settings, Stage, Standing, Timestamp, limits,
};

use super::draft::Draft;
use super::{outbox, recovery};

/// From one probe to the next, as the profile stands.
fn pace(draft: &Draft<'_>, name: &ProfileName, profile: &Profile) -> Duration {
    let Some(track) = draft.fleet.profiles.get(name) else {
        return profile.interval;
    };
    match track.standing {
        Standing::Failing | Standing::Down => profile.retry_interval,
        Standing::New | Standing::Up | Standing::Degraded => profile.interval,
    }
}

/// Sets a profile's next probe, given when its last one began.
pub(super) fn next(draft: &mut Draft<'_>, name: &ProfileName, began: Timestamp) {
    let Some(profile) = draft.profile(name) else {
        return;
    };
    let due = (began + pace(draft, name, &profile)).max(draft.now);
    enter(draft, name, due);
}

/// Enters a profile in the agenda, in place of what stood there.
pub(super) fn enter(draft: &mut Draft<'_>, name: &ProfileName, due: Timestamp) {
    let old = draft.fleet.profiles.get(name).map(|track| track.due);
    if let Some(old) = old {
        draft.fleet.agenda.remove(&(old, name.clone()));
    }
    draft.fleet.profile_mut(name).due = due;
    draft.fleet.agenda.insert((due, name.clone()));
}

/// Orders the probes that are due, as many as may be in flight.
pub(super) fn move_on(draft: &mut Draft<'_>) {
    while draft.fleet.probing < limits::PROBES_IN_FLIGHT {
        let due = draft
            .fleet
            .agenda
            .first()
            .filter(|(due, _)| *due <= draft.now)
            .cloned();
        let Some((due, name)) = due else { break };
        draft.fleet.agenda.remove(&(due, name.clone()));
        if draft
            .fleet
            .profiles
            .get(&name)
            .is_none_or(|track| track.in_flight.is_some())
            || draft.profile(&name).is_none()
        {
            continue;
        }
        let probe = draft.fleet.next_probe();
        draft.fleet.profile_mut(&name).in_flight = Some((probe, draft.now));
        draft.fleet.probing += 1;
        draft.effects.push(Effect::Probe {
            probe,
            profile: name,
        });
    }
}

/// When the core wants to be asked again although nothing happened; never in the past.
#[must_use]
pub fn wakeup(settings: &Settings, fleet: &Fleet) -> Option<Timestamp> {
    let probe = fleet
        .agenda
        .first()
        .map(|(due, _)| *due)
        .filter(|_| fleet.probing < limits::PROBES_IN_FLIGHT);
    let network = &fleet.core.network;
    let canary = network
        .due
        .filter(|_| network.in_flight.is_none() && !settings.network.canaries.is_empty());
    let hosts = fleet
        .hosts
        .iter()
        .filter_map(|(name, track)| recovery::wakeup(settings, fleet, name, track))
        .min();
    let mail = outbox::wakeup(settings, fleet);
    [probe, canary, hosts, mail]
        .into_iter()
        .flatten()
        .min()
        .map(|at| at.max(fleet.now()))
}

/// Whether a run of `probe once` has nothing left to follow: no failure half confirmed, no restart under way or
/// settling, no proof outstanding, no mail that could go now. Waits for a backoff or a budget are left to a later run.
#[must_use]
pub fn settled(settings: &Settings, fleet: &Fleet) -> bool {
    let quiet = fleet.probing == 0
        && fleet.suspects == 0
        && fleet.core.network.in_flight.is_none()
        && fleet.in_transit.is_empty()
        && fleet
            .agenda
            .first()
            .is_none_or(|(due, _)| *due > fleet.now())
        && !outbox::is_due(settings, fleet);
    quiet
        && fleet.hosts.values().all(|host| !is_busy(host))
        && fleet
            .profiles
            .iter()
            .all(|(name, _)| !is_open(settings, fleet, name))
}

fn is_busy(host: &crate::model::HostTrack) -> bool {
    if host.removed.is_some() {
        return false;
    }
    let moving = match host.stage {
        Stage::Restarting { .. } | Stage::Settling { .. } => true,
        Stage::Idle | Stage::GaveUp { .. } => false,
    };
    moving
        || matches!(
            host.hold,
            Some(Hold::AwaitingCanary | Hold::FleetBusy { .. })
        )
}

/// A profile of this run about which the next few probes will say something new.
fn is_open(settings: &Settings, fleet: &Fleet, name: &ProfileName) -> bool {
    let Some((track, profile)) = fleet.profiles.get(name).zip(settings.profiles.get(name)) else {
        return false;
    };
    if !track.probed_in_run || track.unknown.is_some() {
        return false;
    }
    match track.standing {
        Standing::New | Standing::Up | Standing::Degraded => false,
        Standing::Failing => true,
        Standing::Down if track.successes > 0 => true,
        Standing::Down => {
            let host = profile.host.as_ref().and_then(|host| fleet.hosts.get(host));
            host.is_some_and(|host| matches!(host.hold, Some(Hold::NotConfirmed { .. })))
        }
    }
}
