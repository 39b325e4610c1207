//! HTTP/2.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hyper::body::Bytes;
use probe::adapters::http::HttpProber;
use probe::model::{Cause, Phase};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::authority::{Authority, BOTH, Identity, LOCAL, config};
use super::server::{BREATH, Server, listen, loopback};
use super::{SHORT, assert_found, assert_ok, probe, probe_with, table};

/// An HTTP/2 server that answers every request with `answer`.
async fn serve_h2(
    identity: &Identity,
    answer: impl Fn(h2::server::SendResponse<Bytes>) + Clone + Send + Sync + 'static,
) -> Server {
    let mut config = config(identity, BOTH);
    config.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    listen(loopback().await, move |stream, _| {
        let (acceptor, answer) = (acceptor.clone(), answer.clone());
        async move {
            let Ok(stream) = acceptor.accept(stream).await else {
                return;
            };
            let Ok(mut connection) = h2::server::handshake(stream).await else {
                return;
            };
            while let Some(Ok((_, respond))) = connection.accept().await {
                answer(respond);
            }
        }
    })
    .await
}

#[tokio::test]
async fn http2_is_spoken() {
    let authority = Authority::new();
    let server = serve_h2(&authority.certify(LOCAL, |_| ()), |mut respond| {
        let response = hyper::Response::builder().status(200).body(()).unwrap();
        let mut body = respond.send_response(response, false).unwrap();
        body.send_data("<html>two</html>".into(), true).unwrap();
    })
    .await;
    let mut wanting = authority.profile(&server);
    wanting.expect.contains = vec!["two".to_owned()];
    let result = probe(wanting).await;
    assert_ok(&result);
    assert_eq!(result.http_version, Some(probe::model::HttpVersion::Http2));
}

/// One prober, and so one client, asks the same site several times at once and again afterwards: HTTP/2 could carry all of it
/// over one connection, and each probe has its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_probe_has_a_connection_of_its_own() {
    let authority = Authority::new();
    let server = serve_h2(&authority.certify(LOCAL, |_| ()), |mut respond| {
        tokio::spawn(async move {
            // All are under way together.
            tokio::time::sleep(Duration::from_millis(100)).await;
            let response = hyper::Response::builder().status(200).body(()).unwrap();
            respond.send_response(response, true).unwrap();
        });
    })
    .await;
    let prober = HttpProber::try_new().unwrap();
    for round in 1..=2 {
        let mut looks = JoinSet::new();
        for _ in 0..8 {
            let (prober, looking) = (prober.clone(), authority.profile(&server));
            looks.spawn(async move { probe_with(&prober, looking).await });
        }
        for result in looks.join_all().await {
            assert_ok(&result);
            assert_eq!(result.http_version, Some(probe::model::HttpVersion::Http2));
            assert!(result.timings.tls.is_some(), "{result:?}");
        }
        assert_eq!(server.accepted(), 8 * round);
    }
}

/// Answers nothing on the first `count` connections but these frames; then a page.
async fn serve_frames_first(authority: &Authority, count: usize, frames: Vec<u8>) -> Server {
    let mut config = config(&authority.certify(LOCAL, |_| ()), BOTH);
    config.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let made = Arc::new(AtomicUsize::new(0));
    listen(loopback().await, move |stream, _| {
        let (acceptor, frames) = (acceptor.clone(), frames.clone());
        let bad = made.fetch_add(1, Ordering::SeqCst) < count;
        async move {
            let Ok(mut stream) = acceptor.accept(stream).await else {
                return;
            };
            if bad {
                let _ = stream.write_all(&[SETTINGS, &frames].concat()).await;
                let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
                return;
            }
            let mut connection = h2::server::handshake(stream).await.unwrap();
            while let Some(Ok((_, mut respond))) = connection.accept().await {
                let response = hyper::Response::builder().status(200).body(()).unwrap();
                respond.send_response(response, true).unwrap();
            }
        }
    })
    .await
}

/// Empty settings.
const SETTINGS: &[u8] = b"\0\0\0\x04\0\0\0\0\0";

/// A frame of this type with these flags on this stream.
fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let [_, a, b, c] = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&[a, b, c, kind, flags, 0, 0, 0, stream], payload].concat()
}

/// GOAWAY: nothing of stream 1 was taken up; without an error.
fn goaway() -> Vec<u8> {
    frame(7, 0, 0, &[0; 8])
}

/// RST_STREAM of stream 1, for this reason.
fn reset(reason: u8) -> Vec<u8> {
    frame(3, 0, 1, &[0, 0, 0, reason])
}

#[tokio::test]
async fn w34_not_taken_up_is_asked_once_more() {
    let authority = Authority::new();
    for (frames, said) in [
        (
            goaway(),
            "the server ended the connection before any response (HTTP/2 no error)",
        ),
        (
            reset(7),
            "the server gave no response (HTTP/2 refused stream)",
        ),
    ] {
        let server = serve_frames_first(&authority, 1, frames.clone()).await;
        let result = probe(authority.profile(&server)).await;
        let remark = format!("{said}; a second connection answered");
        table::up("w34_not_taken_up_once", &result, &remark);
        assert_eq!(server.accepted(), 2);
        let server = serve_frames_first(&authority, 9, frames).await;
        let result = probe(authority.profile(&server)).await;
        let words = format!("{said}, on two connections in a row");
        table::case(
            "w34_not_taken_up_twice",
            &result,
            Cause::Closed,
            Phase::FirstByte,
            &words,
        );
        assert_eq!(server.accepted(), 2, "once more, not for ever");
    }
}

#[tokio::test]
async fn w34b_streams_that_are_reset() {
    let authority = Authority::new();
    for (reason, cause, words) in [
        (
            2,
            Cause::Reset,
            "the server gave no response (HTTP/2 internal error)",
        ),
        (
            1,
            Cause::Protocol,
            "the server gave no response (HTTP/2 protocol error)",
        ),
        (
            8,
            Cause::Closed,
            "the server gave no response (HTTP/2 cancel)",
        ),
    ] {
        let server = serve_frames_first(&authority, 9, reset(reason)).await;
        let result = probe(authority.profile(&server)).await;
        table::case(
            "w34b_streams_that_are_reset",
            &result,
            cause,
            Phase::FirstByte,
            words,
        );
        assert_eq!(server.accepted(), 1, "no retry");
    }
    let server = serve_h2(&authority.certify(LOCAL, |_| ()), |mut respond| {
        let response = hyper::Response::builder().status(200).body(()).unwrap();
        let mut body = respond.send_response(response, false).unwrap();
        body.send_data("<html>".into(), false).unwrap();
        // A reset at once would overtake the head.
        tokio::spawn(async move {
            tokio::time::sleep(SHORT / 8).await;
            body.send_reset(h2::Reason::INTERNAL_ERROR);
        });
    })
    .await;
    let result = probe(authority.profile(&server)).await;
    let words = "the response broke off in the middle of the body";
    table::case(
        "w34c_reset_inside_the_body",
        &result,
        Cause::Truncated,
        Phase::Transfer,
        words,
    );
}

#[tokio::test]
async fn w34d_goaway_after_the_answer_is_up() {
    let authority = Authority::new();
    // HEADERS: `:status 200`, and the end of the stream; then GOAWAY.
    let frames = [
        frame(1, 5, 1, &[0x88]),
        frame(7, 0, 0, &[0, 0, 0, 1, 0, 0, 0, 0]),
    ]
    .concat();
    let server = serve_frames_first(&authority, 9, frames).await;
    let result = probe(authority.profile(&server)).await;
    table::up("w34d_goaway_after_the_answer_is_up", &result, "");
    assert_eq!(server.accepted(), 1);
}

/// What a hostile HTTP/2 server sends without end, after what it begins with.
pub(super) fn floods() -> Vec<(&'static str, Vec<u8>, Vec<u8>)> {
    let head = frame(1, 4, 1, &[0x88]);
    vec![
        ("w35_settings_flood", vec![], SETTINGS.repeat(400)),
        (
            "w35b_ping_flood",
            vec![],
            frame(6, 0, 0, &[0; 8]).repeat(200),
        ),
        (
            "w35c_continuation_flood",
            frame(1, 0, 1, &[0x88]),
            frame(9, 0, 1, &b"\x40\x01a\x01b".repeat(200)),
        ),
        (
            "w35d_empty_data_flood",
            head,
            frame(0, 0, 1, &[]).repeat(400),
        ),
        (
            "w35e_reset_flood",
            vec![],
            frame(3, 0, 1, &[0, 0, 0, 8]).repeat(300),
        ),
    ]
}

/// Speaks HTTP/2 in raw frames: settings with a window of nothing, `first`, then `again` without end.
pub(super) async fn serve_flood(authority: &Authority, first: Vec<u8>, again: Vec<u8>) -> Server {
    let mut config = config(&authority.certify(LOCAL, |_| ()), BOTH);
    config.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    // Type 4: the initial window, 0.
    let settings = frame(4, 0, 0, &[0, 4, 0, 0, 0, 0]);
    let first = [settings, first].concat();
    listen(loopback().await, move |stream, _| {
        let (acceptor, first, again) = (acceptor.clone(), first.clone(), again.clone());
        async move {
            let Ok(stream) = acceptor.accept(stream).await else {
                return;
            };
            let (mut read, mut write) = tokio::io::split(stream);
            let reading = async { tokio::io::copy(&mut read, &mut tokio::io::sink()).await };
            let writing = async {
                // So that the request is there before the flood.
                tokio::time::sleep(SHORT / 8).await;
                write.write_all(&first).await?;
                while !again.is_empty() {
                    write.write_all(&again).await?;
                    tokio::time::sleep(BREATH).await;
                }
                std::future::pending::<std::io::Result<()>>().await
            };
            tokio::select! {
                _ = reading => (),
                _ = writing => (),
            }
        }
    })
    .await
}

#[tokio::test]
async fn w35_floods_end_in_time() {
    let authority = Authority::new();
    for (name, first, again) in floods() {
        let server = serve_flood(&authority, first, again).await;
        let mut limited = authority.profile(&server);
        limited.timeout = SHORT;
        let result = probe(limited).await;
        let cause = result.cause().unwrap();
        let causes = [
            Cause::ResponseTimeout,
            Cause::Protocol,
            Cause::HeadersTooLarge,
            Cause::Closed,
        ];
        assert!(causes.contains(&cause), "{name}: {result:?}");
        if name.contains("continuation") {
            let words =
                "the server breaks the rules of HTTP/2 and was left (HTTP/2 enhance your calm)";
            assert_eq!(result.detail(), words);
        }
        let (id, what) = name.split_once('_').unwrap();
        table::record(id, &what.replace('_', " "), &result);
        assert_eq!(server.accepted(), 1, "{name}: no retry");
    }
}

#[tokio::test]
async fn w35f_window_0_for_ever() {
    let authority = Authority::new();
    let server = serve_flood(&authority, vec![], vec![]).await;
    let mut limited = authority.profile(&server);
    limited.timeout = SHORT;
    let result = probe(limited).await;
    let words = "connected and asked, but no whole response head came within 0.8 s";
    let name = "w35f_window_0_for_ever";
    table::case(
        name,
        &result,
        Cause::ResponseTimeout,
        Phase::FirstByte,
        words,
    );
}

#[tokio::test]
async fn w26e_http2_headers_have_the_same_limits() {
    let authority = Authority::new();
    for (count, length) in [(300, 1), (160, 2048)] {
        let server = serve_h2(&authority.certify(LOCAL, |_| ()), move |mut respond| {
            let mut response = hyper::Response::builder().status(200);
            for n in 0..count {
                response = response.header(format!("x-line-{n}"), "v".repeat(length));
            }
            let _ = respond.send_response(response.body(()).unwrap(), true);
        })
        .await;
        let result = probe(authority.profile(&server)).await;
        let words = "more than 256 header lines or 300 KiB of headers";
        let name = "w26e_http2_headers_have_the_same_limits";
        table::case(
            name,
            &result,
            Cause::HeadersTooLarge,
            Phase::FirstByte,
            words,
        );
    }
}

/// nginx, speaking HTTP/2, passes on the `Upgrade: h2,h2c` of the httpd behind it. Some browsers show such a page; nothing is restarted
/// for it, and people hear which header it is where the server shows it over HTTP/1.1.
#[tokio::test]
async fn a_header_that_http2_forbids_is_named() {
    let authority = Authority::new();
    for offers in [&[b"h2".as_slice(), b"http/1.1"][..], &[b"h2"]] {
        let mut config = config(&authority.certify(LOCAL, |_| ()), BOTH);
        config.alpn_protocols = offers.iter().map(|offer| offer.to_vec()).collect();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let server = listen(loopback().await, move |stream, _| {
            let acceptor = acceptor.clone();
            async move {
                let Ok(mut stream) = acceptor.accept(stream).await else {
                    return;
                };
                let mut asked = [0; 1024];
                let two = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                let said = if two {
                    // SETTINGS; then HEADERS with `:status: 200` and `upgrade: h2`, by literal names.
                    let settings = b"\0\0\0\x04\0\0\0\0\0".as_slice();
                    let head = b"\0\0\x0d\x01\x05\0\0\0\x01\x88\0\x07upgrade\x02h2".as_slice();
                    [settings, head].concat()
                } else {
                    let head = "HTTP/1.1 200 OK\r\nUpgrade: h2\r\nContent-Length: 0\r\n\r\n";
                    head.as_bytes().to_vec()
                };
                let _ = stream.read(&mut asked).await;
                if two {
                    // Behind the preface and its settings comes the request.
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                let _ = stream.write_all(&said).await;
                while matches!(stream.read(&mut asked).await, Ok(1..)) {}
            }
        })
        .await;
        let result = probe(authority.profile(&server)).await;
        assert_found(&result, Cause::Protocol, Phase::FirstByte);
        let words = "the head of the response is not allowed in HTTP/2, as with an Upgrade, ";
        assert!(result.detail().starts_with(words), "{result:?}");
        let named = "over HTTP/1.1 it answers HTTP status 200 with the header `upgrade: h2`";
        assert_eq!(
            result.detail().contains(named),
            offers.len() > 1,
            "{result:?}"
        );
    }
}
