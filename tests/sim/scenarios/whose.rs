//! Stories in which a site fails and its host's own server is well: told, and never restarted for.

use probe::model::{Cause, EventKind, Hold, Pause, Start, When};

use super::super::setup::{each_host, host, profile, secs, seen_up, settings};
use super::super::world::World;
use super::{MINUTE, compare, nginx_stops};

/// The hold of a host now, as its word.
fn held(world: &World, name: &str) -> Option<&'static str> {
    let fleet = world.fleet();
    fleet.hosts[&host(name)].hold.as_ref().map(Hold::word)
}

#[test]
fn a_redirect_to_somebody_elses_closed_port() {
    let mut world = World::new(settings(&["shop@web1", "blog@web1"]));
    world.at(MINUTE, |world| {
        world.say("shop leads to a port of another server that nobody listens at");
        let to = "https://cdn.example.net:8443/".to_owned();
        world.redirects.insert(profile("shop"), to);
        world.sites.insert(profile("shop"), Some(Cause::Refused));
    });
    world.run_daemon();
    world.go_on(60 * MINUTE);
    assert_eq!(world.restarts("web1"), 0);
    assert_eq!(world.events(), [EventKind::Down]);
    assert_eq!(held(&world, "web1"), Some("fails_elsewhere"));
    world.say("nginx on web1 stops as well");
    world.ill("web1", Some(Cause::Refused));
    world.go_on(20 * MINUTE);
    assert_eq!(world.restarts("web1"), 1, "that is its own");
    compare("redirect-elsewhere", &world);
}

/// Where a redirect leads to is the host's own when its name is one that is watched there, at a usual port.
#[test]
fn a_redirect_to_a_site_of_the_same_host_is_its_own() {
    for to in [
        "http://shop.example.com/",
        "https://blog.example.com/cart",
        "https://shop.example.com:443/",
    ] {
        let mut settings = settings(&["shop@web1", "blog@web1"]);
        each_host(&mut settings, |host| host.restart.when = When::Any);
        let mut world = World::new(settings);
        world.redirects.insert(profile("shop"), to.to_owned());
        world.at(MINUTE, |world| {
            world
                .sites
                .insert(profile("shop"), Some(Cause::ServerError));
        });
        world.run_daemon();
        world.go_on(10 * MINUTE);
        assert!(world.restarts("web1") > 0, "{to}");
    }
    for to in [
        "https://shop.example.com:8443/",
        "https://shop.example.net/",
        "http://192.0.2.10:8080/",
    ] {
        let mut world = World::new(settings(&["shop@web1"]));
        world.redirects.insert(profile("shop"), to.to_owned());
        world.at(MINUTE, |world| {
            world
                .sites
                .insert(profile("shop"), Some(Cause::ServerError));
        });
        world.run_daemon();
        world.go_on(10 * MINUTE);
        assert_eq!(world.restarts("web1"), 0, "{to}");
    }
}

#[test]
fn one_of_ten_sites_is_closed_and_nobody_looks_at_the_host() {
    let names: Vec<String> = (0..10).map(|n| format!("site{n}@web1")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut world = World::new(settings(&names));
    world.at(MINUTE, |world| {
        world.say("the server closes the connections to site4; the other nine are well");
        world.sites.insert(profile("site4"), Some(Cause::Closed));
    });
    world.at(40 * MINUTE, |world| {
        assert_eq!(world.restarts("web1"), 0);
        assert_eq!(held(world, "web1"), Some("not_enough_down"));
        world.say("nginx on web1 stops");
        world.ill("web1", Some(Cause::Refused));
    });
    world.run_daemon();
    world.go_on(60 * MINUTE);
    assert_eq!(world.restarts("web1"), 1, "now it is gone");
    compare("one-of-ten-is-closed", &world);
}

#[test]
fn a_site_that_was_never_well_is_told_and_counts_once_it_was() {
    let mut world = World::new(settings(&["shop@web1"]));
    world.sites.insert(profile("shop"), Some(Cause::Refused));
    world.at(20 * MINUTE, |world| {
        assert_eq!(world.restarts("web1"), 0);
        world.say("the typo in nginx' configuration is mended");
        world.sites.insert(profile("shop"), None);
    });
    world.at(30 * MINUTE, |world| {
        world.say("nginx on web1 stops");
        world.ill("web1", Some(Cause::Refused));
    });
    world.run_daemon();
    world.go_on(50 * MINUTE);
    assert_eq!(world.restarts("web1"), 1);
    compare("never-seen-up", &world);
}

#[test]
fn a_site_that_was_never_well_is_told_by_runs_from_cron_too() {
    let mut world = World::new(settings(&["shop@web1"]));
    world.sites.insert(profile("shop"), Some(Cause::Refused));
    world.run_cron();
    world.go_on(60 * MINUTE);
    assert_eq!(world.restarts("web1"), 0);
    assert_eq!(world.events(), [EventKind::Down]);
    compare("never-seen-up-cron", &world);
}

#[test]
fn a_person_says_that_a_site_which_was_never_well_counts() {
    for name in ["web1", "shop", "all"] {
        let mut world = World::new(settings(&["shop@web1"]));
        world.ill("web1", Some(Cause::Refused));
        world.at(10 * MINUTE, move |world| {
            assert_eq!(world.restarts("web1"), 0);
            world.say(&format!("probe resume {name}"));
            world.rearm.insert(name.to_owned());
            world.order();
        });
        world.run_daemon();
        world.go_on(30 * MINUTE);
        // `all` lifts pauses, and says nothing of a single site.
        let restarts = if name == "all" { 0 } else { 1 };
        // The invariants do not know of the order.
        assert_eq!(world.restarts("web1"), restarts, "{name}");
    }
}

/// Apache serves port 80 alone, and the profile asks 443 as well.
#[test]
fn a_port_that_nobody_serves_is_no_evidence_beside_one_that_is_served() {
    for diagnose in [false, true] {
        let mut settings = settings(&["shop@web1"]);
        each_host(&mut settings, |host| host.diagnose = diagnose);
        super::super::setup::each_profile(&mut settings, |site| {
            site.urls = vec![
                "http://shop.example.com/".parse().unwrap(),
                "https://shop.example.com/".parse().unwrap(),
            ];
        });
        let mut world = World::new(settings);
        let nobody = "https://shop.example.com/".to_owned();
        world.urls.insert(nobody, Cause::Refused);
        world.run_daemon();
        world.go_on(60 * MINUTE);
        assert_eq!(world.restarts("web1"), 0, "{diagnose}");
        assert_eq!(held(&world, "web1"), Some("never_seen_up"));
        world.say("Apache on web1 stops");
        world.ill("web1", Some(Cause::Refused));
        world.go_on(10 * MINUTE);
        assert_eq!(world.restarts("web1"), 1, "port 80 was seen up: {diagnose}");
        if !diagnose {
            compare("nobody-at-443", &world);
        }
    }
}

/// A state that an earlier version wrote knows of no checks: what it watched counts as seen up, and another URL does not.
#[test]
fn what_an_earlier_version_watched_counts_as_seen_up() {
    let watched = settings(&["shop@web1"]);
    for (other_url, restarts) in [(false, 1), (true, 0)] {
        let mut world = World::new(watched.clone());
        let mut fleet = seen_up(&world.settings);
        if other_url {
            super::super::setup::each_profile(&mut world.settings, |site| {
                site.urls = vec!["https://shop.example.com/other".parse().unwrap()];
                site.fingerprint = 2;
            });
        }
        world.ill("web1", Some(Cause::Refused));
        fleet.core.clock = Default::default();
        world.run_daemon_with(fleet);
        world.go_on(5 * MINUTE);
        assert_eq!(world.restarts("web1"), restarts, "other URL: {other_url}");
    }
}

/// Times and thresholds make no other check; another expectation does.
#[test]
fn what_is_changed_in_an_outage_decides_whether_it_counts() {
    for (expectation, restarts) in [(0, 1), (7, 0)] {
        let mut world = World::new(settings(&["shop@web1"]));
        nginx_stops(&mut world, MINUTE);
        world.at(MINUTE + secs(15), move |world| {
            super::super::setup::each_profile(&mut world.settings, |site| {
                (site.interval, site.fingerprint) = (secs(30), 2);
                site.expectation = expectation;
            });
            world.reload();
        });
        world.run_daemon();
        world.go_on(5 * MINUTE);
        assert_eq!(world.restarts("web1"), restarts, "{expectation}");
    }
}

/// A rule of the server closes the connections of our `User-Agent`, and browsers are answered.
#[test]
fn who_answers_browsers_and_not_us_is_not_restarted() {
    for (cause, threshold) in [
        (Cause::Closed, 3),
        (Cause::Reset, 1),
        (Cause::ServerError, 2),
        (Cause::ResponseTimeout, 3),
        (Cause::Truncated, 3),
    ] {
        for daemon in [true, false] {
            let mut settings = settings(&["shop@web1"]);
            super::super::setup::each_profile(&mut settings, |site| {
                site.failure_threshold = threshold;
            });
            let mut world = World::new(settings);
            world.at(MINUTE + secs(5), move |world| {
                world.say("a rule against bots keeps us out of shop");
                world.sites.insert(profile("shop"), Some(cause));
                world.browsers.insert(profile("shop"));
            });
            if daemon {
                world.run_daemon();
            } else {
                world.run_cron();
            }
            world.go_on(40 * MINUTE);
            assert_eq!(world.restarts("web1"), 0, "{cause} {threshold} {daemon}");
            assert_eq!(world.events(), [EventKind::Down], "{cause}");
            assert_eq!(
                held(&world, "web1"),
                Some("answers_browsers"),
                "{cause} {daemon}"
            );
            world.at(40 * MINUTE, |world| {
                world.say("now browsers are kept out as well");
                world.browsers.clear();
            });
            world.go_on(20 * MINUTE);
            assert!(world.restarts("web1") > 0, "{cause} {threshold} {daemon}");
            if daemon && cause == Cause::Closed {
                compare("answers-browsers", &world);
            }
        }
    }
}

/// A site that was back for the moment in which a browser asked is no site that keeps us out.
#[test]
fn who_comes_back_between_two_questions_is_up() {
    let mut world = World::new(settings(&["shop@web1"]));
    world.at(MINUTE, |world| {
        world
            .sites
            .insert(profile("shop"), Some(Cause::ServerError));
    });
    world.at(MINUTE + secs(15), |world| {
        world.sites.insert(profile("shop"), None);
    });
    world.run_daemon();
    world.go_on(10 * MINUTE);
    assert_eq!(world.restarts("web1"), 0);
    assert_eq!(world.events(), []);
}

/// A run by hand for one site whose host waits for a probe of another one, which this run will not make: what browsers got of this
/// site keeps nobody waiting.
#[test]
fn a_run_for_one_site_does_not_stay_for_what_browsers_got() {
    for (browsers, blind) in [(false, false), (true, false), (true, true)] {
        let mut world = World::new(settings(&["blog@web1", "shop@web1"]));
        world.pauses.insert("all".to_owned(), Pause::default());
        each_host(&mut world.settings, |host| host.restart.when = When::Any);
        world.cron = true;
        world.start(Start::Due);
        world.go_on(secs(40));
        world.sites.insert(profile("blog"), Some(Cause::Refused));
        world.start(Start::Named([profile("blog")].into()));
        world.go_on(secs(40));
        assert!(!world.is_running());
        world.pauses.clear();
        world
            .sites
            .insert(profile("shop"), Some(Cause::ServerError));
        if browsers {
            world.browsers.insert(profile("shop"));
        }
        world.start(Start::Named([profile("shop")].into()));
        world.go_on(secs(19));
        if blind {
            world.say("our own name server falls silent");
            world.sites.insert(profile("shop"), Some(Cause::Monitor));
        }
        world.go_on(secs(30));
        assert!(!world.is_running(), "{browsers} {blind}");
        assert_eq!(held(&world, "web1"), Some("awaiting_probe"));
    }
}
