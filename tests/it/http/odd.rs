//! Servers that stand in no table: odd framings, odd encodings, odd charsets.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use probe::model::{Cause, Phase};

use super::server::{Act, send, serve};
use super::{SHORT, assert_found, probe, profile};

pub(super) const PAGE: &str = "<html>a page that is well</html>";

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(vec![], Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn chunked(bytes: &[u8]) -> Vec<u8> {
    let size = format!("{:x}\r\n", bytes.len());
    [size.as_bytes(), bytes, b"\r\n0\r\n\r\n"].concat()
}

/// A head of these lines, and a body.
pub(super) fn raw(lines: &str, body: &[u8]) -> Vec<Act> {
    vec![Act::Send([lines.as_bytes(), b"\r\n\r\n", body].concat())]
}

pub(super) fn then(mut script: Vec<Act>, act: Act) -> Vec<Act> {
    script.push(act);
    script
}

/// What is found in that phase, in words that hold these; `None` is a page that is well.
type Verdict = Option<(Cause, Phase, &'static str)>;

async fn all_told(cases: Vec<(&str, Vec<Act>, Verdict)>) {
    for (name, script, verdict) in cases {
        let quiet = script
            .iter()
            .any(|act| matches!(act, Act::Silence | Act::Endless(_)));
        let server = serve(move |_| script.clone()).await;
        let mut wanting = profile(&server.url("/"));
        wanting.expect.contains = vec!["</html>".to_owned()];
        if quiet {
            wanting.timeout = SHORT;
        }
        let result = probe(wanting).await;
        match verdict {
            None => assert_eq!(result.cause(), None, "{name}: {result:?}"),
            Some((cause, phase, words)) => {
                assert_eq!(result.cause(), Some(cause), "{name}: {result:?}");
                assert_found(&result, cause, phase);
                assert!(result.detail().contains(words), "{name}: {result:?}");
                if phase == Phase::Transfer {
                    assert_eq!(result.http_status, Some(200), "{name}: {result:?}");
                }
            }
        }
    }
}

const OK: &str = "HTTP/1.1 200 OK";

#[tokio::test]
async fn framings() {
    use Cause::{Closed, HeadersTooLarge, Protocol, ResponseTimeout, Truncated};
    use Phase::{FirstByte, Transfer};
    let page = PAGE.as_bytes();
    let length = format!("{OK}\r\nContent-Length: {}", page.len());
    let lengths = |value: &str| raw(&format!("{OK}\r\nContent-Length: {value}"), page);
    let chunks = format!("{OK}\r\nTransfer-Encoding: chunked");
    let old = "HTTP/1.0 200 OK\r\nConnection: keep-alive";
    let not_http = "what answers is not valid HTTP";
    let malformed = "the body's chunks are malformed";
    all_told(vec![
        (
            "a whole page, then a reset",
            then(raw(&length, page), Act::Reset),
            None,
        ),
        (
            "a part of a page, then a reset",
            vec![
                send(&format!("{length}\r\n\r\n<html>")),
                Act::Wait(SHORT / 16),
                Act::Reset,
            ],
            Some((Truncated, Transfer, "broke off in the middle of the body")),
        ),
        (
            "a second response behind the first",
            raw(&length, &[page, b"HTTP/1.1 500 Evil\r\n\r\n"].concat()),
            None,
        ),
        (
            "HTTP/1.0, kept alive without a length, closed",
            raw(old, page),
            None,
        ),
        (
            "HTTP/1.0, kept alive without a length, kept open",
            then(raw(old, page), Act::Silence),
            Some((
                ResponseTimeout,
                Transfer,
                "did not end within 0.8 s (32 bytes until then)",
            )),
        ),
        (
            "HTTP/1.0 with chunks",
            raw(
                "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked",
                &chunked(page),
            ),
            Some((Protocol, FirstByte, not_http)),
        ),
        (
            "the same length twice",
            lengths("32\r\nContent-Length: 32"),
            None,
        ),
        ("a list of the same length", lengths("32, 32"), None),
        (
            "a length with a sign",
            lengths("+32"),
            Some((Protocol, FirstByte, not_http)),
        ),
        (
            "a negative length",
            lengths("-1"),
            Some((Protocol, FirstByte, not_http)),
        ),
        (
            "the largest length there is",
            lengths("18446744073709551615"),
            Some((
                HeadersTooLarge,
                FirstByte,
                "announces a body of an absurd length",
            )),
        ),
        (
            "empty lines before the head",
            raw(&format!("\r\n\r\n{length}"), page),
            None,
        ),
        (
            "no reason",
            raw("HTTP/1.1 200\r\nContent-Length: 32", page),
            None,
        ),
        (
            "an early hint and a page",
            raw(&format!("HTTP/1.1 103 Early\r\n\r\n{length}"), page),
            None,
        ),
        (
            "a later version",
            raw("HTTP/1.2 200 OK", page),
            Some((Protocol, FirstByte, not_http)),
        ),
        (
            "a radio station",
            raw("ICY 200 OK", page),
            Some((Protocol, FirstByte, not_http)),
        ),
        (
            "status 000",
            raw("HTTP/1.1 000 Nothing", page),
            Some((Protocol, FirstByte, not_http)),
        ),
        (
            "status 1000",
            raw("HTTP/1.1 1000 Much", page),
            Some((Protocol, FirstByte, not_http)),
        ),
        (
            "an escape sequence in the reason",
            raw("HTTP/1.1 500 \x1b[31mOops", page),
            Some((Protocol, FirstByte, not_http)),
        ),
        (
            "a header without a name",
            raw(&format!("{length}\r\n: b"), page),
            Some((Protocol, FirstByte, not_http)),
        ),
        (
            "a line that is no header",
            raw(&format!("{length}\r\ngarbage"), page),
            Some((Protocol, FirstByte, not_http)),
        ),
        (
            "a line end before everything",
            vec![send("\r\n"), Act::Wait(SHORT / 16)],
            Some((Closed, FirstByte, "closed without a response")),
        ),
        (
            "a trailer",
            raw(
                &chunks,
                b"20\r\n<html>a page that is well</html>\r\n0\r\nX-T: 1\r\n\r\n",
            ),
            None,
        ),
        (
            "trailers without end",
            then(
                raw(&chunks, b"3\r\nabc\r\n0\r\n"),
                Act::Endless(b"X-T: 1\r\n".repeat(100)),
            ),
            Some((Protocol, Transfer, malformed)),
        ),
        (
            "a space behind a chunk's size",
            raw(
                &chunks,
                b"20 \r\n<html>a page that is well</html>\r\n0\r\n\r\n",
            ),
            None,
        ),
        (
            "chunks with bare line feeds",
            raw(&chunks, b"3\nabc\n0\n\n"),
            Some((Protocol, Transfer, malformed)),
        ),
        (
            "a chunk longer than its size",
            raw(&chunks, b"3\r\nabcdef\r\n0\r\n\r\n"),
            Some((Protocol, Transfer, malformed)),
        ),
        (
            "a hexadecimal size as in C",
            raw(&chunks, b"0x3\r\nabc\r\n0\r\n\r\n"),
            Some((Protocol, Transfer, malformed)),
        ),
    ])
    .await;
}

#[tokio::test]
async fn encodings_and_charsets() {
    use Cause::{Content, Encoding};
    use Phase::Transfer;
    let packed = gzip(PAGE.as_bytes());
    let wide: Vec<u8> = PAGE.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let with = |line: &str, body: &[u8]| raw(&format!("{OK}\r\n{line}"), body);
    let late = format!("<html>{}<meta charset=utf-16></html>", " ".repeat(1500));
    let mut named = b"\x1f\x8b\x08\x08\0\0\0\0\0\x03page.html\0".to_vec();
    named.extend(&packed[10..]);
    all_told(vec![
        (
            "gzip in Transfer-Encoding",
            with("Transfer-Encoding: gzip", &packed),
            None,
        ),
        (
            "gzip in Transfer-Encoding, in chunks",
            with("Transfer-Encoding: gzip, chunked", &chunked(&packed)),
            None,
        ),
        (
            "gzip in both",
            with(
                "Content-Encoding: gzip\r\nTransfer-Encoding: gzip, chunked",
                &chunked(&gzip(&packed)),
            ),
            None,
        ),
        (
            "a transfer coding nobody knows",
            with("Transfer-Encoding: xchunked", PAGE.as_bytes()),
            Some((Encoding, Transfer, "the body is encoded as `xchunked`")),
        ),
        (
            "a gzip with a file's name",
            with("Content-Encoding: gzip", &named),
            None,
        ),
        (
            "a gzip with a name that never ends",
            then(
                with("Content-Encoding: gzip", b"\x1f\x8b\x08\x08\0\0\0\0\0\x03"),
                Act::Endless(vec![b'n'; 4096]),
            ),
            Some((Encoding, Transfer, "the body's encoding is broken")),
        ),
        (
            "a mark of UTF-8 under another charset",
            with(
                "Content-Type: text/html; charset=utf-16",
                format!("\u{feff}{PAGE}").as_bytes(),
            ),
            None,
        ),
        (
            "a mark of UTF-16",
            with(
                "Content-Type: text/html",
                &[b"\xff\xfe", wide.as_slice()].concat(),
            ),
            None,
        ),
        (
            "UTF-16 that is declared",
            with("Content-Type: text/html; charset=UTF-16LE", &wide),
            None,
        ),
        (
            "a charset that is declared too late",
            with("Content-Type: text/html", late.as_bytes()),
            None,
        ),
        (
            "a charset nobody knows",
            with("Content-Type: text/html; charset=klingon", PAGE.as_bytes()),
            None,
        ),
        (
            "nothing but control characters",
            with("Content-Type: text/html", b"\x1b[2J\x07\0\x7f"),
            Some((Content, Transfer, "`</html>` not found in the body")),
        ),
    ])
    .await;
}
