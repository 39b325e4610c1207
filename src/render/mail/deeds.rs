//! What was done on the host, attempt by attempt.

use minijinja::{Value, context};

use crate::model::{Attempt, Hold, Next, Notification, RecoveryOutcome, limits};
use crate::render::explain;
use crate::render::words::{Key, Voice, key};

use super::about::{host, site};
use super::clean;
use super::page::Item;

/// Attempts shown; the newest ones say most.
const ATTEMPTS: usize = 5;

/// Lines of output of the last attempt: what a web server says when it cannot start fits.
const OUTPUT: usize = 15;

/// Lines of output beside an attempt: what the reader can do must stay on the first screen.
const OUTPUT_BESIDE: usize = 3;

/// Characters of one line of output.
const OUTPUT_WIDTH: usize = 200;

/// How the last attempt ended, in words of three lengths.
pub(super) struct Last {
    /// For the subject's brackets; mail filters know it, so it is the same in every language.
    pub(super) tag: &'static str,
    /// For the subject.
    pub(super) result: String,
    /// For the first line.
    pub(super) story: String,
}

/// The words of an outcome: the end of an attempt's line, the subject's, the first line's; and the subject's tag.
const fn words(outcome: Option<RecoveryOutcome>) -> (Key, Key, Key, &'static str) {
    const FAILED: &str = "RESTART FAILED";
    match outcome {
        Some(RecoveryOutcome::Succeeded) => (
            key!(Attempts, "succeeded"),
            key!(Attempts, "succeeded.subject"),
            key!(Attempts, "succeeded.headline"),
            "RESTARTED",
        ),
        Some(RecoveryOutcome::Failed) => (
            key!(Attempts, "failed"),
            key!(Attempts, "failed.subject"),
            key!(Attempts, "failed.headline"),
            FAILED,
        ),
        Some(RecoveryOutcome::TimedOut) => (
            key!(Attempts, "timed_out"),
            key!(Attempts, "timed_out.subject"),
            key!(Attempts, "timed_out.headline"),
            FAILED,
        ),
        Some(RecoveryOutcome::NotExecuted) => (
            key!(Attempts, "not_executed"),
            key!(Attempts, "not_executed.subject"),
            key!(Attempts, "not_executed.headline"),
            FAILED,
        ),
        Some(RecoveryOutcome::Declined) => (
            key!(Attempts, "declined"),
            key!(Attempts, "declined.subject"),
            key!(Attempts, "declined.headline"),
            FAILED,
        ),
        Some(RecoveryOutcome::Refused) => (
            key!(Attempts, "refused"),
            key!(Attempts, "refused.subject"),
            key!(Attempts, "refused.headline"),
            FAILED,
        ),
        Some(RecoveryOutcome::Unknown) | None => (
            key!(Attempts, "unknown"),
            key!(Attempts, "unknown.subject"),
            key!(Attempts, "unknown.headline"),
            "RESTART UNKNOWN",
        ),
    }
}

/// How the last attempt ended.
pub(super) fn last(voice: &Voice, note: &Notification) -> Last {
    let Some(attempt) = note.attempts.last() else {
        let values = || context! { host => host(note), site => site(voice, note) };
        return Last {
            tag: "RESTARTED",
            result: voice.say(key!(Attempts, "succeeded.subject"), values()),
            story: voice.say(key!(Attempts, "none.headline"), values()),
        };
    };
    let outcome = attempt.report.as_ref().map(|report| report.outcome);
    let (_, result, story, tag) = words(outcome);
    let why = why_in_brief(voice, attempt);
    let values = values(voice, note, attempt, why.as_deref());
    Last {
        tag,
        result: voice.say(result, values.clone()),
        story: voice.say(story, values),
    }
}

/// Why an attempt did not go as ordered.
fn why(voice: &Voice, attempt: &Attempt) -> Option<String> {
    let reason = attempt.report.as_ref()?.reason.as_ref()?;
    let said = explain::reason(voice, reason);
    Some(clean::line(&said, 2 * limits::DETAIL_CHARS))
}

/// What happened to an attempt that did not go as ordered.
pub(super) fn why_in_brief(voice: &Voice, attempt: &Attempt) -> Option<String> {
    let reason = attempt.report.as_ref()?.reason.as_ref()?;
    let said = explain::reason_in_brief(voice, reason);
    Some(clean::line(&said, limits::DETAIL_CHARS))
}

fn values(voice: &Voice, note: &Notification, attempt: &Attempt, why: Option<&str>) -> Value {
    let report = attempt.report.as_ref();
    context! {
        host => host(note),
        site => site(voice, note),
        number => attempt.number,
        took => report.map(|report| voice.took(report.duration)),
        status => report.and_then(|report| report.exit_status).map(|status| status.to_string()),
        why => why,
    }
}

/// How an attempt ended, as the end of a line: with what a person can do about it, or what happened alone.
pub(super) fn ended(
    voice: &Voice,
    note: &Notification,
    attempt: &Attempt,
    in_brief: bool,
) -> String {
    // Written in the very step that orders the restart.
    let begins = matches!(&note.next, Next::Restart { number, .. } if *number == attempt.number);
    if attempt.report.is_none() && begins {
        return voice.word(key!(Attempts, "begins"));
    }
    if attempt.report.is_none() && matches!(note.next, Next::Held(Hold::Restarting)) {
        return voice.word(key!(Attempts, "under_way"));
    }
    let outcome = attempt.report.as_ref().map(|report| report.outcome);
    let why = match in_brief {
        true => why_in_brief(voice, attempt),
        false => why(voice, attempt),
    };
    voice.say(
        words(outcome).0,
        values(voice, note, attempt, why.as_deref()),
    )
}

/// How an attempt ended, as far as it is known, as the end of a line.
#[must_use]
pub fn outcome(voice: &Voice, attempt: &Attempt) -> String {
    let Some(report) = &attempt.report else {
        return voice.word(key!(Attempts, "under_way"));
    };
    let why = why_in_brief(voice, attempt);
    let values = context! {
        took => voice.took(report.duration),
        status => report.exit_status.map(|status| status.to_string()),
        why,
    };
    voice.say(words(Some(report.outcome)).0, values)
}

/// The attempts, oldest first, with the last words of their output.
pub(super) fn attempts(voice: &Voice, note: &Notification) -> Vec<Item> {
    let skipped = note.attempts.len().saturating_sub(ATTEMPTS);
    let mut items = Vec::new();
    if skipped > 0 {
        items.push(Item::Prose(
            voice.say(key!(Attempts, "skipped"), context! { n => skipped }),
        ));
    }
    let last = note.attempts.len().saturating_sub(1);
    for (index, attempt) in note.attempts.iter().enumerate().skip(skipped) {
        let line = context! {
            number => attempt.number,
            time => voice.moment(attempt.began, note.at),
            command => clean::command(&attempt.command),
            ended => ended(voice, note, attempt, false),
        };
        items.push(Item::Prose(voice.say(key!(Attempts, "line"), line)));
        if index == last || said(attempt) != note.attempts.last().and_then(said) {
            items.extend(output(voice, attempt, OUTPUT_BESIDE));
        }
    }
    items
}

/// The whole output of the last attempt, where it is more than stands beside it.
pub(super) fn whole_output(voice: &Voice, note: &Notification) -> Vec<Item> {
    let last = note.attempts.last();
    let long = last.filter(|attempt| lines(attempt).count() > OUTPUT_BESIDE);
    long.map_or_else(Vec::new, |attempt| output(voice, attempt, OUTPUT))
}

fn said(attempt: &Attempt) -> Option<&str> {
    attempt.report.as_ref().map(|report| report.output.trim())
}

fn lines(attempt: &Attempt) -> impl Iterator<Item = &str> {
    let text = attempt.report.as_ref().map_or("", |report| &report.output);
    text.lines().filter(|line| !line.trim().is_empty())
}

fn output(voice: &Voice, attempt: &Attempt, cap: usize) -> Vec<Item> {
    let skipped = lines(attempt).count().saturating_sub(cap);
    let shown: Vec<String> = lines(attempt)
        .skip(skipped)
        .map(|line| clean::output_line(line, OUTPUT_WIDTH))
        .collect();
    if shown.is_empty() {
        return Vec::new();
    }
    let mut quote = Vec::new();
    if skipped > 0 {
        quote.push(voice.say(key!(Attempts, "lines_before"), context! { n => skipped }));
    }
    quote.extend(shown);
    vec![Item::Quote(quote)]
}
