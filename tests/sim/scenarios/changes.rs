//! What a changed configuration and the end of somebody else's restart set free, and what they do not.

use probe::model::{Cause, EventKind, Happened};

use super::super::setup::{each_host, host, secs, settings};
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
    let changed = 18 * MINUTE + secs(5);
    world.at(changed, |world| {
        assert_eq!(world.events().last(), Some(&EventKind::GaveUp));
        world.machines.get_mut(&host("web1")).unwrap().ssh = Ssh::Ok;
        each_host(&mut world.settings, |host| host.fingerprint = 2);
        world.reload();
    });
    world.run_daemon();
    world.go_on(30 * MINUTE);
    let orders = ordered(&world, "web1");
    assert_eq!((orders.len(), world.restarts("web1")), (5, 1));
    let waited = orders[4] - changed.as_millis() as i64;
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
        Fact::Noted(Happened::RestartEnded { .. }) => Some(t - BEGIN),
        _ => None,
    });
    let first = [ordered(&world, "web1"), ordered(&world, "web2")].concat();
    assert_eq!(first.len(), 2, "{first:?}");
    assert_eq!(first.iter().max().copied(), ended);
}
