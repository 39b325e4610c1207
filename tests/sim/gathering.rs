//! When people hear that a site is down: once the other sites of its host were asked as well, and never later than that is worth.
//! Moved by hand, to the millisecond.

use std::sync::Arc;
use std::time::Duration;

use probe::model::{
    AttemptId, Cause, CheckOutcome, CheckResult, Delivery, Effect, Email, Entry, EntryId, Event,
    EventKind, Finding, Next, Notification, RecoverOrder, RecoveryOutcome, SiteState, Start,
    Timestamp, When, limits,
};
use probe::policy;

use super::hand::Hand;
use super::setup::{each_host, profile, secs, settings};

const HOUR: Duration = Duration::from_secs(3_600);

/// Sites on one host that is not restarted: probed so seldom, down with their first failure.
pub(super) fn hand(interval: Duration) -> Hand {
    let mut settings = settings(&["shop@web1", "blog@web1"]);
    settings.network.canaries.clear();
    each_host(&mut settings, |host| host.restart.causes.clear());
    for site in settings.profiles.values_mut() {
        let site = Arc::make_mut(site);
        (site.failure_threshold, site.success_threshold) = (1, 1);
        (site.interval, site.retry_interval) = (interval, interval);
    }
    let mut hand = Hand::new(settings);
    hand.step(Event::Started(Start::Daemon));
    // First probes are spread over the interval.
    for name in ["shop", "blog"] {
        hand.begins(name);
        hand.answers(name, None);
    }
    hand
}

impl Hand {
    /// Goes on until a probe of this site is under way.
    pub(super) fn begins(&mut self, name: &str) {
        for _ in 0..8_000 {
            if self.fleet.profiles[&profile(name)].in_flight.is_some() {
                return;
            }
            self.ms += 1_000;
            self.step(Event::Ticked);
        }
        panic!("{name} is never probed");
    }

    /// The site is found refusing, and that orders a restart.
    pub(super) fn ordered_by(&mut self, name: &str) -> RecoverOrder {
        let effects = self.probed(name, Some(Cause::Refused));
        let order = effects.into_iter().find_map(|effect| match effect {
            Effect::Recover(order) => Some(order),
            _ => None,
        });
        order.unwrap()
    }

    /// The probe under way finds this.
    pub(super) fn answers(&mut self, name: &str, cause: Option<Cause>) {
        self.probed(name, cause);
    }

    fn probed(&mut self, name: &str, cause: Option<Cause>) -> Vec<Effect> {
        let (probe, _) = self.fleet.profiles[&profile(name)].in_flight.unwrap();
        let outcome = cause.map_or(CheckOutcome::Ok, |cause| {
            CheckOutcome::found(cause, Finding::bare(cause))
        });
        let url = format!("https://{name}.example.com/");
        self.step(Event::Probed {
            probe,
            profile: profile(name),
            checks: vec![CheckResult::new(&url, outcome)],
        })
    }

    /// Both sites are being probed, and the shop's answer is there.
    pub(super) fn fails(cause: Cause) -> Self {
        let mut hand = hand(HOUR);
        hand.begins("shop");
        hand.begins("blog");
        hand.ms += 100;
        hand.answers("shop", Some(cause));
        hand
    }

    pub(super) fn told(&self) -> Vec<&Notification> {
        let entries = self.fleet.outbox.values();
        entries.map(|entry| &entry.notification).collect()
    }

    fn wakeup(&self) -> Option<Timestamp> {
        policy::wakeup(&self.settings, &self.fleet)
    }

    /// A relay takes the only message.
    fn takes(&mut self) {
        let ids: Vec<EntryId> = self.fleet.outbox.keys().copied().collect();
        assert_eq!(ids.len(), 1);
        self.step(Event::Notified {
            entry: ids[0],
            delivery: Delivery::Sent {
                relay: "mail.example.com:465".into(),
            },
        });
    }
}

fn mail(hand: &mut Hand) -> &mut Email {
    Arc::make_mut(hand.settings.email.as_mut().unwrap())
}

#[test]
fn a_mail_waits_for_the_other_sites_of_the_host() {
    for (cause, listed) in [(Some(Cause::Refused), 2), (None, 0)] {
        let mut hand = Hand::fails(Cause::Refused);
        assert!(hand.told().is_empty(), "not yet");
        hand.ms += 3_000;
        hand.answers("blog", cause);
        let told = hand.told();
        assert_eq!((told.len(), told[0].event), (1, EventKind::Down));
        assert_eq!(told[0].sites.len(), listed, "{cause:?}");
    }
}

#[test]
fn it_waits_fifteen_seconds_at_most_and_the_loop_wakes_for_it() {
    let mut hand = Hand::fails(Cause::Refused);
    let latest = hand.now() + limits::GATHER;
    assert_eq!(hand.wakeup(), Some(latest));
    hand.ms += 14_999;
    hand.step(Event::Ticked);
    assert!(hand.told().is_empty());
    assert_eq!(hand.wakeup(), Some(latest));
    hand.ms += 1;
    hand.step(Event::Ticked);
    assert_eq!(hand.told().len(), 1);
    assert!(hand.told()[0].sites.is_empty(), "nobody knows of the other");
}

#[test]
fn what_is_the_sites_own_fault_is_told_at_once() {
    let hand = Hand::fails(Cause::Content);
    assert_eq!(hand.told().len(), 1);
}

#[test]
fn that_another_site_joined_wakes_the_loop_after_five_minutes() {
    let mut hand = hand(secs(400));
    hand.begins("shop");
    hand.answers("shop", Some(Cause::Refused));
    if hand.fleet.profiles[&profile("blog")].in_flight.is_some() {
        hand.answers("blog", None);
    }
    hand.takes();
    hand.begins("blog");
    hand.answers("blog", Some(Cause::Refused));
    let joined = hand.now();
    assert!(hand.told().is_empty(), "one thread tells of both");
    // So that no probe is due before.
    hand.begins("shop");
    assert!(hand.now().since(joined) < limits::SITES_NEWS);
    assert_eq!(hand.wakeup(), Some(joined + limits::SITES_NEWS));
}

/// What is in transit leaves room for no more, and the loop does not turn in circles until one of it has ended.
#[test]
fn a_full_line_does_not_keep_the_loop_awake() {
    let mut hand = hand(HOUR);
    let to: Vec<String> = (0..=limits::MAILS_IN_FLIGHT)
        .map(|n| format!("ops{n}@example.com"))
        .collect();
    mail(&mut hand).to = to;
    hand.begins("shop");
    hand.answers("shop", Some(Cause::Content));
    assert_eq!(hand.fleet.in_transit.len(), limits::MAILS_IN_FLIGHT);
    assert_eq!(hand.fleet.outbox.len(), limits::MAILS_IN_FLIGHT + 1);
    let now = hand.now();
    assert!(hand.wakeup().is_none_or(|at| at > now));
}

/// What another process ordered is not what comes next.
#[test]
fn after_a_crash_in_a_restart_no_mail_says_that_it_begins_now() {
    let (mut hand, _) = Hand::ordered();
    let begins = |told: &Notification| matches!(told.next, Next::Restart { .. });
    assert!(begins(hand.told()[0]), "{:?}", hand.told()[0].next);
    assert!(hand.told()[0].attempts.is_empty(), "it is not done yet");
    hand.takes();
    mail(&mut hand).reminder_interval = Some(secs(30));
    hand.ms += 1_000;
    hand.step(Event::Started(Start::Daemon));
    hand.ms += 40_000;
    hand.step(Event::Ticked);
    let told = hand.told();
    assert_eq!((told.len(), told[0].event), (1, EventKind::Reminder));
    assert!(!begins(told[0]), "{:?}", told[0].next);
    assert_eq!(
        told[0].attempts.len(),
        1,
        "it was begun, and its end is not known"
    );
    assert!(
        told[0]
            .sites
            .iter()
            .all(|site| site.state == SiteState::Down)
    );
}

/// Nobody heard that it is down before it was over: each recipient gets the one story of it, and none the other's.
#[test]
fn what_is_over_before_it_was_told_is_one_story_for_each_recipient() {
    let mut hand = hand(HOUR);
    let to = ["ops@example.com", "boss@example.com"].map(str::to_owned);
    mail(&mut hand).to = to.to_vec();
    // Nothing leaves meanwhile.
    let full = vec![hand.now() + HOUR; limits::MAILS_PER_HOUR];
    for to in &to {
        let post = hand.fleet.core.posts.entry(to.clone()).or_default();
        post.sent.clone_from(&full);
    }
    for cause in [Some(Cause::Content), None] {
        assert_eq!(hand.told().len(), if cause.is_some() { 0 } else { 2 });
        hand.step(Event::Started(Start::Named([profile("shop")].into())));
        hand.answers("shop", cause);
    }
    let told: Vec<_> = hand.fleet.outbox.values().collect();
    let stories = told.iter().map(|entry| {
        let told = &entry.notification;
        (entry.to.as_str(), told.event, told.story)
    });
    let wanted = to.each_ref().map(|to| (to.as_str(), EventKind::Up, true));
    assert_eq!(stories.collect::<Vec<_>>(), wanted);
}

/// It is told that a site is down; that it was restarted waits, as the hour is full; and it is back.
fn back_before_the_restart_was_told(change: impl Fn(&mut Entry)) -> Hand {
    let (mut hand, order) = Hand::ordered();
    hand.takes();
    let now = hand.now();
    let posts = &mut hand.fleet.core.posts;
    posts.values_mut().next().unwrap().sent = vec![now; limits::MAILS_PER_HOUR];
    hand.end(&order, RecoveryOutcome::Succeeded, false);
    assert_eq!(hand.told()[0].event, EventKind::Restarted);
    assert!(hand.fleet.in_transit.is_empty(), "the hour is full");
    let id = *hand.fleet.outbox.keys().next().unwrap();
    change(hand.fleet.entry_mut(id).unwrap());
    while hand.told().last().unwrap().event != EventKind::Up {
        hand.begins("shop");
        hand.ms += 100;
        hand.answers("shop", None);
    }
    hand
}

/// What waited in a thread is told by its end: no mail says that the proof is still to come when it has come.
#[test]
fn what_waits_in_a_thread_goes_with_its_end() {
    let hand = back_before_the_restart_was_told(|_| ());
    let told = hand.told();
    assert_eq!((told.len(), told[0].event), (1, EventKind::Up));
    assert_eq!((told[0].attempts.len(), told[0].sequence), (1, 2));
    assert_eq!(hand.fleet.in_transit.len(), 1, "and it leaves now");
}

/// What the end does not tell stays before it, and so does what may have arrived.
#[test]
fn what_the_end_of_a_thread_does_not_tell_stays() {
    type Change = fn(&mut Entry);
    let changes: [(EventKind, Change); 3] = [
        (EventKind::GaveUp, |entry| {
            entry.notification.event = EventKind::GaveUp;
        }),
        (EventKind::Restarted, |entry| {
            entry.notification.attempts[0].id = AttemptId(77);
        }),
        (EventKind::Restarted, |entry| entry.unclear = true),
    ];
    for (first, change) in changes {
        let hand = back_before_the_restart_was_told(|entry| {
            entry.due = entry.due + HOUR;
            change(entry);
        });
        let told: Vec<EventKind> = hand.told().iter().map(|told| told.event).collect();
        assert_eq!(told, [first, EventKind::Up]);
    }
}

/// People hear of it when the restart has ended already: both messages are of that moment, and say the same of what comes next.
#[test]
fn a_restart_that_ends_before_it_was_told_is_not_said_to_be_under_way() {
    let mut settings = settings(&["shop@web1", "blog@web1"]);
    settings.network.canaries.clear();
    each_host(&mut settings, |host| host.restart.when = When::Any);
    for site in settings.profiles.values_mut() {
        Arc::make_mut(site).failure_threshold = 1;
    }
    let mut hand = Hand::new(settings);
    hand.step(Event::Started(Start::Daemon));
    hand.begins("shop");
    hand.begins("blog");
    let order = hand.ordered_by("shop");
    assert!(hand.told().is_empty(), "the other site is asked first");
    hand.ms += 2_000;
    hand.end(&order, RecoveryOutcome::Succeeded, false);
    let told = hand.told();
    let events: Vec<EventKind> = told.iter().map(|told| told.event).collect();
    assert_eq!(events, [EventKind::Down, EventKind::Restarted]);
    for told in told {
        assert!(matches!(told.next, Next::Prove { .. }), "{:?}", told.next);
        assert_eq!(told.attempts.len(), 1);
    }
}

/// What a message says was found is what is so now, for each site that it names; the end says by what it began.
#[test]
fn a_message_says_what_is_found_now() {
    let mut hand = hand(HOUR);
    mail(&mut hand).reminder_interval = Some(secs(3_600));
    hand.begins("shop");
    hand.answers("shop", Some(Cause::Refused));
    if hand.fleet.profiles[&profile("blog")].in_flight.is_some() {
        hand.answers("blog", None);
    }
    hand.ms += 15_000;
    hand.step(Event::Ticked);
    assert_eq!(hand.told()[0].cause, Some(Cause::Refused));
    hand.takes();
    hand.step(Event::Started(Start::Named([profile("shop")].into())));
    hand.answers("shop", Some(Cause::ServerError));
    hand.ms += 3_600_000;
    hand.step(Event::Ticked);
    let told = hand.told();
    assert_eq!(
        (told[0].event, told[0].cause, told[0].seen.len()),
        (EventKind::Reminder, Some(Cause::ServerError), 1)
    );
    hand.takes();
    hand.step(Event::Started(Start::Named([profile("shop")].into())));
    hand.answers("shop", None);
    let told = hand.told();
    assert_eq!(
        (told[0].event, told[0].cause),
        (EventKind::Up, Some(Cause::Refused))
    );
}
