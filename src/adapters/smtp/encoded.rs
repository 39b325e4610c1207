//! The text of a header as RFC 2047 has it: plain where it is plain ASCII, encoded words elsewhere.
//!
//! No word cuts a letter in two, none is longer than 75, and none but the last has padding: some readers put the words of a
//! header together before they decode, and lose what follows padding in between. Where base64 would need it, the word is
//! quoted-printable.

use base64::prelude::{BASE64_STANDARD, Engine as _};

/// Letters of a line; RFC 5322 asks for no more than 78.
const LINE: usize = 76;

/// Bytes in one encoded word: 60 letters of base64, with the twelve around them 72.
const BYTES: usize = 45;

/// Letters in one word that is quoted; with the twelve around them 75.
const QUOTED: usize = 63;

/// The value of the header `name`, folded; ASCII without control characters whatever `text` is.
pub(super) fn header(name: &str, text: &str) -> String {
    let words: Vec<&str> = text.split(' ').filter(|word| !word.is_empty()).collect();
    let first = words.iter().position(|word| !is_plain(word));
    let last = words.iter().rposition(|word| !is_plain(word));
    let mut pieces: Vec<String> = Vec::new();
    match (first, last) {
        (Some(first), Some(last)) => {
            let plain = |words: Option<&[&str]>| {
                let words = words.unwrap_or_default().iter();
                words.map(|word| (*word).to_owned()).collect::<Vec<_>>()
            };
            pieces.extend(plain(words.get(..first)));
            let between = words.get(first..=last).unwrap_or_default().join(" ");
            pieces.extend(encoded(&between));
            pieces.extend(plain(words.get(last + 1..)));
        }
        (_, _) => pieces.extend(words.iter().map(|word| (*word).to_owned())),
    }
    fold(name.len() + 2, &pieces)
}

/// Whether a word may stand as it is: also none that a reader would decode, none that is longer than a line.
fn is_plain(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_graphic()) && !word.contains("=?") && word.len() < LINE
}

fn encoded(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (word, after) = match unpadded(rest) {
            Some(end) => {
                let (chunk, after) = rest.split_at(end);
                (
                    format!("=?utf-8?b?{}?=", BASE64_STANDARD.encode(chunk)),
                    after,
                )
            }
            None => quoted(rest),
        };
        words.push(word);
        rest = after;
    }
    words
}

/// How many bytes of a text one word takes in base64: all that is left, or a multiple of three, unless that were few.
fn unpadded(text: &str) -> Option<usize> {
    if text.len() <= BYTES {
        return Some(text.len());
    }
    let ends = text.char_indices().map(|(at, c)| at + c.len_utf8());
    let fitting = ends.take_while(|end| *end <= BYTES);
    fitting
        .filter(|end| end.is_multiple_of(3) && *end > BYTES / 2)
        .last()
}

/// One word in the encoding that never pads, and what is left.
fn quoted(text: &str) -> (String, &str) {
    let mut word = String::new();
    let mut taken = 0;
    for c in text.chars() {
        let mut bytes = [0; 4];
        let letters: String = match c {
            ' ' => "_".to_owned(),
            c if c.is_ascii_alphanumeric() => c.to_string(),
            c => {
                let bytes = c.encode_utf8(&mut bytes).bytes();
                bytes.map(|byte| format!("={byte:02X}")).collect()
            }
        };
        if word.len() + letters.len() > QUOTED {
            break;
        }
        word.push_str(&letters);
        taken += c.len_utf8();
    }
    let rest = text.get(taken..).unwrap_or_default();
    (format!("=?utf-8?q?{word}?="), rest)
}

fn fold(indent: usize, pieces: &[String]) -> String {
    let mut out = String::new();
    let mut column = indent;
    for (index, piece) in pieces.iter().enumerate() {
        if index > 0 && column + 1 + piece.len() > LINE {
            out.push_str("\r\n ");
            column = 1;
        } else if index > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(piece);
        column += piece.len();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_stays_and_the_rest_is_one_run_of_whole_letters() {
        assert_eq!(
            header("Subject", "[UP] shop: back (web1)"),
            "[UP] shop: back (web1)"
        );
        assert_eq!(
            header("Subject", "[UP] shop: 復旧 (web1)"),
            "[UP] shop: =?utf-8?b?5b6p5pen?= (web1)"
        );
        assert_eq!(
            header("Subject", "a =?utf-8?q?x?= b"),
            "a =?utf-8?b?PT91dGYtOD9xP3g/PQ==?= b"
        );
        assert_eq!(header("Subject", "\r\nBcc:"), "=?utf-8?b?DQpCY2M6?=");
        let shifted = header("Subject", &format!("é: {}", "証".repeat(30)));
        assert!(
            shifted.starts_with("=?utf-8?q?=C3=A9=3A_=E8=A8=BC"),
            "{shifted}"
        );
        let long = header("Subject", &"証明書の期限が近い🍣1 ".repeat(20));
        let words: Vec<&str> = long
            .split("\r\n ")
            .flat_map(|line| line.split(' '))
            .collect();
        assert!(words.iter().all(|word| word.len() <= 75), "{long}");
        let padded = words.iter().filter(|word| word.contains("=?=")).count();
        assert!(padded <= 1, "{long}");
        assert!(long.split("\r\n").all(|line| line.len() <= 76), "{long}");
    }
}
