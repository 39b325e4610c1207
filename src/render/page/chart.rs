//! Response times of the last day as a drawing: a line through the means of quarters of an hour, what failed as ticks at the lower
//! edge, outages hatched, restarts as triangles. Small in a list, without figures; large on a site's own page, with the
//! hours and the times at its edges. What it shows is said in words beside it, and is the drawing's name.

use std::time::Duration;

use minijinja::context;

use super::Scene;
use super::markup::{say, word};
use crate::model::{Course, HostName, ProfileName, Slot, Timestamp};
use crate::render::history::PastView;
use crate::render::picture::scale::{Scale, hours};
use crate::render::picture::{Marks, begins, sum};
use crate::render::text::escape;
use crate::render::words::{Voice, key};

/// Slots that one point of the line stands for.
const JOINED: u32 = 3;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Width and height of a drawing, and where its curve is.
struct Frame {
    size: (f32, f32),
    plot: (f32, f32, f32, f32),
    large: bool,
}

const SMALL: Frame = Frame {
    size: (600.0, 56.0),
    plot: (0.0, 10.0, 600.0, 50.0),
    large: false,
};

const LARGE: Frame = Frame {
    size: (640.0, 220.0),
    plot: (84.0, 24.0, 626.0, 180.0),
    large: true,
};

/// What a drawing tells of.
pub(super) struct Day {
    course: Course,
    marks: Marks,
    outages: Vec<(Timestamp, Timestamp, bool)>,
    host: Option<HostName>,
}

impl Day {
    /// The last day of a profile.
    pub(super) fn of(
        scene: &Scene<'_>,
        voice: &Voice,
        name: &ProfileName,
        past: &PastView,
    ) -> Self {
        let now = scene.now();
        let mut course = scene.kept.courses.get(name).cloned().unwrap_or_default();
        if let Some(track) = scene.fleet.profiles.get(name) {
            course.add(track.slot);
        }
        let profile = scene.settings.profiles.get(name);
        let host = profile.and_then(|profile| profile.host.clone());
        let from = now - DAY;
        let outages = past.outages.iter().filter(|outage| outage.profile == *name);
        let outages = outages.filter(|outage| outage.until.is_none_or(|until| until > from));
        let outages = outages.map(|outage| {
            let until = outage.until.unwrap_or(now);
            (outage.since.max(from), until, outage.until.is_none())
        });
        let restarts = past.restarts.iter().filter(|restart| {
            Some(&restart.host) == host.as_ref()
                && restart.took_place()
                && restart.past.began > from
        });
        Self {
            outages: outages.collect(),
            marks: Marks {
                until: now,
                incident: None,
                restarts: restarts.map(|restart| restart.past.began).collect(),
                slow_ms: profile
                    .and_then(|profile| profile.slow)
                    .map(|slow| u32::try_from(slow.as_millis()).unwrap_or(u32::MAX)),
                zone: Some(voice.zone().clone()),
            },
            course,
            host,
        }
    }

    /// The small drawing with its words.
    pub(super) fn small(&self, voice: &Voice) -> String {
        self.drawn(voice, &SMALL)
    }

    /// The large one, with what is marked in it.
    pub(super) fn large(&self, voice: &Voice) -> String {
        let mut out = self.drawn(voice, &LARGE);
        let now = self.marks.until;
        let moment = |at| voice.moment(at, now);
        let mut marked = Vec::new();
        for (from, until, is_open) in &self.outages {
            let from = moment(*from);
            let until = match is_open {
                true => voice.word(key!(Status, "chart.now")),
                false => moment(*until),
            };
            marked.push(say(
                voice,
                key!(Status, "chart.outage"),
                context! { from, until },
            ));
        }
        for at in &self.marks.restarts {
            let host = self.host.as_ref().map_or("", |host| host.as_str());
            let at = moment(*at);
            marked.push(say(
                voice,
                key!(Status, "chart.restart"),
                context! { host, at },
            ));
        }
        if let Some(slow) = self.marks.slow_ms {
            let took = voice.span(Duration::from_millis(slow.into()));
            marked.push(say(voice, key!(Status, "chart.slow"), context! { took }));
        }
        if self.course.slots().is_empty() {
            return out;
        }
        let legend = word(voice, key!(Status, "chart.legend"));
        out.push_str(&format!("<p class=\"soft\">{legend}</p>\n"));
        if !marked.is_empty() {
            let items: String = marked
                .iter()
                .map(|mark| format!("<li>{mark}</li>\n"))
                .collect();
            out.push_str(&format!("<ul class=\"plain\">\n{items}</ul>\n"));
        }
        out
    }

    fn drawn(&self, voice: &Voice, frame: &Frame) -> String {
        let Some(scale) = Scale::of(&self.course, &self.marks, frame.plot) else {
            let none = say(voice, key!(Status, "times.none"), context! {});
            return format!("<p class=\"soft\">{none}</p>\n");
        };
        let said = escape(&self.sentence(voice));
        let (width, height) = frame.size;
        let (stretch, class) = match frame.large {
            true => ("", "chart"),
            false => (" preserveAspectRatio=\"none\"", "spark"),
        };
        let mut out = format!(
            "<svg class=\"{class}\" viewBox=\"0 0 {width} {height}\"{stretch} role=\"img\" aria-label=\"{said}\">"
        );
        self.ground(&mut out, &scale, frame);
        self.curve(&mut out, &scale);
        self.failures(&mut out, &scale, frame);
        self.restarts(&mut out, &scale, frame);
        out.push_str("</svg>\n");
        out.push_str(&format!("<p class=\"under\">{said}</p>\n"));
        out
    }

    /// Outages, and on the large one the lines and figures at the edges.
    fn ground(&self, out: &mut String, scale: &Scale, frame: &Frame) {
        let (left, top, right, bottom) = frame.plot;
        if !self.outages.is_empty() {
            let id = if frame.large { "hatch" } else { "hatch-small" };
            // Several drawings of one page may have it: all are alike.
            out.push_str(&format!(
                "<defs><pattern id=\"{id}\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\">\
                 <path class=\"hatch\" d=\"M0 6L6 0\"/></pattern></defs>"
            ));
            for (from, until, _) in &self.outages {
                let (begins, ends) = (scale.x(*from), scale.x(*until));
                out.push_str(&format!(
                    "<rect class=\"outage\" fill=\"url(#{id})\" x=\"{begins:.0}\" y=\"{top}\" width=\"{:.0}\" height=\"{}\"/>",
                    (ends - begins).max(2.0),
                    bottom - top
                ));
            }
        }
        if !frame.large {
            return;
        }
        for (ms, figure) in scale.steps() {
            let y = scale.y(ms);
            out.push_str(&format!(
                "<path class=\"grid\" d=\"M{left} {y:.0}H{right}\"/><text x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"end\">{}</text>",
                left - 8.0,
                y + 4.0,
                escape(&figure)
            ));
        }
        for (at, figure) in hours(scale.from, &self.marks) {
            let x = scale.x(at);
            out.push_str(&format!(
                "<path class=\"grid\" d=\"M{x:.0} {bottom}v5\"/><text x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"middle\">{}</text>",
                x.min(right - 12.0),
                bottom + 26.0,
                escape(&figure)
            ));
        }
        if let Some(slow) = self.marks.slow_ms {
            let y = scale.y(slow);
            out.push_str(&format!(
                "<path class=\"slow\" d=\"M{left} {y:.0}H{right}\"/>"
            ));
        }
    }

    fn curve(&self, out: &mut String, scale: &Scale) {
        let mut path = String::new();
        let mut last: Option<u32> = None;
        for slot in joined(scale.shown(&self.course)) {
            let Some(mean) = slot.mean_ms() else {
                continue;
            };
            let middle = Timestamp(slot.begins().0 + i64::from(JOINED) * crate::model::SLOT_MS / 2);
            let near = last.is_some_and(|last| slot.number - last <= Scale::PATIENCE + JOINED);
            let step = if near { 'L' } else { 'M' };
            path.push_str(&format!(
                "{step}{:.0} {:.0}",
                scale.x(middle),
                scale.y(mean)
            ));
            if !near {
                // A point alone is seen, too.
                path.push_str("h1");
            }
            last = Some(slot.number);
        }
        if !path.is_empty() {
            out.push_str(&format!("<path class=\"mean\" d=\"{path}\"/>"));
        }
    }

    fn failures(&self, out: &mut String, scale: &Scale, frame: &Frame) {
        let (_, _, _, bottom) = frame.plot;
        let mut path = String::new();
        for slot in joined(scale.shown(&self.course)).filter(|slot| slot.failed > 0) {
            let x = scale.x(slot.begins());
            path.push_str(&format!("M{x:.0} {bottom}h6"));
        }
        if !path.is_empty() {
            out.push_str(&format!("<path class=\"failed\" d=\"{path}\"/>"));
        }
    }

    fn restarts(&self, out: &mut String, scale: &Scale, frame: &Frame) {
        let (_, top, _, bottom) = frame.plot;
        for at in &self.marks.restarts {
            let x = scale.x(*at);
            out.push_str(&format!(
                "<path class=\"restart\" d=\"M{x:.0} {bottom}V{top}l-6 -9h12l-6 9\"/>"
            ));
        }
    }

    fn sentence(&self, voice: &Voice) -> String {
        let until = self.marks.until;
        let sum = sum(&self.course, until);
        let span = until.since(begins(&self.course, until));
        let span = (span < DAY).then(|| voice.span(Duration::from_secs(span.as_secs())));
        let took = |ms: u64| voice.span(Duration::from_millis(ms));
        let well = sum.probes - sum.failed;
        // Never rounded up to all.
        let share = well.saturating_mul(10_000).checked_div(sum.probes);
        let share = share.and_then(|share| u32::try_from(share).ok());
        voice.say(
            key!(Picture, "sum"),
            context! {
                span,
                share => super::uptime::figure(share),
                probes => sum.probes,
                took => sum.mean_ms.map_or_else(String::new, took),
                most => took(sum.longest_ms.into()),
            },
        )
    }
}

/// Slots of [`JOINED`] times five minutes.
fn joined<'a>(slots: impl Iterator<Item = &'a Slot>) -> impl Iterator<Item = Slot> {
    let mut joined: Vec<Slot> = Vec::new();
    for slot in slots {
        let number = slot.number / JOINED * JOINED;
        match joined.last_mut().filter(|last| last.number == number) {
            Some(last) => last.merge(*slot),
            None => joined.push(Slot { number, ..*slot }),
        }
    }
    joined.into_iter()
}
