//! What is due.
//!
//! - Due times are absolute: the next one is counted from the one before, not from when that probe began or ended, so
//!   delays do not add up. A profile that is well is probed every `interval`, one that is failing or down every
//!   `retry_interval`. When that changes, the next time is counted from the due time of the probe that changed it, or
//!   from its end if it was late.
//! - If several due times pass while a probe is under way, waits for room, or this machine sleeps, only the last is
//!   made up. The others are skipped and counted, and observers hear of them at most every [`limits::SKIPS_TOLD`].
//! - After a 429 with `Retry-After` the next probe is at the first due time after the wait it asked for.
//! - While a failure waits for a canary or an SSH port, its profile is not probed again.
//! - When a site begins to fail by a fault of its host, the host's other sites that are well are probed at once.
//! - `probe once` probes what is due within half an interval, so that a 60 s cron and a 60 s interval agree.
//!
//! At most [`limits::PROBES_IN_FLIGHT`] probes are under way, and at most [`limits::PROBES_PER_HOST`] to one machine. A
//! profile that finds no room there waits in that machine's queue and delays no other machine's probes.

use std::time::Duration;

use crate::model::{
    CheckResult, Effect, Happened, HostName, ProbeId, Profile, ProfileName, ProfileTrack, Standing,
    Timestamp, limits,
};

use crate::policy::draft::Draft;

/// The machine a profile is served by, as far as it is known: its host, else the name in its first URL.
pub(in crate::policy) fn machine(profile: &Profile) -> &str {
    let url = || profile.urls.first().and_then(|url| url.host_str());
    profile
        .host
        .as_ref()
        .map(HostName::as_str)
        .or_else(url)
        .unwrap_or_default()
}

/// The time from one probe to the next, by the profile's standing.
pub(in crate::policy) fn pace(track: &ProfileTrack, profile: &Profile) -> Duration {
    match track.standing {
        Standing::Failing | Standing::Down => profile.retry_interval,
        Standing::New | Standing::Up | Standing::Degraded => profile.interval,
    }
}

/// The wait that a profile's last answers asked for: the longest `Retry-After` of a 429, within
/// [`limits::RETRY_AFTER`].
pub(in crate::policy) fn asked(track: &ProfileTrack) -> Option<Duration> {
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

/// Sets a profile's next probe after one whose result is in. That one began at `began`, under the pace `paced`.
pub(in crate::policy) fn next(
    draft: &mut Draft<'_>,
    profile: &Profile,
    began: Timestamp,
    paced: Duration,
) {
    let name = &profile.name;
    let Some(track) = draft.fleet.profiles.get(name) else {
        return;
    };
    if track.suspicion.is_some() {
        // It is not probed while an answer is awaited: another failure would start the wait anew.
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
        // It was late. Counted from its due time, the next probe would be made at once, and one moment would count
        // twice.
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
            // Under another pace, the times that passed were not due times.
            (passed, if pace == paced { passed - 1 } else { 0 })
        }
    };
    skip(draft, name, skipped, untold);
    enter(draft, name, due + pace.saturating_mul(count));
}

/// Counts `count` skipped probes beside the `untold` ones that were not reported yet, and reports them at most every
/// [`limits::SKIPS_TOLD`].
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
        draft.happened.push(Happened::Skipped {
            profile: name.clone(),
            count,
        });
    }
}

/// Sets a profile's due time and its entry in the agenda.
pub(in crate::policy) fn enter(draft: &mut Draft<'_>, name: &ProfileName, due: Timestamp) {
    let old = std::mem::replace(&mut draft.fleet.profile_mut(name).due, due);
    let mut entry = (old, name.clone());
    draft.fleet.agenda.remove(&entry);
    entry.0 = due;
    draft.fleet.agenda.insert(entry);
}

/// A site of this host begins to fail: its other sites that are well are probed now, so that it is known at once
/// whether the whole host is affected. Sites that were probed since, are being probed, or asked us to wait are left
/// alone.
pub(in crate::policy) fn look_around(draft: &mut Draft<'_>, host: &HostName, since: Timestamp) {
    let now = draft.now;
    for name in draft.profiles_of(host) {
        let waits = draft.fleet.profiles.get(&name).is_some_and(|track| {
            let well = matches!(track.standing, Standing::Up | Standing::Degraded);
            let probed = track.probed.is_some_and(|at| at >= since);
            let awaited = track.in_flight.is_some() || track.suspicion.is_some();
            well && !probed && !awaited && track.due > now && asked(track).is_none()
        });
        if let (true, Some(track)) = (waits, draft.fleet.profiles.get(&name)) {
            // Its due time stays the same, so that the sites of a host do not fall into step.
            draft.fleet.agenda.remove(&(track.due, name.clone()));
            draft.fleet.agenda.insert((now, name));
        }
    }
}

/// A probe ended: the next profile that waits for its machine may be probed.
pub(in crate::policy) fn landed(draft: &mut Draft<'_>, probe: ProbeId) {
    let (was_under_way, next) = draft.fleet.flights.end(probe);
    if was_under_way {
        draft.fleet.probing = draft.fleet.probing.saturating_sub(1);
    }
    draft.fleet.agenda.extend(next);
}

/// Orders the probes that are due, as many as may be in flight.
pub(in crate::policy) fn move_on(draft: &mut Draft<'_>) {
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
