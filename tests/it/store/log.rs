//! Each note is one line with its ids, at the level that says who must care.

use std::io::{self, Read, Write};
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use probe::adapters::observe::{LogError, LogFormat, LogObserver, init_logging, subscriber};
use probe::ports::Observer;
use serde_json::Value;
use tracing_subscriber::EnvFilter;

use super::*;

#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn logged(format: LogFormat, notes: &[Happened]) -> String {
    let sink = Sink::default();
    let writer = sink.clone();
    let lines = subscriber(format, EnvFilter::new("trace"), false, move || {
        writer.clone()
    });
    tracing::subscriber::with_default(lines, || {
        for note in notes {
            LogObserver.note(WALL, note, &Fleet::default());
        }
    });
    let bytes = sink.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

fn line(note: Happened) -> Value {
    let text = logged(LogFormat::Json, &[note]);
    assert_eq!(text.lines().count(), 1, "{text}");
    let value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["at"], "2026-11-22T06:00:01.000Z", "{text}");
    value
}

fn host() -> HostName {
    HostName::try_new("web1").unwrap()
}

fn ended(outcome: RecoveryOutcome) -> Happened {
    Happened::RestartEnded {
        host: host(),
        attempt: Attempt {
            id: AttemptId(7),
            number: 2,
            command: "sudo -n kusanagi restart".to_owned(),
            ailment: None,
            drill: false,
            braked: false,
            began: WALL,
            ended: Some(WALL),
            report: Some(RecoveryReport {
                outcome,
                exit_status: Some(1),
                duration: std::time::Duration::from_millis(2310),
                reason: Some("it said no".into()),
                output: String::new(),
                config_broken: false,
            }),
        },
        counts_from: Some(WALL),
    }
}

fn delivered(delivery: Delivery) -> Happened {
    Happened::Delivered {
        entry: EntryId(3),
        event: EventKind::Down,
        to: "ops@example.com".to_owned(),
        delivery,
    }
}

#[test]
fn the_level_says_who_must_care() {
    let reason = || "why".to_owned();
    let table = [
        (judged(3).1, "DEBUG"),
        (ended(RecoveryOutcome::Succeeded), "INFO"),
        (ended(RecoveryOutcome::TimedOut), "WARN"),
        (ended(RecoveryOutcome::Refused), "ERROR"),
        (
            Happened::Held {
                host: host(),
                hold: Hold::Restarting,
                again: false,
                lasts: false,
            },
            "INFO",
        ),
        (
            Happened::Held {
                host: host(),
                hold: Hold::Quarantine { until: WALL },
                again: false,
                lasts: false,
            },
            "WARN",
        ),
        (
            Happened::GaveUp {
                host: host(),
                reason: GivenUp::Other(reason()),
            },
            "ERROR",
        ),
        (Happened::Rearmed { host: host() }, "INFO"),
        (delivered(Delivery::Sent { relay: reason() }), "DEBUG"),
        (delivered(Delivery::deferred(reason())), "WARN"),
        (delivered(Delivery::Unclear { reason: reason() }), "WARN"),
        (delivered(Delivery::Rejected { reason: reason() }), "ERROR"),
        (
            Happened::NetworkDown {
                detail: reason().as_str().into(),
            },
            "WARN",
        ),
        (
            Happened::NetworkBack {
                since: WALL,
                blinded: false,
            },
            "INFO",
        ),
        (
            Happened::Unjudged {
                profile: ProfileName::try_new("shop").unwrap(),
                since: WALL,
                detail: reason().as_str().into(),
            },
            "ERROR",
        ),
        (
            Happened::JudgedAgain {
                profile: ProfileName::try_new("shop").unwrap(),
                since: WALL,
                told: Some(probe::model::IncidentId::new(
                    "blog-unjudged",
                    "20261122T055900Z",
                )),
                failed: false,
            },
            "INFO",
        ),
        (Happened::Damaged { path: reason() }, "ERROR"),
        (Happened::Unrecorded, "ERROR"),
        (Happened::Recorded, "INFO"),
    ];
    for (note, level) in table {
        assert_eq!(line(note.clone())["level"], level, "{note:?}");
    }
}

#[test]
fn a_line_carries_its_ids() {
    let profile = || ProfileName::try_new("shop").unwrap();
    let incident = || IncidentId::new("shop", "20261122T060001Z");
    let opened = line(Happened::Opened {
        incident: incident(),
        profile: profile(),
        since: None,
        cause: Cause::Refused,
    });
    assert_eq!(opened["incident"], "shop-20261122T060001Z");
    assert_eq!(opened["profile"], "shop");
    assert_eq!(opened["cause"], "refused");
    assert_eq!(opened["message"], "incident opened");
    let ended = line(ended(RecoveryOutcome::Failed));
    assert_eq!(ended["host"], "web1");
    assert_eq!(ended["attempt"], "7");
    assert_eq!(ended["exit_status"], 1);
    assert_eq!(ended["duration_ms"], 2310);
    assert_eq!(ended["outcome"], "failed");
    let held = line(Happened::Held {
        host: host(),
        hold: Hold::Backoff { until: WALL },
        again: false,
        lasts: false,
    });
    assert_eq!(held["reason"], "backoff");
    assert_eq!(held["until"], "2026-11-22T06:00:01.000Z");
    let sent = line(delivered(Delivery::Sent {
        relay: "mx1".to_owned(),
    }));
    assert_eq!(
        (&sent["entry"], &sent["event"], &sent["to"]),
        (&"3".into(), &"down".into(), &"ops@example.com".into())
    );
    let closed = line(Happened::Closed {
        incident: incident(),
        profile: profile(),
        since: WALL,
        restarts: 1,
        attempts: Vec::new(),
    });
    assert_eq!(closed["restarts"], 1);
}

#[test]
fn text_is_one_line_even_when_a_detail_is_not() {
    let text = logged(
        LogFormat::Text,
        &[Happened::Damaged {
            path: "a\nb\u{1b}[31m".to_owned(),
        }],
    );
    assert_eq!(text.lines().count(), 1, "{text:?}");
    assert!(text.contains("ERROR the state was damaged"), "{text:?}");
    assert!(!text.contains('\u{1b}'), "{text:?}");
}

const UNREAD: &str = "store::log::a_stderr_that_nobody_reads_does_not_stop_us";

#[test]
fn a_stderr_that_nobody_reads_does_not_stop_us() {
    if other_half().is_some() {
        let guard = init_logging(LogFormat::Text, 1).unwrap();
        assert!(matches!(
            init_logging(LogFormat::Text, 0),
            Err(LogError::Twice(_))
        ));
        // Far more than a pipe and the queue hold.
        for number in 0..50_000 {
            LogObserver.note(WALL, &judged(number).1, &Fleet::default());
        }
        say("\nwritten");
        // Until the pipe is read.
        io::stdin().read_to_end(&mut Vec::new()).unwrap();
        drop(guard);
        return;
    }
    let mut child = half(&[], UNREAD, Path::new("/nowhere"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = io::BufRead::lines(io::BufReader::new(child.stdout.take().unwrap()));
    let written = stdout.any(|line| line.unwrap() == "written");
    assert!(written, "it hung before it had logged all");
    let stderr = io::BufReader::new(child.stderr.take().unwrap());
    let (found, wait) = std::sync::mpsc::channel();
    let reader = std::thread::spawn(move || {
        let mut lines = io::BufRead::lines(stderr).map(Result::unwrap);
        assert!(lines.next().unwrap().contains("DEBUG judged"));
        for line in lines {
            if line.contains("lines of the log are missing here") {
                let _ = found.send(());
            }
        }
    });
    let told = wait.recv_timeout(std::time::Duration::from_secs(30));
    drop(child.stdin.take());
    reader.join().unwrap();
    assert!(child.wait().unwrap().success());
    told.expect("the loss is told once stderr is read again");
}

const FILTER: &str = "store::log::a_filter_that_is_none_is_refused";

#[test]
fn a_filter_that_is_none_is_refused() {
    if other_half().is_some() {
        let error = init_logging(LogFormat::Json, 0).unwrap_err().to_string();
        assert_eq!(
            error,
            "PROBE_LOG holds no log filter: write one like `info` or `probe=debug,hyper=warn`"
        );
        return;
    }
    let output = half(&[], FILTER, Path::new("/nowhere"))
        .env("PROBE_LOG", "probe=loud")
        .output()
        .unwrap();
    assert_passed(&output);
}
