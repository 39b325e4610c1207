//! How a site does: probes that were well, with their response times, probes that failed, and for how long it was judged
//! and down. It is counted in slots of five minutes ([`Slot`]), and added to hours and days ([`Share`]).
//!
//! - A probe that could not be judged (our own network, our own limits) counts as neither well nor failed.
//! - The time between two probes belongs to what the first of them found. If it is longer than three intervals and
//!   [`limits::UNWATCHED_AFTER`], probe did not run, and it belongs to nothing.
//! - An incident is added when it is over, to the hours and days in which it was open; whoever reads adds an open one.

use crate::model::{Profile, ProfileName, ProfileState, Share, Slot, Timestamp, limits};

use crate::policy::draft::Draft;

/// A probe of a profile ended. The one before, if there was one, ended at `last` and left it in this state.
pub(in crate::policy) fn passed(
    draft: &mut Draft<'_>,
    profile: &Profile,
    last: Option<Timestamp>,
    left: ProfileState,
) {
    let Some(gap) = last.map(|last| draft.now.since(last)) else {
        return;
    };
    if gap <= limits::UNWATCHED_AFTER.max(profile.interval.saturating_mul(3)) {
        let judged = left != ProfileState::Unknown;
        slot(draft, &profile.name).pass(gap, judged);
    }
}

/// Counts a probe as well or failed.
pub(in crate::policy) fn probed(draft: &mut Draft<'_>, name: &ProfileName, well: bool) {
    let track = draft.fleet.profile_mut(name);
    let took = track.last.iter().map(|check| check.timings.total).max();
    slot(draft, name).count(took.filter(|_| well));
}

/// An incident that began then is over.
pub(in crate::policy) fn over(draft: &mut Draft<'_>, name: &ProfileName, since: Timestamp) {
    let (since, until) = (draft.wall(since), draft.wall(draft.now));
    for share in Share::of_incident(since, until, &draft.settings.wording.zone.rules) {
        draft.fleet.roll_up(name, share);
    }
}

/// The slot under way. The one before is handed to the next commit once it is over.
fn slot<'d>(draft: &'d mut Draft<'_>, name: &ProfileName) -> &'d mut Slot {
    let now = Slot::at(draft.wall(draft.now));
    let finished = draft.fleet.profile_mut(name).slot;
    if finished.number != now.number {
        draft.fleet.profile_mut(name).slot = now;
        if !finished.is_empty() {
            let share = Share::of_slot(&finished, &draft.settings.wording.zone.rules);
            draft.fleet.roll_up(name, share);
            if !finished.is_blank() {
                draft.fleet.finish(name, finished);
            }
        }
    }
    &mut draft.fleet.profile_mut(name).slot
}
