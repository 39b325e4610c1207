//! Stories in which a site does not answer the connect: is it the web server, the host, or the way to it?

use probe::model::{Cause, EventKind, Next, Reach};

use super::super::setup::{host, secs, settings};
use super::super::world::{BEGIN, Fact, Ssh, World};
use super::{MINUTE, compare};

fn goes_silent(world: &mut World, ssh: Ssh) {
    world.at(MINUTE, move |world| {
        let words = if ssh == Ssh::Silent {
            "web1 loses its power: neither its site nor its SSH port answers"
        } else {
            "the kernel of web1 drops what comes for port 443; SSH answers"
        };
        world.say(words);
        world.machines.get_mut(&host("web1")).unwrap().ssh = ssh;
        world.ill("web1", Some(Cause::ConnectTimeout));
    });
}

/// Nobody can be sent to a machine that is off: people are told, and nothing is tried.
#[test]
fn site_and_ssh_silent() {
    let mut world = World::new(settings(&["shop@web1"]));
    goes_silent(&mut world, Ssh::Silent);
    world.at(20 * MINUTE, |world| {
        world.say("web1 has power again");
        world.machines.get_mut(&host("web1")).unwrap().ssh = Ssh::Ok;
        world.ill("web1", None);
    });
    world.run_daemon();
    world.go_on(30 * MINUTE);
    assert_eq!(world.restarts("web1"), 0);
    assert_eq!(world.events(), [EventKind::Down, EventKind::Up]);
    let down = world.mails().first().unwrap().notification.clone();
    assert_eq!(down.cause, Some(Cause::HostUnreachable));
    assert!(matches!(down.next, Next::Held(_)), "{:?}", down.next);
    assert!(
        down.seen[0]
            .to_string()
            .contains("SSH port of its host is silent"),
        "{:?}",
        down.seen
    );
    compare("site-and-ssh-silent", &world);
}

#[test]
fn site_silent_ssh_answers() {
    let mut world = World::new(settings(&["shop@web1"]));
    goes_silent(&mut world, Ssh::Ok);
    world.run_daemon();
    world.go_on(20 * MINUTE);
    assert_eq!(world.restarts("web1"), 1);
    compare("site-silent-ssh-answers", &world);
}

/// Without canaries the failure waits for the SSH port all the same, and the host that answers again is healed.
#[test]
fn without_canaries_and_ssh_first_to_come_back() {
    let mut settings = settings(&["shop@web1"]);
    settings.network.canaries.clear();
    let mut world = World::new(settings);
    goes_silent(&mut world, Ssh::Silent);
    world.at(10 * MINUTE, |world| {
        assert_eq!(world.restarts("web1"), 0);
        world.say("web1 has power again, and its web server does not start");
        world.machines.get_mut(&host("web1")).unwrap().ssh = Ssh::Ok;
    });
    world.run_daemon();
    world.go_on(30 * MINUTE);
    assert_eq!(world.restarts("web1"), 1);
    compare("ssh-first-to-come-back", &world);
}

/// The process dies while the SSH port is being tried: the next one asks again.
#[test]
fn a_crash_while_the_port_is_tried_blocks_nothing() {
    let mut world = World::new(settings(&["shop@web1"]));
    goes_silent(&mut world, Ssh::Silent);
    // The first silent probe ends within the first interval and five seconds; the port takes three more.
    for second in (60..130).step_by(2) {
        world.at(secs(second), |world| {
            if world
                .fleet()
                .hosts
                .values()
                .any(|host| host.reaching.is_some())
            {
                world.crash();
            }
        });
    }
    world.run_daemon();
    world.go_on(15 * MINUTE);
    assert_eq!(world.restarts("web1"), 0);
    assert_eq!(world.events(), [EventKind::Down]);
}

/// While our own network was down every host was silent to us; that is no sign that one of them started anew.
#[test]
fn what_was_silent_while_we_were_blind_needs_no_boot_window() {
    let mut world = World::new(settings(&["shop@web1"]));
    world.at(MINUTE, |world| world.network = false);
    world.at(6 * MINUTE, |world| {
        world.network = true;
        world.ill("web1", Some(Cause::Refused));
    });
    world.run_daemon();
    world.go_on(20 * MINUTE);
    let ordered = world.facts.iter().find_map(|(t, fact)| match fact {
        Fact::Ordered { .. } => Some(t - BEGIN),
        _ => None,
    });
    let silent = |(_, fact): &&(i64, Fact)| {
        matches!(
            fact,
            Fact::Reached {
                reach: Reach::Silent,
                ..
            }
        )
    };
    assert!(world.facts.iter().filter(silent).count() > 3);
    assert!(ordered.unwrap() < 8 * 60_000, "{ordered:?}");
}
