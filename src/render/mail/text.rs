//! A page as plain text: prose wrapped at 76 columns, commands and quotes on lines of their own that nothing breaks.
//!
//! A line ends at a space between Latin words or, in Japanese, which has none, after a comma or full stop or before a
//! bracket that opens. What stands between backticks is one word, and so is what stands between two such places: a line
//! may be longer than 76 columns, for where a Japanese word ends only a dictionary knows.

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

/// Writes words, never breaking one.
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
    let is_code = text.matches('`').count().is_multiple_of(2);
    let (mut starts, mut before, mut in_code) = (vec![0], ' ', false);
    for (at, c) in text.char_indices() {
        let next = text.get(at..).and_then(|rest| rest.chars().nth(1));
        let breaks = match (before, c) {
            _ if in_code => false,
            (' ', _) => false,
            // `2 分`, `Web サーバー`
            (last, ' ') => !wide(last) && !next.is_some_and(wide),
            (last, c) => (ends(last) && !ends(c) && !closes(c)) || (opens(c) && !opens(last)),
        };
        if breaks {
            starts.push(at);
        }
        in_code ^= is_code && c == '`';
        before = c;
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

/// After it a Japanese line may end.
const fn ends(c: char) -> bool {
    matches!(c, '、' | '。' | '！' | '？')
}

/// No line begins with it; what follows it may be a particle, and belongs to it.
const fn closes(c: char) -> bool {
    matches!(c, '）' | '」' | '』')
}

/// Before it a Japanese line may end.
const fn opens(c: char) -> bool {
    matches!(c, '（' | '「' | '『')
}
