//! `mode: ask`: all is looked at and decided, and a person lets the restart begin.

use std::time::Duration;

use probe::model::{Approval, AttemptId, EventKind, Hold, Mode, Pause, Timestamp};

use super::super::setup::{each_host, host, secs, settings};
use super::super::world::World;
use super::{MINUTE, compare, nginx_stops};

fn world() -> World {
    let mut settings = settings(&["shop@web1"]);
    each_host(&mut settings, |host| {
        host.diagnose = true;
        host.restart.mode = Mode::Ask;
    });
    World::new(settings)
}

/// What is proposed for web1 at this moment, and until when.
fn proposed(world: &World) -> Option<(AttemptId, Timestamp)> {
    let fleet = world.fleet();
    let track = &fleet.hosts[&host("web1")];
    let Some(Hold::Proposed { until, .. }) = track.hold else {
        return None;
    };
    track.proposal.map(|proposal| (proposal.id, until))
}

fn approve(world: &mut World, id: AttemptId) {
    world.say("probe approve web1");
    let at = world.fleet().wall(world.fleet().now());
    world.approvals.insert("web1".into(), Approval { id, at });
    world.order();
}

#[test]
fn a_person_lets_it_begin() {
    let mut world = world();
    nginx_stops(&mut world, MINUTE);
    world.at(8 * MINUTE, |world| {
        assert_eq!(world.restarts("web1"), 0);
        let (id, _) = proposed(world).unwrap();
        approve(world, id);
    });
    world.run_daemon();
    world.go_on(15 * MINUTE);
    assert_eq!(world.restarts("web1"), 1);
    assert_eq!(
        world.events(),
        [EventKind::Down, EventKind::Restarted, EventKind::Up]
    );
    compare("approved", &world);
}

/// Nobody answers for an hour: it is proposed anew on new facts, and told once.
#[test]
fn a_proposal_ends_with_its_facts_and_is_made_anew() {
    let mut world = world();
    nginx_stops(&mut world, MINUTE);
    world.at(2 * MINUTE, |world| {
        let (old, until) = proposed(world).unwrap();
        let left = until.since(world.fleet().now());
        assert!(left > secs(600) && left <= secs(900), "{left:?}");
        world.at(18 * MINUTE, move |world| approve(world, old));
    });
    world.at(40 * MINUTE, |world| {
        assert_eq!(world.restarts("web1"), 0, "what was approved was over");
        let (id, _) = proposed(world).unwrap();
        approve(world, id);
    });
    world.run_daemon();
    world.go_on(60 * MINUTE);
    assert_eq!(world.restarts("web1"), 1);
    let told = world.events();
    assert_eq!(told, [EventKind::Down, EventKind::Restarted, EventKind::Up]);
    compare("proposed-anew", &world);
}

/// One word is for one restart, and each is proposed by its own mail, where people know of the outage already.
#[test]
fn an_approval_is_for_one_restart() {
    let mut world = world();
    world.machines.get_mut(&host("web1")).unwrap().heals = super::Heals::No;
    world.pauses.insert("web1".into(), Pause::default());
    nginx_stops(&mut world, MINUTE);
    world.at(5 * MINUTE, |world| {
        world.say("probe resume web1");
        world.pauses.clear();
        world.order();
    });
    world.at(8 * MINUTE, |world| {
        let (id, _) = proposed(world).unwrap();
        approve(world, id);
    });
    world.run_daemon();
    world.go_on(Duration::from_secs(3600));
    assert_eq!(world.restarts("web1"), 1);
    let told = world.events();
    assert_eq!(
        told,
        [
            EventKind::Down,
            EventKind::Proposed,
            EventKind::Restarted,
            EventKind::Proposed
        ]
    );
    assert!(proposed(&world).is_some(), "the second is proposed");
    compare("approved-in-vain", &world);
}
