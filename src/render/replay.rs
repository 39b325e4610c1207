//! What `probe replay` answers: what was decided at the time beside what would be, as a JSON document. The form for
//! people is in [`crate::render::terminal`].

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::model::{
    Comparison, Difference, Hold, Replayed, ReplayedIncident, ReplayedRestart, Trial,
};

/// The document of `probe replay --json`.
#[must_use]
pub fn document(comparison: &Comparison) -> Value {
    json!({
        "schema": 1,
        "from": comparison.from.to_string(),
        "until": comparison.until.to_string(),
        "recorded": course(&comparison.recorded),
        "replayed": course(&comparison.replayed),
        "differences": comparison.differences.iter().map(difference).collect::<Vec<_>>(),
    })
}

/// The document of `probe replay --suggest --json`. `best` is one of the trials.
#[must_use]
pub fn suggestion(trials: &[Trial], best: Option<&Trial>) -> Value {
    json!({
        "schema": 1,
        "trials": trials.iter().map(trial).collect::<Vec<_>>(),
        "best": best.map(trial),
    })
}

fn trial(trial: &Trial) -> Value {
    json!({
        "failure_threshold": trial.threshold,
        "interval_seconds": trial.interval.as_secs(),
        "incidents": trial.incidents,
        "brief": trial.brief,
        "restarts": trial.restarts,
        "needless": trial.needless,
        "detection_seconds": trial.detection.as_secs(),
        "assumed": trial.assumed,
    })
}

fn course(of: &Replayed) -> Value {
    json!({
        "incidents": of.incidents.iter().map(incident).collect::<Vec<_>>(),
        "restarts": of.restarts.iter().map(restart).collect::<Vec<_>>(),
        "gave_up": of.given_up.len(),
        "mails": of.mails,
        "cut": of.cut.map(|at| at.to_string()),
    })
}

fn incident(incident: &ReplayedIncident) -> Value {
    json!({
        "profile": incident.profile,
        "since": incident.since.to_string(),
        "opened": incident.opened.to_string(),
        "closed": incident.closed.map(|at| at.to_string()),
        "cause": incident.cause.word(),
        "detection_seconds": incident.detected_after().as_secs(),
        "assumed": incident.assumed,
    })
}

fn restart(restart: &ReplayedRestart) -> Value {
    json!({
        "host": restart.host,
        "profile": restart.profile,
        "at": restart.at.to_string(),
        "command": restart.command,
        "assumed": restart.assumed,
    })
}

fn difference(difference: &Difference) -> Value {
    let word = |hold: &Option<Hold>| hold.as_ref().map(Hold::word);
    match difference {
        Difference::IncidentLost {
            incident: of,
            failures,
        } => json!({
            "kind": "incident_lost", "incident": incident(of),
            "failures": failures.map(|(row, _)| row), "needed": failures.map(|(_, needed)| needed),
        }),
        Difference::IncidentGained {
            incident: of,
            threshold,
        } => json!({
            "kind": "incident_gained", "incident": incident(of), "needed": threshold,
        }),
        Difference::Detection { recorded, replayed } => json!({
            "kind": "detection", "recorded": incident(recorded), "replayed": incident(replayed),
        }),
        Difference::End { recorded, replayed } => json!({
            "kind": "end", "recorded": incident(recorded), "replayed": incident(replayed),
        }),
        Difference::RestartLost { restart: of, hold } => json!({
            "kind": "restart_lost", "restart": restart(of), "hold": word(hold),
        }),
        Difference::RestartGained { restart: of, hold } => json!({
            "kind": "restart_gained", "restart": restart(of), "hold": word(hold),
        }),
    }
}

/// Kinds of message of either side.
#[must_use]
pub fn kinds(comparison: &Comparison) -> BTreeSet<&str> {
    let (one, other) = (&comparison.recorded.mails, &comparison.replayed.mails);
    one.keys().chain(other.keys()).map(String::as_str).collect()
}
