//! Entries as the engine writes them: one night of one shop.

use std::time::Duration;

use probe::model::{
    Attempt, AttemptId, Cause, Channel, ConfigTest, DatedFacts, Ending, Entry, EntryId, EventKind,
    Finding, GivenUp, Hold, HostFacts, HostName, IncidentId, Inside, InsideAnswer, Language,
    Lesson, Next, Notification, Observation, Phase, ProfileName, Reason, RecoveryOutcome,
    RecoveryReport, Remark, Room, Service, Timestamp, UnitFacts, Wording, Zone,
};
use probe::render::words::Voice;

/// 2026-11-22T06:00:41.120Z.
pub(crate) const NIGHT: Timestamp = Timestamp(1_795_327_241_120);

pub(crate) fn after(seconds: u64) -> Timestamp {
    NIGHT + Duration::from_secs(seconds)
}

fn refused(url: &str, address: &str) -> Observation {
    Observation::Check {
        url: url.to_owned(),
        cause: Cause::Refused,
        finding: Box::new(Finding::bare(Cause::Refused)),
        address: address.parse().ok(),
        phase: Some(Phase::Connect),
    }
}

/// English by UTC, as where nothing is configured.
pub(crate) fn english() -> Wording {
    Wording::default()
}

/// Japanese, by Japanese clocks.
pub(crate) fn japanese() -> Wording {
    Wording {
        language: Language::Ja,
        zone: Zone::try_new("Asia/Tokyo").unwrap(),
        ..Wording::default()
    }
}

pub(crate) fn voice() -> Voice {
    Voice::of(&english())
}

/// What every event of the incident has.
pub(crate) fn note(event: EventKind) -> Notification {
    Notification {
        opened: Some(NIGHT),
        incident: Some(IncidentId::new("shop", "20261122T060041Z")),
        profile: Some(ProfileName::try_new("shop").unwrap()),
        host: Some(HostName::try_new("web1").unwrap()),
        ssh: Some("probe@web1.example.com".to_owned()),
        operator_ssh: Some("admin@web1.example.com".to_owned()),
        since: Some(NIGHT - Duration::from_secs(20)),
        until: None,
        cause: Some(Cause::Refused),
        seen: vec![
            refused("http://shop.example.com/", "192.0.2.10:80"),
            refused("https://shop.example.com/", "192.0.2.10:443"),
        ],
        ..Notification::blank(event, NIGHT)
    }
}

fn timed_out() -> Reason {
    Reason::ConnectionTimedOut {
        said: "ssh: connect to host web1.example.com port 22: Connection timed out".to_owned(),
    }
}

fn host_key_changed() -> Reason {
    Reason::HostKeyChanged {
        name: "web1.example.com".to_owned(),
        file: "/etc/probe/known_hosts".to_owned(),
        fingerprint: "SHA256:uNiVztksCsDhcc0u9e8BrhXkb4qMiRzI2MbEHYQ2EBs".to_owned(),
    }
}

pub(crate) fn attempt(number: u32, began: Timestamp, outcome: RecoveryOutcome) -> Attempt {
    let (status, output) = match outcome {
        RecoveryOutcome::Succeeded => (Some(0), "Nginx restarted.\nDone.\n"),
        RecoveryOutcome::Failed => (
            Some(1),
            "Job for nginx.service failed because the control process exited with error code.\n\
             nginx: [emerg] unknown directive \"serverr_name\" in /etc/nginx/conf.d/shop.conf:12\n\
             nginx: configuration file /etc/nginx/nginx.conf test failed\n",
        ),
        RecoveryOutcome::TimedOut
        | RecoveryOutcome::NotExecuted
        | RecoveryOutcome::Unknown
        | RecoveryOutcome::Refused => (None, ""),
        RecoveryOutcome::Declined => (Some(72), ""),
    };
    let reason = match outcome {
        RecoveryOutcome::Succeeded | RecoveryOutcome::Failed | RecoveryOutcome::TimedOut => None,
        RecoveryOutcome::NotExecuted => Some(timed_out()),
        RecoveryOutcome::Unknown => Some(Reason::LostMute),
        RecoveryOutcome::Refused => Some(host_key_changed()),
        RecoveryOutcome::Declined => Some(Reason::AgentResources),
    };
    Attempt {
        id: AttemptId(u64::from(number)),
        number,
        command: "sudo -n kusanagi restart".to_owned(),
        ailment: None,
        drill: false,
        braked: false,
        began,
        ended: Some(began + Duration::from_secs(2)),
        report: Some(RecoveryReport {
            outcome,
            exit_status: status,
            duration: Duration::from_millis(2310),
            reason,
            output: output.to_owned(),
            config_broken: false,
        }),
    }
}

pub(crate) fn entry(notification: Notification) -> Entry {
    Entry {
        id: EntryId(1),
        notification,
        from: "Probe <probe@monitor.example.com>".to_owned(),
        channel: Channel::Mail,
        to: "ops@example.com".to_owned(),
        queued: NIGHT,
        tries: 0,
        due: NIGHT,
        last: None,
        open: false,
        unclear: false,
        outlived: false,
    }
}

pub(crate) fn down() -> Notification {
    Notification {
        next: Next::Restart {
            command: "sudo -n kusanagi restart".to_owned(),
            number: 1,
            of: 3,
        },
        ..note(EventKind::Down)
    }
}

pub(crate) fn restarted(outcome: RecoveryOutcome) -> Notification {
    Notification {
        sequence: 1,
        at: after(4),
        attempts: vec![attempt(1, after(1), outcome)],
        next: if outcome == RecoveryOutcome::Refused {
            Next::Held(Hold::GaveUp {
                reason: GivenUp::LoginRefused {
                    said: Some(host_key_changed()),
                },
            })
        } else {
            Next::Prove { from: after(49) }
        },
        ..note(EventKind::Restarted)
    }
}

pub(crate) fn up() -> Notification {
    Notification {
        sequence: 2,
        at: after(110),
        until: Some(after(110)),
        attempts: vec![attempt(1, after(1), RecoveryOutcome::Succeeded)],
        seen: Vec::new(),
        ..note(EventKind::Up)
    }
}

pub(crate) fn withheld() -> Notification {
    Notification {
        sequence: 1,
        next: Next::Held(Hold::Budget {
            restarts: 3,
            per: Duration::from_secs(3600),
            until: after(1800),
        }),
        ..note(EventKind::Withheld)
    }
}

/// With `mode: ask`.
pub(crate) fn proposed() -> Notification {
    Notification {
        sequence: 1,
        next: Next::Held(Hold::Proposed {
            command: "sudo -n kusanagi restart".to_owned(),
            until: after(890),
        }),
        ..note(EventKind::Proposed)
    }
}

/// A host whose web server does not start any more.
pub(crate) fn facts() -> HostFacts {
    let text = |text: &str| Some(text.to_owned());
    HostFacts {
        uptime_s: Some(4 * 86_400 + 3600),
        systemd: text("degraded"),
        unit: UnitFacts {
            name: text("nginx"),
            enabled: text("enabled"),
            active: text("failed"),
            result: text("exit-code"),
            exit_code: Some(1),
            changed_s: Some(228),
            ..UnitFacts::default()
        },
        disk: Room {
            free_pct: Some(42),
            free_mb: Some(16_384),
            path: text("/"),
        },
        memory_total_mb: Some(7_680),
        memory_available_pct: Some(61),
        config_test: Some(ConfigTest::Failed),
        config_test_says: text(
            "unknown directive \"serverr_name\" in /etc/nginx/conf.d/shop.conf:12",
        ),
        listen_80: text("none"),
        listen_443: text("none"),
        sites: vec![Inside {
            url: "https://shop.example.com/".to_owned(),
            answer: InsideAnswer::Refused,
            browser: None,
        }],
        php: Service {
            unit: text("php-fpm"),
            active: text("active"),
        },
        load_per_cpu_pct: Some(12),
        cpus: Some(2),
        logged_in: Some(1),
        ..HostFacts::default()
    }
}

pub(crate) fn gave_up() -> Notification {
    Notification {
        sequence: 4,
        at: after(600),
        attempts: (1..=3)
            .map(|n| attempt(n, after(u64::from(n) * 120), RecoveryOutcome::Failed))
            .collect(),
        next: Next::Held(Hold::GaveUp {
            reason: GivenUp::Spent { tries: 3 },
        }),
        lesson: Some(Lesson {
            restarts: 4,
            longest: Duration::from_secs(28 * 60),
        }),
        facts: Some(Box::new(DatedFacts {
            at: after(595),
            facts: facts(),
        })),
        ..note(EventKind::GaveUp)
    }
}

pub(crate) fn back() -> Notification {
    Notification {
        sequence: 5,
        at: after(18_200),
        until: Some(after(18_200)),
        seen: Vec::new(),
        attempts: gave_up().attempts,
        next: Next::Held(Hold::GaveUp {
            reason: GivenUp::Spent { tries: 3 },
        }),
        ..note(EventKind::Back)
    }
}

pub(crate) fn reminder() -> Notification {
    Notification {
        sequence: 5,
        at: after(86_400),
        next: Next::Held(Hold::Paused {
            until: Some(after(90_000)),
            reason: Some("moving to a new data centre".to_owned()),
        }),
        ..note(EventKind::Reminder)
    }
}

pub(crate) fn closed() -> Notification {
    Notification {
        sequence: 2,
        at: after(900),
        seen: Vec::new(),
        ..note(EventKind::Closed)
    }
}

fn of_ourselves(event: EventKind) -> Notification {
    Notification {
        incident: None,
        profile: None,
        host: None,
        ssh: None,
        since: None,
        opened: None,
        cause: None,
        seen: Vec::new(),
        ..note(event)
    }
}

pub(crate) fn blind() -> Notification {
    Notification {
        since: Some(NIGHT - Duration::from_secs(41)),
        until: Some(after(690)),
        at: after(691),
        remark: Some(Remark::Finding(Finding::CanarySaid {
            name: "https://www.example.org/".to_owned(),
            finding: Box::new(Finding::CanarySilent { seconds: 5 }),
        })),
        ..of_ourselves(EventKind::Blind)
    }
}

/// Our own name server is silent.
pub(crate) fn unjudged() -> Notification {
    let silent = Finding::OwnNameServer {
        why: Box::new(Finding::NameServerSilent {
            address: [192, 0, 2, 53].into(),
        }),
    };
    Notification {
        incident: Some(IncidentId::new("shop-unjudged", "20261122T060611Z")),
        ssh: None,
        since: Some(NIGHT - Duration::from_secs(10)),
        opened: None,
        at: after(330),
        cause: Some(Cause::Monitor),
        seen: vec![Observation::Check {
            url: "https://shop.example.com/".to_owned(),
            cause: Cause::Monitor,
            finding: Box::new(silent.clone()),
            address: None,
            phase: Some(Phase::Dns),
        }],
        remark: Some(Remark::Finding(silent)),
        ..note(EventKind::Unjudged)
    }
}

/// It is judged again, and well.
pub(crate) fn judged() -> Notification {
    Notification {
        event: EventKind::Up,
        sequence: 1,
        at: after(1_230),
        until: Some(after(1_230)),
        judged: true,
        cause: None,
        seen: Vec::new(),
        remark: None,
        ..unjudged()
    }
}

/// It is judged again, and not well.
pub(crate) fn judged_ill() -> Notification {
    Notification {
        event: EventKind::Closed,
        cause: Some(Cause::Refused),
        seen: down().seen,
        ..judged()
    }
}

pub(crate) fn damaged() -> Notification {
    Notification {
        next: Next::Held(Hold::Quarantine { until: after(3600) }),
        remark: Some(Remark::Path(
            "/var/lib/probe/state.db.damaged-20261122T060041Z".to_owned(),
        )),
        ..of_ourselves(EventKind::Damaged)
    }
}

pub(crate) fn ending(name: &str, days: u64) -> Ending {
    Ending {
        fingerprint: name.to_owned(),
        names: vec![name.to_owned(), format!("www.{name}")],
        subject: format!("CN={name}"),
        issuer: "C=US, O=Let's Encrypt, CN=E7".to_owned(),
        ends: after(days * 86_400 - 60),
        step: Duration::from_secs(days * 86_400),
        places: vec![format!("shop: https://{name}/")],
    }
}

pub(crate) fn certificate() -> Notification {
    Notification {
        certificates: vec![ending("shop.example.com", 1), ending("blog.example.com", 7)],
        ..Notification::blank(EventKind::Certificate, NIGHT)
    }
}

pub(crate) fn test() -> Notification {
    of_ourselves(EventKind::Test)
}

/// One of each event.
pub(crate) fn all() -> Vec<Notification> {
    vec![
        down(),
        restarted(RecoveryOutcome::Succeeded),
        up(),
        withheld(),
        proposed(),
        gave_up(),
        back(),
        reminder(),
        closed(),
        blind(),
        unjudged(),
        damaged(),
        certificate(),
        super::crowds::flapping(),
        super::crowds::digest(),
        super::weeks::report(),
        test(),
    ]
}
