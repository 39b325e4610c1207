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

/// From one probe to the next, as the profile stands.
pub(in crate::policy) fn pace(track: &ProfileTrack, profile: &Profile) -> Duration {
    match track.standing {
        Standing::Failing | Standing::Down => profile.retry_interval,
        Standing::New | Standing::Up | Standing::Degraded => profile.interval,
    }
}

/// The wait that a profile's last answer asked us for: the longest `Retry-After` of a 429.
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

/// Sets a profile's next probe after one that began then and whose result is in; `paced` is the pace under which it was made.
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
        draft.happened.push(Happened::Skipped {
            profile: name.clone(),
            count,
        });
    }
}

/// Enters a profile in the agenda, in place of what stood there.
pub(in crate::policy) fn enter(draft: &mut Draft<'_>, name: &ProfileName, due: Timestamp) {
    let old = std::mem::replace(&mut draft.fleet.profile_mut(name).due, due);
    let mut entry = (old, name.clone());
    draft.fleet.agenda.remove(&entry);
    entry.0 = due;
    draft.fleet.agenda.insert(entry);
}

/// A site of this host begins to fail: the others are probed now, not when their turn comes, so that it is known at once
/// whether the whole host is affected. Who was probed since, is being probed, or is paced otherwise is left alone.
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
            // Its own time stays what it was, so that the sites of a host do not fall into step.
            draft.fleet.agenda.remove(&(track.due, name.clone()));
            draft.fleet.agenda.insert((now, name));
        }
    }
}

/// A probe came back: whoever waited for room on its machine may go.
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
