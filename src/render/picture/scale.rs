//! Where an instant and a response time lie in the picture, and what stands at its edges.

use jiff::tz::TimeZone;

use super::{Marks, begins, day};
use crate::model::{Course, SLOT_MS, Slot, Timestamp};

/// What is shown.
pub(in crate::render) const DAY_MS: i64 = 24 * 3600 * 1000;

/// Minutes between two times at the lower edge: the least of these that gives at most [`TIMES`].
const STEPS: [i64; 5] = [15, 30, 60, 180, 360];

/// Times at the lower edge at most.
const TIMES: i64 = 5;

/// From instants and response times to pixels.
pub(in crate::render) struct Scale {
    /// The first instant shown.
    pub(in crate::render) from: Timestamp,
    top_ms: u32,
    plot: (f32, f32, f32, f32),
    until: Timestamp,
}

impl Scale {
    /// Slots without a probe that a line still bridges: a profile may be probed less often than every five minutes.
    pub(in crate::render) const PATIENCE: u32 = 6;

    /// `None` where no probe was made in that day.
    pub(in crate::render) fn of(
        course: &Course,
        marks: &Marks,
        plot: (f32, f32, f32, f32),
    ) -> Option<Self> {
        let mut longest = None;
        for slot in day(course, marks.until) {
            longest = longest.max(Some(slot.longest_ms));
        }
        let longest = longest?;
        // One answer that took very long must not press all others to the ground.
        let mut means: Vec<u32> = day(course, marks.until).filter_map(Slot::mean_ms).collect();
        means.sort_unstable();
        let usual = means.last().copied().unwrap_or(0).saturating_mul(4);
        let shown = longest.min(usual.max(1));
        let slow = marks.slow_ms.unwrap_or(0);
        Some(Self {
            from: begins(course, marks.until),
            top_ms: round_up(shown.max(slow.saturating_add(slow / 10)).max(20)),
            plot,
            until: marks.until,
        })
    }

    pub(in crate::render) fn x(&self, at: Timestamp) -> f32 {
        #[expect(
            clippy::cast_precision_loss,
            reason = "a day in milliseconds is exact enough"
        )]
        let share = (at.0 - self.from.0) as f32 / (self.until.0 - self.from.0).max(1) as f32;
        self.plot.0 + share.clamp(0.0, 1.0) * (self.plot.2 - self.plot.0)
    }

    pub(in crate::render) fn y(&self, ms: u32) -> f32 {
        #[expect(clippy::cast_precision_loss, reason = "pixels are coarser")]
        let share = ms as f32 / self.top_ms as f32;
        self.plot.3 - share.clamp(0.0, 1.0) * (self.plot.3 - self.plot.1)
    }

    /// From where to where a slot lies.
    pub(in crate::render) fn span(&self, slot: &Slot) -> (f32, f32) {
        let begins = slot.begins();
        // On whole pixels, so that neighbours leave no seam.
        let ends = Timestamp(begins.0 + SLOT_MS);
        (self.x(begins).round(), self.x(ends).round())
    }

    pub(in crate::render) fn shown<'a>(
        &self,
        course: &'a Course,
    ) -> impl Iterator<Item = &'a Slot> + use<'a> {
        day(course, self.until)
    }

    /// The lines at the left edge, with their figures.
    pub(in crate::render) fn steps(&self) -> Vec<(u32, String)> {
        let half = self.top_ms / 2;
        let all = [0, half, self.top_ms];
        all.map(|ms| (ms, figure(ms))).to_vec()
    }
}

/// `0`, `250 ms`, `1.5 s`, `2 m`.
fn figure(ms: u32) -> String {
    match ms {
        0 => "0".to_owned(),
        1..1000 => format!("{ms} ms"),
        _ if ms.is_multiple_of(1000) => format!("{} s", ms / 1000),
        _ => format!("{:.1} s", f64::from(ms) / 1000.0),
    }
}

/// The next of 20, 40, 100, 200, 400, 1000, …: its half is round, too.
fn round_up(ms: u32) -> u32 {
    let mut unit: u32 = 10;
    loop {
        for step in [2, 4, 6, 10] {
            let round = unit.saturating_mul(step);
            if round >= ms {
                return round;
            }
        }
        unit = unit.saturating_mul(10);
    }
}

/// The times at the lower edge.
pub(in crate::render) fn hours(from: Timestamp, marks: &Marks) -> Vec<(Timestamp, String)> {
    let zone = marks.zone.clone().unwrap_or(TimeZone::UTC);
    let from = from.0;
    let fits = |step: &&i64| (marks.until.0 - from) / (**step * 60_000) <= TIMES;
    let step = STEPS.iter().find(fits).copied().unwrap_or(360);
    let mut found = Vec::new();
    // Zones differ by quarters of an hour.
    let quarter = 15 * 60 * 1000;
    let mut at = from.div_euclid(quarter) * quarter + quarter;
    while at <= marks.until.0 {
        if let Ok(instant) = jiff::Timestamp::from_millisecond(at) {
            let local = instant.to_zoned(zone.clone());
            let minutes = i64::from(local.hour()) * 60 + i64::from(local.minute());
            if minutes % step == 0 {
                found.push((Timestamp(at), local.strftime("%H:%M").to_string()));
            }
        }
        at += quarter;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_are_round() {
        for (ms, round) in [
            (0, 20),
            (20, 20),
            (21, 40),
            (390, 400),
            (401, 600),
            (601, 1000),
            (5_100, 6_000),
        ] {
            assert_eq!(round_up(ms), round, "{ms}");
        }
        assert_eq!(round_up(u32::MAX), u32::MAX);
        for (ms, text) in [
            (0, "0"),
            (20, "20 ms"),
            (300, "300 ms"),
            (1000, "1 s"),
            (1500, "1.5 s"),
        ] {
            assert_eq!(figure(ms), text);
        }
    }

    #[test]
    fn hours_are_those_of_the_zone() {
        let until = Timestamp(1_795_327_200_000); // 06:00 UTC
        let told = |minutes: i64, zone| {
            let marks = Marks {
                until,
                zone: Some(zone),
                ..Marks::default()
            };
            let from = Timestamp(until.0 - minutes * 60_000);
            let texts = hours(from, &marks).into_iter().map(|(_, text)| text);
            texts.collect::<Vec<_>>()
        };
        let day = 24 * 60;
        assert_eq!(
            told(day, TimeZone::UTC),
            ["12:00", "18:00", "00:00", "06:00"]
        );
        let kathmandu = TimeZone::get("Asia/Kathmandu").unwrap();
        assert_eq!(told(day, kathmandu), ["12:00", "18:00", "00:00", "06:00"]);
        // A young site's picture shows less.
        assert_eq!(told(25, TimeZone::UTC), ["05:45", "06:00"]);
        assert_eq!(
            told(130, TimeZone::UTC),
            ["04:00", "04:30", "05:00", "05:30", "06:00"]
        );
        assert_eq!(
            told(10 * 60, TimeZone::UTC),
            ["21:00", "00:00", "03:00", "06:00"]
        );
    }
}
