//! One run at a time, and what `status` tells beside it, before it and long after it.

use std::time::Duration;

use probe::model::ProfileName;

use super::ground::{Ground, flat};

#[test]
fn two_runs_never_overlap() {
    let ground = Ground::start();
    ground.configure(&ground.yaml("", None));
    let mut daemon = ground.begin(&mut ground.command(&["run"]));
    daemon.says("state changed");
    let holder = format!("pid {}", daemon.child.id());
    let second = ground.probe(&["once", "shop"]);
    second.expect(
        3,
        &[
            "holds the lock",
            &daemon.child.id().to_string(),
            "probe status",
        ],
    );
    assert_eq!(second.stdout, "", "{holder}");
    ground.probe(&["run"]).expect(3, &["holds the lock"]);
    let quiet = ground.probe(&["once", "-q"]);
    assert_eq!(
        (quiet.code, quiet.stdout.as_str(), quiet.stderr.as_str()),
        (Some(3), "", "")
    );
    ground
        .probe(&["once", "-n", "shop"])
        .expect(0, &["dry run"]);
    // Reading needs no lock; what is ordinary may be written ten seconds later.
    let status = ground.probe(&["status"]);
    assert!(matches!(status.code, Some(0 | 3)), "{status:#?}");
    assert!(flat(&status.stdout).contains("shop http://"), "{status:#?}");
    daemon.signal("TERM");
    assert_eq!(daemon.end().code, Some(0));
    ground.probe(&["once", "shop"]).expect(0, &["1 up"]);
}

#[test]
fn status_tells_what_is_known_and_what_is_not() {
    let ground = Ground::start();
    ground
        .probe(&["status"])
        .expect(3, &["not probed yet", "1 unknown"]);
    assert!(!ground.path("state").exists());
    ground.probe(&["once"]).expect(0, &[]);
    ground.probe(&["status"]).expect(0, &["up shop", "1 up"]);
    let json = ground.probe(&["status", "--json"]).json();
    assert_eq!(json["schema"], 1);
    assert_eq!(json["status"], "ok");
    assert_eq!(json["profiles"][0]["name"], "shop");
    assert_eq!(json["profiles"][0]["state"], "up");
    assert_eq!(json["profiles"][0]["checks"][0]["ok"], true);
    assert!(json.get("actions").is_none(), "{json:#}");
    assert_eq!(json["notifications"], serde_json::json!([]));
    ground.site.set(false);
    ground.probe(&["once", "shop"]).expect(2, &[]);
    ground
        .probe(&["status"])
        .expect(2, &["DOWN shop", "1 down"]);
    assert_eq!(
        ground.probe(&["status", "--json"]).json()["status"],
        "critical"
    );
    ground.site.set(true);
    ground.probe(&["once", "shop"]).expect(0, &["up shop"]);
    ground.probe(&["status", "shop"]).expect(0, &["1 up"]);
}

#[test]
fn what_nobody_looked_at_for_long_is_not_known() {
    let ground = Ground::start();
    ground.probe(&["once"]).expect(0, &[]);
    // The watch died an hour ago.
    ground.remembered(|fleet| {
        let now = fleet.now();
        let track = fleet.profile_mut(&ProfileName::try_new("shop").unwrap());
        track.probed = Some(now - Duration::from_secs(3600));
    });
    let status = ground.probe(&["status"]);
    status.expect(
        3,
        &[
            "not probed for 1h",
            "does `probe run`, the timer or the cron line still run?",
            "it was up before",
            "1 unknown",
        ],
    );
    let json = ground.probe(&["status", "--json"]).json();
    assert_eq!(
        (&json["status"], &json["profiles"][0]["state"]),
        (&"unknown".into(), &"unknown".into())
    );
    ground.probe(&["once", "shop"]).expect(0, &["1 up"]);
    ground.probe(&["status"]).expect(0, &["1 up"]);
}
