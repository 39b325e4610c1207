//! What a probe saw, in the reader's language.
//!
//! The prober speaks English, in the log, in the JSON documents and at the terminal, and what it says is put together from
//! pieces: `HTTP status 502: the web server runs, but …; the body begins: …`. Mails in another language say the pieces that
//! stand in their phrase book (`words/ja/details.txt`) in theirs, and leave what was quoted, and any other piece, as it is.

use std::cmp::Reverse;
use std::sync::LazyLock;

use super::words::Voice;
use crate::model::{Language, limits};

/// An English piece with holes, and what is said for it.
struct Phrase {
    /// What stands between the holes.
    parts: Vec<&'static str>,
    /// The last hole holds a quotation, whatever is in it.
    quotes: bool,
    said: &'static str,
}

/// Where pieces are put together, the longest stop first, and what stands there in Japanese.
const JOINTS: [(&str, &str); 2] = [("; ", "。"), (": ", ": ")];

/// How a hole for a quotation stands at the end of a phrase.
const QUOTE: &str = "{*}";

/// Pieces within pieces; a quotation may have any number of joints.
const DEPTH: usize = 4;

/// Joints of a kind that are tried.
const SPLITS: usize = 4;

/// Bytes of a detail; those of checks are shorter.
const LENGTH: usize = 8 * limits::DETAIL_CHARS;

fn book() -> &'static [Phrase] {
    static JA: LazyLock<Vec<Phrase>> = LazyLock::new(|| read(include_str!("words/ja/details.txt")));
    &JA
}

fn read(text: &'static str) -> Vec<Phrase> {
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect();
    let pair = |pair: &[&'static str]| match pair {
        [english, said] => {
            let quote = english.strip_suffix(QUOTE);
            let mut parts: Vec<&str> = quote.unwrap_or(english).split("{}").collect();
            parts.extend(quote.map(|_| ""));
            Some(Phrase {
                parts,
                quotes: quote.is_some(),
                said: said.trim_start(),
            })
        }
        _ => None,
    };
    let mut book: Vec<Phrase> = lines.chunks(2).filter_map(pair).collect();
    // The one that says more of itself is meant.
    book.sort_by_key(|phrase| Reverse(phrase.parts.iter().map(|part| part.len()).sum::<usize>()));
    book
}

/// A detail of a check as this voice says it.
#[must_use]
pub fn said(voice: &Voice, detail: &str) -> String {
    match voice.language() {
        Language::En => detail.to_owned(),
        Language::Ja => (detail.len() <= LENGTH)
            .then(|| translated(detail, DEPTH))
            .flatten()
            .unwrap_or_else(|| detail.to_owned()),
    }
}

/// In Japanese, where the book has any of it.
fn translated(text: &str, depth: usize) -> Option<String> {
    let deeper = depth.checked_sub(1)?;
    if let Some(said) = book()
        .iter()
        .find_map(|phrase| phrase.matches(text, deeper))
    {
        return Some(said);
    }
    // A phrase may hold what looks like a joint: where both sides are known, it is one.
    let mut partly = None;
    for (joint, between) in JOINTS {
        for (at, _) in text.match_indices(joint).take(SPLITS) {
            let (before, after) = (text.get(..at)?, text.get(at + joint.len()..)?);
            let (one, other) = (translated(before, deeper), translated(after, deeper));
            let whole = one.is_some() && other.is_some();
            if one.is_none() && other.is_none() || !whole && partly.is_some() {
                continue;
            }
            let one = one.unwrap_or_else(|| before.to_owned());
            let other = other.unwrap_or_else(|| after.to_owned());
            let said = format!("{one}{between}{other}");
            if whole {
                return Some(said);
            }
            partly = Some(said);
        }
    }
    partly
}

impl Phrase {
    /// What is said for a text that is this phrase.
    fn matches(&self, text: &str, deeper: usize) -> Option<String> {
        let (first, others) = self.parts.split_first()?;
        let mut rest = text.strip_prefix(first)?;
        let mut held = Vec::new();
        for (place, part) in others.iter().enumerate() {
            let is_last = place + 1 == others.len();
            let end = match (is_last, part.is_empty()) {
                (true, true) => rest.len(),
                (true, false) => rest.strip_suffix(part)?.len(),
                (false, _) => rest.find(part)?,
            };
            let hole = rest.get(..end)?;
            let quoted = is_last && self.quotes;
            // A hole that holds a joint holds another piece.
            if hole.is_empty() || !quoted && (hole.contains("; ") || hole.contains(": ")) {
                return None;
            }
            held.push((hole, quoted));
            rest = rest.get(end + part.len()..)?;
        }
        rest.is_empty().then(|| self.filled(&held, deeper))
    }

    /// The words with what the holes held, which may be a piece itself (`3 days ago`).
    fn filled(&self, held: &[(&str, bool)], deeper: usize) -> String {
        let mut said = String::new();
        let mut rest = self.said;
        while let Some((before, after)) = rest.split_once('{') {
            said.push_str(before);
            let (number, after) = after.split_once('}').unwrap_or((after, ""));
            let place = number.parse::<usize>().ok().and_then(|n| n.checked_sub(1));
            let hole = place.and_then(|place| held.get(place));
            let (hole, quoted) = hole.copied().unwrap_or_default();
            let own = book().iter().filter(|_| !quoted).find_map(|phrase| {
                let deeper = deeper.checked_sub(1)?;
                phrase.matches(hole, deeper)
            });
            said.push_str(own.as_deref().unwrap_or(hole));
            rest = after;
        }
        said.push_str(rest);
        said
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn japanese(detail: &str) -> String {
        said(&Voice::plain(Language::Ja), detail)
    }

    #[test]
    fn pieces_are_said_one_by_one_and_quotations_stay() {
        for (detail, wanted) in [
            ("nothing listens there", "待ち受けているものがありません"),
            (
                "HTTP status 502: the web server runs, but what stands behind it (PHP) does not answer; the body begins: <html>; x: y",
                "HTTP ステータス 502: Web サーバーは動いていますが、その背後（PHP）が応答しません。本文の先頭: <html>; x: y",
            ),
            (
                "HTTP status 404, expected 200-399: there is no such page; is the URL right?",
                "HTTP ステータス 404（期待値は 200-399）: そのページはありません。URL が正しいか確認してください",
            ),
            (
                "took 3.1 s, slower than 2 s",
                "3.1 s かかりました（基準は 2 s）",
            ),
            (
                "json `/n` is 1.0, expected \"1\"",
                "JSON の `/n` が 1.0 です（期待値は \"1\"）",
            ),
            (
                "the certificate expired on 2026-11-20, 3 days ago; renew it and reload the web server",
                "証明書の期限が 2026-11-20 に切れました（3 日前）。更新して、Web サーバーを再読み込みしてください",
            ),
            (
                "https://www.example.org/: no answer to the connection attempt",
                "https://www.example.org/: 接続に応答がありません",
            ),
            ("{1} {2} of somebody", "{1} {2} of somebody"),
            ("", ""),
        ] {
            assert_eq!(japanese(detail), wanted);
            assert_eq!(said(&Voice::english(), detail), detail);
        }
    }

    #[test]
    fn what_was_put_in_is_never_read_as_words() {
        assert_eq!(
            japanese("`{1}` not found in the body"),
            "本文に `{1}` がありません"
        );
    }

    /// A text of any number of joints ends soon.
    #[test]
    fn a_hostile_text_ends_soon() {
        for times in [200, 20_000] {
            let text = "a; b: c, ".repeat(times);
            assert_eq!(japanese(&text), text);
        }
    }
}
