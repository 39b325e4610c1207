//! Sites that cannot be judged by our own doing: when that is told, what it says, and what ends it. Moved by hand, to the
//! millisecond.

use std::sync::Arc;
use std::time::Duration;

use probe::model::{
    Cause, Effect, Event, EventKind, Finding, Happened, Notification, Observation, Remark,
    Settings, Start, Timestamp, Unjudged, Window, limits,
};

use super::evidence::{SHOP, check};
use super::hand::Hand;
use super::setup::{each_profile, host, profile, secs, settings};
use super::world::BEGIN;

const OURS: Option<Cause> = Some(Cause::Monitor);

/// A shop that is probed once a minute and was well; a canary is configured.
fn watched(change: impl Fn(&mut Settings)) -> Hand {
    let mut settings = settings(&["shop@web1"]);
    each_profile(&mut settings, |site| site.interval = secs(60));
    change(&mut settings);
    let mut hand = Hand::new(settings);
    hand.step(Event::Started(Start::Daemon));
    shows(&mut hand, None);
    hand
}

fn without_canaries(settings: &mut Settings) {
    settings.network.canaries.clear();
}

/// The shop's next probe finds this.
fn shows(hand: &mut Hand, cause: Option<Cause>) -> Vec<Effect> {
    hand.begins("shop");
    finds(hand, cause)
}

/// The probe of the shop that is under way finds this.
fn finds(hand: &mut Hand, cause: Option<Cause>) -> Vec<Effect> {
    let (probe, _) = hand.fleet.profiles[&profile("shop")].in_flight.unwrap();
    hand.step(Event::Probed {
        probe,
        profile: profile("shop"),
        checks: vec![check(SHOP, cause)],
    })
}

/// The canary that is being asked answers, or does not.
fn canary(hand: &mut Hand, answered: bool) {
    let (probe, _) = hand.fleet.core.network.in_flight.expect("one is asked");
    hand.step(Event::CanaryProbed {
        probe,
        answered,
        detail: Finding::Connected,
    });
}

fn unjudged(hand: &Hand) -> Option<Unjudged> {
    let track = &hand.fleet.profiles[&profile("shop")];
    track.unjudged.as_deref().cloned()
}

/// Cannot be judged until that is due to be told; without canaries it is told.
fn goes_blank(hand: &mut Hand) {
    for _ in 0..60 {
        shows(hand, OURS);
        if unjudged(hand).is_some_and(|known| known.due || known.told.is_some()) {
            return;
        }
    }
    panic!("it is never due: {:?}", unjudged(hand));
}

fn noted(hand: &Hand) -> usize {
    let notes = hand.notes.iter();
    notes
        .filter(|note| matches!(note, Happened::Unjudged { .. }))
        .count()
}

fn events(hand: &Hand) -> Vec<EventKind> {
    hand.told().iter().map(|told| told.event).collect()
}

fn last(hand: &Hand) -> Notification {
    (*hand.told().last().unwrap()).clone()
}

#[test]
fn more_than_five_minutes_must_have_passed() {
    for (later, told) in [(0, 0), (1, 1)] {
        let mut hand = watched(without_canaries);
        shows(&mut hand, OURS);
        let since = unjudged(&hand).unwrap().since;
        while hand.now().since(since) < secs(150) {
            shows(&mut hand, OURS);
        }
        hand.begins("shop");
        let at = since + limits::UNJUDGED + Duration::from_millis(later);
        assert!(hand.now() <= at);
        hand.ms = u64::try_from(at.0 - BEGIN).unwrap();
        finds(&mut hand, OURS);
        assert_eq!(noted(&hand), told, "{later} ms later");
    }
}

/// A failure that is still to be confirmed is no longer nothing: it is not told that the site cannot be judged.
#[test]
fn what_is_just_being_confirmed_is_judged_soon() {
    // Whether its host is silent altogether is asked of its SSH port.
    let mut hand = watched(without_canaries);
    nearly_due(&mut hand);
    finds(&mut hand, Some(Cause::ConnectTimeout));
    assert!(hand.fleet.hosts[&host("web1")].reaching.is_some());
    assert_eq!(noted(&hand), 0);
}

/// The next probe of the shop is under way, and what it finds comes in when five minutes are over.
fn nearly_due(hand: &mut Hand) {
    shows(hand, OURS);
    let since = unjudged(hand).unwrap().since;
    while hand.now().since(since) <= limits::UNJUDGED - secs(61) {
        shows(hand, OURS);
    }
    hand.begins("shop");
    hand.ms = u64::try_from((since + limits::UNJUDGED).0 - BEGIN).unwrap() + 5_000;
}

/// What was due is no longer, once people work on the site; a canary is asked only where none answered lately.
#[test]
fn what_is_due_may_end_before_a_canary_answers() {
    let mut hand = watched(|_| ());
    goes_blank(&mut hand);
    hand.begins("shop");
    // Each minute of the day.
    let window = Window::try_new("* * * * *", secs(600), "UTC").unwrap();
    each_profile(&mut hand.settings, |site| {
        site.maintenance = vec![window.clone()]
    });
    finds(&mut hand, OURS);
    canary(&mut hand, true);
    assert_eq!(noted(&hand), 0);
    assert_eq!(hand.fleet.core.network.in_flight, None, "for what?");

    let mut hand = watched(|_| ());
    goes_blank(&mut hand);
    canary(&mut hand, true);
    assert_eq!(noted(&hand), 1);

    let mut hand = watched(|_| ());
    nearly_due(&mut hand);
    hand.fleet.core.network.answered = Some(hand.now());
    let effects = finds(&mut hand, OURS);
    let asks = |effect: &Effect| matches!(effect, Effect::ProbeCanary { .. });
    assert!(!effects.iter().any(asks), "we can see");
    assert_eq!(noted(&hand), 1);
}

/// All that are due are told at once.
#[test]
fn what_a_canary_was_asked_for_is_told_together() {
    let mut hand = watched(|_| ());
    goes_blank(&mut hand);
    let mut other = hand.settings.profiles[&profile("shop")].as_ref().clone();
    other.name = profile("blog");
    let track = hand.fleet.profiles[&profile("shop")].clone();
    hand.settings
        .profiles
        .insert(profile("blog"), Arc::new(other));
    let blog = hand.fleet.profile_mut(&profile("blog"));
    (blog.unjudged, blog.unknown) = (track.unjudged, track.unknown);
    canary(&mut hand, true);
    assert_eq!(noted(&hand), 2);
}

/// No canary answers: that is told instead, and once one does the time counts anew.
#[test]
fn what_our_own_network_hid_counts_from_when_it_is_back() {
    let mut hand = watched(|_| ());
    goes_blank(&mut hand);
    canary(&mut hand, false);
    assert!(hand.fleet.core.network.blinded);
    while hand.fleet.core.network.in_flight.is_none() {
        hand.ms += 1_000;
        hand.step(Event::Ticked);
    }
    canary(&mut hand, true);
    let back = hand.now();
    assert_eq!(noted(&hand), 0);
    for _ in 0..20 {
        shows(&mut hand, OURS);
        if hand.fleet.core.network.in_flight.is_some() {
            canary(&mut hand, true);
        }
        if noted(&hand) > 0 {
            break;
        }
    }
    assert_eq!(noted(&hand), 1);
    assert!(hand.now().since(back) > limits::UNJUDGED);
}

/// Nothing was to be told: that no canary answers hides nothing.
#[test]
fn a_canary_that_fails_while_nothing_waits_hides_nothing() {
    let mut hand = watched(|_| ());
    goes_blank(&mut hand);
    shows(&mut hand, None);
    assert_eq!(unjudged(&hand), None);
    canary(&mut hand, false);
    assert!(!hand.fleet.core.network.blinded);
}

/// What its messages say, by people's clocks.
#[test]
fn what_is_said_of_a_site_that_cannot_be_judged() {
    let slow = Some(secs(2));
    let blank = || {
        let mut hand = watched(|settings| {
            without_canaries(settings);
            each_profile(settings, |site| site.slow = slow);
        });
        hand.wall_ms = 3_600_000;
        shows(&mut hand, OURS);
        let since = hand.now() + Duration::from_secs(3_600);
        goes_blank(&mut hand);
        (hand, since)
    };
    let same = |told: &Notification, since: Timestamp| {
        assert_eq!(told.profile, Some(profile("shop")));
        assert_eq!(told.host, Some(host("web1")));
        assert_eq!(told.since, Some(since));
        assert_eq!(told.slow, slow);
    };
    let seen = |told: &Notification| -> Vec<Cause> {
        let seen = told.seen.iter().filter_map(|seen| match seen {
            Observation::Check { cause, .. } => Some(*cause),
            _ => None,
        });
        seen.collect()
    };
    let (hand, since) = blank();
    let told = last(&hand);
    same(&told, since);
    assert_eq!(told.event, EventKind::Unjudged);
    assert_eq!((told.cause, seen(&told)), (OURS, vec![Cause::Monitor]));
    let ours = Finding::bare(Cause::Monitor);
    assert_eq!(told.remark, Some(Remark::Finding(ours.clone())));
    let note = hand.notes.iter().find_map(|note| match note {
        Happened::Unjudged { since, detail, .. } => Some((*since, detail.clone())),
        _ => None,
    });
    assert_eq!(note, Some((since, ours)));

    // Judged again: as well, with or without a remark, or as it is.
    for (found, event, cause) in [
        (None, EventKind::Up, None),
        (Some(Cause::Slow), EventKind::Up, None),
        (
            Some(Cause::Refused),
            EventKind::Closed,
            Some(Cause::Refused),
        ),
    ] {
        let (mut hand, since) = blank();
        shows(&mut hand, found);
        let told = last(&hand);
        same(&told, since);
        assert_eq!((told.event, told.cause), (event, cause), "{found:?}");
        assert_eq!(seen(&told), Vec::from_iter(cause), "{found:?}");
        assert!(told.judged);
    }

    // No longer watched: nobody knows how it is.
    let (mut hand, _) = blank();
    hand.settings.profiles.clear();
    hand.step(Event::Started(Start::Reload));
    let told = last(&hand);
    assert_eq!(told.event, EventKind::Closed);
    assert_eq!((told.cause, seen(&told)), (None, vec![]));
    assert!(!told.judged && told.until.is_some());
}

/// It is well again only where that is proven, and where what was found counts.
#[test]
fn one_answer_of_a_site_that_is_down_is_not_its_end() {
    let mut hand = watched(without_canaries);
    for _ in 0..3 {
        shows(&mut hand, Some(Cause::Content));
    }
    goes_blank(&mut hand);
    shows(&mut hand, None);
    let kinds = events(&hand);
    assert_eq!(kinds.last(), Some(&EventKind::Closed), "{kinds:?}");

    // A failure that a restart of its host caused shows nothing else than that.
    let mut hand = watched(without_canaries);
    goes_blank(&mut hand);
    hand.begins("shop");
    let later = hand.now() + secs(1);
    hand.fleet.host_mut(&host("web1")).evidence_from = later;
    finds(&mut hand, Some(Cause::Refused));
    let kinds = events(&hand);
    assert_eq!(kinds.last(), Some(&EventKind::Closed), "{kinds:?}");
}

/// Where nobody hears of it, the record does, once: what is noted is on the disk first.
#[test]
fn what_nobody_is_told_is_noted_durably() {
    let alone = |settings: &mut Settings| {
        without_canaries(settings);
        settings.email = None;
    };
    let mut hand = watched(alone);
    goes_blank(&mut hand);
    assert_eq!(noted(&hand), 1);
    assert!(hand.durable);
    shows(&mut hand, OURS);
    assert!(!hand.durable);
    shows(&mut hand, None);
    assert!(hand.durable);
    let again = |note: &Happened| matches!(note, Happened::JudgedAgain { .. });
    assert!(hand.notes.iter().any(again));
}

/// A site that is taken out while a canary is asked is nobody's matter any more.
#[test]
fn what_is_no_longer_watched_is_not_told() {
    let mut hand = watched(|_| ());
    goes_blank(&mut hand);
    hand.settings.profiles.clear();
    hand.step(Event::Started(Start::Reload));
    assert_eq!(unjudged(&hand), None);
    canary(&mut hand, true);
    assert_eq!(noted(&hand), 0);
    assert_eq!(events(&hand), []);
}

/// The week's report counts the time as not judged, also of a site that is taken out.
#[test]
fn the_week_counts_what_was_not_judged() {
    let report = |settings: &mut Settings| {
        without_canaries(settings);
        let email = settings.email.as_mut().unwrap();
        Arc::make_mut(email).report = true;
    };
    for removed in [false, true] {
        let mut hand = watched(report);
        goes_blank(&mut hand);
        let since = unjudged(&hand).unwrap().since;
        if removed {
            hand.settings.profiles.clear();
            hand.step(Event::Started(Start::Reload));
        } else {
            shows(&mut hand, None);
        }
        let lasted = u32::try_from(hand.now().since(since).as_secs()).unwrap();
        let week = hand.fleet.profiles[&profile("shop")].week;
        assert_eq!(week.unjudged_s, lasted, "{removed}");
    }
}
