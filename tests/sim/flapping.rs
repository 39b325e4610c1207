//! Sites that go down and come back again and again, moved by hand: when that is said, what is said after it, and when it is over.

use std::sync::Arc;

use probe::model::{
    Cause, Event, EventKind, Flaps, NoLogin, Notification, RecoveryOutcome, SiteState, Start,
    Timestamp, limits,
};
use probe::policy;

use super::gathering::hand as watched;
use super::hand::Hand;
use super::setup::{each_host, profile, secs};
use super::world::BEGIN;

const HOUR: u64 = 3_600;

/// Two sites of one host, both well; only what is asked for is probed.
fn hand() -> Hand {
    let mut hand = watched(secs(24 * HOUR));
    hand.heard();
    hand
}

impl Hand {
    /// The site is found like this.
    fn turns(&mut self, name: &str, cause: Option<Cause>) -> Timestamp {
        self.step(Event::Started(Start::Named([profile(name)].into())));
        self.answers(name, cause);
        self.now()
    }

    /// Down for five minutes, by a fault of its own; both ends of the outage.
    fn outage(&mut self, name: &str) -> (Timestamp, Timestamp) {
        let down = self.turns(name, Some(Cause::Content));
        self.ms += 300_000;
        let up = self.turns(name, None);
        self.ms += 60_000;
        (down, up)
    }

    /// What was told since this was last asked; a relay takes all of it.
    fn heard(&mut self) -> Vec<Notification> {
        let mut heard = Vec::new();
        while let Some((id, entry)) = self.fleet.outbox.pop_first() {
            self.fleet.in_transit.remove(&id);
            heard.push(entry.notification);
        }
        self.fleet.core.posts.clear();
        heard
    }

    fn events(&mut self) -> Vec<EventKind> {
        self.heard().iter().map(|told| told.event).collect()
    }

    /// Nothing turns for a millisecond less than is needed.
    fn nearly_calm(&mut self, last: Timestamp) {
        let over = last + limits::FLAP_CALM;
        self.ms = u64::try_from(over.0 - BEGIN).unwrap() - 1;
        self.step(Event::Ticked);
        assert_eq!(self.events(), [], "a millisecond before");
        assert_eq!(policy::wakeup(&self.settings, &self.fleet), Some(over));
    }

    /// Nothing turns for so long.
    fn calm(&mut self, last: Timestamp) -> Vec<Notification> {
        self.nearly_calm(last);
        self.ms += 1;
        self.step(Event::Ticked);
        self.heard()
    }

    /// Five outages are told, and the sixth as flapping: when the first one began, and the thread.
    fn flaps(&mut self, name: &str) -> (Timestamp, Notification) {
        let (first, _) = self.outage(name);
        for _ in 0..4 {
            self.outage(name);
        }
        use EventKind::{Down, Flapping, Up};
        assert_eq!(self.events(), [Down, Up].repeat(5));
        self.turns(name, Some(Cause::Content));
        let mut told = self.heard();
        assert_eq!((told.len(), told[0].event), (1, Flapping));
        (first, told.remove(0))
    }

    fn takes_out(&mut self, name: &str) {
        self.settings.profiles.remove(&profile(name));
        self.step(Event::Started(Start::Reload));
    }
}

#[test]
fn the_sixth_outage_within_an_hour_is_told_as_flapping_and_then_nothing_until_it_is_calm() {
    let mut hand = hand();
    let (first, told) = hand.flaps("shop");
    let since = first;
    assert_eq!(told.flaps, Some(Flaps { outages: 6, since }));
    assert_eq!(
        (told.sequence, told.profile.clone()),
        (0, Some(profile("shop")))
    );
    hand.ms += 300_000;
    hand.turns("shop", None);
    hand.ms += 60_000;
    let (down, last) = hand.outage("shop");
    assert!(down < last);
    assert!(hand.heard().is_empty());
    let told_last = hand.calm(last);
    let [up] = told_last.as_slice() else {
        panic!("{told_last:?}")
    };
    assert_eq!(up.event, EventKind::Up);
    assert_eq!(up.flaps, Some(Flaps { outages: 7, since }));
    assert_eq!(
        (&up.incident, up.sequence),
        (&told.incident, 1),
        "one thread"
    );
    assert_eq!((up.since, up.until), (Some(since), Some(hand.now())));
    // From then on an outage is an outage.
    hand.outage("shop");
    assert_eq!(hand.events(), [EventKind::Down, EventKind::Up]);
}

#[test]
fn five_outages_within_an_hour_are_five_threads() {
    let mut hand = hand();
    for _ in 0..12 {
        // The outage of an hour ago counts no more.
        hand.outage("shop");
        hand.ms += 720_000 - 360_000;
        assert_eq!(hand.events(), [EventKind::Down, EventKind::Up]);
    }
}

#[test]
fn a_site_that_flaps_and_stays_down_is_told_as_down() {
    let mut hand = hand();
    let (_, flapping) = hand.flaps("shop");
    let last = hand.now();
    let told = hand.calm(last);
    let [down] = told.as_slice() else {
        panic!("{told:?}")
    };
    assert_eq!(down.event, EventKind::Reminder);
    assert_eq!((&down.incident, down.sequence), (&flapping.incident, 1));
    hand.turns("shop", None);
    let told = hand.heard();
    let [up] = told.as_slice() else {
        panic!("{told:?}")
    };
    assert_eq!((up.event, up.sequence, up.flaps), (EventKind::Up, 2, None));
}

/// The sites of a host flap together: the other one's outages are of the same story, and keep it from being over.
#[test]
fn what_another_site_of_the_host_does_meanwhile_belongs_to_it() {
    let mut hand = hand();
    let (since, flapping) = hand.flaps("shop");
    hand.ms += 60_000;
    hand.turns("shop", None);
    hand.ms += 600_000;
    let (_, last) = hand.outage("blog");
    assert!(hand.heard().is_empty(), "not told by itself");
    let told = hand.calm(last);
    let [up] = told.as_slice() else {
        panic!("{told:?}")
    };
    assert_eq!(
        (up.event, &up.incident),
        (EventKind::Up, &flapping.incident)
    );
    assert_eq!(up.flaps, Some(Flaps { outages: 7, since }));
}

#[test]
fn a_flapping_site_that_is_taken_out_is_closed_once() {
    for is_down in [true, false] {
        let mut hand = hand();
        let (since, flapping) = hand.flaps("shop");
        hand.ms += 60_000;
        if !is_down {
            hand.turns("shop", None);
        }
        hand.takes_out("shop");
        let told = hand.heard();
        let [closed] = told.as_slice() else {
            panic!("{told:?}")
        };
        assert_eq!(
            (closed.event, &closed.incident),
            (EventKind::Closed, &flapping.incident)
        );
        assert_eq!((closed.sequence, closed.until), (1, Some(hand.now())));
        assert_eq!(closed.profile, Some(profile("shop")));
        if !is_down {
            assert_eq!(closed.since, Some(since));
        }
        hand.ms += 2 * HOUR * 1_000;
        hand.step(Event::Ticked);
        assert!(hand.heard().is_empty());
    }
}

/// Another site is down in its thread: that one goes on telling.
#[test]
fn the_thread_of_a_flapping_site_that_is_taken_out_goes_on_with_another() {
    let mut hand = hand();
    let (since, flapping) = hand.flaps("shop");
    hand.ms += 60_000;
    let last = hand.turns("blog", Some(Cause::Content));
    assert!(hand.heard().is_empty());
    hand.ms += 60_000;
    hand.takes_out("shop");
    let told = hand.heard();
    assert!(
        told.iter().all(|told| told.event != EventKind::Closed),
        "{told:?}"
    );
    hand.ms += 60_000;
    let last = hand.turns("blog", None).max(last);
    let mut told = told;
    told.extend(hand.heard());
    hand.ms += 60_000;
    hand.step(Event::Ticked);
    told.extend(hand.calm(last));
    let up = told.last().unwrap();
    assert_eq!(
        (up.event, &up.incident),
        (EventKind::Up, &flapping.incident)
    );
    assert_eq!(up.flaps.map(|flaps| flaps.since), Some(since));
    let gone = up.sites.iter().find(|site| site.profile == profile("shop"));
    assert!(gone.is_none_or(|site| site.state == SiteState::Unwatched));
}

/// Whoever of the host goes down or comes back, also beside another that is down: it is not over for half an hour more.
#[test]
fn each_turn_of_a_site_of_the_host_puts_the_end_off() {
    let mut hand = hand();
    hand.flaps("shop");
    let down = Some(Cause::Content);
    hand.ms += 60_000;
    for (name, shows) in [
        ("blog", down),
        ("blog", None),
        ("blog", down),
        ("shop", None),
        ("shop", down),
        ("shop", None),
        ("blog", None),
    ] {
        let last = hand.turns(name, shows);
        hand.nearly_calm(last);
    }
    hand.ms += 1;
    hand.step(Event::Ticked);
    assert_eq!(hand.events(), [EventKind::Up]);
}

/// A person is called: from then on they hear of everything, and an outage is an outage.
#[test]
fn a_host_that_was_given_up_flaps_no_more() {
    use EventKind::{Back, Down, GaveUp, Reminder, Up};
    let mut hand = hand();
    hand.takes_out("blog");
    hand.flaps("shop");
    hand.ms += 60_000;
    hand.turns("shop", None);
    let email = hand.settings.email.as_mut().unwrap();
    Arc::make_mut(email).reminder_interval = Some(secs(2 * HOUR));
    each_host(&mut hand.settings, |host| {
        host.restart.causes = [Cause::Refused].into();
    });
    hand.ms += 60_000;
    hand.step(Event::Started(Start::Named([profile("shop")].into())));
    let order = hand.ordered_by("shop");
    assert_eq!(hand.events(), [], "it flaps");
    // The login is refused for the last time.
    hand.fleet.host_mut(&order.host).no_login = Some(Box::new(NoLogin {
        seen: hand.now(),
        tries: 3,
        refusals: 3,
        refused: true,
        reason: "refused".into(),
    }));
    hand.end(&order, RecoveryOutcome::Refused, false);
    assert_eq!(hand.events(), [GaveUp]);
    let told = hand.now();
    hand.ms += 2 * HOUR * 1_000 - 1;
    hand.step(Event::Ticked);
    assert_eq!(hand.events(), [], "nothing is said of its calm");
    hand.ms += 1;
    hand.step(Event::Ticked);
    assert_eq!(hand.events(), [Reminder]);
    assert_eq!(hand.now(), told + secs(2 * HOUR));
    hand.turns("shop", None);
    assert_eq!(hand.events(), [Back]);
    hand.ms += 60_000;
    hand.outage("shop");
    assert_eq!(hand.events(), [Down, Up]);
}

/// The site that is down is taken out, and that ends the thread: the other one, which is well, flaps no more.
#[test]
fn a_thread_of_flapping_that_was_closed_is_over() {
    let mut hand = hand();
    hand.flaps("shop");
    hand.ms += 60_000;
    hand.turns("shop", None);
    hand.ms += 60_000;
    hand.turns("blog", Some(Cause::Content));
    hand.takes_out("blog");
    assert_eq!(hand.events(), [EventKind::Closed]);
    hand.ms += 60_000;
    hand.outage("shop");
    assert_eq!(hand.events(), [EventKind::Down, EventKind::Up]);
    hand.ms += 2 * HOUR * 1_000;
    hand.step(Event::Ticked);
    assert!(hand.heard().is_empty());
}
