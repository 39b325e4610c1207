//! A site that answers with as much as it can: little of it is kept, shown and served.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

use super::ground::{Ground, eventually};
use super::page::{address, get};

/// Of one check with five hops, in a document and in the state.
const CHECK: usize = 8 * 1024;

/// Answers each request by its path, for as long as the test runs.
fn site() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || answer(stream));
        }
    });
    at
}

fn answer(mut stream: TcpStream) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read_exact(&mut byte).is_err() {
            return;
        }
        head.push(byte[0]);
    }
    let path = String::from_utf8_lossy(&head);
    let path = path.split(' ').nth(1).unwrap_or_default().to_owned();
    let (status, location) = match path.as_bytes() {
        [b'/', b'h', b'u', b'g', b'e', ..] => (302, "/".repeat(200_000)),
        // Five redirects, each to a longer path.
        [b'/', b'5', ..] => (302, format!("/4{}", "a".repeat(9_000))),
        [b'/', b'4', ..] => (302, format!("/3{}", "b".repeat(9_000))),
        [b'/', b'3', ..] => (302, format!("/2{}", "c".repeat(9_000))),
        [b'/', b'2', ..] => (302, format!("/1{}", "d".repeat(9_000))),
        _ => (500, String::new()),
    };
    let noise = "n".repeat(40_000);
    let text = format!(
        "HTTP/1.1 {status} Odd\r\nLocation: {location}\r\nServer: {noise}\r\nX-Cache: {noise}\r\n\
         Connection: close\r\n\r\n<title>{noise}</title>"
    );
    let _ = stream.write_all(text.as_bytes());
}

#[test]
fn a_hostile_site_leaves_little_behind() {
    let ground = Ground::start();
    let at = site();
    let own = format!("urls: [\"{}\"]", ground.site.url());
    let theirs = format!("urls: [\"http://{at}/huge\", \"http://{at}/5\"], redirects: 20");
    let yaml = ground.yaml("", None).replace(&own, &theirs);
    let page = "status_page: {listen: \"127.0.0.1:0\"}\n";
    ground.configure(&format!("{yaml}{page}"));
    let looked = ground.probe(&["once", "--json", "shop"]);
    let report = looked.json();
    let checks = report["profiles"][0]["checks"].as_array().unwrap();
    let causes: Vec<&str> = checks.iter().filter_map(|c| c["cause"].as_str()).collect();
    assert_eq!(causes, ["redirect", "server_error"], "{report:#}");
    assert_eq!(checks[1]["redirects"], 4, "{report:#}");
    let most = 2 * CHECK;
    assert!(looked.stdout.len() < most, "once: {}", looked.stdout.len());
    let told = ground.probe(&["status", "--json"]).stdout;
    assert!(told.contains("server_error"), "{told}");
    assert!(told.len() < most, "status: {}", told.len());
    ground.remembered(|fleet| {
        let row = serde_json::to_string(&fleet.profiles).unwrap();
        assert!(row.contains("server_error"), "{row}");
        assert!(row.len() < 2 * most, "the state: {}", row.len());
    });
    let mut daemon = ground.begin(&mut ground.command(&["run"]));
    let at = address(&mut daemon, 0);
    for path in ["/api/v1/status", "/metrics"] {
        let body = eventually("the page has it", || {
            let reply = get(at, path);
            (reply.status != 200 || reply.body.contains("shop")).then_some(reply.body)
        });
        assert!(body.len() < 2 * most, "{path}: {}", body.len());
    }
    daemon.signal("TERM");
    daemon.end().expect(0, &[]);
}
