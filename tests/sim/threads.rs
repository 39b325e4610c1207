//! Which sites of a host are told of together, from when on, and what is left when the one that spoke for them is back.

use std::collections::BTreeSet;
use std::time::Duration;

use probe::model::{Cause, EventKind, Notification, ProfileName, SiteState};

use super::setup::{each_host, profile, secs, settings};
use super::world::{BEGIN, World};

const MINUTE: Duration = Duration::from_secs(60);

/// `a` and `b` on one host that is never restarted; each shows its cause from its moment on, and is well again at its other one.
fn world(a: (Cause, u64, u64), b: (Cause, u64, u64)) -> World {
    let mut settings = settings(&["a@web1", "b@web1"]);
    each_host(&mut settings, |host| host.restart.causes.clear());
    let mut world = World::new(settings);
    for (name, (cause, from, until)) in [("a", a), ("b", b)] {
        world.at(secs(from), move |world| {
            world.sites.insert(profile(name), Some(cause));
        });
        world.at(secs(until), move |world| {
            world.sites.insert(profile(name), None);
        });
    }
    world.run_daemon();
    world.go_on(90 * MINUTE);
    world
}

fn told(world: &World) -> Vec<&Notification> {
    let mails = world.mails().into_iter();
    mails.map(|entry| &entry.notification).collect()
}

/// How many threads there were.
fn threads(world: &World) -> usize {
    let ids: BTreeSet<_> = told(world)
        .iter()
        .filter_map(|told| told.incident.clone())
        .collect();
    ids.len()
}

const HOUR: u64 = 3_600;

#[test]
fn a_site_joins_what_its_host_suffers_from_for_ten_minutes() {
    // Each is confirmed some 20 s after its first failure.
    for (later, wanted) in [(60, 1), (540, 1), (660, 2), (1_800, 2)] {
        let world = world((Cause::Status, 60, HOUR), (Cause::Status, 60 + later, HOUR));
        assert_eq!(threads(&world), wanted, "{later} s later");
    }
}

#[test]
fn only_what_has_one_cause_or_ails_the_host_is_one_story() {
    for (a, b, wanted) in [
        (Cause::Status, Cause::Status, 1),
        (Cause::Status, Cause::Content, 2),
        (Cause::Refused, Cause::ServerError, 1),
        (Cause::ServerError, Cause::Status, 2),
        (Cause::Status, Cause::ServerError, 2),
    ] {
        let world = world((a, 60, HOUR), (b, 120, HOUR));
        assert_eq!(threads(&world), wanted, "{a:?} and {b:?}");
    }
}

#[test]
fn who_joins_what_was_told_already_is_told_five_minutes_later() {
    let world = world((Cause::Status, 60, HOUR), (Cause::Status, 240, HOUR));
    let names_b = |told: &&Notification| {
        let down = |site: &probe::model::Affected| {
            site.profile == profile("b") && site.state == SiteState::Down
        };
        told.sites.iter().any(down)
    };
    let mails = told(&world);
    assert_eq!(mails[0].event, EventKind::Down);
    assert!(!names_b(&mails[0]));
    let first = mails.iter().copied().find(|told| names_b(told)).unwrap();
    let after = (first.at.0 - BEGIN) / 1_000;
    // Down at 260 s.
    assert!((560..=575).contains(&after), "{after} s");
    // And once: the next one is hours away.
    let again = mails.iter().copied().filter(|told| names_b(told)).count();
    assert_eq!(again, 1);
}

#[test]
fn who_goes_down_together_is_named_at_once_and_never_again_as_news() {
    let world = world((Cause::Status, 60, HOUR), (Cause::Status, 60, HOUR));
    let mails = told(&world);
    let events: Vec<EventKind> = mails.iter().map(|told| told.event).collect();
    assert_eq!(events, [EventKind::Down, EventKind::Up]);
    assert_eq!(mails[0].sites.len(), 2);
}

/// The site that spoke for both is back first; the other one goes on in the same thread, and the end tells the whole.
#[test]
fn who_takes_over_a_thread_tells_it_from_its_beginning() {
    let world = world((Cause::Status, 60, 1_200), (Cause::Status, 120, HOUR));
    let mails = told(&world);
    assert_eq!(threads(&world), 1);
    let (down, up) = (mails[0], mails[mails.len() - 1]);
    assert_eq!((down.event, up.event), (EventKind::Down, EventKind::Up));
    assert_eq!(down.profile, Some(profile("a")));
    assert_eq!(up.profile, Some(profile("b")));
    assert_eq!(up.first, Some(profile("a")), "readers find the thread");
    assert_eq!(
        (up.since, up.opened),
        (down.since, down.opened),
        "since the first of them failed"
    );
    let sequences: Vec<u32> = mails.iter().map(|told| told.sequence).collect();
    let counted: Vec<u32> = (0..).take(mails.len()).collect();
    assert_eq!(sequences, counted, "one thread, in order");
    let back: Vec<(&ProfileName, SiteState)> = up
        .sites
        .iter()
        .map(|site| (&site.profile, site.state))
        .collect();
    assert!(back.contains(&(&profile("a"), SiteState::Back)), "{back:?}");
    // That the first one is back was told before the end.
    let ends = |told: &&Notification| told.event == EventKind::Up;
    assert_eq!(mails.iter().copied().filter(|told| ends(told)).count(), 1);
}
