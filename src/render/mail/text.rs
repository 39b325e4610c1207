//! A page as plain text: prose wrapped at 76 columns, commands and quotes on lines of their own that nothing breaks.

use unicode_width::UnicodeWidthStr;

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
        out.push_str(section.title);
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
        Item::Command { purpose, line } => {
            wrap(out, purpose, "  ", "  ");
            out.push_str("      ");
            out.push_str(line);
            out.push('\n');
        }
    }
}

/// Writes words between spaces, never breaking one: a URL or a command in a sentence stays whole.
fn wrap(out: &mut String, text: &str, first: &str, rest: &str) {
    out.push_str(first);
    let mut column = first.width();
    let mut begun = false;
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let width = word.width();
        if begun && column + 1 + width > COLUMNS {
            out.push('\n');
            out.push_str(rest);
            column = rest.width();
        } else if begun {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += width;
        begun = true;
    }
    out.push('\n');
}
