//! Which sites flap: go down and come back again and again.
//!
//! A profile that goes down for the [`limits::FLAP_OUTAGES`]th time within [`limits::FLAP_WINDOW`] flaps. People are
//! told so at that outage, and not of each outage after it. All sites of its host count to the same flapping, in one
//! thread. Watching and restarting go on as usual, and people are still told of each restart. When we give up on the
//! host the flapping is over, and people are told of everything again. It is also over when no site went down or came
//! back for [`limits::FLAP_CALM`]: then people are told that the site is stable, or that it stays down.

use crate::model::{Flap, Flaps, Fleet, IncidentId, ProfileName, Telling, Timestamp, limits};

use crate::policy::draft::Draft;

/// A profile went down.
pub(in crate::policy) fn fell(draft: &mut Draft<'_>, name: &ProfileName) {
    let now = draft.now;
    let flap = draft.fleet.profile_mut(name).flap.get_or_insert_default();
    flap.turns = vec![now];
    flap.outages
        .retain(|outage| now.since(*outage) < limits::FLAP_WINDOW);
    flap.outages.push(now);
    turned(draft, name);
}

/// A profile went down or came back: if its host flaps, it goes on flapping.
pub(in crate::policy) fn turned(draft: &mut Draft<'_>, name: &ProfileName) {
    let now = draft.now;
    let teller = flapping(draft, name);
    if let Some(flap) = teller.and_then(|name| draft.fleet.profile_mut(&name).flap.as_mut()) {
        flap.turns = vec![now];
    }
}

/// This profile, or another of its host, if people were told that it flaps.
pub(in crate::policy) fn flapping(draft: &Draft<'_>, name: &ProfileName) -> Option<ProfileName> {
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

/// The flapping that was told in this thread: of the incident's profile, or of another one of its host.
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

/// A muted incident is over: the flapping and its thread go on.
pub(in crate::policy) fn closed(draft: &mut Draft<'_>, over: &Telling) {
    draft.fleet.reindex();
    let flap = teller(draft, &over.thread);
    if let Some(told) = flap.and_then(|flap| flap.told.as_mut()) {
        told.sequence = over.sequence;
    }
}

/// The thread ended in another way: the flapping is forgotten.
pub(in crate::policy) fn forget(draft: &mut Draft<'_>, thread: &IncidentId) {
    draft.fleet.reindex();
    if let Some(flap) = teller(draft, thread) {
        *flap = Flap::default();
    }
}

/// We gave up on the host: from now on people are told of everything again.
pub(in crate::policy) fn unmute(draft: &mut Draft<'_>, name: &ProfileName) {
    let Some(telling) = &mut draft.fleet.profile_mut(name).telling else {
        return;
    };
    telling.muted = false;
    let thread = telling.thread.clone();
    forget(draft, &thread);
}

/// How often it went down, and since when by the wall clock.
pub(in crate::policy) fn flaps(draft: &Draft<'_>, name: &ProfileName) -> Option<Flaps> {
    let flap = draft.fleet.profiles.get(name)?.flap.as_ref()?;
    let told = flap.told.as_ref()?;
    Some(Flaps {
        outages: told.outages,
        since: draft.wall(told.since),
    })
}

/// When the next flapping may be over.
pub(in crate::policy) fn wakeup(fleet: &Fleet) -> Option<Timestamp> {
    let first = fleet.index.flapping.first();
    first.map(|(turned, _)| *turned + limits::FLAP_CALM)
}
