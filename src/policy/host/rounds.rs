//! Which hosts the rules are asked about now, found without walking the fleet.
//!
//! The answer for a host can change when its own row or one of its profiles' rows changed, when a time it waits for has
//! come, or when the reason for its hold ended: by an order of people, a canary's answer, or the end of another host's
//! restart. A host held for a mass failure is asked about again with each probe of its own profiles.

use std::collections::BTreeSet;

use crate::model::{Fleet, HostName, Timestamp};

use crate::policy::draft::{Draft, Recheck};

/// The hosts for which the rules may say something new: those that changed, those whose time has come, and those whose
/// hold may have ended.
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

/// The first deadline of a restart that is under way.
pub(in crate::policy) fn restarting_until(fleet: &Fleet) -> Option<Timestamp> {
    let mut deadlines = fleet.index.restarting.iter().map(|(deadline, _)| *deadline);
    deadlines.find(|deadline| *deadline > fleet.now())
}

/// Hosts with a hold, or that wait for a time: the end of a restart, of settling or of proving their health.
pub(in crate::policy) fn waiting(fleet: &Fleet) -> impl Iterator<Item = &HostName> {
    let moving = fleet.index.wakes.iter().map(|(_, name)| name);
    fleet.index.held.iter().chain(moving)
}

/// When the rules must be asked about a host again.
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
