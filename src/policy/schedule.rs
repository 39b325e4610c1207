//! What is due.
//!
//! Due times are absolute: the next one is counted from the one before, not from when that probe began or ended, so no
//! lateness adds up. A profile that is well is probed every `interval`, any other every `retry_interval`; when that
//! changes, the count begins at the due time of the probe that changed it, or at its end where it was made late. Of the due times that pass while a probe is
//! under way, waits for room or this machine sleeps, the last is made late and the others are skipped, counted and told,
//! sparingly. A 429 with `Retry-After` is probed again at the first due time after the wait it asked for.
//! A run of `probe once` takes what is due within half an interval, so that a 60 s cron and a 60 s interval agree.
//!
//! At most [`limits::PROBES_IN_FLIGHT`] probes are under way, and [`limits::PROBES_PER_HOST`] to one machine; who finds no
//! room there waits in that machine's line and stands in nobody else's way.

use std::time::Duration;

use crate::model::{
    CheckResult, Effect, Fleet, Hold, HostName, HostTrack, Note, ProbeId, Profile, ProfileName,
    ProfileTrack, Settings, Stage, Standing, Timestamp, limits,
};

use super::draft::Draft;
use super::{browser, certificates, heartbeat, outbox, report, rounds};

/// The machine a profile is served by, as far as it is known: its host, else the name in its first URL.
pub(super) fn machine(profile: &Profile) -> &str {
    let url = || profile.urls.first().and_then(|url| url.host_str());
    profile
        .host
        .as_ref()
        .map(HostName::as_str)
        .or_else(url)
        .unwrap_or_default()
}

/// From one probe to the next, as the profile stands.
pub(super) fn pace(track: &ProfileTrack, profile: &Profile) -> Duration {
    match track.standing {
        Standing::Failing | Standing::Down => profile.retry_interval,
        Standing::New | Standing::Up | Standing::Degraded => profile.interval,
    }
}

/// The wait that a profile's last answer asked us for: the longest `Retry-After` of a 429.
pub(super) fn asked(track: &ProfileTrack) -> Option<Duration> {
    let refused = |check: &&CheckResult| check.http_status == Some(429);
    let waits = track.last.iter().filter(refused);
    waits
        .filter_map(|check| check.retry_after)
        .max()
        .map(|wait| wait.min(limits::RETRY_AFTER))
}

/// Whole periods in a span.
fn periods(span: Duration, pace: Duration) -> u32 {
    u32::try_from(span.as_millis() / pace.as_millis().max(1)).unwrap_or(u32::MAX)
}

/// Sets a profile's next probe after one that began then and whose result is in; `paced` is the pace under which it was made.
pub(super) fn next(draft: &mut Draft<'_>, profile: &Profile, began: Timestamp, paced: Duration) {
    let name = &profile.name;
    let Some(track) = draft.fleet.profiles.get(name) else {
        return;
    };
    if track.suspicion.is_some() {
        // While an answer is awaited it is not probed again: its next failure would start the waiting anew.
        return;
    }
    let (pace, untold) = (pace(track, profile), track.skips.count);
    let (due, ended) = (track.due, track.probed.unwrap_or(draft.now));
    if due > draft.now && asked(track).is_none() {
        // It was probed out of turn, see `look_around`.
        enter(draft, name, if pace == paced { due } else { ended + pace });
        return;
    }
    if pace != paced && asked(track).is_none() && began.since(due) >= pace {
        // It was made late. Counted from when it was due, the next would be at once, and one moment would count twice.
        enter(draft, name, ended + pace);
        return;
    }
    let (count, skipped) = match asked(track) {
        Some(wait) => {
            let earliest = (ended + wait).max(draft.now).since(due);
            let whole = periods(earliest, pace);
            let rest = pace.saturating_mul(whole) < earliest;
            ((whole + u32::from(rest)).max(1), 0)
        }
        None => {
            let passed = periods(draft.now.since(due), pace).max(1);
            // Under another pace none of the passed times was due.
            (passed, if pace == paced { passed - 1 } else { 0 })
        }
    };
    skip(draft, name, skipped, untold);
    enter(draft, name, due + pace.saturating_mul(count));
}

/// Counts probes that were due and not made, beside those that were not told of yet, and says so now and then.
fn skip(draft: &mut Draft<'_>, name: &ProfileName, count: u32, untold: u32) {
    let now = draft.now;
    if count == 0 && untold == 0 {
        return;
    }
    draft.fleet.skipped += u64::from(count);
    let skips = &mut draft.fleet.profile_mut(name).skips;
    skips.count = skips.count.saturating_add(count);
    if skips
        .told
        .is_none_or(|told| now.since(told) >= limits::SKIPS_TOLD)
    {
        let count = std::mem::take(&mut skips.count);
        skips.told = Some(now);
        draft.notes.push(Note::Skipped {
            profile: name.clone(),
            count,
        });
    }
}

/// Enters a profile in the agenda, in place of what stood there.
pub(super) fn enter(draft: &mut Draft<'_>, name: &ProfileName, due: Timestamp) {
    let old = std::mem::replace(&mut draft.fleet.profile_mut(name).due, due);
    let mut entry = (old, name.clone());
    draft.fleet.agenda.remove(&entry);
    entry.0 = due;
    draft.fleet.agenda.insert(entry);
}

/// A site of this host begins to fail: the others are probed now, not when their turn comes, so that it is known at once
/// whether the whole host is affected. Who was probed since, is being probed, or is paced otherwise is left alone.
pub(super) fn look_around(draft: &mut Draft<'_>, host: &HostName, since: Timestamp) {
    let now = draft.now;
    for name in draft.profiles_of(host) {
        let waits = draft.fleet.profiles.get(&name).is_some_and(|track| {
            let well = matches!(track.standing, Standing::Up | Standing::Degraded);
            let probed = track.probed.is_some_and(|at| at >= since);
            let awaited = track.in_flight.is_some() || track.suspicion.is_some();
            well && !probed && !awaited && track.due > now && asked(track).is_none()
        });
        if let (true, Some(track)) = (waits, draft.fleet.profiles.get(&name)) {
            // Its own time stays what it was, so that the sites of a host do not fall into step.
            draft.fleet.agenda.remove(&(track.due, name.clone()));
            draft.fleet.agenda.insert((now, name));
        }
    }
}

/// A probe came back: whoever waited for room on its machine may go.
pub(super) fn landed(draft: &mut Draft<'_>, probe: ProbeId) {
    let (was_under_way, next) = draft.fleet.flights.end(probe);
    if was_under_way {
        draft.fleet.probing = draft.fleet.probing.saturating_sub(1);
    }
    draft.fleet.agenda.extend(next);
}

/// Orders the probes that are due, as many as may be in flight.
pub(super) fn move_on(draft: &mut Draft<'_>) {
    while draft.fleet.probing < limits::PROBES_IN_FLIGHT {
        let due = draft.fleet.agenda.first();
        if due.is_none_or(|(due, _)| *due > draft.now) {
            break;
        }
        let Some((due, name)) = draft.fleet.agenda.pop_first() else {
            break;
        };
        let settings = draft.settings;
        let Some(profile) = settings.profiles.get(&name) else {
            continue;
        };
        let track = draft.fleet.profiles.get(&name);
        if track.is_none_or(|track| track.in_flight.is_some()) {
            continue;
        }
        let machine = machine(profile);
        if draft.fleet.flights.has_room(machine) {
            begin(draft, name, profile);
        } else {
            draft.fleet.flights.wait(machine, (due, name));
        }
    }
}

fn begin(draft: &mut Draft<'_>, name: ProfileName, profile: &Profile) {
    let now = draft.now;
    let probe = draft.fleet.next_probe();
    let track = draft.fleet.profile_mut(&name);
    let pace = pace(track, profile);
    let missed = periods(now.since(track.due), pace);
    track.due = track.due + pace.saturating_mul(missed);
    track.in_flight = Some((probe, now));
    let untold = track.skips.count;
    skip(draft, &name, missed, untold);
    draft.fleet.probing += 1;
    draft.fleet.flights.begin(probe, machine(profile));
    draft.effects.push(Effect::Probe {
        probe,
        profile: name,
    });
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
    let hosts = rounds::wakeup(fleet);
    let mail = outbox::wakeup(settings, fleet);
    let warning = certificates::wakeup(fleet);
    let beat = heartbeat::wakeup(settings, fleet);
    let week = report::wakeup(fleet);
    [probe, canary, hosts, mail, warning, beat, week]
        .into_iter()
        .flatten()
        .min()
        .map(|at| at.max(fleet.now()))
}

/// Whether a run of `probe once` has nothing left to follow: no failure half confirmed, no restart under way or
/// settling, no proof outstanding, no mail that could go now. Waits for a backoff or a budget are left to a later run, and so
/// is what cannot come in this one: a better answer while our own network is down, a probe that nobody asked for.
#[must_use]
pub fn settled(settings: &Settings, fleet: &Fleet) -> bool {
    let quiet = fleet.suspects.is_empty()
        && fleet.core.network.in_flight.is_none()
        && fleet.in_transit.is_empty()
        // Whatever is due has left in the step before.
        && fleet.index.untold.is_empty();
    let mut hosts = rounds::astir(fleet).filter_map(|name| fleet.hosts.get_key_value(name));
    quiet
        && is_probed(settings, fleet)
        && hosts.all(|(name, host)| !is_busy(fleet, name, host))
        && fleet
            .index
            .ailing
            .iter()
            .all(|name| !is_open(settings, fleet, name))
}

/// No probe is under way or due that this run waits for. A site that does not answer is probed without a pause; once its
/// incident is confirmed, while its failures do not count, and where it could not be judged, its next probes are a later
/// run's.
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

/// A profile of the host is being probed, or will be in this run.
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

/// A profile of this run about which the next few probes will say something new.
fn is_open(settings: &Settings, fleet: &Fleet, name: &ProfileName) -> bool {
    let Some((track, profile)) = fleet.profiles.get(name).zip(settings.profiles.get(name)) else {
        return false;
    };
    if !track.probed_in_run || track.unknown.is_some() || asked(track).is_some() {
        return false;
    }
    match track.standing {
        Standing::New | Standing::Up | Standing::Degraded => false,
        // In a maintenance window failures are not counted, so nothing is half confirmed.
        Standing::Failing => track.failures > 0,
        Standing::Down if track.successes > 0 => true,
        Standing::Down => {
            let name = profile.host.as_ref();
            let hold = name.and_then(|host| fleet.hosts.get(host)?.hold.as_ref());
            match hold {
                Some(Hold::NotConfirmed { .. }) => true,
                // Its own next failure may be the one that is lacking.
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
