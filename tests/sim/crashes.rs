//! The founding story, killed at every boundary: before and after every commit, after every dispatch, after every mail
//! the relay took. Whatever the instant: one restart, every event told, and no help from a person.

use std::collections::BTreeSet;
use std::time::Duration;

use probe::model::{Cause, EventKind};

use super::invariants;
use super::setup::settings;
use super::world::World;

const MINUTE: Duration = Duration::from_secs(60);

fn story(daemon: bool, boundary: u32) -> World {
    let mut world = World::new(settings(&["shop@web1"]));
    world.crash_in = Some(boundary);
    world.at(MINUTE, |world| world.ill("web1", Some(Cause::Refused)));
    if daemon {
        world.run_daemon()
    } else {
        world.run_cron()
    }
    world.go_on(30 * MINUTE);
    world
}

fn sweep(daemon: bool) -> u32 {
    for boundary in 1..2000 {
        let world = story(daemon, boundary);
        let label = format!("daemon={daemon} boundary={boundary}");
        invariants::check(&world, &label);
        assert!(world.restarts("web1") <= 1, "a second restart: {label}");
        let told: BTreeSet<EventKind> = world.events().into_iter().collect();
        for event in [EventKind::Down, EventKind::Up] {
            assert!(
                told.contains(&event),
                "{} lost: {label}\n{}",
                event.word(),
                super::story::transcript(&world)
            );
        }
        assert!(
            world.fleet().outbox.is_empty(),
            "a mail left behind: {label}"
        );
        if world.crash_in != Some(0) {
            return boundary; // the run ended before its boundary came: every one was tried
        }
    }
    panic!("the story has no end");
}

#[test]
fn killed_at_every_boundary_as_daemon() {
    assert!(sweep(true) > 100);
}

#[test]
fn killed_at_every_boundary_from_cron() {
    assert!(sweep(false) > 100);
}
