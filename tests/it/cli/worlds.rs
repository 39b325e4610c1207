//! Situations that screens and documents are made of.

use std::time::Duration;

use probe::model::{
    Cause, Delivery, EventKind, Finding, GivenUp, Happened, Hold, Quoted, RecoveryOutcome, Stage,
    Standing, Timings,
};

use super::fixture::{
    World, attempt, certificate, good, host, judged, now, refused, secs, took_longer,
};

pub(super) fn well() -> World {
    let mut world = World::new();
    world.host("web1");
    world.profile(
        "blog",
        Some("web1"),
        Standing::Up,
        vec![good("https://blog.example.com/", "192.0.2.10:443")],
    );
    world.profile(
        "shop",
        Some("web1"),
        Standing::Up,
        vec![
            good("http://shop.example.com/", "192.0.2.10:80"),
            good("https://shop.example.com/", "[2001:db8::10]:443"),
        ],
    );
    let api = world.profile(
        "api",
        None,
        Standing::Up,
        vec![good("https://api.example.com/health", "192.0.2.77:8443")],
    );
    api.last[0].timings = Timings {
        dns: Some(Duration::from_millis(21)),
        connect: Some(Duration::from_millis(140)),
        tls: Some(Duration::from_millis(290)),
        first_byte: Some(Duration::from_millis(1204)),
        transfer: Some(Duration::from_millis(3)),
        total: Duration::from_millis(1658),
    };
    api.last[0].certificate = Some(certificate(12));
    world
}

/// `shop` is down, `web1` was restarted 15 s ago.
pub(super) fn settling() -> World {
    let mut world = well();
    world.down(
        "shop",
        "web1",
        vec![
            good("http://shop.example.com/", "192.0.2.10:80"),
            refused("https://shop.example.com/", "192.0.2.10:443"),
        ],
    );
    let ended = attempt(1, RecoveryOutcome::Succeeded);
    let track = world.fleet.host_mut(&host("web1"));
    track.stage = Stage::Settling {
        attempt: ended.id,
        until: now() + secs(33),
    };
    track.starts = vec![now() - secs(15)];
    track.attempts = 1;
    track.last = Some(ended.clone());
    let down = world.queue(EventKind::Down, "shop", "web1");
    world.note(&Happened::Delivered {
        entry: down,
        event: EventKind::Down,
        to: "ops@example.com".to_owned(),
        delivery: Delivery::Sent {
            relay: "mail.example.com".to_owned(),
        },
    });
    world.fleet.forget_entry(down);
    world.note(&Happened::RestartEnded {
        host: host("web1"),
        attempt: ended,
        counts_from: Some(now() + secs(33)),
    });
    let restarted = world.queue(EventKind::Restarted, "shop", "web1");
    let deferred = Delivery::deferred("mail.example.com: 451 try later");
    if let Some(entry) = world.fleet.entry_mut(restarted) {
        entry.last = Some(deferred.clone());
    }
    world.note(&Happened::Delivered {
        entry: restarted,
        event: EventKind::Restarted,
        to: "ops@example.com".to_owned(),
        delivery: deferred,
    });
    world
}

pub(super) fn gave_up() -> World {
    let mut world = well();
    world.down(
        "shop",
        "web1",
        vec![refused("https://shop.example.com/", "192.0.2.10:443")],
    );
    let ended = attempt(3, RecoveryOutcome::Failed);
    let track = world.fleet.host_mut(&host("web1"));
    track.stage = Stage::GaveUp {
        since: now() - secs(9),
        reason: GivenUp::Other("3 attempts did not help".to_owned()),
    };
    track.starts = vec![now() - secs(900), now() - secs(400), now() - secs(15)];
    track.attempts = 3;
    track.last = Some(ended.clone());
    track.hold = Some(Hold::GaveUp {
        reason: GivenUp::Other("3 attempts did not help".to_owned()),
    });
    world.note(&Happened::RestartEnded {
        host: host("web1"),
        attempt: ended,
        counts_from: None,
    });
    let entry = world.queue(EventKind::GaveUp, "shop", "web1");
    let rejected = Delivery::Rejected {
        reason: "550 5.1.1 no such user".to_owned(),
    };
    if let Some(entry) = world.fleet.entry_mut(entry) {
        entry.last = Some(rejected.clone());
    }
    world.note(&Happened::Delivered {
        entry,
        event: EventKind::GaveUp,
        to: "ops@example.com".to_owned(),
        delivery: rejected,
    });
    world
}

pub(super) fn unknown() -> World {
    let mut world = well();
    let silent = Finding::OwnNameServer {
        why: Box::new(Finding::NameServerSilent {
            address: [192, 0, 2, 53].into(),
        }),
    };
    for (profile, before) in [("blog", Standing::Up), ("shop", Standing::Down)] {
        let url = format!("https://{profile}.example.com/");
        let mut check = judged(&url, "192.0.2.10:443", Cause::Monitor, silent.clone());
        check.address = None;
        check.http_status = None;
        check.certificate = None;
        check.timings = Timings {
            total: secs(3),
            ..Timings::default()
        };
        let track = world.profile(profile, Some("web1"), before, vec![check]);
        track.unknown = Some(Box::new(silent.clone()));
    }
    // Seen from a box that is offline, a refused connection says nothing of the site.
    let news = refused("https://news.example.com/", "192.0.2.30:443");
    let track = world.profile("news", None, Standing::Up, vec![news]);
    track.unknown = Some(Box::new(Finding::NoCanaryAnswers));
    let fresh = world.profile(
        "fresh",
        None,
        Standing::New,
        vec![good(
            "https://user:secret@fresh.example.com/",
            "192.0.2.1:443",
        )],
    );
    fresh.last.clear();
    fresh.probed = None;
    world.fleet.core.network.down_since = Some(now() - secs(35));
    world.fleet.core.network.detail = Finding::CanarySaid {
        name: "https://www.example.org/".to_owned(),
        finding: Box::new(Finding::CanarySilent { seconds: 5 }),
    };
    world.fleet.host_mut(&host("web1")).hold = Some(Hold::NetworkDown);
    world
}

pub(super) fn degraded() -> World {
    let mut world = well();
    world.profile(
        "slow",
        None,
        Standing::Degraded,
        vec![judged(
            "https://slow.example.com/",
            "192.0.2.20:443",
            Cause::Slow,
            took_longer(4, 3),
        )],
    );
    let mut soon = judged(
        "https://old.example.com/",
        "192.0.2.21:443",
        Cause::CertificateExpiring,
        Finding::CertificateEnds {
            days: 6,
            at: now() + secs(6 * 86_400),
        },
    );
    soon.certificate = Some(certificate(6));
    world.profile("old", None, Standing::Degraded, vec![soon]);
    let mut moved = judged(
        "http://moved.example.com/",
        "192.0.2.22:443",
        Cause::Content,
        Finding::Missing {
            text: "</html>".to_owned(),
        },
    );
    moved.redirects = 1;
    moved.final_url = Some("https://www.moved.example.com/start".to_owned());
    let track = world.profile("moved", None, Standing::Failing, vec![moved]);
    track.failures = 1;
    track.failing_since = Some(now() - secs(12));
    world
}

pub(super) fn japanese() -> World {
    let mut world = World::new();
    world.host("web1");
    world.profile(
        "blog",
        Some("web1"),
        Standing::Up,
        vec![good("https://日本語.example.jp/店/", "192.0.2.10:443")],
    );
    let mut broken = judged(
        "https://shop.example.jp/",
        "192.0.2.10:443",
        Cause::Content,
        Finding::ThePlace {
            finding: Box::new(Finding::Forbidden {
                text: "データベース接続確立エラー".to_owned(),
            }),
            said: Quoted::new("長い文章はここで折り返され、次の行は同じ位置から始まる はずです。"),
        },
    );
    broken.timings.first_byte = Some(Duration::from_millis(812));
    let track = world.profile("shop", Some("web1"), Standing::Down, vec![broken]);
    track.failures = 4;
    track.failing_since = Some(now() - secs(130));
    let track = world.fleet.host_mut(&host("web1"));
    track.hold = Some(Hold::CauseExcluded {
        cause: Cause::Content,
    });
    world
}
