//! What a changed configuration and the end of somebody else's restart set free, and what they do not.

use std::time::Duration;

use probe::model::{
    BootId, Cause, CheckResult, Effect, Event, EventKind, Finding, Fleet, Note, Now,
    RecoveryOutcome, RecoveryReport, Standing, Start, Timestamp,
};
use probe::policy;

use super::super::setup::{each_host, host, profile, secs, settings};
use super::super::world::{BEGIN, Fact, Ssh, World};
use super::{MINUTE, nginx_stops};

/// When orders left, in milliseconds from the beginning.
fn ordered(world: &World, name: &str) -> Vec<i64> {
    let orders = world.facts.iter().filter_map(|(t, fact)| match fact {
        Fact::Ordered { order, .. } if order.host.as_str() == name => Some(t - BEGIN),
        _ => None,
    });
    orders.collect()
}

/// Whoever mends the entry of a host in the file means it to be tried again; what was seen under the old one counts no more.
#[test]
fn a_changed_host_is_armed_again_and_needs_fresh_failures() {
    let mut world = World::new(settings(&["shop@web1"]));
    world.machines.get_mut(&host("web1")).unwrap().ssh = Ssh::KeyChanged;
    nginx_stops(&mut world, MINUTE);
    let changed = 10 * MINUTE + secs(5);
    world.at(changed, |world| {
        assert_eq!(world.events().last(), Some(&EventKind::GaveUp));
        world.machines.get_mut(&host("web1")).unwrap().ssh = Ssh::Ok;
        each_host(&mut world.settings, |host| host.fingerprint = 2);
        world.reload();
    });
    world.run_daemon();
    world.go_on(30 * MINUTE);
    let orders = ordered(&world, "web1");
    assert_eq!((orders.len(), world.restarts("web1")), (2, 1));
    let waited = orders[1] - changed.as_millis() as i64;
    assert!((20_000..=40_000).contains(&waited), "{waited} ms");
    assert_eq!(world.events().last(), Some(&EventKind::Back));
}

/// Two failures under the old entry and one under the new one are not three.
#[test]
fn a_change_while_failures_are_counted_begins_the_count_anew() {
    let mut world = World::new(settings(&["shop@web1"]));
    nginx_stops(&mut world, MINUTE);
    world.at(MINUTE + secs(15), |world| {
        each_host(&mut world.settings, |host| host.fingerprint = 2);
        world.reload();
    });
    world.run_daemon();
    world.go_on(10 * MINUTE);
    // Failures at 60, 70 and 80 s; the change at 75 s leaves one of them.
    assert_eq!(ordered(&world, "web1"), [100_040]);
}

/// Sites that answer while a restart is under way may do so for the last time.
#[test]
fn a_site_is_not_back_before_the_restart_has_ended() {
    let mut settings = settings(&["shop@web1"]);
    settings.network.canaries.clear();
    let mut fleet = Fleet::default();
    let mut ms = 0;
    let mut step = |event: Event, after: u64| {
        ms += after;
        let now = Now {
            wall: Timestamp(BEGIN) + Duration::from_millis(ms),
            boot: BootId::default(),
            since_boot: secs(1000) + Duration::from_millis(ms),
        };
        let decision = policy::step(&settings, std::mem::take(&mut fleet), event, &now);
        fleet = decision.fleet;
        let standing = fleet.profiles.get(&profile("shop")).map(|t| t.standing);
        (decision.effects, standing)
    };
    let probe = |effects: &[Effect]| {
        effects.iter().find_map(|effect| match effect {
            Effect::Probe { probe, .. } => Some(*probe),
            _ => None,
        })
    };
    let found = |probe, cause: Option<Cause>| Event::Probed {
        probe,
        profile: profile("shop"),
        checks: vec![match cause {
            Some(cause) => CheckResult::new(
                "https://shop.example.com/",
                Finding::Found {
                    cause,
                    certificate_fault: None,
                    detail: cause.phrase().to_owned(),
                    phase: None,
                },
            ),
            None => CheckResult::new("https://shop.example.com/", Finding::Ok),
        }],
    };
    let (effects, _) = step(Event::Started(Start::Daemon), 0);
    let mut asked = probe(&effects).unwrap();
    let mut order = None;
    for _ in 0..3 {
        let (effects, _) = step(found(asked, Some(Cause::Refused)), 10);
        order = effects.iter().find_map(|effect| match effect {
            Effect::Recover(order) => Some(order.clone()),
            _ => None,
        });
        let (effects, _) = step(Event::Ticked, 9_990);
        asked = probe(&effects).unwrap();
    }
    let order = order.unwrap();
    for _ in 0..2 {
        let (_, standing) = step(found(asked, None), 10);
        assert_eq!(standing, Some(Standing::Down), "its restart is under way");
        let (effects, _) = step(Event::Ticked, 9_990);
        asked = probe(&effects).unwrap();
    }
    let report = RecoveryReport {
        outcome: RecoveryOutcome::Succeeded,
        exit_status: Some(0),
        duration: secs(20),
        reason: None,
        output: String::new(),
        config_broken: false,
    };
    let ended = Event::Recovered {
        host: order.host,
        attempt: order.attempt,
        report,
    };
    step(ended, 10);
    let (_, standing) = step(found(asked, None), 10);
    assert_eq!(standing, Some(Standing::Up));
}

/// Who waits for another host's restart goes at the moment it has ended.
#[test]
fn the_next_host_goes_when_the_one_before_has_ended() {
    let names = ["a@web1", "b@web2", "c@web3", "d@web4", "e@web5"];
    let mut world = World::new(settings(&names));
    for name in ["web1", "web2"] {
        world.at(MINUTE, move |world| world.ill(name, Some(Cause::Refused)));
    }
    world.run_daemon();
    world.go_on(10 * MINUTE);
    let ended = world.facts.iter().find_map(|(t, fact)| match fact {
        Fact::Noted(Note::RestartEnded { .. }) => Some(t - BEGIN),
        _ => None,
    });
    let first = [ordered(&world, "web1"), ordered(&world, "web2")].concat();
    assert_eq!(first.len(), 2, "{first:?}");
    assert_eq!(first.iter().max().copied(), ended);
}
