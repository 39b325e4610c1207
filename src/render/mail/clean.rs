//! Text from outside made harmless before it stands in a mail or a log.

use crate::model::Piece;

pub use crate::model::one_line as line;

/// As [`one_line`](line), but white space inside the line stays, as in a command's output.
#[must_use]
pub fn output_line(text: &str, cap: usize) -> String {
    let shown = |piece| match piece {
        Piece::Plain(c) | Piece::Space(c) => c,
        Piece::Break | Piece::Unfit => ' ',
    };
    let cleaned: String = Piece::of(text.trim_end()).map(shown).collect();
    match cleaned.char_indices().nth(cap) {
        None => cleaned,
        Some(_) => cleaned.chars().take(cap - 1).chain(['…']).collect(),
    }
}

/// A command on one line, fit to stand between backticks.
#[must_use]
pub fn command(text: &str) -> String {
    line(&text.replace('`', "'"), crate::model::limits::DETAIL_CHARS)
}

/// At most `cap` characters with `?` in place of everything, blanks included, that is not printable ASCII.
#[must_use]
pub fn ascii(text: &str, cap: usize) -> String {
    text.chars()
        .take(cap)
        .map(|c| if c.is_ascii_graphic() { c } else { '?' })
        .collect()
}
