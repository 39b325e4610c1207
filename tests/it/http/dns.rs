//! The faults of names and of address families, one test per case, with a name server that answers as told.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use probe::adapters::http::HttpProber;
use probe::model::{Addresses, Cause, CheckResult, Phase, Profile};
use probe::ports::Prober as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, UdpSocket};
use tokio::task::JoinHandle;

use super::server::{Server, fine, serve, serve_on};
use super::table::record;
use super::{assert_found, assert_ok, profile, remarks};

const A: u8 = 1;
const CNAME: u8 = 5;
const AAAA: u8 = 28;
const SERVFAIL: u8 = 2;
const NXDOMAIN: u8 = 3;
const REFUSED: u8 = 5;

/// What is said to a question for a type of record.
#[derive(Clone)]
pub(crate) enum Says {
    Nothing,
    Code(u8),
    /// Records of any type, with this time to live; nothing is an empty answer.
    Records(Vec<(u8, Vec<u8>)>, u8),
    /// Over UDP only that it does not fit, over TCP these.
    TooLong(Vec<(u8, Vec<u8>)>),
}

pub(crate) struct NameServer {
    pub(crate) address: SocketAddr,
    tasks: [JoinHandle<()>; 2],
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// Says the same of every name but the root, of which it knows that it is there.
async fn name_server(says: impl Fn(u8) -> Says + Send + Sync + 'static) -> NameServer {
    name_server_on(0, says).await
}

/// [`name_server`] on this port of loopback; 0 is any.
pub(crate) async fn name_server_on(
    port: u16,
    says: impl Fn(u8) -> Says + Send + Sync + 'static,
) -> NameServer {
    let says = Arc::new(says);
    // The same port for both, which somebody else may have taken for one of them.
    let (listener, socket) = loop {
        let listener = TcpListener::bind((HERE, port)).await.unwrap();
        let address = listener.local_addr().unwrap();
        if let Ok(socket) = UdpSocket::bind(address).await {
            break (listener, socket);
        }
    };
    let address = listener.local_addr().unwrap();
    let over_udp = Arc::clone(&says);
    let udp = tokio::spawn(async move {
        let mut query = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut query).await {
            if let Some(answer) = answer(&query[..length], &*over_udp, false) {
                let _ = socket.send_to(&answer, from).await;
            }
        }
    });
    let tcp = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let Ok(length) = stream.read_u16().await else {
                continue;
            };
            let mut query = vec![0; usize::from(length)];
            if stream.read_exact(&mut query).await.is_ok()
                && let Some(answer) = answer(&query, &*says, true)
            {
                let length = u16::try_from(answer.len()).unwrap();
                let _ = stream
                    .write_all(&[&length.to_be_bytes()[..], &answer].concat())
                    .await;
            }
        }
    });
    NameServer {
        address,
        tasks: [udp, tcp],
    }
}

fn answer(query: &[u8], says: &dyn Fn(u8) -> Says, tcp: bool) -> Option<Vec<u8>> {
    let name_end = 12 + query[12..].iter().position(|&b| b == 0)? + 1;
    let root = name_end == 13;
    let (mut flags, code, records, ttl) = match says(query[name_end + 1]) {
        _ if root => (0x81, 0, vec![], 0),
        Says::Nothing => return None,
        Says::Code(code) => (0x81, code, vec![], 0),
        Says::Records(records, ttl) => (0x81, 0, records, ttl),
        Says::TooLong(records) if tcp => (0x81, 0, records, 60),
        Says::TooLong(_) => (0x83, 0, vec![], 60),
    };
    let mut body = vec![];
    for (kind, data) in &records {
        body.extend([0xc0, 12, 0, *kind, 0, 1, 0, 0, 0, ttl]);
        body.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
        body.extend(data);
    }
    let mut count = u16::try_from(records.len()).unwrap();
    if !tcp && name_end + 4 + body.len() > 512 {
        (flags, count) = (0x83, 0);
        body.clear();
    }
    let mut answer = query[..2].to_vec();
    answer.extend([flags, 0x80 | code, 0, 1]);
    answer.extend(count.to_be_bytes());
    answer.extend([0; 4]);
    answer.extend(&query[12..name_end + 4]);
    answer.extend(body);
    Some(answer)
}

pub(crate) fn four(ip: Ipv4Addr) -> (u8, Vec<u8>) {
    (A, ip.octets().to_vec())
}

pub(crate) fn six(ip: Ipv6Addr) -> (u8, Vec<u8>) {
    (AAAA, ip.octets().to_vec())
}

/// These records, each to the question for its type.
pub(crate) fn has(records: Vec<(u8, Vec<u8>)>) -> impl Fn(u8) -> Says + Send + Sync + 'static {
    move |kind| {
        let of = records.iter().filter(|(of, _)| *of == kind);
        Says::Records(of.cloned().collect(), 60)
    }
}

fn named(port: u16) -> Profile {
    profile(&format!("http://shop.example:{port}/"))
}

/// Asks this name server, holding the promise of the deadline.
async fn ask(server: &NameServer, profile: Profile, known: Option<IpAddr>) -> Vec<CheckResult> {
    let prober = HttpProber::try_with_name_server(server.address).unwrap();
    let limit = profile.timeout + Duration::from_millis(500);
    let begun = Instant::now();
    let results = prober.probe(Arc::new(profile), vec![known]).await;
    assert!(begun.elapsed() < limit, "{results:?}");
    results
}

async fn ask_one(server: &NameServer, profile: Profile, known: Option<IpAddr>) -> CheckResult {
    let mut results = ask(server, profile, known).await;
    assert_eq!(results.len(), 1, "{results:?}");
    results.remove(0)
}

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// The name fails in this way; what the last good address does is said, and it never counts as up.
async fn second_opinion(case: &str, says: Says, words: &str) {
    let names = name_server(move |_| says.clone()).await;
    let server = serve(|_| fine()).await;
    let port = server.address.port();
    let result = ask_one(&names, named(port), Some(HERE)).await;
    assert_found(&result, Cause::Dns, Phase::Dns);
    assert!(result.detail().contains(words), "{result:?}");
    let good = "; its last good address 127.0.0.1 still answers (HTTP status 200)";
    assert!(result.detail().ends_with(good), "{result:?}");
    let head = server.heads()[0].to_ascii_lowercase();
    assert!(head.contains("host: shop.example:"), "{head}");
    record(
        case,
        "the name fails, its last good address answers",
        &result,
    );
    drop(server);
    let dead = IpAddr::from([127, 0, 0, 9]);
    let result = ask_one(&names, named(port), Some(dead)).await;
    assert_found(&result, Cause::Dns, Phase::Dns);
    let bad = "; its last good address 127.0.0.9 does not answer either: connection refused";
    assert!(result.detail().ends_with(bad), "{result:?}");
    let result = ask_one(&names, named(port), None).await;
    assert!(!result.detail().contains("last good"), "{result:?}");
}

#[tokio::test]
async fn d01_nxdomain() {
    second_opinion("D1", Says::Code(NXDOMAIN), "NXDOMAIN").await;
}

#[tokio::test]
async fn d02_servfail_and_refused() {
    second_opinion("D2", Says::Code(SERVFAIL), "SERVFAIL").await;
    second_opinion("D2", Says::Code(REFUSED), "REFUSED").await;
}

#[tokio::test]
async fn d03_the_name_servers_are_silent() {
    second_opinion("D3", Says::Nothing, "did not answer in time").await;
}

#[tokio::test]
async fn d04_no_records() {
    second_opinion("D4", Says::Records(vec![], 60), "no A or AAAA record").await;
}

#[tokio::test]
async fn d05_another_address_than_expected_is_not_asked() {
    let names = name_server(has(vec![four(Ipv4Addr::LOCALHOST)])).await;
    let server = serve(|_| fine()).await;
    let mut wrong = named(server.address.port());
    wrong.expect.addresses = vec![IpAddr::from([192, 0, 2, 10])];
    let result = ask_one(&names, wrong.clone(), None).await;
    assert_found(&result, Cause::Dns, Phase::Dns);
    assert_eq!(
        result.detail(),
        "shop.example leads to 127.0.0.1, expected 192.0.2.10"
    );
    assert_eq!(server.accepted(), 0);
    record("D5", "another address than expected", &result);
    wrong.expect.addresses.push(HERE);
    assert_ok(&ask_one(&names, wrong, None).await);
}

#[tokio::test]
async fn d06_a_changed_address_is_a_remark() {
    let other = Ipv4Addr::new(127, 0, 0, 2);
    let names = name_server(has(vec![four(Ipv4Addr::LOCALHOST), four(other)])).await;
    let server = serve(|_| fine()).await;
    let moved = named(server.address.port());
    let before = IpAddr::from([192, 0, 2, 10]);
    let result = ask_one(&names, moved.clone(), Some(before)).await;
    assert_ok(&result);
    assert_eq!(
        remarks(&result),
        ["its address has changed: 192.0.2.10 before, 127.0.0.1 now"]
    );
    record("D6", "the address changed", &result);
    for same in [HERE, other.into()] {
        let result = ask_one(&names, moved.clone(), Some(same)).await;
        assert!(result.remarks.is_empty(), "{result:?}");
    }
}

#[tokio::test]
async fn d07_odd_answers() {
    let server = serve(|_| fine()).await;
    let odd = named(server.address.port());
    let here = || four(Ipv4Addr::LOCALHOST);
    let many: Vec<_> = std::iter::once(here())
        .chain((0..99).map(|n| four(Ipv4Addr::new(192, 0, 2, n))))
        .collect();
    let (brief, long) = (vec![here()], many.clone());
    let names = name_server(move |_| Says::Records(brief.clone(), 0)).await;
    assert_ok(&ask_one(&names, odd.clone(), None).await);
    let names = name_server(has(many)).await;
    assert_ok(&ask_one(&names, odd.clone(), None).await);
    let names = name_server(move |_| Says::TooLong(long.clone())).await;
    let result = ask_one(&names, odd.clone(), None).await;
    assert_ok(&result);
    record("D7", "truncated, asked again over TCP", &result);
    // A name that is its own canonical name.
    let round = b"\x04shop\x07example\x00".to_vec();
    let names = name_server(move |_| Says::Records(vec![(CNAME, round.clone())], 60)).await;
    let result = ask_one(&names, odd, None).await;
    assert_found(&result, Cause::Dns, Phase::Dns);
    record("D7", "a name that leads to itself", &result);
}

#[tokio::test]
async fn d07_more_addresses_than_are_asked() {
    let records = (1..=10)
        .map(|n| four(Ipv4Addr::new(127, 0, 0, n)))
        .collect();
    let names = name_server(has(records)).await;
    let server = serve_on(TcpListener::bind("0.0.0.0:0").await.unwrap(), |_| fine()).await;
    let mut all = named(server.address.port());
    all.addresses = Addresses::All;
    let results = ask(&names, all, None).await;
    assert_eq!(results.len(), 8);
    results.iter().for_each(assert_ok);
    let words = "shop.example has 10 addresses; the first 8 were asked";
    assert_eq!(remarks(&results[0]), [words]);
}

/// Both families of loopback, with a site on one of them.
async fn one_family(case: &str, server: Server) {
    let here = vec![four(Ipv4Addr::LOCALHOST), six(Ipv6Addr::LOCALHOST)];
    let names = name_server(has(here)).await;
    let mut all = named(server.address.port());
    all.addresses = Addresses::All;
    let results = ask(&names, all, None).await;
    let asked: Vec<IpAddr> = results.iter().map(|r| r.address.unwrap().ip()).collect();
    assert_eq!(asked, [HERE, Ipv6Addr::LOCALHOST.into()]);
    for result in &results {
        assert_eq!(
            result.url,
            format!("http://shop.example:{}/", server.address.port())
        );
        assert!(result.timings.dns.is_some(), "{result:?}");
        if result.address == Some(server.address) {
            assert_ok(result);
        } else {
            assert_found(result, Cause::Refused, Phase::Connect);
            record(case, "one family is dead, at its address", result);
        }
    }
    let head = server.heads()[0].to_ascii_lowercase();
    assert!(head.contains("host: shop.example:"), "{head}");
}

#[tokio::test]
async fn d08_ipv6_dead_ipv4_fine() {
    one_family("D8", serve(|_| fine()).await).await;
}

#[tokio::test]
async fn d09_ipv4_dead_ipv6_fine() {
    let listener = TcpListener::bind("[::1]:0").await.unwrap();
    one_family("D9", serve_on(listener, |_| fine()).await).await;
}

/// Every address of a name that does not resolve: one result, with the second opinion.
#[tokio::test]
async fn d01_every_address_of_no_name() {
    let names = name_server(|_| Says::Code(NXDOMAIN)).await;
    let server = serve(|_| fine()).await;
    let mut all = named(server.address.port());
    all.addresses = Addresses::All;
    let result = ask_one(&names, all, Some(HERE)).await;
    assert_found(&result, Cause::Dns, Phase::Dns);
    assert!(
        result.detail().contains("still answers (HTTP status 200)"),
        "{result:?}"
    );
}

#[tokio::test]
async fn d12_names_as_people_write_them() {
    let names = name_server(has(vec![four(Ipv4Addr::LOCALHOST)])).await;
    let server = serve(|_| fine()).await;
    let port = server.address.port();
    for name in [
        "SHOP.Example",
        "shop.example.",
        "my_shop.example",
        "bücher.example",
    ] {
        let result = ask_one(&names, profile(&format!("http://{name}:{port}/")), None).await;
        assert_ok(&result);
    }
    let long = vec!["a".repeat(63); 4].join(".");
    let result = ask_one(&names, profile(&format!("http://{long}:{port}/")), None).await;
    assert_found(&result, Cause::Dns, Phase::Dns);
    assert!(
        result.detail().contains("cannot be a host name"),
        "{result:?}"
    );
    record("D12", "a name that is too long", &result);
}
