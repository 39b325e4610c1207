//! What is loaded is what was saved.

use std::time::Duration;

use super::*;

fn maybe<T>(rng: &mut fastrand::Rng, value: T) -> Option<T> {
    rng.bool().then_some(value)
}

fn at(rng: &mut fastrand::Rng) -> Timestamp {
    Timestamp(rng.i64(..))
}

fn text(rng: &mut fastrand::Rng) -> String {
    (0..rng.usize(0..40)).map(|_| rng.char(..)).collect()
}

fn cause(rng: &mut fastrand::Rng) -> Cause {
    rng.choice(Cause::ALL).copied().unwrap()
}

fn hold(rng: &mut fastrand::Rng) -> Hold {
    match rng.u8(0..8) {
        0 => Hold::Paused {
            until: maybe(rng, Timestamp(5)),
            reason: maybe(rng, "disk change".to_owned()),
        },
        1 => Hold::Budget {
            restarts: rng.u32(..),
            per: Duration::from_millis(u64::from(rng.u32(..))),
            until: at(rng),
        },
        2 => Hold::NotEnoughDown {
            down: rng.usize(..1000),
            needed: rng.usize(..1000),
            watched: rng.usize(..1000),
        },
        3 => Hold::FleetBusy {
            host: HostName::try_new("web2").unwrap(),
        },
        4 => Hold::CauseExcluded { cause: cause(rng) },
        6 => Hold::NotEvidence {
            profile: ProfileName::try_new("shop").unwrap(),
            why: NotEvidence::Elsewhere {
                authority: text(rng),
            },
        },
        5 => Hold::Ailing {
            ailment: rng.choice(Ailment::ALL).unwrap(),
            because: vec![text(rng)],
            until: at(rng),
        },
        _ => Hold::StateUnwritable,
    }
}

/// Facts with something of every kind.
fn facts() -> HostFacts {
    let text = "facts=1\nagent=1\nuptime_s=4711\nweb_unit=nginx131\nweb_exit_code=-1\nconfig_test=failed\n\
        config_test_says=a \"word\" 日本\ndisk_free_pct=3\nsite_1=503 https://a.example.com/\nend=1\n";
    probe::adapters::ssh::facts::read(text).unwrap()
}

fn reason(rng: &mut fastrand::Rng) -> Option<Reason> {
    let all = Reason::all();
    let said = text(rng);
    let any = rng.usize(0..all.len());
    let words = rng.bool().then_some(Reason::Other(said));
    let reason = words.unwrap_or_else(|| all[any].clone());
    maybe(rng, reason)
}

fn attempt(rng: &mut fastrand::Rng) -> Attempt {
    let report = RecoveryReport {
        outcome: RecoveryOutcome::TimedOut,
        exit_status: maybe(rng, 255),
        duration: Duration::from_nanos(u64::from(rng.u32(..))),
        reason: reason(rng),
        output: text(rng),
        config_broken: false,
    };
    Attempt {
        id: AttemptId(rng.u64(..)),
        number: rng.u32(..),
        command: text(rng),
        ailment: rng.bool().then_some(Ailment::Stopped),
        drill: false,
        braked: rng.bool(),
        began: at(rng),
        ended: maybe(rng, Timestamp(-1)),
        report: maybe(rng, report),
    }
}

/// Any finding, as it is, with hostile texts, or in an earlier version's words.
fn finding(rng: &mut fastrand::Rng) -> Finding {
    let mut all = Finding::all();
    let mut finding = all.swap_remove(rng.usize(..all.len()));
    if rng.bool() {
        finding.change_texts(&mut |_| text(rng));
    }
    finding
}

fn profile(rng: &mut fastrand::Rng) -> ProfileTrack {
    let mut check = CheckResult::new(
        "https://shop.example.com/",
        CheckOutcome::Found {
            cause: cause(rng),
            certificate_fault: maybe(rng, CertificateFault::WrongName),
            finding: Box::new(finding(rng)),
            phase: maybe(rng, Phase::Tls),
        },
    );
    check.address = maybe(rng, "[2001:db8::1]:443".parse().unwrap());
    check.timings.dns = maybe(rng, Duration::from_micros(1200));
    let incident = Incident {
        id: IncidentId::new("shop", "20261122T060000Z"),
        since: at(rng),
        opened: at(rng),
        cause: cause(rng),
        attempts: (0..rng.usize(0..3)).map(|_| attempt(rng)).collect(),
    };
    let telling = Telling {
        thread: IncidentId::new("blog", "20261122T055900Z"),
        since: at(rng),
        own_since: maybe(rng, Timestamp(6)),
        opened: at(rng),
        cause: cause(rng),
        latest: Some(cause(rng)),
        attempts: (0..rng.usize(0..3)).map(|_| attempt(rng)).collect(),
        sequence: rng.u32(..),
        gave_up: rng.bool(),
        withheld: maybe(rng, "budget".to_owned()).into_iter().collect(),
        told: at(rng),
        put_off: Duration::from_secs(u64::from(rng.u32(..))),
        led: rng.bool(),
        listed: affected(rng),
        over: affected(rng),
        news: maybe(rng, Timestamp(5)),
        first: maybe(rng, ProfileName::try_new("blog").unwrap()),
        muted: rng.bool(),
    };
    let flap = probe::model::Flap {
        turns: vec![at(rng)],
        outages: vec![at(rng)],
        told: maybe(
            rng,
            probe::model::FlapTold {
                thread: IncidentId::new("blog", "20261122T055900Z"),
                sequence: 3,
                since: Timestamp(2),
                outages: 5,
            },
        ),
    };
    let down = rng.bool();
    ProfileTrack {
        flap: maybe(rng, Box::new(flap)),
        standing: Standing::Failing,
        since: at(rng),
        unknown: maybe(rng, Box::new(finding(&mut fastrand::Rng::with_seed(1)))),
        failures: rng.u32(..),
        failing_since: maybe(rng, Timestamp(i64::MIN)),
        due: at(rng),
        last: vec![check],
        evidence: Evidence {
            began: vec![at(rng), at(rng)],
            network: rng.bool(),
            cause: maybe(rng, Cause::Reset),
            not: maybe(rng, Box::new(NotEvidence::NeverUp)),
            alike_from: maybe(rng, Timestamp(i64::MAX)),
        },
        checks: (0..rng.usize(0..3))
            .map(|_| CheckTrack {
                fingerprint: rng.u64(..),
                counts: rng.bool(),
            })
            .collect(),
        incident: down.then(|| Box::new(incident)),
        telling: down.then(|| Box::new(telling)),
        fingerprint: rng.u64(..),
        removed: maybe(rng, Timestamp(i64::MAX)),
        ..ProfileTrack::default()
    }
}

fn host(rng: &mut fastrand::Rng) -> HostTrack {
    HostTrack {
        stage: match rng.u8(0..4) {
            0 => Stage::Idle,
            1 => Stage::Restarting {
                attempt: AttemptId(rng.u64(..)),
                deadline: at(rng),
            },
            2 => Stage::Settling {
                attempt: AttemptId(rng.u64(..)),
                until: at(rng),
            },
            _ => Stage::GaveUp {
                since: at(rng),
                reason: GivenUp::Spent { tries: rng.u32(..) },
            },
        },
        look: maybe(
            rng,
            Box::new(Look {
                began: Timestamp(4),
                diagnosis: Diagnosis::Facts(Box::new(facts())),
                refusals: 2,
            }),
        ),
        broken: rng.u32(..),
        attempts: rng.u32(..),
        last: maybe(rng, attempt(&mut fastrand::Rng::with_seed(2))),
        starts: (0..rng.usize(0..9)).map(|_| at(rng)).collect(),
        not_before: maybe(rng, Timestamp(7)),
        hold: maybe(rng, hold(&mut fastrand::Rng::with_seed(3))),
        fingerprint: rng.u64(..),
        ..HostTrack::default()
    }
}

fn entry(rng: &mut fastrand::Rng, id: EntryId) -> Entry {
    let next = match rng.u8(0..4) {
        0 => Next::Restart {
            command: text(rng),
            number: 1,
            of: 3,
        },
        1 => Next::Held(hold(rng)),
        2 => Next::Prove { from: at(rng) },
        _ => Next::WatchOnly,
    };
    let delivery = match rng.u8(0..3) {
        0 => Delivery::Sent { relay: text(rng) },
        1 => Delivery::Unclear { reason: text(rng) },
        _ => Delivery::Rejected { reason: text(rng) },
    };
    Entry {
        id,
        notification: Notification {
            week: None,
            certificates: vec![],
            first: maybe(rng, ProfileName::try_new("blog").unwrap()),
            story: rng.bool(),
            answers: rng.bool(),
            judged: rng.bool(),
            flaps: maybe(
                rng,
                probe::model::Flaps {
                    outages: 4,
                    since: Timestamp(8),
                },
            ),
            items: vec![Notification::blank(EventKind::Up, Timestamp(4))],
            sites: affected(rng),
            event: EventKind::Withheld,
            incident: maybe(rng, IncidentId::new("shop", "20261122T060000Z")),
            sequence: rng.u32(..),
            profile: maybe(rng, ProfileName::try_new("shop").unwrap()),
            host: maybe(rng, HostName::try_new("web1").unwrap()),
            ssh: maybe(rng, "probe@web1".to_owned()),
            operator_ssh: maybe(rng, "admin@web1".to_owned()),
            at: at(rng),
            since: maybe(rng, Timestamp(1)),
            until: maybe(rng, Timestamp(2)),
            cause: maybe(rng, Cause::Dns),
            opened: maybe(rng, Timestamp(3)),
            seen: vec![
                probe::model::Observation::Alone(finding(rng)),
                probe::model::Observation::Check {
                    url: text(rng),
                    cause: Cause::Refused,
                    finding: Box::new(finding(rng)),
                    address: "192.0.2.1:443".parse().ok(),
                    phase: Some(probe::model::Phase::Connect),
                },
            ],
            attempts: vec![attempt(rng)],
            next,
            remark: maybe(
                rng,
                Remark::Finding(finding(&mut fastrand::Rng::with_seed(2))),
            ),
            slow: None,
            facts: maybe(
                rng,
                Box::new(DatedFacts {
                    at: Timestamp(3),
                    facts: facts(),
                }),
            ),
            lesson: maybe(
                rng,
                Lesson {
                    restarts: 4,
                    longest: Duration::from_secs(1680),
                },
            ),
        },
        channel: *rng
            .choice(&[Channel::Mail, Channel::Command, Channel::Webhook])
            .unwrap(),
        from: text(rng),
        to: text(rng),
        queued: at(rng),
        tries: rng.u32(..),
        due: at(rng),
        last: maybe(rng, delivery),
        open: rng.bool(),
        unclear: rng.bool(),
        outlived: rng.bool(),
    }
}
fn fleet(seed: u64) -> Fleet {
    let mut rng = fastrand::Rng::with_seed(seed);
    let rng = &mut rng;
    let mut fleet = Fleet::default();
    let post = probe::model::Post {
        sent: vec![at(rng)],
        begun: vec![at(rng)],
        digest: maybe(rng, Timestamp(6)),
        gathered: [IncidentId::new("blog", "20261122T055900Z")].into(),
    };
    fleet.core = CoreRow {
        week: Some(probe::model::Period {
            number: 3,
            began: Timestamp(5),
            asked: Timestamp(6),
            due: Timestamp(7),
            first: true,
            blind: std::time::Duration::from_secs(9),
            away: std::time::Duration::from_secs(8),
        }),
        posts: [("ops@example.com".to_owned(), post)].into(),
        warnings: vec![],
        detour: maybe(
            rng,
            probe::model::Detour {
                relay: "mail.example.com:465".to_owned(),
                since: Timestamp(6),
            },
        ),
        latched: maybe(rng, Timestamp(4)),
        heart: Heart {
            left: maybe(rng, Timestamp(5)),
            silence: maybe(rng, Silence::Refused { to: "a".to_owned() }),
            from: None,
        },
        clock: FleetClock {
            now: at(rng),
            boot: BootId(text(rng)),
            since_boot: Duration::from_nanos(rng.u64(..)),
            skew_ms: rng.i64(..),
        },
        network: NetworkState {
            answered: maybe(rng, Timestamp(3)),
            detail: finding(rng),
            blinded: rng.bool(),
            ..NetworkState::default()
        },
        last_attempt: rng.u64(..),
        last_entry: rng.u64(..),
        quarantine: maybe(rng, Timestamp(4)),
    };
    for number in 0..rng.usize(0..30) {
        let name = ProfileName::try_new(&format!("p{number}")).unwrap();
        fleet.profiles.insert(name, profile(rng));
    }
    for number in 0..rng.usize(0..10) {
        let name = HostName::try_new(&format!("h{number}")).unwrap();
        fleet.hosts.insert(name, host(rng));
    }
    for _ in 0..rng.usize(0..10) {
        let id = EntryId(rng.u64(..));
        fleet.outbox.insert(id, entry(rng, id));
    }
    fleet
}

/// S32: load(save(s)) = s.
#[test]
fn what_is_loaded_is_what_was_saved() {
    for seed in 0..40 {
        let dir = tempfile::tempdir().unwrap();
        let fleet = fleet(seed);
        save(dir.path(), &fleet);
        let (loaded, damaged) = open(dir.path()).load();
        assert_eq!(loaded, fleet, "seed {seed}");
        assert_eq!(damaged, None);
    }
}

#[test]
fn changed_rows_are_replaced_and_forgotten_ones_go() {
    let dir = tempfile::tempdir().unwrap();
    let mut expected = fleet(11);
    let mut store = open(dir.path()).into_store().unwrap();
    commit(&mut store, everything(&expected)).unwrap();
    let mut rng = fastrand::Rng::with_seed(5);
    for round in 0..50 {
        let mut changes = Changes {
            core: expected.core.clone(),
            ..Changes::default()
        };
        changes.core.last_attempt = round;
        let name = ProfileName::try_new(&format!("p{}", rng.u8(0..30))).unwrap();
        let track = maybe(&mut rng, profile(&mut fastrand::Rng::with_seed(round)));
        changes.profiles.push((name.clone(), track.clone()));
        match track {
            Some(track) => expected.profiles.insert(name, track),
            None => expected.profiles.remove(&name),
        };
        if let Some(id) = expected.outbox.keys().next().copied() {
            changes.outbox.push((id, None));
            expected.outbox.remove(&id);
        }
        if let Some(name) = expected.hosts.keys().next().cloned() {
            changes.hosts.push((name.clone(), None));
            expected.hosts.remove(&name);
        }
        expected.core = changes.core.clone();
        commit(&mut store, changes).unwrap();
    }
    drop(store);
    assert_eq!(open(dir.path()).load().0, expected);
}
