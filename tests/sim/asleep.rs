//! What keeps the loop asleep: it is not woken for what could not be begun then.

use probe::model::{Cause, Event, Finding, Start, limits};
use probe::policy;

use super::hand::Hand;
use super::setup::{profile, settings};

fn hand() -> Hand {
    let mut hand = Hand::new(settings(&["shop@web1"]));
    hand.step(Event::Started(Start::Daemon));
    hand
}

fn sleeps(hand: &Hand) -> bool {
    let wakeup = policy::wakeup(&hand.settings, &hand.fleet);
    wakeup.is_none_or(|at| at > hand.now())
}

/// One of those that are under way must end before another begins, and that wakes the loop.
#[test]
fn a_probe_that_is_due_wakes_nobody_while_as_many_as_may_be_are_under_way() {
    let mut hand = hand();
    hand.begins("shop");
    hand.answers("shop", None);
    hand.fleet.probing = limits::PROBES_IN_FLIGHT;
    hand.ms += 60_000;
    hand.step(Event::Ticked);
    let shop = &hand.fleet.profiles[&profile("shop")];
    assert_eq!(shop.in_flight, None);
    assert!(shop.due <= hand.now());
    assert!(sleeps(&hand));
}

/// Canaries that did not answer are asked again after ten seconds, once, and only where there are any.
#[test]
fn a_canary_that_is_asked_wakes_nobody() {
    for asks in [true, false] {
        let mut hand = hand();
        hand.begins("shop");
        hand.answers("shop", Some(Cause::Refused));
        let (probe, _) = hand.fleet.core.network.in_flight.unwrap();
        hand.step(Event::CanaryProbed {
            probe,
            answered: false,
            detail: Finding::Connected,
        });
        if !asks {
            hand.settings.network.canaries.clear();
            hand.step(Event::Started(Start::Reload));
        }
        hand.ms += 10_000;
        hand.step(Event::Ticked);
        assert_eq!(hand.fleet.core.network.in_flight.is_some(), asks);
        assert!(sleeps(&hand), "{asks}");
    }
}
