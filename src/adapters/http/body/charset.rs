//! A body as text, while it comes: by byte order mark, declared charset, what the page says, else UTF-8.
//!
//! Only the text is kept, never the bytes beside it, and no more of it than its cap: bytes that are no text at all unfold
//! to three times their size. What does not fit a charset becomes `�`. A page's first 1024 bytes are waited for, as its
//! charset may stand in them.

use std::mem;

use encoding_rs::{CoderResult, Decoder, Encoding, UTF_8};
use reqwest::header::{self, HeaderMap};

/// How far into a page a `<meta charset>` is looked for (HTML: the first 1024 bytes).
const SNIFFED: usize = 1024;

/// Decoded at once.
const STEP: usize = 4096;

/// What is kept grows by doubling up to here. A longer text gets all the room that it may need at once: memory that is not
/// written costs nothing, and every doubling leaves its smaller half behind in the allocator.
const GROWS: usize = 64 * 1024;

/// The text so far.
pub(super) struct Text {
    declared: Option<&'static Encoding>,
    reading: Reading,
    text: String,
    cap: usize,
    cut: bool,
}

/// How bytes become text.
enum Reading {
    /// Not known before this is long enough.
    Head(Vec<u8>),
    /// UTF-8, and the bytes of a character that is not whole yet.
    Utf8(Vec<u8>),
    Other(Box<Decoder>),
}

impl Text {
    /// Of a body with these headers, no longer than `cap` bytes.
    pub(super) fn of(headers: &HeaderMap, cap: u64) -> Self {
        Self {
            declared: declared(headers),
            reading: Reading::Head(Vec::new()),
            text: String::new(),
            cap: usize::try_from(cap).unwrap_or(usize::MAX),
            cut: false,
        }
    }

    /// The next bytes.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let Reading::Head(head) = &mut self.reading else {
            return self.read(bytes, false);
        };
        if head.is_empty() && bytes.len() >= SNIFFED {
            return self.begin(bytes);
        }
        head.extend_from_slice(bytes);
        if head.len() >= SNIFFED {
            let head = mem::take(head);
            self.begin(&head);
        }
    }

    /// The text, and whether it is cut.
    pub(super) fn end(mut self) -> (String, bool) {
        if let Reading::Head(head) = &mut self.reading {
            let head = mem::take(head);
            self.begin(&head);
        }
        self.read(&[], true);
        (self.text, self.cut)
    }

    /// The first bytes: they say how the rest is read.
    fn begin(&mut self, head: &[u8]) {
        let (encoding, mark) = Encoding::for_bom(head).unwrap_or_else(|| {
            let encoding = self.declared.or_else(|| in_page(head));
            (encoding.unwrap_or(UTF_8), 0)
        });
        self.reading = if encoding == UTF_8 {
            Reading::Utf8(Vec::new())
        } else {
            Reading::Other(Box::new(encoding.new_decoder_without_bom_handling()))
        };
        self.read(head.get(mark..).unwrap_or_default(), false);
    }

    fn read(&mut self, bytes: &[u8], last: bool) {
        if self.cut {
            return;
        }
        match mem::replace(&mut self.reading, Reading::Head(Vec::new())) {
            Reading::Head(head) => self.reading = Reading::Head(head),
            Reading::Utf8(rest) => {
                let rest = self.read_utf8(rest, bytes, last);
                self.reading = Reading::Utf8(rest);
            }
            Reading::Other(mut decoder) => {
                self.decode(&mut decoder, bytes, last);
                self.reading = Reading::Other(decoder);
            }
        }
    }

    /// `rest` goes before the bytes; what is left of a last character comes back.
    fn read_utf8(&mut self, mut rest: Vec<u8>, bytes: &[u8], last: bool) -> Vec<u8> {
        let bytes = if rest.is_empty() {
            bytes
        } else {
            rest.extend_from_slice(bytes);
            &rest
        };
        // Nearly every page is right, and is read many bytes at a time here.
        let bytes = match std::str::from_utf8(bytes) {
            Ok(text) => {
                self.take(text);
                return Vec::new();
            }
            Err(wrong) => {
                let (text, rest) = bytes.split_at(wrong.valid_up_to());
                self.take(std::str::from_utf8(text).unwrap_or_default());
                rest
            }
        };
        let mut chunks = bytes.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            self.take(chunk.valid());
            let invalid = chunk.invalid();
            let unfinished =
                || std::str::from_utf8(invalid).is_err_and(|e| e.error_len().is_none());
            if !last && chunks.peek().is_none() && unfinished() {
                return invalid.to_vec();
            }
            if !invalid.is_empty() {
                self.take("\u{fffd}");
            }
        }
        Vec::new()
    }

    fn decode(&mut self, decoder: &mut Decoder, mut bytes: &[u8], last: bool) {
        let mut buffer = [0; STEP];
        loop {
            let (result, read, written, _) = decoder.decode_to_utf8(bytes, &mut buffer, last);
            let made = buffer.get(..written).unwrap_or_default();
            self.take(std::str::from_utf8(made).unwrap_or_default());
            bytes = bytes.get(read..).unwrap_or_default();
            if result == CoderResult::InputEmpty || self.cut {
                return;
            }
        }
    }

    fn take(&mut self, part: &str) {
        if self.cut {
            return;
        }
        let mut end = part.len().min(self.cap - self.text.len());
        self.cut |= end < part.len();
        while !part.is_char_boundary(end) {
            end -= 1;
        }
        if self.text.len() + end > self.text.capacity().max(GROWS) {
            self.text.reserve_exact(self.cap - self.text.len());
        }
        self.text.push_str(part.get(..end).unwrap_or_default());
    }
}

fn declared(headers: &HeaderMap) -> Option<&'static Encoding> {
    let kind = headers.get(header::CONTENT_TYPE)?.as_bytes();
    label_after(&kind.to_ascii_lowercase(), b"charset")
}

/// What the page says of itself: an XML declaration, else the first `<meta>` with a charset, in either form. A page that
/// could be read so far is not UTF-16, whatever it says.
fn in_page(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = bytes.get(..SNIFFED).unwrap_or(bytes).to_ascii_lowercase();
    let tag = |opening: &[u8], key: &[u8]| {
        let mut rest = head.as_slice();
        while let Some(at) = find(rest, opening) {
            rest = rest.get(at + opening.len()..)?;
            let end = find(rest, b">").unwrap_or(rest.len());
            if let Some(encoding) = label_after(rest.get(..end)?, key) {
                return Some(encoding);
            }
        }
        None
    };
    let xml = head
        .starts_with(b"<?xml")
        .then(|| tag(b"<?xml", b"encoding"));
    xml.flatten()
        .or_else(|| tag(b"<meta", b"charset"))
        .map(|encoding| {
            let wide = [encoding_rs::UTF_16LE, encoding_rs::UTF_16BE];
            if wide.contains(&encoding) {
                UTF_8
            } else {
                encoding
            }
        })
}

fn find(text: &[u8], word: &[u8]) -> Option<usize> {
    text.windows(word.len()).position(|window| window == word)
}

/// The encoding named after the first `key` that an equals sign follows.
fn label_after(lower: &[u8], key: &[u8]) -> Option<&'static Encoding> {
    let mut rest = lower;
    while let Some(at) = find(rest, key) {
        rest = rest.get(at + key.len()..)?;
        if let Some(value) = rest.trim_ascii_start().strip_prefix(b"=") {
            let value = value.trim_ascii_start();
            let value = value
                .strip_prefix(b"\"")
                .or(value.strip_prefix(b"'"))
                .unwrap_or(value);
            let end = value
                .iter()
                .position(|b| !(b.is_ascii_alphanumeric() || b"-_:".contains(b)))
                .unwrap_or(value.len());
            return Encoding::for_label(value.get(..end)?);
        }
    }
    None
}

/// The text of a whole body.
#[cfg(test)]
pub(super) fn text(bytes: &[u8], headers: &HeaderMap) -> String {
    let mut text = Text::of(headers, 1 << 20);
    bytes.chunks(97).for_each(|part| text.push(part));
    text.end().0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text of a whole body, which comes in two parts cut anywhere.
    fn text(bytes: &[u8], headers: &HeaderMap) -> String {
        let whole = super::text(bytes, headers);
        for cut in 0..bytes.len() {
            let mut text = Text::of(headers, 1 << 20);
            text.push(&bytes[..cut]);
            text.push(&bytes[cut..]);
            assert_eq!(text.end(), (whole.clone(), false), "cut at {cut}");
        }
        whole
    }

    #[test]
    fn a_text_is_never_longer_than_its_cap() {
        let (shift_jis, ..) = encoding_rs::SHIFT_JIS.encode("重大なエラー");
        for (label, bytes) in [
            ("utf-8", "äß".repeat(900).into_bytes()),
            ("utf-8", vec![0xff; 4000]),
            ("windows-1252", vec![0xe9; 4000]),
            ("shift_jis", shift_jis.repeat(400)),
        ] {
            let mut headers = HeaderMap::new();
            let kind = format!("text/html; charset={label}");
            headers.insert(header::CONTENT_TYPE, kind.parse().unwrap());
            let mut text = Text::of(&headers, 2000);
            bytes.chunks(700).for_each(|part| text.push(part));
            let (text, cut) = text.end();
            assert!(
                cut && (1990..=2000).contains(&text.len()),
                "{label}: {}",
                text.len()
            );
        }
    }

    #[test]
    fn what_is_no_utf_8_is_told_as_others_do() {
        for bytes in [
            b"a\xffb\xe3\x81".as_slice(),
            b"\xe3\x81\x82\xe3\x81x",
            b"\xf0\x9f\x98",
            b"\xc0\x80\xed\xa0\x80",
        ] {
            assert_eq!(
                text(bytes, &HeaderMap::new()),
                String::from_utf8_lossy(bytes)
            );
        }
    }

    #[test]
    fn text_follows_the_declared_charset() {
        let word = "重大なエラー";
        let (shift_jis, ..) = encoding_rs::SHIFT_JIS.encode(word);
        let mut headers = HeaderMap::new();
        assert!(!text(&shift_jis, &headers).contains(word));
        let page = [b"<meta charset=\"Shift_JIS\">".as_slice(), &shift_jis].concat();
        assert!(text(&page, &headers).contains(word));
        let kind = "text/html; charset=Shift_JIS".parse().unwrap();
        headers.insert(header::CONTENT_TYPE, kind);
        assert_eq!(text(&shift_jis, &headers), word);
    }

    #[test]
    fn the_page_says_its_charset_in_many_ways() {
        let word = "重大なエラー";
        for (label, encoding) in [
            ("Shift_JIS", encoding_rs::SHIFT_JIS),
            ("EUC-JP", encoding_rs::EUC_JP),
            ("ISO-2022-JP", encoding_rs::ISO_2022_JP),
        ] {
            let (bytes, ..) = encoding.encode(word);
            for head in [
                format!("<meta charset={label}>"),
                format!("<META CHARSET = '{label}' />"),
                format!("<script charset=utf-8></script><meta charset=\"{label}\">"),
                format!("<meta name=x content=charset><meta charset=\"{label}\">"),
                format!(
                    "<meta http-equiv=\"Content-Type\" content=\"text/html; charset={label}\">"
                ),
                format!("<?xml version=\"1.0\" encoding=\"{label}\"?><html>"),
            ] {
                let page = [head.as_bytes(), &bytes].concat();
                assert!(text(&page, &HeaderMap::new()).ends_with(word), "{head}");
            }
        }
        let (shift_jis, ..) = encoding_rs::SHIFT_JIS.encode(word);
        let page = [b"<meta charset=utf-8>".as_slice(), &shift_jis].concat();
        let mut headers = HeaderMap::new();
        let kind = "text/html;charset=\"shift_jis\"".parse().unwrap();
        headers.insert(header::CONTENT_TYPE, kind);
        assert!(
            text(&page, &headers).ends_with(word),
            "the header is above the page"
        );
        let marked = ["\u{feff}".as_bytes(), word.as_bytes()].concat();
        assert_eq!(
            text(&marked, &headers),
            word,
            "the mark is above the header"
        );
        let wide = "<meta charset=utf-16>é";
        assert_eq!(text(wide.as_bytes(), &HeaderMap::new()), wide);
    }
}
