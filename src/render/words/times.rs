//! Times of day and spans, as the language says them and by the configured clock.

use std::time::Duration;

use jiff::Zoned;
use jiff::civil::Date;
use minijinja::context;

use super::{Key, Voice, key};
use crate::model::Timestamp;

impl Voice {
    /// `06:00:41 UTC`.
    #[must_use]
    pub fn clock(&self, at: Timestamp) -> String {
        self.time(at, key!(Times, "clock"))
    }

    /// `06:00 UTC`.
    #[must_use]
    pub fn minute(&self, at: Timestamp) -> String {
        self.time(at, key!(Times, "minute"))
    }

    /// `06:00`, where the zone follows later in the sentence.
    #[must_use]
    pub fn bare_minute(&self, at: Timestamp) -> String {
        self.time(at, key!(Times, "bare_minute"))
    }

    /// `2026-11-22`.
    #[must_use]
    pub fn day(&self, at: Timestamp) -> String {
        self.time(at, key!(Times, "day"))
    }

    /// `22 Nov 2026, 06:00:41 UTC`.
    #[must_use]
    pub fn day_clock(&self, at: Timestamp) -> String {
        self.time(at, key!(Times, "day_clock"))
    }

    /// `22 Nov`, of a day of the calendar.
    #[must_use]
    pub fn date(&self, day: Date) -> String {
        self.dated(day, key!(Times, "date"))
    }

    /// `22 Nov 2026`.
    #[must_use]
    pub fn whole_date(&self, day: Date) -> String {
        self.dated(day, key!(Times, "whole_date"))
    }

    fn dated(&self, day: Date, key: Key) -> String {
        // A pattern that wants more than a day of the calendar has is not for a day.
        let pattern = self.word(key);
        jiff::fmt::strtime::format(&pattern, day).unwrap_or_else(|_| day.to_string())
    }

    /// Whether two instants fall on the same day.
    #[must_use]
    pub fn same_day(&self, one: Timestamp, other: Timestamp) -> bool {
        self.zoned(one).map(|at| at.date()) == self.zoned(other).map(|at| at.date())
    }

    /// A time of day; with its date where that is another one than `beside`'s.
    #[must_use]
    pub fn moment(&self, at: Timestamp, beside: Timestamp) -> String {
        if self.same_day(at, beside) {
            self.clock(at)
        } else {
            self.day_clock(at)
        }
    }

    /// `2m 10s`, `1h 5m`, `3d 4h`, `850ms`: the two largest units, rounded down; below a second in milliseconds.
    #[must_use]
    pub fn span(&self, duration: Duration) -> String {
        let milliseconds = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        if duration.is_zero() {
            return self.unit(key!(Times, "seconds"), 0);
        }
        let seconds = milliseconds / 1000;
        if seconds == 0 {
            return self.unit(key!(Times, "milliseconds"), milliseconds.max(1));
        }
        let units = [
            (86_400, key!(Times, "days")),
            (3_600, key!(Times, "hours")),
            (60, key!(Times, "minutes")),
            (1, key!(Times, "seconds")),
        ];
        let first = units.iter().position(|(size, _)| seconds >= *size);
        let Some(((size, large), next)) =
            first.and_then(|index| units.get(index).map(|unit| (unit, units.get(index + 1))))
        else {
            return String::new();
        };
        let large = self.unit(*large, seconds / size);
        match next.map(|(small, unit)| (seconds % size / small, unit)) {
            Some((count, unit)) if count > 0 => {
                let small = self.unit(*unit, count);
                self.say(key!(Times, "two"), context! { large, small })
            }
            Some(_) | None => large,
        }
    }

    /// How long something took: `2.3s` below a minute, then as [`Self::span`].
    #[must_use]
    pub fn took(&self, duration: Duration) -> String {
        if duration >= Duration::from_secs(60) {
            return self.span(duration);
        }
        let tenths = duration.as_millis() / 100;
        let n = format!("{}.{}", tenths / 10, tenths % 10);
        self.say(key!(Times, "tenths"), context! { n })
    }

    fn unit(&self, key: Key, n: u64) -> String {
        self.say(key, context! { n })
    }

    fn zoned(&self, at: Timestamp) -> Option<Zoned> {
        // A certificate that never ends is good for a day beyond jiff's last instant; nobody waits for that day.
        let last = jiff::Timestamp::MAX.as_millisecond();
        let instant = jiff::Timestamp::from_millisecond(at.0.min(last)).ok()?;
        Some(instant.to_zoned(self.zone.clone()))
    }

    fn time(&self, at: Timestamp, key: Key) -> String {
        let Some(zoned) = self.zoned(at) else {
            return self.word(key!(Times, "unknown"));
        };
        let format = |pattern: &str| jiff::fmt::strtime::format(pattern, &zoned).ok();
        let pattern = self.word(key);
        format(&pattern)
            .or_else(|| {
                self.complain(format!("{}: not a pattern of strftime", key.path()));
                format(&Self::plain(self.language).word(key))
            })
            .unwrap_or_else(|| zoned.to_string())
    }
}
