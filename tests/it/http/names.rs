//! Names: a name server that answers as told, the hosts file, pinned addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use probe::adapters::http::HttpProber;
use probe::model::{Addresses, Cause, Phase, Profile};
use tokio::net::{TcpListener, UdpSocket};
use tokio::task::JoinHandle;

use super::namespace::Namespace;
use super::server::{Act, Server, fine, serve, serve_blind, serve_on};
use super::{LONG, assert_found, assert_ok, probe, probe_with, profile};
use crate::ports::closed_port;

/// What a name server says.
#[derive(Debug, Clone, Copy)]
enum Says {
    /// This address for A, nothing for AAAA.
    Four(Ipv4Addr),
    /// This address for AAAA, nothing for A.
    Six(Ipv6Addr),
    /// An A record without a route, and this address for AAAA.
    NoRouteOr(Ipv6Addr),
    /// A response code, or none at all, to A; this address for AAAA.
    FailsButSix(Option<u8>, Ipv6Addr),
    /// A response code.
    Code(u8),
    /// The root's servers are known, nothing else.
    RootOnly,
    Nothing,
}

struct NameServer {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// In a namespace that has loopback alone.
const NO_ROUTE: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 1);

const A: u8 = 1;
const AAAA: u8 = 28;

/// A name server that says the same of every name, after a delay.
async fn name_server(says: Says, after: Duration) -> NameServer {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let task = tokio::spawn(async move {
        let mut query = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut query).await {
            if let Some(answer) = answer(&query[..length], says) {
                tokio::time::sleep(after).await;
                socket.send_to(&answer, from).await.unwrap();
            }
        }
    });
    NameServer { address, task }
}

fn answer(query: &[u8], says: Says) -> Option<Vec<u8>> {
    let name_end = 12 + query[12..].iter().position(|&b| b == 0)? + 1;
    let kind = query[name_end + 1];
    let (code, data) = match says {
        Says::Four(ip) if kind == A => (0, ip.octets().to_vec()),
        Says::Six(ip) if kind == AAAA => (0, ip.octets().to_vec()),
        Says::NoRouteOr(_) if kind == A => (0, NO_ROUTE.octets().to_vec()),
        Says::NoRouteOr(ip) if kind == AAAA => (0, ip.octets().to_vec()),
        Says::FailsButSix(_, ip) if kind == AAAA => (0, ip.octets().to_vec()),
        Says::FailsButSix(code, _) if kind == A => (code?, vec![]),
        Says::FailsButSix(..) => (0, vec![]),
        Says::Four(_) | Says::Six(_) | Says::NoRouteOr(_) => (0, vec![]),
        Says::Code(code) => (code, vec![]),
        Says::RootOnly if name_end == 13 => (0, vec![]),
        Says::RootOnly | Says::Nothing => return None,
    };
    let count = u8::from(!data.is_empty());
    let mut answer = query[..2].to_vec();
    answer.extend([0x81, 0x80 | code, 0, 1, 0, count, 0, 0, 0, 0]);
    answer.extend(&query[12..name_end + 4]);
    if count > 0 {
        answer.extend([0xc0, 12, 0, kind, 0, 1, 0, 0, 0, 60, 0]);
        answer.push(u8::try_from(data.len()).unwrap());
        answer.extend(data);
    }
    Some(answer)
}

fn named(port: u16) -> Profile {
    profile(&format!("http://shop.example:{port}/"))
}

async fn probe_asking(server: &NameServer, profile: Profile) -> probe::model::CheckResult {
    let prober = HttpProber::try_with_name_server(server.address).unwrap();
    probe_with(&prober, profile).await
}

const AT_ONCE: Duration = Duration::ZERO;

#[tokio::test]
async fn resolved_and_measured() {
    let delay = Duration::from_millis(200);
    let names = name_server(Says::Four(Ipv4Addr::LOCALHOST), delay).await;
    let server = serve(|_| fine()).await;
    let result = probe_asking(&names, named(server.address.port())).await;
    assert_ok(&result);
    let (dns, connect) = (result.timings.dns.unwrap(), result.timings.connect.unwrap());
    assert!(dns >= delay && dns < delay * 2, "{result:?}");
    assert!(connect < delay / 2, "{result:?}");
    let head = server.heads()[0].to_ascii_lowercase();
    assert!(head.contains("host: shop.example:"), "{head}");
}

async fn on_ipv6() -> Server {
    let listener = TcpListener::bind("[::1]:0").await.unwrap();
    serve_on(listener, |_| fine()).await
}

#[tokio::test]
async fn ipv6_where_there_is_no_a_record() {
    let names = name_server(Says::Six(Ipv6Addr::LOCALHOST), AT_ONCE).await;
    let server = on_ipv6().await;
    let result = probe_asking(&names, named(server.address.port())).await;
    assert_ok(&result);
    assert_eq!(result.address, Some(server.address));
}

/// A name server that fails for one kind of record, as some load balancers do, keeps no browser from a site.
#[tokio::test]
async fn ipv6_where_the_question_for_a_records_fails() {
    for code in [Some(2), Some(4), Some(5), None] {
        let names = name_server(Says::FailsButSix(code, Ipv6Addr::LOCALHOST), AT_ONCE).await;
        let server = on_ipv6().await;
        let result = probe_asking(&names, named(server.address.port())).await;
        assert_ok(&result);
        assert_eq!(result.address, Some(server.address), "{code:?}");
        let words = "the name server answered for its AAAA records and not for its A records";
        assert_eq!(result.remarks[0].to_string(), words, "{code:?}");
    }
}

/// What the name system keeps from a machine that has no IPv6 is its fault and not the machine's.
#[test]
fn a_records_that_fail_are_told_where_there_is_no_way_for_ipv6() {
    Namespace::new("no-a-no-route").awaits(|| async {
        let far = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
        let names = name_server(Says::FailsButSix(Some(2), far), AT_ONCE).await;
        let result = probe_asking(&names, named(80)).await;
        assert_found(&result, Cause::Dns, Phase::Dns);
        assert!(result.detail().contains("SERVFAIL"), "{result:?}");
    });
}

#[test]
fn the_other_family_where_ours_has_no_route() {
    Namespace::new("other-family").awaits(|| async {
        let names = name_server(Says::NoRouteOr(Ipv6Addr::LOCALHOST), AT_ONCE).await;
        let server = on_ipv6().await;
        let result = probe_asking(&names, named(server.address.port())).await;
        assert_ok(&result);
        assert_eq!(result.address, Some(server.address));
    });
}

#[test]
fn no_route_says_nothing_about_the_site() {
    Namespace::new("no-route").awaits(|| async {
        let names = name_server(Says::Four(NO_ROUTE), AT_ONCE).await;
        let result = probe_asking(&names, named(80)).await;
        assert_found(&result, Cause::Monitor, Phase::Connect);
        assert!(result.detail().contains("no route"), "{result:?}");
    });
}

/// A name that leads where nobody can be is wrong, whatever the kernel makes of such an address.
#[tokio::test]
async fn a_name_that_leads_to_nobody_is_wrong() {
    for ip in [
        Ipv4Addr::UNSPECIFIED,
        Ipv4Addr::new(0, 0, 0, 9),
        Ipv4Addr::new(224, 0, 0, 1),
        Ipv4Addr::BROADCAST,
    ] {
        let names = name_server(Says::Four(ip), AT_ONCE).await;
        let server = serve(|_| fine()).await;
        for addresses in [Addresses::Any, Addresses::All] {
            let mut wrong = named(server.address.port());
            wrong.addresses = addresses;
            let result = probe_asking(&names, wrong).await;
            assert_found(&result, Cause::Dns, Phase::Dns);
            let words = format!("shop.example leads to {ip}: ");
            assert!(result.detail().starts_with(&words), "{result:?}");
            assert_eq!(server.accepted(), 0, "{ip}");
        }
    }
    for ip in ["ff02::1", "fe80::1", "::", "::ffff:0.0.0.0"] {
        let names = name_server(Says::Six(ip.parse().unwrap()), AT_ONCE).await;
        let result = probe_asking(&names, named(80)).await;
        assert_found(&result, Cause::Dns, Phase::Dns);
    }
    // Asked as it stands: this machine, as Linux understands it.
    let server = serve(|_| fine()).await;
    let port = server.address.port();
    assert_ok(&probe(profile(&format!("http://0.0.0.0:{port}/"))).await);
}

/// The site's host is another machine, so what runs beside us is not the site.
#[tokio::test]
async fn loopback_is_no_place_of_a_site_whose_host_is_elsewhere() {
    let names = name_server(Says::Four(Ipv4Addr::LOCALHOST), AT_ONCE).await;
    let server = serve(|_| fine()).await;
    let port = server.address.port();
    for addresses in [Addresses::Any, Addresses::All] {
        let mut away = named(port);
        (away.elsewhere, away.addresses) = (true, addresses);
        let result = probe_asking(&names, away).await;
        assert_found(&result, Cause::Dns, Phase::Dns);
        let words =
            "shop.example leads to 127.0.0.1: this machine itself, and its host is another one";
        assert_eq!(result.detail(), words);
    }
    assert_eq!(server.accepted(), 0);
    for url in ["http://localhost", "http://127.0.0.1"] {
        let mut here = profile(&format!("{url}:{port}/"));
        here.elsewhere = true;
        assert_ok(&probe_asking(&names, here).await);
    }
    let mut pinned = named(port);
    pinned.elsewhere = true;
    pinned.addresses = Addresses::Pinned(vec![Ipv4Addr::LOCALHOST.into()]);
    assert_ok(&probe_asking(&names, pinned).await);
}

#[tokio::test]
async fn ipv6_literal() {
    let server = on_ipv6().await;
    let result = probe(profile(&server.url("/"))).await;
    assert_ok(&result);
    assert_eq!(result.address, Some(server.address));
}

#[tokio::test]
async fn what_the_name_system_says_is_told_apart() {
    for (says, words) in [
        (Says::Code(3), "NXDOMAIN"),
        (Says::Code(2), "SERVFAIL"),
        (Says::Code(5), "REFUSED"),
        (Says::Code(0), "no A or AAAA record"),
        (Says::RootOnly, "did not answer in time"),
    ] {
        let names = name_server(says, AT_ONCE).await;
        let result = probe_asking(&names, named(80)).await;
        assert_found(&result, Cause::Dns, Phase::Dns);
        assert!(result.detail().contains(words), "{result:?}");
        assert!(result.timings.total < Duration::from_secs(4), "{result:?}");
        assert_eq!(result.address, None);
    }
}

#[tokio::test]
async fn a_silent_name_server_and_a_short_timeout() {
    let names = name_server(Says::Nothing, AT_ONCE).await;
    let mut short = named(80);
    short.timeout = super::SHORT;
    let result = probe_asking(&names, short).await;
    assert_found(&result, Cause::Dns, Phase::Dns);
}

#[tokio::test]
async fn a_name_server_that_is_not_there_is_our_trouble() {
    let silent = name_server(Says::Nothing, AT_ONCE).await;
    let result = probe_asking(&silent, named(80)).await;
    assert_found(&result, Cause::Monitor, Phase::Dns);
    assert!(result.detail().contains("silent"), "{result:?}");
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    drop(socket);
    let prober = HttpProber::try_with_name_server(address).unwrap();
    let result = probe_with(&prober, named(80)).await;
    assert_found(&result, Cause::Monitor, Phase::Dns);
}

#[tokio::test]
async fn localhost_needs_no_name_server() {
    let names = name_server(Says::Nothing, AT_ONCE).await;
    let server = serve(|_| fine()).await;
    let local = profile(&format!("http://localhost:{}/", server.address.port()));
    assert_ok(&probe_asking(&names, local).await);
}

/// Any name that the hosts file gives to this machine; `localhost` where there is no other.
#[tokio::test]
async fn names_of_the_hosts_file_need_no_name_server() {
    let hosts = std::fs::read_to_string("/etc/hosts").unwrap();
    let entries: Vec<Vec<&str>> = hosts
        .lines()
        .map(|line| line.split('#').next().unwrap().split_whitespace().collect())
        .filter(|words: &Vec<&str>| words.len() > 1 && words[0].starts_with("127."))
        .collect();
    let other = entries.iter().find(|words| words[1] != "localhost");
    let entry = other
        .or(entries.first())
        .expect("/etc/hosts names localhost");
    let names = name_server(Says::Nothing, AT_ONCE).await;
    let address: IpAddr = entry[0].parse().unwrap();
    let server = serve_on(TcpListener::bind((address, 0)).await.unwrap(), |_| fine()).await;
    let url = format!("http://{}:{}/", entry[1], server.address.port());
    let result = probe_asking(&names, profile(&url)).await;
    assert_ok(&result);
    assert_eq!(result.address, Some(server.address));
}

#[tokio::test]
async fn a_pinned_address_is_used_whatever_the_name_says() {
    let names = name_server(Says::Code(3), AT_ONCE).await;
    let server = serve(|_| fine()).await;
    let mut pinned = named(server.address.port());
    pinned.addresses = Addresses::Pinned(vec![server.address.ip()]);
    let result = probe_asking(&names, pinned).await;
    assert_ok(&result);
    assert_eq!(result.address, Some(server.address));
}

#[tokio::test]
async fn the_first_pinned_address_that_fails_is_named() {
    let server = serve(|_| fine()).await;
    let port = server.address.port();
    let dead = IpAddr::from([127, 0, 0, 2]);
    let mut pinned = named(port);
    pinned.addresses = Addresses::Pinned(vec![server.address.ip(), dead]);
    let result = probe(pinned).await;
    assert_found(&result, Cause::Refused, Phase::Connect);
    assert_eq!(result.address, Some(SocketAddr::new(dead, port)));
    assert!(result.detail().starts_with("127.0.0.2: "), "{result:?}");
}

/// A connection that the name system sends to a dead place does not wander to a live one.
#[tokio::test]
async fn no_second_address_is_tried_for_a_dead_one() {
    let names = name_server(Says::Four(Ipv4Addr::LOCALHOST), AT_ONCE).await;
    let closed = closed_port();
    let silent = serve_blind(vec![Act::Silence]).await;
    let result = probe_asking(&names, named(closed.port())).await;
    assert_found(&result, Cause::Refused, Phase::Connect);
    assert_eq!(silent.accepted(), 0);
    assert!(result.timings.total < LONG);
}
