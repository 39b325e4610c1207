//! Which events of an incident people are told of, as they happen.
//!
//! - An incident opens: it joins a thread, or is announced by `message`.
//! - A restart ended that may have done something: `restarted`. One that did nothing on the host: `withheld`.
//! - A restart was due and is held, or a hold of any kind has lasted for [`limits::HOLD_LASTS`](crate::model::limits):
//!   `withheld`, once per incident and reason, but not in a maintenance window, and not if a message has named that hold
//!   as what comes next.
//! - We gave up: `gave_up`, once per incident; after that as `reminder`.
//! - The incident is over: `up`, or `back` after `gave_up`; `closed` if the site is no longer watched and people had
//!   heard.

use crate::model::{
    Attempt, EventKind, GivenUp, Hold, HostName, Next, ProfileName, RecoveryOutcome, Remark,
    SiteState, Stage, Telling,
};

use crate::policy::draft::Draft;
use crate::policy::host::login;
use crate::policy::tell::{flap, flapping, message, report, thread};

/// An incident was opened.
pub(in crate::policy) fn opened(draft: &mut Draft<'_>, name: &ProfileName) {
    let track = draft.fleet.profile_mut(name);
    if let Some(incident) = &track.incident {
        track.telling = Some(Box::new(Telling::of(incident)));
    }
    flap::fell(draft, name);
    thread::join(draft, name);
    flapping::mute(draft, name);
}

/// An incident with these attempts is over: its profile is well, or no longer watched.
pub(in crate::policy) fn closed(draft: &mut Draft<'_>, name: &ProfileName, attempts: &[Attempt]) {
    let watched = draft.settings.profiles.contains_key(name);
    if watched {
        flap::turned(draft, name);
    }
    let Some(telling) = &mut draft.fleet.profile_mut(name).telling else {
        return;
    };
    let known = |attempt: &Attempt| attempts.iter().all(|own| own.id != attempt.id);
    telling.attempts.retain(known);
    telling.attempts.extend_from_slice(attempts);
    Attempt::keep_within_limits(&mut telling.attempts);
    let over = telling.clone();
    let state = if watched {
        SiteState::Back
    } else {
        SiteState::Unwatched
    };
    if thread::goes_on(draft, name, state) {
        // The others tell of it.
    } else if watched && over.muted && !over.gave_up {
        flap::closed(draft, &over);
    } else if watched {
        let event = if over.gave_up {
            EventKind::Back
        } else {
            EventKind::Up
        };
        message::tell(draft, name, event, Next::Nothing, None);
    } else if over.sequence > 0 {
        // People who were never told of it need not be told that it is over.
        let why = Some(Remark::Unwatched);
        message::tell(draft, name, EventKind::Closed, Next::Nothing, why);
        flap::forget(draft, &over.thread);
    }
    draft.fleet.profile_mut(name).telling = None;
    report::over(draft, name, over.began());
}

/// A restart ended.
pub(in crate::policy) fn restarted(draft: &mut Draft<'_>, host: &HostName, attempt: &Attempt) {
    let Some(report) = &attempt.report else {
        return;
    };
    let track = draft.fleet.hosts.get(host);
    if report.no_login().is_some() {
        let hold = track.and_then(|track| login::refusal(draft.now, track));
        if let Some(hold) = hold {
            withheld(draft, host, hold.word(), Some(&hold), None);
        }
        return;
    }
    let backoff = track
        .and_then(|track| track.not_before)
        .map(|until| Hold::Backoff { until });
    let word = match report.outcome {
        RecoveryOutcome::Succeeded
        | RecoveryOutcome::Failed
        | RecoveryOutcome::TimedOut
        | RecoveryOutcome::Unknown => {
            for name in thread::speakers(draft, host) {
                let next = message::next_for(draft, &name);
                message::announce(draft, &name, next.clone());
                message::tell(draft, &name, EventKind::Restarted, next, None);
            }
            return;
        }
        RecoveryOutcome::Refused => return,
        RecoveryOutcome::NotExecuted => "not_executed",
        RecoveryOutcome::Declined => "declined",
    };
    let remark = report.reason.clone().map(Remark::Reason);
    withheld(draft, host, word, backoff.as_ref(), remark);
}

/// A restart began: if another one is proposed after it, people hear of that, too.
pub(in crate::policy) fn begun(draft: &mut Draft<'_>, host: &HostName) {
    for name in thread::speakers(draft, host) {
        if let Some(telling) = &mut draft.fleet.profile_mut(&name).telling {
            telling.withheld.remove("proposed");
        }
    }
}

/// A hold that is told keeps a host from being restarted. One that was over in the same decision is not told.
pub(in crate::policy) fn held(draft: &mut Draft<'_>, host: &HostName, hold: &Hold) {
    let track = draft.fleet.hosts.get(host);
    let stands = track.and_then(|track| track.hold.as_ref());
    if stands.is_some_and(|stands| stands.word() == hold.word()) {
        withheld(draft, host, hold.word(), None, None);
    }
}

/// Tells people once per incident and reason that a restart was due and is not done; `after` an attempt that was none
/// this holds the next one, while failures are counted anew.
fn withheld(
    draft: &mut Draft<'_>,
    host: &HostName,
    word: &str,
    after: Option<&Hold>,
    remark: Option<Remark>,
) {
    let track = draft.fleet.hosts.get(host);
    // People are told that we gave up instead.
    if track.is_none_or(|track| !matches!(track.stage, Stage::Idle)) {
        return;
    }
    for name in thread::speakers(draft, host) {
        if draft.window(&name, draft.now).is_some() {
            continue;
        }
        let next = match (message::next_for(draft, &name), after) {
            (Next::Held(hold), Some(after)) if hold.is_step() => Next::Held(after.clone()),
            (next, _) => next,
        };
        message::announce(draft, &name, next.clone());
        let telling = thread::telling(draft, &name);
        if telling.is_some_and(|telling| telling.withheld.contains(word)) {
            continue;
        }
        let event = match next {
            Next::Held(Hold::Proposed { .. }) => EventKind::Proposed,
            Next::Held(_)
            | Next::Restart { .. }
            | Next::Prove { .. }
            | Next::WatchOnly
            | Next::Nothing => EventKind::Withheld,
        };
        let why = remark.clone();
        message::tell(draft, &name, event, next.clone(), why);
        if let Some(telling) = &mut draft.fleet.profile_mut(&name).telling {
            telling.withheld.insert(word.to_owned());
        }
    }
}

/// We gave up on a host.
pub(in crate::policy) fn gave_up(draft: &mut Draft<'_>, host: &HostName, reason: &GivenUp) {
    let hold = Hold::GaveUp {
        reason: reason.clone(),
    };
    let next = Next::Held(hold);
    for name in thread::speakers(draft, host) {
        message::announce(draft, &name, next.clone());
        // One `gave_up` per incident: a second one, after a person re-armed the host, is told as a reminder.
        let event = match thread::telling(draft, &name) {
            Some(telling) if telling.gave_up => EventKind::Reminder,
            Some(_) | None => EventKind::GaveUp,
        };
        let remark = Some(Remark::GaveUp(reason.clone()));
        message::tell(draft, &name, event, next.clone(), remark);
        if let Some(telling) = &mut draft.fleet.profile_mut(&name).telling {
            telling.gave_up = true;
        }
    }
}
