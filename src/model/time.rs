//! Instants and what the clocks say. The core is given the time; it never reads a clock.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

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
        jiff::Timestamp::from_millisecond(self.0).map_or_else(
            |_| "unknown".to_owned(),
            |t| t.strftime("%Y%m%dT%H%M%SZ").to_string(),
        )
    }
}

/// RFC 3339 in UTC with milliseconds.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(instant) => write!(f, "{instant:.3}"),
            Err(_) => f.write_str("unknown"),
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
