//! Reads a detail as pieces, and says each.

use std::cell::Cell;

use crate::model::{Language, limits};

use super::written::{Hole, Part};
use super::{Book, Phrase};

/// Where pieces are put together, the longest stop first, and what stands there in Japanese.
pub(super) const JOINTS: [(&str, &str); 2] = [(STOP, "。"), (": ", ": ")];

/// Between what could stand alone.
const STOP: &str = "; ";

/// Pieces within pieces.
const DEPTH: usize = 6;

/// Joints of a kind that are tried.
const SPLITS: usize = 4;

/// Pieces looked up for one detail; a long one takes some forty.
const FUEL: u32 = 400;

/// Bytes of a detail; those of checks are shorter.
const LENGTH: usize = 8 * limits::DETAIL_CHARS;

/// A detail in the words of a book.
pub(super) fn read(book: &Book, detail: &str) -> String {
    let reader = Reader {
        book,
        fuel: Cell::new(FUEL),
    };
    match detail.len() <= LENGTH {
        true => reader.translated(detail, DEPTH).text,
        false => detail.to_owned(),
    }
}

/// Whether a quotation that something stands behind may hold a stop: `(a) x; (b)` is two pieces rather than one of `(…)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quotes {
    Short,
    Any,
}

struct Reader<'a> {
    book: &'a Book,
    fuel: Cell<u32>,
}

/// What was made of a text.
struct Said {
    text: String,
    /// Bytes of it that the book does not know.
    unknown: usize,
}

impl Said {
    fn as_it_is(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            unknown: text.len(),
        }
    }
}

impl Reader<'_> {
    /// In the book's words, as far as it has any, the way that leaves the least.
    fn translated(&self, text: &str, depth: usize) -> Said {
        let mut best = Said::as_it_is(text);
        let Some(deeper) = depth.checked_sub(1) else {
            return best;
        };
        let mut better = |said: Said| {
            if said.unknown < best.unknown {
                best = said;
            }
            best.unknown == 0
        };
        if self
            .phrase(text, Quotes::Short, deeper)
            .is_some_and(&mut better)
        {
            return best;
        }
        // A phrase may hold what looks like a joint: each place is tried.
        for (joint, japanese) in JOINTS {
            let between = match self.book.language {
                Language::En => joint,
                Language::Ja => japanese,
            };
            for (at, _) in text.match_indices(joint).take(SPLITS) {
                let (before, from) = text.split_at(at);
                let after = from.strip_prefix(joint).unwrap_or_default();
                let (one, other) = (
                    self.translated(before, deeper),
                    self.translated(after, deeper),
                );
                let said = Said {
                    text: format!("{}{between}{}", one.text, other.text),
                    unknown: one.unknown + other.unknown,
                };
                let any = said.unknown < before.len() + after.len();
                if any && better(said) {
                    return best;
                }
            }
        }
        if let Some(said) = self.phrase(text, Quotes::Any, deeper) {
            better(said);
        }
        best
    }

    /// A text that is a phrase of the book.
    fn phrase(&self, text: &str, quotes: Quotes, deeper: usize) -> Option<Said> {
        self.fuel.set(self.fuel.get().checked_sub(1)?);
        self.book.phrases.iter().find_map(|phrase| {
            let held = phrase.held(text, quotes)?;
            Some(self.filled(phrase, &held, deeper))
        })
    }

    fn filled(&self, phrase: &Phrase, held: &[&str], deeper: usize) -> Said {
        let (mut said, mut unknown) = (String::new(), 0);
        for part in &phrase.said {
            let hole = match part {
                Part::Text(text) => {
                    said.push_str(text);
                    continue;
                }
                Part::Held(hole) => *hole,
            };
            let text = held.get(hole).copied().unwrap_or_default();
            let own = match phrase.holes.get(hole) {
                Some((Hole::Piece, _)) => deeper
                    .checked_sub(1)
                    .and_then(|deeper| self.phrase(text, Quotes::Short, deeper)),
                Some((Hole::Detail, _)) => {
                    let own = self.translated(text, deeper);
                    unknown += own.unknown;
                    Some(own)
                }
                Some((Hole::Number | Hole::Quotation, _)) | None => None,
            };
            said.push_str(own.as_ref().map_or(text, |own| own.text.as_str()));
        }
        let text = said;
        Said { text, unknown }
    }
}

impl Phrase {
    /// What the holes hold, where the text is this phrase.
    fn held<'t>(&self, text: &'t str, quotes: Quotes) -> Option<Vec<&'t str>> {
        let mut rest = text.strip_prefix(self.begins.as_str())?;
        let mut held = Vec::new();
        for (place, (hole, behind)) in self.holes.iter().enumerate() {
            let is_last = place + 1 == self.holes.len();
            let end = match (is_last, behind.is_empty()) {
                (_, true) => rest.len(),
                (true, false) => rest.strip_suffix(behind.as_str())?.len(),
                // What was put behind a detail stands at its end.
                (false, false) if *hole == Hole::Detail => rest.rfind(behind.as_str())?,
                (false, false) => rest.find(behind.as_str())?,
            };
            let inside = rest.get(..end)?;
            let ends = is_last && behind.is_empty();
            let long = *hole == Hole::Quotation && !ends && inside.contains(STOP);
            if !hole.takes(inside) || long && quotes == Quotes::Short {
                return None;
            }
            held.push(inside);
            rest = rest.get(end + behind.len()..)?;
        }
        rest.is_empty().then_some(held)
    }
}
