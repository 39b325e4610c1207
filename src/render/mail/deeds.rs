//! What was done on the host, attempt by attempt.

use crate::model::{Attempt, Next, Notification, RecoveryOutcome, RecoveryReport, limits};
use crate::render::duration::span;

use super::clean;
use super::page::Item;
use super::story::{host, moment};
use super::subject::site;

/// Attempts shown; the newest ones say most.
const ATTEMPTS: usize = 5;

/// Lines of output of the last attempt: what a web server says when it cannot start fits.
const OUTPUT: usize = 15;

/// Lines of output of the attempts before it.
const OUTPUT_BEFORE: usize = 3;

/// Characters of one line of output.
const OUTPUT_WIDTH: usize = 200;

/// The headline of `restarted`.
pub(super) fn headline(note: &Notification) -> String {
    let host = host(note);
    let site = site(note);
    let Some(attempt) = note.attempts.last() else {
        return format!("{host} was restarted for {site}; whether it helped is not known yet.");
    };
    let number = attempt.number;
    match attempt.report.as_ref().map(|report| report.outcome) {
        Some(RecoveryOutcome::Succeeded) => format!(
            "{host} was restarted for {site} (attempt {number}); whether it helped is not known yet."
        ),
        Some(RecoveryOutcome::Failed) => {
            format!("The restart of {host} for {site} failed (attempt {number}).")
        }
        Some(RecoveryOutcome::TimedOut) => {
            format!("The restart of {host} for {site} did not end in time (attempt {number}).")
        }
        Some(RecoveryOutcome::NotExecuted) => {
            format!("The restart of {host} for {site} was not carried out (attempt {number}).")
        }
        Some(RecoveryOutcome::Declined) => format!(
            "{host} itself refused the restart for {site} (attempt {number}); nothing was restarted."
        ),
        Some(RecoveryOutcome::Refused) => format!(
            "The restart of {host} for {site} was not carried out (attempt {number}): there is no way in until a \
             person has acted."
        ),
        Some(RecoveryOutcome::Unknown) | None => format!(
            "{host} was told to restart for {site} (attempt {number}), and how that ended was not seen."
        ),
    }
}

/// The attempts, oldest first.
pub(super) fn attempts(note: &Notification) -> Vec<Item> {
    let skipped = note.attempts.len().saturating_sub(ATTEMPTS);
    let mut items = Vec::new();
    if skipped > 0 {
        items.push(Item::Prose(format!(
            "{skipped} earlier attempts are not shown."
        )));
    }
    let last = note.attempts.len().saturating_sub(1);
    for (index, attempt) in note.attempts.iter().enumerate().skip(skipped) {
        items.push(Item::Prose(line(note, attempt)));
        if index == last {
            items.extend(output(attempt, OUTPUT));
        } else if said(attempt) != note.attempts.last().and_then(said) {
            items.extend(output(attempt, OUTPUT_BEFORE));
        }
    }
    items
}

fn said(attempt: &Attempt) -> Option<&str> {
    attempt.report.as_ref().map(|report| report.output.trim())
}

fn line(note: &Notification, attempt: &Attempt) -> String {
    let ended = match (&attempt.report, &note.next) {
        (Some(report), _) => ended(report),
        // Written in the very step that orders the restart.
        (None, Next::Restart { number, .. }) if *number == attempt.number => {
            "begins now".to_owned()
        }
        (None, _) => "was sent, and its end was not seen".to_owned(),
    };
    let command = clean::line(&attempt.command.replace('`', "'"), limits::DETAIL_CHARS);
    format!(
        "Attempt {} at {}: `{command}` {ended}.",
        attempt.number,
        moment(note, attempt.began)
    )
}

fn ended(report: &RecoveryReport) -> String {
    let took = span(report.duration);
    let status = report
        .exit_status
        .map_or_else(String::new, |status| format!(" with status {status}"));
    let why = report.reason.as_ref().map_or_else(String::new, |reason| {
        format!(": {}", clean::line(reason, limits::DETAIL_CHARS))
    });
    match report.outcome {
        RecoveryOutcome::Succeeded => format!("succeeded after {took}"),
        RecoveryOutcome::Failed => format!("failed{status} after {took}{why}"),
        RecoveryOutcome::TimedOut => {
            format!("did not end within {took} and may still be running{why}")
        }
        RecoveryOutcome::NotExecuted => format!("was not run, nothing changed on the host{why}"),
        RecoveryOutcome::Declined => {
            format!("was refused by the host's own agent, nothing was restarted{why}")
        }
        RecoveryOutcome::Refused => {
            format!("was not run, and will not be until a person has acted{why}")
        }
        RecoveryOutcome::Unknown => format!("was sent, and its end was not seen{why}"),
    }
}

fn output(attempt: &Attempt, cap: usize) -> Vec<Item> {
    let Some(report) = &attempt.report else {
        return Vec::new();
    };
    let lines: Vec<&str> = report
        .output
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    let skipped = lines.len().saturating_sub(cap);
    let shown: Vec<String> = lines
        .into_iter()
        .skip(skipped)
        .map(|line| clean::output_line(line, OUTPUT_WIDTH))
        .collect();
    if shown.is_empty() {
        return Vec::new();
    }
    let mut quote = Vec::new();
    if skipped > 0 {
        quote.push(format!("… {skipped} lines before"));
    }
    quote.extend(shown);
    vec![Item::Quote(quote)]
}
