//! When the rules must be asked again although nothing happens, and when a run of `probe once` can end.

use crate::model::{
    Fleet, Hold, HostName, HostTrack, ProfileName, ProfileTrack, Settings, Stage, Standing,
    Timestamp, limits,
};

use super::host::rounds;
use super::site::{browser, schedule};
use super::tell;

/// When `step` must be called again although nothing happens: the first due probe, canary, host or message. Never in
/// the past.
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
    let hosts = rounds::wakeup(fleet);
    let told = tell::wakeup(settings, fleet);
    [probe, canary, hosts, told]
        .into_iter()
        .flatten()
        .min()
        .map(|at| at.max(fleet.now()))
}

/// Whether a run of `probe once` has nothing left to wait for: no streak below its threshold, no restart under way or
/// settling, no answer outstanding, no mail that could leave now. A later run waits for a backoff or a budget. The same
/// holds for what this run cannot get: a better answer while our own network is down, a probe that is not due.
#[must_use]
pub fn settled(settings: &Settings, fleet: &Fleet) -> bool {
    let quiet = fleet.suspects.is_empty()
        && fleet.core.network.in_flight.is_none()
        && fleet.in_transit.is_empty()
        // Messages that were due left in the step before.
        && fleet.index.untold.is_empty();
    let mut hosts = rounds::waiting(fleet).filter_map(|name| fleet.hosts.get_key_value(name));
    quiet
        && is_probed(settings, fleet)
        && hosts.all(|(name, host)| !is_busy(fleet, name, host))
        && fleet
            .index
            .ailing
            .iter()
            .all(|name| !is_open(settings, fleet, name))
}

/// Whether this run waits for no probe that is under way or due. A silent site is probed without a break, so its next
/// probes are left to a later run once its incident is open, while its failures do not count, or where it could not be
/// judged.
fn is_probed(settings: &Settings, fleet: &Fleet) -> bool {
    let known = |name: &ProfileName| {
        let track = fleet.profiles.get(name);
        let ailing = |standing| matches!(standing, Standing::Failing | Standing::Down);
        let told = |track: &ProfileTrack| ailing(track.standing) || track.unknown.is_some();
        track.is_some_and(|track| told(track) && track.probed_in_run)
            && !is_open(settings, fleet, name)
    };
    let due = fleet.agenda.iter();
    let mut due = due.take_while(|(due, _)| *due <= fleet.now());
    if !due.all(|(_, name)| known(name)) {
        return false;
    }
    let under_way = |name: &&ProfileName| {
        let track = fleet.profiles.get(*name);
        track.is_some_and(|track| track.in_flight.is_some()) && known(name)
    };
    if fleet.probing == 0 {
        return true;
    }
    let ailing = fleet.index.ailing.union(&fleet.index.unknown);
    fleet.probing == ailing.filter(under_way).count()
}

/// Whether a profile of the host is being probed, or will be in this run.
fn is_awaited(fleet: &Fleet, host: &HostName) -> bool {
    let mut members = fleet.index.members.get(host).into_iter().flatten();
    members.any(|name| {
        fleet.profiles.get(name).is_some_and(|track| {
            let asked = track.in_flight.is_some() || track.suspicion.is_some();
            let comes = || fleet.agenda.contains(&(track.due, name.clone()));
            let awaited = asked || browser::is_awaited(track);
            awaited || (!track.probed_in_run && comes())
        })
    })
}

fn is_busy(fleet: &Fleet, name: &HostName, host: &HostTrack) -> bool {
    if host.removed.is_some() {
        return false;
    }
    let moving = match host.stage {
        Stage::Restarting { .. } | Stage::Settling { .. } => true,
        Stage::Idle | Stage::GaveUp { .. } => false,
    };
    let asked = match &host.hold {
        Some(Hold::AwaitingCanary | Hold::AwaitingFacts | Hold::FleetBusy { .. }) => true,
        Some(Hold::AwaitingProbe) => is_awaited(fleet, name),
        Some(_) | None => false,
    };
    moving || asked
}

/// Whether the next few probes of a profile of this run will tell something new.
fn is_open(settings: &Settings, fleet: &Fleet, name: &ProfileName) -> bool {
    let Some((track, profile)) = fleet.profiles.get(name).zip(settings.profiles.get(name)) else {
        return false;
    };
    if !track.probed_in_run || track.unknown.is_some() || schedule::asked(track).is_some() {
        return false;
    }
    match track.standing {
        Standing::New | Standing::Up | Standing::Degraded => false,
        // In a maintenance window failures do not count, so there is no streak to follow.
        Standing::Failing => track.failures > 0,
        Standing::Down if track.successes > 0 => true,
        Standing::Down => {
            let name = profile.host.as_ref();
            let hold = name.and_then(|host| fleet.hosts.get(host)?.hold.as_ref());
            match hold {
                Some(Hold::NotConfirmed { .. }) => true,
                // Its own next failure may be the missing one.
                Some(Hold::NotEnoughDown { .. }) => {
                    let host = name.and_then(|host| settings.hosts.get(host));
                    let counts =
                        |cause| host.is_some_and(|host| host.restart.causes.contains(cause));
                    track.evidence.cause.as_ref().is_some_and(counts)
                        && track.evidence.began.len() < profile.failure_threshold as usize
                }
                Some(_) | None => false,
            }
        }
    }
}
