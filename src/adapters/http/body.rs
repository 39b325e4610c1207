//! Reading a response's body: no more than allowed, and as text by its declared charset.
//!
//! Decoded bytes count against `max_body`, so a small compressed body that unfolds without end costs no more memory
//! than a plain one; and an encoded body may take [`limits::ENCODING_ROOM`] more than that on the wire, so one that
//! unfolds to nothing ends too. Either way the rest is not read, which by itself is no fault. Only what the judgement
//! needs is kept.

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

/// What was read.
#[derive(Debug, Default)]
pub(super) struct Body {
    /// The part that was kept.
    pub(super) bytes: Vec<u8>,
    /// There was more than the cap.
    pub(super) capped: bool,
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

/// Reads at most `cap` decoded bytes and keeps at most `keep` of them.
pub(super) async fn read(
    response: &mut Response,
    cap: u64,
    keep: u64,
    sight: &Sight,
) -> Result<Body, Broken> {
    let limit = cap.saturating_add(limits::ENCODING_ROOM);
    let mut decoders = Decoders::try_of(response.headers(), limit);
    let mut kept = Kept {
        body: Body::default(),
        read: 0,
        cap,
        keep,
    };
    while let Some(chunk) = response.chunk().await.map_err(Broken::Wire)? {
        for slice in chunk.chunks(SLICE) {
            let decoders = decoders.as_mut();
            let decoders = decoders.map_err(|words| Broken::Encoding(words.clone()))?;
            let flow = decoders.feed(slice, &mut kept);
            sight.learn(|result| result.body_bytes = kept.read);
            if flow? == Flow::Full {
                kept.body.capped = true;
                return Ok(kept.body);
            }
            tokio::task::yield_now().await;
        }
    }
    if let Ok(decoders) = decoders {
        let ended = decoders.finish(&mut kept);
        sight.learn(|result| result.body_bytes = kept.read);
        kept.body.capped = ended? == Flow::Full;
    }
    Ok(kept.body)
}

/// The decoded body, between its caps.
struct Kept {
    body: Body,
    read: u64,
    cap: u64,
    keep: u64,
}

impl Sink for Kept {
    fn take(&mut self, bytes: &[u8]) -> Flow {
        let left = usize::try_from(self.cap - self.read).unwrap_or(usize::MAX);
        let part = bytes.get(..left).unwrap_or(bytes);
        let room = self.keep.saturating_sub(self.body.bytes.len() as u64);
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        let body = &mut self.body.bytes;
        body.extend_from_slice(part.get(..room).unwrap_or(part));
        self.read += part.len() as u64;
        if part.len() < bytes.len() {
            Flow::Full
        } else {
            Flow::On
        }
    }
}

/// The bytes as text: by byte order mark, `Content-Type`, `<meta charset>`, else UTF-8; what does not fit becomes `�`.
pub(super) fn text(bytes: &[u8], headers: &HeaderMap) -> String {
    let encoding = declared(headers)
        .or_else(|| in_page(bytes))
        .unwrap_or(UTF_8);
    encoding.decode(bytes).0.into_owned()
}

fn declared(headers: &HeaderMap) -> Option<&'static Encoding> {
    let kind = headers.get(header::CONTENT_TYPE)?.as_bytes();
    label_after(kind, b"charset=")
}

fn in_page(bytes: &[u8]) -> Option<&'static Encoding> {
    label_after(bytes.get(..SNIFFED).unwrap_or(bytes), b"charset=")
}

fn label_after(bytes: &[u8], key: &[u8]) -> Option<&'static Encoding> {
    let lower = bytes.to_ascii_lowercase();
    let at = lower.windows(key.len()).position(|window| window == key)?;
    let rest = lower.get(at + key.len()..)?;
    let rest = rest
        .strip_prefix(b"\"")
        .or(rest.strip_prefix(b"'"))
        .unwrap_or(rest);
    let end = rest
        .iter()
        .position(|b| !(b.is_ascii_alphanumeric() || b"-_:".contains(b)))
        .unwrap_or(rest.len());
    Encoding::for_label(rest.get(..end)?)
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
}
