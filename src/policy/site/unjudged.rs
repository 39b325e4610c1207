//! Sites that cannot be judged through our own fault: our name server is silent, a file of ours cannot be read, our
//! machine is out of a resource or too slow.
//!
//! People are told when a site has not been judged for [`limits::UNJUDGED`] and [`limits::UNJUDGED_INTERVALS`] of its
//! intervals. The time is counted from the first such probe, or from when our own network was back if that is later,
//! and in a maintenance window the message waits for its end. A canary is asked first: if none answers, our own network
//! is down, and people are told that instead (`blind`). The first probe that can be judged ends it.

use crate::model::{Happened, Profile, ProfileName, Timestamp, Unjudged, limits};

use crate::policy::draft::Draft;
use crate::policy::site::canary;

/// A probe that began then was judged (`failed` or not), or could not be judged.
pub(in crate::policy) fn probed(
    draft: &mut Draft<'_>,
    profile: &Profile,
    began: Timestamp,
    failed: bool,
) {
    let name = &profile.name;
    let Some(track) = draft.fleet.profiles.get(name) else {
        return;
    };
    let judged = track.unknown.is_none();
    if track.suspicion.is_some() || judged && track.unjudged.is_none() {
        return; // not judged yet, or judged as before
    }
    if judged {
        over(draft, name, failed);
        return;
    }
    let since = track.unjudged.as_ref().map_or(began, |known| known.since);
    let seeing = since.max(draft.fleet.core.network.back.unwrap_or(since));
    let patience = limits::UNJUDGED.max(profile.interval * limits::UNJUDGED_INTERVALS);
    let due = draft.now.since(seeing) > patience
        && draft.window(name, draft.now).is_none()
        && !canary::is_down(draft);
    let unjudged = draft
        .fleet
        .profile_mut(name)
        .unjudged
        .get_or_insert_with(|| {
            Box::new(Unjudged {
                since,
                due: false,
                told: None,
            })
        });
    unjudged.due = due && unjudged.told.is_none();
}

/// Whether our own network is known to work.
pub(in crate::policy) fn sees(draft: &Draft<'_>) -> bool {
    canary::is_proven(draft, draft.now - limits::CANARY_FRESH)
}

/// Whether something is to be told and a canary must be asked first.
pub(in crate::policy) fn waits(draft: &Draft<'_>) -> bool {
    !draft.fleet.index.unjudged.is_empty() && !sees(draft)
}

/// No canary answers: what was to be told is told as `blind` instead. Returns whether there was anything.
pub(in crate::policy) fn blinded(draft: &mut Draft<'_>) -> bool {
    draft.fleet.reindex();
    let due = draft.fleet.index.unjudged.clone();
    for name in &due {
        if let Some(unjudged) = &mut draft.fleet.profile_mut(name).unjudged {
            unjudged.due = false;
        }
    }
    !due.is_empty()
}

/// The profile is judged again, or no longer watched.
pub(in crate::policy) fn over(draft: &mut Draft<'_>, name: &ProfileName, failed: bool) {
    let known = draft.fleet.profiles.get(name);
    if known.is_none_or(|track| track.unjudged.is_none()) {
        return;
    }
    let unjudged = draft.fleet.profile_mut(name).unjudged.take();
    if let Some(Unjudged { since, told, .. }) = unjudged.map(|known| *known) {
        let profile = name.clone();
        draft.happened.push(Happened::JudgedAgain {
            profile,
            since,
            told,
            failed,
        });
    }
}
