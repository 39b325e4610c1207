//! What is told of an incident: what is so, what was done, and what comes next, all of it at the moment it is told. A `down` that is
//! told because something was just done says the same of what comes next as the message of that.
//!
//! People hear of an incident once it is known what comes next: when its host has been looked at, and when the other sites
//! of the host have been probed as well, so that one message names them all. A look has its own time limit; for the other
//! sites they wait [`limits::GATHER`] at most. A restart waits for no mail.

use crate::model::{
    Attempt, Cause, EventKind, Fleet, Glimpse, Hold, HostName, Incident, Next, Notification,
    ProfileName, Remark, Stage, Timestamp, limits,
};

use super::draft::Draft;
use super::judge::seen;
use super::{flap, judge, lesson, outbox, thread};

/// A notification that says nothing yet.
pub(super) fn blank(draft: &Draft<'_>, event: EventKind) -> Notification {
    Notification::blank(event, draft.wall(draft.now))
}

/// Tells people of a profile's incident, and of those that it speaks for.
pub(super) fn tell(
    draft: &mut Draft<'_>,
    name: &ProfileName,
    event: EventKind,
    next: Next,
    remark: Option<Remark>,
) {
    let Some(track) = draft.fleet.profiles.get(name) else {
        return;
    };
    let Some(incident) = &track.incident else {
        return;
    };
    let said = matches!(
        event,
        EventKind::Restarted | EventKind::GaveUp | EventKind::Back | EventKind::Closed
    );
    if incident.muted && !said {
        let now = draft.now;
        if let Some(incident) = &mut draft.fleet.profile_mut(name).incident {
            (incident.told, incident.news) = (now, None);
        }
        return;
    }
    let profile = draft.settings.profiles.get(name);
    let host = profile.and_then(|profile| profile.host.clone());
    let mut told = blank(draft, event);
    let over = told.ends();
    told.incident = Some(incident.thread().clone());
    told.sequence = incident.sequence;
    told.profile = Some(name.clone());
    told.first.clone_from(&incident.first);
    told.ssh = host
        .as_ref()
        .and_then(|host| draft.settings.hosts.get(host))
        .map(|host| host.ssh.clone());
    told.lesson = host
        .as_ref()
        .and_then(|host| lesson::of(draft.fleet.hosts.get(host)?, draft.now));
    told.facts = host
        .as_ref()
        .and_then(|host| facts(draft, host, incident.since));
    told.host = host;
    told.slow = profile.and_then(|profile| profile.slow);
    told.since = Some(draft.wall(incident.since));
    told.opened = Some(draft.wall(incident.opened));
    told.until = over.then(|| draft.wall(draft.now));
    // The end says by what the outage began, everything else what is so now.
    told.cause = Some(if over {
        incident.cause
    } else {
        cause(draft, name, incident)
    });
    told.seen = if over { Vec::new() } else { seen(&track.last) };
    // A restart that begins now is what comes next, not what was done.
    let begins = matches!(next, Next::Restart { .. });
    let done = incident
        .attempts
        .iter()
        .filter(|attempt| !begins || attempt.ended.is_some());
    told.attempts = done.map(|attempt| on_wall(draft, attempt)).collect();
    told.next = match next {
        Next::Held(hold) => Next::Held(hold.shifted(|at| draft.wall(at))),
        Next::Restart { .. } | Next::Prove { .. } | Next::WatchOnly | Next::Nothing => next,
    };
    told.remark = remark;
    told.story = over && incident.sequence == 0;
    told.flaps = flap::flaps(draft, name);
    told.sites = thread::sites(draft, name, event);
    outbox::queue(draft, &told);
    let now = draft.now;
    if let Some(incident) = &mut draft.fleet.profile_mut(name).incident {
        incident.sequence += 1;
        incident.told = now;
    }
    thread::named(draft, name, &told.sites);
    if event == EventKind::GaveUp {
        flap::unmute(draft, name);
    }
}

/// What a profile that is down shows now; of one that answers at this moment, what was found first.
pub(super) fn cause(draft: &Draft<'_>, name: &ProfileName, incident: &Incident) -> Cause {
    let profile = draft.settings.profiles.get(name);
    let shown = profile.zip(draft.fleet.profiles.get(name));
    shown
        .and_then(|(profile, track)| judge::failing(profile, &track.last))
        .unwrap_or(incident.cause)
}

/// What a look at the host found in the course of this incident, or just before it.
fn facts(draft: &Draft<'_>, host: &HostName, since: Timestamp) -> Option<Box<Glimpse>> {
    let look = draft.fleet.hosts.get(host)?.look.as_ref()?;
    let facts = look.diagnosis.facts()?;
    (look.began + limits::LOOK_FRESH >= since).then(|| {
        Box::new(Glimpse {
            at: draft.wall(look.began),
            facts: facts.clone(),
        })
    })
}

/// An attempt with the times people's clocks showed.
pub(super) fn on_wall(draft: &Draft<'_>, attempt: &Attempt) -> Attempt {
    Attempt {
        began: draft.wall(attempt.began),
        ended: attempt.ended.map(|at| draft.wall(at)),
        ..attempt.clone()
    }
}

/// Whether people have not heard of a profile's incident yet.
pub(super) fn is_untold(draft: &Draft<'_>, name: &ProfileName) -> bool {
    let track = draft.fleet.profiles.get(name);
    track
        .and_then(|track| track.incident.as_ref())
        .is_some_and(|incident| incident.sequence == 0 && !incident.led)
}

/// Tells people that a profile is down, if they have not heard: now it is known what comes next.
pub(super) fn announce(draft: &mut Draft<'_>, name: &ProfileName, next: Next) {
    if is_untold(draft, name) {
        tell(draft, name, EventKind::Down, next, None);
    }
}

/// What comes next for a profile that is down.
pub(super) fn next_for(draft: &Draft<'_>, name: &ProfileName) -> Next {
    let host = draft
        .settings
        .profiles
        .get(name)
        .and_then(|profile| profile.host.as_ref());
    let Some((settings, track)) = host.and_then(|host| {
        draft
            .settings
            .hosts
            .get(host)
            .zip(draft.fleet.hosts.get(host))
    }) else {
        return Next::WatchOnly;
    };
    let attempt = track
        .last
        .as_ref()
        .filter(|_| track.acting && matches!(track.stage, Stage::Restarting { .. }));
    match (attempt, &track.hold) {
        (Some(attempt), _) => Next::Restart {
            command: attempt.command.clone(),
            number: attempt.number,
            of: settings.restart.give_up_after,
        },
        (None, Some(hold)) => Next::Held(hold.clone()),
        (None, None) => Next::Nothing,
    }
}

/// Announces what was opened and not told, as far as it is known what comes next.
pub(super) fn announce_opened(draft: &mut Draft<'_>) {
    draft.fleet.reindex();
    if draft.fleet.index.untold.is_empty() {
        return;
    }
    for name in draft.fleet.index.untold.clone() {
        if !is_known_soon(draft, &name) {
            let next = next_for(draft, &name);
            announce(draft, &name, next);
        }
    }
}

/// The profile's host is being looked at, a last question is being asked, or other sites of the host were not probed since
/// this one fails: in seconds it is known what comes next and whom it concerns, and only then it is worth telling.
fn is_known_soon(draft: &Draft<'_>, name: &ProfileName) -> bool {
    let Some(host) = draft.host_of(name) else {
        return false;
    };
    let track = draft.fleet.hosts.get(&host);
    let asked = track.and_then(|track| track.hold.as_ref());
    asked.is_some_and(Hold::is_question) || thread::is_gathering(draft, &host, name)
}

/// When an incident that people have not heard of is announced at the latest.
pub(super) fn wakeup(fleet: &Fleet) -> Option<Timestamp> {
    let untold = fleet.index.untold.iter();
    let opened = untold
        .filter_map(|name| fleet.profiles.get(name)?.incident.as_ref())
        .map(|incident| incident.opened + limits::GATHER)
        .filter(|at| *at > fleet.now())
        .min();
    let news = fleet.index.news.first();
    let news = news.map(|(since, _)| *since + limits::SITES_NEWS);
    [opened, news, flap::wakeup(fleet)]
        .into_iter()
        .flatten()
        .min()
}
