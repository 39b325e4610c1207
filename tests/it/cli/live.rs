//! The lines of a run under way.

use probe::model::{
    AttemptId, Cause, Delivery, EventKind, Finding, GivenUp, Happened, Hold, IncidentId,
    Observation, ProfileState, RecoveryOutcome,
};
use probe::render::progress::{self, Awaited, awaited};
use probe::render::terminal::{Layout, line};

use super::fixture::{World, attempt, host, look, name, now, secs, took_longer};
use super::worlds::{settling, well};

fn said(world: &mut World, note: &Happened) -> Option<String> {
    world.note(note);
    line(now(), note, &world.record, look(300))
}

fn changed(
    from: ProfileState,
    to: ProfileState,
    cause: Option<Cause>,
    seen: Vec<Observation>,
) -> Happened {
    Happened::Changed {
        profile: name("shop"),
        from,
        to,
        cause,
        seen,
    }
}

#[test]
fn an_outage_in_lines() {
    use ProfileState::{Down, Failing, Up};
    let mut world = well();
    let refused = Some(Cause::Refused);
    let seen = Observation::Check {
        url: "https://shop.example.com/".to_owned(),
        cause: Cause::Refused,
        finding: Box::new(Finding::Refused),
        address: Some("192.0.2.10:443".parse().unwrap()),
        phase: None,
    };
    let up = world.queue(EventKind::Up, "shop", "web1");
    let story = [
        changed(Up, Failing, refused, vec![]),
        changed(Failing, Down, refused, vec![seen]),
        Happened::Opened {
            incident: IncidentId::new("shop", "20261122T060041Z"),
            profile: name("shop"),
            since: None,
            cause: Cause::Refused,
        },
        Happened::Held {
            host: host("web1"),
            hold: Hold::AwaitingCanary,
            again: false,
            lasts: false,
        },
        Happened::RestartBegan {
            host: host("web1"),
            attempt: AttemptId(1),
            number: 1,
            command: "sudo -n kusanagi restart".to_owned(),
            profile: name("shop"),
        },
        Happened::RestartEnded {
            host: host("web1"),
            attempt: attempt(1, RecoveryOutcome::Succeeded),
            counts_from: Some(now() + secs(48)),
        },
        Happened::RestartEnded {
            host: host("web1"),
            attempt: attempt(2, RecoveryOutcome::Failed),
            counts_from: None,
        },
        Happened::Held {
            host: host("web1"),
            hold: Hold::Budget {
                restarts: 3,
                per: secs(3600),
                until: now() + secs(90),
            },
            again: false,
            lasts: false,
        },
        changed(Down, Up, None, vec![]),
        Happened::Closed {
            incident: IncidentId::new("shop", "20261122T060041Z"),
            profile: name("shop"),
            since: now() - secs(62),
            restarts: 1,
            attempts: Vec::new(),
        },
        Happened::Delivered {
            entry: up,
            event: EventKind::Up,
            to: "ops@example.com".to_owned(),
            delivery: Delivery::Sent {
                relay: "mail.example.com".to_owned(),
            },
        },
        Happened::Delivered {
            entry: up,
            event: EventKind::Up,
            to: "ops@example.com".to_owned(),
            delivery: Delivery::Rejected {
                reason: "550 no such user".to_owned(),
            },
        },
        Happened::GaveUp {
            host: host("web1"),
            reason: GivenUp::Other("3 attempts did not help".to_owned()),
        },
        Happened::Rearmed { host: host("web1") },
        Happened::NetworkDown {
            detail: Finding::CanarySilent { seconds: 5 },
        },
        Happened::NetworkBack {
            since: now() - secs(95),
            blinded: false,
        },
        Happened::Unrecorded,
    ];
    let lines: Vec<String> = story
        .iter()
        .filter_map(|note| said(&mut world, note))
        .collect();
    assert_eq!(
        lines,
        [
            "06:00:41  shop is failing: connection refused (not confirmed yet)",
            "06:00:41  shop is down: https://shop.example.com/: connection refused: nothing listens there (at 192.0.2.10:443)",
            "06:00:41  restarting web1: sudo -n kusanagi restart (attempt 1)",
            "06:00:41  web1: command succeeded after 2.3s; counting probes again from 06:01:29",
            "06:00:41  web1: command failed with exit status 1 after 2.3s",
            "06:00:41  web1 is not restarted: all 3 restarts allowed in 1h are used up; the next one is possible \
             in 1m 30s (06:02:11 UTC)",
            "06:00:41  shop is back after 1m 2s, 1 restart",
            "06:00:41  mail sent: [UP] shop",
            "06:00:41  mail to ops@example.com was REJECTED for good: [UP] shop: 550 no such user",
            "06:00:41  gave up on web1: 3 attempts did not help; once it is mended: probe resume web1",
            "06:00:41  web1 may be restarted again",
            "06:00:41  our own network is down (no answer within 5 s): nothing is judged or restarted",
            "06:00:41  our own network is back after 1m 35s",
            "06:00:41  the state cannot be written: nothing is restarted or sent until it can",
        ]
    );
}

#[test]
fn changes_that_are_news_and_that_are_not() {
    use ProfileState::{Degraded, Down, Failing, Unknown, Up};
    let mut world = well();
    let table = [
        (Unknown, Up, None, None),
        (Down, Up, None, None),
        (
            Failing,
            Up,
            None,
            Some("shop is well again; it was not confirmed as down"),
        ),
        (Degraded, Up, None, Some("shop is well again")),
        (
            Up,
            Degraded,
            Some(Cause::Slow),
            Some("shop is degraded: took 4.0 s, slower than 3.0 s"),
        ),
        (
            Up,
            Unknown,
            Some(Cause::Monitor),
            Some("shop: could not tell: took 4.0 s, slower than 3.0 s"),
        ),
    ];
    let took = Observation::Alone(took_longer(4, 3));
    for (from, to, cause, wanted) in table {
        let seen = said(&mut world, &changed(from, to, cause, vec![took.clone()]));
        let wanted = wanted.map(|text| format!("06:00:41  {text}"));
        assert_eq!(seen, wanted, "{from:?} to {to:?}");
    }
}

#[test]
fn a_dry_run_only_would() {
    let note = Happened::RestartBegan {
        host: host("web1"),
        attempt: AttemptId(1),
        number: 1,
        command: "restart \u{1b}[2Jit".to_owned(),
        profile: name("shop"),
    };
    let dry = Layout {
        dry_run: true,
        ..look(100)
    };
    let seen = line(now(), &note, &well().record, dry).unwrap();
    assert_eq!(seen, "06:00:41  would restart web1: restart it (attempt 1)");
}

#[test]
fn what_is_awaited() {
    let mut world = settling();
    let seen = awaited(&world.fleet).unwrap();
    assert_eq!(seen.text, "web1 is settling: probes count again");
    assert_eq!(seen.left, Some(secs(33)));
    world.fleet.probing = 3;
    assert_eq!(awaited(&world.fleet).unwrap().text, "probing 3 profiles");
    assert_eq!(awaited(&well().fleet), None);
}

#[test]
fn the_moving_line() {
    let restart = Awaited {
        text: "restarting web1 (attempt 1)".to_owned(),
        left: None,
    };
    let settle = Awaited {
        text: "web1 is settling: probes count again".to_owned(),
        left: Some(secs(33)),
    };
    for (awaited, elapsed, wanted) in [
        (&restart, 0, "restarting web1 (attempt 1)…"),
        (&restart, 12, "restarting web1 (attempt 1)… 12s"),
        (&restart, 75, "restarting web1 (attempt 1)… 1m 15s"),
        (&settle, 0, "web1 is settling: probes count again in 33s"),
        (&settle, 30, "web1 is settling: probes count again in 3s"),
        (&settle, 40, "web1 is settling: probes count again…"),
    ] {
        assert_eq!(progress::line(awaited, secs(elapsed)), wanted);
    }
    let long = Awaited {
        text: "x\u{1b}[2J".repeat(100),
        left: None,
    };
    let line = progress::line(&long, secs(5));
    assert_eq!(probe::render::text::width(&line), 76);
    assert!(!line.contains('\u{1b}'));
}
