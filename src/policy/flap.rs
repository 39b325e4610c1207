//! Sites that go down and come back again and again.
//!
//! A profile that goes down for the [`limits::FLAP_OUTAGES`]th time within [`limits::FLAP_WINDOW`] flaps: that outage is told as
//! flapping, and of those after it people do not hear each. Watching and restarting go on as ever; each restart is told, and that
//! we gave up. When nothing turned for [`limits::FLAP_CALM`] it is over: people hear that the site is stable, or that it stays down.
//! All of it is one thread.

use crate::model::{
    EventKind, Flap, FlapTold, Flaps, Fleet, Incident, IncidentId, Next, ProfileName, Timestamp,
    limits,
};

use super::draft::Draft;
use super::{outbox, telling, thread};

/// A profile went down.
pub(super) fn fell(draft: &mut Draft<'_>, name: &ProfileName) {
    let now = draft.now;
    let flap = draft.fleet.profile_mut(name).flap.get_or_insert_default();
    turn(flap, now);
    flap.outages
        .retain(|outage| now.since(*outage) < limits::FLAP_WINDOW);
    flap.outages.push(now);
}

/// A profile came back.
pub(super) fn rose(draft: &mut Draft<'_>, name: &ProfileName) {
    let now = draft.now;
    let flap = draft.fleet.profile_mut(name).flap.get_or_insert_default();
    turn(flap, now);
}

fn turn(flap: &mut Flap, now: Timestamp) {
    flap.turns
        .retain(|turn| now.since(*turn) < limits::FLAP_WINDOW);
    flap.turns.push(now);
}

/// An incident was opened that speaks for itself: it is told as flapping, or not at all.
pub(super) fn mute(draft: &mut Draft<'_>, name: &ProfileName) {
    let now = draft.now;
    let incident = draft
        .fleet
        .profiles
        .get(name)
        .and_then(|track| track.incident.as_ref());
    if incident.is_none_or(|incident| incident.led) {
        return;
    }
    // The sites of a host flap together.
    let teller =
        flapping(draft, name).and_then(|name| draft.fleet.profile_mut(&name).flap.as_mut());
    if let Some(flap) = teller {
        turn(flap, now);
        let told = flap.told.as_mut().map(|told| {
            told.outages += 1;
            (told.thread.clone(), told.sequence)
        });
        let Some((thread, sequence)) = told else {
            return;
        };
        // One incident at a time speaks in a thread.
        let speaks = thread::speaker(draft, &thread);
        if let Some(incident) = &mut draft.fleet.profile_mut(name).incident {
            (incident.thread, incident.led) = (Some(thread), speaks.is_some());
            if speaks.is_none() {
                (incident.sequence, incident.muted) = (sequence, true);
            }
        }
        return;
    }
    let track = draft.fleet.profile_mut(name);
    let (Some(incident), Some(flap)) = (&mut track.incident, &mut track.flap) else {
        return;
    };
    if flap.outages.len() < limits::FLAP_OUTAGES {
        return;
    }
    let first = flap.outages.first().copied().unwrap_or(incident.since);
    flap.told = Some(FlapTold {
        thread: incident.thread().clone(),
        sequence: 1,
        since: first,
        outages: u32::try_from(flap.outages.len()).unwrap_or(u32::MAX),
    });
    telling::tell(draft, name, EventKind::Flapping, Next::Nothing, None);
    if let Some(incident) = &mut draft.fleet.profile_mut(name).incident {
        incident.muted = true;
    }
}

/// The profile, or another of its host, of which it was told that it flaps.
fn flapping(draft: &Draft<'_>, name: &ProfileName) -> Option<ProfileName> {
    let host = draft.host_of(name);
    let others = host.iter().flat_map(|host| draft.watched(host));
    let mut names = std::iter::once(name).chain(others.map(|(name, _)| name));
    let told = |name: &&ProfileName| {
        let track = draft.fleet.profiles.get(*name);
        let flap = track.and_then(|track| track.flap.as_ref());
        flap.is_some_and(|flap| flap.told.is_some())
    };
    names.find(told).cloned()
}

/// Who was told to flap in this thread: the profile of the incident, or another of its host.
fn teller<'a>(draft: &'a mut Draft<'_>, thread: &IncidentId) -> Option<&'a mut Flap> {
    let flaps = |name: &&ProfileName| {
        let flap = draft.fleet.profiles.get(*name)?.flap.as_ref()?;
        Some(flap.told.as_ref()?.thread == *thread)
    };
    let flapping = draft.fleet.index.flapping.iter().map(|(_, name)| name);
    let name = flapping
        .clone()
        .find(|name| flaps(name) == Some(true))
        .cloned()?;
    draft.fleet.profile_mut(&name).flap.as_deref_mut()
}

/// A muted incident is over: its thread goes on.
pub(super) fn closed(draft: &mut Draft<'_>, incident: &Incident) {
    draft.fleet.reindex();
    let now = draft.now;
    if let Some(flap) = teller(draft, incident.thread()) {
        turn(flap, now);
        if let Some(told) = &mut flap.told {
            told.sequence = incident.sequence;
        }
    }
}

/// The thread ended otherwise.
pub(super) fn forget(draft: &mut Draft<'_>, thread: &IncidentId) {
    draft.fleet.reindex();
    if let Some(flap) = teller(draft, thread) {
        *flap = Flap::default();
    }
}

/// A person was called: from now on they hear of everything again.
pub(super) fn unmute(draft: &mut Draft<'_>, name: &ProfileName) {
    let Some(incident) = &mut draft.fleet.profile_mut(name).incident else {
        return;
    };
    incident.muted = false;
    let thread = incident.thread().clone();
    forget(draft, &thread);
}

/// The profile is no longer watched: another that is down in the thread goes on telling, else the thread is over.
pub(super) fn abandon(draft: &mut Draft<'_>, name: &ProfileName) {
    let track = draft.fleet.profiles.get(name);
    let flap = track.and_then(|track| track.flap.clone());
    let Some((flap, told)) = flap.and_then(|flap| Some((flap.clone(), flap.told?))) else {
        return;
    };
    draft.fleet.profile_mut(name).flap = None;
    let own = draft.fleet.profiles.get(name);
    let is_down = own.is_some_and(|track| {
        let incident = track.incident.as_ref();
        incident.is_some_and(|incident| *incident.thread() == told.thread)
    });
    if let Some(mate) = thread::other(draft, name, &told.thread) {
        draft.fleet.profile_mut(&mate).flap = Some(flap);
    } else if !is_down {
        let mut over = telling::blank(draft, EventKind::Closed);
        over.incident = Some(told.thread);
        over.sequence = told.sequence;
        over.profile = Some(name.clone());
        over.since = Some(draft.wall(told.since));
        over.until = Some(draft.wall(draft.now));
        outbox::queue(draft, &over);
    }
}

/// How often it went down, in times that people's clocks showed.
pub(super) fn flaps(draft: &Draft<'_>, name: &ProfileName) -> Option<Flaps> {
    let flap = draft.fleet.profiles.get(name)?.flap.as_ref()?;
    let told = flap.told.as_ref()?;
    Some(Flaps {
        outages: told.outages,
        since: draft.wall(told.since),
    })
}

/// Tells of those that flap no more.
pub(super) fn calm(draft: &mut Draft<'_>) {
    let due = |turned: Timestamp| draft.now.since(turned) >= limits::FLAP_CALM;
    let flapping = draft.fleet.index.flapping.iter();
    let names: Vec<ProfileName> = flapping
        .take_while(|(turned, _)| due(*turned))
        .map(|(_, name)| name.clone())
        .collect();
    for name in names {
        let flaps = flaps(draft, &name);
        let told = draft.fleet.profile_mut(&name).flap.take();
        let Some(told) = told.and_then(|flap: Box<Flap>| flap.told) else {
            continue;
        };
        draft.durable = true;
        if let Some(down) = thread::speaker(draft, &told.thread) {
            if let Some(incident) = &mut draft.fleet.profile_mut(&down).incident {
                incident.muted = false;
            }
            let next = telling::next_for(draft, &down);
            telling::tell(draft, &down, EventKind::Reminder, next, None);
            continue;
        }
        let profile = draft.settings.profiles.get(&name);
        let mut over = telling::blank(draft, EventKind::Up);
        over.incident = Some(told.thread);
        over.sequence = told.sequence;
        over.host = profile.and_then(|profile| profile.host.clone());
        over.slow = profile.and_then(|profile| profile.slow);
        over.profile = Some(name);
        over.since = Some(draft.wall(told.since));
        over.until = Some(draft.wall(draft.now));
        over.flaps = flaps;
        outbox::queue(draft, &over);
    }
}

/// When the next of them may have been calm for long enough.
pub(super) fn wakeup(fleet: &Fleet) -> Option<Timestamp> {
    let first = fleet.index.flapping.first();
    first.map(|(turned, _)| *turned + limits::FLAP_CALM)
}
