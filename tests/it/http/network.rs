//! What the network does to a connection, in namespaces of its own: W2, W5, W6, W33, D10.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use probe::adapters::http::HttpProber;
use probe::model::{Addresses, Cause, Phase};

use super::dns::{four, has, name_server_on, six};
use super::namespace::Namespace;
use super::server::{fine, response, serve, serve_on};
use super::{SHORT, assert_found, assert_ok, probe, probe_all, probe_with, profile, table};

/// Two machines: ours, and a router behind which a dead, an unreachable and a forbidden address lie, and no other.
fn behind_a_router(label: &str) -> (Namespace, Namespace) {
    let ours = Namespace::new(&format!("{label}-ours"));
    let router = Namespace::new(&format!("{label}-router"));
    ours.ip(&format!(
        "link add out type veth peer name in netns {}",
        router.name()
    ));
    ours.ip("addr add 192.0.2.1/24 dev out");
    ours.ip("addr add 2001:db8::1/64 dev out nodad");
    ours.ip("link set out up");
    router.ip("addr add 2001:db8::2/64 dev in nodad");
    router.ip("addr add 192.0.2.2/24 dev in");
    router.ip("link set in up");
    ours.ip("route add default via 192.0.2.2");
    ours.ip("-6 route add default via 2001:db8::2");
    router.forward();
    router.ip("route add blackhole 203.0.113.1");
    router.ip("route add unreachable 203.0.113.2");
    router.ip("route add prohibit 203.0.113.3");
    router.ip("-6 route add prohibit 2001:db8:1::1");
    (ours, router)
}

#[test]
fn w02_syn_dropped() {
    let (ours, _router) = behind_a_router("w02");
    let mut dropped = profile("http://203.0.113.1:80/");
    dropped.connect_timeout = SHORT / 2;
    let result = ours.awaits(|| probe(dropped.clone()));
    let words = "no answer to the connection attempt";
    let found = (Cause::ConnectTimeout, Phase::Connect);
    assert!(result.timings.total < SHORT, "{result:?}");
    table::case("w02_syn_dropped", &result, found.0, found.1, words);
    dropped.connect_timeout = Duration::from_secs(10);
    dropped.timeout = SHORT;
    let result = ours.awaits(|| probe(dropped));
    let words = "no answer to the connection attempt within 0.8 s";
    table::case("w02b_at_the_deadline", &result, found.0, found.1, words);
}

#[test]
fn w05_icmp_unreachable() {
    let (ours, _router) = behind_a_router("w05");
    for (name, host) in [
        ("w05_icmp_host_unreachable", "203.0.113.2"),
        ("w05b_icmp_prohibited", "203.0.113.3"),
    ] {
        let result = ours.awaits(|| probe(profile(&format!("http://{host}:80/"))));
        let words = "the network says that the address cannot be reached (ICMP)";
        table::case(name, &result, Cause::Unreachable, Phase::Connect, words);
        assert!(result.timings.total < Duration::from_secs(2), "{result:?}");
    }
}

/// What routers say, and the kernel gives as the errors for a route that we lack ourselves and for a firewall of our own. A
/// router says it at most once a second, so each case has its own.
#[test]
fn w05c_what_routers_say_is_not_ours() {
    let words = [
        "the network says that the address cannot be reached (ICMP)",
        "a firewall on the way forbids the connection (ICMP)",
    ];
    for (name, host, words) in [
        ("w05c_network_unreachable", "198.51.100.1", words[0]),
        ("w05d_no_route_ipv6", "[2001:db8:2::1]", words[0]),
        ("w05e_prohibited_ipv6", "[2001:db8:1::1]", words[1]),
    ] {
        let (ours, _router) = behind_a_router(&name[..4]);
        let result = ours.awaits(|| probe(profile(&format!("http://{host}:80/"))));
        table::case(name, &result, Cause::Unreachable, Phase::Connect, words);
    }
}

/// A network's own broadcast address is known by its routes alone.
#[test]
fn w06b_broadcast_of_a_network_of_ours() {
    let (ours, _router) = behind_a_router("w06b");
    let result = ours.awaits(|| async {
        let everybody = Ipv4Addr::new(192, 0, 2, 255);
        let names = name_server_on(0, has(vec![four(everybody)])).await;
        let prober = HttpProber::try_with_name_server(names.address).unwrap();
        probe_all(&prober, profile("http://shop.example/")).await
    });
    assert_found(&result[0], Cause::Dns, Phase::Dns);
    let words = "192.0.2.255 is the broadcast address of a network of this machine";
    assert!(result[0].detail().starts_with(words), "{result:?}");
    table::record("w06b", "broadcast of a network of ours", &result[0]);
}

#[test]
fn w06_no_route() {
    let alone = Namespace::new("w06");
    let result = alone.awaits(|| probe(profile("http://203.0.113.1:80/")));
    let words = "this machine has no route to the address";
    table::case(
        "w06_no_route",
        &result,
        Cause::Monitor,
        Phase::Connect,
        words,
    );
}

/// A public host sends us to addresses that mean our own machine, our own network, or the cloud's metadata.
#[test]
fn w33_redirect_inside() {
    let world = Namespace::new("w33");
    world.ip("addr add 203.0.113.9/32 dev lo");
    let results = world.awaits(|| async {
        let inside = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let inside = serve_on(inside, |_| fine()).await;
        let port = inside.address.port();
        let public = tokio::net::TcpListener::bind("203.0.113.9:0")
            .await
            .unwrap();
        let public = serve_on(public, move |path| {
            let to = match path {
                "/loopback" => format!("http://127.0.0.1:{port}/"),
                "/octal" => format!("http://0177.0.0.1:{port}/"),
                "/number" => format!("http://2130706433:{port}/"),
                "/mapped" => format!("http://[::ffff:127.0.0.1]:{port}/"),
                "/private" => "http://10.0.0.1/".to_owned(),
                _ => "http://169.254.169.254/latest/meta-data/".to_owned(),
            };
            response("302 Found", &[&format!("Location: {to}")], "")
        })
        .await;
        let mut results = vec![];
        for path in [
            "/loopback",
            "/octal",
            "/number",
            "/mapped",
            "/private",
            "/metadata",
        ] {
            results.push(probe(profile(&public.url(path))).await);
        }
        assert_eq!(inside.accepted(), 0, "nobody was sent there");
        results
    });
    for result in results {
        let words = "an address inside a network, which is not followed (at http://";
        assert_eq!(result.cause(), Some(Cause::Redirect), "{result:?}");
        assert!(result.detail().contains(words), "{result:?}");
        table::record("w33", "redirect inside", &result);
    }
}

/// The same by a name that leads inside.
#[test]
fn w33b_redirect_to_a_name_inside() {
    let world = Namespace::new("w33b");
    world.ip("addr add 203.0.113.9/32 dev lo");
    let result = world.awaits(|| async {
        let inside = serve(|_| fine()).await;
        let names = name_server_on(0, has(vec![four(Ipv4Addr::LOCALHOST)])).await;
        let to = format!("Location: http://inner.example:{}/", inside.address.port());
        let public = tokio::net::TcpListener::bind("203.0.113.9:0").await;
        let public = serve_on(public.unwrap(), move |_| response("302 Found", &[&to], "")).await;
        let prober = HttpProber::try_with_name_server(names.address).unwrap();
        let result = probe_with(&prober, profile(&public.url("/"))).await;
        assert_eq!(inside.accepted(), 0, "nobody was sent there");
        result
    });
    let words = "redirects to 127.0.0.1, an address inside a network, which is not followed";
    assert_eq!(result.cause(), Some(Cause::Redirect), "{result:?}");
    assert!(result.detail().contains(words), "{result:?}");
}

/// A name of both families, on a machine that has only one: nothing is found, the other family is left out and that is said.
#[test]
fn d10_a_machine_without_ipv6() {
    let four_only = Namespace::new("d10");
    let results = four_only.awaits(|| async {
        let away = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
        let names = name_server_on(0, has(vec![four(Ipv4Addr::LOCALHOST), six(away)])).await;
        let server = serve(|_| fine()).await;
        let prober = HttpProber::try_with_name_server(names.address).unwrap();
        let port = server.address.port();
        let mut every = profile(&format!("http://shop.example:{port}/"));
        let any = probe_all(&prober, every.clone()).await;
        every.addresses = Addresses::All;
        (any, probe_all(&prober, every).await)
    });
    let (any, all) = results;
    assert_eq!((any.len(), all.len()), (1, 1), "{any:?} {all:?}");
    assert_ok(&any[0]);
    assert!(any[0].remarks.is_empty(), "{any:?}");
    let words = "its IPv6 addresses were not asked: this machine has no route for IPv6";
    table::up("d10_a_machine_without_ipv6", &all[0], words);
}
