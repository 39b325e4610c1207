//! Servers that break off, stay silent, or speak no HTTP: W1, W3, W4, W7 to W19, W22, W23, W26 to W28.

use std::time::{Duration, Instant};

use probe::model::{Cause, Phase};

use super::server::{Act, fine, response, send, serve, serve_blind};
use super::{LONG, SHORT, probe, profile, table};
use crate::ports::closed_port;

/// A request is read, the script played, and the cause found in that phase, told in words that hold these.
macro_rules! faults {
    ($($name:ident: $script:expr => $cause:ident, $phase:ident, $timeout:expr, $words:literal;)*) => {
        $(#[tokio::test]
        async fn $name() {
            let server = serve(|_| $script).await;
            let mut profile = profile(&server.url("/"));
            profile.timeout = $timeout;
            let result = probe(profile).await;
            table::case(stringify!($name), &result, Cause::$cause, Phase::$phase, $words);
            // Whether somebody speaks first is asked where the answer was no HTTP.
            let foreign = result.detail().contains("not valid HTTP");
            assert_eq!(server.accepted(), 1 + usize::from(foreign), "no retry");
            assert_eq!(server.heads().len(), 1, "one request");
            let kept = Phase::$phase != Phase::Transfer || result.http_status == Some(200);
            assert!(kept, "the status that came before: {result:?}");
        })*
    };
}

const GAP: Duration = Duration::from_millis(50);

/// Header lines of the same kind.
fn lines(count: usize, length: usize) -> String {
    (0..count)
        .map(|n| format!("X-Line-{n}: {}\r\n", "v".repeat(length)))
        .collect()
}

const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

faults! {
    w04_silence_after_accept: vec![Act::Silence]
        => ResponseTimeout, FirstByte, SHORT, "connected and asked, but no whole response head came within 0.8 s";
    w07_closed_without_a_byte: vec![]
        => Closed, FirstByte, LONG, "the connection was closed without a response";
    w07b_closed_inside_the_head: vec![send("HTTP/1.1 200 OK\r\nServer: x")]
        => Closed, FirstByte, LONG, "the connection was closed without a response";
    w08_reset_before_headers: vec![Act::Reset]
        => Reset, FirstByte, LONG, "the connection was reset before any response";
    w09_drip_of_headers: vec![Act::Drip(b"HTTP/1.1 200 OK\r\nX-Long: aaaaaaaaaaaaaaaaaaaaa".to_vec(), GAP), Act::Silence]
        => ResponseTimeout, FirstByte, SHORT, "no whole response head came within 0.8 s";
    w10_drip_of_body: vec![send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"), Act::Drip(vec![b'a'; 1000], GAP)]
        => ResponseTimeout, Transfer, SHORT, "HTTP status 200 came, but the body did not end within 0.8 s";
    w10b_body_stops: vec![send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nabc"), Act::Silence]
        => ResponseTimeout, Transfer, SHORT, "did not end within 0.8 s (3 bytes until then)";
    w11_reset_inside_the_body: vec![send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"), Act::Wait(GAP), Act::Reset]
        => Truncated, Transfer, LONG, "the response broke off in the middle of the body";
    w12_shorter_than_its_length: vec![send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort")]
        => Truncated, Transfer, LONG, "the response broke off in the middle of the body";
    w14_two_lengths: vec![send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd")]
        => Protocol, FirstByte, LONG, "what answers is not valid HTTP";
    w15_chunk_size_that_is_no_number: vec![send(CHUNKED), send("zz\r\nabc\r\n0\r\n\r\n")]
        => Protocol, Transfer, LONG, "the body's chunks are malformed";
    w15b_absurd_chunk_size: vec![send(CHUNKED), send("fffffffffffffff0\r\nabc"), Act::Silence]
        => ResponseTimeout, Transfer, SHORT, "the body did not end within 0.8 s (3 bytes until then)";
    w15c_chunk_size_beyond_numbers: vec![send(CHUNKED), send("fffffffffffffffff\r\nabc"), Act::Silence]
        => Protocol, Transfer, LONG, "the body's chunks are malformed";
    w15d_no_last_chunk: vec![send(CHUNKED), send("3\r\nabc\r\n")]
        => Truncated, Transfer, LONG, "the response broke off in the middle of the body";
    w15e_endless_chunk_extension: vec![send(CHUNKED), send("3;"), Act::Endless(vec![b'x'; 4096])]
        => Protocol, Transfer, LONG, "the body's chunks are malformed";
    w16_garbage: vec![send("complete nonsense\r\n\r\n")]
        => Protocol, FirstByte, LONG, "what answers is not valid HTTP";
    w16b_http2_in_text: vec![send("HTTP/2.0 200 OK\r\n\r\n")]
        => Protocol, FirstByte, LONG, "what answers is not valid HTTP";
    w16c_http_0_9: vec![send("<html>no head at all</html>\r\n")]
        => Protocol, FirstByte, LONG, "what answers is not valid HTTP";
    w16d_status_99: vec![send("HTTP/1.1 99 No\r\n\r\n")]
        => Protocol, FirstByte, LONG, "what answers is not valid HTTP";
    w16e_banner_only_when_asked: vec![send("SSH-2.0-OpenSSH_9.2p1\r\n")]
        => Protocol, FirstByte, LONG, "or something else listens there";
    w18_continue_and_nothing: vec![send("HTTP/1.1 100 Continue\r\n\r\n"), Act::Silence]
        => ResponseTimeout, FirstByte, SHORT, "no whole response head came within 0.8 s";
    w26_header_of_300_lines: vec![send(&format!("HTTP/1.1 200 OK\r\n{}Content-Length: 0\r\n\r\n", lines(300, 1)))]
        => HeadersTooLarge, FirstByte, LONG, "more than 256 header lines or 300 KiB of headers";
    w26b_header_of_320_kib: vec![send(&format!("HTTP/1.1 200 OK\r\n{}Content-Length: 0\r\n\r\n", lines(160, 2048)))]
        => HeadersTooLarge, FirstByte, LONG, "more than 256 header lines or 300 KiB of headers";
    w26c_one_endless_header: vec![send("HTTP/1.1 200 OK\r\nX: "), Act::Endless(vec![b'a'; 4096])]
        => HeadersTooLarge, FirstByte, LONG, "more than 256 header lines or 300 KiB of headers";
    w26d_headers_without_end: vec![send("HTTP/1.1 200 OK\r\n"), Act::Endless(b"X-A: b\r\n".repeat(500))]
        => HeadersTooLarge, FirstByte, LONG, "more than 256 header lines or 300 KiB of headers";
    w27_nul_in_a_header: vec![send("HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n")]
        => Protocol, FirstByte, LONG, "what answers is not valid HTTP";
    w27b_space_before_the_colon: vec![send("HTTP/1.1 200 OK\r\nX : b\r\n\r\n")]
        => Protocol, FirstByte, LONG, "what answers is not valid HTTP";
    w27c_folded_header: vec![send("HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n")]
        => Protocol, FirstByte, LONG, "what answers is not valid HTTP";
}

/// All is well, apart from what is remarked.
macro_rules! fine {
    ($($name:ident: $script:expr => $bytes:literal, $remark:literal;)*) => {
        $(#[tokio::test]
        async fn $name() {
            let server = serve(|_| $script).await;
            let result = probe(profile(&server.url("/"))).await;
            table::up(stringify!($name), &result, $remark);
            assert_eq!(result.body_bytes, $bytes, "{result:?}");
            assert_eq!(server.accepted(), 1, "one connection");
        })*
    };
}

fine! {
    w13_more_than_its_length: vec![send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokmore")] => 2, "";
    w14b_length_and_chunks: vec![send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")]
        => 3, "both Content-Length and Transfer-Encoding are sent";
    w19_twenty_early_hints: [vec![send(&"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n".repeat(20))], fine()].concat() => 17, "";
    w23_endless_body: vec![send("HTTP/1.1 200 OK\r\n\r\n"), Act::Endless(vec![b'a'; 4096])]
        => 65536, "the body is longer than max_body (65536 bytes); the rest was not read";
    w27d_raw_8_bit_value: vec![Act::Send(b"HTTP/1.1 200 OK\r\nX-Name: caf\xe9\r\nContent-Length: 2\r\n\r\nok".to_vec())] => 2, "";
    w28_bare_line_feeds: vec![send("HTTP/1.1 200 OK\nContent-Length: 2\n\nok")] => 2, "";
}

#[tokio::test]
async fn w01_refused() {
    let address = closed_port();
    let result = probe(profile(&format!("http://{address}/"))).await;
    let words = "connection refused: nothing listens there";
    table::case(
        "w01_refused",
        &result,
        Cause::Refused,
        Phase::Connect,
        words,
    );
    assert!(result.timings.total < Duration::from_secs(1), "{result:?}");
}

/// A full accept queue: the kernel drops the SYN, as a firewall or a dead host does.
#[tokio::test]
async fn w03_accept_queue_full() {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut held = vec![];
    loop {
        let connecting = tokio::net::TcpStream::connect(address);
        match tokio::time::timeout(Duration::from_millis(200), connecting).await {
            Ok(stream) => held.push(stream.unwrap()),
            Err(_) => break,
        }
        assert!(held.len() < 64, "the accept queue never fills");
    }
    let found = (Cause::ConnectTimeout, Phase::Connect);
    let words = "no answer to the connection attempt";
    for scheme in ["http", "https"] {
        let mut limited = profile(&format!("{scheme}://{address}/"));
        limited.connect_timeout = Duration::from_millis(300);
        let result = probe(limited).await;
        table::case("w03_accept_queue_full", &result, found.0, found.1, words);
        assert!(result.timings.total < Duration::from_secs(2), "{result:?}");
        let mut whole = profile(&format!("{scheme}://{address}/"));
        whole.timeout = SHORT;
        let result = probe(whole).await;
        let words = "no answer to the connection attempt within 0.8 s";
        table::case(
            "w03_the_same_at_the_deadline",
            &result,
            found.0,
            found.1,
            words,
        );
    }
}

/// Something that speaks first, as SSH, mail and database servers do.
#[tokio::test]
async fn w16f_another_server_on_the_port() {
    for (greeting, words) in [
        (
            "SSH-2.0-OpenSSH_9.2p1\r\n",
            "an SSH server answers on this port, no web server: SSH-2.0-OpenSSH_9.2p1",
        ),
        (
            "220 mx.example ESMTP\r\n",
            "a mail server (SMTP) answers on this port, no web server: 220 mx.example ESMTP",
        ),
        (
            "\x4a\0\0\0\n10.11.6-MariaDB\0",
            "a MySQL or MariaDB server answers on this port, no web server",
        ),
    ] {
        let server = serve_blind(vec![send(greeting), Act::Silence]).await;
        let result = probe(profile(&server.url("/"))).await;
        let name = "w16f_another_server_on_the_port";
        table::case(name, &result, Cause::Protocol, Phase::FirstByte, words);
        assert_eq!(result.detail(), words);
        assert_eq!(server.accepted(), 2, "one to ask, one to listen");
    }
}

/// The client shows nobody the 1xx responses, so the deadline is what bounds them.
#[tokio::test]
async fn w17_flood_of_1xx() {
    let hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n".repeat(50);
    let server = serve(move |_| vec![Act::Endless(hints.clone())]).await;
    let mut limited = profile(&server.url("/"));
    limited.timeout = SHORT;
    let begun = Instant::now();
    let result = probe(limited).await;
    let over = begun.elapsed().saturating_sub(SHORT);
    assert!(over < Duration::from_millis(500), "{over:?} too long");
    let words = "no whole response head came within 0.8 s";
    let found = (Cause::ResponseTimeout, Phase::FirstByte);
    table::case("w17_flood_of_1xx", &result, found.0, found.1, words);
}

#[tokio::test]
async fn w23b_endless_body_that_lacks_something() {
    let script = vec![
        send("HTTP/1.1 200 OK\r\n\r\n"),
        Act::Endless(vec![b'a'; 4096]),
    ];
    let server = serve(move |_| script.clone()).await;
    let mut wanting = profile(&server.url("/"));
    wanting.expect.contains = vec!["</html>".to_owned()];
    let result = probe(wanting).await;
    let words = "`</html>` not found in the part of the body that was read (max_body)";
    let name = "w23b_endless_body_that_lacks_something";
    table::case(name, &result, Cause::Content, Phase::Transfer, words);
}

#[tokio::test]
async fn w42_never_a_kept_connection() {
    let prober = probe::adapters::http::HttpProber::try_new().unwrap();
    let server = serve(|_| response("200 OK", &["Connection: keep-alive"], "ok")).await;
    for _ in 0..3 {
        let result = super::probe_with(&prober, profile(&server.url("/"))).await;
        table::up("w42_never_a_kept_connection", &result, "");
    }
    assert_eq!(server.accepted(), 3, "a connection of its own for each");
    assert_eq!(server.heads().len(), 3);
}
