//! The subject: the present in one line, the event first in brackets, the host last in parentheses.

use crate::model::{Attempt, EventKind, Hold, Next, Notification, RecoveryOutcome, Timestamp};
use crate::render::duration::span;
use crate::render::explain;

use super::{clean, ending};

/// Characters of a subject; mail readers show fewer.
const LENGTH: usize = 120;

/// The subject of a notification: one line of at most 120 characters without control characters.
///
/// `[DOWN] shop: connection refused (web1)`
#[must_use]
pub fn subject(note: &Notification) -> String {
    let said = match note.event {
        EventKind::Down => about(note, "[DOWN]", cause(note)),
        EventKind::Restarted => restarted(note),
        EventKind::Up => about(note, "[UP]", &up(note)),
        EventKind::Withheld => about(note, "[WITHHELD]", &withheld(note)),
        EventKind::GaveUp => about(note, "[GAVE UP]", &gave_up(note)),
        EventKind::Back => about(note, "[BACK]", &back(note)),
        EventKind::Reminder => about(note, "[STILL DOWN]", &reminder(note)),
        EventKind::Closed => about(note, "[CLOSED]", "no longer watched"),
        EventKind::Blind => format!("[BLIND] {}", blind(note)),
        EventKind::Damaged => {
            "[DAMAGED] memory of past restarts lost, nothing is restarted for now".to_owned()
        }
        EventKind::Certificate => format!("[CERT] {}", ending::subject(note)),
        EventKind::Test => "[TEST] probe can reach you by mail".to_owned(),
    };
    clean::line(&said, LENGTH)
}

/// `[TAG] shop: words (web1)`.
fn about(note: &Notification, tag: &str, words: &str) -> String {
    let host = note
        .host
        .as_ref()
        .map_or_else(String::new, |host| format!(" ({host})"));
    format!("{tag} {}: {words}{host}", site(note))
}

/// What the notification is about.
pub(super) fn site(note: &Notification) -> &str {
    match (&note.profile, &note.host) {
        (Some(profile), _) => profile.as_str(),
        (None, Some(host)) => host.as_str(),
        (None, None) => "probe",
    }
}

fn cause(note: &Notification) -> &'static str {
    note.cause.map_or("not as expected", |cause| cause.phrase())
}

/// The restarts of the incident that may have touched the host.
pub(super) fn restarts(note: &Notification) -> usize {
    note.attempts
        .iter()
        .filter(|attempt| {
            attempt
                .report
                .as_ref()
                .is_none_or(|report| report.outcome.touched_host())
        })
        .count()
}

/// How long it lasted, when both ends are known.
pub(super) fn lasted(note: &Notification) -> Option<String> {
    let since = note.since?;
    Some(span(note.until.unwrap_or(note.at).since(since)))
}

fn up(note: &Notification) -> String {
    let after = lasted(note).map_or_else(String::new, |lasted| format!(" after {lasted}"));
    let how = match restarts(note) {
        0 if note.host.is_some() => ", without a restart".to_owned(),
        0 => String::new(),
        count => format!(", {}", explain::restarts_counted(count)),
    };
    format!("back{after}{how}")
}

fn back(note: &Notification) -> String {
    lasted(note).map_or_else(
        || "up again".to_owned(),
        |lasted| format!("up again after {lasted}"),
    )
}

fn reminder(note: &Notification) -> String {
    lasted(note).map_or_else(
        || cause(note).to_owned(),
        |lasted| format!("{} for {lasted}", cause(note)),
    )
}

fn gave_up(note: &Notification) -> String {
    match restarts(note) {
        0 => "still down, needs a person".to_owned(),
        count => format!(
            "still down after {}, needs a person",
            explain::restarts_counted(count)
        ),
    }
}

fn withheld(note: &Notification) -> String {
    let Some(hold) = held(note) else {
        return "not restarted".to_owned();
    };
    if matches!(hold, Hold::Backoff { .. }) && reached_nobody(note) {
        return "not restarted, no way in over SSH".to_owned();
    }
    format!("not restarted, {}", explain::hold_phrase(hold))
}

/// Whether the last attempt ended before its command was sent: what is waited for is then no restart that was made.
pub(super) fn reached_nobody(note: &Notification) -> bool {
    note.attempts
        .last()
        .and_then(|attempt| attempt.report.as_ref())
        .is_some_and(|report| report.outcome == RecoveryOutcome::NotExecuted)
}

/// The hold that the notification speaks of.
const fn held(note: &Notification) -> Option<&Hold> {
    match &note.next {
        Next::Held(hold) => Some(hold),
        Next::Restart { .. } | Next::Prove { .. } | Next::WatchOnly | Next::Nothing => None,
    }
}

fn restarted(note: &Notification) -> String {
    let site = site(note);
    let host = note.host.as_ref().map_or("the host", |host| host.as_str());
    let Some(attempt) = note.attempts.last() else {
        return format!("[RESTARTED] {site}: {host} restarted, waiting for proof");
    };
    let (tag, words) = outcome(attempt, host);
    format!("{tag} {site}: {words} (attempt {})", attempt.number)
}

fn outcome(attempt: &Attempt, host: &str) -> (&'static str, String) {
    const FAILED: &str = "[RESTART FAILED]";
    let unseen = (
        "[RESTART UNKNOWN]",
        format!("how the restart of {host} ended was not seen"),
    );
    let Some(report) = &attempt.report else {
        return unseen;
    };
    let why = report
        .reason
        .as_ref()
        .map_or_else(String::new, |reason| format!(": {reason}"));
    match report.outcome {
        RecoveryOutcome::Succeeded => (
            "[RESTARTED]",
            format!("{host} restarted, waiting for proof"),
        ),
        RecoveryOutcome::Failed => {
            let status = report.exit_status.map_or_else(
                || "failed".to_owned(),
                |status| format!("exited with status {status}"),
            );
            (FAILED, format!("the command {status} on {host}"))
        }
        RecoveryOutcome::TimedOut => (
            FAILED,
            format!(
                "the command did not end within {} on {host}",
                span(report.duration)
            ),
        ),
        RecoveryOutcome::NotExecuted => (FAILED, format!("nothing was run on {host}{why}")),
        RecoveryOutcome::Declined => (FAILED, format!("{host} itself refused{why}")),
        RecoveryOutcome::Refused => (FAILED, format!("no way into {host}{why}")),
        RecoveryOutcome::Unknown => unseen,
    }
}

fn blind(note: &Notification) -> String {
    let from = note.since.unwrap_or(note.at);
    match note.until {
        Some(until) if explain::same_day(from, until) => format!(
            "could not see from {} to {}: our own network was down",
            minute(from),
            explain::minute(until)
        ),
        Some(until) => format!(
            "could not see from {} to {}: our own network was down",
            explain::day_clock(from),
            explain::day_clock(until)
        ),
        None => format!(
            "cannot see since {}: our own network is down",
            explain::minute(from)
        ),
    }
}

/// `06:00`, where the zone follows later in the sentence.
fn minute(at: Timestamp) -> String {
    explain::minute(at).trim_end_matches(" UTC").to_owned()
}
