//! Mailboxes, the command and webhooks side by side: each hears all of an incident in order, and none waits for another.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use probe::model::{
    BootId, Channel, Delivery, Effect, Endpoint, Entry, EntryId, Event, EventKind, Fleet, Form,
    Happened, IncidentId, Language, Notification, Now, Preset, Settings, Timestamp, Webhook,
    Wording,
};
use probe::policy;
use probe::ports::{Messenger, Pending, Poster};
use tokio::sync::mpsc;

use super::engine::{Bench, Fake, ports, run};
use super::setup::{secs, settings};

/// Takes everything, and writes down who heard what.
impl Messenger for Fake {
    fn hand(&self, command: Arc<Vec<String>>, _: Arc<Wording>, entry: Entry) -> Pending<Delivery> {
        let told = format!("{} {}", command[0], entry.notification.event.word());
        self.0.mails.lock().unwrap().push(told);
        Box::pin(std::future::ready(Delivery::Sent {
            relay: command[0].clone(),
        }))
    }
}

/// Takes everything likewise.
impl Poster for Fake {
    fn post(&self, webhook: Arc<Webhook>, _: Arc<Wording>, entry: Entry) -> Pending<Delivery> {
        let told = format!("{} {}", webhook.name, entry.notification.event.word());
        self.0.mails.lock().unwrap().push(told);
        Box::pin(std::future::ready(Delivery::Sent {
            relay: webhook.name.clone(),
        }))
    }
}

const DAY: u64 = 24 * 3600;

fn heard() -> Settings {
    let mut settings = settings(&["shop"]);
    settings.command = Some(Arc::new(vec!["/usr/local/bin/notify".to_owned()]));
    settings
}

fn webhook(name: &str) -> Arc<Webhook> {
    Arc::new(Webhook {
        name: name.to_owned(),
        form: Form::Preset(Preset::Slack),
        endpoint: Endpoint::Url("https://hooks.example.com/s3cret".parse().unwrap()),
        token: None,
        to: None,
        language: Language::En,
    })
}

/// Settings with these webhooks and nothing else.
fn posted(names: &[&str]) -> Settings {
    let mut settings = settings(&["shop"]);
    settings.email = None;
    settings.webhooks = names.iter().map(|name| webhook(name)).collect();
    settings
}

/// An outbox with the first two events of one incident, for each of two listeners.
fn outbox() -> Fleet {
    let mut fleet = Fleet::default();
    for (sequence, event) in [(0, EventKind::Down), (1, EventKind::Up)] {
        for (channel, to) in [
            (Channel::Mail, "ops@example.com"),
            (Channel::Command, "/usr/local/bin/notify"),
        ] {
            queue(&mut fleet, "shop", (sequence, event), (channel, to));
        }
    }
    fleet
}

/// A message of an incident to somebody.
fn queue(fleet: &mut Fleet, site: &str, told: (u32, EventKind), to: (Channel, &str)) {
    let id = fleet.next_entry();
    fleet.queue(Entry {
        id,
        notification: Notification {
            incident: Some(IncidentId::new(site, "20261122T060000Z")),
            sequence: told.0,
            ..Notification::blank(told.1, Timestamp(0))
        },
        from: String::new(),
        channel: to.0,
        to: to.1.to_owned(),
        queued: Timestamp(0),
        tries: 0,
        due: Timestamp(0),
        last: None,
        open: false,
        unclear: false,
        outlived: false,
    });
}

/// A fleet that is moved along in time.
struct Course {
    settings: Settings,
    fleet: Fleet,
    at: Duration,
}

impl Course {
    fn new(settings: Settings) -> Self {
        Self {
            settings,
            fleet: outbox(),
            at: Duration::ZERO,
        }
    }

    /// The entries that leave with this event.
    fn step(&mut self, event: Event) -> (Vec<u64>, Vec<Happened>) {
        let now = Now {
            wall: Timestamp(0) + self.at,
            boot: BootId::default(),
            since_boot: self.at,
        };
        let fleet = std::mem::take(&mut self.fleet);
        let decision = policy::step(&self.settings, fleet, event, &now);
        self.fleet = decision.fleet;
        let leave = decision.effects.iter().filter_map(|effect| match effect {
            Effect::Notify(EntryId(id)) => Some(*id),
            _ => None,
        });
        (leave.collect(), decision.happened)
    }

    fn later(&mut self, span: Duration) -> Vec<u64> {
        self.at += span;
        self.step(Event::Ticked).0
    }

    fn ended(&mut self, id: u64, delivery: Delivery) -> Vec<u64> {
        let entry = EntryId(id);
        self.step(Event::Notified { entry, delivery }).0
    }
}

fn sent() -> Delivery {
    Delivery::Sent { relay: "x".into() }
}

fn deferred() -> Delivery {
    Delivery::deferred("exit status 1")
}

#[test]
fn each_listener_hears_an_incident_in_order_and_at_its_own_pace() {
    let mut course = Course::new(heard());
    assert_eq!(course.later(secs(1)), [1, 2], "the first event, to both");
    assert_eq!(course.ended(1, sent()), [3], "the mailbox hears the second");
    assert_eq!(course.ended(2, deferred()), [0; 0], "the command does not");
    assert_eq!(course.later(secs(29)), [0; 0]);
    assert_eq!(course.later(secs(4)), [2], "up to a tenth later");
    assert_eq!(course.ended(2, deferred()), [0; 0]);
    assert_eq!(course.later(secs(59)), [0; 0], "the wait doubles");
    assert_eq!(course.later(secs(7)), [2]);
    assert_eq!(course.ended(2, sent()), [4]);
    assert_eq!(course.ended(4, sent()), [0; 0]);
    assert_eq!(course.ended(3, sent()), [0; 0]);
    assert!(course.fleet.outbox.is_empty());
}

#[test]
fn what_the_command_refuses_for_good_is_kept_and_blocks_nothing() {
    let mut course = Course::new(heard());
    course.later(secs(1));
    let refused = Delivery::Rejected {
        reason: "exit status 65".into(),
    };
    assert_eq!(course.ended(2, refused), [4]);
    assert!(course.fleet.outbox[&EntryId(2)].is_dead());
    assert_eq!(
        course.later(secs(DAY)),
        [0; 0],
        "both others are in transit"
    );
}

#[test]
fn the_command_is_given_up_after_five_days() {
    let mut course = Course::new(heard());
    course.later(secs(1));
    course.ended(1, sent());
    course.ended(3, sent());
    let mut tries = 1;
    course.ended(2, deferred());
    while !course.fleet.outbox[&EntryId(2)].is_dead() {
        let due = course.fleet.outbox[&EntryId(2)].due;
        let wait = due.since(course.fleet.now());
        assert!(wait <= secs(15 * 60 * 11 / 10), "{wait:?}");
        assert_eq!(course.later(wait), [2]);
        tries += 1;
        let after = course.ended(2, deferred());
        assert!(after.is_empty() || after == [4], "{after:?}");
    }
    assert!(course.at >= secs(5 * DAY) && course.at < secs(5 * DAY + 1000));
    assert!(tries > 400, "{tries}");
}

#[test]
fn what_waits_for_a_channel_that_was_taken_out_waits_five_days_for_its_return() {
    let mut course = Course::new(settings(&["shop"]));
    assert_eq!(course.later(secs(1)), [1], "mail alone");
    course.ended(1, sent());
    course.ended(3, sent());
    assert_eq!(course.later(secs(4 * DAY)), [0; 0]);
    let waits = policy::wakeup(&course.settings, &course.fleet);
    assert!(
        waits.is_none_or(|at| at > course.fleet.now()),
        "it does not keep the loop awake"
    );
    let back = Course {
        settings: heard(),
        fleet: course.fleet.clone(),
        at: course.at,
    };
    let mut back = back;
    assert_eq!(back.later(secs(1)), [2], "it is configured again");
    course.at += secs(DAY);
    let (leave, notes) = course.step(Event::Ticked);
    assert_eq!(leave, [0; 0]);
    assert!(course.fleet.outbox.values().all(Entry::is_dead));
    let told = format!("{notes:?}");
    assert!(
        told.contains("`alerts.command` is not configured any more"),
        "{told}"
    );
}

#[test]
fn a_command_alone_is_heard_and_reminded() {
    let mut settings = settings(&["shop"]);
    assert_eq!(settings.reminder_interval(), None, "mail says so");
    settings.email = None;
    assert!(!settings.is_heard());
    assert_eq!(settings.reminder_interval(), None);
    settings.command = heard().command;
    assert!(settings.is_heard());
    assert_eq!(settings.reminder_interval(), Some(secs(4 * 3600)));
}

#[tokio::test(start_paused = true)]
async fn a_silent_mail_server_delays_no_command() {
    let bench = Bench::new();
    bench.mail_hangs.store(true, Ordering::SeqCst);
    let mut settings = settings(&["shop@web1"]);
    settings.command = heard().command;
    let (_keep, mut control) = mpsc::channel(1);
    let until = probe::engine::Until::Settled(secs(300));
    let ended = probe::engine::drive(&mut ports(&bench), run(settings, until), &mut control).await;
    let told = |event: &str| format!("/usr/local/bin/notify {event}");
    assert_eq!(
        *bench.mails.lock().unwrap(),
        ["down", "restarted", "up"].map(told)
    );
    let left: Vec<Channel> = ended.fleet.outbox.values().map(|e| e.channel).collect();
    assert_eq!(left, [Channel::Mail; 3]);
}

fn refused() -> Delivery {
    Delivery::Rejected {
        reason: "550 5.1.1 no such user".into(),
    }
}

/// M6: whoever cannot be reached any more makes all of it red, until something is taken there again.
#[test]
fn m6_who_had_a_message_refused_for_good_is_unheard_until_the_next_one_is_taken() {
    let mut course = Course::new(heard());
    course.later(secs(1));
    let unheard = |course: &Course| -> Vec<u64> {
        let entries = course.fleet.outbox.values();
        let unheard = entries.filter(|entry| entry.is_unheard());
        unheard.map(|entry| entry.id.0).collect()
    };
    course.ended(1, refused());
    assert_eq!(unheard(&course), [1]);
    // That the program took something says nothing of the mailbox.
    course.ended(2, sent());
    course.ended(4, sent());
    assert_eq!(unheard(&course), [1]);
    course.ended(3, deferred());
    assert_eq!(unheard(&course), [1]);
    course.later(secs(40));
    course.ended(3, sent());
    assert_eq!(unheard(&course), [0; 0]);
    assert!(course.fleet.outbox[&EntryId(1)].is_dead(), "still shown");
}

/// Messages of incidents, each with its first event, and its last where it is over; to the command alone.
fn crowd(course: &mut Course, over: u64, open: u64) {
    course.fleet = Fleet::default();
    for n in 0..over + open {
        let events = [(0, EventKind::Down), (1, EventKind::Up)];
        let told = if n < over { 2 } else { 1 };
        for event in events.into_iter().take(told) {
            let command = (Channel::Command, "/usr/local/bin/notify");
            queue(&mut course.fleet, &format!("shop{n}"), event, command);
        }
    }
}

/// M22: what is over becomes one message where too many wait; nothing that is open is touched, and nothing is lost.
#[test]
fn m22_of_more_messages_than_the_outbox_holds_those_that_are_over_become_one() {
    let mut course = Course::new(heard());
    crowd(&mut course, 4_999, 2);
    course.later(secs(1));
    assert_eq!(course.fleet.outbox.len(), 10_000, "as many as it holds");
    let mut course = Course::new(heard());
    crowd(&mut course, 5_000, 2);
    let (leave, notes) = course.step(Event::Ticked);
    let digest = course.fleet.outbox.values().last().unwrap();
    assert_eq!(digest.notification.event, EventKind::Digest);
    assert_eq!(digest.listener(), (Channel::Command, ""));
    assert_eq!(digest.notification.items.len(), 5_000);
    let ends = |told: &Notification| told.event == EventKind::Up;
    assert!(
        digest.notification.items.iter().all(ends),
        "the whole of it"
    );
    let merged = notes
        .iter()
        .filter(|note| matches!(note, Happened::Merged { into, .. } if *into == digest.id));
    assert_eq!(merged.count(), 10_000);
    assert_eq!(course.fleet.outbox.len(), 3, "and two that are open");
    assert_eq!(leave.len(), 3);
    assert!(course.fleet.is_indexed());
}

/// A message that may have arrived is not told in another, nor what follows it.
#[test]
fn m22_what_is_on_its_way_stays_with_what_follows_it() {
    let mut course = Course::new(heard());
    crowd(&mut course, 5_001, 0);
    let first = EntryId(1);
    course.fleet.entry_mut(first).unwrap().unclear = true;
    course.step(Event::Ticked);
    let left: Vec<EventKind> = course
        .fleet
        .outbox
        .values()
        .map(|entry| entry.notification.event)
        .collect();
    assert_eq!(left, [EventKind::Down, EventKind::Up, EventKind::Digest]);
    // One more outage does not write all of it anew.
    let digest = *course.fleet.outbox.keys().last().unwrap();
    course.later(secs(1));
    assert!(course.fleet.outbox.contains_key(&digest));
}

/// An outbox with the first two events of one incident, for each of two webhooks.
fn outbox_of_webhooks() -> Fleet {
    let mut fleet = Fleet::default();
    for told in [(0, EventKind::Down), (1, EventKind::Up)] {
        for name in ["day", "night"] {
            queue(&mut fleet, "shop", told, (Channel::Webhook, name));
        }
    }
    fleet
}

#[test]
fn each_webhook_hears_an_incident_in_order_and_at_its_own_pace() {
    let mut course = Course::new(posted(&["day", "night"]));
    course.fleet = outbox_of_webhooks();
    assert_eq!(course.later(secs(1)), [1, 2], "the first event, to both");
    assert_eq!(course.ended(1, sent()), [3], "`day` hears the second");
    assert_eq!(course.ended(2, refused()), [4], "a refusal blocks nothing");
    assert!(course.fleet.outbox[&EntryId(2)].is_unheard());
    course.ended(3, sent());
    assert!(
        course.fleet.outbox[&EntryId(2)].is_unheard(),
        "what `day` took says nothing of `night`"
    );
    course.ended(4, sent());
    assert!(!course.fleet.outbox[&EntryId(2)].is_unheard());
    assert_eq!(course.fleet.outbox.len(), 1, "each was told once");
}

#[test]
fn a_service_that_says_when_is_not_asked_before() {
    let mut course = Course::new(posted(&["day", "night"]));
    course.fleet = outbox_of_webhooks();
    course.later(secs(1));
    let busy = Delivery::Deferred {
        reason: "HTTP status 429".into(),
        stay: probe::model::Stay::After(600),
    };
    assert_eq!(course.ended(2, busy), [0; 0]);
    assert_eq!(course.ended(1, sent()), [3]);
    assert_eq!(course.later(secs(599)), [0; 0]);
    assert_eq!(course.later(secs(62)), [2], "up to a tenth later");
}

#[test]
fn what_waits_for_a_webhook_that_was_taken_out_waits_five_days_for_its_name() {
    let mut course = Course::new(posted(&["day"]));
    course.fleet = outbox_of_webhooks();
    assert_eq!(course.later(secs(1)), [1], "`night` is not there");
    course.ended(1, sent());
    course.ended(3, sent());
    assert_eq!(course.later(secs(4 * DAY)), [0; 0]);
    let waits = policy::wakeup(&course.settings, &course.fleet);
    assert!(waits.is_none_or(|at| at > course.fleet.now()));
    let mut back = Course {
        settings: posted(&["night"]),
        fleet: course.fleet.clone(),
        at: course.at,
    };
    assert_eq!(back.later(secs(1)), [2], "it is configured again");
    course.at += secs(DAY);
    let (leave, notes) = course.step(Event::Ticked);
    assert_eq!(leave, [0; 0]);
    let told = format!("{notes:?}");
    let wanted = "`night` of `alerts.webhooks` is not configured any more";
    assert!(told.contains(wanted), "{told}");
}

#[test]
fn a_webhook_alone_is_heard_and_reminded() {
    let settings = posted(&["day"]);
    assert!(settings.is_heard());
    assert_eq!(settings.reminder_interval(), Some(secs(4 * 3600)));
    assert!(!posted(&[]).is_heard());
}

#[tokio::test(start_paused = true)]
async fn webhooks_hear_all_of_it_beside_a_silent_mail_server() {
    let bench = Bench::new();
    bench.mail_hangs.store(true, Ordering::SeqCst);
    let mut settings = settings(&["shop@web1"]);
    settings.webhooks = vec![webhook("day"), webhook("night")];
    let (_keep, mut control) = mpsc::channel(1);
    let until = probe::engine::Until::Settled(secs(300));
    let ended = probe::engine::drive(&mut ports(&bench), run(settings, until), &mut control).await;
    let mut told = bench.mails.lock().unwrap().clone();
    // Each in order; which of the two is first, nobody promises.
    told.sort_by_key(|told| told.split(' ').next().map(str::to_owned));
    let of = |name: &str| ["down", "restarted", "up"].map(|event| format!("{name} {event}"));
    assert_eq!(told, [of("day"), of("night")].concat());
    let left: Vec<Channel> = ended.fleet.outbox.values().map(|e| e.channel).collect();
    assert_eq!(left, [Channel::Mail; 3]);
}
