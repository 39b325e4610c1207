//! The picture of a mail and the words beside it: how the site did in the day before, or since it is watched.
//!
//! All that the picture shows is said in words, too, above it and in its place where a reader shows no pictures. The words
//! stand in the mail and not in the picture, so they are in the reader's language and size.

use std::time::Duration;

use crate::model::{Course, Entry, Notification, Timestamp, fnv1a};
use crate::render::picture::{self, Marks, Sum};
use crate::render::words::{Voice, key};

use minijinja::context;

/// So many five minutes with probes in them are worth a picture.
const LEAST: usize = 3;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// A picture with its words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figure {
    /// Its `Content-ID`, without brackets.
    pub id: String,
    /// The picture.
    pub png: Vec<u8>,
    /// What it comes to, in a sentence.
    pub sum: String,
    /// Colours and what they mean, as `#rrggbb` on a light and on a dark ground, and words.
    pub legend: Vec<([&'static str; 2], String)>,
}

/// The picture of an entry; `None` where it has none, or nothing to show.
pub(super) fn of(
    voice: &Voice,
    entry: &Entry,
    course: &Course,
    message_id: &str,
) -> Option<Figure> {
    if !entry.has_picture() || course.slots().len() < LEAST {
        return None;
    }
    let note = &entry.notification;
    let marks = marks(voice, note);
    let png = picture::png(course, &marks)?;
    Some(Figure {
        id: format!(
            "picture.{:016x}@probe.invalid",
            fnv1a([message_id.as_bytes()])
        ),
        png,
        sum: sentence(voice, course, note.at),
        legend: legend(voice, note, &marks, picture::sum(course, note.at)),
    })
}

fn marks(voice: &Voice, note: &Notification) -> Marks {
    Marks {
        until: note.at,
        incident: note
            .since
            .map(|since| (since, note.until.unwrap_or(note.at))),
        restarts: {
            let done = note.attempts.iter().filter(|one| one.touched_host());
            done.map(|attempt| attempt.began).collect()
        },
        slow_ms: note
            .slow
            .map(|slow| u32::try_from(slow.as_millis()).unwrap_or(u32::MAX)),
        zone: Some(voice.zone().clone()),
    }
}

/// The day in words.
fn sentence(voice: &Voice, course: &Course, until: Timestamp) -> String {
    let sum = picture::sum(course, until);
    let span = until.since(picture::begins(course, until));
    let span = (span < DAY).then(|| voice.span(span));
    let mean = sum.mean_ms.map_or_else(String::new, took);
    let most = took(sum.longest_ms.into());
    let (share, probes) = (share(sum), sum.probes);
    voice.say(
        key!(Picture, "sum"),
        context! { span, share, probes, took => mean, most },
    )
}

/// `99.9 %`; never rounded up to all, nor down to none.
fn share(sum: Sum) -> String {
    let well = sum.probes - sum.failed;
    let thousandths = well * 1000 / sum.probes.max(1);
    let thousandths = if well > 0 { thousandths.max(1) } else { 0 };
    match (thousandths / 10, thousandths % 10) {
        (whole, 0) => format!("{whole} %"),
        (whole, part) => format!("{whole}.{part} %"),
    }
}

/// `490 ms`, `1.3 s`, as in the picture.
fn took(ms: u64) -> String {
    match ms {
        0..1000 => format!("{ms} ms"),
        _ => format!("{}.{} s", ms / 1000, ms % 1000 / 100),
    }
}

fn legend(
    voice: &Voice,
    note: &Notification,
    marks: &Marks,
    sum: Sum,
) -> Vec<([&'static str; 2], String)> {
    let say = |key| voice.say(key, context! {});
    let mut legend = Vec::new();
    if sum.mean_ms.is_some() {
        legend.push((picture::hex::MEAN, say(key!(Picture, "mean"))));
        legend.push((picture::hex::LONGEST, say(key!(Picture, "longest"))));
        legend.push((picture::hex::WELL, say(key!(Picture, "well"))));
    }
    if sum.failed > 0 {
        legend.push((picture::hex::FAILED, say(key!(Picture, "failed"))));
    }
    if marks.incident.is_some() {
        legend.push((picture::hex::INCIDENT, say(key!(Picture, "incident"))));
    }
    if !marks.restarts.is_empty() {
        legend.push((picture::hex::RESTART, say(key!(Picture, "restart"))));
    }
    if let Some(slow) = note.slow {
        let slow = voice.span(slow);
        let words = voice.say(key!(Picture, "slow"), context! { slow });
        legend.push((picture::hex::SLOW, words));
    }
    legend
}
