//! Phases are exact: a known delay shows in its own phase and in no other.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use probe::adapters::http::HttpProber;
use probe::model::ProfileName;
use tokio::task::JoinSet;
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned, version};

use super::authority::{Authority, BOTH, LOCAL, config, serve_tls};
use super::server::{Act, send, serve};
use super::{assert_ok, probe, probe_with, profile};

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
    // On a busy machine the end of the phase before is seen late, which takes from this one.
    let floor = expected.saturating_sub(Duration::from_millis(40));
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

/// One prober looks at many sites at once, each with delays of its own; nobody's are found in another's phases.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_at_once_are_each_ones_own() {
    const STEP: Duration = Duration::from_millis(200);
    let (authority, prober) = (Authority::new(), HttpProber::try_new().unwrap());
    let (mut servers, mut looks) = (vec![], JoinSet::new());
    for place in 0..24_u32 {
        // Every server waits before the handshake, the head and the end of the body for one, two or three steps, in an order
        // that is its own.
        let steps = |turn: u32| STEP * (1 + (place + turn * (1 + place / 12)) % 3);
        let waits = [steps(0), steps(1), steps(2)];
        let script = vec![
            Act::Wait(waits[1]),
            send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no"),
            Act::Wait(waits[2]),
            send("k"),
        ];
        let secure = place % 2 == 0;
        let (server, mut looking) = if secure {
            let identity = authority.certify(LOCAL, |_| ());
            let server = serve_tls(config(&identity, BOTH), waits[0], script).await;
            let looking = authority.profile(&server);
            (server, looking)
        } else {
            let server = serve(move |_| script.clone()).await;
            let looking = profile(&server.url("/"));
            (server, looking)
        };
        // Under one name they have the same settings, and so share one client.
        looking.name = ProfileName::try_new(if secure { "secure" } else { "plain" }).unwrap();
        let (address, prober) = (server.address, prober.clone());
        servers.push(server);
        looks.spawn(async move { (address, secure, waits, probe_with(&prober, looking).await) });
    }
    while let Some(looked) = looks.join_next().await {
        let (address, secure, waits, result) = looked.unwrap();
        assert_ok(&result);
        assert_eq!(result.address, Some(address));
        assert_about("connect", result.timings.connect, Duration::ZERO);
        match secure {
            true => assert_about("tls", result.timings.tls, waits[0]),
            false => assert_eq!(result.timings.tls, None),
        }
        assert_about("first_byte", result.timings.first_byte, waits[1]);
        assert_about("transfer", result.timings.transfer, waits[2]);
        assert_eq!(result.certificate.is_some(), secure);
    }
    for server in servers {
        assert_eq!((server.accepted(), server.heads().len()), (1, 1));
    }
}

/// Looks that are compared with the server's own clock. The machine may be busy in most of them.
const LOOKS: usize = 12;

/// What a server measured itself: from the connection to the end of the handshake, from the request to the head, from there to
/// the end of the body.
type Measured = [Duration; 3];

/// Serves [`LOOKS`] connections one after the other on a thread, measures each, and ends.
fn serve_measured(tls: Option<ServerConfig>) -> (SocketAddr, JoinHandle<Vec<Measured>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let tls = tls.map(Arc::new);
    let served = thread::spawn(move || {
        let each = |_| {
            let (mut stream, _) = listener.accept().unwrap();
            stream.set_nodelay(true).unwrap();
            let begun = Instant::now();
            let Some(tls) = &tls else {
                let [head, body] = talk(&mut stream);
                return [Duration::ZERO, head, body];
            };
            thread::sleep(Duration::from_millis(20));
            let mut tls = ServerConnection::new(Arc::clone(tls)).unwrap();
            while tls.is_handshaking() {
                tls.complete_io(&mut stream).unwrap();
            }
            let shaken = begun.elapsed();
            let [head, body] = talk(&mut StreamOwned::new(tls, stream));
            [shaken, head, body]
        };
        (0..LOOKS).map(each).collect()
    });
    (address, served)
}

fn talk(stream: &mut (impl Read + Write)) -> [Duration; 2] {
    let (mut asked, mut byte) = (vec![], [0]);
    while !asked.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        asked.extend(byte);
    }
    let begun = Instant::now();
    thread::sleep(Duration::from_millis(30));
    let head = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no";
    stream.write_all(head).unwrap();
    stream.flush().unwrap();
    let answered = Instant::now();
    thread::sleep(Duration::from_millis(40));
    stream.write_all(b"k").unwrap();
    stream.flush().unwrap();
    [answered - begun, answered.elapsed()]
}

/// Each phase agrees with the server's clock to a millisecond, where nothing else took the processor. Where nothing is optimised,
/// reading a request byte by byte alone takes the server as long.
#[tokio::test]
async fn to_a_millisecond() {
    let most = Duration::from_millis(if cfg!(debug_assertions) { 3 } else { 1 });
    let authority = Authority::new();
    for secure in [false, true] {
        let tls = secure.then(|| config(&authority.certify(LOCAL, |_| ()), BOTH));
        let (address, served) = serve_measured(tls);
        let mut seen = vec![];
        for _ in 0..LOOKS {
            let scheme = if secure { "https" } else { "http" };
            let mut looking = profile(&format!("{scheme}://{address}/"));
            looking.tls.ca_file = secure.then(|| authority.file("ca.pem"));
            let result = probe(looking).await;
            assert_ok(&result);
            let timings = result.timings;
            seen.push([
                timings.tls.unwrap_or_default(),
                timings.first_byte.unwrap(),
                timings.transfer.unwrap(),
            ]);
        }
        let measured = served.join().unwrap();
        for (n, phase) in ["tls", "first byte", "transfer"].into_iter().enumerate() {
            let both = seen.iter().zip(&measured);
            let closest = both.map(|(ours, theirs)| ours[n].abs_diff(theirs[n])).min();
            let closest = closest.unwrap();
            assert!(
                closest < most,
                "{phase} differs by {closest:?} at best: {seen:?} {measured:?}"
            );
        }
    }
}
