//! Text from outside: pages, headers, banners, what the kernel, a library or a program said.
//!
//! Such text can hold anything: sequences that repaint a terminal, marks that turn the direction of text, invisible
//! tags, a megabyte of one word. [`Piece::of`] is the one reader that recognises all of these; everything that shows
//! such text uses it. [`Quoted`] is one line of such text inside a finding: it is shown in quotation marks, never
//! compared with anything and never translated.

use std::fmt;
use std::iter::Peekable;
use std::str::Chars;

use serde::{Deserialize, Serialize};

use super::limits;

/// One line of text from outside, cleaned and at most [`limits::DETAIL_CHARS`] characters.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "String")]
pub struct Quoted(String);

impl Quoted {
    /// The only way in.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(one_line(text, limits::DETAIL_CHARS))
    }

    /// The text without marks, for the English of the JSON documents.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether nothing is left of it.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<String> for Quoted {
    fn from(text: String) -> Self {
        Self::new(&text)
    }
}

impl fmt::Display for Quoted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A part of a text from outside. A whole terminal sequence (colour, title, cursor move) is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece {
    /// A character that is what it seems.
    Plain(char),
    /// White space within a line.
    Space(char),
    /// The end of a line; a carriage return alone is one, so that nothing is overwritten.
    Break,
    /// A control character, or an invisible one that changes how the others are read.
    Unfit,
}

impl Piece {
    /// The parts of a text, in order.
    pub fn of(text: &str) -> impl Iterator<Item = Self> + '_ {
        let mut chars = text.chars().peekable();
        std::iter::from_fn(move || next(&mut chars))
    }
}

/// One line of at most `cap` characters. Each run of other than plain characters becomes one space, and `…` shows that
/// the text was cut.
#[must_use]
pub fn one_line(text: &str, cap: usize) -> String {
    let mut line = String::new();
    let mut chars = 0;
    let mut gap = false;
    for piece in Piece::of(text) {
        let Piece::Plain(c) = piece else {
            gap = !line.is_empty();
            continue;
        };
        if chars + 2 >= cap {
            line.push('…');
            break;
        }
        if std::mem::take(&mut gap) {
            line.push(' ');
            chars += 1;
        }
        line.push(c);
        chars += 1;
    }
    line
}

fn next(chars: &mut Peekable<Chars<'_>>) -> Option<Piece> {
    loop {
        let c = chars.next()?;
        let skipped = match c {
            '\u{1b}' => skip_escape(chars),
            '\u{9b}' => skip_control_sequence(chars),
            '\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}' => skip_string(chars),
            _ => false,
        };
        if skipped || c == '\r' && chars.peek() == Some(&'\n') {
            continue;
        }
        return Some(match c {
            '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => Piece::Break,
            '\t' => Piece::Space(c),
            c if c.is_control() || misleads(c) => Piece::Unfit,
            c if c.is_whitespace() => Piece::Space(c),
            c => Piece::Plain(c),
        });
    }
}

/// Whether a character is invisible and changes how the others are read: direction, joiners, annotation, tags, byte
/// order mark.
#[must_use]
pub const fn misleads(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Longest terminal sequence that is taken for one. A longer one is shown as text: an unfinished title must not swallow
/// the rest of the text.
const SEQUENCE: usize = 256;

/// After ESC: skips the sequence and returns `true`, or skips nothing.
fn skip_escape(chars: &mut Peekable<Chars<'_>>) -> bool {
    let mut ahead = chars.clone();
    let whole = match ahead.next() {
        Some('[') => skip_control_sequence(&mut ahead),
        // A title, a device's control: a string.
        Some(']' | 'P' | 'X' | '^' | '_') => skip_string(&mut ahead),
        // Intermediates, then one final character.
        Some(' '..='/') => {
            while ahead.next_if(|c| matches!(c, ' '..='/')).is_some() {}
            ahead.next_if(|c| matches!(c, '0'..='~')).is_some()
        }
        Some('0'..='~') => true,
        Some(_) | None => false,
    };
    if whole {
        *chars = ahead;
    }
    whole
}

/// After CSI: parameters, intermediates, one final character.
fn skip_control_sequence(chars: &mut Peekable<Chars<'_>>) -> bool {
    let mut ahead = chars.clone();
    for _ in 0..SEQUENCE {
        match ahead.next() {
            Some(' '..='?') => {}
            Some('@'..='~') => {
                *chars = ahead;
                return true;
            }
            Some(_) | None => return false,
        }
    }
    false
}

/// A string up to BEL or ST, within one line.
fn skip_string(chars: &mut Peekable<Chars<'_>>) -> bool {
    let mut ahead = chars.clone();
    for _ in 0..SEQUENCE {
        match ahead.next() {
            Some('\u{7}' | '\u{9c}') => {
                *chars = ahead;
                return true;
            }
            Some('\u{1b}') => {
                let whole = ahead.next() == Some('\\');
                if whole {
                    *chars = ahead;
                }
                return whole;
            }
            Some('\n') | None => return false,
            Some(_) => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_steers_or_hides_is_left() {
        for (dirty, clean) in [
            ("\x1b[31mred\x1b[0m\r\n a\u{202e}b\t\tc", "red a b c"),
            ("a\u{200b}b\u{61c}c\u{e0041}d", "a b c d"),
            ("\x1b]0;title\x07shown", "shown"),
            ("\x1b]0;unfinished", "]0;unfinished"),
            ("\u{9b}31mred \u{9d}title\u{9c}x", "red x"),
            ("  a  ", "a"),
            ("再起動 👩‍🔧", "再起動 👩‍🔧"),
            ("", ""),
        ] {
            assert_eq!(Quoted::new(dirty).as_str(), clean, "{dirty:?}");
        }
        let long = Quoted::new(&"ä".repeat(1000));
        assert!(long.as_str().chars().count() <= limits::DETAIL_CHARS);
        assert!(long.as_str().ends_with('…'));
    }
}
