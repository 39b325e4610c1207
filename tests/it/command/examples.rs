//! The scripts of `deploy/alerts`, run as they are: against a service on loopback, and Apprise's place taken by a script
//! that writes down how it was called. They need Debian's packages curl and jq.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use probe::adapters::command::{CommandMessenger, Environment};
use probe::model::{Channel, Delivery, Entry, Next, Notification};
use probe::ports::Messenger as _;
use serde_json::Value;

use crate::mail::entries;

/// Takes requests, answers each with this status, and hands on the bodies.
fn service(status: &'static str) -> (String, Receiver<Value>) {
    answering(status, "", "")
}

/// The same, with these header lines and this body.
fn answering(
    status: &'static str,
    headers: &'static str,
    says: &'static str,
) -> (String, Receiver<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook/s3cret", listener.local_addr().unwrap());
    let (told, bodies) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut reader = BufReader::new(stream.unwrap());
            let (mut line, mut length) = (String::new(), 0);
            while reader.read_line(&mut line).unwrap() > 2 {
                if let Some(found) = line.to_lowercase().strip_prefix("content-length:") {
                    length = found.trim().parse().unwrap();
                }
                line.clear();
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let length = says.len();
            let answer = format!(
                "HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{says}"
            );
            reader.get_mut().write_all(answer.as_bytes()).unwrap();
            // The test that asked may be over.
            if told.send(serde_json::from_slice(&body).unwrap()).is_err() {
                return;
            }
        }
    });
    (url, bodies)
}

async fn run(script: &str, arguments: &[&str], path: &str, notification: Notification) -> Delivery {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("deploy/alerts")
        .join(script);
    for tool in ["curl", "jq"] {
        let there = path
            .split(':')
            .any(|dir| Path::new(dir).join(tool).exists());
        assert!(there, "the package {tool} is not installed");
    }
    let mut command = vec![file.to_str().unwrap().to_owned()];
    command.extend(arguments.iter().map(|word| (*word).to_owned()));
    let environment = Environment {
        path: Some(path.into()),
        ..Environment::default()
    };
    let entry = Entry {
        channel: Channel::Command,
        ..entries::entry(notification)
    };
    CommandMessenger::with_limit(environment, Duration::from_secs(30))
        .hand(Arc::new(command), std::sync::Arc::default(), entry)
        .await
}

const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

fn is_sent(delivery: &Delivery) -> bool {
    matches!(delivery, Delivery::Sent { .. })
}

/// What becomes of a message by what a service answers: taken, tried again, or refused for good.
#[derive(Debug, PartialEq, Eq)]
enum Fate {
    Taken,
    Again,
    Refused,
}

fn fate(told: &Delivery) -> Fate {
    let words = format!("{told:?}");
    assert!(!words.contains("s3cret"), "{words}");
    match told {
        Delivery::Sent { .. } => Fate::Taken,
        Delivery::Deferred { reason, .. } => {
            assert!(reason.contains("exit status 75"), "{reason}");
            Fate::Again
        }
        Delivery::Rejected { reason } => {
            assert!(reason.contains("exit status 65"), "{reason}");
            Fate::Refused
        }
        Delivery::Unclear { .. } => panic!("{words}"),
    }
}

/// Status, header lines, body, what becomes of it: for whoever takes a message by HTTP.
type Answer = (&'static str, &'static str, &'static str, Fate);

/// Where a redirect leads, somebody takes whatever comes.
const MOVED: &str = "location: http://127.0.0.1:9/s3cret\r\n";

const STATUSES: [Answer; 11] = [
    ("301 Moved Permanently", MOVED, "", Fate::Again),
    ("302 Found", MOVED, "ok", Fate::Again),
    ("307 Temporary Redirect", MOVED, "", Fate::Again),
    ("308 Permanent Redirect", MOVED, "", Fate::Again),
    ("400 Bad Request", "", "invalid_payload", Fate::Refused),
    ("401 Unauthorized", "", "", Fate::Refused),
    (
        "404 Not Found",
        "",
        "no_service /hook/s3cret",
        Fate::Refused,
    ),
    ("408 Request Timeout", "", "", Fate::Again),
    (
        "429 Too Many Requests",
        "retry-after: 1\r\n",
        "",
        Fate::Again,
    ),
    ("500 Oops", "", "ok", Fate::Again),
    ("503 Service Unavailable", "", "", Fate::Again),
];

#[tokio::test]
async fn a_pager_has_taken_what_it_says_that_it_took() {
    let place = tempfile::tempdir().unwrap();
    let key = place.path().join("pager-key");
    fs::write(&key, "0123abc\n").unwrap();
    let taken = r#"{"status":"success","message":"Event processed","dedup_key":"a"}"#;
    let bodies = [
        ("202 Accepted", "", taken, Fate::Taken),
        ("202 Accepted", "", "", Fate::Taken),
        (
            "200 OK",
            "",
            r#"{"status":"invalid event","errors":["no key"]}"#,
            Fate::Again,
        ),
        ("200 OK", "", "<html>log in</html>", Fate::Again),
    ];
    for (status, headers, says, wanted) in STATUSES.into_iter().chain(bodies) {
        let (url, _bodies) = answering(status, headers, says);
        let told = run(
            "pager",
            &[key.to_str().unwrap(), &url],
            PATH,
            entries::gave_up(),
        )
        .await;
        assert_eq!(fate(&told), wanted, "{status} {says:?}: {told:?}");
    }
}

#[tokio::test]
async fn a_pager_wakes_whom_it_must_and_ends_the_page() {
    let place = tempfile::tempdir().unwrap();
    let key = place.path().join("pager-key");
    fs::write(&key, "0123abc\n").unwrap();
    let (url, bodies) = service("202 Accepted");
    let arguments = [key.to_str().unwrap(), &url];
    let down = Notification {
        next: Next::WatchOnly,
        ..entries::down()
    };
    for (notification, action) in [
        (entries::gave_up(), Some("trigger")),
        (entries::withheld(), Some("trigger")),
        (down, Some("trigger")),
        (entries::up(), Some("resolve")),
        (entries::back(), Some("resolve")),
        (entries::closed(), Some("resolve")),
        (entries::down(), None),
        (entries::reminder(), None),
        (entries::blind(), None),
        (entries::unjudged(), Some("trigger")),
        (entries::judged(), Some("resolve")),
        (entries::judged_ill(), Some("resolve")),
        (entries::test(), None),
    ] {
        let event = notification.event;
        let incident = notification.incident.clone();
        let class = notification.cause.map(|cause| cause.word());
        let told = run("pager", &arguments, PATH, notification).await;
        assert!(is_sent(&told), "{event:?}: {told:?}");
        let body = bodies.try_recv().ok();
        let found = body
            .as_ref()
            .map(|body| body["event_action"].as_str().unwrap());
        assert_eq!(found, action, "{event:?}");
        if let Some(body) = body {
            assert_eq!(body["routing_key"], "0123abc");
            assert_eq!(body["dedup_key"], incident.unwrap().as_str());
            assert_eq!(body["payload"]["source"], "web1");
            assert_eq!(body["payload"]["class"].as_str(), class);
        }
    }
}

#[tokio::test]
async fn apprise_gets_subject_and_text() {
    let place = tempfile::tempdir().unwrap();
    let at = place.path().display().to_string();
    let stand_in = place.path().join("apprise");
    // Made whole elsewhere and moved: a program that another thread still holds open cannot be run.
    let script = format!(
        "#!/bin/sh\nprintf '%s\\n' \"$@\" > {at}/words\ncat > {at}/body\n[ ! -e {at}/fails ]\n"
    );
    fs::write(place.path().join("new"), script).unwrap();
    fs::set_permissions(place.path().join("new"), fs::Permissions::from_mode(0o755)).unwrap();
    let moved = std::process::Command::new("cp")
        .arg(place.path().join("new"))
        .arg(&stand_in)
        .status();
    assert!(moved.unwrap().success());
    let path = format!("{at}:{PATH}");
    let told = run(
        "apprise",
        &["/etc/probe/apprise.conf"],
        &path,
        entries::up(),
    )
    .await;
    assert!(is_sent(&told), "{told:?}");
    let words = fs::read_to_string(place.path().join("words")).unwrap();
    assert!(
        words.starts_with("--config=/etc/probe/apprise.conf\n--title=[UP] shop"),
        "{words}"
    );
    assert!(
        fs::read_to_string(place.path().join("body"))
            .unwrap()
            .contains("web1")
    );
    fs::write(place.path().join("fails"), "").unwrap();
    let told = run(
        "apprise",
        &["/etc/probe/apprise.conf"],
        &path,
        entries::up(),
    )
    .await;
    assert!(matches!(&told, Delivery::Deferred { .. }), "{told:?}");
}
