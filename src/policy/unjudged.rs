//! Sites that cannot be judged, by our own doing: our name server is silent, a file of ours cannot be read, our machine is
//! out of something or too slow.
//!
//! That a profile is still not judged is told with the probe that finds it so after [`limits::UNJUDGED`] and
//! [`limits::UNJUDGED_INTERVALS`] of its intervals, counted from the first such probe and not before our own network was
//! back; in a maintenance window it waits for its end. A canary is asked first: where none answers our own network is down,
//! and that is told instead, as `blind`. It is told once, and the first probe that can be judged ends it: as `up` where the
//! site is well, else as `closed`, and what is wrong with the site is told by itself once it is confirmed.

use crate::model::{
    EventKind, IncidentId, Next, Note, Notification, Profile, ProfileName, ProfileState, Remark,
    Timestamp, Unjudged, limits,
};

use super::draft::Draft;
use super::{judge, network, outbox, report, telling};

/// A probe that began then is judged, as failed or not, or could not be.
pub(super) fn probed(draft: &mut Draft<'_>, profile: &Profile, began: Timestamp, failed: bool) {
    let name = &profile.name;
    let Some(track) = draft.fleet.profiles.get(name) else {
        return;
    };
    let judged = track.unknown.is_none();
    if track.suspicion.is_some() || judged && track.unjudged.is_none() {
        return; // not judged yet, or as ever
    }
    if judged {
        over(draft, profile, failed);
        return;
    }
    let since = track.unjudged.as_ref().map_or(began, |known| known.since);
    let seeing = since.max(draft.fleet.core.network.back.unwrap_or(since));
    let patience = limits::UNJUDGED.max(profile.interval * limits::UNJUDGED_INTERVALS);
    let due = draft.now.since(seeing) > patience
        && draft.window(name, draft.now).is_none()
        && !network::is_down(draft);
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

/// Our own network is known to work.
fn sees(draft: &Draft<'_>) -> bool {
    network::is_proven(draft, draft.now - limits::CANARY_FRESH)
}

/// Something is due, and a canary is to be asked first.
pub(super) fn waits(draft: &Draft<'_>) -> bool {
    !draft.fleet.index.unjudged.is_empty() && !sees(draft)
}

/// Tells of those that are due, as far as our own network is known to work.
pub(super) fn move_on(draft: &mut Draft<'_>) {
    draft.fleet.reindex();
    if !draft.fleet.index.unjudged.is_empty() && sees(draft) {
        for name in draft.fleet.index.unjudged.clone() {
            tell(draft, &name);
        }
    }
}

/// No canary answers: what was due is told as `blind`. Whether anything was.
pub(super) fn blinded(draft: &mut Draft<'_>) -> bool {
    draft.fleet.reindex();
    let due = draft.fleet.index.unjudged.clone();
    for name in &due {
        if let Some(unjudged) = &mut draft.fleet.profile_mut(name).unjudged {
            unjudged.due = false;
        }
    }
    !due.is_empty()
}

fn tell(draft: &mut Draft<'_>, name: &ProfileName) {
    let thread = IncidentId::new(&format!("{name}-unjudged"), &draft.now.stamp());
    let track = draft.fleet.profile_mut(name);
    let detail = track.unknown.as_deref().cloned().unwrap_or_default();
    let Some(unjudged) = &mut track.unjudged else {
        return;
    };
    (unjudged.due, unjudged.told) = (false, Some(thread.clone()));
    let since = unjudged.since;
    let mut told = about(draft, name, EventKind::Unjudged, thread, since);
    told.remark = Some(Remark::Finding(detail.clone()));
    outbox::queue(draft, &told);
    draft.durable = true;
    draft.notes.push(Note::Unjudged {
        profile: name.clone(),
        since: draft.wall(since),
        detail,
    });
}

/// The profile is judged again.
fn over(draft: &mut Draft<'_>, profile: &Profile, failed: bool) {
    let name = &profile.name;
    let known = draft.fleet.profiles.get(name);
    if known.is_none_or(|track| track.unjudged.is_none()) {
        return;
    }
    let track = draft.fleet.profile_mut(name);
    let Some(unjudged) = track.unjudged.take() else {
        return;
    };
    report::judged(draft, name, unjudged.since);
    let track = draft.fleet.profile_mut(name);
    let well = !failed && matches!(track.state(), ProfileState::Up | ProfileState::Degraded);
    let cause = judge::told(profile, &track.last).filter(|_| !well);
    let Some(thread) = unjudged.told else {
        return;
    };
    let event = if well {
        EventKind::Up
    } else {
        EventKind::Closed
    };
    let mut told = about(draft, name, event, thread, unjudged.since);
    (told.sequence, told.judged) = (1, true);
    (told.until, told.cause) = (Some(draft.wall(draft.now)), cause);
    if well {
        told.seen = Vec::new();
    }
    outbox::queue(draft, &told);
    draft.durable = true;
    draft.notes.push(Note::JudgedAgain {
        profile: name.clone(),
        since: draft.wall(unjudged.since),
    });
}

/// The profile is no longer watched: what was told of it ends.
pub(super) fn abandon(draft: &mut Draft<'_>, name: &ProfileName) {
    let known = draft.fleet.profiles.get(name);
    if known.is_none_or(|track| track.unjudged.is_none()) {
        return;
    }
    let unjudged = draft.fleet.profile_mut(name).unjudged.take();
    let Some(Unjudged { since, told, .. }) = unjudged.map(|known| *known) else {
        return;
    };
    report::judged(draft, name, since);
    let Some(thread) = told else {
        return;
    };
    let mut told = about(draft, name, EventKind::Closed, thread, since);
    (told.sequence, told.until) = (1, Some(draft.wall(draft.now)));
    (told.cause, told.seen) = (None, Vec::new());
    outbox::queue(draft, &told);
    draft.durable = true;
}

/// What each message of the thread says.
fn about(
    draft: &Draft<'_>,
    name: &ProfileName,
    event: EventKind,
    thread: IncidentId,
    since: Timestamp,
) -> Notification {
    let profile = draft.settings.profiles.get(name);
    let track = draft.fleet.profiles.get(name);
    let mut told = telling::blank(draft, event);
    told.incident = Some(thread);
    told.profile = Some(name.clone());
    told.host = profile.and_then(|profile| profile.host.clone());
    told.since = Some(draft.wall(since));
    told.slow = profile.and_then(|profile| profile.slow);
    told.cause = profile
        .zip(track)
        .and_then(|(profile, track)| judge::told(profile, &track.last));
    told.seen = track.map_or_else(Vec::new, |track| judge::seen(&track.last));
    told.next = Next::Nothing;
    told
}
