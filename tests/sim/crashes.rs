//! The founding story, killed at every boundary: before and after every commit, after every dispatch, after every mail
//! the relay took. Whatever the instant: one restart, every event told, and no help from a person.
//!
//! And killed there, with the last commits lost as well, where the restart does not help and the budget allows one an hour:
//! no second restart.

use std::collections::BTreeSet;
use std::time::Duration;

use probe::model::{Cause, EventKind};

use super::invariants;
use super::setup::{each_host, settings};
use super::world::{Heals, World};

const MINUTE: Duration = Duration::from_secs(60);

fn story(daemon: bool, boundary: u32) -> World {
    let mut world = World::new(settings(&["shop@web1"]));
    world.crash_in = Some(boundary);
    // After the second run of cron: one that was killed before anything was written has not seen it up.
    let stops = MINUTE + Duration::from_secs(5);
    world.at(stops, |world| world.ill("web1", Some(Cause::Refused)));
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

/// As far as the budget's window reaches at least, whenever the one restart was.
const WINDOW: Duration = Duration::from_secs(3500);

/// A host whose prober is killed at this boundary and forgets its last commits.
fn forgets(daemon: bool, boundary: u32, commits: usize) -> World {
    let mut settings = settings(&["shop@web1"]);
    each_host(&mut settings, |host| host.restart.budget.restarts = 1);
    let mut world = World::new(settings);
    (world.crash_in, world.forgets) = (Some(boundary), Some(commits));
    (world.keeps_old, world.twice) = (true, false);
    for machine in world.machines.values_mut() {
        machine.heals = Heals::No;
    }
    world.at(MINUTE, |world| world.ill("web1", Some(Cause::Refused)));
    if daemon {
        world.run_daemon()
    } else {
        world.run_cron()
    }
    world.go_on(WINDOW);
    world
}

fn sweep_forgetting(daemon: bool) {
    let mut told = 0;
    for commits in [1, 4] {
        // Beyond these the one restart is long over, and what is written says again what was.
        for boundary in 1..160 {
            let world = forgets(daemon, boundary, commits);
            assert!(
                world.restarts("web1") <= 1,
                "a second restart: daemon={daemon} boundary={boundary} commits={commits}\n{}",
                super::story::transcript(&world)
            );
            told += usize::from(world.events().contains(&EventKind::Damaged));
        }
    }
    // Not every rollback goes back behind an act.
    assert!(told > 20, "{told}");
}

#[test]
fn killed_and_rolled_back_at_every_boundary_as_daemon() {
    sweep_forgetting(true);
}

#[test]
fn killed_and_rolled_back_at_every_boundary_from_cron() {
    sweep_forgetting(false);
}
