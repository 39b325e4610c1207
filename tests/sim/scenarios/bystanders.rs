//! Stories in which a host is kept from its restart, or gets one, because of something that has nothing to do with it.

use probe::model::{Cause, Stage, Timestamp};

use super::super::invariants;
use super::super::setup::{each_host, each_profile, host, profile, secs, settings};
use super::super::world::{BEGIN, Fact, Heals, World};
use super::{MINUTE, nginx_stops};

/// A process dies in the middle of a restart, and the host is taken out of the configuration: the others are still healed.
#[test]
fn a_removed_host_in_restart_blocks_no_other() {
    let mut world = World::new(settings(&["shop@web1", "blog@web2", "wiki@web3"]));
    world.machines.get_mut(&host("web1")).unwrap().takes = 60_000;
    world.restart_after_crash = None;
    nginx_stops(&mut world, MINUTE);
    world.run_daemon();
    world.go_on(MINUTE + secs(40));
    let stage = world.fleet().hosts[&host("web1")].stage.clone();
    assert!(matches!(stage, Stage::Restarting { .. }), "{stage:?}");
    world.crash();
    world.settings = settings(&["blog@web2", "wiki@web3"]);
    world.run_daemon();
    world.go_on(10 * MINUTE);
    world.ill("web2", Some(Cause::Refused));
    world.go_on(10 * MINUTE);
    assert_eq!(world.restarts("web2"), 1);
}

/// A neighbour that is broken for a reason no restart mends does not use up the attempts of a site that each restart heals.
#[test]
fn a_neighbour_no_restart_can_mend_uses_up_no_attempts() {
    let mut settings = settings(&["shop@web1", "blog@web1"]);
    each_host(&mut settings, |host| host.restart.budget.restarts = 10);
    let mut world = World::new(settings);
    world.sites.insert(profile("blog"), Some(Cause::Status));
    world.run_daemon();
    for outage in 1..=5 {
        world.go_on(120 * MINUTE);
        world.ill("web1", Some(Cause::Refused));
        world.go_on(30 * MINUTE);
        assert_eq!(world.restarts("web1"), outage, "outage {outage} was healed");
        assert_eq!(world.fleet().hosts[&host("web1")].attempts, 0);
    }
    invariants::check(&world, "neighbour");
}

/// What an earlier run saw is no reason to restart a site that was mended since, whoever looks next and at what.
#[test]
fn a_new_run_looks_before_it_acts() {
    let mut settings = settings(&["shop@web1", "lone"]);
    settings.network.canaries.clear();
    each_host(&mut settings, |host| {
        host.restart.backoff.initial = secs(300)
    });
    let mut world = World::new(settings);
    world.machines.get_mut(&host("web1")).unwrap().heals = Heals::No;
    world.restart_after_crash = None;
    nginx_stops(&mut world, MINUTE);
    world.run_daemon();
    // The first restart did not help; the wait before the second is nearly over.
    while world.fleet().hosts[&host("web1")]
        .not_before
        .is_none_or(|until| until > Timestamp(world.t + 2_000))
        || world.fleet().profiles[&profile("shop")]
            .evidence
            .began
            .len()
            < 3
    {
        world.go_on(secs(1));
        assert!(world.t < BEGIN + 600_000, "the wait never ends");
    }
    assert_eq!(world.restarts("web1"), 1);
    world.crash();
    world.ill("web1", None);
    world.go_on(secs(20));
    world.run_daemon();
    world.go_on(10 * MINUTE);
    assert_eq!(world.restarts("web1"), 1, "it was mended by hand");
}

/// A profile of many URLs is probed in several rounds; its evidence may be as old as that takes.
#[test]
fn a_hung_server_with_many_urls_is_restarted() {
    let mut settings = settings(&["shop@web1"]);
    each_profile(&mut settings, |profile| {
        (profile.interval, profile.retry_interval) = (secs(10), secs(10));
        profile.urls = vec![profile.urls[0].clone(); 16];
    });
    let mut world = World::new(settings);
    world.at(MINUTE, |world| {
        world.ill("web1", Some(Cause::ResponseTimeout))
    });
    world.run_daemon();
    world.go_on(20 * MINUTE);
    assert_eq!(world.restarts("web1"), 1);
}

/// A person's pause of the only site that is down holds its host; a neighbour's own evidence still counts.
#[test]
fn a_paused_profile_is_no_reason_to_restart() {
    let mut world = World::new(settings(&["shop@web1"]));
    world
        .pauses
        .insert("shop".into(), probe::model::Pause::default());
    nginx_stops(&mut world, MINUTE);
    world.run_daemon();
    world.go_on(20 * MINUTE);
    assert_eq!(world.restarts("web1"), 0);
    world.pauses.clear();
    world.order();
    world.go_on(5 * MINUTE);
    assert_eq!(world.restarts("web1"), 1);
}

/// However short a backoff people configure, half a minute lies between the end of a restart and the next one.
#[test]
fn the_floor_holds_whatever_is_configured() {
    let mut settings = settings(&["shop@web1"]);
    each_host(&mut settings, |host| {
        host.restart.settle = secs(1);
        host.restart.backoff.initial = secs(1);
        host.restart.backoff.max = secs(1);
    });
    each_profile(&mut settings, |profile| {
        profile.failure_threshold = 1;
        profile.retry_interval = secs(2);
    });
    let mut world = World::new(settings);
    world.machines.get_mut(&host("web1")).unwrap().heals = Heals::No;
    nginx_stops(&mut world, MINUTE);
    world.run_daemon();
    world.go_on(20 * MINUTE);
    assert_eq!(world.restarts("web1"), 3);
    let at = |fact: &(i64, Fact)| match &fact.1 {
        Fact::RestartBegan { .. } => Some(fact.0),
        _ => None,
    };
    let begun: Vec<i64> = world.facts.iter().filter_map(at).collect();
    let near = begun
        .windows(2)
        .map(|pair| pair[1] - pair[0])
        .min()
        .unwrap();
    assert!(
        (32_000..60_000).contains(&near),
        "the floor decides: {near} ms"
    );
    invariants::check(&world, "floor");
}
