//! The subject: the present in one line, the event first in brackets, the host last in parentheses.

use minijinja::Value;

use crate::model::{Notification, Settings};
use crate::render::words::Voice;

use super::clean;
use super::pieces::pieces;
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
