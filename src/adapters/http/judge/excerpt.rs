//! A page as a person sees it: what of it is quoted, its headings, how much there is.

use std::ops::Range;

use crate::model::{limits, one_line};

/// How much of a body is quoted.
const EXCERPT_CHARS: usize = 120;

/// How far into a body the excerpt is looked for: what stands far down is not the beginning.
const EXCERPT_BYTES: usize = 8192;

/// Around a place in a body, on each side.
const AROUND_CHARS: usize = 60;

fn clean(text: &str) -> String {
    one_line(text, limits::DETAIL_CHARS)
}

/// A page as a person sees it: without tags, style sheets and scripts. `inside`: it begins inside a tag.
fn visible(page: &str, mut inside: bool) -> String {
    let mut text = String::new();
    let mut rest = page;
    while let Some(c) = rest.chars().next() {
        if c == '<' && !inside {
            inside = true;
            if let Some(skipped) = ["style", "script"].iter().find_map(|name| past(rest, name)) {
                rest = skipped;
                continue;
            }
        } else if c == '>' && inside {
            inside = false;
            text.push(' ');
        } else if !inside {
            text.push(c);
        }
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
    }
    text
}

/// What follows the content of this element, from the `>` of its end on; `None` when `page` does not begin with one.
fn past<'a>(page: &'a str, name: &str) -> Option<&'a str> {
    let opening = page.get(1..=name.len())?;
    if !opening.eq_ignore_ascii_case(name) {
        return None;
    }
    let mut rest = page;
    while let Some(at) = rest.find("</") {
        rest = rest.get(at + 2..)?;
        if let Some(closing) = rest.get(..name.len())
            && closing.eq_ignore_ascii_case(name)
        {
            return rest.get(name.len()..);
        }
    }
    Some("")
}

/// How many characters of a page a person sees.
pub(super) fn visible_chars(page: &str) -> usize {
    let text = visible(page, false);
    text.split_whitespace()
        .map(|word| word.chars().count() + 1)
        .sum()
}

/// The text of the first element of this name, on one line.
pub(super) fn element(page: &str, name: &str) -> Option<String> {
    let open = format!("<{name}");
    let (_, rest) = page.split_once(open.as_str())?;
    let (attributes, rest) = rest.split_once('>')?;
    let (content, _) = rest.split_once(format!("</{name}").as_str())?;
    let whole = attributes.is_empty() || attributes.starts_with(char::is_whitespace);
    whole.then(|| clean(&visible(content, false)))
}

/// The beginning of a page as a person sees it, without tags; empty when nothing is there.
pub(super) fn beginning(body: &str) -> String {
    let mut end = body.len().min(EXCERPT_BYTES);
    while !body.is_char_boundary(end) {
        end -= 1;
    }
    let line = clean(&visible(&body[..end], false));
    let mut short: String = line.chars().take(EXCERPT_CHARS).collect();
    if short.len() < line.len() {
        short.push('…');
    }
    short
}

/// What stands around a place of a body; as it is written where the place itself is inside a tag.
pub(super) fn around(body: &str, place: &Range<usize>) -> String {
    let before = body.get(..place.start).unwrap_or_default();
    let after = body.get(place.end..).unwrap_or_default();
    let found = body.get(place.clone()).unwrap_or_default();
    let start = before.char_indices().rev().nth(AROUND_CHARS - 1);
    let start = start.map_or(0, |(at, _)| at);
    let end = after.char_indices().nth(AROUND_CHARS);
    let end = end.map_or(body.len(), |(at, _)| place.end + at);
    let part = body.get(start..end).unwrap_or_default();
    let opened = before.get(..start).and_then(|text| text.rfind('<'));
    let closed = before.get(..start).and_then(|text| text.rfind('>'));
    let seen = clean(&visible(part, opened > closed));
    let shown = if seen.contains(clean(found).as_str()) {
        seen
    } else {
        clean(part)
    };
    let mut line = String::new();
    if start > 0 {
        line.push('…');
    }
    line.push_str(&shown);
    if end < body.len() {
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_what_people_see() {
        let page = "<html><title>502 Bad Gateway</title>\n<h1>nginx</h1>";
        assert_eq!(beginning(page), "502 Bad Gateway nginx");
    }

    #[test]
    fn an_excerpt_passes_over_style_sheets_and_scripts() {
        let page = "<title>Error</title><STYLE>p > a { color: red }</style><script>if (a < b) {}</script><p>Out";
        assert_eq!(beginning(page), "Error Out");
        assert_eq!(beginning("a < b and c > d"), "a d");
    }

    #[test]
    fn the_surroundings_of_a_place() {
        let page = format!(
            "{}<p>before <b>Fatal error</b> after</p>{}",
            "x".repeat(99),
            "y".repeat(99)
        );
        let at = page.find("Fatal").unwrap();
        let told = around(&page, &(at..at + 11));
        assert!(told.starts_with("…xxx"), "{told}");
        assert!(told.contains("x before Fatal error after y"), "{told}");
        assert!(told.ends_with("yyy…"), "{told}");
        let page = "<a href='/broken'>link</a>";
        let at = page.find("broken").unwrap();
        assert_eq!(around(page, &(at..at + 6)), "<a href='/broken'>link</a>");
    }
}
