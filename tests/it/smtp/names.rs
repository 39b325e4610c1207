//! Where a relay's name leads: asked of a name server as a site's is, each address in turn.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant};

use probe::adapters::smtp::{SmtpLimits, SmtpNotifier};
use probe::model::{Delivery, Relay, RelaySecurity, Stay};

use super::answers::black_hole;
use super::server::{Script, Server};
use super::try_once::{PATIENT, SOON, assert_deferred, email, send_asking, stay};
use crate::http::dns::{NameServer, Says, four, has, name_server_on, six};
use crate::mail::entries::{down, english, entry};

const A: u8 = 1;
const NXDOMAIN: u8 = 3;
const SERVFAIL: u8 = 2;

/// On loopback, and nobody listens there.
const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

fn named(server: &Server, name: &str) -> Relay {
    Relay {
        host: name.to_owned(),
        ..server.relay(RelaySecurity::Plain)
    }
}

async fn name_server(says: impl Fn(u8) -> Says + Send + Sync + 'static) -> NameServer {
    name_server_on(0, says).await
}

#[tokio::test]
async fn each_address_of_a_relay_has_its_turn() {
    let here = || four(Ipv4Addr::LOCALHOST);
    let table = [
        ("one", vec![here()]),
        ("the second", vec![four(ELSEWHERE), here()]),
        ("IPv4 of both", vec![six(Ipv6Addr::LOCALHOST), here()]),
        (
            "the fourth",
            vec![
                four(ELSEWHERE),
                four(Ipv4Addr::new(127, 0, 0, 3)),
                four(Ipv4Addr::new(127, 0, 0, 4)),
                here(),
            ],
        ),
    ];
    for (case, records) in table {
        let server = Server::start(Script::default()).await;
        let names = name_server(has(records)).await;
        let relay = named(&server, "relay.example");
        let delivery = send_asking(PATIENT, names.address, relay).await;
        let name = format!("relay.example:{}", server.address.port());
        assert_eq!(delivery, Delivery::Sent { relay: name }, "{case}");
        assert_eq!(server.texts().len(), 1, "{case}");
    }
}

#[tokio::test]
async fn where_no_address_answers_each_is_named() {
    let server = Server::start(Script::default()).await;
    let names = name_server(has(vec![four(ELSEWHERE), six(Ipv6Addr::LOCALHOST)])).await;
    let relay = named(&server, "relay.example");
    let told = SmtpNotifier::with_limits(PATIENT)
        .asking(names.address)
        .rehearse(&email(vec![relay]), &english(), &entry(down()))
        .await
        .unwrap();
    let said = format!("{:?}", told[0]);
    let port = server.address.port();
    let first = format!("connection refused (127.0.0.2:{port})");
    assert!(said.contains(&format!("Happened(\"{first}\")")), "{said}");
    assert!(said.contains(&format!("connect: {first}; ")), "{said}");
    assert!(said.contains(&format!("([::1]:{port})")), "{said}");
}

/// Half of the time is left for the second.
#[tokio::test]
async fn an_address_that_is_silent_leaves_time_for_the_next() {
    let server = Server::start(Script::default()).await;
    let there = SocketAddr::new(IpAddr::V4(ELSEWHERE), server.address.port());
    let (_, _held, _listener) = black_hole(there).await;
    let names = name_server(has(vec![four(ELSEWHERE), four(Ipv4Addr::LOCALHOST)])).await;
    let limits = SmtpLimits {
        connect: Duration::from_secs(4),
        ..PATIENT
    };
    let begun = Instant::now();
    let relay = named(&server, "relay.example");
    let delivery = send_asking(limits, names.address, relay).await;
    assert!(matches!(delivery, Delivery::Sent { .. }), "{delivery:?}");
    assert!(
        begun.elapsed() >= Duration::from_secs(2),
        "it was never asked"
    );
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn what_is_known_of_one_family_is_used_whatever_becomes_of_the_other() {
    for other in [Says::Nothing, Says::Code(SERVFAIL), Says::Code(NXDOMAIN)] {
        let server = Server::start(Script::default()).await;
        let names = name_server(move |kind| match kind {
            A => Says::Records(vec![four(Ipv4Addr::LOCALHOST)], 60),
            _ => other.clone(),
        })
        .await;
        let relay = named(&server, "relay.example");
        let delivery = send_asking(PATIENT, names.address, relay).await;
        assert!(matches!(delivery, Delivery::Sent { .. }), "{delivery:?}");
    }
}

#[tokio::test]
async fn a_name_that_leads_nowhere_is_trouble_that_is_named() {
    for (says, why) in [
        (
            Says::Code(NXDOMAIN),
            "connect: the name relay.example does not exist (NXDOMAIN)",
        ),
        (
            Says::Records(vec![], 60),
            "connect: the name relay.example has no address",
        ),
        (
            Says::Code(SERVFAIL),
            "connect: the name server could not answer for relay.example (SERVFAIL)",
        ),
        (
            Says::Nothing,
            "connect: the name servers of relay.example did not answer in time",
        ),
    ] {
        let server = Server::start(Script::default()).await;
        let names = name_server(move |_| says.clone()).await;
        let begun = Instant::now();
        let relay = named(&server, "relay.example");
        let delivery = send_asking(PATIENT, names.address, relay).await;
        assert_deferred(&delivery, why);
        assert_eq!(stay(&delivery), Stay::Trouble);
        assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
        assert_eq!(server.connections(), 0);
    }
    let nobody = crate::ports::closed_port();
    let server = Server::start(Script::default()).await;
    let delivery = send_asking(PATIENT, nobody, named(&server, "relay.example")).await;
    assert_deferred(
        &delivery,
        "connect: this machine's own name server does not answer",
    );
}

/// No name server is asked for an address, nor for what the hosts file knows.
#[tokio::test]
async fn an_address_and_a_listed_name_need_no_name_server() {
    let names = name_server(has(vec![four(ELSEWHERE)])).await;
    for host in ["127.0.0.1", "localhost"] {
        let server = Server::start(Script::default()).await;
        let delivery = send_asking(PATIENT, names.address, named(&server, host)).await;
        assert!(matches!(delivery, Delivery::Sent { .. }), "{delivery:?}");
    }
}
