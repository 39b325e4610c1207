//! The pieces of the catalogue that the mail of an event is made of.

use crate::model::{EventKind, Notification};
use crate::render::words::{Key, key};

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
        EventKind::Proposed => pieces!(Proposed),
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
