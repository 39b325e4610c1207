//! The last day of a site as a PNG: response times above, how many probes were well below, the incident shaded, restarts
//! and the `slow` threshold marked. Of a site that is watched for less than a day it shows only that time.
//!
//! It has no ground of its own, and colours that can be told on white as on the dark ground of a mail: a light picture
//! would be a white block there. It holds figures and no words ([`glyphs`]); what they mean stands beside it in the mail,
//! in the reader's language. Figures are large: a phone shows the picture at a third of its size. The same day gives the
//! same bytes: nothing depends on the machine.

mod glyphs;
pub(in crate::render) mod scale;

use std::time::Duration;

use tiny_skia::{
    Color, FillRule, LineCap, LineJoin, Paint, PathBuilder, Pixmap, Rect, Stroke, StrokeDash,
    Transform,
};

use crate::model::{Course, SLOT_MS, Slot, Timestamp};
use scale::{Scale, hours};

/// Pixels of the picture; shown at half of them, or less.
const SIZE: (u32, u32) = (1200, 560);

/// Where response times are drawn: left, top, right, bottom.
const PLOT: (f32, f32, f32, f32) = (156.0, 44.0, 1164.0, 400.0);

/// The band of availability.
const BAND: (f32, f32) = (424.0, 462.0);

/// A day is one although its first hour is missing.
const HOUR: Duration = Duration::from_secs(3600);

/// Height of a figure: ten pixels on a phone.
const FIGURE: f32 = 28.0;

/// Red, green, blue, and how much of the ground is covered.
type Ink = (u8, u8, u8, u8);

const GRID: Ink = (127, 137, 149, 90);
const INK: Ink = (119, 129, 141, 255);
const MEAN: Ink = (36, 116, 216, 255);
const LONGEST: Ink = (36, 116, 216, 89);
const WELL: Ink = (46, 150, 84, 255);
const FAILED: Ink = (214, 56, 60, 255);
const INCIDENT: Ink = (214, 56, 60, 56);
const RESTART: Ink = (146, 92, 204, 255);
const SLOW: Ink = (186, 112, 16, 255);

/// The colours as words beside the picture name them, on a light and on a dark ground.
pub mod hex {
    /// The mean of five minutes.
    pub const MEAN: [&str; 2] = ["#2474d8", "#2474d8"];
    /// The longest of five minutes.
    pub const LONGEST: [&str; 2] = ["#b3cef1", "#214067"];
    /// Probes that were well.
    pub const WELL: [&str; 2] = ["#2e9654", "#2e9654"];
    /// Probes that failed.
    pub const FAILED: [&str; 2] = ["#d6383c", "#d6383c"];
    /// The incident.
    pub const INCIDENT: [&str; 2] = ["#f6d3d4", "#47282e"];
    /// A restart.
    pub const RESTART: [&str; 2] = ["#925ccc", "#925ccc"];
    /// The threshold.
    pub const SLOW: [&str; 2] = ["#ba7010", "#ba7010"];
}

/// What is drawn beside the day itself.
#[derive(Debug, Clone, Default)]
pub struct Marks {
    /// The last instant shown.
    pub until: Timestamp,
    /// The incident.
    pub incident: Option<(Timestamp, Timestamp)>,
    /// Restarts.
    pub restarts: Vec<Timestamp>,
    /// From here on it is slow, in milliseconds.
    pub slow_ms: Option<u32>,
    /// The zone of the hours below.
    pub zone: Option<jiff::tz::TimeZone>,
}

/// The picture; `None` where there is nothing to show.
#[must_use]
pub fn png(course: &Course, marks: &Marks) -> Option<Vec<u8>> {
    let scale = Scale::of(course, marks, PLOT)?;
    let map = Pixmap::new(SIZE.0, SIZE.1)?;
    let mut sheet = Sheet { map, scale };
    sheet.incident(marks);
    sheet.grid(marks);
    sheet.times(course);
    sheet.threshold(marks);
    sheet.band(course);
    sheet.restarts(marks);
    sheet.map.encode_png().ok()
}

fn paint((red, green, blue, cover): Ink) -> Paint<'static> {
    let mut paint = Paint::default();
    paint.set_color(Color::from_rgba8(red, green, blue, cover));
    paint.anti_alias = true;
    paint
}

fn line(width: f32) -> Stroke {
    Stroke {
        width,
        line_cap: LineCap::Round,
        line_join: LineJoin::Round,
        ..Stroke::default()
    }
}

struct Sheet {
    map: Pixmap,
    scale: Scale,
}

impl Sheet {
    fn bar(&mut self, left: f32, top: f32, right: f32, bottom: f32, ink: Ink) {
        // A sliver would vanish on a phone.
        let right = right.max(left + 3.0);
        if let Some(rect) = Rect::from_ltrb(left, top, right, bottom) {
            self.map
                .fill_rect(rect, &paint(ink), Transform::identity(), None);
        }
    }

    fn path(&mut self, points: &[(f32, f32)], ink: Ink, stroke: &Stroke) {
        let mut path = PathBuilder::new();
        for (place, (x, y)) in points.iter().enumerate() {
            if place == 0 {
                path.move_to(*x, *y);
            } else {
                path.line_to(*x, *y);
            }
        }
        if let Some(path) = path.finish() {
            self.map
                .stroke_path(&path, &paint(ink), stroke, Transform::identity(), None);
        }
    }

    fn incident(&mut self, marks: &Marks) {
        if let Some((since, until)) = marks.incident {
            let (left, right) = (self.scale.x(since), self.scale.x(until));
            // One of a few minutes is seen, too.
            let left = left.min(right - 8.0);
            self.bar(left, PLOT.1, right, PLOT.3, INCIDENT);
        }
    }

    fn grid(&mut self, marks: &Marks) {
        for (ms, text) in self.scale.steps() {
            let y = self.scale.y(ms);
            self.path(&[(PLOT.0, y), (PLOT.2, y)], GRID, &line(2.0));
            let left = PLOT.0 - 16.0 - glyphs::width(&text, FIGURE);
            glyphs::write(
                &mut self.map,
                &text,
                (left, y - FIGURE / 2.0),
                FIGURE,
                &paint(INK),
            );
        }
        for (at, text) in hours(self.scale.from, marks) {
            let x = self.scale.x(at);
            self.path(&[(x, BAND.1), (x, BAND.1 + 12.0)], INK, &line(3.0));
            let wide = glyphs::width(&text, FIGURE);
            let left = (x - wide / 2.0).clamp(8.0, PLOT.2 + 24.0 - wide);
            glyphs::write(
                &mut self.map,
                &text,
                (left, BAND.1 + 28.0),
                FIGURE,
                &paint(INK),
            );
        }
    }

    /// Response times: the longest of each five minutes as a shade, the mean as a line that breaks where none was well.
    fn times(&mut self, course: &Course) {
        let mut run: Vec<(f32, f32)> = Vec::new();
        let mut last: Option<Slot> = None;
        let slots: Vec<Slot> = self.scale.shown(course).copied().collect();
        for slot in &slots {
            let (left, right) = self.scale.span(slot);
            if slot.well > 0 {
                let top = self.scale.y(slot.longest_ms);
                self.bar(left, top, right, PLOT.3, LONGEST);
            }
        }
        for slot in slots {
            let (left, right) = self.scale.span(&slot);
            let apart = last.is_some_and(|last| slot.number - last.number > Scale::PATIENCE);
            if apart || slot.well == 0 {
                self.flush(&mut run);
            }
            if let Some(mean) = slot.mean_ms() {
                run.push(((left + right) / 2.0, self.scale.y(mean)));
            }
            last = Some(slot);
        }
        self.flush(&mut run);
    }

    fn flush(&mut self, run: &mut Vec<(f32, f32)>) {
        if let [(x, y)] = run.as_slice() {
            let (x, y) = (*x, *y);
            run.push((x + 0.1, y));
        }
        self.path(run, MEAN, &line(5.0));
        run.clear();
    }

    fn threshold(&mut self, marks: &Marks) {
        if let Some(slow) = marks.slow_ms {
            let y = self.scale.y(slow);
            let mut stroke = line(4.0);
            stroke.dash = StrokeDash::new(vec![18.0, 14.0], 0.0);
            self.path(&[(PLOT.0, y), (PLOT.2, y)], SLOW, &stroke);
        }
    }

    /// Green as far up as probes were well, red for the rest.
    fn band(&mut self, course: &Course) {
        let slots: Vec<Slot> = self.scale.shown(course).copied().collect();
        for slot in slots {
            let (left, right) = self.scale.span(&slot);
            let all = f32::from(slot.well) + f32::from(slot.failed);
            let share = f32::from(slot.failed) / all.max(1.0);
            let edge = BAND.0 + (BAND.1 - BAND.0) * share;
            if slot.failed > 0 {
                self.bar(left, BAND.0, right, edge, FAILED);
            }
            if slot.well > 0 {
                self.bar(left, edge, right, BAND.1, WELL);
            }
        }
    }

    /// A line through the response times with a triangle on it; the band below stays free.
    fn restarts(&mut self, marks: &Marks) {
        for at in &marks.restarts {
            if *at < self.scale.from || *at > marks.until {
                continue;
            }
            let x = self.scale.x(*at);
            self.path(&[(x, PLOT.1), (x, PLOT.3)], RESTART, &line(3.0));
            let mut path = PathBuilder::new();
            path.move_to(x - 15.0, PLOT.1 - 30.0);
            path.line_to(x + 15.0, PLOT.1 - 30.0);
            path.line_to(x, PLOT.1);
            path.close();
            if let Some(path) = path.finish() {
                self.map.fill_path(
                    &path,
                    &paint(RESTART),
                    FillRule::Winding,
                    Transform::identity(),
                    None,
                );
            }
        }
    }
}

/// What the day comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sum {
    /// Probes.
    pub probes: u64,
    /// Those that failed.
    pub failed: u64,
    /// The mean response time of the others, in milliseconds.
    pub mean_ms: Option<u64>,
    /// The longest.
    pub longest_ms: u32,
}

/// Adds the slots of the day before `until` up.
#[must_use]
pub fn sum(course: &Course, until: Timestamp) -> Sum {
    let mut sum = Sum::default();
    let (mut well, mut took) = (0, 0);
    for slot in day(course, until) {
        well += u64::from(slot.well);
        took += u64::from(slot.sum_ms);
        sum.failed += u64::from(slot.failed);
        sum.longest_ms = sum.longest_ms.max(slot.longest_ms);
    }
    sum.probes = well + sum.failed;
    sum.mean_ms = took.checked_div(well);
    sum
}

/// When that day begins: with the first probe, where it is not a day ago.
#[must_use]
pub fn begins(course: &Course, until: Timestamp) -> Timestamp {
    let whole = Timestamp(until.0 - scale::DAY_MS);
    let first = day(course, until).next().map_or(whole, Slot::begins);
    // A run that began an hour later than yesterday is a day old.
    match first.since(whole) < HOUR {
        true => whole,
        false => first,
    }
}

/// The slots of the day before an instant.
fn day(course: &Course, until: Timestamp) -> impl Iterator<Item = &Slot> {
    let slots = course.slots().iter();
    slots.filter(move |slot| {
        let ends = slot.begins().0 + SLOT_MS;
        ends > until.0 - scale::DAY_MS && slot.begins() <= until
    })
}
