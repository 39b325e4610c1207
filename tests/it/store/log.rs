//! Each note is one line with its ids, at the level that says who must care.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use probe::adapters::observe::{LogFormat, LogObserver, subscriber};
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

fn logged(format: LogFormat, notes: &[Note]) -> String {
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

fn line(note: Note) -> Value {
    let text = logged(LogFormat::Json, &[note]);
    assert_eq!(text.lines().count(), 1, "{text}");
    let value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["at"], "2026-11-22T06:00:01.000Z", "{text}");
    value
}

fn host() -> HostName {
    HostName::try_new("web1").unwrap()
}

fn ended(outcome: RecoveryOutcome) -> Note {
    Note::RestartEnded {
        host: host(),
        attempt: Attempt {
            id: AttemptId(7),
            number: 2,
            command: "sudo -n kusanagi restart".to_owned(),
            began: WALL,
            ended: Some(WALL),
            report: Some(RecoveryReport {
                outcome,
                exit_status: Some(1),
                duration: std::time::Duration::from_millis(2310),
                reason: Some("it said no".to_owned()),
                output: String::new(),
            }),
        },
        counts_from: Some(WALL),
    }
}

fn delivered(delivery: Delivery) -> Note {
    Note::Delivered {
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
            Note::Held {
                host: host(),
                hold: Hold::Restarting,
            },
            "INFO",
        ),
        (
            Note::Held {
                host: host(),
                hold: Hold::Quarantine { until: WALL },
            },
            "WARN",
        ),
        (
            Note::GaveUp {
                host: host(),
                reason: reason(),
            },
            "ERROR",
        ),
        (Note::Rearmed { host: host() }, "INFO"),
        (delivered(Delivery::Sent { relay: reason() }), "DEBUG"),
        (delivered(Delivery::Deferred { reason: reason() }), "WARN"),
        (delivered(Delivery::Unclear { reason: reason() }), "WARN"),
        (delivered(Delivery::Rejected { reason: reason() }), "ERROR"),
        (Note::NetworkDown { detail: reason() }, "WARN"),
        (Note::NetworkBack { since: WALL }, "INFO"),
        (Note::Damaged { path: reason() }, "ERROR"),
        (Note::Unrecorded, "ERROR"),
        (Note::Recorded, "INFO"),
    ];
    for (note, level) in table {
        assert_eq!(line(note.clone())["level"], level, "{note:?}");
    }
}

#[test]
fn a_line_carries_its_ids() {
    let profile = || ProfileName::try_new("shop").unwrap();
    let incident = || IncidentId::new("shop", "20261122T060001Z");
    let opened = line(Note::Opened {
        incident: incident(),
        profile: profile(),
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
    let held = line(Note::Held {
        host: host(),
        hold: Hold::Backoff { until: WALL },
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
    let closed = line(Note::Closed {
        incident: incident(),
        profile: profile(),
        since: WALL,
        restarts: 1,
    });
    assert_eq!(closed["restarts"], 1);
}

#[test]
fn text_is_one_line_even_when_a_detail_is_not() {
    let text = logged(
        LogFormat::Text,
        &[Note::Damaged {
            path: "a\nb\u{1b}[31m".to_owned(),
        }],
    );
    assert_eq!(text.lines().count(), 1, "{text:?}");
    assert!(text.contains("ERROR the state was damaged"), "{text:?}");
    assert!(!text.contains('\u{1b}'), "{text:?}");
}
