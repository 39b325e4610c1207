//! Reading a response's body: no more than allowed, and as text by its declared charset.
//!
//! Decoded bytes count against `max_body`, so a small compressed body that unfolds without end costs no more memory
//! than a plain one; and an encoded body may take [`limits::ENCODING_ROOM`] more than that on the wire, so one that
//! unfolds to nothing ends too. Either way the rest is not read, which by itself is no fault. Only what the judgement
//! needs is kept.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8};
use reqwest::Response;
use reqwest::header::{self, HeaderMap};

use super::decode::{Decoders, Flow, Sink};
use super::trace::Sight;
use crate::model::limits;

/// How far into a page a `<meta charset>` is looked for (HTML: the first 1024 bytes).
const SNIFFED: usize = 1024;

/// Wire bytes decoded at once; in between, other tasks run and the deadline may strike.
const SLICE: usize = 16 * 1024;

/// What is kept grows by doubling up to here. A longer body gets all the room that it may need at once: memory that is not
/// written costs nothing, and every doubling leaves its smaller half behind in the allocator.
const GROWS: usize = 64 * 1024;

/// What was read.
#[derive(Debug, Default)]
pub(super) struct Body {
    /// The part that was kept.
    pub(super) bytes: Vec<u8>,
    /// Decoded bytes that were read.
    pub(super) read: u64,
    /// There was more than the cap.
    pub(super) capped: bool,
}

impl Body {
    /// All of it was kept.
    pub(super) fn is_whole(&self) -> bool {
        !self.capped && self.bytes.len() as u64 == self.read
    }
}

/// Why a body could not be read.
#[derive(Debug)]
pub(super) enum Broken {
    /// It did not arrive.
    Wire(reqwest::Error),
    /// It arrived, but is not what its `Content-Encoding` says; in words.
    Encoding(String),
}

impl From<std::io::Error> for Broken {
    fn from(error: std::io::Error) -> Self {
        Self::Encoding(format!("the body's encoding is broken ({error})"))
    }
}

/// Reads at most `cap` decoded bytes and keeps at most `keep` of them in `body`, which holds what came also when the rest
/// does not come.
pub(super) async fn read(
    response: &mut Response,
    cap: u64,
    keep: u64,
    sight: &Sight,
    body: &mut Body,
) -> Result<(), Broken> {
    let limit = cap.saturating_add(limits::ENCODING_ROOM);
    let mut decoders = Decoders::try_of(response.headers(), limit);
    let mut kept = Kept { body, cap, keep };
    while let Some(chunk) = response.chunk().await.map_err(Broken::Wire)? {
        for slice in chunk.chunks(SLICE) {
            let decoders = decoders.as_mut();
            let decoders = decoders.map_err(|words| Broken::Encoding(words.clone()))?;
            let flow = decoders.feed(slice, &mut kept);
            sight.learn(|result| result.body_bytes = kept.body.read);
            if flow? == Flow::Full {
                kept.body.capped = true;
                return Ok(());
            }
            tokio::task::yield_now().await;
        }
    }
    if let Ok(decoders) = decoders {
        let ended = decoders.finish(&mut kept);
        sight.learn(|result| result.body_bytes = kept.body.read);
        kept.body.capped = ended? == Flow::Full;
    }
    Ok(())
}

/// The decoded body, between its caps.
struct Kept<'b> {
    body: &'b mut Body,
    cap: u64,
    keep: u64,
}

impl Sink for Kept<'_> {
    fn take(&mut self, bytes: &[u8]) -> Flow {
        let left = usize::try_from(self.cap - self.body.read).unwrap_or(usize::MAX);
        let part = bytes.get(..left).unwrap_or(bytes);
        let room = self.keep.saturating_sub(self.body.bytes.len() as u64);
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        let body = &mut self.body.bytes;
        let kept = part.get(..room).unwrap_or(part);
        if body.len() + kept.len() > body.capacity().max(GROWS) {
            body.reserve_exact(usize::try_from(self.keep).unwrap_or(usize::MAX) - body.len());
        }
        body.extend_from_slice(kept);
        self.body.read += part.len() as u64;
        if part.len() < bytes.len() {
            Flow::Full
        } else {
            Flow::On
        }
    }
}

/// The bytes as text: by byte order mark, `Content-Type`, what the page says, else UTF-8; what does not fit becomes `�`.
pub(super) fn text<'b>(bytes: &'b [u8], headers: &HeaderMap) -> Cow<'b, str> {
    let encoding = declared(headers)
        .or_else(|| in_page(bytes))
        .unwrap_or(UTF_8);
    encoding.decode(bytes).0
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
    let xml = head.starts_with(b"<?xml");
    let encoding = tag(b"<?xml", b"encoding").filter(|_| xml);
    encoding
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

#[cfg(test)]
mod tests {
    use super::*;

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
