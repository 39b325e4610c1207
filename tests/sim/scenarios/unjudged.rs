//! Stories of sites that cannot be judged, by the doing of the machine that watches.

use probe::model::{Cause, EventKind, Happened, Pause, Start, When, Window};

use super::super::invariants;
use super::super::setup::{each_host, each_profile, profile, secs, settings};
use super::super::world::{Fact, World};
use super::{MINUTE, compare, nginx_stops};

/// From then on until the other nothing can be said of the shop.
fn our_resolver_is_silent(world: &mut World, from: u32, until: u32) {
    world.at(MINUTE * from, |world| {
        world.say("our own name server falls silent");
        world.sites.insert(profile("shop"), Some(Cause::Monitor));
    });
    world.at(MINUTE * until, |world| {
        world.say("our own name server answers again");
        world.sites.insert(profile("shop"), None);
    });
}

#[test]
fn own_name_server_silent() {
    let mut world = World::new(settings(&["shop@web1"]));
    our_resolver_is_silent(&mut world, 2, 40);
    world.run_daemon();
    world.go_on(60 * MINUTE);
    assert_eq!(world.restarts("web1"), 0);
    assert_eq!(world.events(), [EventKind::Unjudged, EventKind::Up]);
    let mails = world.mails();
    let (told, end) = (&mails[0].notification, &mails[1].notification);
    assert_eq!(told.incident, end.incident, "one thread");
    assert_eq!((told.sequence, end.sequence), (0, 1));
    assert!(end.judged && end.until.is_some());
    compare("own-name-server-silent", &world);
}

/// What could not be seen meanwhile: its end says that the site is not well, and the outage is told as ever.
#[test]
fn own_name_server_silent_and_the_site_is_down() {
    let mut world = World::new(settings(&["shop@web1"]));
    our_resolver_is_silent(&mut world, 2, 40);
    nginx_stops(&mut world, 40 * MINUTE);
    world.run_cron();
    world.go_on(60 * MINUTE);
    let told = [
        EventKind::Unjudged,
        EventKind::Closed,
        EventKind::Down,
        EventKind::Restarted,
        EventKind::Up,
    ];
    assert_eq!(world.events(), told);
    assert_eq!(world.mails()[1].notification.cause, Some(Cause::Refused));
    compare("own-name-server-silent-cron", &world);
}

/// When it is told, in minutes after it began, for intervals of so many seconds.
#[test]
fn five_minutes_and_three_intervals_must_have_passed() {
    for (interval, expected) in [(10, 5), (60, 5), (100, 5), (300, 15), (3600, 180)] {
        let mut settings = settings(&["shop"]);
        each_profile(&mut settings, |site| {
            (site.interval, site.retry_interval) = (secs(interval), secs(10));
        });
        let mut world = World::new(settings);
        world.sites.insert(profile("shop"), Some(Cause::Monitor));
        world.run_daemon();
        world.go_on(secs(60 * expected));
        assert_eq!(world.events(), [], "{interval} s");
        world.go_on(secs(interval + 1));
        assert_eq!(world.events(), [EventKind::Unjudged], "{interval} s");
        world.go_on(secs(24 * 3600));
        assert_eq!(world.events().len(), 1, "told once");
    }
}

/// Five minutes of it are nobody's matter, nor is it anybody's while people work on the site.
#[test]
fn what_is_short_or_in_a_window_is_not_told() {
    let mut world = World::new(settings(&["shop"]));
    for hour in 0..10 {
        our_resolver_is_silent(&mut world, 60 * hour, 60 * hour + 5);
    }
    world.run_daemon();
    world.go_on(600 * MINUTE);
    assert_eq!(world.events(), []);

    // Until half past six; the world begins a minute before six.
    let mut settings = settings(&["shop"]);
    let window = Window::try_new("0 * * * *", MINUTE * 30, "UTC").unwrap();
    each_profile(&mut settings, |site| {
        site.maintenance = vec![window.clone()]
    });
    let mut world = World::new(settings);
    our_resolver_is_silent(&mut world, 2, 50);
    world.run_daemon();
    world.go_on(30 * MINUTE);
    assert_eq!(world.events(), []);
    world.go_on(3 * MINUTE);
    assert_eq!(world.events(), [EventKind::Unjudged]);
}

/// Our own network is down as well: that is told, and what lasts beyond it by itself, counted from then on.
#[test]
fn our_own_network_is_told_as_blind() {
    let mut world = World::new(settings(&["shop"]));
    our_resolver_is_silent(&mut world, 2, 60);
    world.at(3 * MINUTE, |world| world.network = false);
    world.at(30 * MINUTE, |world| world.network = true);
    world.run_daemon();
    world.go_on(34 * MINUTE);
    assert_eq!(world.events(), [EventKind::Blind]);
    world.go_on(40 * MINUTE);
    let told = [EventKind::Blind, EventKind::Unjudged, EventKind::Up];
    assert_eq!(world.events(), told);
    invariants::check(&world, "blind");
}

/// Who chose to do without canaries is told at once.
#[test]
fn without_canaries_nothing_is_asked_first() {
    let mut settings = settings(&["shop"]);
    settings.network.canaries.clear();
    let mut world = World::new(settings);
    our_resolver_is_silent(&mut world, 2, 20);
    world.run_daemon();
    world.go_on(30 * MINUTE);
    assert_eq!(world.events(), [EventKind::Unjudged, EventKind::Up]);
}

/// A site that is taken out of the configuration leaves no thread open; one that is changed stays what it is.
#[test]
fn a_site_that_is_no_longer_watched_ends_its_thread() {
    let mut world = World::new(settings(&["shop", "blog"]));
    our_resolver_is_silent(&mut world, 2, 60);
    world.run_daemon();
    world.go_on(20 * MINUTE);
    each_profile(&mut world.settings, |site| site.fingerprint = 2);
    world.reload();
    world.go_on(5 * MINUTE);
    assert_eq!(world.events(), [EventKind::Unjudged]);
    world.settings.profiles.remove(&profile("shop"));
    world.reload();
    world.go_on(5 * MINUTE);
    assert_eq!(world.events(), [EventKind::Unjudged, EventKind::Closed]);
    let end = world.mails()[1].notification.clone();
    assert!(!end.judged, "nobody knows how it is");
    invariants::check(&world, "no longer watched");
}

/// A crash at any moment changes nothing of what is told.
#[test]
fn a_crash_in_between_tells_it_once_all_the_same() {
    for boundary in 0..12 {
        let mut world = World::new(settings(&["shop"]));
        our_resolver_is_silent(&mut world, 2, 20);
        world.at(7 * MINUTE, move |world| world.crash_in = Some(boundary));
        world.run_daemon();
        world.go_on(40 * MINUTE);
        let mut told = world.mails();
        // What a relay took before we were killed is sent again, the same.
        told.dedup_by_key(|entry| entry.id);
        let told: Vec<EventKind> = told.iter().map(|entry| entry.notification.event).collect();
        assert_eq!(told, [EventKind::Unjudged, EventKind::Up], "{boundary}");
        invariants::check(&world, "crash");
    }
}

/// Many sites at once are no storm of mails, and each is told and ended.
#[test]
fn a_hundred_sites_are_told_within_the_limits() {
    let names: Vec<String> = (0..100).map(|n| format!("s{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut world = World::new(settings(&names));
    world.twice = false;
    let all = |world: &mut World, cause| {
        let sites = world.sites.values_mut();
        sites.for_each(|site| *site = cause);
    };
    world.at(2 * MINUTE, move |world| all(world, Some(Cause::Monitor)));
    world.at(30 * MINUTE, move |world| all(world, None));
    world.run_daemon();
    world.go_on(120 * MINUTE);
    invariants::check(&world, "a hundred");
    assert!(world.mails().len() < 20, "{:?}", world.events());
    let noted = |wanted: fn(&Happened) -> bool| {
        let facts = world.facts.iter();
        let noted = facts.filter(|(_, fact)| matches!(fact, Fact::Noted(note) if wanted(note)));
        noted.count()
    };
    assert_eq!(noted(|note| matches!(note, Happened::Unjudged { .. })), 100);
    assert_eq!(
        noted(|note| matches!(note, Happened::JudgedAgain { .. })),
        100
    );
}

/// A run from cron while nothing can be judged ends as soon as each site was looked at and a canary was asked, however often
/// they are probed.
#[test]
fn a_run_that_learns_nothing_ends() {
    for interval in [10, 15, 30, 60] {
        for (network, shown) in [
            (false, None),
            (true, Some(Cause::Monitor)),
            (false, Some(Cause::Monitor)),
        ] {
            let mut settings = settings(&["shop@web1", "blog@web2", "lone"]);
            each_profile(&mut settings, |site| {
                (site.interval, site.retry_interval) = (secs(interval), secs(5));
                site.connect_timeout = secs(10);
            });
            let mut world = World::new(settings);
            world.sites.values_mut().for_each(|site| *site = shown);
            world.network = network;
            world.run_cron();
            world.go_on(secs(25));
            assert!(!world.is_running(), "{interval} s, {network}, {shown:?}");
        }
    }
}

/// What a run by hand for one site waits for is not a probe of another one that this run will not make.
#[test]
fn a_run_for_one_site_does_not_wait_for_another() {
    let mut world = World::new(settings(&["shop@web1", "blog@web1"]));
    let pause = Pause::default();
    world.pauses.insert("all".to_owned(), pause);
    each_host(&mut world.settings, |host| host.restart.when = When::Any);
    world.cron = true;
    world.start(Start::Due);
    world.go_on(secs(40));
    world.sites.insert(profile("shop"), Some(Cause::Refused));
    world.start(Start::Due);
    world.go_on(secs(40));
    assert!(!world.is_running());
    world.pauses.clear();
    world.start(Start::Named([profile("blog")].into()));
    world.go_on(secs(10));
    assert!(!world.is_running(), "nobody probes the shop in this run");
    world.start(Start::Due);
    world.go_on(secs(20));
    assert_eq!(world.restarts("web1"), 1, "that is the next one's");
}
