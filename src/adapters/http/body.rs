//! Reading a response's body: no more than allowed, and as text by its declared charset.
//!
//! Decoded bytes count against `max_body`, so a small compressed body that unfolds without end costs no more memory
//! than a plain one. Only what the judgement needs is kept.

use encoding_rs::{Encoding, UTF_8};
use reqwest::Response;
use reqwest::header::{self, HeaderMap};

use super::trace::Sight;

/// How far into a page a `<meta charset>` is looked for (HTML: the first 1024 bytes).
const SNIFFED: usize = 1024;

/// What was read.
#[derive(Debug, Default)]
pub(super) struct Body {
    /// The part that was kept.
    pub(super) bytes: Vec<u8>,
    /// There was more than the cap.
    pub(super) capped: bool,
}

/// Reads at most `cap` bytes and keeps at most `keep` of them.
pub(super) async fn read(
    response: &mut Response,
    cap: u64,
    keep: u64,
    sight: &Sight,
) -> Result<Body, reqwest::Error> {
    let mut body = Body::default();
    let mut read = 0_u64;
    while let Some(chunk) = response.chunk().await? {
        let left = usize::try_from(cap - read).unwrap_or(usize::MAX);
        let part = chunk.get(..left).unwrap_or(&chunk);
        let room = keep.saturating_sub(body.bytes.len() as u64);
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        body.bytes
            .extend_from_slice(part.get(..room).unwrap_or(part));
        read += part.len() as u64;
        sight.learn(|result| result.body_bytes = read);
        if part.len() < chunk.len() {
            body.capped = true;
            break;
        }
    }
    Ok(body)
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
