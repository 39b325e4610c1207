//! Which thresholds and intervals the record speaks for.
//!
//! A replay finds the first failure of a row when it was found, so intervals differ by half of their length alone.

use std::sync::Arc;
use std::time::Duration;

use super::record::Record;
use super::world::replay;
use crate::model::{
    Replayed, ReplayedIncident, ReplayedRestart, Settings, Timestamp, Trial, limits,
};

/// Thresholds that are tried.
const THRESHOLDS: [u32; 5] = [1, 2, 3, 4, 6];

/// Intervals that are tried, in seconds.
const INTERVALS: [u64; 4] = [30, 60, 120, 300];

/// A restart within this time of one that was needless would be needless, too.
const ALIKE: Duration = Duration::from_secs(600);

/// Tries every pair for all profiles alike. `needless` are the recorded restarts that the facts call needless; one that was
/// not recorded is needless, too, where the site came back without it. None where nothing is recorded.
#[must_use]
pub fn suggest(settings: &Settings, record: &Record, needless: &[Timestamp]) -> Vec<Trial> {
    let mut trials = Vec::new();
    if record.from().is_none() {
        return trials;
    }
    for threshold in THRESHOLDS {
        let replayed = replay(&with(settings, threshold), record);
        let trial = count(threshold, record, &replayed, needless);
        let every = INTERVALS.map(Duration::from_secs);
        trials.extend(every.map(|interval| Trial {
            interval,
            detection: interval / 2 + trial.detection,
            ..trial
        }));
    }
    trials
}

fn with(settings: &Settings, threshold: u32) -> Settings {
    let mut settings = settings.clone();
    for profile in settings.profiles.values_mut() {
        Arc::make_mut(profile).failure_threshold = threshold;
    }
    settings
}

/// Without the wait for the first probe.
fn count(threshold: u32, record: &Record, replayed: &Replayed, needless: &[Timestamp]) -> Trial {
    let away = |one: Timestamp, other: Timestamp| one.since(other).max(other.since(one));
    let is_needless = |restart: &&ReplayedRestart| {
        let alike = needless
            .iter()
            .any(|other| away(restart.at, *other) <= ALIKE);
        let passed =
            restart.assumed && record.passed_by_itself(&restart.profile, &restart.host, restart.at);
        alike || passed
    };
    let is_brief = |incident: &&ReplayedIncident| {
        let closed = incident.closed;
        let brief = closed.is_some_and(|end| end.since(incident.since) <= limits::BRIEF);
        let during = |at: Timestamp| at >= incident.opened && closed.is_none_or(|end| at <= end);
        let mut restarts = replayed.restarts.iter();
        let healed =
            restarts.any(|restart| restart.profile == incident.profile && during(restart.at));
        brief && !healed
    };
    let waits = replayed.incidents.iter();
    let waited: Duration = waits.map(ReplayedIncident::detected_after).sum();
    let incidents = replayed.incidents.len();
    let mean = u32::try_from(incidents)
        .ok()
        .and_then(|n| waited.checked_div(n));
    let assumed = replayed
        .restarts
        .iter()
        .filter(|restart| restart.assumed)
        .count();
    let ends = replayed
        .incidents
        .iter()
        .filter(|incident| incident.assumed)
        .count();
    Trial {
        threshold,
        interval: Duration::ZERO,
        incidents,
        brief: replayed.incidents.iter().filter(is_brief).count(),
        restarts: replayed.restarts.len(),
        needless: replayed.restarts.iter().filter(is_needless).count(),
        detection: mean.unwrap_or_default(),
        assumed: assumed + ends,
    }
}

/// The trial that has the fewest needless restarts and brief alarms, and among those the fastest.
#[must_use]
pub fn best(trials: &[Trial]) -> Option<&Trial> {
    trials
        .iter()
        .min_by_key(|trial| (trial.needless + trial.brief, trial.detection))
}
