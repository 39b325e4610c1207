//! What people are told of sites that flap: that they began to, and how it ended ([`flap`] says which sites flap).

use crate::model::{EventKind, Flap, FlapTold, Next, ProfileName, Timestamp, limits};

use crate::policy::draft::Draft;
use crate::policy::tell::{flap, message, outbox, thread};

/// An incident was opened. If it is not led, it may be told as flapping, or be muted because that was told.
pub(in crate::policy) fn mute(draft: &mut Draft<'_>, name: &ProfileName) {
    if thread::telling(draft, name).is_none_or(|telling| telling.led) {
        return;
    }
    // The sites of a host flap together.
    let teller =
        flap::flapping(draft, name).and_then(|name| draft.fleet.profile_mut(&name).flap.as_mut());
    if let Some(flap) = teller {
        let told = flap.told.as_mut().map(|told| {
            told.outages += 1;
            (told.thread.clone(), told.sequence)
        });
        let Some((thread, sequence)) = told else {
            return;
        };
        // Only one incident of a thread speaks at a time.
        let speaks = thread::speaker(draft, &thread);
        if let Some(telling) = &mut draft.fleet.profile_mut(name).telling {
            (telling.thread, telling.led) = (thread, speaks.is_some());
            if speaks.is_none() {
                (telling.sequence, telling.muted) = (sequence, true);
            }
        }
        return;
    }
    let track = draft.fleet.profile_mut(name);
    let (Some(telling), Some(flap)) = (&track.telling, &mut track.flap) else {
        return;
    };
    if flap.outages.len() < limits::FLAP_OUTAGES {
        return;
    }
    let first = flap.outages.first().copied().unwrap_or(telling.since);
    flap.told = Some(FlapTold {
        thread: telling.thread.clone(),
        sequence: 1,
        since: first,
        outages: u32::try_from(flap.outages.len()).unwrap_or(u32::MAX),
    });
    message::tell(draft, name, EventKind::Flapping, Next::Nothing, None);
    if let Some(telling) = &mut draft.fleet.profile_mut(name).telling {
        telling.muted = true;
    }
}

/// The profile is no longer watched: another one that is down in the thread takes over, else the thread ends.
pub(in crate::policy) fn abandon(draft: &mut Draft<'_>, name: &ProfileName) {
    let track = draft.fleet.profiles.get(name);
    let flap = track.and_then(|track| track.flap.clone());
    let Some((flap, told)) = flap.and_then(|flap| Some((flap.clone(), flap.told?))) else {
        return;
    };
    draft.fleet.profile_mut(name).flap = None;
    let own = thread::telling(draft, name);
    let is_down = own.is_some_and(|telling| telling.thread == told.thread);
    if let Some(mate) = thread::other(draft, name, &told.thread) {
        draft.fleet.profile_mut(&mate).flap = Some(flap);
    } else if !is_down {
        let mut over = draft.blank(EventKind::Closed);
        over.incident = Some(told.thread);
        over.sequence = told.sequence;
        over.profile = Some(name.clone());
        over.since = Some(draft.wall(told.since));
        over.until = Some(draft.wall(draft.now));
        outbox::queue(draft, &over);
    }
}

/// Tells of the sites that no longer flap.
pub(in crate::policy) fn calm(draft: &mut Draft<'_>) {
    let due = |turned: Timestamp| draft.now.since(turned) >= limits::FLAP_CALM;
    let flapping = draft.fleet.index.flapping.iter();
    let names: Vec<ProfileName> = flapping
        .take_while(|(turned, _)| due(*turned))
        .map(|(_, name)| name.clone())
        .collect();
    for name in names {
        let flaps = flap::flaps(draft, &name);
        let told = draft.fleet.profile_mut(&name).flap.take();
        let Some(told) = told.and_then(|flap: Box<Flap>| flap.told) else {
            continue;
        };
        draft.durable = true;
        if let Some(down) = thread::speaker(draft, &told.thread) {
            if let Some(telling) = &mut draft.fleet.profile_mut(&down).telling {
                telling.muted = false;
            }
            let next = message::next_for(draft, &down);
            message::tell(draft, &down, EventKind::Reminder, next, None);
            continue;
        }
        let profile = draft.settings.profiles.get(&name);
        let mut over = draft.blank(EventKind::Up);
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
