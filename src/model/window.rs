//! Maintenance windows: recurring times in which people work on a site, nothing is restarted and nobody is woken.
//!
//! A window begins when its cron expression matches in its own time zone, and lasts a span of real time. If the change
//! to summer time skips the beginning, the window begins at the first instant after the gap. If the change back shows
//! that time twice, only the first counts. An expression with `*` or a step in minute or hour matches as often as the
//! clock shows the time.

use std::time::Duration;

use croner::Cron;
use croner::parser::{CronParser, Seconds};
use jiff::tz::TimeZone;

use super::Timestamp;

/// A recurring window.
#[derive(Debug, Clone)]
pub struct Window {
    cron: Cron,
    zone: TimeZone,
    /// The cron expression as it was written.
    pub text: String,
    /// How long it lasts, in real time.
    pub length: Duration,
    /// The name of its time zone.
    pub timezone: String,
}

/// Why there can be no such window.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WindowError {
    /// Not a cron expression of five fields.
    #[error("not a cron expression: {0}")]
    Cron(String),
    /// It never matches.
    #[error("a cron expression that never comes")]
    Never,
    /// No such time zone.
    #[error("unknown time zone")]
    Zone,
}

/// The parser's sentence as a fragment.
fn said(sentence: &str) -> String {
    let words = sentence.trim_start_matches("Invalid pattern: ");
    let words = words.trim_end_matches('.');
    let mut letters = words.chars();
    let first = letters.next().map(|c| c.to_ascii_lowercase());
    first.into_iter().chain(letters).collect()
}

impl PartialEq for Window {
    fn eq(&self, other: &Self) -> bool {
        (&self.text, self.length, &self.timezone) == (&other.text, other.length, &other.timezone)
    }
}

impl Window {
    /// A window from its cron expression of five fields (minute, hour, day of month, month, day of week), its length and
    /// the name of its time zone (`Asia/Tokyo`).
    ///
    /// # Errors
    /// When the expression or the zone is not valid, or the expression never matches.
    pub fn try_new(text: &str, length: Duration, timezone: &str) -> Result<Self, WindowError> {
        let parser = CronParser::builder().seconds(Seconds::Disallowed).build();
        let cron = parser
            .parse(text)
            .map_err(|error| WindowError::Cron(said(&error.to_string())))?;
        let window = Self {
            cron,
            zone: TimeZone::get(timezone).map_err(|_| WindowError::Zone)?,
            text: text.to_owned(),
            length,
            timezone: timezone.to_owned(),
        };
        // Any instant will do: a window that comes at all comes again.
        match window.next(Timestamp(0)) {
            Some(_) => Ok(window),
            None => Err(WindowError::Never),
        }
    }

    /// When the window that is open at `wall` ends; both on the wall clock.
    #[must_use]
    pub fn open_until(&self, wall: Timestamp) -> Option<Timestamp> {
        let begun = self.next(wall - self.length)?;
        (begun <= wall).then(|| begun + self.length)
    }

    /// Whether these windows leave no moment between them for so long.
    #[must_use]
    pub fn run_together(windows: &[Self], longest: Duration) -> bool {
        // Any instant will do to begin with: what never ends does not end then either.
        let Some(begin) = windows
            .iter()
            .filter_map(|one| one.next(Timestamp(0)))
            .min()
        else {
            return false;
        };
        let mut end = begin;
        while let Some(later) = windows.iter().filter_map(|one| one.open_until(end)).max() {
            if later.since(begin) >= longest {
                return true;
            }
            end = later;
        }
        false
    }

    /// The first beginning after `wall`.
    #[must_use]
    pub fn next(&self, wall: Timestamp) -> Option<Timestamp> {
        let instant = jiff::Timestamp::from_millisecond(wall.0).ok()?;
        let from = instant.to_zoned(self.zone.clone());
        let next = self.cron.find_next_occurrence(&from, false).ok()?;
        Some(Timestamp(next.timestamp().as_millisecond()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
    }

    fn window(cron: &str, minutes: u64, zone: &str) -> Window {
        Window::try_new(cron, Duration::from_secs(minutes * 60), zone).unwrap()
    }

    #[test]
    fn it_is_open_from_its_beginning_until_its_end() {
        let sunday = window("0 3 * * 0", 30, "Asia/Tokyo");
        for (wall, until) in [
            ("2026-11-21T17:59:59.999Z", None),
            ("2026-11-21T18:00:00Z", Some("2026-11-21T18:30:00Z")),
            ("2026-11-21T18:29:59.999Z", Some("2026-11-21T18:30:00Z")),
            ("2026-11-21T18:30:00Z", None),
            ("2026-11-22T18:10:00Z", None),
        ] {
            assert_eq!(sunday.open_until(at(wall)), until.map(at), "{wall}");
        }
        assert_eq!(
            sunday.next(at("2026-11-21T18:00:00Z")),
            Some(at("2026-11-28T18:00:00Z"))
        );
    }

    #[test]
    fn a_beginning_in_the_gap_moves_behind_it_and_a_double_one_counts_once() {
        // 2026-03-29: 02:00 becomes 03:00 in Berlin; 2026-10-25: 03:00 becomes 02:00.
        let night = window("30 2 * * *", 60, "Europe/Berlin");
        assert_eq!(
            night.next(at("2026-03-28T12:00:00Z")),
            Some(at("2026-03-29T01:00:00Z"))
        );
        assert_eq!(
            night.open_until(at("2026-03-29T01:59:00Z")),
            Some(at("2026-03-29T02:00:00Z"))
        );
        assert_eq!(
            night.next(at("2026-10-24T12:00:00Z")),
            Some(at("2026-10-25T00:30:00Z"))
        );
        assert_eq!(
            night.next(at("2026-10-25T00:30:00Z")),
            Some(at("2026-10-26T01:30:00Z"))
        );
        assert_eq!(night.open_until(at("2026-10-25T01:40:00Z")), None);
    }

    #[test]
    fn a_window_longer_than_its_period_never_ends() {
        let always = window("0 * * * *", 90, "UTC");
        for minute in 0..600 {
            let wall = at("2026-11-22T00:00:00Z") + Duration::from_secs(minute * 60);
            assert!(always.open_until(wall).is_some(), "{wall}");
        }
    }

    #[test]
    fn what_is_no_window_is_said() {
        let length = Duration::from_secs(60);
        let refused = |cron: &str, zone: &str| Window::try_new(cron, length, zone).err();
        assert!(matches!(
            refused("0 3 * *", "UTC"),
            Some(WindowError::Cron(_))
        ));
        assert!(matches!(
            refused("0 0 3 * * 0", "UTC"),
            Some(WindowError::Cron(_))
        ));
        assert!(matches!(
            refused("61 3 * * 0", "UTC"),
            Some(WindowError::Cron(_))
        ));
        assert_eq!(refused("0 3 30 2 *", "UTC"), Some(WindowError::Never));
        assert_eq!(refused("0 3 * * 0", "Asia/Tokio"), Some(WindowError::Zone));
    }
}
