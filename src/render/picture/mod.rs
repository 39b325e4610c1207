//! The last day of a site as a PNG: response times above, how many probes were well below, the incident shaded, restarts
//! and the `slow` threshold marked.
//!
//! It is opaque and light with a margin of its own, so that it reads the same on a light and on a dark page. It holds
//! figures and no words ([`glyphs`]); what they mean stands beside it in the mail, in the reader's language. Figures are
//! large: a phone shows the picture at a third of its size. The same day gives the same bytes: nothing depends on the
//! machine.

mod glyphs;
mod scale;

use tiny_skia::{
    Color, FillRule, LineCap, LineJoin, Paint, PathBuilder, Pixmap, Rect, Stroke, StrokeDash,
    Transform,
};

use crate::model::{Course, SLOT_MS, Slot, Timestamp};
use scale::{Scale, hours};

/// Pixels of the picture; shown at half of them, or less.
const SIZE: (u32, u32) = (1200, 560);

/// Where response times are drawn: left, top, right, bottom.
const PLOT: (f32, f32, f32, f32) = (136.0, 44.0, 1164.0, 400.0);

/// The band of availability.
const BAND: (f32, f32) = (424.0, 462.0);

/// Height of a figure: ten pixels on a phone.
const FIGURE: f32 = 28.0;

const CARD: (u8, u8, u8) = (255, 255, 255);
const GRID: (u8, u8, u8) = (222, 227, 233);
const INK: (u8, u8, u8) = (74, 84, 96);
const MEAN: (u8, u8, u8) = (28, 94, 184);
const LONGEST: (u8, u8, u8) = (188, 212, 242);
const WELL: (u8, u8, u8) = (46, 150, 84);
const FAILED: (u8, u8, u8) = (205, 45, 50);
const INCIDENT: (u8, u8, u8) = (253, 226, 226);
const RESTART: (u8, u8, u8) = (106, 48, 168);
const SLOW: (u8, u8, u8) = (186, 104, 0);

/// The colours as words beside the picture name them.
pub mod hex {
    /// The mean of five minutes.
    pub const MEAN: &str = "#1c5eb8";
    /// The longest of five minutes.
    pub const LONGEST: &str = "#bcd4f2";
    /// Probes that were well.
    pub const WELL: &str = "#2e9654";
    /// Probes that failed.
    pub const FAILED: &str = "#cd2d32";
    /// The incident.
    pub const INCIDENT: &str = "#fde2e2";
    /// A restart.
    pub const RESTART: &str = "#6a30a8";
    /// The threshold.
    pub const SLOW: &str = "#ba6800";
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
    let mut map = Pixmap::new(SIZE.0, SIZE.1)?;
    map.fill(colour(CARD));
    let mut sheet = Sheet { map, scale };
    sheet.incident(marks);
    sheet.grid(marks);
    sheet.times(course);
    sheet.threshold(marks);
    sheet.band(course);
    sheet.restarts(marks);
    sheet.map.encode_png().ok()
}

fn colour((red, green, blue): (u8, u8, u8)) -> Color {
    Color::from_rgba8(red, green, blue, 255)
}

fn paint(rgb: (u8, u8, u8)) -> Paint<'static> {
    let mut paint = Paint::default();
    paint.set_color(colour(rgb));
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
    fn bar(&mut self, left: f32, top: f32, right: f32, bottom: f32, rgb: (u8, u8, u8)) {
        // A sliver would vanish on a phone.
        let right = right.max(left + 3.0);
        if let Some(rect) = Rect::from_ltrb(left, top, right, bottom) {
            self.map
                .fill_rect(rect, &paint(rgb), Transform::identity(), None);
        }
    }

    fn path(&mut self, points: &[(f32, f32)], rgb: (u8, u8, u8), stroke: &Stroke) {
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
                .stroke_path(&path, &paint(rgb), stroke, Transform::identity(), None);
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
        for (at, text) in hours(marks) {
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

/// The slots of the day before an instant.
fn day(course: &Course, until: Timestamp) -> impl Iterator<Item = &Slot> {
    let slots = course.slots().iter();
    slots.filter(move |slot| {
        let ends = slot.begins().0 + SLOT_MS;
        ends > until.0 - scale::DAY_MS && slot.begins() <= until
    })
}
