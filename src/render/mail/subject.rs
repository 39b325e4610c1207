//! The subject: the present in one line, the event first in brackets, the host last in parentheses.

use minijinja::Value;

use crate::model::{EventKind, Notification, Settings};
use crate::render::words::{Key, Voice, key};

use super::clean;
use super::values::values;

/// Characters of a subject; mail readers show fewer.
const LENGTH: usize = 120;

/// The subject of a notification: one line of at most 120 characters without control characters.
///
/// `[DOWN] shop: connection refused (web1)`
#[must_use]
pub fn subject(voice: &Voice, note: &Notification) -> String {
    said(voice, note, values(voice, note))
}

/// The subject as it is mailed under these settings.
#[must_use]
pub fn worded(settings: &Settings, note: &Notification) -> String {
    subject(&Voice::of(&settings.wording), note)
}

pub(super) fn said(voice: &Voice, note: &Notification, values: Value) -> String {
    clean::line(&voice.say(pieces(note).subject, values), LENGTH)
}

/// What a mail says of its own.
pub(super) struct Pieces {
    /// One line.
    pub(super) subject: Key,
    /// One line.
    pub(super) headline: Key,
    /// Paragraphs.
    pub(super) lead: Key,
    /// Paragraphs and commands.
    pub(super) advice: Key,
}

macro_rules! pieces {
    ($File:ident) => {
        Pieces {
            subject: key!($File, "subject"),
            headline: key!($File, "headline"),
            lead: key!($File, "lead"),
            advice: key!($File, "advice"),
        }
    };
}

/// The pieces of an event's mail.
pub(super) const fn pieces(note: &Notification) -> Pieces {
    match note.event {
        EventKind::Up | EventKind::Closed if note.judged => pieces!(Judged),
        EventKind::Down => pieces!(Down),
        EventKind::Restarted => pieces!(Restarted),
        EventKind::Up => pieces!(Up),
        EventKind::Withheld => pieces!(Withheld),
        EventKind::GaveUp => pieces!(GaveUp),
        EventKind::Back => pieces!(Back),
        EventKind::Reminder => pieces!(Reminder),
        EventKind::Closed => pieces!(Closed),
        EventKind::Blind => pieces!(Blind),
        EventKind::Unjudged => pieces!(Unjudged),
        EventKind::Damaged => pieces!(Damaged),
        EventKind::Certificate => pieces!(Certificate),
        EventKind::Flapping => pieces!(Flapping),
        EventKind::Digest => pieces!(Digest),
        EventKind::Report => pieces!(Report),
        EventKind::Test => pieces!(Test),
    }
}
