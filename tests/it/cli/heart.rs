//! `heartbeat` from the outside: a watcher on loopback, told by real runs.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, UdpSocket};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::ground::{Answer, Ground, eventually};
use crate::ports::closed_port;

/// Counts what it hears.
struct Watcher {
    url: String,
    heard: Arc<AtomicUsize>,
}

impl Watcher {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/s3cret", listener.local_addr().unwrap());
        let heard = Arc::new(AtomicUsize::new(0));
        let count = Arc::downgrade(&heard);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut reader = BufReader::new(stream.unwrap());
                let mut line = String::new();
                while reader.read_line(&mut line).unwrap_or(0) > 2 {
                    line.clear();
                }
                let Some(count) = count.upgrade() else {
                    return;
                };
                count.fetch_add(1, Ordering::SeqCst);
                let answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nOK";
                // Whoever asked may have been killed.
                let _ = reader.get_mut().write_all(answer.as_bytes());
            }
        });
        Self { url, heard }
    }

    fn heard(&self) -> usize {
        self.heard.load(Ordering::SeqCst)
    }
}

fn configure(ground: &Ground, url: &str, relay: Option<&str>) {
    let yaml = ground.yaml("", relay);
    ground.configure(&format!(
        "{yaml}heartbeat: {{url: \"{url}\", every: 30s}}\n"
    ));
}

/// `every` is over, and so is the wait of this message, which has waited so long.
fn later(ground: &Ground, waited: Duration) {
    ground.remembered(|fleet| {
        let now = fleet.now();
        for name in fleet.profiles.keys().cloned().collect::<Vec<_>>() {
            fleet.profile_mut(&name).due = now;
        }
        fleet.core.heart.left = Some(now - Duration::from_secs(31));
        for id in fleet.outbox.keys().copied().collect::<Vec<_>>() {
            let entry = fleet.entry_mut(id).unwrap();
            (entry.due, entry.queued) = (now, now - waited);
        }
    });
}

#[test]
fn a_cycle_from_cron_is_heard_when_it_is_complete_and_in_time() {
    let (ground, watcher) = (Ground::start(), Watcher::start());
    configure(&ground, &watcher.url, None);
    ground.probe(&["once", "--dry-run"]).expect(0, &[]);
    ground.probe(&["once", "shop"]).expect(0, &["1 up"]);
    assert_eq!(watcher.heard(), 0, "a rehearsal, a look by hand");
    ground.probe(&["once", "-q"]).expect(0, &[]);
    assert_eq!(watcher.heard(), 1);
    ground.probe(&["once", "-q"]).expect(0, &[]);
    assert_eq!(watcher.heard(), 1, "at most once each 30 s");
    later(&ground, Duration::ZERO);
    ground.site.set(false);
    ground.probe(&["once", "-q"]).expect(2, &["shop"]);
    assert_eq!(
        watcher.heard(),
        2,
        "a site that is down is our business, not our death"
    );
}

#[test]
fn a_message_that_is_stuck_is_an_alarm() {
    let (ground, watcher) = (Ground::start(), Watcher::start());
    let away = format!("smtp+plain://{}", closed_port());
    configure(&ground, &watcher.url, Some(&away));
    ground.site.set(false);
    ground.probe(&["once"]).expect(2, &["1 mail queued"]);
    assert_eq!(watcher.heard(), 1);
    later(&ground, Duration::from_secs(29 * 60));
    ground.probe(&["once"]).expect(2, &[]);
    assert_eq!(watcher.heard(), 2, "not yet");
    later(&ground, Duration::from_secs(31 * 60));
    let words = "does not hear from us: a message to ops@example.test has waited since";
    ground.probe(&["once"]).expect(2, &[words]);
    assert_eq!(watcher.heard(), 2);
    ground.probe(&["status"]).expect(2, &[words]);
}

/// The shop is asked by a name from now on, and our own name server, that is kept, never answers.
fn no_name_server(ground: &Ground, url: &str) -> UdpSocket {
    let free = |last| UdpSocket::bind((format!("127.53.0.{last}"), 53)).ok();
    let server = (1..=254u8).find_map(free).unwrap();
    let address = server.local_addr().unwrap().ip();
    std::fs::write(
        ground.path("resolv.conf"),
        format!("nameserver {address}\n"),
    )
    .unwrap();
    configure(ground, url, None);
    let site = ground.site.url();
    let by_name = format!("http://shop.test:{}", site.rsplit_once(':').unwrap().1);
    ground.configure(&ground.text("probes.yaml").replace(&site, &by_name));
    server
}

/// `probe` with that name server.
fn deaf(ground: &Ground, words: &[&str]) -> Answer {
    let script = "mount --bind \"$1\" /etc/resolv.conf && shift && exec \"$@\"";
    let mut command = Command::new("unshare");
    ground.surround(&mut command);
    command
        .args(["--mount", "sh", "-c", script, "sh"])
        .arg(ground.path("resolv.conf"))
        .arg(env!("CARGO_BIN_EXE_probe"))
        .args(words);
    ground.run(&mut command)
}

/// So much time has passed since it was first found so.
fn since(ground: &Ground, minutes: u64) {
    later(ground, Duration::ZERO);
    ground.remembered(|fleet| {
        let now = fleet.now();
        for name in fleet.profiles.keys().cloned().collect::<Vec<_>>() {
            let track = fleet.profile_mut(&name);
            if let Some(unjudged) = &mut track.unjudged {
                unjudged.since = now - Duration::from_secs(minutes * 60);
            }
        }
    });
}

#[test]
fn a_site_that_cannot_be_judged_is_an_alarm_and_no_uptime() {
    let (ground, watcher) = (Ground::start(), Watcher::start());
    let _server = no_name_server(&ground, &watcher.url);
    let first = deaf(&ground, &["once", "-q"]);
    first.expect(3, &[]);
    assert_eq!((first.stdout.as_str(), watcher.heard()), ("", 1), "not yet");
    let past = ground.probe(&["history"]);
    past.expect(0, &["shop not judged"]);
    assert!(!past.stdout.contains("% up"), "{past:?}");
    let json = ground.probe(&["history", "--json"]).json();
    assert!(json["profiles"][0]["uptime"].is_null(), "{json:#}");

    since(&ground, 6);
    let told = deaf(&ground, &["once", "-q"]);
    let words = [
        "shop",
        "not judged since",
        "the site cannot be judged, by our own doing",
    ];
    told.expect(3, &words);
    assert_eq!(watcher.heard(), 2, "people have ten minutes");
    since(&ground, 16);
    let silent = ["does not hear from us: shop cannot be judged since"];
    deaf(&ground, &["once", "-q"]).expect(3, &silent);
    assert_eq!(watcher.heard(), 2);
    ground.probe(&["status"]).expect(3, &silent);
    let json = ground.probe(&["status", "--json"]).json();
    let unjudged = &json["profiles"][0]["unjudged"];
    assert_eq!(unjudged["told"], true, "{json:#}");
    assert!(unjudged["since"].is_string() && unjudged["reason"].is_string());
    let json = ground.probe(&["why", "shop", "--json"]).json();
    assert!(
        json["profiles"][0]["unjudged_since"].is_string(),
        "{json:#}"
    );

    configure(&ground, &watcher.url, None);
    ground.probe(&["once"]).expect(0, &["1 up"]);
    assert_eq!(watcher.heard(), 3, "all is as it should be");
    let json = ground.probe(&["status", "--json"]).json();
    assert!(json["profiles"][0]["unjudged"].is_null(), "{json:#}");
}

#[test]
fn a_watcher_that_is_away_is_told_to_people_without_its_address() {
    let ground = Ground::start();
    let url = format!("http://{}/s3cret", closed_port());
    configure(&ground, &url, None);
    let answer = ground.probe(&["once"]);
    answer.expect(0, &["the watcher did not take it", "refused"]);
    let all = format!("{answer:?}{}", ground.probe(&["status"]).stdout);
    assert!(!all.contains("s3cret"), "{all}");
    ground
        .probe(&["check", "--effective"])
        .expect(0, &["url: \"http://127.0.0.1", "/***", "every: 30s"]);
}

#[test]
fn a_daemon_is_heard_while_it_can_write() {
    let (ground, watcher) = (Ground::start(), Watcher::start());
    configure(&ground, &watcher.url, None);
    let mut daemon = ground.begin(&mut ground.command(&["run"]));
    daemon.says("to=\"up\"");
    assert_eq!(watcher.heard(), 0, "it has only begun");
    eventually("it is heard", || (watcher.heard() == 1).then_some(()));
    // A state that is taken away under it cannot be written.
    std::fs::remove_file(ground.path("state/state.db")).unwrap();
    daemon.says("does not hear from us");
    assert_eq!(watcher.heard(), 1);
    daemon.signal("TERM");
    daemon.end().expect(3, &["the state cannot be written"]);
}
