//! How a site did, rolled up: what an hour and what a day of it came to.
//!
//! Hours are kept for [`limits::HOURS_KEPT`](super::limits::HOURS_KEPT), days for
//! [`limits::DAYS_KEPT`](super::limits::DAYS_KEPT). A day is one of the calendar of `alerts.timezone`, as it was
//! configured when the day was written.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::tz::TimeZone;

use super::{Fleet, ProfileName, Slot, Timestamp, limits, uptime};

/// What a span of time of one site came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rollup {
    /// For how long it was watched and judged. Downtime is part of it, unless probe did not run.
    pub judged: Duration,
    /// For how long it was watched and could not be judged.
    pub unjudged: Duration,
    /// For how long it was down, from the first failure of each incident to its end.
    pub down: Duration,
    /// Incidents that began in it.
    pub outages: u32,
    /// Probes that were well.
    pub well: u32,
    /// Probes that failed.
    pub failed: u32,
    /// The sum of the response times of those that were well.
    pub took: Duration,
    /// The longest of them.
    pub longest: Duration,
}

/// Bytes of one rollup on the disk.
pub const ROLLUP_BYTES: usize = 32;

impl Rollup {
    /// Whether nothing is known of it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Adds another part of the same time, or another time.
    pub fn add(&mut self, other: &Self) {
        self.judged += other.judged;
        self.unjudged += other.unjudged;
        self.down += other.down;
        self.outages = self.outages.saturating_add(other.outages);
        self.well = self.well.saturating_add(other.well);
        self.failed = self.failed.saturating_add(other.failed);
        self.took += other.took;
        self.longest = self.longest.max(other.longest);
    }

    /// The share of the judged time in which it was not down ([`uptime`]); `None` where it was never judged.
    #[must_use]
    pub fn uptime(&self) -> Option<u32> {
        uptime(self.judged, self.down)
    }

    /// The mean response time; `None` where no probe was well.
    #[must_use]
    pub fn mean(&self) -> Option<Duration> {
        self.took.checked_div(self.well)
    }

    /// As written to the disk: eight numbers, times in milliseconds (a day has 27 bits of them).
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let ms = |time: Duration| u32::try_from(time.as_millis()).unwrap_or(u32::MAX);
        let numbers = [
            ms(self.judged),
            ms(self.unjudged),
            ms(self.down),
            self.outages,
            self.well,
            self.failed,
            ms(self.took),
            ms(self.longest),
        ];
        numbers.into_iter().flat_map(u32::to_be_bytes).collect()
    }

    /// As read from the disk. Bytes that are no rollup give an empty one: nothing is decided by it.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        if bytes.len() != ROLLUP_BYTES {
            return Self::default();
        }
        let mut words = bytes.chunks_exact(4).map(|word| {
            let word = word.first_chunk().copied();
            u32::from_be_bytes(word.unwrap_or_default())
        });
        let mut next = || words.next().unwrap_or(0);
        let ms = |n: u32| Duration::from_millis(n.into());
        Self {
            judged: ms(next()),
            unjudged: ms(next()),
            down: ms(next()),
            outages: next(),
            well: next(),
            failed: next(),
            took: ms(next()),
            longest: ms(next()),
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

impl Share {
    /// The parts of an incident, for every hour and day that it touches: hours only within
    /// [`limits::HOURS_KEPT`](super::limits::HOURS_KEPT) before its end. Times are those of the wall clock.
    #[must_use]
    pub fn of_incident(since: Timestamp, until: Timestamp, zone: &TimeZone) -> Vec<Self> {
        let mut shares = Vec::new();
        let by_hour = until.0 - i64::from(limits::HOURS_KEPT) * HOUR_MS;
        let by_day = until.0 - i64::from(limits::DAYS_KEPT) * 24 * HOUR_MS;
        let mut at = since.0.max(by_day);
        while at < until.0 || shares.is_empty() {
            let (day, midnight) = day_of(Timestamp(at), zone);
            let hour_ends = (at.div_euclid(HOUR_MS) + 1) * HOUR_MS;
            let ends = match at < by_hour {
                true => midnight.min(by_hour),
                false => midnight.min(hour_ends),
            };
            let ends = ends.min(until.0).max(at);
            shares.push(Self {
                hour: hour_of(Timestamp(at)),
                day,
                rollup: Rollup {
                    down: Timestamp(ends).since(Timestamp(at)),
                    outages: u32::from(shares.is_empty()),
                    ..Rollup::default()
                },
            });
            at = ends.max(at + 1);
        }
        shares
    }

    /// What a finished slot adds.
    #[must_use]
    pub fn of_slot(slot: &Slot, zone: &TimeZone) -> Self {
        let ms = |n: u32| Duration::from_millis(n.into());
        Self {
            hour: hour_of(slot.begins()),
            day: day_of(slot.begins(), zone).0,
            rollup: Rollup {
                judged: ms(slot.judged_ms),
                unjudged: ms(slot.unjudged_ms),
                well: slot.well.into(),
                failed: slot.failed.into(),
                took: ms(slot.sum_ms),
                longest: ms(slot.longest_ms),
                ..Rollup::default()
            },
        }
    }
}

const HOUR_MS: i64 = 3_600_000;

/// The number of an hour: whole hours since 1970.
#[must_use]
pub fn hour_of(wall: Timestamp) -> u32 {
    u32::try_from(wall.0.div_euclid(HOUR_MS)).unwrap_or(0)
}

/// The number of a day by the calendar of a zone, and when the next one begins there, in milliseconds since 1970.
#[must_use]
pub fn day_of(wall: Timestamp, zone: &TimeZone) -> (u32, i64) {
    let utc = || {
        let day = wall.0.div_euclid(24 * HOUR_MS);
        (u32::try_from(day).unwrap_or(0), (day + 1) * 24 * HOUR_MS)
    };
    let of_zone = || {
        let date = jiff::Timestamp::from_millisecond(wall.0)
            .ok()?
            .to_zoned(zone.clone())
            .date();
        let days = date.since(FIRST_DAY).ok()?.get_days();
        let tomorrow = date.tomorrow().ok()?.to_zoned(zone.clone()).ok()?;
        let midnight = tomorrow.timestamp().as_millisecond();
        Some((u32::try_from(days).ok()?, midnight))
    };
    of_zone().unwrap_or_else(utc)
}

const FIRST_DAY: jiff::civil::Date = jiff::civil::date(1970, 1, 1);

/// The date of a day.
#[must_use]
pub fn date_of(day: u32) -> jiff::civil::Date {
    let days = jiff::Span::new().try_days(i64::from(day));
    days.and_then(|days| FIRST_DAY.checked_add(days))
        .unwrap_or(jiff::civil::Date::MAX)
}

/// The hours and days of one site, oldest first, with what is not written yet.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rollups {
    /// By their numbers ([`hour_of`]).
    pub hours: BTreeMap<u32, Rollup>,
    /// By their numbers ([`day_of`]).
    pub days: BTreeMap<u32, Rollup>,
}

impl Rollups {
    /// What was written of a profile, and what the fleet knows beyond that: the slot under way and the open incident.
    #[must_use]
    pub fn of(
        fleet: &Fleet,
        name: &ProfileName,
        hours: Vec<(u32, Rollup)>,
        days: Vec<(u32, Rollup)>,
        zone: &TimeZone,
    ) -> Self {
        let mut all = Self {
            hours: hours.into_iter().collect(),
            days: days.into_iter().collect(),
        };
        let track = fleet.profiles.get(name);
        let (wall, now) = (|at| fleet.wall(at), fleet.now());
        let slot = track.map(|track| Share::of_slot(&track.slot, zone));
        let incident = track.and_then(|track| track.incident.as_ref());
        let incident = incident
            .map(|open| Share::of_incident(wall(open.since), wall(now), zone))
            .unwrap_or_default();
        let slot = slot.filter(|share| !share.rollup.is_empty());
        for share in slot.into_iter().chain(incident) {
            all.hours.entry(share.hour).or_default().add(&share.rollup);
            all.days.entry(share.day).or_default().add(&share.rollup);
        }
        all
    }

    /// What a span up to now came to, of which nothing is known where it is empty.
    #[must_use]
    pub fn over(&self, span: Span, wall: Timestamp, zone: &TimeZone) -> Rollup {
        let (rows, newest, count) = match span {
            Span::Day | Span::Week => (&self.hours, hour_of(wall), span.days() * 24),
            Span::Month | Span::Quarter | Span::Year => {
                (&self.days, day_of(wall, zone).0, span.days())
            }
        };
        let mut sum = Rollup::default();
        let oldest = newest.saturating_sub(count - 1);
        for rollup in rows.range(oldest..=newest).map(|(_, rollup)| rollup) {
            sum.add(rollup);
        }
        sum
    }
}

/// A span for which uptime is said: the hours or days under way, and those before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// 24 hours.
    Day,
    /// 7 days, by the hour.
    Week,
    /// 30 days.
    Month,
    /// 90 days.
    Quarter,
    /// 365 days.
    Year,
}

impl Span {
    /// All of them, the shortest first.
    pub const ALL: [Self; 5] = [
        Self::Day,
        Self::Week,
        Self::Month,
        Self::Quarter,
        Self::Year,
    ];

    /// How many days it has.
    #[must_use]
    pub const fn days(self) -> u32 {
        match self {
            Self::Day => 1,
            Self::Week => 7,
            Self::Month => 30,
            Self::Quarter => 90,
            Self::Year => 365,
        }
    }

    /// The stable word: `24h`, `7d`, `30d`, `90d`, `365d`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Day => "24h",
            Self::Week => "7d",
            Self::Month => "30d",
            Self::Quarter => "90d",
            Self::Year => "365d",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let ms = Duration::from_millis;
        let mut rollup = Rollup {
            judged: ms(3_000),
            unjudged: ms(500),
            down: ms(30),
            outages: 1,
            well: 49,
            failed: 3,
            took: ms(4_900),
            longest: ms(300),
        };
        assert_eq!(Rollup::from_bytes(&rollup.bytes()), rollup);
        assert_eq!(rollup.bytes().len(), ROLLUP_BYTES);
        assert_eq!(rollup.uptime(), Some(9_900));
        assert_eq!(rollup.mean(), Some(ms(100)));
        rollup.add(&rollup.clone());
        assert_eq!((rollup.outages, rollup.longest), (2, ms(300)));
        for length in [0, 1, ROLLUP_BYTES - 1, ROLLUP_BYTES + 1, 5_000] {
            assert!(Rollup::from_bytes(&vec![7; length]).is_empty());
        }
    }

    #[test]
    fn an_incident_is_shared_out_without_a_gap() {
        let at = |text: &str| Timestamp(text.parse::<jiff::Timestamp>().unwrap().as_millisecond());
        for (zone, since, until, hours, days) in [
            ("UTC", "2026-11-29T23:59:50Z", "2026-11-30T00:00:20Z", 2, 2),
            (
                "Asia/Tokyo",
                "2026-11-29T23:59:50Z",
                "2026-11-30T00:00:20Z",
                2,
                1,
            ),
            (
                "Asia/Kolkata",
                "2026-11-29T18:10:00Z",
                "2026-11-29T18:50:00Z",
                2,
                2,
            ),
            // Summer time ends: the day has 25 hours.
            (
                "Europe/Berlin",
                "2026-10-24T22:00:00Z",
                "2026-10-25T23:00:00Z",
                25,
                1,
            ),
            ("UTC", "2026-11-30T06:00:00Z", "2026-11-30T06:00:00Z", 1, 1),
            (
                "UTC",
                "2026-11-01T12:00:00Z",
                "2026-11-30T12:00:00Z",
                192 + 22,
                30,
            ),
        ] {
            let zone = TimeZone::get(zone).unwrap();
            let shares = Share::of_incident(at(since), at(until), &zone);
            let down: Duration = shares.iter().map(|share| share.rollup.down).sum();
            assert_eq!(down, at(until).since(at(since)), "{since}");
            let outages: u32 = shares.iter().map(|share| share.rollup.outages).sum();
            assert_eq!(outages, 1, "{since}");
            let mut known: Vec<u32> = shares.iter().map(|share| share.day).collect();
            known.dedup();
            assert_eq!((shares.len(), known.len()), (hours, days), "{since}");
        }
        let long = Share::of_incident(
            at("2020-01-01T00:00:00Z"),
            at("2026-11-30T12:00:00Z"),
            &TimeZone::UTC,
        );
        assert!(long.len() < 600, "{}", long.len());
        let ancient = Share::of_incident(Timestamp(i64::MIN / 2), Timestamp(0), &TimeZone::UTC);
        assert!(ancient.len() < 600, "{}", ancient.len());
    }

    #[test]
    fn a_day_has_its_date() {
        assert_eq!(date_of(20_787), jiff::civil::date(2026, 11, 30));
        assert_eq!(date_of(u32::MAX), jiff::civil::Date::MAX);
    }

    #[test]
    fn spans_hold_what_is_under_way_and_no_more_than_they_say() {
        let zone = TimeZone::UTC;
        let now = Timestamp(20_787 * 24 * HOUR_MS + 5 * HOUR_MS + 60_000);
        let judged = |minutes: u64| Rollup {
            judged: Duration::from_secs(60 * minutes),
            ..Rollup::default()
        };
        let hour = hour_of(now);
        let mut fleet = Fleet::default();
        fleet.core.clock.now = now;
        let shop = ProfileName::try_new("shop").unwrap();
        let track = fleet.profile_mut(&shop);
        track.slot = Slot::at(now);
        track.slot.pass(Duration::from_secs(60), true);
        let all = Rollups::of(
            &fleet,
            &shop,
            vec![
                (hour - 24, judged(60)),
                (hour - 23, judged(59)),
                (hour - 1, judged(58)),
            ],
            vec![
                (20_787 - 30, judged(1_440)),
                (20_787 - 29, judged(1_439)),
                (20_787, judged(300)),
            ],
            &zone,
        );
        let minutes = |span| all.over(span, now, &zone).judged.as_secs() / 60;
        assert_eq!(minutes(Span::Day), 59 + 58 + 1);
        assert_eq!(minutes(Span::Week), 60 + 59 + 58 + 1);
        assert_eq!(minutes(Span::Month), 1_439 + 300 + 1);
        assert_eq!(minutes(Span::Quarter), 1_440 + 1_439 + 300 + 1);
        assert_eq!(
            Rollups::default().over(Span::Year, now, &zone).uptime(),
            None
        );
    }
}
