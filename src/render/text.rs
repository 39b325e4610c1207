//! Text on its way to a terminal: cleaned, measured, cut and padded by what is seen, not by bytes.
//!
//! What a web server, a command or a relay wrote may hold escape sequences that repaint the screen, set the window's title or
//! make one text look like another. Nothing of that reaches a terminal: sequences are taken out whole, other control
//! characters and the marks that turn the direction of text are dropped, and line breaks and tabs become a space.

use crate::model::Piece;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The text on one line, harmless.
#[must_use]
pub fn clean(text: &str) -> String {
    let shown = |piece| match piece {
        Piece::Plain(c) => Some(c),
        Piece::Space(_) | Piece::Break => Some(' '),
        Piece::Unfit => None,
    };
    Piece::of(text).filter_map(shown).collect()
}

/// The lines of a text, each harmless, without blanks at their ends and without empty ones.
pub fn clean_lines(text: &str) -> impl Iterator<Item = String> {
    // A sequence never spans lines here: cutting one apart leaves an incomplete one, which `clean` takes out as well.
    text.lines()
        .map(|line| clean(line).trim_end().to_owned())
        .filter(|line| !line.is_empty())
}

/// Columns a text takes.
#[must_use]
pub fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// The text in at most so many columns, with `…` where something was cut off.
#[must_use]
pub fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut taken = 1;
    for c in text.chars() {
        taken += c.width().unwrap_or(0);
        if taken > columns {
            break;
        }
        out.push(c);
    }
    if columns > 0 {
        out.push('…');
    }
    out
}

/// The text with spaces after it up to so many columns.
#[must_use]
pub fn pad(text: &str, columns: usize) -> String {
    let mut out = text.to_owned();
    out.push_str(&" ".repeat(columns.saturating_sub(width(text))));
    out
}

/// `1 mail`, `2 mails`.
#[must_use]
pub fn plural(count: usize, noun: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{s}")
}

/// `99.98`, from hundredths of a per cent; a whole hundred is `100`.
#[must_use]
pub fn percent(share: u32) -> String {
    match share {
        10_000 => "100".to_owned(),
        share => format!("{}.{:02}", share / 100, share % 100),
    }
}

/// `once`, `twice`, `3 times`.
#[must_use]
pub fn times(count: usize) -> String {
    match count {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        _ => format!("{count} times"),
    }
}

/// A text as the content of an element, or as the value of an attribute in double quotes; also for XML, so without the
/// characters that XML forbids.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(character),
            '\u{fffe}' | '\u{ffff}' => {}
            other if other.is_control() => {}
            other => out.push(other),
        }
    }
    out
}
