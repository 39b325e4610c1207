//! Sites of one host that come and go within one thread of mails: who is listed as what, and what the one that goes on says.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use probe::model::{Affected, Cause, EventKind, Notification, SiteState, Timestamp};

use super::setup::{each_host, profile, secs, settings};
use super::world::{BEGIN, Fact, World};

/// From when on a site shows what, in seconds.
type Course<'a> = &'a [(u64, Option<Cause>)];

/// The site that is confirmed late: it counts as failing for so many failures.
const LATE: u32 = 60;

/// Sites on one host that is never restarted. Those in capital letters are confirmed late.
fn world(sites: &[(&str, Course<'_>)], minutes: u64) -> World {
    let names: Vec<String> = sites
        .iter()
        .map(|(name, _)| format!("{name}@web1"))
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut settings = settings(&names);
    each_host(&mut settings, |host| host.restart.causes.clear());
    for site in settings.profiles.values_mut() {
        if site.name.as_str().starts_with("late") {
            Arc::make_mut(site).failure_threshold = LATE;
        }
    }
    let mut world = World::new(settings);
    for (name, course) in sites {
        for (at, shows) in *course {
            let (name, shows) = (profile(name), *shows);
            world.at(secs(*at), move |world| {
                world.sites.insert(name, shows);
            });
        }
    }
    world.run_daemon();
    world.go_on(Duration::from_secs(60 * minutes));
    world
}

fn told(world: &World) -> Vec<&Notification> {
    let mails = world.mails().into_iter();
    mails.map(|entry| &entry.notification).collect()
}

fn last(world: &World) -> &Notification {
    told(world).pop().expect("a mail")
}

/// How a mail lists its sites.
fn listed(note: &Notification) -> Vec<(&str, SiteState)> {
    let sites = note.sites.iter();
    sites
        .map(|site| (site.profile.as_str(), site.state))
        .collect()
}

fn of<'a>(note: &'a Notification, name: &str) -> &'a Affected {
    let mut sites = note.sites.iter();
    sites
        .find(|site| site.profile.as_str() == name)
        .unwrap_or_else(|| panic!("{name} is not in {:?}", note.sites))
}

const DOWN: Option<Cause> = Some(Cause::Status);

#[test]
fn one_site_alone_is_no_list() {
    let world = world(&[("a", &[(60, DOWN), (600, None)])], 30);
    let mails = told(&world);
    assert_eq!(mails.len(), 2);
    assert!(mails.iter().all(|told| told.sites.is_empty()));
}

#[test]
fn who_was_back_before_the_speaker_is_listed_by_its_successor() {
    let down = |until| [(60, DOWN), (until, None)];
    let (a, b, c) = (down(1_200), down(2_400), down(600));
    let world = world(&[("a", &a), ("b", &b), ("c", &c)], 90);
    let end = last(&world);
    assert_eq!(
        (end.event, &end.profile),
        (EventKind::Up, &Some(profile("b")))
    );
    let back = ["a", "b", "c"].map(|name| (name, SiteState::Back));
    assert_eq!(listed(end), back);
    // Each incident that was opened is closed, and is another.
    let closed = world.facts.iter().filter_map(|(_, fact)| match fact {
        Fact::Closed(incident, profile) => Some((incident.clone(), profile.clone())),
        _ => None,
    });
    let closed: Vec<_> = closed.collect();
    let ids: BTreeSet<_> = closed.iter().map(|(incident, _)| incident).collect();
    assert_eq!((closed.len(), ids.len()), (3, 3), "{closed:?}");
    for (incident, profile) in &closed {
        assert!(
            incident.as_str().starts_with(profile.as_str()),
            "{closed:?}"
        );
    }
}

#[test]
fn who_is_back_one_after_the_other_is_listed_in_the_end() {
    let down = |until| [(60, DOWN), (until, None)];
    let (a, b, c) = (down(3_600), down(1_800), down(900));
    let world = world(&[("a", &a), ("b", &b), ("c", &c)], 90);
    let end = last(&world);
    assert_eq!(
        (end.event, &end.profile),
        (EventKind::Up, &Some(profile("a")))
    );
    assert_eq!(
        listed(end),
        ["a", "b", "c"].map(|name| (name, SiteState::Back))
    );
    for name in ["a", "b", "c"] {
        let until = of(end, name).until.expect("it is over");
        assert!(until <= end.at && until > of(end, name).since, "{name}");
    }
    assert_eq!(
        of(end, "a").until,
        Some(end.at),
        "it is the one that ended it"
    );
    assert!(of(end, "c").until < of(end, "b").until);
}

#[test]
fn that_one_is_back_while_another_is_not_is_told_after_five_minutes() {
    let (a, b) = ([(60, DOWN), (3_600, None)], [(60, DOWN), (1_200, None)]);
    let world = world(&[("a", &a), ("b", &b)], 90);
    let mails = told(&world);
    let events: Vec<EventKind> = mails.iter().map(|told| told.event).collect();
    use EventKind::{Down, Reminder, Up};
    assert_eq!(events, [Down, Reminder, Up]);
    assert_eq!(
        listed(mails[1]),
        [("a", SiteState::Down), ("b", SiteState::Back)]
    );
    let after = (mails[1].at.0 - BEGIN) / 1_000;
    // Two good probes make it well.
    assert!((1_500..=1_530).contains(&after), "{after} s");
}

#[test]
fn who_takes_over_says_its_own_cause_and_the_first_failure_of_all() {
    // The one that failed first is confirmed last, so the other one speaks.
    let (a, late) = (
        [(120, Some(Cause::Refused)), (2_400, None)],
        [(60, Some(Cause::ServerError)), (3_600, None)],
    );
    let world = world(&[("a", &a), ("late", &late)], 120);
    let mails = told(&world);
    let ids: BTreeSet<_> = mails.iter().map(|told| &told.incident).collect();
    assert_eq!(ids.len(), 1, "one thread");
    assert_eq!(mails[0].profile, Some(profile("a")));
    assert_eq!(mails[0].cause, Some(Cause::Refused));
    let end = last(&world);
    assert_eq!(
        (end.event, &end.profile),
        (EventKind::Up, &Some(profile("late")))
    );
    assert_eq!(end.cause, Some(Cause::ServerError));
    let since = end.since.map(|at| (at.0 - BEGIN) / 1_000).unwrap();
    assert!((60..=71).contains(&since), "{since} s");
    assert_eq!(end.opened, mails[0].opened, "when it was confirmed first");
}

#[test]
fn a_site_that_only_fails_is_listed_as_that_and_has_no_end() {
    let (a, late) = (
        [(60, Some(Cause::Refused)), (900, None)],
        [(60, Some(Cause::ServerError)), (300, None)],
    );
    let world = world(&[("a", &a), ("late", &late)], 60);
    let mails = told(&world);
    assert_eq!(
        listed(mails[0]),
        [("a", SiteState::Down), ("late", SiteState::Failing)]
    );
    assert_eq!(of(mails[0], "late").until, None);
    assert_eq!(of(mails[0], "a").until, None);
    // By the end it is well, and was never down.
    let end = last(&world);
    assert_eq!(
        listed(end),
        [("a", SiteState::Back), ("late", SiteState::Back)]
    );
    let well = |at: Timestamp| (at.0 - BEGIN) / 1_000;
    let until = of(end, "late").until.map(well).unwrap();
    assert!((300..=320).contains(&until), "{until} s");
}

#[test]
fn a_site_that_fails_by_its_own_fault_is_not_listed() {
    let (a, late) = (
        [(60, Some(Cause::Refused)), (400, None)],
        [(60, Some(Cause::Content)), (450, None)],
    );
    let world = world(&[("a", &a), ("late", &late)], 30);
    assert!(told(&world).iter().all(|told| told.sites.is_empty()));
}

/// Named as failing with the others, it fails by its own fault by now: it is not called back.
#[test]
fn a_site_that_was_listed_and_still_fails_is_not_back() {
    let late = [
        (60, Some(Cause::Refused)),
        (200, Some(Cause::Content)),
        (500, None),
    ];
    let world = world(
        &[
            ("a", &[(60, Some(Cause::Refused)), (300, None)]),
            ("late", &late),
        ],
        8,
    );
    let mails = told(&world);
    assert_eq!(
        listed(mails[0]),
        [("a", SiteState::Down), ("late", SiteState::Failing)]
    );
    let end = last(&world);
    assert_eq!(end.event, EventKind::Up);
    assert_eq!(
        listed(end),
        [("late", SiteState::Failing), ("a", SiteState::Back)]
    );
}
