//! Stories whose whole course is compared with a committed transcript (`tests/sim/scenarios/NAME.txt`).
//! `UPDATE_TRANSCRIPTS=1 cargo test --test sim` writes them anew; read the difference before you commit it.

use std::time::Duration;

use probe::model::{Ailment, Cause, EventKind, Happened, Pause};

use super::invariants;
use super::replayed;
use super::setup::{each_host, host, profile, secs, settings};
use super::story::transcript;
use super::world::{BEGIN, Fact, Heals, Ssh, World};

mod asking;
mod bystanders;
mod changes;
mod crowds;
mod endings;
mod in_time;
mod ours;
mod pace;
mod rehearsals;
mod reminders;
mod silent;
mod together;
mod unjudged;
mod weeks;
mod whose;
mod windows;

const MINUTE: Duration = Duration::from_secs(60);

/// Compares a world's transcript with the committed one, and checks every invariant on the way.
fn compare(name: &str, world: &World) {
    invariants::check(world, name);
    replayed::check(world, name);
    let got = transcript(world);
    let path = format!(
        "{}/tests/sim/scenarios/{name}.txt",
        env!("CARGO_MANIFEST_DIR")
    );
    if std::env::var_os("UPDATE_TRANSCRIPTS").is_some() {
        std::fs::write(&path, &got).unwrap();
    }
    let wanted = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        got == wanted,
        "{name}: the course has changed. Now:\n{got}\nCommitted:\n{wanted}"
    );
}

fn nginx_stops(world: &mut World, after: Duration) {
    world.at(after, |world| {
        world.say("nginx on web1 stops, and writes no log");
        world.ill("web1", Some(Cause::Refused));
    });
}

#[test]
fn nginx_stops_at_six() {
    let mut world = World::new(settings(&["shop@web1"]));
    nginx_stops(&mut world, MINUTE);
    world.run_daemon();
    world.go_on(20 * MINUTE);
    assert_eq!(world.restarts("web1"), 1);
    assert_eq!(
        world.events(),
        [EventKind::Down, EventKind::Restarted, EventKind::Up]
    );
    compare("nginx-stops-at-six", &world);
}

#[test]
fn nginx_stops_at_six_seen_from_cron() {
    let mut world = World::new(settings(&["shop@web1"]));
    nginx_stops(&mut world, MINUTE + secs(5));
    world.run_cron();
    world.go_on(20 * MINUTE);
    assert_eq!(
        world.events(),
        [EventKind::Down, EventKind::Restarted, EventKind::Up]
    );
    compare("nginx-stops-at-six-cron", &world);
}

#[test]
fn restart_does_not_help() {
    let mut world = World::new(settings(&["shop@web1"]));
    world.machines.get_mut(&host("web1")).unwrap().heals = Heals::No;
    nginx_stops(&mut world, MINUTE);
    world.at(40 * MINUTE, |world| {
        world.say("a person mends web1 by hand");
        world.ill("web1", None);
    });
    world.run_daemon();
    world.go_on(60 * MINUTE);
    assert_eq!(world.restarts("web1"), 3);
    let events = world.events();
    assert_eq!(
        events
            .iter()
            .filter(|event| **event == EventKind::GaveUp)
            .count(),
        1
    );
    assert_eq!(events.last(), Some(&EventKind::Back));
    compare("restart-does-not-help", &world);
}

#[test]
fn the_budget_holds_between_incidents() {
    let mut settings = settings(&["shop@web1"]);
    each_host(&mut settings, |host| host.restart.give_up_after = 10);
    let mut world = World::new(settings);
    world.machines.get_mut(&host("web1")).unwrap().heals = Heals::For(120_000);
    nginx_stops(&mut world, MINUTE);
    world.run_daemon();
    world.go_on(90 * MINUTE);
    compare("budget-holds", &world);
}

#[test]
fn two_profiles_one_host() {
    let mut world = World::new(settings(&["shop@web1", "blog@web1"]));
    nginx_stops(&mut world, MINUTE);
    world.run_daemon();
    world.go_on(20 * MINUTE);
    assert_eq!(world.restarts("web1"), 1);
    compare("two-profiles-one-host", &world);
}

#[test]
fn ten_profiles_one_host_one_restart() {
    let names: Vec<String> = (0..10).map(|n| format!("site{n}@web1")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut world = World::new(settings(&names));
    nginx_stops(&mut world, MINUTE);
    world.run_daemon();
    world.go_on(30 * MINUTE);
    assert_eq!(world.restarts("web1"), 1);
    invariants::check(&world, "ten");
    let told: Vec<(EventKind, usize)> = world
        .mails()
        .iter()
        .map(|entry| (entry.notification.event, entry.notification.sites.len()))
        .collect();
    let all = [EventKind::Down, EventKind::Restarted, EventKind::Up].map(|event| (event, 10));
    assert_eq!(told, all, "one thread, and each mail lists the ten sites");
}

#[test]
fn server_error_is_not_stopped() {
    let mut world = World::new(settings(&["shop@web1", "blog@web1"]));
    world.at(MINUTE, |world| {
        world.say("shop answers 500; blog is well, so the web server is");
        world
            .sites
            .insert(profile("shop"), Some(Cause::ServerError));
    });
    world.at(30 * MINUTE, |world| {
        world.say("now blog answers 500 as well: all of the host's sites do");
        world.ill("web1", Some(Cause::ServerError));
        world.sites.insert(profile("shop"), None);
    });
    world.run_daemon();
    world.go_on(40 * MINUTE);
    assert_eq!(
        world.restarts("web1"),
        1,
        "only when all of the host's sites fail"
    );
    compare("server-error-is-not-stopped", &world);
}

#[test]
fn application_faults_restart_nothing() {
    for cause in [
        Cause::Status,
        Cause::Content,
        Cause::Redirect,
        Cause::Dns,
        Cause::TlsCertificate,
        Cause::Unreachable,
        Cause::NotTls,
    ] {
        let mut world = World::new(settings(&["shop@web1"]));
        world.sites.insert(profile("shop"), Some(cause));
        world.run_daemon();
        world.go_on(60 * MINUTE);
        assert_eq!(world.restarts("web1"), 0, "{cause}");
        assert_eq!(world.events(), [EventKind::Down], "{cause}");
        invariants::check(&world, cause.word());
    }
}

#[test]
fn cron_and_daemon_decide_alike() {
    let play = |sites: &[&str], daemon: bool, heals: Heals| {
        let mut world = World::new(settings(sites));
        world.machines.get_mut(&host("web1")).unwrap().heals = heals;
        nginx_stops(&mut world, 2 * MINUTE);
        if daemon {
            world.run_daemon()
        } else {
            world.run_cron()
        }
        world.go_on(120 * MINUTE);
        invariants::check(&world, if daemon { "daemon" } else { "cron" });
        (world.restarts("web1"), world.events())
    };
    for heals in [Heals::Yes, Heals::No] {
        let one = ["shop@web1"];
        let (daemon, cron) = (play(&one, true, heals), play(&one, false, heals));
        assert_eq!(daemon, cron, "{heals:?}");
        // A daemon spreads its probes, so the second site may not be down yet when the first is healed: fewer mails.
        let two = ["shop@web1", "blog@web1"];
        let (daemon, cron) = (play(&two, true, heals), play(&two, false, heals));
        assert_eq!(daemon.0, cron.0, "{heals:?}");
    }
}

#[test]
fn a_pause_stops_acts_not_watching() {
    let mut world = World::new(settings(&["shop@web1"]));
    world.at(secs(30), |world| {
        world.say("probe pause web1 --for 20m");
        let pause = Pause {
            since: None,
            until: Some(probe::model::Timestamp(BEGIN + 20 * 60_000)),
            reason: Some("deploy".into()),
        };
        world.pauses.insert("web1".into(), pause);
        world.order();
    });
    nginx_stops(&mut world, MINUTE);
    world.run_daemon();
    world.go_on(40 * MINUTE);
    compare("pause", &world);
}

/// What passes by itself as a rule is told where it does not.
#[test]
fn a_hold_that_lasts_is_told_once() {
    let mut settings = settings(&["shop@web1"]);
    each_host(&mut settings, |host| host.diagnose = true);
    let mut world = World::new(settings);
    world.machines.get_mut(&host("web1")).unwrap().heals = Heals::No;
    nginx_stops(&mut world, MINUTE);
    world.at(2 * MINUTE, |world| {
        world.say("an update of packages begins on web1, and does not end");
        let machine = world.machines.get_mut(&host("web1")).unwrap();
        machine.short = Some(Ailment::PackageManager);
    });
    world.run_daemon();
    world.go_on(22 * MINUTE);
    assert_eq!(world.restarts("web1"), 1, "not in the middle of an update");
    let withheld = |event: &&EventKind| **event == EventKind::Withheld;
    assert_eq!(world.events().iter().filter(withheld).count(), 1);
    compare("hold-that-lasts", &world);
    world.go_on(15 * MINUTE);
    assert!(world.restarts("web1") > 1, "half an hour is long enough");
}

#[test]
fn host_key_changed_is_a_matter_for_a_person() {
    let mut world = World::new(settings(&["shop@web1"]));
    world.machines.get_mut(&host("web1")).unwrap().ssh = Ssh::KeyChanged;
    nginx_stops(&mut world, MINUTE);
    world.at(30 * MINUTE, |world| {
        world.say("a person has checked the key: probe resume web1");
        world.machines.get_mut(&host("web1")).unwrap().ssh = Ssh::Ok;
        world.rearm.insert("web1".into());
        world.order();
    });
    world.run_daemon();
    world.go_on(50 * MINUTE);
    assert_eq!(world.events().last(), Some(&EventKind::Back));
    compare("host-key-changed", &world);
}

#[test]
fn ssh_refused_then_open() {
    let mut world = World::new(settings(&["shop@web1"]));
    world.machines.get_mut(&host("web1")).unwrap().ssh = Ssh::Closed;
    nginx_stops(&mut world, MINUTE);
    world.at(4 * MINUTE, |world| {
        world.say("sshd on web1 is back");
        world.machines.get_mut(&host("web1")).unwrap().ssh = Ssh::Ok;
    });
    world.run_daemon();
    world.go_on(30 * MINUTE);
    assert_eq!(world.restarts("web1"), 1);
    compare("ssh-refused", &world);
}

/// The look that comes before a restart learns it first: nothing is ever sent, and nothing is counted.
#[test]
fn ssh_refused_where_the_host_is_looked_at() {
    let mut settings = settings(&["shop@web1"]);
    each_host(&mut settings, |host| host.diagnose = true);
    let mut world = World::new(settings);
    world.machines.get_mut(&host("web1")).unwrap().ssh = Ssh::Closed;
    nginx_stops(&mut world, MINUTE);
    world.at(5 * MINUTE, |world| {
        world.say("sshd on web1 is back");
        world.machines.get_mut(&host("web1")).unwrap().ssh = Ssh::Ok;
    });
    world.run_daemon();
    world.go_on(30 * MINUTE);
    let orders = world.facts.iter();
    let orders = orders.filter(|(_, fact)| matches!(fact, Fact::Ordered { .. }));
    assert_eq!((orders.count(), world.restarts("web1")), (1, 1));
    assert_eq!(
        world.events(),
        [EventKind::Down, EventKind::Restarted, EventKind::Up]
    );
    compare("ssh-refused-looked-at", &world);
}

/// Refused once in each of five failures that end by themselves: in none of them often enough to give up.
#[test]
fn a_refused_login_of_an_earlier_failure_is_not_counted() {
    let mut settings = settings(&["shop@web1"]);
    each_host(&mut settings, |host| host.diagnose = true);
    let mut world = World::new(settings);
    world.machines.get_mut(&host("web1")).unwrap().ssh = Ssh::KeyChanged;
    for hour in 0..5 {
        let begins = hour * 60 * MINUTE + MINUTE;
        nginx_stops(&mut world, begins);
        world.at(begins + 2 * MINUTE, |world| {
            world.say("a person starts nginx");
            world.ill("web1", None);
        });
    }
    world.run_daemon();
    world.go_on(5 * 60 * MINUTE);
    invariants::check(&world, "refused once in each");
    let gave_up = |fact: &Fact| matches!(fact, Fact::Noted(Happened::GaveUp { .. }));
    assert!(!world.facts.iter().any(|(_, fact)| gave_up(fact)));
}

/// Nobody looks at this host, and its SSH port tells all the same that the whole machine starts anew.
#[test]
fn a_host_that_starts_anew_is_given_its_time() {
    let mut world = World::new(settings(&["shop@web1"]));
    world.at(MINUTE, |world| {
        world.say("web1 starts anew: it refuses connections on all its ports");
        world.machines.get_mut(&host("web1")).unwrap().ssh = Ssh::Closed;
        world.ill("web1", Some(Cause::Refused));
    });
    world.at(2 * MINUTE + secs(20), |world| {
        world.say("sshd on web1 answers, nginx not yet");
        world.machines.get_mut(&host("web1")).unwrap().ssh = Ssh::Ok;
    });
    world.at(4 * MINUTE + secs(30), |world| {
        world.say("nginx on web1 has started");
        world.ill("web1", None);
    });
    world.run_daemon();
    world.go_on(30 * MINUTE);
    assert_eq!(world.restarts("web1"), 0);
    compare("host-starts-anew", &world);
}

#[test]
fn many_hosts_at_once_are_not_restarted() {
    let mut world = World::new(settings(&["a@web1", "b@web2", "c@web3"]));
    world.at(MINUTE, |world| {
        world.say("web1, web2 and web3 refuse connections at once");
        for name in ["web1", "web2", "web3"] {
            world.ill(name, Some(Cause::Refused));
        }
    });
    world.at(30 * MINUTE, |world| {
        world.say("web2 and web3 are mended by hand");
        world.ill("web2", None);
        world.ill("web3", None);
    });
    world.run_daemon();
    world.go_on(45 * MINUTE);
    assert_eq!((world.restarts("web2"), world.restarts("web3")), (0, 0));
    compare("many-hosts-at-once", &world);
}

/// S18: an equal configuration read again changes nothing but the clock.
#[test]
fn reload_of_an_equal_configuration_changes_nothing() {
    let mut world = World::new(settings(&["shop@web1", "blog@web2", "wiki"]));
    nginx_stops(&mut world, MINUTE);
    world.run_daemon();
    for _ in 0..120 {
        world.go_on(secs(5));
        let before = world.fleet();
        let (told, core) = (transcript(&world), before.core.clone());
        world.reload();
        let mut after = world.fleet();
        after.core.clock = core.clock.clone();
        assert_eq!(
            (before.core, before.profiles, before.hosts, before.outbox),
            (after.core, after.profiles, after.hosts, after.outbox)
        );
        assert_eq!(transcript(&world), told);
    }
    assert_eq!(world.restarts("web1"), 1);
}

/// A profile that is removed while it is down ends its incident; the host's budget stays.
#[test]
fn removed_and_added_again_gives_no_fresh_budget() {
    let whole = settings(&["shop@web1"]);
    let mut world = World::new(whole.clone());
    world.machines.get_mut(&host("web1")).unwrap().heals = Heals::No;
    nginx_stops(&mut world, MINUTE);
    let empty = settings(&["other"]);
    world.at(10 * MINUTE, move |world| {
        let gone = Fact::Removed(host("web1"), vec![profile("shop")]);
        world.facts.push((world.t, gone));
        world.sites.insert(profile("other"), None);
        world.settings = empty;
        world.reload();
    });
    world.at(12 * MINUTE, move |world| {
        let again = Fact::Added(host("web1"), vec![profile("shop")]);
        world.facts.push((world.t, again));
        world.settings = whole;
        world.reload();
    });
    world.run_daemon();
    world.go_on(60 * MINUTE);
    assert_eq!(world.restarts("web1"), 3);
    compare("removed-and-added-again", &world);
}

/// The kernel sends only so many ICMP errors: a route that is gone shows as silence between them.
#[test]
fn silence_beside_an_unreachable_network_is_not_the_servers() {
    let mut world = World::new(settings(&["shop@web1"]));
    for n in 0_u32..60 {
        let cause = if n % 4 == 0 {
            Cause::Unreachable
        } else {
            Cause::ConnectTimeout
        };
        world.at(MINUTE + n * secs(10) - secs(1), move |world| {
            _ = world.sites.insert(profile("shop"), Some(cause))
        });
    }
    world.run_daemon();
    world.go_on(11 * MINUTE);
    assert_eq!(world.restarts("web1"), 0);
    assert_eq!(world.events(), [EventKind::Down]);
    invariants::check(&world, "silence");
}
