//! What only the program as a whole tells, with a hosts file, a name server and a memory of its own: W43, T15, D8, D11.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::crypto::aws_lc_rs::sign::any_supported_type;
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;

use super::authority::{Authority, BOTH, LOCAL, NOW, serve_tls};
use super::dns::{four, has, name_server_on, six};
use super::namespace::Namespace;
use super::server::{Server, fine, serve_on};
use super::{LONG, table};

/// The program and its files; it sees this hosts file, and `127.0.0.1` as its name server.
struct Program {
    folder: TempDir,
}

impl Program {
    fn new(hosts: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let program = Self { folder };
        program.write("hosts", hosts);
        program.write("resolv.conf", "nameserver 127.0.0.1\n");
        program
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Writes a configuration of one profile without canaries.
    fn configure(&self, profile: &str) {
        let text = format!("network: {{canaries: []}}\nprofiles:\n  shop: {{{profile}}}\n");
        self.write("probes.yaml", &text);
    }

    /// What `probe once --json` with these words answers, and how it ends.
    async fn once(&self, words: &[&str]) -> (Value, Option<i32>) {
        let at = |name: &str| self.folder.path().join(name);
        let script = "mount --bind \"$1\" /etc/hosts && mount --bind \"$2\" /etc/resolv.conf && shift 2 && exec \"$@\"";
        let running = Command::new("unshare")
            .args(["--mount", "sh", "-c", script, "sh"])
            .args([at("hosts"), at("resolv.conf")])
            .args([env!("CARGO_BIN_EXE_probe"), "once", "--json"])
            .args(words)
            .arg("--config")
            .arg(at("probes.yaml"))
            .arg("--state-dir")
            .arg(at("state"))
            .kill_on_drop(true)
            .output();
        let output = tokio::time::timeout(LONG, running).await.unwrap().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        let report = serde_json::from_slice(&output.stdout);
        let report = report.unwrap_or_else(|error| panic!("{error}: {told}"));
        (report, output.status.code())
    }
}

/// The checks of the only profile.
fn checks(report: &Value) -> &Vec<Value> {
    report["profiles"][0]["checks"].as_array().unwrap()
}

async fn listening_at(addresses: &[IpAddr], port: u16) -> (Vec<Server>, u16) {
    let mut servers = vec![];
    let mut port = port;
    for address in addresses {
        let listener = TcpListener::bind((*address, port)).await.unwrap();
        port = listener.local_addr().unwrap().port();
        servers.push(serve_on(listener, |_| fine()).await);
    }
    (servers, port)
}

/// One of four addresses is dead: the site is degraded, and the dead one is named.
#[test]
fn w43_one_of_four_addresses_is_dead() {
    let apart = Namespace::new("w43");
    let program = Program::new("127.0.0.1 localhost\n");
    let (report, code) = apart.awaits(|| async {
        let four_of = |n| Ipv4Addr::new(127, 0, 0, n);
        let names = name_server_on(53, has((1..=4).map(|n| four(four_of(n))).collect()));
        let _names = names.await;
        let alive: Vec<IpAddr> = [1, 2, 4].map(|n| four_of(n).into()).to_vec();
        let (_servers, port) = listening_at(&alive, 0).await;
        let urls = format!("urls: \"http://shop.example:{port}/\"");
        program.configure(&format!("{urls}, addresses: all, failure_threshold: 1"));
        program.once(&["shop"]).await
    });
    assert_eq!(code, Some(1), "a warning: {report:#}");
    assert_eq!(report["profiles"][0]["state"], "degraded", "{report:#}");
    let checks = checks(&report);
    let dead: Vec<&Value> = checks.iter().filter(|check| check["ok"] == false).collect();
    assert_eq!((checks.len(), dead.len()), (4, 1), "{report:#}");
    let address = dead[0]["address"].as_str().unwrap();
    assert!(address.starts_with("127.0.0.3:"), "{report:#}");
    assert_eq!(dead[0]["cause"], "refused", "{report:#}");
    let detail = dead[0]["detail"].as_str().unwrap();
    let words = format!("at {address}: {detail}");
    table::line(
        "w43",
        "one of four addresses is dead",
        "degraded/refused",
        &words,
    );
}

/// Every address of one family is dead: degraded as `family_down`, which restarts nothing.
#[test]
fn d08b_a_dead_family_is_family_down() {
    let apart = Namespace::new("d08b");
    let program = Program::new("127.0.0.1 localhost\n");
    let (report, code) = apart.awaits(|| async {
        let here = vec![four(Ipv4Addr::LOCALHOST), six(Ipv6Addr::LOCALHOST)];
        let _names = name_server_on(53, has(here)).await;
        let (_servers, port) = listening_at(&[Ipv4Addr::LOCALHOST.into()], 0).await;
        let urls = format!("urls: \"http://shop.example:{port}/\"");
        program.configure(&format!("{urls}, addresses: all, failure_threshold: 1"));
        program.once(&["shop"]).await
    });
    assert_eq!(code, Some(1), "a warning: {report:#}");
    assert_eq!(report["profiles"][0]["state"], "degraded", "{report:#}");
    let dead = checks(&report).iter().find(|check| check["ok"] == false);
    let dead = dead
        .or(checks(&report).iter().find(|c| c["family"] == "ipv6"))
        .unwrap();
    assert_eq!(dead["cause"], "family_down", "{report:#}");
    let detail = dead["detail"].as_str().unwrap();
    let words = "IPv6 is dead and IPv4 answers: connection refused";
    assert!(detail.starts_with(words), "{report:#}");
    table::line(
        "d08b",
        "a dead family is family down",
        "degraded/family_down",
        detail,
    );
}

/// The hosts file and the name server do not agree: the hosts file is followed, and that is said.
#[test]
fn d11_the_hosts_file_and_dns_disagree() {
    let apart = Namespace::new("d11");
    let program = Program::new("127.0.0.1 shop.example\n");
    let (report, port) = apart.awaits(|| async {
        let elsewhere = Ipv4Addr::new(127, 0, 0, 2);
        let _names = name_server_on(53, has(vec![four(elsewhere)])).await;
        let (_servers, port) = listening_at(&[Ipv4Addr::LOCALHOST.into()], 0).await;
        program.configure("urls: \"http://shop.example/\"");
        let urls = ["shop", "other"].map(|name| format!("http://{name}.example:{port}/"));
        let (report, _) = program.once(&[&urls[0], &urls[1]]).await;
        (report, port)
    });
    let check = |n: usize| &report["profiles"][n]["checks"][0];
    assert_eq!(
        check(0)["address"],
        format!("127.0.0.1:{port}"),
        "{report:#}"
    );
    assert_eq!(check(0)["ok"], true, "{report:#}");
    let words = "the address of shop.example is from /etc/hosts, not from DNS";
    assert_eq!(
        check(0)["remarks"],
        serde_json::json!([words]),
        "{report:#}"
    );
    assert_eq!(
        check(1)["address"],
        format!("127.0.0.2:{port}"),
        "{report:#}"
    );
    assert_eq!(check(1)["remarks"], serde_json::json!([]), "{report:#}");
    table::line("d11", "the hosts file and DNS disagree", "up", words);
}

/// What a process does once before its first handshake is no part of a phase.
#[test]
fn the_first_connect_of_a_process_is_no_longer_than_others() {
    let apart = Namespace::new("first");
    let program = Program::new("127.0.0.1 localhost\n");
    let authority = Authority::new();
    let shortest = apart.awaits(|| async {
        let identity = authority.certify(LOCAL, |_| ());
        let server = serve_tls(super::authority::config(&identity, BOTH), NOW, fine()).await;
        configure_tls(&program, &server, &authority.file("ca.pem"));
        let mut connects = vec![];
        for _ in 0..6 {
            let (report, _) = program.once(&["shop"]).await;
            let timings = &checks(&report)[0]["timings_ms"];
            connects.push(timings["connect"].as_f64().expect("connected"));
        }
        connects.into_iter().reduce(f64::min).unwrap()
    });
    assert!(shortest < 10.0, "{shortest} ms at best");
}

/// Two looks, and another certificate in between.
#[test]
fn t15_the_certificate_has_changed() {
    let apart = Namespace::new("t15");
    let program = Program::new("127.0.0.1 localhost\n");
    let authority = Authority::new();
    let keys = [0, 1].map(|_| {
        let identity = authority.certify(LOCAL, |_| ());
        let key = any_supported_type(&identity.key()).unwrap();
        Arc::new(CertifiedKey::new(identity.chain, key))
    });
    let shown = AtomicUsize::new(0);
    let remarks = apart.awaits(|| async {
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_protocol_versions(BOTH)
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(Renewed { keys, shown }));
        let server = serve_tls(config, NOW, fine()).await;
        configure_tls(&program, &server, &authority.file("ca.pem"));
        let mut remarks = vec![];
        for _ in 0..3 {
            let (report, code) = program.once(&["shop"]).await;
            assert_eq!(code, Some(0), "never an incident: {report:#}");
            remarks.push(checks(&report)[0]["remarks"].clone());
        }
        remarks
    });
    let changed = remarks[2][0].as_str().unwrap_or_default();
    let words = "the certificate has changed since the last probe: valid until ";
    assert!(changed.starts_with(words), "{remarks:?}");
    assert_eq!(remarks[..2], [serde_json::json!([]), serde_json::json!([])]);
    table::line("t15", "the certificate has changed", "up", changed);
}

/// Shows one certificate twice, and another one from then on.
#[derive(Debug)]
struct Renewed {
    keys: [Arc<CertifiedKey>; 2],
    shown: AtomicUsize,
}

impl ResolvesServerCert for Renewed {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let times = self.shown.fetch_add(1, Ordering::SeqCst);
        Some(Arc::clone(&self.keys[usize::from(times >= 2)]))
    }
}

fn configure_tls(program: &Program, server: &Server, ca_file: &Path) {
    let url = format!("https://{}/", server.address);
    let ca_file = ca_file.display();
    program.configure(&format!(
        "urls: \"{url}\", tls: {{ca_file: {ca_file}, warn_before: []}}"
    ));
}
