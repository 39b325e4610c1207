//! `alerts.webhooks` from the outside: what services hear of a whole incident, and that no word gives an address away.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::ground::{Answer, Ground};

/// A service that answers each request with a status that can be changed.
struct Service {
    url: String,
    bodies: Arc<Mutex<Vec<Value>>>,
    status: Arc<Mutex<&'static str>>,
}

impl Service {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!(
            "http://{}/hook/s3cret?key=s3cret",
            listener.local_addr().unwrap()
        );
        let bodies = Arc::new(Mutex::new(Vec::new()));
        let status = Arc::new(Mutex::new("200 OK"));
        let (list, says) = (Arc::clone(&bodies), Arc::clone(&status));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut reader = BufReader::new(stream.unwrap());
                let (mut line, mut length) = (String::new(), 0);
                while reader.read_line(&mut line).unwrap_or_default() > 2 {
                    if let Some(found) = line.to_lowercase().strip_prefix("content-length:") {
                        length = found.trim().parse().unwrap();
                    }
                    line.clear();
                }
                let mut body = vec![0; length];
                reader.read_exact(&mut body).unwrap();
                list.lock()
                    .unwrap()
                    .push(serde_json::from_slice(&body).unwrap());
                let status = *says.lock().unwrap();
                let answer = format!(
                    "HTTP/1.1 {status}\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok"
                );
                let _ = reader.get_mut().write_all(answer.as_bytes());
            }
        });
        Self {
            url,
            bodies,
            status,
        }
    }

    fn says(&self, status: &'static str) {
        *self.status.lock().unwrap() = status;
    }

    fn heard(&self) -> Vec<Value> {
        self.bodies.lock().unwrap().clone()
    }
}

/// Slack's form at one service by a file, and the document at another one.
fn configure(ground: &Ground, host: &str, slack: &Service, own: &Service) {
    let file = ground.path("slack-url");
    fs::write(&file, format!("{}\n", slack.url)).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let yaml = ground.yaml(host, None);
    let (file, url) = (file.display(), &own.url);
    ground.configure(&format!(
        "{yaml}alerts:\n  webhooks:\n    - {{preset: slack, url_file: {file}}}\n    - {{preset: event, url: \"{url}\", name: own}}\n"
    ));
}

fn events(service: &Service) -> Vec<String> {
    let heard = service.heard();
    let events = heard.iter().map(|one| {
        let said = one["event"].as_str().map(str::to_owned);
        said.unwrap_or_else(|| {
            let text = one["text"].as_str().unwrap();
            let tag = text.trim_start_matches("*[").split(']').next().unwrap();
            tag.to_lowercase()
        })
    });
    events.collect()
}

/// Nothing that was said, and nothing that is kept, gives the address away.
#[track_caller]
fn is_discreet(answer: &Answer) {
    for text in [&answer.stdout, &answer.stderr] {
        assert!(!text.contains("s3cret"), "{text}");
    }
}

#[track_caller]
fn state_is_discreet(directory: &Path) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            state_is_discreet(&path);
        } else {
            let bytes = fs::read(&path).unwrap_or_default();
            let secret = bytes.windows(6).any(|part| part == b"s3cret");
            assert!(!secret, "{}", path.display());
        }
    }
}

/// The wait before another try is over.
fn wait_is_over(ground: &Ground) {
    ground.remembered(|fleet| {
        let now = fleet.now();
        for id in fleet.outbox.keys().copied().collect::<Vec<_>>() {
            fleet.entry_mut(id).unwrap().due = now;
        }
    });
}

#[test]
fn both_hear_a_whole_incident_once_and_no_word_gives_them_away() {
    let ground = Ground::start();
    let sshd = ground.sshd();
    let (slack, own) = (Service::start(), Service::start());
    configure(&ground, &ground.host(&sshd, &ground.cure()), &slack, &own);
    ground.falls();
    let answer = ground.probe(&["-v", "-v", "once", "--json"]);
    answer.expect(0, &[]);
    is_discreet(&answer);
    let told = answer.json()["notifications"].clone();
    let to = |name: &str| {
        let told = told.as_array().unwrap().iter();
        let told = told.filter(|one| one["to"] == name && one["delivery"] == "sent");
        told.count()
    };
    assert_eq!((to("slack"), to("own")), (3, 3), "{told:#}");
    let wanted = ["down", "restarted", "up"];
    assert_eq!(events(&slack), wanted);
    assert_eq!(events(&own), wanted);
    let incidents: Vec<Value> = own
        .heard()
        .iter()
        .map(|one| one["incident"].clone())
        .collect();
    assert!(
        incidents
            .iter()
            .all(|one| *one == incidents[0] && !one.is_null())
    );
    for words in [
        &["status"][..],
        &["status", "--json"],
        &["why", "web1"],
        &["history"],
        &["check", "--effective"],
        &["check", "--json", "--effective"],
    ] {
        is_discreet(&ground.probe(words));
    }
    state_is_discreet(&ground.path("state"));
}

#[test]
fn who_does_not_take_it_now_gets_it_later_and_the_other_does_not_hear_it_again() {
    let ground = Ground::start();
    let (slack, own) = (Service::start(), Service::start());
    configure(&ground, "", &slack, &own);
    slack.says("503 Service Unavailable");
    ground.site.set(false);
    let answer = ground.probe(&["-v", "once", "--json"]);
    is_discreet(&answer);
    let told = &answer.expect(2, &[]).json()["notifications"];
    let queued: Vec<&Value> = told
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["delivery"] == "queued")
        .collect();
    assert_eq!(queued.len(), 1, "{told:#}");
    assert_eq!(queued[0]["to"], "slack");
    slack.says("200 OK");
    ground.site.set(true);
    wait_is_over(&ground);
    ground.probe(&["once", "shop"]).expect(0, &[]);
    assert_eq!(events(&slack), ["down", "down", "up"]);
    assert_eq!(slack.heard()[0], slack.heard()[1], "the same bytes");
    assert_eq!(events(&own), ["down", "up"]);
    state_is_discreet(&ground.path("state"));
}

#[test]
fn a_refusal_for_good_is_told_with_its_name_and_not_tried_again() {
    let ground = Ground::start();
    let (slack, own) = (Service::start(), Service::start());
    configure(&ground, "", &slack, &own);
    slack.says("404 Not Found");
    ground.site.set(false);
    let answer = ground.probe(&["-v", "once", "-q"]);
    answer.expect(2, &["shop"]);
    is_discreet(&answer);
    wait_is_over(&ground);
    ground.probe(&["once", "shop"]);
    assert_eq!(events(&slack), ["down"]);
    let status = ground.probe(&["status"]);
    status.expect(
        2,
        &["alerts cannot be delivered to slack", "HTTP status 404"],
    );
    is_discreet(&status);
    let told = ground.probe(&["status", "--json"]).json();
    assert_eq!(told["notifications"][0]["delivery"], "rejected", "{told:#}");
    assert_eq!(events(&own), ["down"]);
}

#[test]
fn a_drill_posts_a_test_to_each() {
    let ground = Ground::start();
    let (slack, own) = (Service::start(), Service::start());
    configure(&ground, "", &slack, &own);
    let answer = ground.probe(&["-v", "-v", "drill", "--mail"]);
    let said = ["slack: taken by 127.0.0.1", "own: taken by 127.0.0.1"];
    is_discreet(answer.expect(0, &said));
    assert_eq!(events(&slack), ["test"]);
    assert_eq!(own.heard()[0]["subject"], "[TEST] probe can reach you");
    slack.says("403 Forbidden");
    own.says("307 Temporary Redirect");
    let answer = ground.probe(&["drill", "--mail", "-q"]);
    let said = [
        "slack: refused: HTTP status 403",
        "own: not taken: HTTP status 307, which is not followed",
    ];
    is_discreet(answer.expect(2, &said));
    assert_eq!(events(&own), ["test", "test"]);
}

/// A watch goes on, and the message waits for a person; `check` says it before.
#[test]
fn a_body_that_cannot_be_said_is_told_and_loses_nothing() {
    let ground = Ground::start();
    let own = Service::start();
    let body = ground.path("pager.json");
    fs::write(&body, "{\n\"summary\": {{ subjekt }}}").unwrap();
    let yaml = ground.yaml("", None);
    let (shown, url) = (body.display(), &own.url);
    ground.configure(&format!(
        "{yaml}alerts: {{webhooks: [{{body: {shown}, url: \"{url}\"}}]}}\n"
    ));
    let check = ground.probe(&["check"]);
    check.expect(3, &["pager.json:2:1: alerts.webhooks: undefined value"]);
    ground.site.set(false);
    let answer = ground.probe(&["once"]);
    is_discreet(answer.expect(2, &["1 mail queued"]));
    assert_eq!(own.heard().len(), 0);
    fs::write(&body, "{\"summary\": {{ subject }}}").unwrap();
    ground.probe(&["check"]).expect(0, &[]);
    wait_is_over(&ground);
    ground.probe(&["once", "shop"]);
    assert_eq!(own.heard()[0]["summary"], "[DOWN] shop: connection refused");
}
