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

/// Joints that are looked at; what stands behind the last of them is one piece.
const MOST: usize = 15;

/// Pieces looked up for one detail, so that a hostile one ends; the tests fail where ours do not get by with it.
const FUEL: u32 = 2_000;

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
    /// It begins with a phrase of the book.
    known: bool,
}

impl Said {
    fn as_it_is(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            unknown: text.len(),
            known: false,
        }
    }
}

impl Reader<'_> {
    /// In the book's words, as far as it has any, the way that leaves the least; of several, that of the longest phrases.
    fn translated(&self, text: &str, depth: usize) -> Said {
        let Some(deeper) = depth.checked_sub(1) else {
            return Said::as_it_is(text);
        };
        let mut joints: Vec<(usize, &str, &str)> = Vec::new();
        for (joint, japanese) in JOINTS {
            let between = match self.book.language {
                Language::En => joint,
                Language::Ja => japanese,
            };
            joints.extend(
                text.match_indices(joint)
                    .map(|(at, _)| (at, joint, between)),
            );
        }
        joints.sort_unstable();
        joints.truncate(MOST);
        // From each joint on, beginning with the last: a piece that ends at one of the joints behind it, and the best from there.
        let mut best: Vec<Said> = Vec::new();
        for place in (0..=joints.len()).rev() {
            let before = place.checked_sub(1).and_then(|place| joints.get(place));
            let from = before.map_or(0, |(at, joint, _)| at + joint.len());
            let mut found: Option<Said> = None;
            for last in (place..=joints.len()).rev() {
                let joint = joints.get(last);
                let to = joint.map_or(text.len(), |(at, _, _)| *at);
                let piece = text.get(from..to).unwrap_or_default();
                let said = self
                    .phrase(piece, Quotes::Short, deeper)
                    .or_else(|| self.long(piece, deeper))
                    .or_else(|| (last == place).then(|| Said::as_it_is(piece)));
                let Some(mut said) = said else { continue };
                // What follows was found before, that of the last joint first.
                let behind = joints.len().checked_sub(last + 1);
                let rest = behind.and_then(|behind| best.get(behind));
                if let (Some((_, joint, between)), Some(rest)) = (joint, rest) {
                    said.text += if said.known || rest.known {
                        between
                    } else {
                        joint
                    };
                    said.text += &rest.text;
                    said.unknown += rest.unknown;
                }
                if found
                    .as_ref()
                    .is_none_or(|best| said.unknown < best.unknown)
                {
                    found = Some(said);
                }
            }
            best.extend(found);
        }
        best.pop().unwrap_or_else(|| Said::as_it_is(text))
    }

    /// A phrase that quotes what has a stop; two phrases would be better.
    fn long(&self, text: &str, deeper: usize) -> Option<Said> {
        let stops = text.contains(STOP);
        let mut said = stops.then(|| self.phrase(text, Quotes::Any, deeper))??;
        said.unknown += 1;
        Some(said)
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
        Said {
            text,
            unknown,
            known: true,
        }
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
