//! Promises with a number of seconds in them, and what sets the clock of recovery back.

use std::time::Duration;

use probe::model::{Cause, EventKind, Stage};

use super::super::setup::{each_host, each_profile, host, profile, secs, settings};
use super::super::story::transcript;
use super::super::world::{BEGIN, Fact, Heals, World};
use super::{MINUTE, compare, nginx_stops};

/// A host that relapses after each restart: from the third time on people hear that restarting does not mend it.
#[test]
fn restarts_that_do_not_hold_are_called_so() {
    let mut world = World::new(settings(&["shop@web1"]));
    world.machines.get_mut(&host("web1")).unwrap().heals = Heals::For(20 * 60_000);
    nginx_stops(&mut world, MINUTE);
    world.run_daemon();
    world.go_on(100 * MINUTE);
    compare("relapses", &world);
}

/// L1: from stop to the order within I + (N−1)·max(I_r, D) + D + canary + connect; here 105 s, and 75 s with I = 30 s;
/// also where the host is looked at first.
#[test]
fn a_stop_is_healed_in_time() {
    for (interval, bound, looked) in [
        (60, 105_000, false),
        (60, 105_000, true),
        (30, 75_000, true),
    ] {
        for offset in (0..60).step_by(7) {
            let mut settings = settings(&["shop@web1"]);
            each_host(&mut settings, |host| host.diagnose = looked);
            each_profile(&mut settings, |profile| profile.interval = secs(interval));
            let mut world = World::new(settings);
            nginx_stops(&mut world, MINUTE + secs(offset));
            world.run_daemon();
            world.go_on(10 * MINUTE);
            let stopped = BEGIN + 60_000 + offset as i64 * 1000;
            let began = world
                .facts
                .iter()
                .find(|(_, fact)| matches!(fact, Fact::RestartBegan { .. }))
                .unwrap()
                .0;
            assert!(
                began - stopped <= bound,
                "L1: {} ms after the stop, bound {bound}",
                began - stopped
            );
        }
    }
}

/// L2: the mail that says it is back is queued within R·I_r + D after it is; here 30 s.
#[test]
fn a_recovery_is_noticed_in_time() {
    for offset in 0..10 {
        let mut world = World::new(settings(&["shop"]));
        world.sites.insert(profile("shop"), Some(Cause::Refused));
        let back = 3 * MINUTE + Duration::from_millis(offset * 1100);
        world.at(back, |world| _ = world.sites.insert(profile("shop"), None));
        world.run_daemon();
        world.go_on(10 * MINUTE);
        let mails = world.mails();
        let up = mails
            .iter()
            .find(|mail| mail.notification.event == EventKind::Up)
            .unwrap();
        let late = up.queued.0 - BEGIN - back.as_millis() as i64;
        assert!(
            (0..=30_000).contains(&late),
            "L2: {late} ms after it was back"
        );
    }
}

/// After proven health the attempts are forgotten, and a host that gave up is re-armed.
#[test]
fn proven_health_rearms() {
    let mut world = World::new(settings(&["shop@web1"]));
    world.machines.get_mut(&host("web1")).unwrap().heals = Heals::No;
    nginx_stops(&mut world, MINUTE);
    world.run_daemon();
    world.go_on(30 * MINUTE);
    assert!(matches!(
        world.fleet().hosts[&host("web1")].stage,
        Stage::GaveUp { .. }
    ));
    world.ill("web1", None);
    world.go_on(9 * MINUTE);
    assert_eq!(
        world.fleet().hosts[&host("web1")].attempts,
        3,
        "one good probe resets nothing"
    );
    world.go_on(3 * MINUTE);
    assert_eq!(world.fleet().hosts[&host("web1")].attempts, 0);
    assert_eq!(world.fleet().hosts[&host("web1")].stage, Stage::Idle);
}

/// With an empty list of canaries people chose to do without.
#[test]
fn without_canaries_failures_count_at_once() {
    let mut settings = settings(&["shop@web1"]);
    settings.network.canaries.clear();
    let mut world = World::new(settings);
    nginx_stops(&mut world, MINUTE);
    world.run_daemon();
    world.go_on(20 * MINUTE);
    assert_eq!(world.restarts("web1"), 1);
}

/// Canaries taken out of the configuration while a failure waits for the next one: it counts, and watching goes on.
#[test]
fn canaries_may_be_taken_away_at_any_moment() {
    let mut settings = settings(&["blog@web2", "c@web3", "d@web4", "e@web5", "shop@web1"]);
    let shop = settings.profiles.get_mut(&profile("shop")).unwrap();
    std::sync::Arc::make_mut(shop).interval = secs(62);
    let mut world = World::new(settings);
    world.at(secs(59), |world| {
        world.ill("web1", Some(Cause::Refused));
        world.ill("web2", Some(Cause::Refused));
    });
    // The failure of blog asks a canary that takes five seconds; that of shop, two seconds later, needs the next one.
    world.at(MINUTE + Duration::from_millis(10), |world| {
        world.network = false
    });
    world.at(MINUTE + secs(1), |world| world.network = true);
    world.at(MINUTE + secs(3), |world| {
        assert_eq!(world.fleet().suspects.len(), 2, "both wait");
        world.settings.network.canaries.clear();
        world.reload();
    });
    // Everything at once, not spread.
    world.daemon = true;
    world.start(probe::model::Start::Due);
    world.go_on(20 * MINUTE);
    assert_eq!((world.restarts("web1"), world.restarts("web2")), (1, 1));
    assert_eq!(world.events().last(), Some(&EventKind::Up));
}

/// A host that relapses within minutes is given up although each restart helped for a while: one good probe, or a good
/// minute, resets nothing.
#[test]
fn a_relapsing_host_is_given_up() {
    let mut world = World::new(settings(&["shop@web1"]));
    world.machines.get_mut(&host("web1")).unwrap().heals = Heals::For(120_000);
    nginx_stops(&mut world, MINUTE);
    world.run_daemon();
    world.go_on(60 * MINUTE);
    assert_eq!(world.restarts("web1"), 3);
    assert!(matches!(
        world.fleet().hosts[&host("web1")].stage,
        Stage::GaveUp { .. }
    ));
    assert_eq!(world.events().last(), Some(&EventKind::GaveUp));
    let said = transcript(&world);
    assert!(
        said.contains(
            "gave up: down again: 3 attempts to restart it held for less than ten minutes each"
        ),
        "{said}"
    );
}
