//! How many mails leave to one recipient and when, to the millisecond.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use probe::model::{
    Cause, Channel, Delivery, Effect, Email, Entry, EntryId, Event, EventKind, Happened,
    IncidentId, Notification, Post, Start, Timestamp, limits,
};
use probe::policy;

use super::hand::Hand;
use super::setup::{profile, secs, settings};

const OPS: &str = "ops@example.com";
const BOSS: &str = "boss@example.com";

const WINDOW: Duration = limits::MAIL_BURST_WINDOW;

/// Nobody is watched; there are only messages.
fn hand() -> Hand {
    let mut settings = settings(&["shop"]);
    settings.network.canaries.clear();
    settings.profiles.clear();
    let email: &mut Email = Arc::make_mut(settings.email.as_mut().unwrap());
    email.to = vec![OPS.to_owned(), BOSS.to_owned()];
    let mut hand = Hand::new(settings);
    hand.step(Event::Ticked);
    hand
}

fn thread(incident: &str) -> IncidentId {
    IncidentId::new(incident, "20261122T060000Z")
}

fn told(incident: &str, sequence: u32, event: EventKind) -> Notification {
    Notification {
        incident: Some(thread(incident)),
        sequence,
        ..Notification::blank(event, Timestamp(0))
    }
}

/// Over before anybody heard of it.
fn story(incident: &str) -> Notification {
    Notification {
        story: true,
        ..told(incident, 1, EventKind::Up)
    }
}

impl Hand {
    fn queues(&mut self, to: &str, notification: Notification) -> EntryId {
        let id = self.fleet.next_entry();
        let now = self.now();
        self.fleet.queue(Entry {
            id,
            notification,
            from: "probe@monitor.example.com".to_owned(),
            channel: Channel::Mail,
            to: to.to_owned(),
            queued: now,
            tries: 0,
            due: now,
            last: None,
            open: false,
            unclear: false,
            outlived: false,
        });
        id
    }

    /// What leaves now, and is taken at once; in order.
    fn leave(&mut self) -> Vec<Notification> {
        let mut left = Vec::new();
        let mut effects = self.step(Event::Ticked);
        while !effects.is_empty() {
            let mut next = Vec::new();
            for effect in effects {
                if let Effect::Notify(entry) = effect {
                    left.push(self.fleet.outbox[&entry].notification.clone());
                    next.extend(self.taken(entry));
                }
            }
            effects = next;
        }
        left
    }

    fn taken(&mut self, entry: EntryId) -> Vec<Effect> {
        self.step(Event::Notified {
            entry,
            delivery: Delivery::Sent {
                relay: "mail.example.com:465".to_owned(),
            },
        })
    }

    fn post(&mut self, to: &str) -> &mut Post {
        self.fleet.core.posts.entry(to.to_owned()).or_default()
    }

    /// Exactly then something leaves, a millisecond before not, and the loop wakes for it.
    fn leaves_at(&mut self, at: Timestamp) -> Vec<Notification> {
        let now = self.now();
        assert!(at > now);
        assert_eq!(policy::wakeup(&self.settings, &self.fleet), Some(at));
        self.ms += u64::try_from(at.0 - now.0).unwrap() - 1;
        assert_eq!(self.leave().len(), 0, "a millisecond before");
        self.ms += 1;
        self.leave()
    }
}

fn events(told: &[Notification]) -> Vec<EventKind> {
    told.iter().map(|told| told.event).collect()
}

#[test]
fn what_begins_a_thread_or_belongs_to_none_counts_as_a_beginning() {
    use EventKind::{Back, Certificate, Closed, Down, GaveUp, Report, Restarted, Up};
    let plain = |event| Notification::blank(event, Timestamp(0));
    for (notification, sent, begun) in [
        (told("a", 0, Down), 1, 1),
        (told("a", 1, Restarted), 1, 0),
        // The end of what was told counts for nothing.
        (told("a", 2, Up), 0, 0),
        (told("a", 2, GaveUp), 0, 0),
        (told("a", 3, Back), 0, 0),
        (told("a", 1, Closed), 0, 0),
        // Nothing was told before: it tells all.
        (story("a"), 1, 1),
        (plain(Certificate), 1, 1),
        (plain(Report), 1, 0),
        // Of this one a digest told alone.
        (told("gathered", 1, Restarted), 1, 1),
        (told("gathered", 1, Up), 1, 1),
    ] {
        let mut hand = hand();
        let what = format!("{:?} {}", notification.event, notification.sequence);
        hand.post(OPS).gathered = [thread("gathered")].into();
        hand.queues(OPS, notification);
        assert_eq!(hand.leave().len(), 1, "{what}");
        let post = hand.post(OPS);
        assert_eq!((post.sent.len(), post.begun.len()), (sent, begun), "{what}");
    }
}

/// Whatever is full, whoever knows that a site is down hears the end of it now.
#[test]
fn the_end_of_what_was_told_waits_for_nothing() {
    use EventKind::{Back, Closed, Down, GaveUp, Up};
    for end in [Up, GaveUp, Back, Closed] {
        let mut hand = hand();
        let now = hand.now();
        *hand.post(OPS) = Post {
            sent: vec![now; limits::MAILS_PER_HOUR],
            begun: vec![now; limits::MAILS_PER_HOUR],
            digest: Some(now + secs(60)),
            gathered: BTreeSet::new(),
        };
        for n in 0..6 {
            hand.queues(OPS, told(&format!("site{n}"), 0, Down));
        }
        let before = hand.post(OPS).clone();
        hand.queues(OPS, told("a", 1, end));
        assert_eq!(events(&hand.leave()), [end]);
        assert_eq!(*hand.post(OPS), before, "it counts for nothing");
    }
}

/// Few mails are under way at once, and newer threads are not before it.
#[test]
fn the_end_of_what_was_told_leaves_first() {
    let mut hand = hand();
    for n in 0..6 {
        hand.queues(OPS, told(&format!("site{n}"), 0, EventKind::Down));
    }
    let end = hand.queues(OPS, told("a", 1, EventKind::Up));
    hand.step(Event::Ticked);
    assert_eq!(hand.fleet.in_transit.len(), limits::MAILS_IN_FLIGHT);
    assert!(hand.fleet.in_transit.contains(&end));
}

/// What stands before an end in its thread leaves with it: a beginning that may have arrived, and what the end does not tell.
#[test]
fn what_stands_before_an_end_leaves_with_it() {
    use EventKind::{Down, Restarted, Up};
    let mut hand = hand();
    let now = hand.now();
    hand.post(OPS).sent = vec![now; limits::MAILS_PER_HOUR];
    let began = hand.queues(OPS, told("a", 0, Down));
    hand.fleet.entry_mut(began).unwrap().unclear = true;
    hand.queues(OPS, told("a", 1, Restarted));
    assert_eq!(hand.leave(), [], "without an end they wait");
    hand.queues(OPS, told("a", 2, Up));
    assert_eq!(events(&hand.leave()), [Down, Restarted, Up]);
}

/// That it gave up is no end for whoever has not heard that it is down.
#[test]
fn an_end_is_none_before_its_beginning_has_left() {
    use EventKind::{Down, GaveUp};
    let mut hand = hand();
    let now = hand.now();
    hand.post(OPS).sent = vec![now; limits::MAILS_PER_HOUR];
    hand.queues(OPS, told("a", 0, Down));
    hand.queues(OPS, told("a", 1, GaveUp));
    assert_eq!(hand.leave(), []);
    let left = hand.leaves_at(now + limits::MAIL_HOUR);
    assert_eq!(events(&left), [EventKind::Digest]);
    assert_eq!(events(&left[0].items), [Down, GaveUp]);
}

/// A digest is no thread: what it told of begins one with its next mail, or ends in a digest, and is then forgotten.
#[test]
fn what_a_digest_told_of_begins_with_its_next_mail() {
    use EventKind::{Digest, Down, Restarted, Up};
    let mut hand = hand();
    let now = hand.now();
    hand.post(OPS).begun = vec![now; limits::MAIL_BURST];
    hand.post(OPS).sent = vec![now; limits::MAIL_BURST];
    for name in ["a", "b", "c"] {
        hand.queues(OPS, told(name, 0, Down));
    }
    hand.queues(OPS, told("b", 1, Up));
    assert_eq!(hand.leave(), []);
    assert_eq!(events(&hand.leaves_at(now + WINDOW)), [Digest]);
    let known = ["a", "c"].map(thread);
    assert_eq!(hand.post(OPS).gathered, known.clone().into());
    // Of one of them a mail of its own tells; from then on it has a thread, and its end is free.
    let digest = hand.now();
    hand.ms += 1_000;
    hand.queues(OPS, told("a", 1, Restarted));
    assert_eq!(hand.leave(), [], "it begins, and one digest each window");
    assert_eq!(events(&hand.leaves_at(digest + WINDOW)), [Restarted]);
    assert_eq!(hand.post(OPS).gathered, [thread("c")].into());
    hand.queues(OPS, told("a", 2, Up));
    assert_eq!(events(&hand.leave()), [Up]);
    // The other ends in a digest again.
    hand.queues(OPS, told("c", 1, Up));
    hand.queues(OPS, told("d", 0, Down));
    assert_eq!(hand.leave(), []);
    hand.ms += u64::try_from(WINDOW.as_millis()).unwrap();
    assert_eq!(events(&hand.leave()), [Digest]);
    assert_eq!(hand.post(OPS).gathered, [thread("d")].into());
}

/// The memory of what digests told lasts as long as its incidents, and goes with its recipient.
#[test]
fn what_digests_told_of_is_forgotten_with_its_end_or_its_recipient() {
    let mut hand = hand();
    hand.post(OPS).gathered = [thread("a")].into();
    hand.post("gone@example.com").gathered = [thread("a")].into();
    let end = hand.queues(OPS, told("a", 1, EventKind::Up));
    hand.step(Event::Ticked);
    let posts = &hand.fleet.core.posts;
    assert_eq!(posts.keys().collect::<Vec<_>>(), [OPS]);
    let reason = "550 5.1.1 unknown".to_owned();
    hand.step(Event::Notified {
        entry: end,
        delivery: Delivery::Rejected { reason },
    });
    assert_eq!(hand.post(OPS).gathered, BTreeSet::new());
}

/// Five threads begin one by one; what is beyond leaves in one at the end of the window, and so on until nothing was to be told
/// for a whole window.
#[test]
fn of_many_beginnings_five_leave_and_the_others_at_the_end_of_the_window() {
    let mut hand = hand();
    let began = hand.now();
    for n in 0..8 {
        hand.queues(OPS, told(&format!("site{n}"), 0, EventKind::Down));
        // Each at its own time.
        if n < 5 {
            hand.ms += 1_000;
            assert_eq!(hand.leave().len(), 1);
        }
    }
    let first = began + secs(1);
    assert_eq!(hand.leave().len(), 0);
    let left = hand.leaves_at(first + WINDOW);
    assert_eq!(events(&left), [EventKind::Digest]);
    assert_eq!(left[0].items.len(), 3);
    // One more is gathered as well, until a window has passed.
    let digest = hand.now();
    hand.ms += 10_000;
    hand.leave();
    hand.queues(OPS, told("later", 0, EventKind::Down));
    assert_eq!(hand.leave().len(), 0);
    let left = hand.leaves_at(digest + WINDOW);
    assert_eq!(events(&left), [EventKind::Down], "alone it is no digest");
    // From the last one on: quiet for a window, and the storm is over.
    let last = hand.now();
    assert_eq!(hand.post(OPS).digest, Some(last + WINDOW));
    hand.ms += u64::try_from(WINDOW.as_millis()).unwrap() * 2;
    hand.queues(OPS, told("quiet", 0, EventKind::Down));
    assert_eq!(hand.leave().len(), 1);
    assert_eq!(hand.post(OPS).digest, None);
}

/// What leaves in one decision counts there already, before any of it was taken.
#[test]
fn of_two_beginnings_in_one_decision_the_sixth_waits() {
    let mut hand = hand();
    let now = hand.now();
    *hand.post(OPS) = Post {
        sent: vec![now; 4],
        begun: vec![now; 4],
        digest: None,
        gathered: BTreeSet::new(),
    };
    let fifth = hand.queues(OPS, told("a", 0, EventKind::Down));
    hand.queues(OPS, told("b", 0, EventKind::Down));
    hand.step(Event::Ticked);
    assert_eq!(hand.fleet.in_transit, [fifth].into());
}

#[test]
fn of_many_that_go_on_ten_leave_within_a_window() {
    let mut hand = hand();
    for n in 0..12 {
        hand.queues(OPS, told(&format!("site{n}"), 1, EventKind::Restarted));
    }
    let first = hand.now();
    assert_eq!(hand.leave().len(), 10);
    let left = hand.leaves_at(first + WINDOW);
    let each = [EventKind::Restarted; 2];
    assert_eq!(events(&left), each, "a digest tells of no thread");
}

#[test]
fn twenty_leave_within_an_hour() {
    let mut hand = hand();
    let began = hand.now();
    // One every two minutes: no window sees more than three.
    for n in 0..20 {
        hand.queues(OPS, told(&format!("site{n}"), 1, EventKind::Restarted));
        assert_eq!(hand.leave().len(), 1, "{n}");
        hand.ms += 120_000;
        hand.leave();
    }
    hand.queues(OPS, told("site20", 1, EventKind::Restarted));
    assert_eq!(hand.leave().len(), 0);
    let left = hand.leaves_at(began + limits::MAIL_HOUR);
    assert_eq!(events(&left), [EventKind::Restarted]);
    let kept = hand.post(OPS).sent.len();
    assert_eq!(kept, 20, "what is an hour old is forgotten");
}

/// What is under way to one recipient is no mail of another's.
#[test]
fn each_recipient_has_its_own_count() {
    let mut hand = hand();
    let now = hand.now();
    *hand.post(BOSS) = Post {
        sent: vec![now; 4],
        begun: vec![now; 4],
        digest: None,
        gathered: BTreeSet::new(),
    };
    hand.queues(OPS, told("a", 0, EventKind::Down));
    hand.step(Event::Ticked);
    assert_eq!(hand.fleet.in_transit.len(), 1);
    hand.queues(BOSS, told("a", 0, EventKind::Down));
    hand.step(Event::Ticked);
    assert_eq!(hand.fleet.in_transit.len(), 2);
    // Four are told and one is under way: that is five.
    hand.queues(BOSS, told("b", 0, EventKind::Down));
    hand.step(Event::Ticked);
    assert_eq!(hand.fleet.in_transit.len(), 2);
}

/// What was over for an hour before a relay took any of it is told in one, and what is newer by itself.
#[test]
fn what_is_over_for_an_hour_is_gathered() {
    for (age, left) in [
        (3_600, vec![EventKind::Digest]),
        (3_599, vec![EventKind::Up; 2]),
    ] {
        let mut hand = hand();
        for n in 0..2 {
            let id = hand.queues(OPS, story(&format!("site{n}")));
            hand.fleet.entry_mut(id).unwrap().queued = hand.now();
            hand.fleet.entry_mut(id).unwrap().due = hand.now() + secs(age);
        }
        hand.ms += age * 1_000;
        assert_eq!(events(&hand.leave()), left, "{age} s");
    }
}

/// The program of `alerts.command` gets each event, however old.
#[test]
fn what_is_over_for_an_hour_is_still_an_event_for_the_command() {
    let mut hand = hand();
    let program = "/usr/local/bin/notify";
    hand.settings.command = Some(Arc::new(vec![program.to_owned()]));
    for name in ["a", "b"] {
        for (sequence, event) in [(0, EventKind::Down), (1, EventKind::Up)] {
            let id = hand.queues(program, told(name, sequence, event));
            let due = hand.now() + secs(4_000);
            let entry = hand.fleet.entry_mut(id).unwrap();
            (entry.channel, entry.due) = (Channel::Command, due);
        }
    }
    hand.ms += 4_000_000;
    // A mail that is due beside them.
    hand.queues(OPS, told("c", 1, EventKind::Restarted));
    assert_eq!(hand.leave().len(), 5);
    let left = hand.notes.iter().filter_map(|note| match note {
        Happened::Delivered { event, to, .. } if to == program => Some(*event),
        _ => None,
    });
    let left: Vec<EventKind> = left.collect();
    use EventKind::{Down, Up};
    assert_eq!(left, [Down, Down, Up, Up]);
}

/// What is not due yet is not gathered: until then a relay may take it, or its incident may go on.
#[test]
fn nothing_is_gathered_before_something_is_due() {
    let mut hand = hand();
    for n in 0..2 {
        let id = hand.queues(OPS, story(&format!("site{n}")));
        let due = hand.now() + secs(4_000);
        hand.fleet.entry_mut(id).unwrap().due = due;
    }
    hand.ms += 3_999_999;
    hand.step(Event::Ticked);
    assert_eq!(hand.fleet.outbox.len(), 2);
    hand.ms += 1;
    hand.step(Event::Ticked);
    assert_eq!(hand.fleet.outbox.len(), 1);
}

/// Beside one that may have arrived, one message alone is no digest.
#[test]
fn one_message_is_no_digest() {
    let mut hand = hand();
    let now = hand.now();
    hand.post(OPS).digest = Some(now + secs(60));
    let unclear = hand.queues(OPS, told("a", 0, EventKind::Down));
    hand.queues(OPS, told("b", 0, EventKind::Down));
    let entry = hand.fleet.entry_mut(unclear).unwrap();
    (entry.unclear, entry.due) = (true, now + secs(600));
    hand.ms += 60_000;
    assert_eq!(events(&hand.leave()), [EventKind::Down]);
}

#[test]
fn one_story_that_is_old_is_told_by_itself() {
    let mut hand = hand();
    let old = hand.queues(OPS, story("a"));
    let due = hand.now() + secs(3_600);
    hand.fleet.entry_mut(old).unwrap().due = due;
    hand.queues(OPS, told("b", 1, EventKind::Restarted));
    hand.ms += 3_600_000;
    assert_eq!(events(&hand.leave()), [EventKind::Up, EventKind::Restarted]);
}

#[test]
fn who_got_nothing_for_an_hour_is_forgotten() {
    let mut hand = hand();
    hand.post(OPS).sent = vec![hand.now()];
    for (later, known) in [(3_599_999, true), (1, false)] {
        hand.ms += later;
        hand.queues(BOSS, told("a", 1, EventKind::Restarted));
        hand.leave();
        assert_eq!(hand.fleet.core.posts.contains_key(OPS), known);
    }
}

/// Where even a digest may not leave yet, what comes until then is to stand in it as well.
#[test]
fn nothing_is_gathered_before_it_may_leave() {
    let mut hand = hand();
    let now = hand.now();
    *hand.post(OPS) = Post {
        sent: vec![now; limits::MAILS_PER_HOUR],
        begun: Vec::new(),
        digest: Some(now + secs(60)),
        gathered: BTreeSet::new(),
    };
    for n in 0..2 {
        hand.queues(OPS, told(&format!("site{n}"), 0, EventKind::Down));
    }
    hand.ms += 60_000;
    assert_eq!(hand.leave(), []);
    assert_eq!(hand.fleet.outbox.len(), 2);
    let left = hand.leaves_at(now + limits::MAIL_HOUR);
    assert_eq!(events(&left), [EventKind::Digest]);
}

/// At the very end of the window as many may begin again, and no storm begins.
#[test]
fn a_window_ends_to_the_millisecond() {
    for (later, digest) in [(300_000, false), (299_999, true)] {
        let mut hand = hand();
        let now = hand.now();
        *hand.post(OPS) = Post {
            sent: vec![now; 5],
            begun: vec![now; 5],
            digest: None,
            gathered: BTreeSet::new(),
        };
        hand.ms += later;
        for n in 0..2 {
            hand.queues(OPS, told(&format!("site{n}"), 0, EventKind::Down));
        }
        let left = hand.leave();
        assert_eq!(left.len(), if digest { 0 } else { 2 });
        assert_eq!(hand.post(OPS).digest.is_some(), digest, "{later} ms");
    }
}

/// One of the outages in a digest that nobody got yet is over: it is told as one story, and the digest keeps the others.
#[test]
fn what_is_over_leaves_the_digest_and_the_others_stay() {
    let mut hand = super::gathering::hand(secs(86_400));
    // Nothing leaves meanwhile.
    let full = hand.now() + secs(3_000);
    hand.post(OPS).sent = vec![full; limits::MAILS_PER_HOUR];
    // Two faults, and so two threads.
    for (name, cause) in [("shop", Cause::Content), ("blog", Cause::Status)] {
        hand.step(Event::Started(Start::Named([profile(name)].into())));
        hand.answers(name, Some(cause));
    }
    let told: Vec<Notification> = hand.told().into_iter().cloned().collect();
    assert_eq!(events(&told), [EventKind::Down, EventKind::Down]);
    let (first, last) = (EntryId(1), *hand.fleet.outbox.keys().last().unwrap());
    let digest = Notification {
        items: told.clone(),
        ..Notification::blank(EventKind::Digest, Timestamp(0))
    };
    hand.fleet.entry_mut(last).unwrap().notification = digest;
    hand.fleet.forget_entry(first);
    assert_eq!(hand.fleet.outbox.len(), 1);
    hand.step(Event::Started(Start::Named([profile("shop")].into())));
    hand.answers("shop", None);
    let left = hand.told();
    assert_eq!(left[0].items, [told[1].clone()], "blog is still to be told");
    assert_eq!((left[1].event, left[1].story), (EventKind::Up, true));
    assert_eq!(left[1].incident, told[0].incident);
    // Of the last one nothing is left to be told before its story.
    hand.step(Event::Started(Start::Named([profile("blog")].into())));
    hand.answers("blog", None);
    let left: Vec<EventKind> = hand.told().iter().map(|told| told.event).collect();
    assert_eq!(left, [EventKind::Up, EventKind::Up]);
}
