//! Hosts that fail together, and whose servers were seen not to run.

use probe::model::{Cause, EventKind, Happened, Hold};

use super::super::setup::{each_host, host, settings};
use super::super::world::{BEGIN, Fact, Heals, World};
use super::{MINUTE, compare};

/// The servers of these hosts stop at the same moment; each host is looked at before a restart.
fn stop(names: &[&str], heals: Heals) -> World {
    let mut settings = settings(&["a@web1", "b@web2", "c@web3", "d@web4", "e@web5"][..names.len()]);
    each_host(&mut settings, |host| host.diagnose = true);
    let mut world = World::new(settings);
    for name in names {
        world.machines.get_mut(&host(name)).unwrap().heals = heals;
    }
    let stopped: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    world.at(MINUTE, move |world| {
        world.say(&format!("nginx stops on {}", stopped.join(", ")));
        for name in &stopped {
            world.ill(name, Some(Cause::Refused));
        }
    });
    world
}

/// The hosts in the order in which restarts left, in seconds from the beginning.
fn orders(world: &World) -> Vec<(String, i64)> {
    let orders = world.facts.iter().filter_map(|(t, fact)| match fact {
        Fact::Ordered { order, .. } => Some((order.host.to_string(), (t - BEGIN) / 1000)),
        _ => None,
    });
    orders.collect()
}

#[test]
fn two_servers_that_stopped_are_started_one_after_the_other() {
    let mut world = stop(&["web1", "web2"], Heals::Yes);
    world.run_daemon();
    world.go_on(10 * MINUTE);
    assert_eq!((world.restarts("web1"), world.restarts("web2")), (1, 1));
    assert_eq!(
        world
            .events()
            .iter()
            .filter(|event| **event == EventKind::Up)
            .count(),
        2
    );
    compare("two-hosts-stopped", &world);
}

/// After three that did not help, a person must look at what they share; no other order of theirs lets it go on.
#[test]
fn the_brake_latches_when_restarts_of_three_hosts_did_not_help() {
    let names = ["web1", "web2", "web3", "web4", "web5"];
    let mut world = stop(&names, Heals::No);
    world.at(90 * MINUTE, |world| {
        world.say("probe resume web4");
        world.rearm.insert("web4".into());
        world.order();
    });
    world.at(95 * MINUTE, move |world| {
        let restarts = names.map(|name| world.restarts(name));
        let restarted = restarts.iter().filter(|count| **count > 0);
        assert_eq!(restarted.count(), 3, "{restarts:?}");
        world.say("a person has mended what they share: probe resume all");
        for name in names {
            world.machines.get_mut(&host(name)).unwrap().heals = Heals::Yes;
        }
        world.rearm.insert("all".into());
        world.order();
    });
    world.run_daemon();
    world.go_on(120 * MINUTE);
    let orders = orders(&world);
    let before = orders.iter().filter(|(_, at)| *at < 95 * 60);
    let mut hosts: Vec<&str> = before.map(|(name, _)| name.as_str()).collect();
    hosts.sort_unstable();
    hosts.dedup();
    assert_eq!(hosts.len(), 3, "{orders:?}");
    let latched = |fact: &Fact| matches!(fact, Fact::Noted(Happened::Held { hold, .. }) if *hold == Hold::BrakeLatched);
    assert!(world.facts.iter().any(|(_, fact)| latched(fact)));
    for name in names {
        assert!(
            world.restarts(name) >= 1,
            "{name} after the order: {orders:?}"
        );
    }
    assert_eq!(world.fleet().core.latched, None);
    compare("brake-latches", &world);
}

/// The network between fails, and every server runs.
#[test]
fn servers_that_run_are_not_restarted_together() {
    let mut world = stop(&["web1", "web2", "web3"], Heals::Yes);
    world.at(MINUTE, |world| {
        for name in ["web1", "web2", "web3"] {
            world.ill(name, Some(Cause::ConnectTimeout));
        }
    });
    world.run_daemon();
    world.go_on(60 * MINUTE);
    assert_eq!(orders(&world), []);
}
