//! Text that becomes markup, and the few shapes that all pages share.

use minijinja::Value;

use crate::render::text::escape;
use crate::render::words::{Key, Voice};

/// A sentence; what stands between backticks is set as code.
pub(super) fn prose(text: &str) -> String {
    if text.matches('`').count() % 2 == 1 {
        return escape(text);
    }
    let mut out = String::new();
    for (index, part) in text.split('`').enumerate() {
        if index % 2 == 1 {
            out.push_str(&format!("<code>{}</code>", escape(part)));
        } else {
            out.push_str(&escape(part));
        }
    }
    out
}

/// A piece that has no values.
pub(super) fn word(voice: &Voice, key: Key) -> String {
    escape(&voice.word(key))
}

/// A piece.
pub(super) fn say(voice: &Voice, key: Key, with: Value) -> String {
    prose(&voice.say(key, with))
}

/// A text of at most so many characters.
pub(super) fn clip(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
    }
}

/// A row of a list of facts; nothing where there is nothing to say. `value` is markup.
pub(super) fn fact(label: &str, value: &str) -> String {
    if value.is_empty() {
        return String::new();
    }
    format!("<dt>{label}</dt><dd>{value}</dd>\n")
}

/// A list of facts.
pub(super) fn facts(rows: &str) -> String {
    if rows.is_empty() {
        return String::new();
    }
    format!("<dl class=\"facts\">\n{rows}</dl>\n")
}

/// A section with a title; nothing where there is nothing in it.
pub(super) fn section(title: &str, body: &str) -> String {
    if body.is_empty() {
        return String::new();
    }
    format!("<section class=\"card\">\n<h2>{title}</h2>\n{body}</section>\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_text_becomes_markup() {
        for (text, markup) in [
            ("<script>", "&lt;script&gt;"),
            ("\"a' & b", "&quot;a&#39; &amp; b"),
            ("a\u{0}\u{1b}\u{85}\u{ffff}b", "ab"),
            ("停止", "停止"),
        ] {
            assert_eq!(escape(text), markup);
        }
        assert_eq!(prose("run `a<b` now"), "run <code>a&lt;b</code> now");
        assert_eq!(prose("one ` alone <"), "one ` alone &lt;");
        assert_eq!(
            (clip("日本語", 3), clip("日本語", 2)),
            ("日本語".to_owned(), "日本…".to_owned())
        );
    }
}
