//! Lines with styles, and the sheet they are written on. Every text is cleaned on its way in, and a style is written only
//! where colour was asked for, so a line measures the same with and without.

use anstyle::{AnsiColor, Style};
use unicode_width::UnicodeWidthChar as _;

use super::Layout;
use crate::render::text::{clean, width};

/// What a text means, as colour. No meaning rests on it alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ink {
    Plain,
    Bold,
    Dim,
    Good,
    Warn,
    Bad,
    Unsure,
}

impl Ink {
    fn style(self) -> Style {
        let color = |color: AnsiColor| Style::new().fg_color(Some(anstyle::Color::Ansi(color)));
        match self {
            Self::Plain => Style::new(),
            Self::Bold => Style::new().bold(),
            Self::Dim => Style::new().dimmed(),
            Self::Good => color(AnsiColor::Green),
            Self::Warn => color(AnsiColor::Yellow),
            Self::Bad => color(AnsiColor::Red).bold(),
            Self::Unsure => color(AnsiColor::Magenta),
        }
    }
}

/// One line, or a paragraph before it is wrapped.
#[derive(Debug, Clone, Default)]
pub(super) struct Line {
    spans: Vec<(Ink, String)>,
}

impl Line {
    pub(super) fn new(ink: Ink, text: &str) -> Self {
        Self::default().then(ink, text)
    }

    pub(super) fn then(mut self, ink: Ink, text: &str) -> Self {
        self.push(ink, text);
        self
    }

    pub(super) fn push(&mut self, ink: Ink, text: &str) {
        if !text.is_empty() {
            self.spans.push((ink, clean(text)));
        }
    }

    /// Spaces up to a column; none when it is reached already.
    pub(super) fn to(mut self, column: usize) -> Self {
        let missing = column.saturating_sub(self.width());
        if missing > 0 {
            self.spans.push((Ink::Plain, " ".repeat(missing)));
        }
        self
    }

    /// This line's texts after another's.
    pub(super) fn onto(mut self, mut before: Self) -> Self {
        before.spans.append(&mut self.spans);
        before
    }

    pub(super) fn width(&self) -> usize {
        self.spans.iter().map(|(_, text)| width(text)).sum()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.spans.iter().all(|(_, text)| text.is_empty())
    }

    /// The line as text; blanks at its end are left out.
    pub(super) fn text(&self, color: bool) -> String {
        let mut spans: Vec<(Ink, &str)> =
            self.spans.iter().map(|(i, t)| (*i, t.as_str())).collect();
        while let Some((_, last)) = spans.last_mut() {
            *last = last.trim_end();
            if !last.is_empty() {
                break;
            }
            spans.pop();
        }
        let mut out = String::new();
        // Pieces of one style, one after another, need its escape sequence once.
        for run in spans.chunk_by(|(one, _), (next, _)| one == next) {
            let ink = run.first().map_or(Ink::Plain, |(ink, _)| *ink);
            let text: String = run.iter().map(|(_, text)| *text).collect();
            if color && ink != Ink::Plain {
                let style = ink.style();
                out.push_str(&format!("{style}{text}{style:#}"));
            } else {
                out.push_str(&text);
            }
        }
        out
    }
}

/// What is printed.
#[derive(Debug)]
pub(super) struct Sheet {
    look: Layout,
    out: String,
}

impl Sheet {
    pub(super) fn new(look: Layout) -> Self {
        Self {
            look,
            out: String::new(),
        }
    }

    /// A line as it is.
    pub(super) fn line(&mut self, line: &Line) {
        self.out.push_str(&line.text(self.look.color));
        self.out.push('\n');
    }

    /// An empty line between two blocks; none at the top.
    pub(super) fn gap(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
    }

    /// A line, wrapped between words; what follows the first begins at column `hang`. What stands in backticks can be copied,
    /// so it is kept together; Japanese has no blanks, so it may break between any two characters.
    pub(super) fn wrapped(&mut self, line: &Line, hang: usize) {
        let room = self.look.width.max(hang + 20);
        let mut current = Line::default();
        let mut begun = false;
        for (ink, text) in &line.spans {
            for word in pieces(text) {
                if begun && current.width() + width(word.trim_end()) > room {
                    self.line(&current);
                    current = Line::default().to(hang);
                    begun = false;
                }
                current.spans.push((*ink, word.to_owned()));
                // The indentation of the first line is no place to break.
                begun |= !word.trim().is_empty();
            }
        }
        self.line(&current);
    }

    pub(super) fn finish(self) -> String {
        self.out
    }
}

/// A quotation longer than this is broken like other text.
const QUOTED: usize = 60;

/// The text in the pieces between which a line may break; each has the blank that follows it.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut begun = 0;
    let mut quoted_to = 0;
    for (at, c) in text.char_indices() {
        let next = at + c.len_utf8();
        if c == '`' && at >= quoted_to {
            let close = text[next..].find('`').filter(|length| *length <= QUOTED);
            quoted_to = close.map_or(quoted_to, |length| next + length + 1);
        }
        // A time of day and its zone stay together.
        let zone = text[next..].starts_with("UTC");
        if next > quoted_to && !zone && (c == ' ' || c.width() == Some(2)) {
            pieces.push(&text[begun..next]);
            begun = next;
        }
    }
    if begun < text.len() {
        pieces.push(&text[begun..]);
    }
    pieces
}
