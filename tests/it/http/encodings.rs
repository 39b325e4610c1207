//! Bodies behind a `Content-Encoding`: undone where they are right, told where they are not, ended where they never end.

use std::io::Write;
use std::time::Duration;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use probe::model::{Cause, CheckResult, Phase};

use super::server::{Act, response, send, serve};
use super::{LONG, SHORT, assert_found, assert_ok, probe, profile, table};

const PAGE: &str = "<html>a page that is well</html>";

/// `<html>`, fifty times `a page in brotli; `, `</html>`.
const BROTLI: &[u8] =
    b"\x1b\x90\x03\xf8\x1d\x87\x71\x2c\xb1\xa1\xca\x8e\x78\x0d\xc2\x23\x26\xa7\x5f\x76\xc2\xe8\x64\
\x1a\xdb\x5b\x17\x22\xc9\x24\xbd\xe9\x10\xa4\x99\xc8\x24\x5c\x8c\x91\xfe\xb1\xec\x8f\x90\x68\x00";

/// 64 MiB of zeros.
const BROTLI_BOMB: &[u8] = b"\xcb\xff\xff\x3f\xf8\x27\x00\xe2\xb1\x40\x20\xf7\xfe\x8f\xff\xff\x7f\xf0\x4f\x00\xc4\x61\
\x11\x80\xee\xfd\x1f\xff\xff\xff\xe0\x9f\x00\x88\xc3\x02\x00\xdd\xfb\x3f\xfe\xff\xff\xc1\x3f\x01\x10\x87\x05\x00\xba\
\xf7\x7f\xfc\xff\xff\x83\x7f\x02\x20\x0e\x0b\x00\x74\xef\xff\xf8\xff\xff\x07\xff\x04\x40\x1c\x16\x00\xe8\xde\xff\xf1\
\xff\xff\x0f\xfe\x09\x80\x38\x2c\x00\xd0\xbd\xff\xcb\xff\xff\x3f\xfc\x13\x00\x71\x58\x00\xa0\x7b\xff\x07";

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(vec![], Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(vec![], Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn raw_deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(vec![], Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// The beginning of a gzip stream, up to where its blocks begin.
const GZIP_HEAD: &[u8] = b"\x1f\x8b\x08\0\0\0\0\0\0\x03";

/// Stored blocks of no bytes, not the last ones.
fn empty_blocks() -> Vec<u8> {
    b"\x00\x00\x00\xff\xff".repeat(2000)
}

/// What is found behind a body of this many bytes in its head, sent as these acts.
async fn found(encoding: &str, length: usize, acts: Vec<Act>) -> CheckResult {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\nContent-Length: {length}\r\n\r\n"
    );
    let server = serve(move |_| [vec![send(&head)], acts.clone()].concat()).await;
    let mut wanting = profile(&server.url("/"));
    wanting.expect.contains = vec!["</html>".to_owned()];
    let result = probe(wanting).await;
    assert_eq!(server.accepted(), 1, "one connection, no retry");
    result
}

/// A whole body.
async fn whole(encoding: &str, body: &[u8]) -> CheckResult {
    found(encoding, body.len(), vec![Act::Send(body.to_vec())]).await
}

/// The head, then this without end; nothing is expected of it.
async fn endless(encoding: &str, first: Vec<u8>, again: Vec<u8>) -> CheckResult {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\n\r\n");
    let script = vec![send(&head), Act::Send(first), Act::Endless(again)];
    let server = serve(move |_| script.clone()).await;
    probe(profile(&server.url("/"))).await
}

#[tokio::test]
async fn each_encoding_is_undone() {
    let page = PAGE.as_bytes();
    let members = [gzip(&page[..9]), gzip(b""), gzip(&page[9..])].concat();
    for (encoding, body) in [
        ("gzip", gzip(page)),
        ("x-gzip", gzip(page)),
        ("GZip", gzip(page)),
        ("gzip", members),
        ("deflate", zlib(page)),
        ("deflate", raw_deflate(page)),
        ("identity", page.to_vec()),
        ("", page.to_vec()),
        ("deflate, gzip", gzip(&zlib(page))),
        ("gzip,identity , deflate", zlib(&gzip(page))),
        ("gzip\r\nContent-Encoding: gzip", gzip(&gzip(page))),
    ] {
        let result = whole(encoding, &body).await;
        assert_ok(&result);
        assert_eq!(result.body_bytes, page.len() as u64, "{encoding}");
        // Byte by byte, so that every state is left and entered again.
        let drip = vec![Act::Drip(body.clone(), Duration::ZERO)];
        let result = found(encoding, body.len(), drip).await;
        assert_ok(&result);
        assert_eq!(result.body_bytes, page.len() as u64, "{encoding}");
    }
    for (encoding, body) in [("br", BROTLI.to_vec()), ("br, gzip", gzip(BROTLI))] {
        let result = whole(encoding, &body).await;
        assert_ok(&result);
        assert_eq!(result.body_bytes, 13 + 50 * 18, "{encoding}");
        let drip = vec![Act::Drip(body.clone(), Duration::ZERO)];
        assert_ok(&found(encoding, body.len(), drip).await);
    }
}

#[tokio::test]
async fn what_follows_a_stream_is_skipped() {
    let page = PAGE.as_bytes();
    for (encoding, body) in [
        ("gzip", gzip(page)),
        ("deflate", zlib(page)),
        ("deflate", raw_deflate(page)),
        ("br", BROTLI.to_vec()),
    ] {
        let body = [body, b"\0\0 and more".to_vec()].concat();
        assert_ok(&whole(encoding, &body).await);
        let drip = vec![Act::Drip(body.clone(), Duration::ZERO)];
        assert_ok(&found(encoding, body.len(), drip).await);
    }
}

#[tokio::test]
async fn nothing_needs_no_decoding() {
    for encoding in ["gzip", "br", "deflate", "gzip, br", "zstd"] {
        let header = format!("Content-Encoding: {encoding}");
        for (status, method) in [
            ("200 OK", "GET"),
            ("204 No Content", "GET"),
            ("304 Not Modified", "GET"),
            ("200 OK", "HEAD"),
        ] {
            let header = header.clone();
            let body = if method == "HEAD" { PAGE } else { "" };
            let server = serve(move |_| response(status, &[&header], body)).await;
            let mut asked = profile(&server.url("/"));
            asked.method = method.to_owned();
            asked.headers = vec![("If-None-Match".to_owned(), "\"a\"".to_owned())];
            let result = probe(asked).await;
            assert_ok(&result);
            assert_eq!(result.body_bytes, 0, "{encoding} {status} {method}");
        }
    }
}

#[tokio::test]
async fn w25_an_encoding_that_lies() {
    let page = PAGE.as_bytes();
    let mut checksum = gzip(page);
    let place = checksum.len() - 8;
    checksum[place] ^= 1;
    for (encoding, body) in [
        ("gzip", page.to_vec()),
        ("deflate", page.to_vec()),
        ("br", page.to_vec()),
        ("gzip", BROTLI.to_vec()),
        ("br", gzip(page)),
        ("gzip, deflate", gzip(&zlib(page))),
        ("gzip", checksum),
    ] {
        let result = whole(encoding, &body).await;
        table::case(
            "w25_an_encoding_that_lies",
            &result,
            Cause::Encoding,
            Phase::Transfer,
            "the body's encoding is broken",
        );
    }
}

#[tokio::test]
async fn w25b_an_encoding_that_is_not_known() {
    let result = whole("zstd", PAGE.as_bytes()).await;
    table::case(
        "w25b_an_encoding_that_is_not_known",
        &result,
        Cause::Encoding,
        Phase::Transfer,
        "the body is encoded as `zstd`; readable are gzip, br and deflate",
    );
    let thrice = gzip(&gzip(&gzip(PAGE.as_bytes())));
    let six = gzip(&gzip(&gzip(&thrice)));
    for (encoding, body) in [
        ("gzip, gzip, gzip", thrice),
        ("gzip, gzip, gzip, gzip, gzip, gzip", six),
    ] {
        let result = whole(encoding, &body).await;
        table::case(
            "w25b_too_many_encodings",
            &result,
            Cause::Encoding,
            Phase::Transfer,
            "the body is encoded more than 2 times",
        );
    }
}

/// Words that are no encoding stand there by mistake, and browsers show the page.
#[tokio::test]
async fn what_is_no_encoding_is_a_remark() {
    for word in ["UTF-8", "utf8", "text/html", "8bit", "binary", "gzip2"] {
        let result = whole(word, PAGE.as_bytes()).await;
        assert_ok(&result);
        let said = word.to_ascii_lowercase();
        let words = format!(
            "the header Content-Encoding says `{said}`, which is no encoding; the body was read as it stands"
        );
        assert_eq!(result.remarks.len(), 1, "{result:?}");
        assert_eq!(result.remarks[0].to_string(), words);
        // What is expected of the page is still judged.
        let result = whole(word, b"<html>cut").await;
        assert_found(&result, Cause::Content, Phase::Transfer);
    }
    let beside = whole("utf-8, gzip", &gzip(PAGE.as_bytes())).await;
    assert_ok(&beside);
}

/// What is an encoding and cannot be undone is a fault only where somebody wants to know what it says.
#[tokio::test]
async fn an_encoding_that_nobody_reads_is_a_remark() {
    let header = "Content-Encoding: zstd";
    let server = serve(move |_| response("200 OK", &[header], "\u{1}binary")).await;
    let asked = profile(&server.url("/"));
    let result = probe(asked.clone()).await;
    assert_ok(&result);
    let words = "the body is encoded as `zstd`; readable are gzip, br and deflate";
    assert_eq!(result.remarks[0].to_string(), words);
    let mut forbidding = asked;
    forbidding.expect.not_contains = vec!["error".to_owned()];
    let result = probe(forbidding).await;
    assert_found(&result, Cause::Encoding, Phase::Transfer);
    assert_eq!(result.detail(), words);
}

#[tokio::test]
async fn w25c_a_cut_stream_is_told_by_its_framing() {
    let page = PAGE.repeat(20);
    let page = page.as_bytes();
    let stacked = zlib(&gzip(page));
    let cut_inside = zlib(&gzip(page)[..30]);
    for (encoding, body) in [
        ("gzip", gzip(page)),
        ("deflate", zlib(page)),
        ("deflate", raw_deflate(page)),
        ("br", BROTLI.to_vec()),
        ("gzip, deflate", stacked),
    ] {
        for kept in [1, 5, body.len() / 2, body.len() - 1] {
            let part = body[..kept].to_vec();
            let result = whole(encoding, &part).await;
            assert_found(&result, Cause::Encoding, Phase::Transfer);
            let result = found(encoding, body.len(), vec![Act::Send(part)]).await;
            assert_found(&result, Cause::Truncated, Phase::Transfer);
        }
    }
    let result = whole("gzip, deflate", &cut_inside).await;
    table::case(
        "w25c_a_cut_stream_is_told_by_its_framing",
        &result,
        Cause::Encoding,
        Phase::Transfer,
        "the body's encoding is broken",
    );
}

#[tokio::test]
async fn w25d_a_stream_that_stops() {
    let page = gzip(PAGE.as_bytes());
    let length = page.len();
    let server = serve(move |_| {
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {length}\r\n\r\n"
        );
        vec![send(&head), Act::Send(page[..20].to_vec()), Act::Silence]
    })
    .await;
    let mut limited = profile(&server.url("/"));
    limited.timeout = SHORT;
    let result = probe(limited).await;
    table::case(
        "w25d_a_stream_that_stops",
        &result,
        Cause::ResponseTimeout,
        Phase::Transfer,
        "the body did not end within 0.8 s",
    );
}

#[tokio::test]
async fn w24_a_bomb_ends_at_the_cap() {
    let zeros = gzip(&vec![0; 16 << 20]);
    for (encoding, bomb) in [
        ("gzip", zeros.clone()),
        ("br", BROTLI_BOMB.to_vec()),
        ("br, gzip", gzip(BROTLI_BOMB)),
        ("gzip, gzip", gzip(&zeros)),
    ] {
        let result = whole(encoding, &bomb).await;
        table::case(
            "w24_a_bomb_ends_at_the_cap",
            &result,
            Cause::Content,
            Phase::Transfer,
            "`</html>` not found in the part of the body that was read (max_body)",
        );
        assert_eq!(result.body_bytes, 64 * 1024, "{encoding}");
    }
}

#[tokio::test]
async fn w24b_a_stream_that_unfolds_to_nothing() {
    let gzip_of_nothing = gzip(b"");
    // An inner stream of empty blocks, packed a thousand to one: the second decoder has the same cap as the first.
    let inner = [GZIP_HEAD.to_vec(), empty_blocks().repeat(800)].concat();
    for (encoding, first, again) in [
        ("gzip", GZIP_HEAD.to_vec(), empty_blocks()),
        ("gzip", vec![], gzip_of_nothing.repeat(100)),
        ("deflate", b"\x78\x9c".to_vec(), empty_blocks()),
        ("deflate", vec![], empty_blocks()),
        // A window, then empty metadata blocks.
        ("br", b"\x0c".to_vec(), b"\x06".repeat(4096)),
        ("gzip", gzip(PAGE.as_bytes()), vec![0; 4096]),
        ("gzip, gzip", gzip(&inner), vec![0; 4096]),
    ] {
        let result = endless(encoding, first, again).await;
        table::up(
            "w24b_a_stream_that_unfolds_to_nothing",
            &result,
            "the rest was not read",
        );
        assert!(result.body_bytes < 64, "{encoding}: {result:?}");
        let took = result.timings.total;
        assert!(took < LONG / 4, "{encoding} took {took:?}");
    }
}

#[tokio::test]
async fn the_excerpt_of_an_error_page_is_decoded() {
    let body = gzip(b"<h1>Fatal error</h1>");
    let head = format!(
        "HTTP/1.1 500 No\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let server = serve(move |_| vec![send(&head), Act::Send(body.clone())]).await;
    let result = probe(profile(&server.url("/"))).await;
    assert_found(&result, Cause::ServerError, Phase::FirstByte);
    assert!(result.detail().contains("Fatal error"), "{result:?}");
}

#[tokio::test]
async fn what_is_accepted_is_said_unless_the_profile_says_it() {
    for (own, expected) in [
        (None, Some("gzip, br")),
        (Some(("Accept-Encoding", "identity")), Some("identity")),
        (Some(("Range", "bytes=0-99")), None),
    ] {
        let server = serve(|_| response("200 OK", &[], PAGE)).await;
        let mut asked = profile(&server.url("/"));
        asked.headers = own
            .iter()
            .map(|(k, v)| ((*k).into(), (*v).into()))
            .collect();
        assert_ok(&probe(asked).await);
        let head = server.heads().concat();
        let said: Vec<&str> = head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .filter(|(name, _)| name.eq_ignore_ascii_case("accept-encoding"))
            .map(|(_, value)| value)
            .collect();
        assert_eq!(said, Vec::from_iter(expected), "{head}");
    }
}
