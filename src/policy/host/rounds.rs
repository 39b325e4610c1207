//! Which hosts the rules look at now, found without walking the fleet.
//!
//! What the rules say of a host can change when its own row or that of one of its profiles did, when its time has come,
//! or when what holds it is no longer so: an order of people, a canary's answer, the end of another host's restart. A
//! mass failure is looked at again with each probe of the host's own profiles.

use std::collections::BTreeSet;

use crate::model::{Fleet, HostName, Timestamp};

use crate::policy::draft::{Draft, Recheck};

/// The hosts about which the rules may say something new: whose time has come, of which something changed, and those
/// held by something that is no longer so.
pub(in crate::policy) fn due(draft: &mut Draft<'_>) -> BTreeSet<HostName> {
    draft.fleet.reindex();
    let (now, wall) = (draft.now, draft.wall(draft.now));
    let index = &mut draft.fleet.index;
    let mut due: BTreeSet<HostName> = index.dirty.hosts.drain(..).collect();
    let profiles = index.dirty.profiles.drain(..);
    let settings = draft.settings;
    if settings.hosts.is_empty() {
        drop(profiles);
    } else {
        due.extend(profiles.filter_map(|name| settings.profiles.get(&name)?.host.clone()));
    }
    let past = |set: &BTreeSet<(Timestamp, HostName)>, now: Timestamp| -> Vec<HostName> {
        let past = set.iter().take_while(|(at, _)| *at <= now);
        past.map(|(_, name)| name.clone()).collect()
    };
    due.extend(past(&index.wakes, now));
    due.extend(past(&index.paused, wall));
    match draft.recheck {
        Recheck::No => {}
        Recheck::Sight => due.extend(index.blind.iter().cloned()),
        Recheck::All => due.extend(index.held.iter().cloned()),
    }
    due
}

/// The deadline of a restart that is under way.
pub(in crate::policy) fn restarting_until(fleet: &Fleet) -> Option<Timestamp> {
    let mut deadlines = fleet.index.restarting.iter().map(|(deadline, _)| *deadline);
    deadlines.find(|deadline| *deadline > fleet.now())
}

/// Hosts that rest for a reason, or in which something goes on.
pub(in crate::policy) fn astir(fleet: &Fleet) -> impl Iterator<Item = &HostName> {
    let moving = fleet.index.wakes.iter().map(|(_, name)| name);
    fleet.index.held.iter().chain(moving)
}

/// When a host wants to be looked at again.
pub(in crate::policy) fn wakeup(fleet: &Fleet) -> Option<Timestamp> {
    let index = &fleet.index;
    let wakes = index.wakes.first().map(|(at, _)| *at);
    let paused = index
        .paused
        .first()
        .map(|(wall, _)| Timestamp(wall.0.saturating_sub(fleet.core.clock.skew_ms)));
    let queued = Some(&index.queued)
        .filter(|queued| !queued.is_empty())
        .and_then(|_| restarting_until(fleet));
    [wakes, paused, queued].into_iter().flatten().min()
}
