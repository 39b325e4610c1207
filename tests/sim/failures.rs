//! What one result changes in what is remembered of a site, moved by hand and to the millisecond.

use std::sync::Arc;

use probe::model::{
    Away, Cause, CheckOutcome, CheckResult, Event, ProbeId, ProfileTrack, Reach, Start, Timestamp,
    Window,
};

use super::gathering::hand;
use super::hand::Hand;
use super::setup::{host, profile, secs, settings};
use super::world::BEGIN;

/// One site on a host that may be restarted for what its server does wrong; nothing is asked before a failure counts.
fn shop() -> Hand {
    let mut settings = settings(&["shop@web1"]);
    settings.network.canaries.clear();
    let site = settings.profiles.get_mut(&profile("shop")).unwrap();
    // Enough for every failure of a test.
    Arc::make_mut(site).failure_threshold = 10;
    let mut hand = Hand::new(settings);
    hand.step(Event::Started(Start::Daemon));
    hand
}

fn track(hand: &Hand) -> &ProfileTrack {
    &hand.fleet.profiles[&profile("shop")]
}

impl Hand {
    /// A person has this site probed now.
    fn asks(&mut self, name: &str) {
        self.step(Event::Started(Start::Named([profile(name)].into())));
        assert!(self.fleet.profiles[&profile(name)].in_flight.is_some());
    }

    /// The next probe finds this, at once.
    fn finds(&mut self, cause: Option<Cause>) -> Timestamp {
        self.begins("shop");
        let began = self.now();
        self.answers("shop", cause);
        began
    }
}

/// The answer to a probe that was given up, or made by an earlier run, says nothing.
#[test]
fn an_answer_to_another_probe_counts_for_nothing() {
    let mut hand = shop();
    hand.finds(Some(Cause::Refused));
    hand.begins("shop");
    let before = track(&hand).clone();
    let (probe, _) = before.in_flight.expect("it is being probed");
    hand.step(Event::Probed {
        probe: ProbeId(probe.0 + 1_000),
        profile: profile("shop"),
        checks: vec![CheckResult::new(
            "https://shop.example.com/",
            CheckOutcome::Ok,
        )],
    });
    assert_eq!(*track(&hand), before);
    hand.answers("shop", None);
    assert_eq!(track(&hand).failures, 0);
}

/// A success that takes evidence away must not be forgotten in a crash; one more among others may be written later.
#[test]
fn what_takes_evidence_away_is_durable() {
    let mut hand = shop();
    hand.finds(Some(Cause::Refused));
    assert_eq!(track(&hand).evidence.began.len(), 1);
    hand.finds(None);
    assert!(hand.durable, "it takes evidence away");
    hand.finds(None);
    assert!(!hand.durable);
    // So does a failure that no restart mends.
    hand.finds(Some(Cause::Refused));
    hand.finds(Some(Cause::Content));
    assert!(hand.durable);
    assert_eq!(track(&hand).evidence.began, []);
    hand.finds(Some(Cause::Content));
    assert!(!hand.durable, "nothing was left to take");
}

#[test]
fn only_failures_in_a_row_that_a_restart_may_mend_are_evidence() {
    let mut hand = shop();
    let refused = Some(Cause::Refused);
    hand.finds(refused);
    hand.finds(refused);
    hand.finds(Some(Cause::Content));
    let last = hand.finds(refused);
    assert_eq!(track(&hand).evidence.began, [last]);
    assert_eq!(track(&hand).failures, 4, "down it is all the same");
}

/// A server that is gone and one that answers wrongly are two faults: what was learned of the one says nothing of the other.
#[test]
fn evidence_is_alike_as_long_as_the_server_is_gone_or_is_not() {
    let mut hand = shop();
    let first = hand.finds(Some(Cause::Refused));
    let alike_from = |hand: &Hand| track(hand).evidence.alike_from;
    assert_eq!(alike_from(&hand), Some(first));
    hand.finds(Some(Cause::Reset));
    assert_eq!(alike_from(&hand), Some(first), "still gone");
    let other = hand.finds(Some(Cause::ServerError));
    assert_eq!(alike_from(&hand), Some(other));
    hand.finds(Some(Cause::ServerError));
    assert_eq!(alike_from(&hand), Some(other));
    let again = hand.finds(Some(Cause::Closed));
    assert_eq!(alike_from(&hand), Some(again));
}

/// The restart had settled at this very moment: what began then saw what it left behind.
#[test]
fn a_failure_counts_from_the_moment_a_restart_has_settled() {
    for (later, failures) in [(0, 1), (1, 0)] {
        let mut hand = shop();
        hand.begins("shop");
        let (_, began) = track(&hand).in_flight.unwrap();
        hand.fleet.host_mut(&host("web1")).evidence_from =
            began + std::time::Duration::from_millis(later);
        hand.answers("shop", Some(Cause::Refused));
        assert_eq!(track(&hand).failures, failures, "{later} ms later");
    }
}

/// People are at work when the probe begins, or when it ends: what it saw is theirs.
#[test]
fn a_failure_that_touches_a_window_is_not_counted() {
    // 06:10 to 06:11 in Tokyo's 15:10; the wall clock of these tests shows BEGIN at first.
    let window = Window::try_new("10 15 * * *", secs(60), "Asia/Tokyo").unwrap();
    let opens = (0..48)
        .map(|half| Timestamp(BEGIN) + secs(half * 1_800))
        .find_map(|at| window.next(at))
        .unwrap();
    for (began, ended, failures) in [
        (-3_000_i64, -1_000_i64, 1),
        (-3_000, 2_000, 0),
        (30_000, 32_000, 0),
        (58_000, 62_000, 0),
        (61_000, 62_000, 1),
    ] {
        let mut hand = shop();
        let site = hand.settings.profiles.get_mut(&profile("shop")).unwrap();
        Arc::make_mut(site).maintenance = vec![window.clone()];
        let at = |ms: i64| u64::try_from(opens.0 - BEGIN + ms).unwrap();
        hand.ms = at(began);
        hand.asks("shop");
        hand.ms = at(ended);
        hand.answers("shop", Some(Cause::Refused));
        assert_eq!(track(&hand).failures, failures, "{began} to {ended} ms");
    }
}

/// The first failure that may be the host's makes its other sites be probed at once; no other does.
#[test]
fn a_fault_of_the_host_makes_the_others_be_looked_at_once() {
    let asked = |hand: &Hand| hand.fleet.profiles[&profile("blog")].in_flight.is_some();
    for (cause, wanted) in [(Cause::Refused, true), (Cause::Content, false)] {
        let mut hand = hand(secs(3_600));
        hand.ms += 600_000;
        hand.asks("shop");
        assert!(!asked(&hand), "it is not its turn");
        hand.answers("shop", Some(cause));
        assert_eq!(asked(&hand), wanted, "{cause:?}");
        if wanted {
            hand.answers("blog", None);
            hand.ms += 1_000;
            hand.asks("shop");
            hand.answers("shop", Some(cause));
            assert!(!asked(&hand), "the second failure asks nobody");
        }
    }
}

/// A port that was tried while our own network was down was perhaps silent only to us; one that answered did answer.
#[test]
fn silence_heard_by_the_deaf_is_none() {
    for (tried_before_we_were_back, reach) in [
        (true, Reach::Silent),
        (false, Reach::Silent),
        (true, Reach::Answered),
        (true, Reach::Refused),
    ] {
        let mut hand = shop();
        let (probe, host) = (ProbeId(900), host("web1"));
        let tried = hand.now();
        hand.ms += 1_000;
        let back = if tried_before_we_were_back {
            hand.now() + secs(1)
        } else {
            tried - secs(1)
        };
        hand.fleet.core.network.back = Some(back);
        let track = hand.fleet.host_mut(&host);
        track.reaching = Some((probe, tried));
        let before = (reach == Reach::Answered).then_some(Away {
            seen: tried,
            reach: Reach::Refused,
            back: None,
        });
        track.away = before;
        hand.step(Event::Reached {
            probe,
            host: host.clone(),
            reach,
        });
        let away = hand.fleet.hosts[&host].away;
        let is_news = away != before;
        let is_deaf = tried_before_we_were_back && reach == Reach::Silent;
        assert_eq!(is_news, !is_deaf, "{reach:?} {tried_before_we_were_back}");
    }
}
