//! The answer of `probe replay`: numbers side by side, then each difference with what explains it.

use super::ink::{Ink, Line, Sheet};
use super::words::moment;
use crate::model::{Comparison, Difference, Hold, ReplayedIncident, Timestamp, Trial};
use crate::render::duration::span;
use crate::render::explain;
use crate::render::replay::kinds;
use crate::render::text::plural;
use crate::render::words::Voice;

/// The columns of the numbers.
const THEN: usize = 22;
const NOW: usize = 34;

pub(super) fn write(sheet: &mut Sheet, comparison: &Comparison) {
    let head = Line::default()
        .to(THEN)
        .then(Ink::Dim, "was decided")
        .to(NOW)
        .then(Ink::Dim, "would be");
    sheet.wrapped(&head, 0);
    let (then, now) = (&comparison.recorded, &comparison.replayed);
    row(
        sheet,
        "incidents",
        then.incidents.len(),
        now.incidents.len(),
    );
    row(sheet, "restarts", then.restarts.len(), now.restarts.len());
    row(sheet, "given up", then.given_up.len(), now.given_up.len());
    for kind in kinds(comparison) {
        let count = |of: &std::collections::BTreeMap<String, u32>| {
            of.get(kind).copied().unwrap_or(0) as usize
        };
        row(
            sheet,
            &format!("mails: {}", kind.replace('_', " ")),
            count(&then.mails),
            count(&now.mails),
        );
    }
    sheet.gap();
    for difference in &comparison.differences {
        sheet.wrapped(&told(difference, comparison.until), 21);
    }
    if comparison.differences.is_empty() {
        let nothing = then.incidents.is_empty() && now.incidents.is_empty();
        let words = match nothing {
            true => "Nothing is recorded that would be decided.",
            false => "Everything would be decided as it was.",
        };
        sheet.wrapped(&Line::new(Ink::Good, words), 0);
    }
    sheet.gap();
    if let Some(at) = now.cut {
        let at = moment(at, comparison.until);
        let words = format!(
            "The replay was cut at {at}, where it had taken too many steps: what came later is missing. Choose a shorter --since."
        );
        sheet.wrapped(&Line::new(Ink::Bad, &words), 0);
    }
    let assumed = now.restarts.iter().any(|restart| restart.assumed)
        || now.incidents.iter().any(|incident| incident.assumed);
    if assumed {
        let words = "(assumed): it did not happen then. A restart is taken to help as those recorded did; a site that was \
                     brought back by a restart is taken to stay down for an hour more without it.";
        sheet.wrapped(&Line::new(Ink::Dim, words), 0);
    }
    let whole = span(comparison.until.since(comparison.from));
    let words = format!(
        "From what was recorded in {whole}. Warnings of certificates and weekly reports are not replayed."
    );
    sheet.wrapped(&Line::new(Ink::Dim, &words), 0);
}

fn row(sheet: &mut Sheet, what: &str, then: usize, now: usize) {
    let ink = if then == now { Ink::Plain } else { Ink::Bold };
    let line = Line::new(Ink::Plain, &format!("  {what}"))
        .to(THEN)
        .then(Ink::Plain, &then.to_string())
        .to(NOW)
        .then(ink, &now.to_string());
    sheet.wrapped(&line, 0);
}

fn told(difference: &Difference, now: Timestamp) -> Line {
    let (at, ink, words) = match difference {
        Difference::IncidentLost { incident, failures } => {
            let why = match failures {
                Some((row, needed)) => format!(
                    ": {} in a row, and failure_threshold is {needed}",
                    plural(*row as usize, "failure")
                ),
                None => String::new(),
            };
            let words = format!("{} would not be down{why}", incident.profile);
            (incident.since, Ink::Warn, words)
        }
        Difference::IncidentGained {
            incident,
            threshold,
        } => {
            let why = threshold.map_or_else(String::new, |needed| {
                format!(
                    ": {} in a row are enough",
                    plural(needed as usize, "failure")
                )
            });
            let words = format!(
                "{} would be down ({}), for {}{why}",
                incident.profile,
                incident.cause.phrase(),
                lasted(incident, now),
            );
            (incident.since, Ink::Warn, words)
        }
        Difference::Detection { recorded, replayed } => {
            let (then, now) = (recorded.detected_after(), replayed.detected_after());
            let words = format!(
                "{} would be told as down after {} instead of {}",
                recorded.profile,
                span(now),
                span(then),
            );
            let ink = if now > then { Ink::Warn } else { Ink::Good };
            (recorded.since, ink, words)
        }
        Difference::End { recorded, replayed } => {
            let words = format!(
                "{} would be down for {} instead of {}{}",
                recorded.profile,
                lasted(replayed, now),
                lasted(recorded, now),
                assumed(replayed.assumed),
            );
            (recorded.since, Ink::Warn, words)
        }
        Difference::RestartLost { restart, hold } => {
            let why = hold.as_ref().map_or_else(
                || ": nothing would be down then".to_owned(),
                |hold| format!(": {}", because(hold)),
            );
            let words = format!("{} would not be restarted{why}", restart.host);
            (restart.at, Ink::Warn, words)
        }
        Difference::RestartGained { restart, hold } => {
            let why = hold
                .as_ref()
                .map_or_else(String::new, |hold| format!("; then: {}", because(hold)));
            let words = format!(
                "{} would be restarted for {}{}{why}",
                restart.host,
                restart.profile,
                assumed(restart.assumed),
            );
            (restart.at, Ink::Warn, words)
        }
    };
    Line::new(Ink::Dim, &format!("  {}", moment(at, now)))
        .to(21)
        .then(ink, &words)
}

fn because(hold: &Hold) -> String {
    explain::hold_phrase(&Voice::english(), hold)
}

fn assumed(is_assumed: bool) -> &'static str {
    match is_assumed {
        true => " (assumed)",
        false => "",
    }
}

fn lasted(incident: &ReplayedIncident, now: Timestamp) -> String {
    span(incident.closed.unwrap_or(now).since(incident.since))
}

pub(super) fn suggestion(sheet: &mut Sheet, trials: &[Trial], best: Option<&Trial>) {
    let head = Line::new(Ink::Dim, "  threshold")
        .to(13)
        .then(Ink::Dim, "interval")
        .to(23)
        .then(Ink::Dim, "found after")
        .to(36)
        .then(Ink::Dim, "incidents (brief)")
        .to(55)
        .then(Ink::Dim, "restarts (needless)");
    sheet.wrapped(&head, 0);
    for trial in trials {
        let ink = if Some(trial) == best {
            Ink::Good
        } else {
            Ink::Plain
        };
        let line = Line::new(ink, &format!("  {}", trial.threshold))
            .to(13)
            .then(ink, &span(trial.interval))
            .to(23)
            .then(
                ink,
                &span(std::time::Duration::from_secs(trial.detection.as_secs())),
            )
            .to(36)
            .then(ink, &format!("{} ({})", trial.incidents, trial.brief))
            .to(55)
            .then(ink, &format!("{} ({})", trial.restarts, trial.needless));
        sheet.wrapped(&line, 0);
    }
    sheet.gap();
    let words = match best {
        Some(best) => format!(
            "The record speaks for failure_threshold: {}, interval: {}: the fewest needless restarts and brief alarms, and among those the \
             fastest. An outage is found after half an interval, on average, and the failures in a row.",
            best.threshold,
            span(best.interval)
        ),
        None => "Nothing is recorded.".to_owned(),
    };
    sheet.wrapped(&Line::new(Ink::Plain, &words), 0);
}
