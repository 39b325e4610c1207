//! What the program measures of itself for the metrics. Counted from its start; never written.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Blame, Cause, Happened, HostName, RecoveryOutcome, Timestamp};

/// Upper bounds of the classes of [`Lag`], in milliseconds; one more class holds all that is later.
pub const LAG_BOUNDS_MS: [u64; 9] = [1, 5, 10, 50, 100, 500, 1_000, 5_000, 30_000];

/// How late probes began after their due time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lag {
    /// Probes in each class of [`LAG_BOUNDS_MS`], and beyond the last.
    pub classes: [u64; LAG_BOUNDS_MS.len() + 1],
    /// The sum over all probes.
    pub sum: Duration,
    /// The greatest within the last one to two minutes.
    pub max: Duration,
    /// The greatest since `minute` began.
    rising: Duration,
    minute: i64,
}

impl Lag {
    /// Counts a probe that began this late, at this instant.
    pub fn record(&mut self, late: Duration, now: Timestamp) {
        let minute = now.0.div_euclid(60_000);
        if minute != self.minute {
            let fresh = minute == self.minute + 1;
            self.max = if fresh { self.rising } else { Duration::ZERO };
            self.rising = Duration::ZERO;
            self.minute = minute;
        }
        self.rising = self.rising.max(late);
        self.max = self.max.max(late);
        self.sum = self.sum.saturating_add(late);
        let class = LAG_BOUNDS_MS.partition_point(|bound| Duration::from_millis(*bound) < late);
        if let Some(count) = self.classes.get_mut(class) {
            *count += 1;
        }
    }

    /// Probes that began.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.classes.iter().sum()
    }
}

/// The gauges.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gauges {
    /// Profiles probed: probes that ended.
    pub probes: u64,
    /// Periods of profiles in which no probe was made, because the one before began or ended too late.
    pub skipped: u64,
    /// How late probes began.
    pub lag: Lag,
    /// Processor time that this program used, without its children.
    pub cpu: Duration,
    /// Judged probes that found something wrong, by what they found; remarks are left out.
    pub failures: BTreeMap<Cause, u64>,
    /// Restarts that ended, by host and outcome.
    pub restarts: BTreeMap<(HostName, &'static str), u64>,
    /// How often a host began to be held, by host and the word of the hold.
    pub withheld: BTreeMap<(HostName, &'static str), u64>,
    /// Commits that ended well, and those that did not.
    pub commits: (u64, u64),
}

impl Gauges {
    /// Counts what happened.
    pub fn note(&mut self, note: &Happened) {
        if let Happened::Judged {
            cause: Some(cause), ..
        } = note
        {
            if cause.blame() != Blame::Nobody {
                *self.failures.entry(*cause).or_default() += 1;
            }
        } else if let Happened::RestartEnded { host, attempt, .. } = note {
            let report = attempt.report.as_ref();
            let outcome = report.map_or(RecoveryOutcome::Unknown, |report| report.outcome);
            let key = (host.clone(), outcome.word());
            *self.restarts.entry(key).or_default() += 1;
        } else if let Happened::Held { host, hold, .. } = note {
            let key = (host.clone(), hold.word());
            *self.withheld.entry(key).or_default() += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lag_falls_into_classes_and_its_peak_is_forgotten() {
        let mut lag = Lag::default();
        for late in [0, 1, 2, 100, 101, 60_000] {
            lag.record(Duration::from_millis(late), Timestamp(120_000));
        }
        assert_eq!(lag.classes, [2, 1, 0, 0, 1, 1, 0, 0, 0, 1]);
        assert_eq!(lag.count(), 6);
        assert_eq!(lag.max, Duration::from_secs(60));
        lag.record(Duration::ZERO, Timestamp(180_000));
        assert_eq!(lag.max, Duration::from_secs(60), "the minute before counts");
        lag.record(Duration::ZERO, Timestamp(240_000));
        assert_eq!(lag.max, Duration::ZERO);
        assert_eq!(lag.sum.as_millis(), 60_204);
    }
}
