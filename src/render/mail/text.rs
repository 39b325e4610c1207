//! A page as plain text: prose wrapped at 76 columns, commands and quotes on lines of their own that nothing breaks.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::page::{Item, Page};

/// Columns of prose; longer lines are quoted badly by mail readers.
const COLUMNS: usize = 76;

/// The text, lines ended by `\n`.
pub(super) fn write(page: &Page) -> String {
    let mut out = String::new();
    wrap(&mut out, &page.headline, "", "");
    for sentence in &page.lead {
        out.push('\n');
        wrap(&mut out, sentence, "", "");
    }
    for section in &page.sections {
        out.push('\n');
        out.push_str(&section.title);
        out.push('\n');
        for item in &section.items {
            write_item(&mut out, item);
        }
    }
    // The space after the dashes is what mail readers know a signature by.
    out.push_str("\n-- \n");
    wrap(&mut out, &page.footer, "", "");
    out
}

fn write_item(out: &mut String, item: &Item) {
    match item {
        Item::Prose(text) => wrap(out, text, "  ", "  "),
        Item::Point(text) => wrap(out, text, "  - ", "    "),
        Item::Quote(lines) => {
            for line in lines {
                out.push_str("    | ");
                out.push_str(line);
                out.push('\n');
            }
        }
        Item::Fact { label, value } => wrap(out, &format!("{label}  {value}"), "  ", "    "),
        Item::Command { purpose, line } => {
            wrap(out, purpose, "  ", "  ");
            out.push_str("      ");
            out.push_str(line);
            out.push('\n');
        }
    }
}

/// Writes words, never breaking one: a URL or a command in a sentence stays whole. Japanese is broken between letters,
/// but no line begins with what closes or ends with what opens.
fn wrap(out: &mut String, text: &str, first: &str, rest: &str) {
    out.push_str(first);
    let mut column = first.width();
    let mut begun = false;
    for word in words(text) {
        let (gap, word) = match word.strip_prefix(' ') {
            Some(word) => (1, word),
            None => (0, word),
        };
        let width = word.width();
        if begun && column + gap + width > COLUMNS {
            out.push('\n');
            out.push_str(rest);
            column = rest.width();
        } else if begun && gap > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += width;
        begun = true;
    }
    out.push('\n');
}

/// What stays together, with the space before it.
fn words(text: &str) -> Vec<&str> {
    let mut starts = Vec::new();
    let mut before = None;
    for (at, c) in text.char_indices() {
        let breaks = match before {
            None => true,
            Some(' ') => false,
            Some(_) if c == ' ' => true,
            Some(last) => {
                (wide(last) || wide(c))
                    && !closes(c)
                    && !opens(last)
                    && !(katakana(last) && katakana(c))
            }
        };
        if breaks {
            starts.push(at);
        }
        before = Some(c);
    }
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    let parts = starts.iter().zip(ends);
    parts
        .filter_map(|(from, to)| text.get(*from..to))
        .filter(|word| !word.trim().is_empty())
        .collect()
}

fn wide(c: char) -> bool {
    c.width() == Some(2)
}

/// Words from other languages: long ones, and hard to read in two parts.
const fn katakana(c: char) -> bool {
    matches!(c, '\u{30a1}'..='\u{30fc}')
}

/// What no line begins with.
const fn closes(c: char) -> bool {
    matches!(
        c,
        '、' | '。'
            | '）'
            | '」'
            | '』'
            | '］'
            | '！'
            | '？'
            | '：'
            | '・'
            | 'ー'
            | 'っ'
            | 'ッ'
            | 'ゃ'
            | 'ゅ'
            | 'ょ'
            | 'ャ'
            | 'ュ'
            | 'ョ'
            | 'ァ'
            | 'ィ'
            | 'ゥ'
            | 'ェ'
            | 'ォ'
            | ')'
            | ']'
            | '}'
            | ','
            | '.'
            | ':'
            | ';'
            | '!'
            | '?'
            | '…'
            | '％'
            | '\u{3000}'
            | '`'
    )
}

/// What no line ends with.
const fn opens(c: char) -> bool {
    matches!(c, '（' | '「' | '『' | '［' | '(' | '[' | '{' | '`')
}
