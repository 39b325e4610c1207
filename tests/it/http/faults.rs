//! One server script per cause.

use std::time::Duration;

use probe::model::{Cause, Phase};

use super::server::{Act, closed_port, fine, response, send, serve, serve_blind};
use super::{LONG, SHORT, assert_found, assert_ok, probe, profile};

/// A request is read, the script played, and the cause found in that phase.
macro_rules! faults {
    ($($name:ident: $script:expr => $cause:ident, $phase:ident, $timeout:expr;)*) => {
        $(#[tokio::test]
        async fn $name() {
            let server = serve(|_| $script).await;
            let mut profile = profile(&server.url("/"));
            profile.timeout = $timeout;
            let result = probe(profile).await;
            assert_found(&result, Cause::$cause, Phase::$phase);
            assert_eq!(server.accepted(), 1, "one connection, no retry");
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

faults! {
    reset_before_headers: vec![Act::Reset] => Reset, FirstByte, LONG;
    closed_without_a_byte: vec![] => Closed, FirstByte, LONG;
    closed_inside_the_head: vec![send("HTTP/1.1 200 OK\r\nServer: x")] => Closed, FirstByte, LONG;
    silence_after_accept: vec![Act::Silence] => ResponseTimeout, FirstByte, SHORT;
    drip_of_headers: vec![Act::Drip(b"HTTP/1.1 200 OK\r\nX-Long: aaaaaaaaaaaaaaaaaaaaa".to_vec(), GAP), Act::Silence]
        => ResponseTimeout, FirstByte, SHORT;
    drip_of_body: vec![send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"), Act::Drip(vec![b'a'; 1000], GAP)]
        => ResponseTimeout, Transfer, SHORT;
    body_stops: vec![send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nabc"), Act::Silence]
        => ResponseTimeout, Transfer, SHORT;
    continue_and_nothing: vec![send("HTTP/1.1 100 Continue\r\n\r\n"), Act::Silence]
        => ResponseTimeout, FirstByte, SHORT;
    flood_of_1xx: vec![Act::Endless(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n".repeat(50))]
        => ResponseTimeout, FirstByte, SHORT;
    shorter_than_its_length: vec![send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort")]
        => Truncated, Transfer, LONG;
    reset_inside_the_body: vec![send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"), Act::Wait(GAP), Act::Reset]
        => Truncated, Transfer, LONG;
    no_last_chunk: vec![send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")]
        => Truncated, Transfer, LONG;
    broken_chunk: vec![send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n")]
        => Protocol, Transfer, LONG;
    garbage: vec![send("complete nonsense\r\n\r\n")] => Protocol, FirstByte, LONG;
    ssh_banner_as_answer: vec![send("SSH-2.0-OpenSSH_9.2p1\r\n")] => Protocol, FirstByte, LONG;
    http2_in_text: vec![send("HTTP/2.0 200 OK\r\n\r\n")] => Protocol, FirstByte, LONG;
    status_99: vec![send("HTTP/1.1 99 No\r\n\r\n")] => Protocol, FirstByte, LONG;
    nul_in_a_header: vec![send("HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n")] => Protocol, FirstByte, LONG;
    two_lengths: vec![send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd")]
        => Protocol, FirstByte, LONG;
    huge_header: vec![send("HTTP/1.1 200 OK\r\nX: "), Act::Endless(vec![b'a'; 4096])]
        => HeadersTooLarge, FirstByte, LONG;
    header_of_320_kib: vec![send(&format!("HTTP/1.1 200 OK\r\n{}Content-Length: 0\r\n\r\n", lines(160, 2048)))]
        => HeadersTooLarge, FirstByte, LONG;
    header_of_300_lines: vec![send(&format!("HTTP/1.1 200 OK\r\n{}Content-Length: 0\r\n\r\n", lines(300, 1)))]
        => HeadersTooLarge, FirstByte, LONG;
    switching_protocols: vec![send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n")]
        => Status, FirstByte, LONG;
    status_500: response("500 Internal Server Error", &[], "oops") => ServerError, FirstByte, LONG;
    status_503: response("503 Service Unavailable", &[], "") => ServerError, FirstByte, LONG;
    status_404: response("404 Not Found", &[], "gone") => Status, FirstByte, LONG;
    status_429: response("429 Too Many Requests", &["Retry-After: 30"], "") => Status, FirstByte, LONG;
    status_999: response("999 What", &[], "") => Status, FirstByte, LONG;
    status_500_over_its_body: vec![send("HTTP/1.1 500 No\r\nContent-Length: 100\r\n\r\nFatal error")]
        => ServerError, FirstByte, LONG;
    status_500_with_a_stalled_body: vec![send("HTTP/1.1 500 No\r\nContent-Length: 100\r\n\r\n"), Act::Silence]
        => ServerError, FirstByte, LONG;
    maintenance: response("503 Service Unavailable", &["Retry-After: 600"], "Briefly unavailable")
        => Maintenance, FirstByte, LONG;
}

#[tokio::test]
async fn an_endless_body_ends_at_the_cap() {
    let script = vec![
        send("HTTP/1.1 200 OK\r\n\r\n"),
        Act::Endless(vec![b'a'; 4096]),
    ];
    let server = serve(move |_| script.clone()).await;
    let result = probe(profile(&server.url("/"))).await;
    assert_ok(&result);
    assert_eq!(result.body_bytes, 64 * 1024, "{result:?}");
    let mut wanting = profile(&server.url("/"));
    wanting.expect.contains = vec!["</html>".to_owned()];
    let result = probe(wanting).await;
    assert_found(&result, Cause::Content, Phase::Transfer);
    assert!(result.detail().contains("max_body"), "{result:?}");
}

#[tokio::test]
async fn refused() {
    let address = closed_port().await;
    let result = probe(profile(&format!("http://{address}/"))).await;
    assert_found(&result, Cause::Refused, Phase::Connect);
    assert_eq!(result.address, Some(address));
    assert!(result.timings.total < Duration::from_secs(1), "{result:?}");
}

/// A full accept queue: the kernel drops the SYN, as a firewall or a dead host does.
#[tokio::test]
async fn connect_timeout() {
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
    for scheme in ["http", "https"] {
        let mut limited = profile(&format!("{scheme}://{address}/"));
        limited.connect_timeout = Duration::from_millis(300);
        let result = probe(limited).await;
        assert_found(&result, Cause::ConnectTimeout, Phase::Connect);
        assert!(result.timings.total < Duration::from_secs(2), "{result:?}");
        let mut whole = profile(&format!("{scheme}://{address}/"));
        whole.timeout = SHORT;
        let result = probe(whole).await;
        assert_found(&result, Cause::ConnectTimeout, Phase::Connect);
    }
}

/// Something that speaks first, as SSH and mail servers do.
#[tokio::test]
async fn ssh_server_on_the_port() {
    let server = serve_blind(vec![send("SSH-2.0-OpenSSH_9.2p1\r\n"), Act::Silence]).await;
    let result = probe(profile(&server.url("/"))).await;
    assert_found(&result, Cause::Protocol, Phase::FirstByte);
    assert!(result.detail().contains("not HTTP"), "{result:?}");
}

#[tokio::test]
async fn twenty_early_hints_and_a_page() {
    let hints = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n".repeat(20);
    let server = serve(move |_| [vec![send(&hints)], fine()].concat()).await;
    assert_ok(&probe(profile(&server.url("/"))).await);
}

#[tokio::test]
async fn more_than_its_length_is_let_pass() {
    let script = vec![send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokmore")];
    let server = serve(move |_| script.clone()).await;
    let result = probe(profile(&server.url("/"))).await;
    assert_ok(&result);
    assert_eq!(result.body_bytes, 2);
}

#[tokio::test]
async fn retry_after_is_kept() {
    let server = serve(|path| {
        let wait = format!("Retry-After: {}", &path[1..]);
        response("503 No", &[&wait], "")
    })
    .await;
    let result = probe(profile(&server.url("/600"))).await;
    assert_eq!(result.cause(), Some(Cause::Maintenance));
    assert_eq!(result.retry_after, Some(Duration::from_secs(600)));
    let result = probe(profile(&server.url("/86400"))).await;
    assert_eq!(result.retry_after, Some(Duration::from_secs(900)));
    let result = probe(profile(&server.url("/0"))).await;
    assert_eq!(result.cause(), Some(Cause::ServerError));
}
