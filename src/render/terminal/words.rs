//! Sentences of the terminal: times of day, holds, what was found, how an attempt ended.

use std::time::Duration;

use crate::model::{
    Cause, CheckResult, Finding, Hold, HostName, NotEvidence, Observation, RecoveryOutcome,
    Timestamp,
};
use crate::render::ailment::phrase;
use crate::render::duration::span;
use crate::render::explain;
use crate::render::record::Action;
use crate::render::text::plural;
use crate::render::words::Voice;

/// `06:01:23 UTC`; on another day than `now` with its date, `2026-11-20 14:00 UTC`.
pub(super) fn clock(at: Timestamp, now: Timestamp) -> String {
    let (day, today) = (format(at, "%Y-%m-%d"), format(now, "%Y-%m-%d"));
    if day == today {
        format!("{} UTC", time(at))
    } else {
        format(at, "%Y-%m-%d %H:%M UTC")
    }
}

/// `06:01:23`.
pub(super) fn time(at: Timestamp) -> String {
    format(at, "%H:%M:%S")
}

/// `06:01:23`; on another day than `now` with its date, `2026-11-20 14:00`.
pub(super) fn moment(at: Timestamp, now: Timestamp) -> String {
    clock(at, now).trim_end_matches(" UTC").to_owned()
}

/// `2026-12-04`.
pub(super) fn date(at: Timestamp) -> String {
    format(at, "%Y-%m-%d")
}

fn format(at: Timestamp, pattern: &str) -> String {
    at.written(pattern)
}

/// `in 48s (06:01:23 UTC)`; what has passed is due `now`.
pub(super) fn ahead(at: Timestamp, now: Timestamp) -> String {
    let left = Duration::from_secs(at.since(now).as_secs());
    if left.is_zero() {
        "now".to_owned()
    } else {
        format!("in {} ({})", span(left), clock(at, now))
    }
}

/// `since 05:59:41 UTC (2m 10s)`.
pub(super) fn since(at: Timestamp, now: Timestamp) -> String {
    let gone = Duration::from_secs(now.since(at).as_secs());
    format!("since {} ({})", clock(at, now), span(gone))
}

/// `12s ago`, `just now`.
pub(super) fn ago(at: Timestamp, now: Timestamp) -> String {
    match now.since(at).as_secs() {
        0 => "just now".to_owned(),
        seconds => format!("{} ago", span(Duration::from_secs(seconds))),
    }
}

/// A finding in the terminal's language.
pub(super) fn said(finding: &Finding) -> String {
    explain::finding(&Voice::english(), finding)
}

/// What was found, with the cause's phrase before it where it does not name that itself.
pub(super) fn found(cause: Cause, finding: &Finding) -> String {
    let words = said(finding);
    if finding.names(cause) {
        words
    } else {
        format!("{}: {words}", cause.phrase())
    }
}

/// A check that is not well, on one line.
pub(super) fn observed(seen: &Observation) -> String {
    match seen {
        Observation::Alone(finding) => said(finding),
        Observation::Check {
            url,
            cause,
            finding,
            address,
            phase: _,
        } => {
            let address = address.map_or_else(String::new, |address| format!(" (at {address})"));
            format!("{url}: {}{address}", found(*cause, finding))
        }
    }
}

/// What one check found; nothing when all is well.
pub(super) fn found_by(check: &CheckResult) -> Option<String> {
    Some(found(check.cause()?, check.finding()?))
}

/// How an attempt ended: `succeeded after 2.3s`, `failed with exit status 1 after 2.3s`.
pub(super) fn ended(action: &Action) -> String {
    let status = action.exit_status;
    let mut words = match action.outcome {
        RecoveryOutcome::Succeeded => "succeeded".to_owned(),
        RecoveryOutcome::Failed => status.map_or_else(
            || "failed".to_owned(),
            |status| format!("failed with exit status {status}"),
        ),
        RecoveryOutcome::TimedOut => "did not end in time and may still be running".to_owned(),
        RecoveryOutcome::NotExecuted => "was not executed".to_owned(),
        RecoveryOutcome::Unknown => "was sent, but its end was not seen".to_owned(),
        RecoveryOutcome::Declined => "was refused by the host itself".to_owned(),
        RecoveryOutcome::Refused => {
            "was not sent and will not be until a person has acted".to_owned()
        }
    };
    let took = match (action.outcome, action.duration_ms) {
        (RecoveryOutcome::NotExecuted | RecoveryOutcome::Refused, _) | (_, None) => String::new(),
        (_, Some(ms)) => {
            let took = Voice::english().took(Duration::from_millis(ms));
            format!(" after {took}")
        }
    };
    let reason = action
        .reason
        .as_ref()
        .map_or_else(String::new, |reason| format!(": {reason}"));
    let is_clause = matches!(
        action.outcome,
        RecoveryOutcome::TimedOut | RecoveryOutcome::Unknown
    );
    if is_clause && !took.is_empty() {
        words.push(',');
    }
    format!("{words}{took}{reason}")
}

/// Until when a host is paused, why, and how that ends; what follows the word itself.
pub(super) fn paused(
    until: Option<Timestamp>,
    reason: Option<&str>,
    host: &HostName,
    now: Timestamp,
) -> String {
    let until = until.map_or_else(String::new, |until| format!(" until {}", clock(until, now)));
    let reason = reason.map_or_else(String::new, |reason| format!(": {reason}"));
    format!("{until}{reason}; `probe resume {host}` ends it")
}

/// Why a host is not restarted, until when, and what people can do. `wall` converts the hold's instants.
pub(super) fn hold_sentence(
    hold: &Hold,
    host: &HostName,
    now: Timestamp,
    wall: impl Fn(Timestamp) -> Timestamp,
) -> String {
    let ahead = |at: &Timestamp| ahead(wall(*at), now);
    match hold {
        Hold::NotConfirmed {
            failures,
            threshold,
        } => format!("{failures} of {threshold} failures in a row seen so far; probing again"),
        Hold::CauseExcluded { cause } => {
            format!("no restart is configured for `{cause}` ({})", cause.phrase())
        }
        Hold::NotEvidence { profile, why } => match why {
            NotEvidence::Elsewhere { authority } => {
                format!("{profile} fails at {authority}, behind a redirect, and not on this host")
            }
            NotEvidence::AnswersBrowsers { header } => {
                format!("{profile} answers browsers and not us (`{header}`), so a rule keeps probe out")
            }
            NotEvidence::NeverUp => format!(
                "{profile} was never seen up since it was configured, so its failures count once it was well, or after `probe resume {host}`"
            ),
        },
        Hold::NotEnoughDown {
            down,
            needed,
            watched,
        } => format!("{down} of its {} down, a restart needs {needed}", plural(*watched, "profile")),
        Hold::Paused { until, reason } => format!(
            "paused{}",
            paused(*until, reason.as_deref(), host, now)
        ),
        Hold::Window { profile, until } => format!(
            "{profile} is in its maintenance window; failures count anew {}",
            ahead(until)
        ),
        Hold::Quarantine { until } => format!(
            "the state was damaged, so earlier restarts are not known; restarts are possible again {}",
            ahead(until)
        ),
        Hold::StateUnwritable => {
            "the state cannot be written, and nothing is done that could not be remembered; check the disk of this machine".to_owned()
        }
        Hold::NetworkDown => "no canary answers, so our own network is down".to_owned(),
        Hold::AwaitingCanary => "first a canary is asked whether our own network works".to_owned(),
        Hold::AwaitingProbe => "the site is being probed at this moment; its answer comes first".to_owned(),
        Hold::Restarting => "a restart is under way".to_owned(),
        Hold::Settling { until } => format!("the last restart settles; probes count again {}", ahead(until)),
        Hold::Backoff { until } => format!("too soon after the last attempt; the next one is possible {}", ahead(until)),
        Hold::Budget {
            restarts,
            per,
            until,
        } => format!(
            "all {restarts} restarts allowed in {} are used up; the next one is possible {}",
            span(*per),
            ahead(until)
        ),
        Hold::FleetBusy { host } => format!("{host} is being restarted; this one waits for its turn"),
        Hold::FleetBudget { until, .. } => format!(
            "all hosts together were restarted too often; the next restart is possible {}",
            ahead(until)
        ),
        Hold::MassFailure { failing, hosts } => format!(
            "{failing} of {hosts} hosts fail together, which points at something they share; a person must look"
        ),
        Hold::BrakeLatched => format!(
            "restarts of {} hosts that failed together did not help, so nothing is restarted before a person has looked and \
             ordered `probe resume all`",
            crate::model::limits::BRAKE_LATCHES
        ),
        Hold::AwaitingFacts => "the host is being looked at first".to_owned(),
        Hold::SshUnreachable { reason, until } => format!(
            "nobody can log in to the host ({reason}), so nothing can be sent; trying again {}",
            ahead(until)
        ),
        Hold::LoginRefused { reason, until } => format!(
            "the login fails: {reason}; trying again {}",
            ahead(until)
        ),
        Hold::Unseen { reason, until } => format!(
            "the host could not be looked at ({reason}); looking again {}",
            ahead(until)
        ),
        Hold::Ailing {
            ailment,
            because,
            until,
        } => {
            let because = match because.join(", ") {
                facts if facts.is_empty() => facts,
                facts => format!(" ({facts})"),
            };
            format!("{}{because}; looking again {}", phrase(&Voice::english(), *ailment), ahead(until))
        }
        Hold::Proposed { command, until } => format!(
            "`{command}` is proposed and waits for `probe approve {host}`; the host is looked at anew {}",
            ahead(until)
        ),
        Hold::GaveUp { reason } => format!("given up: {reason}; once mended, `probe resume {host}` re-arms it"),
    }
}
