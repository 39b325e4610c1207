//! What the incidents of a digest have come to, and how many of each, for its subject.

use std::collections::BTreeSet;

use minijinja::context;

use crate::model::{EventKind, IncidentId, Notification};
use crate::render::words::{Key, Voice, key};

/// What an incident has come to, the worst first.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Needs,
    Down,
    Up,
    Closed,
    Other,
}

impl State {
    const ALL: [(Self, Key); 5] = [
        (Self::Needs, key!(Page, "digest.needs")),
        (Self::Down, key!(Page, "digest.down")),
        (Self::Up, key!(Page, "digest.up")),
        (Self::Closed, key!(Page, "digest.closed")),
        (Self::Other, key!(Page, "digest.other")),
    ];

    const fn of(event: EventKind) -> Self {
        match event {
            EventKind::GaveUp | EventKind::Proposed | EventKind::Unjudged => Self::Needs,
            EventKind::Down
            | EventKind::Restarted
            | EventKind::Withheld
            | EventKind::Reminder
            | EventKind::Flapping => Self::Down,
            EventKind::Up | EventKind::Back => Self::Up,
            EventKind::Closed => Self::Closed,
            EventKind::Blind
            | EventKind::Damaged
            | EventKind::Certificate
            | EventKind::Digest
            | EventKind::Report
            | EventKind::Test => Self::Other,
        }
    }
}

/// The last message of each incident, and each that belongs to none, in their order.
pub(super) fn latest(note: &Notification) -> Vec<&Notification> {
    let mut told: BTreeSet<&IncidentId> = BTreeSet::new();
    let mut latest: Vec<&Notification> = note
        .items
        .iter()
        .rev()
        .filter(|item| match &item.incident {
            Some(incident) => told.insert(incident),
            None => true,
        })
        .collect();
    latest.reverse();
    latest
}

/// How many of what, for the subject.
pub(super) fn summary(voice: &Voice, note: &Notification) -> Option<String> {
    if note.items.is_empty() {
        return None;
    }
    let latest = latest(note);
    let counts = State::ALL.into_iter().filter_map(|(state, piece)| {
        let n = latest
            .iter()
            .filter(|item| State::of(item.event) == state)
            .count();
        (n > 0).then(|| voice.say(piece, context! { n }))
    });
    counts.reduce(|these, this| voice.say(key!(Page, "digest.and"), context! { these, this }))
}
