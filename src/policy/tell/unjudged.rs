//! What is told of sites that cannot be judged through our own fault.
//!
//! It is told once, when a canary has shown that our own network works. The first probe that can be judged ends it: as
//! `up` if the site is well, else as `closed`. A fault of the site is then told by its own messages once it is
//! confirmed.

use crate::model::{
    EventKind, Happened, IncidentId, Next, Notification, ProfileName, ProfileState, Remark,
    Timestamp,
};

use crate::policy::draft::Draft;
use crate::policy::site::judge;
use crate::policy::site::unjudged::sees;
use crate::policy::tell::{outbox, report};

/// Tells of the sites that are due, if our own network is known to work.
pub(in crate::policy) fn move_on(draft: &mut Draft<'_>) {
    draft.fleet.reindex();
    if !draft.fleet.index.unjudged.is_empty() && sees(draft) {
        for name in draft.fleet.index.unjudged.clone() {
            tell(draft, &name);
        }
    }
}

/// It is over: the profile is judged again, or no longer watched. `thread` is where people were told, if they were.
pub(in crate::policy) fn over(
    draft: &mut Draft<'_>,
    name: &ProfileName,
    since: Timestamp,
    thread: Option<IncidentId>,
    failed: bool,
) {
    report::judged(draft, name, since);
    let Some(thread) = thread else {
        return;
    };
    let profile = draft.profile(name);
    let track = draft.fleet.profiles.get(name);
    let well = profile.is_some()
        && !failed
        && track.is_some_and(|track| {
            matches!(track.state(), ProfileState::Up | ProfileState::Degraded)
        });
    let event = if well {
        EventKind::Up
    } else {
        EventKind::Closed
    };
    let mut told = about(draft, name, event, thread, since);
    (told.sequence, told.judged) = (1, profile.is_some());
    told.until = Some(draft.wall(draft.now));
    if well || profile.is_none() {
        (told.cause, told.seen) = (None, Vec::new());
    }
    outbox::queue(draft, &told);
    draft.durable = true;
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
    draft.happened.push(Happened::Unjudged {
        profile: name.clone(),
        since,
        detail,
    });
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
    let mut told = draft.blank(event);
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
