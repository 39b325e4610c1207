//! Servers that keep a client busy and bring it nowhere. Each check ends long before its deadline, by what it counted; and what
//! such a server could write until then, into the buffers of the kernel too, is a small part of what it could have written.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use probe::model::{Cause, CheckResult, Phase};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use rustls::SupportedProtocolVersion;
use rustls::version::{TLS12, TLS13};

use super::authority::{Authority, LOCAL, NOW, config, serve_tls};
use super::server::{Act, Server, listen, loopback, send, serve};
use super::{LONG, assert_found, assert_ok, probe, profile};

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let head = [&length[1..], &[kind, flags], &stream.to_be_bytes()];
    [&head.concat(), payload].concat()
}

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;
const UNKNOWN: u8 = 0xb7;

const END_HEADERS: u8 = 4;
const PADDED: u8 = 8;

/// A head of this status, its name from the static table.
fn status(status: &str) -> Vec<u8> {
    let block = [&[0x08, 3], status.as_bytes()].concat();
    frame(HEADERS, END_HEADERS, 1, &block)
}

/// Many of them at once: the server is as quick as it can be.
fn many(one: &[u8]) -> Vec<u8> {
    one.repeat((16 * 1024 / one.len()).max(1))
}

/// A server that shakes hands for HTTP/2 with `authority`'s certificate, and plays `play` when the request is on its way: its stream
/// is open before anything is said on it.
async fn serve_raw<P: Future<Output = ()> + Send + 'static>(
    authority: &Authority,
    version: &'static SupportedProtocolVersion,
    play: impl Fn(TlsStream<TcpStream>) -> P + Clone + Send + Sync + 'static,
) -> Server {
    let mut config = config(&authority.certify(LOCAL, |_| ()), &[version]);
    config.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    listen(loopback().await, move |stream, _| {
        let (acceptor, play) = (acceptor.clone(), play.clone());
        async move {
            let Ok(mut stream) = acceptor.accept(stream).await else {
                return;
            };
            let mut heard = vec![];
            while !asked(&heard) {
                if !matches!(stream.read_buf(&mut heard).await, Ok(1..)) {
                    return;
                }
            }
            play(stream).await;
        }
    })
    .await
}

/// A HEADERS frame is among what a client of HTTP/2 said so far.
fn asked(heard: &[u8]) -> bool {
    let mut left = heard.get(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".len()..);
    while let Some([high, middle, low, kind, ..]) = left {
        let length = u32::from_be_bytes([0, *high, *middle, *low]);
        let whole = 9 + usize::try_from(length).unwrap();
        if *kind == HEADERS && left.is_some_and(|left| left.len() >= whole) {
            return true;
        }
        left = left.and_then(|left| left.get(whole..));
    }
    false
}

/// What a check finds at a server of HTTP/2 that sends `first` and then `again` without end, and how many bytes that server wrote.
async fn flooded(
    version: &'static SupportedProtocolVersion,
    first: Vec<u8>,
    again: Vec<u8>,
) -> (CheckResult, u64) {
    let authority = Authority::new();
    let written = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&written);
    let server = serve_raw(&authority, version, move |stream| {
        let (first, again, counted) = (first.clone(), again.clone(), Arc::clone(&counted));
        async move {
            let (mut reading, mut writing) = tokio::io::split(stream);
            let heard = tokio::spawn(async move {
                let mut sink = vec![0; 16 * 1024];
                while matches!(reading.read(&mut sink).await, Ok(1..)) {}
            });
            let hello = [frame(SETTINGS, 0, 0, &[]), first].concat();
            if writing.write_all(&hello).await.is_ok() {
                while writing.write_all(&again).await.is_ok() {
                    counted.fetch_add(again.len() as u64, Ordering::Relaxed);
                }
            }
            heard.abort();
        }
    })
    .await;
    let result = probe(authority.profile(&server)).await;
    assert!(result.timings.total < LONG / 2, "{result:?}");
    (result, written.load(Ordering::Relaxed))
}

/// The buffers of two sockets and of two ends of TLS, at the most; a core writes gigabytes until a deadline.
const BUFFERS: u64 = 64 * 1024 * 1024;

#[tokio::test]
async fn frames_that_carry_nothing_are_left() {
    for (again, kind) in [
        (frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1]), "WINDOW_UPDATE"),
        (status("103"), "HEADERS"),
        (frame(UNKNOWN, 0, 0, &[]), "unknown"),
        (frame(UNKNOWN, 0xff, 1, b"some"), "unknown"),
        (frame(PING, 0, 0, b"whatever"), "PING"),
        (frame(SETTINGS, 0, 0, &[]), "SETTINGS"),
    ] {
        let version = if kind == "PING" { &TLS12 } else { &TLS13 };
        let (result, written) = flooded(version, vec![], many(&again)).await;
        assert_found(&result, Cause::Protocol, Phase::FirstByte);
        let words = format!(
            "the server was left: it sent more than 10000 frames of HTTP/2 without a page in them, most of them {kind}"
        );
        assert_eq!(result.detail(), words);
        assert!(written < BUFFERS, "{kind}: {written}");
    }
}

#[tokio::test]
async fn frames_that_carry_nothing_behind_a_head_are_left() {
    // Of empty DATA frames the client itself takes fewer than we do.
    let calm = "the server breaks the rules of HTTP/2 and was left (HTTP/2 enhance your calm)";
    let window = "the server was left: it sent more than 10000 frames of HTTP/2 without a page in them, most of them WINDOW_UPDATE";
    for (again, words) in [
        (frame(DATA, 0, 1, &[]), calm),
        (frame(DATA, PADDED, 1, &[20; 21]), calm),
        (frame(WINDOW_UPDATE, 0, 1, &[0, 0, 0, 1]), window),
    ] {
        let (result, written) = flooded(&TLS13, status("200"), many(&again)).await;
        assert_found(&result, Cause::Protocol, Phase::Transfer);
        assert_eq!(result.detail(), words);
        assert_eq!(result.http_status, Some(200));
        assert!(written < BUFFERS, "{words}: {written}");
    }
}

#[tokio::test]
async fn bytes_that_bring_nothing_are_left() {
    let great = frame(UNKNOWN, 0, 0, &[0; 16 * 1024]);
    let (result, written) = flooded(&TLS13, vec![], great.clone()).await;
    assert_found(&result, Cause::Protocol, Phase::FirstByte);
    let words = "the server was left: it sent more than 1 MiB without a page in them";
    assert_eq!(result.detail(), words);
    assert!(written < BUFFERS, "{written}");
    let (result, written) = flooded(&TLS13, status("200"), great).await;
    assert_found(&result, Cause::Protocol, Phase::Transfer);
    let words = "the server was left: it sent more than 1 MiB without a page in them";
    assert_eq!(result.detail(), words);
    assert!(written < BUFFERS, "{written}");
}

#[tokio::test]
async fn interim_responses_of_http_1_are_left() {
    let interim = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n".repeat(2000);
    let authority = Authority::new();
    let identity = authority.certify(LOCAL, |_| ());
    for version in [&TLS12, &TLS13] {
        let script = vec![Act::Endless(interim.as_bytes().to_vec())];
        let server = serve_tls(config(&identity, &[version]), NOW, script).await;
        let result = probe(authority.profile(&server)).await;
        assert_found(&result, Cause::Protocol, Phase::FirstByte);
        assert!(result.timings.total < LONG / 2, "{result:?}");
        let words = "the server was left: it sent more than 1 MiB without a page in them";
        assert_eq!(result.detail(), words);
    }
}

/// A server changes its keys in the midst of a frame: the count neither begins anew nor gets out of step.
#[tokio::test]
async fn new_keys_end_no_count() {
    let one = frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1]);
    for (times, floods) in [(4000, false), (6000, true)] {
        let (half, one) = (one.repeat(times), one.clone());
        let page = [status("200"), frame(DATA, 1, 1, b"<html>here</html>")].concat();
        let authority = Authority::new();
        let server = serve_raw(&authority, &TLS13, move |mut stream| {
            let hello = [frame(SETTINGS, 0, 0, &[]), half.clone(), vec![0, 0, 4]].concat();
            let rest = [one[3..].to_vec(), half.clone(), page.clone()].concat();
            async move {
                // What is sent to a client that has left is of no interest.
                let _ = stream.write_all(&hello).await;
                stream.get_mut().1.refresh_traffic_keys().unwrap();
                let _ = stream.write_all(&rest).await;
                let _ = stream.flush().await;
                let mut sink = vec![];
                let _ = stream.read_to_end(&mut sink).await;
            }
        })
        .await;
        let result = probe(authority.profile(&server)).await;
        if floods {
            assert_found(&result, Cause::Protocol, Phase::FirstByte);
            let words = "10000 frames of HTTP/2 without a page in them, most of them WINDOW_UPDATE";
            assert!(result.detail().ends_with(words), "{result:?}");
        } else {
            assert_ok(&result);
            assert_eq!(result.body_bytes, 17);
        }
    }
}

/// What real servers send on their way to a page is far below.
#[tokio::test]
async fn some_hints_and_a_page_of_many_parts_are_no_flood() {
    let hint = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n";
    let page = "1\r\nx\r\n".repeat(40_000);
    let whole = format!(
        "{}HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{page}0\r\n\r\n",
        hint.repeat(50)
    );
    let server = serve(move |_| vec![send(&whole)]).await;
    let result = probe(profile(&server.url("/"))).await;
    assert_ok(&result);
    assert_eq!(result.body_bytes, 40_000);
}
