//! `probe drill --restart`: a host that is well is restarted because a person wants to see it come back.

use std::time::Duration;

use probe::model::{Hold, Pause, Rehearsal, Rehearsed};

use super::super::setup::{each_host, host, secs, settings};
use super::super::world::World;
use super::{MINUTE, nginx_stops};

fn world() -> World {
    World::new(settings(&["shop@web1"]))
}

/// A person orders it, so long ago.
fn order(world: &mut World, ago: Duration) {
    world.say("probe drill --restart web1");
    let mut at = world.now().wall;
    at.0 -= ago.as_millis() as i64;
    world.rehearsals.insert("web1".into(), Rehearsal { at });
    world.order();
}

fn answered(world: &World) -> Option<Rehearsed> {
    let fleet = world.fleet();
    let track = fleet.hosts.get(&host("web1"));
    track.and_then(|track| track.rehearsed.as_deref().cloned())
}

#[test]
fn it_is_restarted_once_charged_and_counts_for_nothing_else() {
    let mut world = world();
    world.at(5 * MINUTE, |world| {
        order(world, Duration::ZERO);
        // The same order read again, as after a start.
        world.order();
    });
    world.run_daemon();
    world.go_on(8 * MINUTE);
    assert_eq!(world.restarts("web1"), 1);
    let answered = answered(&world).unwrap();
    let track = &world.fleet().hosts[&host("web1")];
    let last = track.last.as_ref().unwrap();
    assert_eq!(answered.attempt, Some(last.id));
    assert!(answered.held.is_none() && last.drill && last.ended.is_some());
    assert_eq!(track.starts.len(), 1, "the budget is charged");
    assert_eq!(track.attempts, 0, "nothing was to be mended");
    assert!(track.past.is_empty(), "and nothing is learned from it");
    assert!(world.events().is_empty(), "nobody is woken");
}

#[test]
fn what_holds_a_restart_holds_it() {
    type Before = fn(&mut World);
    type Fits = fn(&Hold) -> bool;
    let pause: Before = |world| {
        world.pauses.insert("web1".into(), Pause::default());
    };
    let pause_of_site: Before = |world| {
        world.pauses.insert("shop".into(), Pause::default());
    };
    let stops: Before = |world| nginx_stops(world, 4 * MINUTE);
    let again: Before = |world| {
        for minute in [1, 2, 3] {
            world.at(minute * 20 * MINUTE, |world| order(world, Duration::ZERO));
        }
    };
    let paused: Fits = |hold| matches!(hold, Hold::Paused { .. });
    let down: Fits = |hold| matches!(hold, Hold::CauseExcluded { .. } | Hold::NotConfirmed { .. });
    for (name, before, after, fits, restarts) in [
        ("paused", pause, 5 * MINUTE, paused, 0),
        ("site paused", pause_of_site, 5 * MINUTE, paused, 0),
        ("fails", stops, 8 * MINUTE, down, 0),
        (
            "budget",
            again,
            61 * MINUTE,
            |hold: &Hold| {
                matches!(
                    hold,
                    Hold::Budget { .. } | Hold::Settling { .. } | Hold::Backoff { .. }
                )
            },
            3,
        ),
    ] {
        let mut settings = settings(&["shop@web1"]);
        if name == "fails" {
            // By itself it is not restarted for that, so the outage goes on.
            each_host(&mut settings, |host| host.restart.causes.clear());
        }
        let mut world = World::new(settings);
        before(&mut world);
        world.at(after, |world| order(world, Duration::ZERO));
        world.run_daemon();
        world.go_on(after + secs(1));
        let held = answered(&world).and_then(|answered| answered.held);
        assert!(held.as_ref().is_some_and(fits), "{name}: {held:?}");
        assert_eq!(world.restarts("web1"), restarts, "{name}");
    }
}

/// Nobody waits for it any more.
#[test]
fn an_old_order_is_not_carried_out() {
    let mut world = world();
    world.at(5 * MINUTE, |world| order(world, secs(31)));
    world.run_daemon();
    world.go_on(8 * MINUTE);
    assert_eq!(answered(&world), None);
    assert_eq!(world.restarts("web1"), 0);
}
