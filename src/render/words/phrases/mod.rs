//! What a probe saw, in the reader's language.
//!
//! The prober speaks English, in the log, in the JSON documents and at the terminal, and what it says is put together from
//! pieces: `HTTP status 502: the web server runs, but …; the body begins: …`. Mails in another language say the pieces that
//! stand in their phrase book (`ja/details.txt`) in theirs, and leave what was quoted, and any other piece, as it is. A file
//! `details.txt` in `alerts.templates` says phrases of the book in other words, in any language.

mod reader;
mod written;

pub(super) use written::{Written, Wrong};

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::LazyLock;

use crate::model::{Cause, Language};

use super::catalogue::{File, pieces};
use written::{Hole, Part, parts, split, written, wrong};

/// The name of the file, without `.txt`.
pub(super) const NAME: &str = "details";

/// The book that comes with probe; its first lines are all that the prober says.
const JA: &str = include_str!("../ja/details.txt");

/// An English piece with holes, and what is said for it.
#[derive(Debug, Clone)]
struct Phrase {
    /// As it is written.
    english: String,
    /// What stands before the first hole.
    begins: String,
    /// The holes, and what stands behind each.
    holes: Vec<(Hole, String)>,
    /// What is said.
    said: Vec<Part>,
}

/// Phrases, those that say more of themselves first.
#[derive(Debug, Clone)]
pub(super) struct Book {
    language: Language,
    phrases: Vec<Phrase>,
}

impl Book {
    /// The one that comes with probe.
    pub(super) fn ours(language: Language) -> &'static Self {
        static EN: LazyLock<Book> = LazyLock::new(Book::english);
        static JA: LazyLock<Book> = LazyLock::new(Book::japanese);
        match language {
            Language::En => &EN,
            Language::Ja => &JA,
        }
    }

    /// Ours with what people say in place of it, as far as nothing is wrong with that; the rest is told.
    pub(super) fn with<'a>(language: Language, text: &'a str) -> (Self, Vec<(Written<'a>, Wrong)>) {
        let mut book = Self::ours(language).clone();
        let mut complaints = Vec::new();
        let mut seen = BTreeSet::new();
        for own in written(text) {
            let twice = !seen.insert(own.english);
            if let Some(wrong) = wrong(own).or(twice.then_some(Wrong::Twice)) {
                complaints.push((own, wrong));
                continue;
            }
            let phrases = book.phrases.iter_mut();
            for phrase in phrases.filter(|phrase| phrase.english == own.english) {
                phrase.say(own.said.unwrap_or_default());
            }
        }
        (book, complaints)
    }

    /// What the prober says, as it says it.
    fn english() -> Self {
        let phrases = written(JA).into_iter().map(|phrase| {
            let mut phrase = Phrase::new(phrase.english);
            phrase.said.push(Part::Text(phrase.begins.clone()));
            for (hole, (_, behind)) in phrase.holes.iter().enumerate() {
                let after = Part::Text(behind.clone());
                phrase.said.extend([Part::Held(hole), after]);
            }
            phrase
        });
        Self::sorted(Language::En, phrases.collect())
    }

    /// The phrases in Japanese, with the short names of causes, which stand in some details.
    fn japanese() -> Self {
        let causes = pieces(File::Causes.text(Language::Ja));
        let short = |cause: &Cause| {
            let name = format!("{}.short", cause.word());
            let piece = causes.iter().find(|piece| piece.name == name)?;
            Some((cause.phrase(), piece.text))
        };
        let causes = Cause::ALL.iter().filter_map(short);
        let written = written(JA).into_iter();
        let pairs = written.filter_map(|phrase| Some((phrase.english, phrase.said?)));
        let phrases = pairs.chain(causes).map(|(english, said)| {
            let mut phrase = Phrase::new(english);
            phrase.say(said);
            phrase
        });
        Self::sorted(Language::Ja, phrases.collect())
    }

    /// A phrase that is said around a whole detail is looked for first, then the one that says more of itself.
    fn sorted(language: Language, mut phrases: Vec<Phrase>) -> Self {
        phrases.sort_by_key(|phrase| {
            let around = phrase.holes.iter().any(|(hole, _)| *hole == Hole::Detail);
            let behind = phrase.holes.iter().map(|(_, text)| text.len());
            Reverse((around, phrase.begins.len() + behind.sum::<usize>()))
        });
        Self { language, phrases }
    }

    /// A detail of a check in the words of the book.
    pub(super) fn said(&self, detail: &str) -> String {
        reader::read(self, detail)
    }
}

impl Phrase {
    /// One that says nothing yet.
    fn new(english: &str) -> Self {
        let (begins, holes) = split(english);
        Self {
            english: english.to_owned(),
            begins,
            holes,
            said: Vec::new(),
        }
    }

    /// Says this; a mark that means none of the holes changes nothing.
    fn say(&mut self, said: &str) {
        if let Ok(said) = parts(said, self.holes.len()) {
            self.said = said;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn japanese(detail: &str) -> String {
        Book::ours(Language::Ja).said(detail)
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
                "took 3.1 s, slower than 2.0 s",
                "3.1 秒かかりました（基準は 2.0 秒）",
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
            (
                "what answers is not valid HTTP (its first lines cannot be parsed): a broken server, or something else listens there, on two connections in a row",
                "正しい HTTP の応答ではありません（先頭の行を解釈できません）。サーバーの故障か、別のものが待ち受けています（接続 2 回とも）",
            ),
            (
                "`a; b` not found in the body; the body begins: x (at https://b.test/, after 1 redirect)",
                "本文に `a; b` がありません。本文の先頭: x（リダイレクト 1 回の後、https://b.test/ で確認）",
            ),
            (
                "its last good address 192.0.2.1 answers, but not well (HTTP status 502: server error)",
                "以前のアドレス 192.0.2.1 は応答しますが、正常ではありません（HTTP ステータス 502、サーバーエラー）",
            ),
            ("{1} {2} of somebody", "{1} {2} of somebody"),
            ("", ""),
        ] {
            assert_eq!(japanese(detail), wanted);
            assert_eq!(Book::ours(Language::En).said(detail), detail);
        }
    }

    #[test]
    fn what_was_put_in_is_never_read_as_words() {
        for quoted in ["{1}", "connected", "nothing listens there"] {
            let detail = format!("`{quoted}` not found in the body");
            assert_eq!(japanese(&detail), format!("本文に `{quoted}` がありません"));
        }
    }

    #[test]
    fn ones_own_words_are_said_in_place_of_ours_in_any_language() {
        let text = "nothing listens there\n  nobody home\ntook {}, slower than {}\n  {2} is the limit, {1} it was\n";
        let own = |language| {
            let (book, wrong) = Book::with(language, text);
            assert!(wrong.is_empty(), "{wrong:?}");
            book
        };
        let detail = "took 3.1 s, slower than 2.0 s (at https://b.test/, after 2 redirects)";
        assert_eq!(
            own(Language::En).said(detail),
            "2.0 s is the limit, 3.1 s it was (at https://b.test/, after 2 redirects)"
        );
        let detail = "nothing listens there; connected; what nobody knows";
        assert_eq!(
            own(Language::En).said(detail),
            "nobody home; connected; what nobody knows"
        );
        assert_eq!(
            own(Language::Ja).said(detail),
            "nobody home。接続できました。what nobody knows"
        );
    }

    #[test]
    fn what_is_wrong_with_a_phrase_is_known() {
        let text = "nobody says this\n  x\ntook {}, slower than {}\n  {1} {3}\n\
                    took {}, slower than {}\n  {1}\nconnected\nsilent\n  ok\nsilent\n  no\n";
        let (book, wrong) = Book::with(Language::En, text);
        let found: Vec<(usize, Wrong)> = wrong.into_iter().map(|(at, it)| (at.line, it)).collect();
        assert_eq!(
            found,
            [
                (1, Wrong::Unknown),
                (3, Wrong::Mark("{3}".to_owned())),
                (5, Wrong::Hole(2)),
                (7, Wrong::Silent),
                (10, Wrong::Twice),
            ]
        );
        assert_eq!(book.said("silent"), "ok");
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
