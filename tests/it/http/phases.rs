//! Phases are exact: a known delay shows in its own phase and in no other.

use std::time::Duration;

use tokio_rustls::rustls::version;

use super::authority::{Authority, config, serve_tls};
use super::server::{Act, send, serve};
use super::{assert_ok, probe, profile};

const HANDSHAKE: Duration = Duration::from_millis(150);
const HEAD: Duration = Duration::from_millis(250);
const BODY: Duration = Duration::from_millis(350);

/// What else a busy machine may add to a phase; less than the difference of two delays.
const NOISE: Duration = Duration::from_millis(90);

fn slow_page() -> Vec<Act> {
    vec![
        Act::Wait(HEAD),
        send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no"),
        Act::Wait(BODY),
        send("k"),
    ]
}

#[track_caller]
fn assert_about(name: &str, measured: Option<Duration>, expected: Duration) {
    let measured = measured.unwrap_or_else(|| panic!("{name} was not measured"));
    let floor = expected.saturating_sub(Duration::from_millis(5));
    assert!(
        measured >= floor && measured < expected + NOISE,
        "{name}: measured {measured:?}, expected {expected:?}"
    );
}

#[tokio::test]
async fn of_plain_http() {
    let server = serve(|_| slow_page()).await;
    let result = probe(profile(&server.url("/"))).await;
    assert_ok(&result);
    assert_eq!(result.timings.dns, None, "an address is not looked up");
    assert_about("connect", result.timings.connect, Duration::ZERO);
    assert_eq!(result.timings.tls, None);
    assert_about("first_byte", result.timings.first_byte, HEAD);
    assert_about("transfer", result.timings.transfer, BODY);
    assert!(result.timings.total >= HEAD + BODY, "{result:?}");
}

#[tokio::test]
async fn of_both_versions_of_tls() {
    let authority = Authority::new();
    for version in [&version::TLS13, &version::TLS12] {
        let identity = authority.certify(&["127.0.0.1"], |_| ());
        let server = serve_tls(config(&identity, &[version]), HANDSHAKE, slow_page()).await;
        let result = probe(authority.profile(&server)).await;
        assert_ok(&result);
        assert_about("connect", result.timings.connect, Duration::ZERO);
        assert_about("tls", result.timings.tls, HANDSHAKE);
        assert_about("first_byte", result.timings.first_byte, HEAD);
        assert_about("transfer", result.timings.transfer, BODY);
    }
}

#[tokio::test]
async fn of_the_last_hop_with_the_total_of_all() {
    let server = serve(|path| match path {
        "/" => vec![
            Act::Wait(BODY),
            send("HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n"),
        ],
        _ => vec![
            Act::Wait(HANDSHAKE),
            send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        ],
    })
    .await;
    let result = probe(profile(&server.url("/"))).await;
    assert_ok(&result);
    assert_about("first_byte", result.timings.first_byte, HANDSHAKE);
    assert!(result.timings.total >= BODY + HANDSHAKE, "{result:?}");
}
