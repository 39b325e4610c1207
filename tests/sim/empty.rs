//! S33: empty means none. What names nobody concerns nobody, and never everybody.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use probe::model::{Cause, Effect, Event, Fleet, Now, Orders, Pause, Settings, Stage, Start, When};
use probe::policy;

use super::invariants;
use super::setup::{each_host, email, host, profile, secs, settings};
use super::world::{Heals, World};

const MINUTE: Duration = Duration::from_secs(60);

/// An outage on web1 from the first minute on, followed for so long.
fn outage(settings: Settings, minutes: u32) -> World {
    let mut world = World::new(settings);
    world.at(MINUTE, |world| world.ill("web1", Some(Cause::Refused)));
    world.run_daemon();
    world.go_on(minutes * MINUTE);
    world
}

#[test]
fn no_causes_restart_for_none() {
    let mut none = settings(&["shop@web1"]);
    each_host(&mut none, |host| host.restart.causes.clear());
    assert_eq!(outage(none, 30).restarts("web1"), 0);
    assert_eq!(outage(settings(&["shop@web1"]), 30).restarts("web1"), 1);
}

#[test]
fn no_recipients_hear_nothing() {
    let mut none = settings(&["shop@web1"]);
    let mut silent = email();
    silent.to.clear();
    none.email = Some(Arc::new(silent));
    let world = outage(none, 30);
    assert_eq!((world.restarts("web1"), world.mails().len()), (1, 0));
    assert!(world.fleet().outbox.is_empty());
}

/// A host none of whose profiles is watched is never restarted, whatever share of them must be down.
#[test]
fn no_profiles_restart_no_host() {
    for when in [
        When::Auto,
        When::Any,
        When::All,
        When::Count(0),
        When::Percent(1),
    ] {
        let mut bare = settings(&["shop@web1"]);
        each_host(&mut bare, |host| host.restart.when = when);
        bare.profiles.clear();
        let world = outage(bare, 30);
        assert_eq!(world.restarts("web1"), 0, "{when:?}");
    }
}

fn effects(start: Start) -> Vec<Effect> {
    let settings = settings(&["shop@web1", "blog@web2", "wiki"]);
    let now = World::new(settings.clone()).now();
    let decision = policy::step(&settings, Fleet::default(), Event::Started(start), &now);
    decision.effects
}

#[test]
fn no_names_probe_nobody() {
    assert_eq!(effects(Start::Named(Default::default())), []);
    let one = Start::Named([profile("wiki")].into());
    assert_eq!(effects(one).len(), 1);
    assert_eq!(effects(Start::Due).len(), 3);
}

#[test]
fn an_order_that_names_nobody_pauses_and_rearms_nobody() {
    let mut hopeless = settings(&["shop@web1"]);
    each_host(&mut hopeless, |host| host.restart.give_up_after = 1);
    let mut world = World::new(hopeless);
    world.machines.get_mut(&host("web1")).unwrap().heals = Heals::No;
    world.at(MINUTE, |world| world.ill("web1", Some(Cause::Refused)));
    world.run_daemon();
    world.go_on(30 * MINUTE);
    let gave_up = |world: &World| {
        let stage = &world.fleet().hosts[&host("web1")].stage;
        matches!(stage, Stage::GaveUp { .. })
    };
    assert!(gave_up(&world));
    let without_end = Pause {
        since: None,
        until: None,
        reason: None,
    };
    for rearm in [BTreeSet::new(), BTreeSet::from([String::new()])] {
        (world.rearm, world.pauses) = (rearm, [(String::new(), without_end.clone())].into());
        world.order();
        assert!(gave_up(&world));
    }
    world.rearm = BTreeSet::from(["all".to_owned()]);
    world.order();
    assert!(!gave_up(&world));
    world.go_on(secs(3600));
    assert_eq!(world.restarts("web1"), 2, "and nothing is paused");
    invariants::check(&world, "empty");
}

/// Taking nothing back takes nothing back.
#[test]
fn an_empty_list_of_acts_takes_nothing_back() {
    let settings = settings(&["shop@web1"]);
    let mut world = World::new(settings.clone());
    world.machines.get_mut(&host("web1")).unwrap().takes = 60_000;
    world.at(MINUTE, |world| world.ill("web1", Some(Cause::Refused)));
    world.run_daemon();
    world.go_on(2 * MINUTE);
    let now: Now = world.now();
    let before = policy::step(&settings, world.fleet(), Event::Ticked, &now).fleet;
    assert!(matches!(
        before.hosts[&host("web1")].stage,
        Stage::Restarting { .. }
    ));
    let nothing = Event::TakenBack {
        attempts: vec![],
        entries: vec![],
        unwritable: false,
    };
    let after = policy::step(&settings, before.clone(), nothing, &now).fleet;
    assert_eq!((before.hosts, before.outbox), (after.hosts, after.outbox));
    let orders = Event::Ordered(Orders {
        pauses: [].into(),
        rearm: [].into(),
        ..Orders::default()
    });
    let after = policy::step(&settings, world.fleet(), orders, &now).fleet;
    assert_eq!(after.hosts[&host("web1")].attempts, 1);
}
