//! The picture of a mail and the words beside it: how the site did in the day before.
//!
//! All that the picture shows is said in words, too, above it and in its place where a reader shows no pictures. The words
//! stand in the mail and not in the picture, so they are in the reader's language and size.

use crate::model::{Course, Entry, Notification, fnv1a};
use crate::render::duration::span;
use crate::render::picture::{self, Marks, Sum};

/// A day needs so many five minutes with probes in them to be worth a picture.
const LEAST: usize = 3;

/// A picture with its words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figure {
    /// Its `Content-ID`, without brackets.
    pub id: String,
    /// The picture.
    pub png: Vec<u8>,
    /// What it comes to, in a sentence.
    pub sum: String,
    /// Colours and what they mean, as `#rrggbb` and words.
    pub legend: Vec<(&'static str, String)>,
}

/// The picture of an entry; `None` where it has none, or nothing to show.
pub(super) fn of(entry: &Entry, course: &Course, message_id: &str) -> Option<Figure> {
    if !entry.has_picture() || course.slots().len() < LEAST {
        return None;
    }
    let note = &entry.notification;
    let marks = marks(note);
    let png = picture::png(course, &marks)?;
    Some(Figure {
        id: format!(
            "picture.{:016x}@probe.invalid",
            fnv1a([message_id.as_bytes()])
        ),
        png,
        sum: sentence(picture::sum(course, note.at)),
        legend: legend(note, &marks),
    })
}

fn marks(note: &Notification) -> Marks {
    Marks {
        until: note.at,
        incident: note
            .since
            .map(|since| (since, note.until.unwrap_or(note.at))),
        restarts: note.attempts.iter().map(|attempt| attempt.began).collect(),
        slow_ms: note
            .slow
            .map(|slow| u32::try_from(slow.as_millis()).unwrap_or(u32::MAX)),
        zone: None,
    }
}

/// The day in words.
fn sentence(sum: Sum) -> String {
    let share = share(sum);
    let took = sum.mean_ms.map_or_else(String::new, |mean| {
        format!(
            "; response time {} on average, {} at most",
            took(mean),
            took(sum.longest_ms.into())
        )
    });
    format!(
        "The last 24 hours: {share} of {} probes were well{took}.",
        sum.probes
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

/// `490ms`, `1.3s`.
fn took(ms: u64) -> String {
    match ms {
        0..1000 => format!("{ms}ms"),
        _ => format!("{}.{}s", ms / 1000, ms % 1000 / 100),
    }
}

fn legend(note: &Notification, marks: &Marks) -> Vec<(&'static str, String)> {
    let mut legend = vec![
        (picture::hex::MEAN, "mean response time".to_owned()),
        (picture::hex::LONGEST, "longest of five minutes".to_owned()),
        (picture::hex::WELL, "probes that were well".to_owned()),
        (picture::hex::FAILED, "probes that failed".to_owned()),
    ];
    if marks.incident.is_some() {
        legend.push((picture::hex::INCIDENT, "this incident".to_owned()));
    }
    if !marks.restarts.is_empty() {
        legend.push((picture::hex::RESTART, "restart".to_owned()));
    }
    if let Some(slow) = note.slow {
        legend.push((picture::hex::SLOW, format!("slow from {} on", span(slow))));
    }
    legend
}
