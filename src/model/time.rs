//! Instants and what the clocks say. The core is given the time; it never reads a clock.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

use jiff::civil::DateTime;
use jiff::{SignedDuration, SpanRelativeTo};
use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// How long ago `earlier` was; zero when it lies in the future.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// `YYYYMMDDTHHMMSSZ`, for ids.
    #[must_use]
    pub fn stamp(self) -> String {
        self.written("%Y%m%dT%H%M%SZ")
    }

    /// In UTC, by a pattern of strftime that names no zone; `unknown` beyond the year 9999.
    #[must_use]
    pub fn written(self, pattern: &str) -> String {
        self.civil().map_or_else(
            || "unknown".to_owned(),
            |moment| moment.strftime(pattern).to_string(),
        )
    }

    /// The calendar's moment in UTC. An instant of jiff ends a day and two hours before the last year does, so that no zone leads
    /// beyond it; certificates that never end are good until the last second (RFC 5280 4.1.2.5).
    fn civil(self) -> Option<DateTime> {
        let epoch = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);
        epoch.checked_add(SignedDuration::from_millis(self.0)).ok()
    }
}

/// RFC 3339 in UTC with milliseconds.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.civil() {
            Some(moment) => write!(f, "{moment:.3}Z"),
            None => f.write_str("unknown"),
        }
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;
    fn add(self, by: Duration) -> Self {
        Self(
            self.0
                .saturating_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)),
        )
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;
    fn sub(self, by: Duration) -> Self {
        Self(
            self.0
                .saturating_sub(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)),
        )
    }
}

/// The kernel's id of this boot (`/proc/sys/kernel/random/boot_id`): as long as it is the same, `since_boot` can be compared.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BootId(pub String);

/// What the clocks say, all read at the same moment.
///
/// The wall clock may lie (set by hand, stepped by NTP, restored from a snapshot); the time since boot counts suspend
/// (`CLOCK_BOOTTIME`) and never steps. [`crate::policy`] makes one line of time out of both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Now {
    /// The wall clock.
    pub wall: Timestamp,
    /// Which boot `since_boot` counts from.
    pub boot: BootId,
    /// `CLOCK_BOOTTIME`.
    pub since_boot: Duration,
}

/// A span of time as people write it: whole numbers with `d` (24 hours), `h`, `m`, `s` or `ms`, largest first, as in `90s`,
/// `2h30m` or, as it is printed, `1h 30m`. What jiff takes beside that (fractions, signs, words, weeks) is no span here.
#[must_use]
pub fn parse_span(text: &str) -> Option<Duration> {
    let is_part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_digit())
            && part.ends_with(|c: char| c.is_ascii_alphabetic())
            && part
                .chars()
                .all(|c| c.is_ascii_digit() || "dhms".contains(c))
    };
    if !text.split(' ').all(is_part) {
        return None;
    }
    let span: jiff::Span = text.parse().ok()?;
    let whole = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    Some(whole.unsigned_abs())
}
