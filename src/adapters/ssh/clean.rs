//! Makes what a remote command printed safe to show: on a terminal, in a log line, in a mail.
//!
//! The result holds no control character but newline and tab. Whole terminal sequences (colours, titles, cursor moves)
//! are removed. Every other control character, every invisible mark that turns the direction of text and every byte
//! that is not UTF-8 becomes `U+FFFD`, and a run of these becomes one. A carriage return starts a new line instead of
//! overwriting the old one, so nothing that was printed is hidden.

use crate::model::Piece;

/// Stands in place of what is not shown.
const MARK: char = char::REPLACEMENT_CHARACTER;

/// The text of `bytes` without anything that could fool a terminal or a reader.
pub(super) fn clean(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut out = String::with_capacity(text.len());
    for piece in Piece::of(&text) {
        match piece {
            Piece::Plain(MARK) | Piece::Unfit => {
                if !out.ends_with(MARK) {
                    out.push(MARK);
                }
            }
            Piece::Plain(c) | Piece::Space(c) => out.push(c),
            Piece::Break => out.push('\n'),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table() {
        for (dirty, expected) in [
            (&b"plain\n\ttext\n"[..], "plain\n\ttext\n"),
            (b"\x1b[1;31mred\x1b[0m", "red"),
            (b"\x1b]0;title\x07shown", "shown"),
            (b"\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
            (b"\x1b]0;unfinished\nnext", "\u{fffd}]0;unfinished\nnext"),
            (b"\x1b(Bx\x1bMy", "xy"),
            (b"\x1b[2J\x1b[Hwiped", "wiped"),
            (b"50%\r100%\r\n", "50%\n100%\n"),
            (b"evil\rgood", "evil\ngood"),
            (b"pass\x08\x08word", "pass\u{fffd}word"),
            (b"\xff\xfe\xfdraw", "\u{fffd}raw"),
            (b"nul\0\0bel\x07", "nul\u{fffd}bel\u{fffd}"),
            (b"\x1b[31", "\u{fffd}[31"),
            (b"\x1b", "\u{fffd}"),
            ("c1 \u{9b}31mred \u{85}".as_bytes(), "c1 red \n"),
            ("a\u{202e}b\u{2066}c".as_bytes(), "a\u{fffd}b\u{fffd}c"),
            ("再起動しました 👩‍🔧".as_bytes(), "再起動しました 👩‍🔧"),
            (b"", ""),
        ] {
            assert_eq!(
                clean(dirty),
                expected,
                "{}",
                String::from_utf8_lossy(dirty).escape_debug()
            );
        }
    }

    #[test]
    fn nothing_that_steers_a_terminal_comes_out_of_anything() {
        let pieces: [&[u8]; 14] = [
            b"\x1b",
            b"[",
            b"]",
            b"\r",
            b"\n",
            b"\x07",
            b"\x9b",
            "\u{9b}".as_bytes(),
            "\u{202e}".as_bytes(),
            b"\\",
            b"31m",
            b"\0",
            "再".as_bytes(),
            b"P",
        ];
        for seed in 0..2000 {
            let mut random = fastrand::Rng::with_seed(seed);
            let mut dirty = Vec::new();
            for _ in 0..random.usize(..60) {
                if random.u8(..3) == 0 {
                    dirty.push(random.u8(..));
                } else {
                    dirty.extend_from_slice(pieces[random.usize(..pieces.len())]);
                }
            }
            let cleaned = clean(&dirty);
            let bad = cleaned.chars().find(|c| {
                (c.is_control() && !matches!(c, '\n' | '\t')) || crate::model::misleads(*c)
            });
            assert_eq!(bad, None, "seed {seed}: {dirty:?} gave {cleaned:?}");
            assert_eq!(
                clean(cleaned.as_bytes()),
                cleaned,
                "seed {seed}: cleaning twice changes nothing"
            );
            assert!(cleaned.len() <= 2 * dirty.len() + 3, "seed {seed}: grew");
        }
    }
}
