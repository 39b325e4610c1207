//! What comes next, and what the past teaches, as sentences.

use minijinja::context;

use crate::model::{EventKind, Hold, Next, Notification, RecoveryOutcome, limits};
use crate::render::explain;
use crate::render::words::{Voice, key};

use super::about::{awaits_after, host, site};
use super::{clean, deeds};

/// What comes next, as a sentence.
#[must_use]
pub fn sentence(voice: &Voice, note: &Notification) -> Option<String> {
    let host = host(note);
    match &note.next {
        Next::Restart {
            command,
            number,
            of,
        } => {
            let command = clean::command(command);
            Some(voice.say(
                key!(Next, "restart"),
                context! { host, number => *number, of => *of, command },
            ))
        }
        Next::Prove { from } => Some(voice.say(
            key!(Next, "prove"),
            context! { site => site(voice, note), from => voice.moment(*from, note.at) },
        )),
        Next::Held(hold) => Some(held(voice, note, hold)),
        Next::WatchOnly => Some(voice.say(
            key!(Next, "watch_only"),
            context! { site => site(voice, note) },
        )),
        Next::Nothing => None,
    }
}

fn held(voice: &Voice, note: &Notification, hold: &Hold) -> String {
    let host = host(note);
    if let Hold::GaveUp { reason } = hold {
        if matches!(note.event, EventKind::Up | EventKind::Back) {
            return voice.say(key!(Next, "given_up.back"), context! { host });
        }
        if !note.attempts.is_empty() {
            let reason = explain::given_up_in_brief(voice, reason);
            let said = voice.say(key!(Holds, "gave_up"), context! { host, reason });
            return clean::line(&said, 2 * limits::DETAIL_CHARS);
        }
    }
    if let Hold::Backoff { until } = hold {
        let values = || {
            let until = voice.moment(*until, note.at);
            context! { host, until, why => why(voice, note) }
        };
        if awaits_after(note, RecoveryOutcome::NotExecuted) {
            return voice.say(key!(Next, "no_way_in"), values());
        }
        if awaits_after(note, RecoveryOutcome::Declined) {
            return voice.say(key!(Next, "declined"), values());
        }
    }
    let said = explain::hold(voice, hold, host, |at| at);
    clean::line(&said, 2 * limits::DETAIL_CHARS)
}

/// Why the last attempt did not reach the host; what a person can do about it stands with what was done.
fn why(voice: &Voice, note: &Notification) -> Option<String> {
    deeds::why_in_brief(voice, note.attempts.last()?)
}

/// What the host's last restarts teach.
pub(super) fn lesson(voice: &Voice, note: &Notification) -> Option<String> {
    let lesson = note.lesson?;
    let longest = (!lesson.longest.is_zero()).then(|| voice.span(lesson.longest));
    Some(voice.say(
        key!(Next, "lesson"),
        context! { host => host(note), restarts => lesson.restarts, longest },
    ))
}
