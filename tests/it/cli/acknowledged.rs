//! `probe ack`: what can be acknowledged, what is then said, and how long.

use super::ground::Ground;

#[test]
fn an_outage_is_acknowledged_for_as_long_as_it_lasts() {
    let ground = Ground::start();
    ground
        .probe(&["ack", "nope"])
        .expect(3, &["no profile or host is called nope"]);
    ground.probe(&["ack", "shop"]).expect(
        2,
        &["no outage is open there at this moment, so nothing was acknowledged"],
    );
    ground.falls();
    ground.probe(&["once", "shop"]).expect(2, &["DOWN shop"]);
    let acknowledged =
        || ground.probe(&["status", "--json"]).json()["profiles"][0]["acknowledged"].clone();
    assert!(acknowledged().is_null());

    let reason = "Hanako is on it";
    let given = ground.probe(&["ack", "shop", "--for", "8h", "--reason", reason]);
    given.expect(
        0,
        &[
            "shop: no reminders until it changes",
            "Watching and restarts go on",
        ],
    );
    ground.probe(&["status"]).expect(
        2,
        &[
            "known shop",
            "no reminders until it changes, or ends in",
            reason,
        ],
    );
    let seen = acknowledged();
    assert_eq!(seen["reason"], reason);
    assert!(seen["until"].as_str() > seen["at"].as_str(), "{seen}");

    // A later word takes its place; the outage's end ends both.
    ground.probe(&["ack", "shop", "-q"]).expect(0, &[]);
    assert!(acknowledged()["until"].is_null());
    ground.site.set(true);
    ground.probe(&["once", "shop"]).expect(0, &["1 up"]);
    assert!(acknowledged().is_null());
    let status = ground.probe(&["status"]);
    assert!(!status.stdout.contains("known"), "{status:#?}");
}
