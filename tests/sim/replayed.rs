//! `probe replay`: under the configuration of the time it decides what was decided then, and what it says of another one
//! is explained.

use std::time::Duration;

use std::sync::Arc;

use probe::model::{
    Cause, Comparison, Difference, Profile, ProfileName, Replayed, Settings, Timestamp,
};
use probe::replay::{Record, best, compare, recorded, replay, suggest};

use super::setup::{secs, settings};
use super::world::World;

/// Stories in which something happens that no record can hold, and what.
const BEYOND: &[(&str, &str)] = &[
    ("clock-steps-back", "the wall clock is wrong"),
    ("damaged-state", "the state is damaged"),
    ("disk-full", "the state cannot be written"),
    (
        "redirect-elsewhere",
        "one answer confirms failures of two sites in one millisecond",
    ),
    ("removed-and-added-again", "the configuration changes"),
];

/// Times may differ by this much: a probe of the replay begins some moments earlier or later.
const SAME: Duration = Duration::from_secs(15);

fn record(settings: &Settings, world: &World) -> Record {
    let host_of = |name: &ProfileName| settings.profiles.get(name)?.host.clone();
    Record::new(world.seen.clone(), world.now().wall, host_of)
}

/// What was decided, in order: without messages, whose numbers are compared.
fn course(of: &Replayed) -> Vec<(Timestamp, String)> {
    let mut all = Vec::new();
    for incident in &of.incidents {
        all.push((incident.opened, format!("{} down", incident.profile)));
        if let Some(closed) = incident.closed {
            all.push((closed, format!("{} back", incident.profile)));
        }
    }
    for restart in &of.restarts {
        all.push((restart.at, format!("{}: {}", restart.host, restart.command)));
    }
    for (at, host) in &of.given_up {
        all.push((*at, format!("{host} given up")));
    }
    all.sort();
    all
}

/// A replay under the configuration of the time decides what was decided then.
pub fn check(world: &World, name: &str) {
    if BEYOND.iter().any(|(story, _)| *story == name) {
        return;
    }
    let then = recorded(&world.notes);
    let now = replay(&world.settings, &record(&world.settings, world));
    let (wanted, got) = (course(&then), course(&now));
    let words = |course: &[(Timestamp, String)]| -> Vec<String> {
        course
            .iter()
            .map(|(at, what)| format!("{at} {what}"))
            .collect()
    };
    let alike = wanted.len() == got.len()
        && wanted.iter().zip(&got).all(|((at, what), (then, other))| {
            what == other && at.since(*then).max(then.since(*at)) <= SAME
        });
    let said = format!(
        "{name}\nthen: {:#?}\nreplayed: {:#?}",
        words(&wanted),
        words(&got)
    );
    assert!(alike, "{said}");
    assert!(
        now.restarts.iter().all(|restart| !restart.assumed),
        "{said}"
    );
    assert_eq!(then.mails, now.mails, "{said}");
}

const MINUTE: Duration = secs(60);

/// nginx stops at six; ten minutes before, one answer is lost.
fn morning() -> World {
    let mut world = World::new(settings(&["shop@web1", "blog"]));
    world.at(2 * MINUTE, |world| world.ill("web1", Some(Cause::Refused)));
    world.at(2 * MINUTE + secs(15), |world| world.ill("web1", None));
    world.at(12 * MINUTE, |world| world.ill("web1", Some(Cause::Refused)));
    world.run_daemon();
    world.go_on(40 * MINUTE);
    assert_eq!(world.restarts("web1"), 1);
    world
}

fn under(world: &World, change: impl Fn(&mut Profile)) -> Comparison {
    let mut new = world.settings.clone();
    for profile in new.profiles.values_mut() {
        change(Arc::make_mut(profile));
    }
    let record = record(&world.settings, world);
    let span = (world.seen[0].0, world.now().wall);
    compare(&new, span, recorded(&world.notes), replay(&new, &record))
}

#[test]
fn under_the_configuration_of_the_time_nothing_differs() {
    let same = under(&morning(), |_| {});
    assert_eq!(same.differences, []);
    assert_eq!(same.recorded.incidents.len(), 1);
    assert_eq!(same.recorded.mails, same.replayed.mails);
}

#[test]
fn what_a_lower_threshold_would_have_told_and_restarted() {
    let hasty = under(&morning(), |profile| profile.failure_threshold = 1);
    let [
        Difference::IncidentGained {
            incident,
            threshold,
        },
        Difference::RestartGained { restart, .. },
        Difference::Detection { recorded, replayed },
        ..,
    ] = &hasty.differences[..]
    else {
        panic!("{:#?}", hasty.differences);
    };
    assert_eq!((incident.profile.as_str(), *threshold), ("shop", Some(1)));
    assert!(restart.assumed, "no restart was recorded then");
    assert_eq!(recorded.detected_after().as_secs(), 20);
    assert!(replayed.detected_after() < secs(2), "{replayed:?}");
    assert!(hasty.replayed.mails["down"] > hasty.recorded.mails["down"]);
}

#[test]
fn what_a_higher_threshold_would_have_missed_is_explained() {
    let late = under(&morning(), |profile| profile.failure_threshold = 20);
    let kinds: Vec<&str> = late
        .differences
        .iter()
        .map(|one| match one {
            Difference::IncidentLost { .. } => "incident lost",
            Difference::IncidentGained { .. } => "incident gained",
            Difference::Detection { .. } => "detection",
            Difference::End { .. } => "end",
            Difference::RestartLost { .. } => "restart lost",
            Difference::RestartGained { .. } => "restart gained",
        })
        .collect();
    // The restart that brought it back is made later, so it stays down for longer.
    let wanted = ["end", "restart lost", "detection", "restart gained"];
    assert_eq!(kinds, wanted, "{:#?}", late.differences);
    assert_eq!(late.replayed.incidents[0].detected_after().as_secs(), 190);
    assert!(late.replayed.incidents[0].assumed);
    let end = late.replayed.incidents[0].closed.unwrap();
    assert!(
        end > late.recorded.incidents[0].closed.unwrap(),
        "{late:#?}"
    );
}

#[test]
fn without_a_host_to_restart_the_site_stays_down_and_that_is_assumed() {
    let watched = under(&morning(), |profile| profile.host = None);
    let lost = |one: &&Difference| matches!(one, Difference::RestartLost { hold: None, .. });
    assert_eq!(watched.differences.iter().filter(lost).count(), 1);
    assert!(watched.replayed.restarts.is_empty());
    let [incident] = &watched.replayed.incidents[..] else {
        panic!("{:#?}", watched.replayed);
    };
    assert!(incident.assumed, "{incident:?}");
    // The record ends before the hour in which a person is taken to have mended it.
    let then = watched.recorded.incidents[0].closed.unwrap();
    assert!(incident.closed.is_none_or(|end| end > then + 20 * MINUTE));
}

#[test]
fn thresholds_are_suggested_by_what_was_recorded() {
    let world = morning();
    let record = record(&world.settings, &world);
    let trials = suggest(&world.settings, &record, &[]);
    let of = |threshold, interval| {
        let mut found = trials.iter();
        found
            .find(|trial| trial.threshold == threshold && trial.interval == interval)
            .unwrap()
    };
    let (hasty, usual) = (of(1, MINUTE), of(3, MINUTE));
    assert_eq!((hasty.incidents, usual.incidents), (2, 1));
    assert!(hasty.detection < usual.detection);
    assert!(hasty.assumed > usual.assumed, "{hasty:?} {usual:?}");
    let best = best(&trials).unwrap();
    assert_eq!(best.brief + best.needless, 0, "{trials:#?}");
    assert!(best.threshold > 1, "{trials:#?}");
}
