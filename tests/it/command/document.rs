//! The document is what the schema says, for every event, and the same in every try.

use std::collections::BTreeSet;
use std::time::Duration;

use probe::model::{
    Channel, Delivery, Ending, Entry, EventKind, Next, Notification, RecoveryOutcome, Timestamp,
};
use probe::render::event;
use serde_json::{Value, json};

use super::schema::faults;
use crate::mail::entries;

fn entry(notification: Notification) -> Entry {
    Entry {
        channel: Channel::Command,
        to: "/usr/local/bin/notify".to_owned(),
        from: String::new(),
        ..entries::entry(notification)
    }
}

fn certificate() -> Notification {
    let mut told = Notification::blank(EventKind::Certificate, Timestamp(1_795_327_200_000));
    told.certificates.push(Ending {
        fingerprint: "ab".repeat(32),
        names: vec!["日本.example.com".to_owned()],
        subject: "CN=shop".to_owned(),
        issuer: "CN=Authority".to_owned(),
        ends: Timestamp(1_795_927_200_000),
        step: Duration::from_secs(7 * 86_400),
        places: vec!["shop: https://shop.example.com/".to_owned()],
    });
    told
}

fn every() -> Vec<Notification> {
    let mut every = entries::all();
    every.push(certificate());
    every.push(entries::restarted(RecoveryOutcome::Refused));
    every.push(Notification {
        next: Next::WatchOnly,
        ..entries::down()
    });
    every
}

fn read(notification: &Notification) -> Value {
    let text = event::document(&entry(notification.clone()), &entries::english());
    assert_eq!(text.matches('\n').count(), 1, "one line: {text}");
    serde_json::from_str(&text).unwrap()
}

fn schema() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/event.schema.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// What the mail of the week says, a program can read, too.
#[test]
fn a_week_has_its_figures() {
    let document = read(&crate::mail::weeks::report());
    let week = &document["week"];
    let wanted = json!({
        "first": false, "span_seconds": 604_800, "blind_seconds": 720, "away_seconds": 5_400,
        "profiles": 42, "up_percent": 99.96, "down_seconds": 9_130, "sites_down_more": 0,
        "sites_up_more": 40, "restarts": 4, "undrilled": ["web3"], "undelivered": 2,
    });
    for (key, value) in wanted.as_object().unwrap() {
        assert_eq!(&week[key], value, "{key}");
    }
    assert_eq!(
        week["sites"][0],
        json!({"profile": "shop", "up_percent": 98.49, "down_seconds": 9_000, "outages": 3, "down_now": true,
               "unjudged_seconds": 0})
    );
    let host = &week["hosts"][0];
    assert_eq!((&host["host"], &host["count"]), (&json!("web1"), &json!(4)));
    assert_eq!(
        host["lesson"],
        json!({"restarts": 3, "longest_seconds": 1_740})
    );
    let held = |place: usize| {
        let one = &host["restarts"][place];
        json!([one["held_seconds"], one["holds"], one["needed"]])
    };
    assert_eq!(held(0), json!([1_500, false, true]));
    assert_eq!(held(1), json!([null, false, false]));
    assert_eq!(held(2), json!([1_740, false, null]));
    assert_eq!(held(3), json!([199_000, true, true]));
    assert_eq!(week["slowest"][1]["longest_ms"], 850);
    assert_eq!(week["slowest"][1]["mean_ms"], 120);
    let drills = week["drills"].as_array().unwrap();
    let said: Vec<_> = drills
        .iter()
        .map(|it| json!([it["host"], it["well"]]))
        .collect();
    assert_eq!(
        said,
        [
            json!(["web1", true]),
            json!(["web2", false]),
            json!([null, true])
        ]
    );
    assert_ne!(drills[1]["succeeded"], drills[1]["at"]);
    // Whoever hears of something else finds nothing there.
    assert_eq!(read(&entries::down())["week"], Value::Null);
}

#[test]
fn every_event_is_as_the_schema_says() {
    let schema = schema();
    let mut words = BTreeSet::new();
    for notification in every() {
        let document = read(&notification);
        assert_eq!(
            faults(&schema, &schema, &document, "$"),
            [""; 0],
            "{document:#}"
        );
        words.insert(document["event"].as_str().unwrap().to_owned());
    }
    let known = schema["properties"]["event"]["enum"].as_array().unwrap();
    let known: BTreeSet<String> = known.iter().map(|w| w.as_str().unwrap().into()).collect();
    assert_eq!(words, known, "each word of the schema was tried");
}

#[test]
fn the_schema_refuses_what_is_not_so() {
    let schema = schema();
    let spoil = |pointer: &str, value: Value| {
        let mut document = read(&entries::gave_up());
        *document.pointer_mut(pointer).expect("a key") = value;
        faults(&schema, &schema, &document, "$")
    };
    for (pointer, value) in [
        ("/schema", 2.into()),
        ("/event", "dwon".into()),
        ("/at", "2026-11-22 06:00".into()),
        ("/since", 5.into()),
        ("/attempts/0/number", 0.into()),
        ("/attempts/0/outcome", "fine".into()),
        ("/next/kind", "soon".into()),
        ("/subject", "".into()),
    ] {
        assert_eq!(spoil(pointer, value).len(), 1, "{pointer}");
    }
    let mut document = read(&entries::down());
    document.as_object_mut().unwrap().remove("cause");
    assert_eq!(
        faults(&schema, &schema, &document, "$"),
        ["$: \"cause\" is missing"]
    );
}

#[test]
fn a_gave_up_says_all_that_is_known() {
    let told = read(&entries::gave_up());
    let text = |pointer: &str| told.pointer(pointer).unwrap().as_str().unwrap().to_owned();
    assert_eq!(
        (told["schema"].clone(), text("/event")),
        (1.into(), "gave_up".into())
    );
    let incident = entries::gave_up().incident.unwrap().to_string();
    assert_eq!(text("/incident"), incident);
    assert_eq!(text("/id"), format!("{incident}.gave_up.4"));
    assert_eq!(
        (text("/profile"), text("/host")),
        ("shop".into(), "web1".into())
    );
    assert_eq!(text("/cause"), "refused");
    assert_eq!(told["attempts"].as_array().unwrap().len(), 3);
    assert_eq!(text("/attempts/0/outcome"), "failed");
    assert_eq!(text("/next/kind"), "held");
    assert_eq!(text("/next/hold"), "gave_up");
    assert!(text("/next/text").contains("probe resume web1"), "{told:#}");
    assert_eq!(told["lesson"]["longest_seconds"], 28 * 60);
    assert!(text("/subject").contains("shop"), "{told:#}");
    assert!(text("/text").contains("web1"));
}

#[test]
fn every_try_hands_over_the_same() {
    let mut seen = BTreeSet::new();
    for notification in every() {
        let first = entry(notification);
        let again = Entry {
            tries: 7,
            due: Timestamp(99),
            last: Some(Delivery::deferred("later")),
            ..first.clone()
        };
        assert_eq!(
            event::document(&first, &entries::english()),
            event::document(&again, &entries::english())
        );
        seen.insert(event::id(&first.notification));
    }
    // `down` and `restarted` are there twice.
    assert_eq!(seen.len(), every().len() - 2, "{seen:?}");
}

#[test]
fn rows_written_before_there_were_channels_are_mails() {
    let row = serde_json::to_value(entries::entry(entries::down())).unwrap();
    let mut old = row.clone();
    assert!(old.as_object_mut().unwrap().remove("channel").is_some());
    let read: Entry = serde_json::from_value(old).unwrap();
    assert_eq!(read, entries::entry(entries::down()));
    assert_eq!(read.channel, Channel::Mail);
}
