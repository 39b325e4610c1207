//! How a site does, in slots of five minutes: probes that were well, with their response times, and probes that failed.
//!
//! A probe that could not be judged (our own network, our own limits) counts as neither.

use crate::model::{ProfileName, Slot};

use crate::policy::draft::Draft;

/// Counts a probe as well or failed, and hands the slot before it to the next commit once it is over.
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
