//! The weekly report as facts: when it is due, what is counted for each site ([`Tally`]), and what it says ([`Week`]).
//!
//! A tally is a few numbers and carries the number of its period. A tally with another number counts as empty, so a new
//! period begins without a walk over the fleet.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::{Held, HostName, Lesson, ProfileName, Timestamp, uptime};

/// The hour of Monday at which the report is due, by the clock of `alerts.timezone`.
const HOUR: i8 = 9;

/// The first Monday 09:00 of this zone after `wall`; `None` beyond the calendar.
///
/// Where summer time leaves that hour out, it is the first instant after the gap.
#[must_use]
pub fn monday(zone: &TimeZone, wall: Timestamp) -> Option<Timestamp> {
    let instant = jiff::Timestamp::from_millisecond(wall.0).ok()?;
    let mut day = instant.to_zoned(zone.clone()).date();
    // Today may be a Monday whose hour is over.
    for _ in 0..8 {
        if day.weekday() == Weekday::Monday {
            let at = day.at(HOUR, 0, 0, 0).to_zoned(zone.clone()).ok()?;
            let at = Timestamp(at.timestamp().as_millisecond());
            if at > wall {
                return Some(at);
            }
        }
        day = day.tomorrow().ok()?;
    }
    None
}

/// The period that the next report covers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    /// Its number, from 1.
    pub number: u32,
    /// Since when, on the fleet's line.
    pub began: Timestamp,
    /// The instant of the wall clock after which the next Monday was looked for.
    pub asked: Timestamp,
    /// When the report is due, on the wall clock.
    pub due: Timestamp,
    /// No report was made before.
    pub first: bool,
    /// How long our own network was down.
    #[serde(default)]
    pub blind: Duration,
    /// How long probe did not run ([`super::limits::UNWATCHED_AFTER`]).
    #[serde(default)]
    pub away: Duration,
}

/// How often a host was restarted in a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Restarts {
    /// The period's number; 0: nothing is remembered.
    pub period: u32,
    /// How often.
    pub count: u32,
}

impl Restarts {
    /// Whether nothing is remembered.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.period == 0
    }

    /// The restarts in this period: these, or none if these belong to another.
    #[must_use]
    pub const fn of(self, period: u32) -> Self {
        match self.period == period {
            true => self,
            false => Self { period, count: 0 },
        }
    }
}

/// What a period remembers of one site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "Vec<u64>", into = "[u64; 8]")]
pub struct Tally {
    /// The period's number; 0: nothing is remembered.
    pub period: u32,
    /// Probes that were well.
    pub well: u32,
    /// The sum of their response times, in milliseconds.
    pub sum_ms: u64,
    /// The longest of them, in milliseconds.
    pub longest_ms: u32,
    /// When that was, in seconds since 1970 on the wall clock.
    pub longest_at: u32,
    /// How long its finished incidents lasted within the period, in seconds.
    pub down_s: u32,
    /// How many such incidents.
    pub outages: u32,
    /// How long it was not judged within the period, in seconds.
    pub unjudged_s: u32,
}

impl From<Vec<u64>> for Tally {
    /// A row of an earlier version has seven numbers.
    fn from(row: Vec<u64>) -> Self {
        let nth = |n: usize| row.get(n).copied().unwrap_or(0);
        let small = |n: usize| u32::try_from(nth(n)).unwrap_or(u32::MAX);
        Self {
            period: small(0),
            well: small(1),
            sum_ms: nth(2),
            longest_ms: small(3),
            longest_at: small(4),
            down_s: small(5),
            outages: small(6),
            unjudged_s: small(7),
        }
    }
}

impl From<Tally> for [u64; 8] {
    fn from(tally: Tally) -> Self {
        [
            tally.period.into(),
            tally.well.into(),
            tally.sum_ms,
            tally.longest_ms.into(),
            tally.longest_at.into(),
            tally.down_s.into(),
            tally.outages.into(),
            tally.unjudged_s.into(),
        ]
    }
}

impl Tally {
    /// Whether nothing is remembered.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.period == 0
    }

    /// The tally of this period: this one, or an empty one if this belongs to another.
    #[must_use]
    pub fn of(self, period: u32) -> Self {
        if self.period == period {
            self
        } else {
            Self {
                period,
                ..Self::default()
            }
        }
    }

    /// Counts a probe that was well.
    pub fn count(&mut self, took: Duration, wall: Timestamp) {
        let ms = u32::try_from(took.as_millis()).unwrap_or(u32::MAX);
        self.well = self.well.saturating_add(1);
        self.sum_ms = self.sum_ms.saturating_add(ms.into());
        if ms > self.longest_ms {
            self.longest_ms = ms;
            self.longest_at = u32::try_from(wall.0.div_euclid(1000)).unwrap_or(0);
        }
    }

    /// Counts an incident that is over and lasted so long within the period.
    pub fn over(&mut self, lasted: Duration) {
        let seconds = u32::try_from(lasted.as_secs()).unwrap_or(u32::MAX);
        self.down_s = self.down_s.saturating_add(seconds);
        self.outages = self.outages.saturating_add(1);
    }

    /// Counts a time within the period in which it was not judged.
    pub fn blank(&mut self, lasted: Duration) {
        let seconds = u32::try_from(lasted.as_secs()).unwrap_or(u32::MAX);
        self.unjudged_s = self.unjudged_s.saturating_add(seconds);
    }

    /// The mean response time; `None` where no probe was well.
    #[must_use]
    pub fn mean(&self) -> Option<Duration> {
        self.sum_ms
            .checked_div(self.well.into())
            .map(Duration::from_millis)
    }
}

/// One rehearsal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drill {
    /// When, on the wall clock.
    pub at: Timestamp,
    /// Whether it went well. On a host: login and facts came back. For mail: the test was taken for every recipient, and by every webhook.
    pub well: bool,
    /// When one last went well, on the wall clock.
    #[serde(default)]
    pub succeeded: Option<Timestamp>,
}

/// The last rehearsals, as they stand in the state directory.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Drills {
    /// By host.
    #[serde(default)]
    pub hosts: BTreeMap<String, Drill>,
    /// Of mail.
    #[serde(default)]
    pub mail: Option<Drill>,
}

/// How one site did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WeekSite {
    /// Which.
    pub profile: ProfileName,
    /// How long it was down.
    pub down: Duration,
    /// How often.
    pub outages: u32,
    /// It is down now.
    pub still: bool,
    /// How long it alone was not judged through our own fault, without the times in which no site was.
    #[serde(default)]
    pub unjudged: Duration,
}

/// One restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WeekRestart {
    /// When, on the wall clock.
    pub at: Timestamp,
    /// How it held.
    pub held: Held,
    /// Whether it was needed, as far as the facts say.
    pub needed: Option<bool>,
}

/// The restarts of one host, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WeekHost {
    /// Which.
    pub host: HostName,
    /// How many.
    pub count: u32,
    /// The newest of them.
    pub restarts: Vec<WeekRestart>,
    /// What they teach.
    pub lesson: Option<Lesson>,
}

/// A slow site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WeekSlow {
    /// Which.
    pub profile: ProfileName,
    /// Its slowest answer.
    pub longest: Duration,
    /// When that was, on the wall clock.
    pub at: Timestamp,
    /// Its mean response time.
    pub mean: Duration,
}

/// What a weekly report says; its certificates stand in the notification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Week {
    /// Since when, on the wall clock.
    pub from: Timestamp,
    /// How long the period is.
    pub span: Duration,
    /// Whether it is the first report: its period began when reports were configured.
    pub first: bool,
    /// Within it, how long our own network was down.
    pub blind: Duration,
    /// Within it, how long probe did not run.
    #[serde(default)]
    pub away: Duration,
    /// How many sites are watched.
    pub profiles: u32,
    /// Those that are listed, the worst first.
    pub sites: Vec<WeekSite>,
    /// Sites that were down and are not listed.
    pub down_more: u32,
    /// Sites that were up all the time and are not listed.
    pub up_more: u32,
    /// Sites that were not judged for a while, were not down, and are not listed.
    #[serde(default)]
    pub unjudged_more: u32,
    /// The sum of the downtime of all sites.
    pub down: Duration,
    /// The sum of [`WeekSite`]'s times that were not judged.
    #[serde(default)]
    pub unjudged: Duration,
    /// Hosts that were restarted.
    pub hosts: Vec<WeekHost>,
    /// How many restarts there were.
    pub restarts: u32,
    /// The slowest answers.
    pub slowest: Vec<WeekSlow>,
    /// The last rehearsals of configured hosts and of mail.
    pub drills: Drills,
    /// Configured hosts that were never rehearsed.
    pub undrilled: Vec<HostName>,
    /// Messages that could not be delivered.
    pub undelivered: u32,
}

impl Week {
    /// The [`uptime`] of a site.
    #[must_use]
    pub fn share(&self, site: &WeekSite) -> Option<u32> {
        uptime(self.judged().saturating_sub(site.unjudged), site.down)
    }

    /// The same of all sites together.
    #[must_use]
    pub fn share_of_all(&self) -> Option<u32> {
        let judged = self.judged().saturating_mul(self.profiles.max(1));
        uptime(judged.saturating_sub(self.unjudged), self.down)
    }

    /// How long probe ran and our own network was up.
    fn judged(&self) -> Duration {
        self.span.saturating_sub(self.blind + self.away)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
    }

    #[test]
    fn monday_at_nine_by_the_clock_on_the_wall() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        for (wall, due) in [
            ("2026-03-23T07:59:59Z", "2026-03-23T08:00:00Z"),
            ("2026-03-23T08:00:00Z", "2026-03-30T07:00:00Z"),
            ("2026-03-29T12:00:00Z", "2026-03-30T07:00:00Z"),
            ("2026-10-19T07:00:00Z", "2026-10-26T08:00:00Z"),
        ] {
            assert_eq!(monday(&berlin, at(wall)), Some(at(due)), "{wall}");
        }
        let tokyo = TimeZone::get("Asia/Tokyo").unwrap();
        assert_eq!(
            monday(&tokyo, at("2026-11-22T23:59:59Z")),
            Some(at("2026-11-23T00:00:00Z"))
        );
        assert_eq!(monday(&tokyo, Timestamp(i64::MAX)), None);
    }

    #[test]
    fn a_tally_of_another_period_is_none() {
        let mut tally = Tally::default().of(3);
        tally.count(Duration::from_millis(100), at("2026-11-23T00:00:01Z"));
        tally.count(Duration::from_millis(300), at("2026-11-23T00:00:02Z"));
        tally.count(Duration::from_millis(200), at("2026-11-23T00:00:03Z"));
        tally.over(Duration::from_secs(70));
        tally.blank(Duration::from_secs(90));
        assert_eq!(tally.mean(), Some(Duration::from_millis(200)));
        assert_eq!((tally.longest_ms, tally.down_s), (300, 70));
        assert_eq!(
            i64::from(tally.longest_at) * 1000,
            at("2026-11-23T00:00:02Z").0
        );
        let row = serde_json::to_string(&tally).unwrap();
        assert_eq!(serde_json::from_str::<Tally>(&row).unwrap(), tally);
        let earlier: Tally = serde_json::from_str("[3,3,600,300,7,70,1]").unwrap();
        assert_eq!((earlier.outages, earlier.unjudged_s), (1, 0));
        assert_eq!(tally.of(3), tally);
        assert_eq!(tally.of(4).well, 0);
        assert_eq!(Tally::default().mean(), None);
    }
}
