//! What is remembered of a message that is under way, moved by hand.

use std::time::Duration;

use probe::model::{
    Cause, CheckOutcome, CheckResult, Delivery, Diagnosis, EntryId, Event, EventKind, Hold, Look,
    Next, Period, ProbeId, RecoveryOutcome, Remark, Restarts, Standing, Start, Timestamp,
};

use super::gathering::hand;
use super::hand::Hand;
use super::setup::{host, profile, secs};

/// The mail that a site is down, which left together with the order to restart.
fn down(hand: &Hand) -> EntryId {
    let ids: Vec<EntryId> = hand.fleet.outbox.keys().copied().collect();
    assert_eq!(ids.len(), 1, "{ids:?}");
    assert!(hand.fleet.in_transit.contains(&ids[0]));
    ids[0]
}

/// The process died, and the next one knows what was written.
fn dies(hand: &mut Hand) {
    hand.fleet.in_transit.clear();
    hand.ms += 1_000;
    hand.step(Event::Started(Start::Daemon));
}

#[test]
fn a_try_whose_end_nobody_heard_is_made_again_after_its_wait_and_is_unclear() {
    let (mut hand, _) = Hand::ordered();
    let id = down(&hand);
    let left = hand.now();
    let entry = &hand.fleet.outbox[&id];
    assert_eq!((entry.tries, entry.open, entry.unclear), (1, true, false));
    let due = entry.due;
    assert!((30_000..=33_000).contains(&due.since(left).as_millis()));
    dies(&mut hand);
    let entry = &hand.fleet.outbox[&id];
    assert_eq!((entry.tries, entry.due), (1, due), "not at once");
    hand.ms += 40_000;
    hand.step(Event::Ticked);
    let entry = &hand.fleet.outbox[&id];
    assert_eq!((entry.tries, entry.open, entry.unclear), (2, true, true));
}

#[test]
fn a_restart_that_was_taken_back_is_not_announced() {
    let (mut hand, order) = Hand::ordered();
    let id = down(&hand);
    let next = |hand: &Hand| hand.fleet.outbox[&id].notification.next.clone();
    assert!(matches!(next(&hand), Next::Restart { .. }));
    hand.step(Event::TakenBack {
        attempts: vec![(order.host.clone(), order.attempt)],
        entries: vec![id],
        unwritable: true,
    });
    assert_eq!(next(&hand), Next::Held(Hold::StateUnwritable));
    assert_eq!(hand.fleet.outbox[&id].tries, 0);
    assert!(hand.fleet.in_transit.is_empty(), "nothing leaves unwritten");
}

/// Nor does the report of the week count it.
#[test]
fn a_restart_that_was_taken_back_is_none_of_the_week() {
    let (mut hand, order) = Hand::ordered();
    let count = |hand: &Hand| hand.fleet.hosts[&order.host].week.count;
    hand.fleet.core.week = Some(Period {
        number: 7,
        began: Timestamp(0),
        asked: Timestamp(0),
        due: Timestamp(i64::MAX),
        first: false,
        blind: Duration::ZERO,
        away: Duration::ZERO,
    });
    let track = hand.fleet.host_mut(&order.host);
    track.week = Restarts {
        period: 7,
        count: 3,
    };
    hand.step(Event::TakenBack {
        attempts: vec![(order.host.clone(), order.attempt)],
        entries: Vec::new(),
        unwritable: true,
    });
    assert_eq!(count(&hand), 2);
}

/// What has left may have been read: it is not changed any more.
#[test]
fn what_has_left_stays_as_it_was() {
    let (mut hand, order) = Hand::ordered();
    let id = down(&hand);
    hand.step(Event::TakenBack {
        attempts: vec![(order.host.clone(), order.attempt)],
        entries: Vec::new(),
        unwritable: false,
    });
    let entry = &hand.fleet.outbox[&id];
    assert!(matches!(entry.notification.next, Next::Restart { .. }));
}

/// Of another host's restart nothing was taken back.
#[test]
fn what_another_host_awaits_stays_announced() {
    let (mut hand, order) = Hand::ordered();
    let id = down(&hand);
    let other = super::setup::host("web2");
    hand.step(Event::TakenBack {
        attempts: vec![(other, order.attempt)],
        entries: vec![id],
        unwritable: true,
    });
    let entry = &hand.fleet.outbox[&id];
    assert!(matches!(entry.notification.next, Next::Restart { .. }));
}

#[test]
fn only_what_a_relay_may_have_taken_counts_for_the_cap() {
    let unclear = || Delivery::Unclear {
        reason: "connection lost after the final dot".into(),
    };
    let sent = || Delivery::Sent {
        relay: "mail.example.com:465".into(),
    };
    let refused = || Delivery::Rejected {
        reason: "550 5.1.1 no such user".into(),
    };
    for (delivery, counts) in [
        (sent(), 1),
        (unclear(), 1),
        (Delivery::deferred("connection refused"), 0),
        (refused(), 0),
    ] {
        let (mut hand, _) = Hand::ordered();
        let entry = down(&hand);
        let to = hand.fleet.outbox[&entry].to.clone();
        hand.ms += 100;
        let told = format!("{delivery:?}");
        hand.step(Event::Notified { entry, delivery });
        let posts = &hand.fleet.core.posts;
        let left = posts.get(&to).map_or(0, |post| post.sent.len());
        assert_eq!(left, counts, "{told}");
    }
}

/// People read the times of their own clock, also where it was set forward since.
#[test]
fn the_times_of_attempts_are_those_that_clocks_on_the_wall_showed() {
    let (mut hand, order) = Hand::ordered();
    hand.step(Event::Notified {
        entry: down(&hand),
        delivery: Delivery::Sent {
            relay: "mail.example.com:465".into(),
        },
    });
    let ordered = hand.now();
    let hour = 3_600_000;
    hand.wall_ms = 3_600_000;
    hand.ms += 5_000;
    hand.end(&order, RecoveryOutcome::Succeeded, false);
    let told = &hand.fleet.outbox.values().last().unwrap().notification;
    let attempt = &told.attempts[0];
    let wall = |ms: i64| ordered.0 + ms + hour;
    assert_eq!(attempt.began.0, wall(0));
    assert_eq!(attempt.ended.map(|at| at.0), Some(wall(5_000)));
    assert_eq!(told.at.0, wall(5_000));
}

/// The answer to a probe that was given up, or made by an earlier run, says nothing.
#[test]
fn an_answer_to_another_probe_changes_nothing() {
    let (mut hand, _) = Hand::ordered();
    let site = profile("shop");
    let before = hand.fleet.profiles[&site].clone();
    assert_eq!(before.standing, Standing::Down);
    hand.ms += 1_000;
    hand.step(Event::Probed {
        probe: ProbeId(u64::MAX),
        profile: site.clone(),
        checks: vec![CheckResult::new(
            "https://shop.example.com/",
            CheckOutcome::Ok,
        )],
    });
    let after = &hand.fleet.profiles[&site];
    assert_eq!((after.successes, after.failures), (0, before.failures));
    assert_eq!((after.in_flight, after.due), (before.in_flight, before.due));
}

/// What was done is told with what is under way, whose end nobody will hear.
#[test]
fn who_is_taken_out_in_a_restart_is_told_of_it() {
    let (mut hand, first) = Hand::ordered();
    hand.step(Event::Notified {
        entry: down(&hand),
        delivery: Delivery::Sent {
            relay: "mail.example.com:465".into(),
        },
    });
    hand.ms += 5_000;
    hand.end(&first, RecoveryOutcome::Failed, false);
    hand.order();
    // What comes next is the second restart; what was done is the first.
    let told = |hand: &Hand| {
        hand.fleet
            .outbox
            .values()
            .last()
            .unwrap()
            .notification
            .clone()
    };
    hand.settings.profiles.clear();
    hand.step(Event::Started(Start::Reload));
    let closed = told(&hand);
    assert_eq!(closed.event, EventKind::Closed);
    let ended: Vec<bool> = closed
        .attempts
        .iter()
        .map(|one| one.ended.is_some())
        .collect();
    assert_eq!(ended, [true, false]);
}

/// Who never heard that it began need not hear that it is over.
#[test]
fn who_is_taken_out_before_anybody_heard_is_not_told_of() {
    let mut hand = Hand::fails(Cause::Refused);
    assert!(hand.told().is_empty());
    hand.settings.profiles.remove(&profile("shop"));
    hand.step(Event::Started(Start::Reload));
    hand.ms += 3_600_000;
    hand.step(Event::Ticked);
    assert!(hand.told().is_empty(), "{:?}", hand.told());
}

/// The facts of the look that was made for this outage stand in the mail, and those of an old one do not.
#[test]
fn the_facts_in_a_mail_are_of_this_outage() {
    for (later, found) in [(0, true), (59_000, true), (61_000, false)] {
        let mut hand = hand(secs(3_600));
        hand.ms += 600_000;
        hand.step(Event::Ticked);
        let facts = probe::adapters::ssh::facts::read("facts=1\ncores=2\nend=1\n").unwrap();
        let look = Look {
            began: hand.now(),
            diagnosis: Diagnosis::Facts(Box::new(facts)),
            refusals: 0,
        };
        hand.fleet.host_mut(&host("web1")).look = Some(Box::new(look));
        hand.ms += later;
        hand.step(Event::Started(Start::Named([profile("shop")].into())));
        hand.answers("shop", Some(Cause::Content));
        let told = hand.told();
        assert_eq!(told[0].facts.is_some(), found, "{later} ms later");
    }
}

/// A damaged state is told with the place to which it was moved, where that is known.
#[test]
fn a_damaged_state_is_told_with_its_place() {
    let place = "/var/lib/probe/state.db.corrupt-20261122T060000Z";
    let known = Remark::Path(place.to_owned());
    for (path, remark) in [(place, Some(known)), ("", None)] {
        let mut hand = hand(secs(3_600));
        hand.step(Event::Damaged(path.to_owned()));
        let told = hand.told();
        assert_eq!((told.len(), told[0].event), (1, EventKind::Damaged));
        assert_eq!(told[0].remark, remark);
    }
}
