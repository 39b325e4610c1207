//! What giving up on a host and re-arming it change. [`guard`](super::guard) says when to give up.
//!
//! A host that we gave up on is watched but not restarted. It is re-armed by a person (`probe resume`), by a change of
//! its configuration, or by proven health. Re-arming forgets its attempts, but never what counts for its budget.

use crate::model::{GivenUp, Happened, Hold, HostName, Stage};

use crate::policy::draft::Draft;

/// From now on no restart is ordered until the host is re-armed.
pub(in crate::policy) fn give_up(draft: &mut Draft<'_>, name: &HostName, reason: GivenUp) {
    let since = draft.now;
    let track = draft.fleet.host_mut(name);
    track.stage = Stage::GaveUp {
        since,
        reason: reason.clone(),
    };
    track.hold = Some(Hold::GaveUp {
        reason: reason.clone(),
    });
    draft.durable = true;
    let host = name.clone();
    draft.happened.push(Happened::GaveUp { host, reason });
}

/// Forgets the attempts of a host, but not what counts for its budget.
pub(in crate::policy) fn rearm(draft: &mut Draft<'_>, name: &HostName) {
    let track = draft.fleet.host_mut(name);
    let gave_up = matches!(track.stage, Stage::GaveUp { .. });
    if gave_up {
        track.stage = Stage::Idle;
    }
    (track.attempts, track.broken) = (0, 0);
    track.hold = None;
    if gave_up {
        draft
            .happened
            .push(Happened::Rearmed { host: name.clone() });
    }
    draft.durable = true;
}
