//! Whatever a site or a name server says: never our own fault (`monitor`), which nobody would be told of, and
//! never more than a little text.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use probe::adapters::http::HttpProber;
use probe::model::{Addresses, Cause, CheckResult, Profile, limits};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRng, TestRunner};
use tokio::net::{TcpListener, UdpSocket};
use tokio::task::JoinSet;

use super::namespace::Namespace;
use super::server::{Act, serve_on};
use super::{SHORT, profile, remarks};

/// Sites that are tried.
const SITES: usize = 320;

/// At the same time: many of them wait for something.
const AT_ONCE: usize = 16;

/// What one look may leave behind, as it is kept: names and chain of a certificate, twenty hops, remarks.
const ROW: usize = 32 * 1024;

/// Values of a strategy, the same ones every time.
pub(super) fn many<T>(strategy: &impl Strategy<Value = T>, count: usize) -> Vec<T> {
    let config = Config::default();
    let rng = TestRng::deterministic_rng(config.rng_algorithm);
    let mut runner = TestRunner::new_with_rng(config, rng);
    (0..count)
        .map(|_| strategy.new_tree(&mut runner).unwrap().current())
        .collect()
}

/// What a name server sends to a question for an address, behind the question's number.
#[derive(Debug, Clone)]
enum Named {
    Here,
    At(Vec<IpAddr>),
    Code(u8),
    Noise(Vec<u8>),
    /// It does not fit, and nobody takes the connection in which it would.
    TooLong,
    Silence,
}

fn address() -> impl Strategy<Value = IpAddr> {
    let odd = [
        "0.0.0.0",
        "0.1.2.3",
        "127.0.0.9",
        "127.255.255.255",
        "169.254.1.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:224.0.0.1",
        "::ffff:0.0.0.0",
        "64:ff9b::7f00:1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "2001:db8::1",
    ];
    prop_oneof![
        3 => prop::sample::select(odd.to_vec()).prop_map(|ip| ip.parse().unwrap()),
        1 => any::<[u8; 4]>().prop_map(IpAddr::from),
        1 => any::<[u8; 16]>().prop_map(IpAddr::from),
    ]
}

fn named() -> impl Strategy<Value = Named> {
    prop_oneof![
        8 => Just(Named::Here),
        6 => prop::collection::vec(address(), 1..4).prop_map(Named::At),
        2 => (0u8..16).prop_map(Named::Code),
        2 => prop::collection::vec(any::<u8>(), 0..90).prop_map(Named::Noise),
        1 => Just(Named::TooLong),
        1 => Just(Named::Silence),
    ]
}

/// Where a site may send us; `PORT` is the server's own.
fn location() -> impl Strategy<Value = String> {
    let host = prop_oneof![
        Just("n0.example:PORT".to_owned()),
        (0..SITES).prop_map(|n| format!("n{n}.example:PORT")),
        address().prop_map(|ip| format!("{}:PORT", SocketAddr::new(ip, 0)).replace(":0:", ":")),
        "[!-~]{1,30}",
        "[a-z*_!~'(){}|^`\"]{1,12}\\.example(:PORT|:0|:65536|:x|)",
        (60usize..70_000).prop_map(|n| format!("{}.example:PORT", "a".repeat(n))),
    ];
    let path = prop_oneof![
        6 => (0..SITES).prop_map(|n| format!("/{n}")),
        1 => "/[ -~]{0,60}",
        1 => (1000usize..250_000).prop_map(|n| format!("/{}", "x".repeat(n))),
        1 => (1000usize..60_000).prop_map(|n| format!("/0?{}", "é\"<>".repeat(n / 4))),
    ];
    let scheme = prop::sample::select(vec!["http://", "http://", "http://", "https://", "//", ""]);
    prop_oneof![
        5 => (scheme, host, path.clone()).prop_map(|(scheme, host, path)| format!("{scheme}{host}{path}")),
        3 => path,
        1 => "[ -~]{0,60}",
    ]
}

fn response() -> impl Strategy<Value = Vec<u8>> {
    let value = prop_oneof![
        4 => "[ -~\u{80}-\u{ff}]{0,60}",
        1 => (1000usize..400_000).prop_map(|n| "v".repeat(n)),
    ];
    let name = prop_oneof![
        prop::sample::select(vec![
            "Content-Encoding",
            "Content-Type",
            "Server",
            "Date",
            "Retry-After",
            "X-Cache",
            "Set-Cookie",
            "Via",
            "Upgrade",
            "Age",
        ])
        .prop_map(str::to_owned),
        "[A-Za-z-]{1,20}",
    ];
    let headers = prop::collection::vec((name, value), 0..5);
    let body = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..300),
        "<title>.{0,900}</title>.{0,200}</html>".prop_map(String::into_bytes),
    ];
    let status = prop_oneof![
        4 => prop::sample::select(vec![301u16, 302, 303, 307, 308]),
        2 => 100u16..600,
        1 => any::<u16>(),
    ];
    (status, location(), headers, body).prop_map(|(status, location, headers, body)| {
        let mut text = format!("HTTP/1.1 {status} Odd\r\nLocation: {location}\r\n");
        for (name, value) in headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str("Connection: close\r\n\r\n");
        [text.as_bytes(), &body].concat()
    })
}

/// The number in `n17.example` or `/17`; of any other name or path one that depends on its length.
pub(super) fn number(text: &str) -> usize {
    let digits: String = text.chars().filter(char::is_ascii_digit).take(4).collect();
    digits.parse().unwrap_or(text.len()) % SITES
}

/// Answers to questions for any name, over UDP only; the root is known.
async fn name_server(says: Arc<Vec<Named>>) -> (SocketAddr, tokio::task::JoinHandle<()>) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let task = tokio::spawn(async move {
        let mut query = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut query).await {
            if let Some(answer) = answer(&query[..length], &says) {
                let _ = socket.send_to(&answer, from).await;
            }
        }
    });
    (address, task)
}

fn answer(query: &[u8], says: &[Named]) -> Option<Vec<u8>> {
    let end = 12 + query[12..].iter().position(|&b| b == 0)? + 1;
    let kind = query[end + 1];
    let root = Named::Code(0);
    let name = String::from_utf8_lossy(&query[12..end]).into_owned();
    let said = if end == 13 {
        &root
    } else {
        &says[number(&name)]
    };
    let here = [IpAddr::from([127, 0, 0, 1])];
    let (flags, code, ips): (u8, u8, &[IpAddr]) = match said {
        Named::Here => (0x81, 0, &here),
        Named::At(ips) => (0x81, 0, ips),
        Named::Code(code) => (0x81, *code, &[]),
        Named::TooLong => (0x83, 0, &[]),
        Named::Noise(bytes) => return Some([&query[..2], bytes].concat()),
        Named::Silence => return None,
    };
    let data: Vec<Vec<u8>> = ips
        .iter()
        .filter_map(|ip| match ip {
            IpAddr::V4(ip) if kind == 1 => Some(ip.octets().to_vec()),
            IpAddr::V6(ip) if kind == 28 => Some(ip.octets().to_vec()),
            IpAddr::V4(_) | IpAddr::V6(_) => None,
        })
        .collect();
    let mut answer = query[..2].to_vec();
    answer.extend([
        flags,
        0x80 | code,
        0,
        1,
        0,
        u8::try_from(data.len()).unwrap(),
    ]);
    answer.extend([0; 4]);
    answer.extend(&query[12..end + 4]);
    for data in data {
        answer.extend([0xc0, 12, 0, kind, 0, 1, 0, 0, 0, 60, 0]);
        answer.push(u8::try_from(data.len()).unwrap());
        answer.extend(data);
    }
    Some(answer)
}

#[track_caller]
pub(super) fn assert_theirs(result: &CheckResult, told: &dyn std::fmt::Debug) {
    assert_ne!(result.cause(), Some(Cause::Monitor), "{result:?}\n{told:?}");
    let row = serde_json::to_string(result).unwrap();
    assert!(row.len() < ROW, "{} bytes: {row}\n{told:?}", row.len());
    let foreign = result
        .final_url
        .iter()
        .chain(result.hops.iter().skip(1).map(|hop| &hop.url));
    for url in foreign {
        assert!(url.chars().count() <= limits::URL_CHARS, "{url}");
    }
    for text in remarks(result).into_iter().chain([result.detail()]) {
        assert!(text.chars().count() <= limits::DETAIL_CHARS, "{text}");
        assert!(!text.chars().any(char::is_control), "{text:?}");
    }
}

/// One site after another, on a machine that has a way to every address: what has none is ours indeed.
#[test]
fn nothing_of_a_site_or_a_name_server_is_our_own_fault() {
    let world = Namespace::new("foreign");
    world.ip("route add local 0.0.0.0/0 dev lo");
    world.ip("-6 route add local ::/0 dev lo");
    let causes = world.awaits(|| async {
        let listener = TcpListener::bind((Ipv6Addr::UNSPECIFIED, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let responses: Vec<Vec<u8>> = many(&response(), SITES)
            .into_iter()
            .map(|bytes| replaced(&bytes, b"PORT", port.to_string().as_bytes()))
            .collect();
        let (served, says) = (responses.clone(), Arc::new(many(&named(), SITES)));
        let _server = serve_on(listener, move |path| {
            vec![Act::Send(served[number(path)].clone())]
        })
        .await;
        let (names, _task) = name_server(Arc::clone(&says)).await;
        let prober = HttpProber::try_with_name_server(names).unwrap();
        let mut causes = std::collections::BTreeSet::new();
        let mut waiting = 0..SITES;
        let mut looks = JoinSet::new();
        loop {
            while looks.len() < AT_ONCE
                && let Some(n) = waiting.next()
            {
                let (prober, asked) = (prober.clone(), asking(n, port));
                looks.spawn(async move { (n, super::probe_all(&prober, asked).await) });
            }
            let Some(looked) = looks.join_next().await else {
                break;
            };
            let (n, results) = looked.expect("no panic");
            let head = String::from_utf8_lossy(&responses[n])
                .chars()
                .take(200)
                .collect::<String>();
            assert!(!results.is_empty());
            for result in &results {
                assert_theirs(result, &(&says[n], &head));
                causes.insert(result.cause());
            }
        }
        causes
    });
    assert!(causes.len() > 6, "too tame: {causes:?}");
}

fn asking(n: usize, port: u16) -> Profile {
    let mut asked = profile(&format!("http://n{n}.example:{port}/{n}"));
    asked.elsewhere = n.is_multiple_of(5);
    asked.redirects = 20;
    // Long enough for a name server that is silent, now and then.
    asked.timeout = if n.is_multiple_of(16) {
        Duration::from_secs(5)
    } else {
        SHORT
    };
    if n.is_multiple_of(3) {
        asked.addresses = Addresses::All;
    }
    asked
}

fn replaced(bytes: &[u8], word: &[u8], by: &[u8]) -> Vec<u8> {
    let mut out = vec![];
    let mut rest = bytes;
    while let Some(at) = rest.windows(word.len()).position(|part| part == word) {
        out.extend(&rest[..at]);
        out.extend(by);
        rest = &rest[at + word.len()..];
    }
    out.extend(rest);
    out
}
