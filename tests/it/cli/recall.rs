//! `probe why` and `probe history`: what they answer from what real runs left behind, and their screens.

use probe::model::{
    Cause, Happened, IncidentId, Now, Pause, RecoveryOutcome, Standing, Timestamp, Window,
};
use probe::policy;
use probe::render::{history, terminal};

use super::fixture::{World, attempt, good, host, look, name, now, refused, secs};
use super::ground::{Ground, flat};
use super::screens::golden;

#[test]
fn a_restart_that_helped_is_explained_afterwards() {
    let ground = Ground::start();
    let sshd = ground.sshd();
    ground.configure(&ground.yaml(&ground.host(&sshd, &ground.cure()), None));
    ground.falls();
    ground.probe(&["once"]).expect(0, &["web1 restarted once"]);
    let why = ground.probe(&["why", "shop"]);
    why.expect(0, &["web1 nothing to do", "2 of 3 restarts left within 1h"]);
    let said = flat(&why.stdout);
    let course = ["shop is down", "restarting web1", "shop is back after"];
    let places: Vec<usize> = course.iter().filter_map(|part| said.find(part)).collect();
    assert!(places.len() == 3 && places.is_sorted(), "{said}");
    let json = ground.probe(&["why", "web1", "--json"]).json();
    assert_eq!(
        (&json["host"], &json["says"]),
        (&"web1".into(), &"calm".into())
    );
    assert_eq!(json["budget"]["left"], 2);
    assert_eq!(json["profiles"][0]["state"], "up");

    let past = ground.probe(&["history"]);
    past.expect(
        0,
        &[
            "1 incident",
            "has held since",
            "1 restart, 1 of which helped",
        ],
    );
    let json = ground.probe(&["history", "--json", "--since", "1h"]).json();
    assert_eq!(json["restarts"][0]["helped"], true);
    assert_eq!(json["restarts"][0]["still_holds"], true);
    assert_eq!(json["profiles"][0]["incidents"][0]["cause"], "refused");
    let uptimes = &json["profiles"][0]["uptimes"];
    for span in ["24h", "7d", "30d", "90d", "365d"] {
        let of = &uptimes[span];
        // By hours and days it is the same as by the incidents themselves.
        assert_eq!(of["incidents"], 1, "{json:#}");
        assert_eq!(of["down_seconds"], json["profiles"][0]["down_seconds"]);
        assert_eq!(of["unjudged_seconds"], 0);
        assert!(of["mean_response_ms"].is_number(), "{json:#}");
    }
    assert!(
        json["profiles"][0]["uptime"].as_f64().unwrap() < 1.0,
        "{json:#}"
    );
}

#[test]
fn what_holds_a_host_is_explained_while_it_is_down() {
    let ground = Ground::start();
    let sshd = ground.sshd();
    let host = ground.host(&sshd, "true");
    ground.configure(&ground.yaml(&host, None));
    ground.falls();
    ground.probe(&["once"]).expect(2, &["DOWN shop"]);
    let why = ground.probe(&["why", "web1"]);
    why.expect(
        2,
        &[
            "too soon after the last attempt",
            "1 of 3 before giving up",
            "may act in",
        ],
    );
    ground.probe(&["pause", "web1", "--reason", "deploy"]);
    ground
        .probe(&["why", "web1"])
        .expect(2, &["paused", "deploy", "probe resume web1"]);
    let json = ground.probe(&["why", "shop", "--json"]).json();
    assert_eq!(
        (&json["says"], &json["reason"]),
        (&"held".into(), &"paused".into())
    );
    assert_eq!(json["profiles"][0]["counts"], true);
    ground
        .probe(&["history"])
        .expect(0, &["down since", "did not help"]);
}

#[test]
fn a_profile_without_a_host_and_a_name_nobody_knows() {
    let ground = Ground::start();
    ground.probe(&["once"]).expect(0, &[]);
    ground
        .probe(&["why", "shop"])
        .expect(0, &["has no `host`", "nothing is restarted for it"]);
    let json = ground.probe(&["why", "shop", "--json"]).json();
    assert_eq!(json["says"], "watch_only");
    ground
        .probe(&["why", "shpo"])
        .expect(3, &["no profile or host is called shpo"]);
    ground
        .probe(&["history", "shpo"])
        .expect(3, &["no profile is called shpo"]);
    let never = ground.probe(&["history", "--since", "1s"]);
    never.expect(0, &["0 incidents, no restart"]);
}

fn account(world: &World) -> probe::model::Account {
    let clocks = Now {
        wall: now(),
        boot: world.fleet.core.clock.boot.clone(),
        since_boot: secs(0),
    };
    policy::account(&world.settings, world.fleet.clone(), &host("web1"), &clocks).unwrap()
}

fn minutes(before: u64) -> Timestamp {
    now() - secs(60 * before)
}

fn course() -> Vec<(Timestamp, Happened)> {
    let id = |n: u64| IncidentId::new("shop", &minutes(n).stamp());
    let opened = |n: u64| Happened::Opened {
        incident: id(n),
        profile: name("shop"),
        since: Some(minutes(n + 1)),
        cause: Cause::Refused,
    };
    let closed = |n: u64, since: u64| Happened::Closed {
        incident: id(n),
        profile: name("shop"),
        since: minutes(since),
        restarts: 1,
        attempts: Vec::new(),
    };
    let restart = |number: u32| Happened::RestartBegan {
        host: host("web1"),
        attempt: attempt(number, RecoveryOutcome::Succeeded).id,
        number,
        command: "sudo -n kusanagi restart".to_owned(),
        profile: name("shop"),
    };
    let ended = |number: u32| Happened::RestartEnded {
        host: host("web1"),
        attempt: attempt(number, RecoveryOutcome::Succeeded),
        counts_from: None,
    };
    vec![
        (minutes(2000), opened(2000)),
        (minutes(2000), restart(1)),
        (minutes(1999), ended(1)),
        (minutes(1998), closed(2000, 2001)),
        (minutes(120), opened(120)),
        (minutes(120), restart(1)),
        (minutes(119), ended(1)),
        (minutes(118), closed(120, 121)),
        (minutes(90), opened(90)),
        (minutes(90), restart(2)),
        (minutes(89), ended(2)),
        (minutes(80), restart(3)),
        (minutes(79), ended(3)),
        (minutes(78), closed(90, 91)),
        (minutes(1), opened(1)),
    ]
}

fn relapsing() -> World {
    let mut world = World::new();
    world.host("web1");
    world.profile(
        "blog",
        Some("web1"),
        Standing::Up,
        vec![good("https://blog.example.com/", "192.0.2.11:443")],
    );
    world.down(
        "shop",
        "web1",
        vec![refused("https://shop.example.com/", "192.0.2.10:443")],
    );
    let track = world.fleet.profile_mut(&name("shop"));
    track.evidence.began = vec![now() - secs(30), now() - secs(20), now() - secs(10)];
    track.evidence.cause = Some(Cause::Refused);
    let track = world.fleet.host_mut(&host("web1"));
    track.starts = vec![minutes(55), minutes(50), minutes(40)];
    track.attempts = 2;
    track.not_before = Some(now() + secs(20));
    world
        .settings
        .profiles
        .entry(name("blog"))
        .and_modify(|profile| {
            let window = Window::try_new("0 3 * * 0", secs(1800), "Asia/Tokyo").unwrap();
            std::sync::Arc::make_mut(profile).maintenance = vec![window];
        });
    world
}

#[test]
fn screens() {
    let world = relapsing();
    let recorded = course();
    let why = |world: &World, width| {
        terminal::why(
            &world.settings,
            &world.fleet,
            &account(world),
            &recorded,
            look(width),
        )
    };
    golden("why-budget-100", &why(&world, 100));
    golden("why-budget-60", &why(&world, 60));
    let mut paused = relapsing();
    let pause = Pause {
        since: Some(minutes(9)),
        until: Some(now() + secs(1800)),
        reason: Some("deploy".to_owned()),
    };
    paused.fleet.pauses.insert("web1".to_owned(), pause);
    golden("why-paused", &why(&paused, 100));
    let mut calm = relapsing();
    let track = calm.fleet.profile_mut(&name("shop"));
    *track = probe::model::ProfileTrack {
        standing: Standing::Up,
        ..probe::model::ProfileTrack::default()
    };
    golden("why-calm", &why(&calm, 100));
    let past = history::past(
        &world.settings,
        &world.fleet,
        &world.selection(),
        minutes(3000),
        &recorded,
    );
    golden("history-100", &terminal::history(&past, look(100)));
    golden("history-60", &terminal::history(&past, look(60)));
}

/// The report and the mails count the same: an order that was not carried out helped nobody, although the site came back.
#[test]
fn what_was_not_carried_out_is_no_restart() {
    let mut world = World::new();
    world.host("web1");
    world.profile("shop", Some("web1"), Standing::Up, Vec::new());
    for (outcome, took_place) in [
        (RecoveryOutcome::Succeeded, true),
        (RecoveryOutcome::Unknown, true),
        (RecoveryOutcome::NotExecuted, false),
        (RecoveryOutcome::Declined, false),
        (RecoveryOutcome::Refused, false),
    ] {
        let mut recorded = course();
        recorded.truncate(4);
        let (_, Happened::RestartEnded { attempt: last, .. }) = &mut recorded[2] else {
            panic!("the course has changed");
        };
        *last = attempt(1, outcome);
        let past = history::past(
            &world.settings,
            &world.fleet,
            &world.selection(),
            minutes(3000),
            &recorded,
        );
        let said = flat(&terminal::history(&past, look(100)));
        let json = history::document(
            &past,
            &std::collections::BTreeMap::new(),
            &jiff::tz::TimeZone::UTC,
        );
        assert_eq!(json["restarts"][0]["helped"], took_place, "{outcome:?}");
        let (line, sum) = match took_place {
            true => ("has held since", "1 restart, 1 of which helped."),
            false => (
                "nothing was restarted",
                "no restart, 1 more not carried out.",
            ),
        };
        let said = said.trim_end().to_owned() + ".";
        assert!(said.contains(line) && said.ends_with(sum), "{said}");
    }
}
