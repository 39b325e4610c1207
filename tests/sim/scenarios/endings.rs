//! Stories of certificates that end.

use probe::model::EventKind;

use super::super::setup::{certificate, each_profile, profile, secs, settings};
use super::super::world::{BEGIN, World};
use super::{MINUTE, compare};

const DAY: i64 = 86_400_000;

fn month() -> World {
    let mut settings = settings(&["shop@web1", "blog@web1", "news"]);
    each_profile(&mut settings, |profile| profile.interval = secs(3600));
    let mut world = World::new(settings);
    for name in ["shop", "blog"] {
        let shared = certificate("shop", BEGIN + 25 * DAY);
        world.certificates.insert(profile(name), shared);
    }
    let soon = certificate("news", BEGIN + 3 * DAY);
    world.certificates.insert(profile("news"), soon);
    world.at(60 * 24 * 2 * MINUTE + 30 * MINUTE, |world| {
        world.say("news gets a new certificate");
        let new = certificate("news", BEGIN + 92 * DAY);
        world.certificates.insert(profile("news"), new);
    });
    world
}

#[test]
fn certificates_end_within_a_month() {
    let mut world = month();
    world.run_daemon();
    world.go_on(30 * 24 * 60 * MINUTE);
    // News at the first start, its smallest step alone, and a day before its end; the shared one at each step, once.
    assert_eq!(world.events(), [EventKind::Certificate; 5]);
    compare("certificates-end", &world);
}

#[test]
fn a_crash_repeats_no_warning() {
    let mut world = month();
    world.crash_chance = 0.02;
    world.run_daemon();
    world.go_on(30 * 24 * 60 * MINUTE);
    super::invariants::check(&world, "certificates");
}
