//! The JSON documents, key by key.

use std::collections::BTreeSet;

use probe::model::{Delivery, EventKind, GivenUp, Happened, Hold, Pause, RecoveryOutcome, Stage};
use probe::render::record::{Record, waiting};
use probe::render::report::{document, status_document};
use serde_json::{Value, json};

use super::fixture::{World, attempt, host, name, now, secs, subject};
use super::worlds::{settling, well};

fn parsed(world: &World) -> Value {
    let text = document(
        &world.settings,
        &world.fleet,
        &world.selection(),
        &world.record,
    )
    .to_json();
    serde_json::from_str(&text).unwrap()
}

/// Keys of objects in the order in which they are written.
fn keys(text: &str) -> Vec<String> {
    text.lines()
        .filter_map(|line| line.trim().strip_prefix('"')?.split_once("\": "))
        .map(|(key, _)| key.to_owned())
        .collect()
}

#[test]
fn the_document_of_the_contract() {
    let mut world = settling();
    let only = BTreeSet::from([name("shop")]);
    let shop = world.fleet.profile_mut(&name("shop"));
    shop.last.remove(0);
    shop.last[0].certificate = Some(super::fixture::certificate(61));
    let text = document(&world.settings, &world.fleet, &only, &world.record).to_json();
    let wanted = json!({
        "schema": 1,
        "at": "2026-11-22T06:00:41.120Z",
        "status": "critical",
        "profiles": [{
            "name": "shop", "host": "web1", "state": "down", "failures": 3,
            "since": "2026-11-22T05:59:41.120Z",
            "checks": [{
                "url": "https://shop.example.com/", "ok": false, "cause": "refused",
                "detail": "connection refused", "blame": "server",
                "address": "192.0.2.10:443", "family": "ipv4",
                "http_status": null, "http_version": null, "redirects": 0, "body_bytes": 0,
                "timings_ms": {"dns": 1.2, "connect": 0.4, "tls": null, "first_byte": null,
                               "transfer": null, "total": 1.7},
                "certificate": {
                    "not_after": "2027-01-22T07:00:41.120Z", "days_left": 61,
                    "subject": "CN=shop.example.com", "issuer": "CN=R11, O=Let's Encrypt, C=US",
                    "names": ["shop.example.com"], "fault": null, "chain": [],
                },
                "phase": null, "tls_version": null, "hops": [], "final_url": null, "layer": null, "remarks": [],
                "judged": {"state": "failing", "restarts_by_default": true},
            }],
            "unjudged": null,
            "acknowledged": null,
        }],
        "hosts": [{
            "name": "web1", "state": "settling", "reason": null, "restarts_in_window": 1,
            "budget_left": 2, "next_action_at": "2026-11-22T06:01:14.120Z",
        }],
        "actions": [{
            "host": "web1", "attempt": 1, "kind": "restart", "command": "sudo -n kusanagi restart",
            "outcome": "succeeded", "exit_status": 0, "duration_ms": 2310, "reason": null,
            "output": "done\n",
        }],
        "notifications": [
            {"event": "down", "incident": "shop-20261122T055941Z", "subject": "[DOWN] shop",
             "to": "ops@example.com", "delivery": "sent"},
            {"event": "restarted", "incident": "shop-20261122T055941Z", "subject": "[RESTARTED] shop",
             "to": "ops@example.com", "delivery": "queued"},
        ],
    });
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), wanted);
    let order = "schema at status profiles name host state failures since checks url ok cause detail blame address \
        family http_status http_version redirects body_bytes timings_ms dns connect tls first_byte transfer total \
        certificate not_after days_left subject issuer names fault chain phase tls_version hops final_url layer remarks judged \
        state restarts_by_default unjudged acknowledged hosts name state reason restarts_in_window budget_left \
        next_action_at actions host attempt kind command outcome exit_status duration_ms reason output notifications \
        event incident subject to delivery event incident subject to delivery";
    assert_eq!(
        keys(&text).join(" "),
        order.split_whitespace().collect::<Vec<_>>().join(" ")
    );
}

#[test]
fn status_has_no_actions_and_tells_the_outbox() {
    let world = settling();
    let outbox = waiting(&world.fleet, subject);
    let text =
        status_document(&world.settings, &world.fleet, &world.selection(), &outbox).to_json();
    let seen: Value = serde_json::from_str(&text).unwrap();
    assert!(seen.get("actions").is_none());
    assert_eq!(
        seen["notifications"],
        json!([{"event": "restarted", "incident": "shop-20261122T055941Z", "subject": "[RESTARTED] shop",
                "to": "ops@example.com", "delivery": "queued"}])
    );
}

#[test]
fn host_states() {
    let until = now() + secs(600);
    let late = "2026-11-22T06:10:41.120Z";
    let stage =
        |stage: Stage| move |world: &mut World| world.fleet.host_mut(&host("web1")).stage = stage;
    let hold =
        |hold: Hold| move |world: &mut World| world.fleet.host_mut(&host("web1")).hold = Some(hold);
    let pause = |target: &'static str, until| {
        move |world: &mut World| {
            let pause = Pause {
                until,
                ..Pause::default()
            };
            world.fleet.pauses.insert(target.to_owned(), pause);
        }
    };
    type Change = Box<dyn FnOnce(&mut World)>;
    let id = attempt(1, RecoveryOutcome::Succeeded).id;
    let table: Vec<(Change, Value, Value, Value)> = vec![
        (Box::new(|_| {}), json!("idle"), json!(null), json!(null)),
        (
            Box::new(stage(Stage::Restarting {
                attempt: id,
                deadline: until,
            })),
            json!("restarting"),
            json!(null),
            json!(null),
        ),
        (
            Box::new(stage(Stage::Settling { attempt: id, until })),
            json!("settling"),
            json!(null),
            json!(late),
        ),
        (
            Box::new(stage(Stage::GaveUp {
                since: now(),
                reason: GivenUp::Other(String::new()),
            })),
            json!("gave_up"),
            json!("gave_up"),
            json!(null),
        ),
        (
            Box::new(hold(Hold::Backoff { until })),
            json!("holding"),
            json!("backoff"),
            json!(late),
        ),
        (
            Box::new(hold(Hold::NotConfirmed {
                failures: 1,
                threshold: 3,
            })),
            json!("holding"),
            json!("not_confirmed"),
            json!(null),
        ),
        (
            Box::new(pause("all", None)),
            json!("paused"),
            json!("paused"),
            json!(null),
        ),
        (
            Box::new(pause("web1", Some(until))),
            json!("paused"),
            json!("paused"),
            json!(late),
        ),
        (
            Box::new(pause("web1", Some(now() - secs(1)))),
            json!("idle"),
            json!(null),
            json!(null),
        ),
        (
            Box::new(pause("web2", None)),
            json!("idle"),
            json!(null),
            json!(null),
        ),
        (
            Box::new(hold(Hold::Paused {
                until: Some(until),
                reason: None,
            })),
            json!("paused"),
            json!("paused"),
            json!(late),
        ),
    ];
    for (change, state, reason, next) in table {
        let mut world = well();
        change(&mut world);
        let seen = &parsed(&world)["hosts"][0];
        assert_eq!(
            (&seen["state"], &seen["reason"], &seen["next_action_at"]),
            (&state, &reason, &next)
        );
    }
}

#[test]
fn times_are_shown_on_the_wall_clock() {
    let mut world = settling();
    world.fleet.core.clock.skew_ms = 3_600_000;
    let seen = parsed(&world);
    assert_eq!(seen["at"], "2026-11-22T07:00:41.120Z");
    assert_eq!(seen["profiles"][2]["since"], "2026-11-22T06:59:41.120Z");
    assert_eq!(
        seen["hosts"][0]["next_action_at"],
        "2026-11-22T07:01:14.120Z"
    );
}

#[test]
fn refused_restarts_are_actions_and_steps_of_the_way_are_not() {
    let mut world = well();
    world.fleet.host_mut(&host("web1")).attempts = 1;
    let budget = Hold::Budget {
        restarts: 3,
        per: secs(3600),
        until: now() + secs(9),
    };
    let holds = [
        Hold::NotConfirmed {
            failures: 1,
            threshold: 3,
        },
        Hold::AwaitingCanary,
        budget.clone(),
        Hold::Restarting,
        budget,
        Hold::Settling { until: now() },
        Hold::NetworkDown,
    ];
    for hold in holds {
        world.note(&Happened::Held {
            host: host("web1"),
            hold,
            again: false,
            lasts: false,
        });
    }
    let seen = parsed(&world);
    let refused = |reason: &str| {
        json!({"host": "web1", "attempt": 2, "kind": "restart", "command": "sudo -n kusanagi restart",
               "outcome": "refused", "exit_status": null, "duration_ms": null, "reason": reason, "output": null})
    };
    assert_eq!(
        seen["actions"],
        json!([refused("budget"), refused("network_down")])
    );
}

#[test]
fn a_message_of_an_earlier_run_keeps_its_subject() {
    let mut world = settling();
    let entry = *world.fleet.outbox.keys().next().unwrap();
    world.record = Record::new(&world.fleet, subject);
    assert_eq!(world.record.told().count(), 0);
    world.fleet.forget_entry(entry);
    world.note(&Happened::Delivered {
        entry,
        event: EventKind::Restarted,
        to: "ops@example.com".to_owned(),
        delivery: Delivery::Sent {
            relay: "mail".to_owned(),
        },
    });
    assert_eq!(
        parsed(&world)["notifications"],
        json!([{"event": "restarted", "incident": "shop-20261122T055941Z", "subject": "[RESTARTED] shop",
                "to": "ops@example.com", "delivery": "sent"}])
    );
}
