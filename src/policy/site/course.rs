//! How a site does, counted in five minutes at a time: a probe that was well with its response time, or one that failed.
//! What could not be told (our own network, our own limits) is neither.

use crate::model::{ProfileName, Slot};

use crate::policy::draft::Draft;

/// A probe counted as well, or as failed.
pub(in crate::policy) fn probed(draft: &mut Draft<'_>, name: &ProfileName, well: bool) {
    let now = Slot::at(draft.wall(draft.now));
    let track = draft.fleet.profile_mut(name);
    let took = track.last.iter().map(|check| check.timings.total).max();
    let finished = std::mem::take(&mut track.slot);
    if finished.number == now.number {
        track.slot = finished;
    } else {
        track.slot = now;
    }
    let took = took.filter(|_| well);
    track.slot.count(took);
    if finished.number != now.number && !finished.is_empty() {
        draft.fleet.finish(name, finished);
    }
}
