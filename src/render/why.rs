//! The JSON document of `probe why`: what the rules say of a host, what they looked at, what was recorded.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Value, json};

use super::explain;
use super::words::Voice;
use crate::model::{
    Account, Allowance, Finding, Fleet, Happened, NotEvidence, ProfileName, Standpoint, Timestamp,
    Witness,
};

/// One remark of the journal, with its wall-clock time.
pub type Recorded = (Timestamp, Happened);

/// The word of a standpoint: `calm`, `held`, `gives_up` or `acts`.
const fn word(standpoint: &Standpoint) -> &'static str {
    match standpoint {
        Standpoint::Calm => "calm",
        Standpoint::Held(_) => "held",
        Standpoint::GivesUp(_) => "gives_up",
        Standpoint::Acts(_) => "acts",
    }
}

/// What the rules say, in one or two sentences that end with what a person can do.
#[must_use]
pub fn sentence(account: &Account, fleet: &Fleet) -> String {
    let host = account.host.as_str();
    match &account.standpoint {
        Standpoint::Calm => format!(
            "Nothing watched on {host} fails. It is restarted after as many failures in a row as its profiles' \
             `failure_threshold` says, of a cause listed in `restart.causes`, while a canary answers."
        ),
        Standpoint::Held(hold) => explain::hold(&Voice::english(), hold, host, |at| fleet.wall(at)),
        Standpoint::GivesUp(reason) => format!(
            "The next run gives up on {host}: {reason}. Then a person must look; `probe resume {host}` re-arms."
        ),
        Standpoint::Acts(profile) => format!(
            "Nothing is in the way: the next run restarts {host} for {profile} with `{}`, if one more look and a \
             canary agree.",
            account.command
        ),
    }
}

/// The document of one host.
#[must_use]
pub fn document(account: &Account, fleet: &Fleet, recorded: &[Recorded]) -> Value {
    let wall = |at: Timestamp| fleet.wall(at).to_string();
    let hold = match &account.standpoint {
        Standpoint::Held(hold) => Some(hold),
        Standpoint::Calm | Standpoint::GivesUp(_) | Standpoint::Acts(_) => None,
    };
    json!({
        "schema": 1,
        "at": wall(fleet.now()),
        "host": account.host,
        "says": word(&account.standpoint),
        "reason": hold.map(crate::model::Hold::word),
        "explanation": sentence(account, fleet),
        "may_act_at": account.may_act_at.map(wall),
        "profiles": account.witnesses.iter().map(|w| witness(w, fleet)).collect::<Vec<_>>(),
        "needed": account.needed,
        "budget": allowance(&account.budget, fleet),
        "fleet_budget": allowance(&account.fleet_budget, fleet),
        "attempts": account.attempts,
        "give_up_after": account.give_up_after,
        "next_command": account.command,
        "backoff_until": account.not_before.map(wall),
        "counts_from": Some(account.evidence_from).filter(|at| at.0 > 0).map(wall),
        "canary_answered_at": account.canary.map(wall),
        "look": account.look.as_ref().map(|look| json!({
            "at": wall(look.began),
            "diagnosis": look.diagnosis,
        })),
        "recorded": recorded.iter().map(|(at, note)| entry(*at, note)).collect::<Vec<_>>(),
    })
}

/// The document of a profile without a host: nothing is ever restarted for it.
#[must_use]
pub fn watch_only(
    name: &str,
    fleet: &Fleet,
    profiles: &BTreeSet<ProfileName>,
    recorded: &[Recorded],
) -> Value {
    let profiles = profiles.iter().map(|name| {
        let track = fleet.profiles.get(name).cloned().unwrap_or_default();
        json!({
            "name": name,
            "state": track.state(),
            "failing_since": track.failing_since.map(|at| fleet.wall(at).to_string()),
            "failures": track.failures,
            "unknown": track.unknown.as_deref().map(Finding::detail),
            "unjudged_since": track.blank_since().map(|at| fleet.wall(at).to_string()),
        })
    });
    json!({
        "schema": 1,
        "at": fleet.wall(fleet.now()).to_string(),
        "host": Value::Null,
        "says": "watch_only",
        "reason": Value::Null,
        "explanation": format!("{name} has no host: it is watched and reported, and nothing is restarted for it."),
        "may_act_at": Value::Null,
        "profiles": profiles.collect::<Vec<_>>(),
        "recorded": recorded.iter().map(|(at, note)| entry(*at, note)).collect::<Vec<_>>(),
    })
}

fn witness(witness: &Witness, fleet: &Fleet) -> Value {
    let wall = |at: Timestamp| fleet.wall(at).to_string();
    json!({
        "name": witness.profile,
        "state": witness.state,
        "failing_since": witness.failing_since.map(wall),
        "failures": witness.failures,
        "evidence": witness.evidence,
        "threshold": witness.threshold,
        "cause": witness.cause.map(crate::model::Cause::word),
        "restarts_for_it": witness.cause.map(|_| witness.listed),
        "not_evidence": witness.not_evidence.as_ref().map(NotEvidence::word),
        "counts": witness.proven && !witness.paused,
        "unknown": witness.unknown.as_deref().map(Finding::detail),
        "unjudged_since": witness.unjudged_since.map(wall),
        "window_until": witness.window.map(wall),
        "paused": witness.paused,
    })
}

fn allowance(allowance: &Allowance, fleet: &Fleet) -> Value {
    json!({
        "restarts": allowance.of,
        "per_seconds": allowance.per.as_secs(),
        "spent": allowance.spent,
        "left": allowance.of.saturating_sub(allowance.spent),
        "free_at": allowance.free_at.map(|at| fleet.wall(at).to_string()),
    })
}

#[derive(Serialize)]
struct Entry<'a> {
    at: String,
    #[serde(flatten)]
    note: &'a Happened,
}

fn entry(at: Timestamp, note: &Happened) -> Value {
    let entry = Entry {
        at: at.to_string(),
        note,
    };
    // Plain data with text keys cannot fail to be written.
    serde_json::to_value(entry).unwrap_or(Value::Null)
}
