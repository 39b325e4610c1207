//! What was said in a session with a relay, for people who look for a fault; a login's secret never stands in it.
//!
//! The lines are written from what is known of each step, not copied from the wire: an AUTH command is written without what it
//! carries. What a relay says may repeat the secret; from the moment the secret is known it is taken out of every line, in
//! each form in which it travels.

use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::prelude::{BASE64_STANDARD, Engine as _};

use crate::model::{Secret, limits};
use crate::render::mail::clean;

/// What stands in the secret's place.
const HIDDEN: &str = "****";

/// Lines of one session; an ordinary one has some twenty.
const LINES: usize = 100;

/// One line of a dialogue, harmless for a terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TapeLine {
    /// What we said, an AUTH without its secret.
    Ours(String),
    /// What the relay answered.
    Theirs(String),
    /// What happened beside the words: a connection, a handshake, silence.
    Happened(String),
}

/// The lines of a session, and what must not stand in them.
#[derive(Debug, Default)]
pub(super) struct Tape {
    lines: Mutex<Vec<TapeLine>>,
    hidden: Mutex<Vec<String>>,
}

impl Tape {
    /// We say.
    pub(super) fn ours(&self, words: &str) {
        self.push(TapeLine::Ours, words);
    }

    /// The relay says.
    pub(super) fn theirs(&self, words: &str) {
        self.push(TapeLine::Theirs, words);
    }

    /// Something happened.
    pub(super) fn happened(&self, words: &str) {
        self.push(TapeLine::Happened, words);
    }

    fn push(&self, kind: fn(String) -> TapeLine, words: &str) {
        let words = clean::line(&self.without_secret(words), limits::DETAIL_CHARS);
        let mut lines = hold(&self.lines);
        if lines.len() < LINES {
            lines.push(kind(words));
        }
    }

    /// This login's secret is in use from now on.
    pub(super) fn hide(&self, user: &str, secret: &Secret) {
        let secret = secret.expose();
        let mut forms = vec![
            BASE64_STANDARD.encode(format!("\0{user}\0{secret}")),
            BASE64_STANDARD.encode(secret),
            secret.to_owned(),
        ];
        forms.retain(|form| !form.is_empty());
        *hold(&self.hidden) = forms;
    }

    /// Words of the relay, without the secret should it have repeated it.
    pub(super) fn without_secret(&self, words: &str) -> String {
        hold(&self.hidden)
            .iter()
            .fold(words.to_owned(), |words, form| words.replace(form, HIDDEN))
    }

    /// The lines so far.
    pub(super) fn lines(&self) -> Vec<TapeLine> {
        hold(&self.lines).clone()
    }
}

fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
