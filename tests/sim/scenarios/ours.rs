//! Stories in which the fault is ours: the network, the disk, the clock, the mail server, the process itself.

use std::time::Duration;

use probe::model::{Cause, Event, EventKind};

use super::super::invariants;
use super::super::setup::{each_host, each_profile, host, profile, secs, settings};
use super::super::world::{Fact, Heals, Mail, Ssh, World};
use super::{MINUTE, compare, nginx_stops};

#[test]
fn our_network_is_down() {
    let mut world = World::new(settings(&["shop@web1", "blog@web2"]));
    world.at(2 * MINUTE, |world| {
        world.say("our own link goes down");
        world.network = false;
    });
    world.at(14 * MINUTE, |world| {
        world.say("our own link is back");
        world.network = true;
    });
    world.run_daemon();
    world.go_on(20 * MINUTE);
    assert_eq!(world.restarts("web1") + world.restarts("web2"), 0);
    assert_eq!(world.events(), [EventKind::Blind]);
    compare("our-network-is-down", &world);
}

#[test]
fn crash_during_restart() {
    let mut world = World::new(settings(&["shop@web1"]));
    world.machines.get_mut(&host("web1")).unwrap().takes = 20_000;
    nginx_stops(&mut world, MINUTE);
    world.at(MINUTE + secs(90), |world| {
        world.say("kill -9 in the middle of the restart");
        world.crash();
    });
    world.run_daemon();
    world.go_on(20 * MINUTE);
    assert_eq!(world.restarts("web1"), 1);
    assert_eq!(world.events().last(), Some(&EventKind::Up));
    compare("crash-during-restart", &world);
}

#[test]
fn mail_server_down() {
    let mut world = World::new(settings(&["shop@web1"]));
    world.mail = Mail::Down;
    nginx_stops(&mut world, MINUTE);
    world.at(70 * MINUTE, |world| {
        world.say("the mail server is back");
        world.mail = Mail::Up;
    });
    world.run_daemon();
    world.go_on(120 * MINUTE);
    assert_eq!(world.restarts("web1"), 1, "mail never delays healing");
    let told = world.mails();
    assert_eq!(world.events(), [EventKind::Up], "one true story");
    assert!(told[0].notification.story);
    assert_eq!(told[0].notification.attempts.len(), 1);
    compare("mail-server-down", &world);
}

#[test]
fn mail_answer_unclear() {
    let mut world = World::new(settings(&["shop@web1"]));
    world.mail = Mail::Unclear;
    nginx_stops(&mut world, MINUTE);
    world.at(3 * MINUTE, |world| world.mail = Mail::Up);
    world.run_daemon();
    world.go_on(30 * MINUTE);
    let mails = world.mails();
    let first = mails.first().unwrap();
    let again = mails
        .iter()
        .filter(|entry| entry.id == first.id)
        .collect::<Vec<_>>();
    assert!(
        again.len() >= 2,
        "an unclear answer is followed by another try"
    );
    assert!(
        again
            .iter()
            .all(|entry| entry.notification == first.notification),
        "with the same content"
    );
    invariants::check(&world, "unclear");
}

#[test]
fn clock_steps_back() {
    let mut world = World::new(settings(&["shop@web1"]));
    world.machines.get_mut(&host("web1")).unwrap().heals = Heals::No;
    nginx_stops(&mut world, MINUTE);
    world.at(4 * MINUTE, |world| {
        world.say("our wall clock steps back by a day");
        world.wall_offset = -86_400_000;
    });
    world.at(6 * MINUTE, |world| {
        world.say("our wall clock jumps forward by ten years");
        world.wall_offset = 315_360_000_000;
    });
    world.run_daemon();
    world.go_on(40 * MINUTE);
    assert_eq!(
        world.restarts("web1"),
        3,
        "neither more nor fewer than with a true clock"
    );
    compare("clock-steps-back", &world);
}

#[test]
fn disk_full_means_no_act() {
    let mut world = World::new(settings(&["shop@web1"]));
    nginx_stops(&mut world, MINUTE);
    world.at(secs(70), |world| {
        world.say("our disk is full");
        world.disk_writable = false;
    });
    world.at(10 * MINUTE, |world| {
        assert_eq!(world.restarts("web1"), 0, "no act without a durable intent");
        world.say("our disk has space again");
        world.disk_writable = true;
    });
    world.run_daemon();
    world.go_on(30 * MINUTE);
    assert_eq!(
        world.restarts("web1"),
        1,
        "full service again when space returns"
    );
    compare("disk-full", &world);
}

#[test]
fn damaged_state_pauses_healing() {
    let mut world = World::new(settings(&["shop@web1"]));
    world.run_daemon();
    world.go_on(secs(20));
    world.say("the state file was damaged and moved aside");
    world.decide_now(Event::Damaged(
        "/var/lib/probe/state.db.corrupt-20261122T055920Z".into(),
    ));
    nginx_stops(&mut world, MINUTE);
    world.go_on(80 * MINUTE);
    assert_eq!(world.restarts("web1"), 1, "only after the window");
    compare("damaged-state", &world);
}

#[test]
fn a_refused_mail_is_kept_for_people_to_see_and_not_for_ever() {
    let mut world = World::new(settings(&["shop@web1"]));
    world.mail = Mail::Refuses;
    world.twice = false;
    nginx_stops(&mut world, MINUTE);
    world.run_daemon();
    world.go_on(20 * MINUTE);
    let fleet = world.fleet();
    assert_eq!(
        fleet.outbox.len(),
        3,
        "down, restarted, up: none hinders the next"
    );
    assert!(
        fleet
            .outbox
            .values()
            .all(|entry| entry.is_dead() && entry.tries == 1)
    );
    world.go_on(13 * 24 * 60 * MINUTE);
    assert!(
        world.fleet().outbox.is_empty(),
        "forgotten twelve days after"
    );
}

/// A wall clock that went ten years ahead while the machine was up, and a power cut after that: no budget is forgotten.
#[test]
fn a_power_cut_after_a_wrong_clock_forgets_no_budget() {
    let mut settings = settings(&["shop@web1"]);
    each_host(&mut settings, |host| host.restart.give_up_after = 20);
    let mut world = World::new(settings);
    world.machines.get_mut(&host("web1")).unwrap().heals = Heals::No;
    nginx_stops(&mut world, MINUTE);
    world.run_daemon();
    world.go_on(20 * MINUTE);
    assert_eq!(world.restarts("web1"), 3, "all that an hour has");
    world.jumps(315_360_000_000);
    world.go_on(MINUTE);
    world.power_cut();
    world.go_on(20 * MINUTE);
    assert_eq!(world.restarts("web1"), 3);
    world.go_on(40 * MINUTE);
    assert!(world.restarts("web1") > 3, "and none is held for ever");
    invariants::check(&world, "power cut");
}

/// We slept through many intervals, and a site is down when we wake: what the first late probe sees is one failure, and the
/// next is looked for a retry later, not at once.
#[test]
fn a_probe_made_late_counts_once() {
    let mut world = World::new(settings(&["shop@web1"]));
    world.run_daemon();
    let falls = 10 * MINUTE + Duration::from_millis(100);
    world.at(falls, |world| {
        world.ill("web1", Some(Cause::Refused));
        world.sleeps(1_234_567);
    });
    world.go_on(40 * MINUTE);
    let began: Vec<i64> = world
        .facts
        .iter()
        .filter_map(|(_, fact)| match fact {
            Fact::Result {
                began,
                cause: Some(Cause::Refused),
                ..
            } => Some(*began),
            _ => None,
        })
        .collect();
    let gaps: Vec<i64> = began.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(gaps[..2].iter().all(|gap| *gap >= 9_000), "{gaps:?}");
    assert_eq!(world.restarts("web1"), 1);
    invariants::check(&world, "late");
}

/// The site is back before anybody was told that it is down: its host is still being looked at.
#[test]
fn an_outage_that_is_over_before_it_is_told_is_one_story() {
    let mut settings = settings(&["shop@web1"]);
    each_host(&mut settings, |host| host.diagnose = true);
    each_profile(&mut settings, |site| {
        (site.failure_threshold, site.success_threshold) = (1, 1);
        site.retry_interval = secs(1);
    });
    let mut world = World::new(settings);
    world.machines.get_mut(&host("web1")).unwrap().ssh = Ssh::Silent;
    world.at(MINUTE - secs(2), |world| {
        world.ill("web1", Some(Cause::Refused))
    });
    world.at(MINUTE + secs(2), |world| world.ill("web1", None));
    world.run_daemon();
    world.go_on(10 * MINUTE);
    let of_shop: Vec<EventKind> = world
        .mails()
        .iter()
        .filter(|entry| entry.notification.profile == Some(profile("shop")))
        .map(|entry| entry.notification.event)
        .collect();
    assert_eq!(
        of_shop,
        [EventKind::Up],
        "of an outage nobody heard of the end alone is told"
    );
    assert!(world.mails()[0].notification.story);
    invariants::check(&world, "over before it was told");
}
