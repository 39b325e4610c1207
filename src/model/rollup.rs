//! How a site did, rolled up: what an hour and what a day of it came to.
//!
//! Hours are kept for [`limits::HOURS_KEPT`](super::limits::HOURS_KEPT), days for
//! [`limits::DAYS_KEPT`](super::limits::DAYS_KEPT). A day is one of the calendar of `alerts.timezone`, as it was
//! configured when the day was written.

use std::time::Duration;

use super::uptime;

/// What a span of time of one site came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rollup {
    /// For how long it was watched and judged, in seconds. Downtime is part of it, unless probe did not run.
    pub judged_s: u32,
    /// For how long it was watched and could not be judged, in seconds.
    pub unjudged_s: u32,
    /// For how long it was down, in seconds, from the first failure of each incident to its end.
    pub down_s: u32,
    /// Incidents that began in it.
    pub outages: u32,
    /// Probes that were well.
    pub well: u32,
    /// Probes that failed.
    pub failed: u32,
    /// The sum of the response times of those that were well, in milliseconds.
    pub sum_ms: u64,
    /// The longest of them, in milliseconds.
    pub longest_ms: u32,
}

/// Bytes of one rollup on the disk.
pub const ROLLUP_BYTES: usize = 36;

impl Rollup {
    /// Whether nothing is known of it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Adds another part of the same time, or another time.
    pub fn add(&mut self, other: &Self) {
        self.judged_s = self.judged_s.saturating_add(other.judged_s);
        self.unjudged_s = self.unjudged_s.saturating_add(other.unjudged_s);
        self.down_s = self.down_s.saturating_add(other.down_s);
        self.outages = self.outages.saturating_add(other.outages);
        self.well = self.well.saturating_add(other.well);
        self.failed = self.failed.saturating_add(other.failed);
        self.sum_ms = self.sum_ms.saturating_add(other.sum_ms);
        self.longest_ms = self.longest_ms.max(other.longest_ms);
    }

    /// The share of the judged time in which it was not down ([`uptime`]); `None` where it was never judged.
    #[must_use]
    pub fn uptime(&self) -> Option<u32> {
        let seconds = |n: u32| Duration::from_secs(n.into());
        uptime(seconds(self.judged_s), seconds(self.down_s))
    }

    /// The mean response time; `None` where no probe was well.
    #[must_use]
    pub fn mean(&self) -> Option<Duration> {
        self.sum_ms
            .checked_div(self.well.into())
            .map(Duration::from_millis)
    }

    /// As written to the disk.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let small = [
            self.judged_s,
            self.unjudged_s,
            self.down_s,
            self.outages,
            self.well,
            self.failed,
            self.longest_ms,
        ];
        let small = small.into_iter().flat_map(u32::to_be_bytes);
        small.chain(self.sum_ms.to_be_bytes()).collect()
    }

    /// As read from the disk. Bytes that are no rollup give an empty one: nothing is decided by it.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let (Some((small, rest)), true) =
            (bytes.split_first_chunk::<28>(), bytes.len() == ROLLUP_BYTES)
        else {
            return Self::default();
        };
        let mut words = small.chunks_exact(4).map(|word| {
            let word = word.first_chunk().copied();
            u32::from_be_bytes(word.unwrap_or_default())
        });
        let mut next = || words.next().unwrap_or(0);
        Self {
            judged_s: next(),
            unjudged_s: next(),
            down_s: next(),
            outages: next(),
            well: next(),
            failed: next(),
            longest_ms: next(),
            sum_ms: rest
                .first_chunk()
                .map_or(0, |bytes| u64::from_be_bytes(*bytes)),
        }
    }
}

/// What one commit adds to the rollups of a site: to an hour and to the day that it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// The hour: whole hours since 1970, on the wall clock.
    pub hour: u32,
    /// The day: whole days since 1970-01-01 by the calendar of `alerts.timezone`.
    pub day: u32,
    /// What is added.
    pub rollup: Rollup,
}

/// A day of a site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayOf {
    /// Whole days since 1970-01-01 by the calendar of `alerts.timezone`.
    pub number: u32,
    /// What it came to.
    pub rollup: Rollup,
}

impl DayOf {
    /// Its date.
    #[must_use]
    pub fn date(&self) -> jiff::civil::Date {
        let first = jiff::civil::date(1970, 1, 1);
        let days = jiff::Span::new().try_days(i64::from(self.number));
        days.and_then(|days| first.checked_add(days))
            .unwrap_or(jiff::civil::Date::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut rollup = Rollup {
            judged_s: 3_000,
            unjudged_s: 500,
            down_s: 30,
            outages: 1,
            well: 49,
            failed: 3,
            sum_ms: 4_900,
            longest_ms: 300,
        };
        assert_eq!(Rollup::from_bytes(&rollup.bytes()), rollup);
        assert_eq!(rollup.bytes().len(), ROLLUP_BYTES);
        assert_eq!(rollup.uptime(), Some(9_900));
        assert_eq!(rollup.mean(), Some(Duration::from_millis(100)));
        rollup.add(&rollup.clone());
        assert_eq!((rollup.outages, rollup.longest_ms), (2, 300));
        for length in [0, 1, ROLLUP_BYTES - 1, ROLLUP_BYTES + 1, 5_000] {
            assert!(Rollup::from_bytes(&vec![7; length]).is_empty());
        }
    }

    #[test]
    fn a_day_has_its_date() {
        let day = |number| DayOf {
            number,
            rollup: Rollup::default(),
        };
        assert_eq!(day(20_787).date(), jiff::civil::date(2026, 11, 30));
        assert_eq!(day(u32::MAX).date(), jiff::civil::Date::MAX);
    }
}
