//! When a host is left to people, and when it is armed again.

use crate::model::{GivenUp, Happened, Hold, HostName, Stage};

use crate::policy::draft::Draft;

/// No restart is ordered any more, until a person or proven health arms the host again.
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

/// Forgets the attempts of a host, never what its budget has seen.
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
