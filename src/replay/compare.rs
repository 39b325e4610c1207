//! How what was decided at the time differs from a replay, and why.

use std::time::Duration;

use crate::model::{
    Comparison, Difference, Hold, HostName, Replayed, ReplayedIncident, ReplayedRestart, Settings,
    Timestamp,
};

/// Incidents whose times touch within this are the same one.
const TOUCH: Duration = Duration::from_secs(120);

/// Times that differ by less are the same: probes of a replay begin some moments earlier or later.
const SAME: Duration = Duration::from_secs(5);

/// Restarts of one host within this time are the same one.
const SAME_RESTART: Duration = Duration::from_secs(120);

/// A hold explains a restart that was not made within this time after it began.
const HELD: Duration = Duration::from_secs(3600);

/// Compares what was decided at the time with what would be under `settings`.
#[must_use]
pub fn compare(
    settings: &Settings,
    span: (Timestamp, Timestamp),
    recorded: Replayed,
    replayed: Replayed,
) -> Comparison {
    let mut found: Vec<(Timestamp, Difference)> = Vec::new();
    incidents(settings, &recorded, &replayed, &mut found);
    restarts(&recorded, &replayed, &mut found);
    found.sort_by_key(|(at, _)| *at);
    Comparison {
        from: span.0,
        until: span.1,
        recorded,
        replayed,
        differences: found
            .into_iter()
            .map(|(_, difference)| difference)
            .collect(),
    }
}

fn away(one: Timestamp, other: Timestamp) -> Duration {
    one.since(other).max(other.since(one))
}

/// The incident among these that is the same as this one.
fn same<'a>(all: &'a [ReplayedIncident], one: &ReplayedIncident) -> Option<&'a ReplayedIncident> {
    let ends = |incident: &ReplayedIncident| incident.closed.unwrap_or(Timestamp(i64::MAX));
    all.iter().find(|other| {
        let begun = other.since <= ends(one) + TOUCH && one.since <= ends(other) + TOUCH;
        other.profile == one.profile && begun
    })
}

fn incidents(
    settings: &Settings,
    recorded: &Replayed,
    replayed: &Replayed,
    found: &mut Vec<(Timestamp, Difference)>,
) {
    let threshold = |incident: &ReplayedIncident| {
        let profile = settings.profiles.get(&incident.profile);
        profile.map(|profile| profile.failure_threshold)
    };
    for incident in &recorded.incidents {
        let Some(other) = same(&replayed.incidents, incident) else {
            let ends = incident.closed.unwrap_or(Timestamp(i64::MAX)) + TOUCH;
            let rows = replayed.passed.iter();
            let rows = rows.filter(|(at, profile, _)| {
                *profile == incident.profile && *at >= incident.since && *at <= ends
            });
            let longest = rows.map(|(_, _, failures)| *failures).max();
            let failures = longest.zip(threshold(incident));
            let difference = Difference::IncidentLost {
                incident: incident.clone(),
                failures,
            };
            found.push((incident.since, difference));
            continue;
        };
        let pair = || (incident.clone(), other.clone());
        if away(incident.opened, other.opened) > SAME {
            let (recorded, replayed) = pair();
            found.push((other.opened, Difference::Detection { recorded, replayed }));
        }
        let differ = match (incident.closed, other.closed) {
            (Some(one), Some(other)) => away(one, other) > SAME,
            (None, None) => false,
            (Some(_), None) | (None, Some(_)) => true,
        };
        if differ {
            let (recorded, replayed) = pair();
            found.push((incident.opened, Difference::End { recorded, replayed }));
        }
    }
    for incident in &replayed.incidents {
        if same(&recorded.incidents, incident).is_none() {
            let difference = Difference::IncidentGained {
                incident: incident.clone(),
                threshold: threshold(incident),
            };
            found.push((incident.since, difference));
        }
    }
}

fn restarts(recorded: &Replayed, replayed: &Replayed, found: &mut Vec<(Timestamp, Difference)>) {
    let mut left: Vec<&ReplayedRestart> = replayed.restarts.iter().collect();
    for restart in &recorded.restarts {
        let place = left.iter().position(|other| {
            other.host == restart.host && away(other.at, restart.at) <= SAME_RESTART
        });
        match place {
            Some(place) => drop(left.remove(place)),
            None => found.push((
                restart.at,
                Difference::RestartLost {
                    restart: restart.clone(),
                    hold: held(replayed, &restart.host, restart.at),
                },
            )),
        }
    }
    for restart in left {
        let difference = Difference::RestartGained {
            restart: restart.clone(),
            hold: held(recorded, &restart.host, restart.at),
        };
        found.push((restart.at, difference));
    }
}

/// Why a host was not restarted at an instant: the last hold before it, or the first one soon after.
fn held(of: &Replayed, host: &HostName, at: Timestamp) -> Option<Hold> {
    let own = || of.holds.iter().filter(|(_, of, _)| of == host);
    let before = own().rev().find(|(then, ..)| *then <= at + SAME_RESTART);
    let before = before.filter(|(then, ..)| at.since(*then) <= HELD);
    before.map(|(_, _, hold)| hold.clone())
}
