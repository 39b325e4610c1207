//! How a site does: probes that were well, with their response times, probes that failed, and for how long it was judged
//! and down. It is counted in slots of five minutes ([`Slot`]), and added to hours and days ([`Share`]).
//!
//! - A probe that could not be judged (our own network, our own limits) counts as neither well nor failed.
//! - The time between two probes belongs to what the first of them found. If it is longer than three intervals and
//!   [`limits::UNWATCHED_AFTER`], probe did not run, and it belongs to nothing.
//! - An incident is added when it is over, to the hours and days in which it was open; whoever reads adds an open one.

use crate::model::{Profile, ProfileName, ProfileState, Share, Slot, Timestamp, limits};

use crate::policy::draft::Draft;

/// A probe of a profile ended. The one before, if there was one, ended at `last` and left it in this state. A slot that is
/// over is handed to the next commit.
pub(in crate::policy) fn passed(
    draft: &mut Draft<'_>,
    profile: &Profile,
    last: Option<Timestamp>,
    left: ProfileState,
) {
    let longest = limits::UNWATCHED_AFTER.max(profile.interval.saturating_mul(3));
    let gap = last.map(|last| draft.now.since(last));
    let (name, now) = (&profile.name, Slot::at(draft.wall(draft.now)));
    let track = draft.fleet.profile_mut(name);
    let over = track.slot.number != now.number;
    let finished = over.then(|| std::mem::replace(&mut track.slot, now));
    if let Some(gap) = gap.filter(|gap| *gap <= longest) {
        track.slot.pass(gap, left != ProfileState::Unknown);
    }
    if let Some(finished) = finished.filter(|finished| !finished.is_empty()) {
        let share = Share::of_slot(&finished, &draft.settings.wording.zone.rules);
        draft.fleet.roll_up(name, share);
        if !finished.is_blank() {
            draft.fleet.finish(name, finished);
        }
    }
}

/// Counts a probe as well or failed, in the slot in which it ended.
pub(in crate::policy) fn probed(draft: &mut Draft<'_>, name: &ProfileName, well: bool) {
    let track = draft.fleet.profile_mut(name);
    let took = track.last.iter().map(|check| check.timings.total).max();
    track.slot.count(took.filter(|_| well));
}

/// An incident that began then is over.
pub(in crate::policy) fn over(draft: &mut Draft<'_>, name: &ProfileName, since: Timestamp) {
    let (since, until) = (draft.wall(since), draft.wall(draft.now));
    for share in Share::of_incident(since, until, &draft.settings.wording.zone.rules) {
        draft.fleet.roll_up(name, share);
    }
}
