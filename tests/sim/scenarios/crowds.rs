//! The right number of mails: storms, sites that flap, a week with the mail server down for a day.

use std::collections::BTreeSet;

use probe::model::{Cause, EventKind, Notification};

use super::super::invariants;
use super::super::setup::{each_host, each_profile, host, profile, secs, settings};
use super::super::world::{Heals, Mail, World};
use super::{MINUTE, compare};

const HOUR: std::time::Duration = std::time::Duration::from_secs(3600);

fn told(world: &World) -> Vec<Notification> {
    let mails = world.mails().into_iter();
    mails.map(|entry| entry.notification.clone()).collect()
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("s{n:02}@web{n:02}")).collect()
}

/// Forty hosts go down at once, and half an hour later all are back: of the 160 and more messages a few are mails of their own,
/// the others stand in digests, and every site is named.
#[test]
fn m14_forty_hosts_at_once_are_a_few_mails() {
    let names = names(40);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut world = World::new(settings(&names));
    for n in 0..40 {
        world.at(MINUTE, move |world| {
            world.ill(&format!("web{n:02}"), Some(Cause::Refused))
        });
        world.at(30 * MINUTE, move |world| {
            world.ill(&format!("web{n:02}"), None)
        });
    }
    world.run_daemon();
    world.go_on(60 * MINUTE);
    invariants::check(&world, "forty");
    invariants::check_told(&world, "forty");
    let told = told(&world);
    let singles = told
        .iter()
        .filter(|note| note.event != EventKind::Digest)
        .count();
    let ends = told
        .iter()
        .filter(|note| note.answers_down() && !note.story);
    let ends = ends.count();
    assert!(told.len() - ends <= 20, "{} mails", told.len());
    assert!(ends <= 10, "{ends} ends, of the five that were told");
    assert!((5..=30).contains(&singles), "{singles} mails one by one");
    let sites: BTreeSet<_> = told
        .iter()
        .flat_map(Notification::told)
        .filter_map(|note| note.profile.clone())
        .collect();
    assert_eq!(sites.len(), 40, "each is named");
}

/// Eight sites go down at once and are back two minutes later: five are told, each with its end in its thread while the storm still
/// gathers; the others were over before they could be told, and are one digest.
#[test]
fn a_storm_that_is_over_leaves_no_thread_open() {
    let names: Vec<String> = (0..8).map(|n| format!("s{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut world = World::new(settings(&names));
    for name in names {
        let (site, again) = (profile(name), profile(name));
        world.at(MINUTE, move |world| {
            _ = world.sites.insert(site, Some(Cause::Status));
        });
        world.at(3 * MINUTE, move |world| {
            _ = world.sites.insert(again, None);
        });
    }
    world.run_daemon();
    world.go_on(30 * MINUTE);
    invariants::check_told(&world, "storm");
    compare("storm", &world);
    let events = world.events();
    let mut wanted = vec![EventKind::Down; 5];
    wanted.extend([EventKind::Up; 5]);
    wanted.push(EventKind::Digest);
    assert_eq!(events, wanted);
    let digest = told(&world).pop().unwrap();
    assert!(digest.items.iter().all(|item| item.story) && digest.items.len() == 3);
}

/// A DOWN that was delivered, and an end that could not be: the end alone is sent, with what was done in between.
#[test]
fn what_is_stale_is_told_by_the_end() {
    let mut world = World::new(settings(&["shop@web1"]));
    super::nginx_stops(&mut world, MINUTE);
    world.at(MINUTE + secs(21), |world| world.mail = Mail::Down);
    world.at(5 * MINUTE, |world| world.mail = Mail::Up);
    world.run_daemon();
    world.go_on(30 * MINUTE);
    invariants::check(&world, "stale");
    assert_eq!(
        world.events(),
        [EventKind::Down, EventKind::Up],
        "the end tells of the restart as well"
    );
    assert_eq!(told(&world).pop().unwrap().attempts.len(), 1);
}

/// Down for a minute every five minutes: at the sixth outage one mail says so, and one more when it is over.
#[test]
fn m15_a_site_that_flaps_is_told_once() {
    let mut world = World::new(settings(&["shop"]));
    each_profile(&mut world.settings, |profile| profile.success_threshold = 1);
    for n in 0..20_u32 {
        let begins = MINUTE + 5 * MINUTE * n;
        world.at(begins, |world| {
            world.sites.insert(profile("shop"), Some(Cause::Status));
        });
        world.at(begins + 2 * MINUTE, |world| {
            world.sites.insert(profile("shop"), None);
        });
    }
    world.run_daemon();
    world.go_on(4 * HOUR);
    invariants::check(&world, "flapping");
    let told = told(&world);
    let count = |event: EventKind| told.iter().filter(|note| note.event == event).count();
    assert_eq!(count(EventKind::Down), 5);
    assert_eq!(count(EventKind::Up), 6);
    assert_eq!(count(EventKind::Flapping), 1);
    let last = told.last().unwrap();
    assert_eq!(last.flaps.map(|flaps| flaps.outages), Some(20));
    compare("flapping", &world);
}

/// The server of a site stops every nine minutes, and is restarted each time: each restart is told, also while the site flaps.
#[test]
fn each_restart_is_told_while_a_site_flaps() {
    let mut world = World::new(settings(&["shop@web1"]));
    each_host(&mut world.settings, |host| {
        host.restart.budget.restarts = 20;
        host.restart.give_up_after = 20;
        host.restart.backoff.initial = secs(10);
        host.restart.backoff.factor = 1.0;
    });
    for n in 0..9 {
        world.at(MINUTE + secs(540) * n, |world| {
            world.ill("web1", Some(Cause::Refused))
        });
    }
    world.run_daemon();
    world.go_on(4 * HOUR);
    invariants::check_told(&world, "restarts while it flaps");
    compare("flapping-restarts", &world);
    let told = told(&world);
    let restarted = told
        .iter()
        .filter(|note| note.event == EventKind::Restarted);
    let flapping = told
        .iter()
        .position(|note| note.event == EventKind::Flapping);
    assert_eq!(restarted.count(), world.restarts("web1"));
    let after = told.iter().skip(flapping.unwrap());
    assert!(
        after
            .filter(|note| note.event == EventKind::Restarted)
            .count()
            > 1
    );
}

/// A site that flaps and then stays down is told as down, and its end as well.
#[test]
fn a_site_that_flaps_and_stays_down_is_told() {
    let mut world = World::new(settings(&["shop"]));
    for n in 0..6_u32 {
        let begins = MINUTE + 5 * MINUTE * n;
        world.at(begins, |world| {
            world.sites.insert(profile("shop"), Some(Cause::Status));
        });
        if n < 5 {
            world.at(begins + 2 * MINUTE, |world| {
                world.sites.insert(profile("shop"), None);
            });
        }
    }
    world.at(2 * HOUR, |world| {
        world.sites.insert(profile("shop"), None);
    });
    world.run_daemon();
    world.go_on(4 * HOUR);
    invariants::check(&world, "stays down");
    let events = world.events();
    let end: Vec<EventKind> = events
        .into_iter()
        .skip_while(|event| *event != EventKind::Flapping)
        .collect();
    assert_eq!(
        end,
        [EventKind::Flapping, EventKind::Reminder, EventKind::Up]
    );
}

/// A week in which many hosts go down and come back, and in its middle the mail server is down for a day: nobody is
/// flooded, and of every incident something true is told.
#[test]
fn m13_a_week_with_the_mail_server_down_for_a_day() {
    let names = names(12);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut settings = settings(&names);
    each_profile(&mut settings, |profile| profile.interval = secs(300));
    each_host(&mut settings, |host| host.restart.give_up_after = 2);
    let mut world = World::new(settings);
    world.twice = false;
    let mut rng = fastrand::Rng::with_seed(7);
    for _ in 0..150 {
        let at = secs(rng.u64(600..7 * 86_400));
        let lasts = secs(rng.u64(300..7200));
        let host = format!("web{:02}", rng.u32(0..12));
        let again = host.clone();
        let heals = if rng.bool() { Heals::Yes } else { Heals::No };
        world.at(at, move |world| {
            let machine = world
                .machines
                .get_mut(&super::super::setup::host(&host))
                .unwrap();
            machine.heals = heals;
            world.ill(&host, Some(Cause::Refused));
        });
        world.at(at + lasts, move |world| world.ill(&again, None));
    }
    // Ten hosts at once, an hour after it began to be down.
    for n in 0..10 {
        world.at(secs(3 * 86_400 + 3600), move |world| {
            world.ill(&format!("web{n:02}"), Some(Cause::Refused));
        });
        world.at(secs(3 * 86_400 + 9000), move |world| {
            world.ill(&format!("web{n:02}"), None)
        });
    }
    world.at(secs(3 * 86_400), |world| world.mail = Mail::Down);
    world.at(secs(4 * 86_400), |world| world.mail = Mail::Up);
    world.run_daemon();
    world.go_on(secs(7 * 86_400 + 4 * 3600));
    invariants::check(&world, "week");
    invariants::check_told(&world, "week");
    assert!(world.fleet().outbox.is_empty(), "all of it has left");
    let told = told(&world);
    let stories = told
        .iter()
        .flat_map(Notification::told)
        .filter(|note| note.story);
    assert!(
        stories.count() >= 10,
        "what was over while no mail could leave is one story each"
    );
    assert!(
        told.iter().any(|note| note.event == EventKind::Digest),
        "and they are told together"
    );
}

/// Two sites of a host are down in one thread, and one of them, or the whole host, is taken out of the configuration: the
/// thread goes on with the other, ends once, and its last message names both.
#[test]
fn a_thread_outlives_the_site_that_spoke_for_it() {
    for taken in [vec!["blog"], vec!["shop"], vec!["blog", "shop"]] {
        let mut world = World::new(settings(&["shop@web1", "blog@web1"]));
        world.machines.get_mut(&host("web1")).unwrap().heals = Heals::No;
        world.at(MINUTE, |world| world.ill("web1", Some(Cause::Refused)));
        let gone = taken.clone();
        world.at(5 * MINUTE, move |world| {
            for name in gone {
                world.settings.profiles.remove(&profile(name));
            }
            world.reload();
        });
        world.at(40 * MINUTE, |world| world.ill("web1", None));
        world.run_daemon();
        world.go_on(60 * MINUTE);
        let told = told(&world);
        let order: Vec<u32> = told.iter().map(|note| note.sequence).collect();
        assert_eq!(
            order,
            (0..told.len() as u32).collect::<Vec<_>>(),
            "{taken:?}"
        );
        let threads: BTreeSet<_> = told.iter().map(|note| note.incident.clone()).collect();
        assert_eq!(threads.len(), 1, "{taken:?}");
        let ends: Vec<&Notification> = told.iter().filter(|note| note.ends()).collect();
        assert_eq!(ends.len(), 1, "{taken:?}: one end");
        let named: Vec<&str> = ends[0]
            .sites
            .iter()
            .map(|site| site.profile.as_str())
            .collect();
        let sorted: BTreeSet<&str> = named.into_iter().collect();
        assert_eq!(sorted, BTreeSet::from(["blog", "shop"]), "{taken:?}");
        let closed = ends[0].event == EventKind::Closed;
        assert_eq!(closed, taken.len() == 2, "{taken:?}: {:?}", ends[0].event);
    }
}
