//! How states are shown: a word, a sign and a class for the style sheet.

use crate::model::ProfileState;
use crate::render::words::{Key, Voice, key};

use super::markup::word;

/// The states, worst first.
pub(super) const STATES: [ProfileState; 5] = [
    ProfileState::Down,
    ProfileState::Failing,
    ProfileState::Unknown,
    ProfileState::Degraded,
    ProfileState::Up,
];

/// Its place from the worst to the best.
pub(super) fn rank(state: ProfileState) -> usize {
    let place = STATES.iter().position(|known| *known == state);
    place.unwrap_or(STATES.len() - 1)
}

/// The word.
pub(super) const fn key_of(state: ProfileState) -> Key {
    match state {
        ProfileState::Up => key!(Status, "up"),
        ProfileState::Degraded => key!(Status, "degraded"),
        ProfileState::Failing => key!(Status, "failing"),
        ProfileState::Down => key!(Status, "down"),
        ProfileState::Unknown => key!(Status, "unknown"),
    }
}

/// How many are in it.
pub(super) const fn sum_of(state: ProfileState) -> Key {
    match state {
        ProfileState::Up => key!(Status, "sum.up"),
        ProfileState::Degraded => key!(Status, "sum.degraded"),
        ProfileState::Failing => key!(Status, "sum.failing"),
        ProfileState::Down => key!(Status, "sum.down"),
        ProfileState::Unknown => key!(Status, "sum.unknown"),
    }
}

/// The sign: readable without colour.
pub(super) const fn sign(state: ProfileState) -> &'static str {
    match state {
        ProfileState::Up => "✓",
        ProfileState::Degraded => "!",
        ProfileState::Failing => "▲",
        ProfileState::Down => "✕",
        ProfileState::Unknown => "?",
    }
}

/// Sign and word.
pub(super) fn pill(voice: &Voice, state: ProfileState) -> String {
    format!(
        "<span class=\"pill {}\"><span aria-hidden=\"true\">{}</span> {}</span>",
        state.word(),
        sign(state),
        word(voice, key_of(state))
    )
}
