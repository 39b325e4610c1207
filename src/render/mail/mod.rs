//! A notification as a mail: subject, ids, headers, text and HTML, all of it a pure function of the outbox entry, so
//! that a retry after an unclear answer repeats the same bytes.
//!
//! - One incident is one thread. The id of its first message is derived from the incident and the recipient; every
//!   later message names it in `In-Reply-To` and `References`, whether or not the first one ever arrived.
//! - The first screen answers what is down and since when, what it means and what happens next, and what the reader can
//!   do, with the commands to copy. Below it: which sites, what was seen, what was done or refused and why, what the host
//!   says of itself, the output of the command, the timeline.
//! - The words come from [`crate::render::words`], in the language and by the clock of the configuration; what people
//!   wrote in place of ours can be wrong, and then [`Letter::complaints`] says so.
//! - Text and HTML are written from the same page, so that they cannot contradict each other.
//! - What comes from outside (page titles, command output, relay answers) is cleaned of control characters, capped,
//!   and escaped in HTML. No header carries more than one line.
//!
//! Times of another day than the mail's carry their date.

mod about;
mod advice;
mod brief;
pub mod clean;
mod deeds;
mod digest;
mod ending;
mod figure;
mod html;
mod next;
mod page;
mod pieces;
mod story;
mod subject;
mod summary;
mod text;
mod thread;
mod timeline;
mod values;
mod week;

pub use brief::{Brief, brief};
pub use deeds::outcome;
pub use next::sentence as next;
pub use page::Tone;
pub use story::{sighting, sightings as seen};
pub use subject::{subject, worded};

pub use figure::Figure;

use crate::model::{Course, Entry, Timestamp, Wording};

use super::words::Voice;

/// Longest address line that is handed on; RFC 5321 allows 254 characters of address.
const ADDRESS: usize = 500;

/// A mail, ready to be put into bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// One line, not yet encoded.
    pub subject: String,
    /// `<…@…>`.
    pub message_id: String,
    /// The first message of the incident, where this is a later one.
    pub in_reply_to: Option<String>,
    /// The messages before it that it belongs to.
    pub references: Vec<String>,
    /// `Date`: when it was decided.
    pub date: Timestamp,
    /// `Name <local@domain>`.
    pub from: String,
    /// The one recipient.
    pub to: String,
    /// Further headers, name and one line of ASCII each.
    pub headers: Vec<(String, String)>,
    /// `text/plain`, lines ended by `\n`.
    pub text: String,
    /// `text/html`.
    pub html: String,
    /// The picture that the HTML shows.
    pub figure: Option<Figure>,
    /// What of people's own words could not be used.
    pub complaints: Vec<String>,
}

/// The mail of an outbox entry; the same entry and wording give the same letter, whatever its `tries`, `due` and `last`.
#[must_use]
pub fn compose(entry: &Entry, wording: &Wording) -> Letter {
    illustrated(entry, wording, None)
}

/// The same with a picture of how the site did.
#[must_use]
pub fn illustrated(entry: &Entry, wording: &Wording, course: Option<&Course>) -> Letter {
    let note = &entry.notification;
    let voice = Voice::of(wording);
    let values = values::values(&voice, note);
    let page = story::page(&voice, note, &values);
    let subject = subject::said(&voice, note, values);
    let ids = thread::ids(entry);
    let mut headers = vec![
        ("Auto-Submitted".to_owned(), "auto-generated".to_owned()),
        ("X-Probe-Event".to_owned(), note.event.word().to_owned()),
    ];
    if let Some(incident) = &note.incident {
        headers.push((
            "X-Probe-Incident".to_owned(),
            // No reader takes it for an encoded word.
            clean::ascii(incident.as_str(), 200).replace('=', "-"),
        ));
    }
    if let Some(host) = &note.host {
        headers.push(("X-Probe-Host".to_owned(), host.as_str().to_owned()));
    }
    let figure = course.and_then(|course| figure::of(&voice, entry, course, &ids.own));
    Letter {
        message_id: ids.own,
        references: ids.first.iter().cloned().collect(),
        in_reply_to: ids.first,
        date: note.at,
        from: clean::line(&entry.from, ADDRESS),
        to: clean::line(&entry.to, ADDRESS),
        headers,
        text: text::write(&page),
        html: html::write(&subject, &page, figure.as_ref()),
        subject,
        figure,
        complaints: voice.complaints(),
    }
}
