//! The outside watcher hears from us while we do what we are for, at most once each `every`, and else does not.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use probe::engine::{Control, Run, Until, drive};
use probe::model::{
    BootId, Cause, Channel, CheckOutcome, CheckResult, Delivery, Effect, Endpoint, Entry, Event,
    EventKind, Fleet, Happened, Heartbeat, Notification, Now, Settings, Silence, Start, Timestamp,
};
use probe::policy;
use tokio::sync::mpsc;

use super::engine::{Bench, ports, run};
use super::setup::{secs, settings};

const MINUTE: u64 = 60;

/// Nobody is watched, so that nothing but time goes on.
fn watched(every: u64) -> Settings {
    let mut settings = settings(&[]);
    settings.heartbeat = Some(Arc::new(Heartbeat {
        watcher: Endpoint::Url("https://hc.example.com/uuid".parse().unwrap()),
        every: secs(every),
    }));
    settings
}

struct Course {
    settings: Settings,
    fleet: Fleet,
    at: Duration,
    notes: Vec<Happened>,
    /// The last decision must be on the disk before anything is done.
    durable: bool,
}

impl Course {
    fn new(settings: Settings, start: Start) -> Self {
        let mut course = Self {
            settings,
            fleet: Fleet::default(),
            at: secs(1000),
            notes: Vec::new(),
            durable: false,
        };
        assert!(
            !course.step(Event::Started(start)),
            "not with the first decision"
        );
        course
    }

    /// Whether the watcher is told with this event.
    fn step(&mut self, event: Event) -> bool {
        let now = Now {
            wall: Timestamp(0) + self.at,
            boot: BootId::default(),
            since_boot: self.at,
        };
        let fleet = std::mem::take(&mut self.fleet);
        let decision = policy::step(&self.settings, fleet, event, &now);
        self.fleet = decision.fleet;
        self.notes.extend(decision.happened);
        self.durable = decision.durable;
        let beats = decision.effects.contains(&Effect::Beat);
        assert!(!beats || decision.durable, "it waits for its commit");
        beats
    }

    fn later(&mut self, seconds: u64) -> bool {
        self.at += secs(seconds);
        self.step(Event::Ticked)
    }

    /// Minutes of the next `span` in which the watcher hears from us.
    fn minutes(&mut self, span: u64) -> Vec<u64> {
        let minutes = 1..=span;
        minutes.filter(|_| self.later(MINUTE)).collect()
    }

    fn silence(&self) -> Option<&Silence> {
        self.fleet.core.heart.silence.as_ref()
    }

    /// A message queued now.
    fn queue(&mut self, last: Option<Delivery>) -> Entry {
        let entry = Entry {
            id: self.fleet.next_entry(),
            notification: Notification::blank(EventKind::Test, Timestamp(0)),
            from: String::new(),
            channel: Channel::Mail,
            to: "ops@example.com".to_owned(),
            queued: self.fleet.now(),
            tries: 0,
            due: self.fleet.now(),
            last,
            open: false,
            unclear: false,
            outlived: false,
        };
        self.fleet.queue(entry.clone());
        entry
    }

    /// Every message that leaves is not taken.
    fn defer(&mut self) {
        for entry in self.fleet.in_transit.clone() {
            let delivery = Delivery::deferred("refused");
            self.step(Event::Notified { entry, delivery });
        }
    }
}

#[test]
fn a_daemon_speaks_when_it_has_run_for_a_minute_and_then_in_time() {
    let mut course = Course::new(watched(5 * MINUTE), Start::Daemon);
    assert!(!course.later(59));
    assert!(course.later(1));
    assert_eq!(course.minutes(12), [5, 10]);
    let wake = policy::wakeup(&course.settings, &course.fleet);
    assert_eq!(wake, Some(course.fleet.now() + secs(3 * MINUTE)));
    // One that dies soon after every start is not heard.
    for _ in 0..50 {
        assert!(!course.later(40));
        assert!(!course.step(Event::Started(Start::Daemon)));
    }
    assert!(course.later(60));
    assert_eq!(course.notes, []);
}

#[test]
fn a_cycle_speaks_at_its_end_and_not_before_its_time() {
    let mut course = Course::new(watched(5 * MINUTE), Start::Due);
    assert!(!course.later(30));
    assert!(course.step(Event::Completed));
    let mut heard = Vec::new();
    for minute in 1..=12 {
        course.at += secs(MINUTE);
        assert!(!course.step(Event::Started(Start::Due)));
        if course.step(Event::Completed) {
            heard.push(minute);
        }
    }
    assert_eq!(heard, [5, 10]);
    // What a person looks at by hand is no sign that cron lives.
    let mut course = Course::new(watched(5 * MINUTE), Start::Named([].into()));
    assert_eq!(course.minutes(20), [0; 0]);
}

#[test]
fn whatever_happens_it_is_told_at_most_once_each_every() {
    for seed in 0..300 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let every = rng.u64(30..900);
        let mut course = Course::new(watched(every), Start::Daemon);
        let (mut last, mut count): (Option<Duration>, u32) = (None, 0);
        for _ in 0..400 {
            course.at += Duration::from_millis(rng.u64(0..60_000));
            let event = match rng.u8(0..8) {
                0 => Event::Started(Start::Daemon),
                1 => Event::Started(Start::Due),
                2 => Event::Started(Start::Reload),
                3 => Event::Completed,
                4 => Event::Beaten { heard: Ok(()) },
                5 => Event::Beaten {
                    heard: Err("HTTP status 500".into()),
                },
                _ => Event::Ticked,
            };
            if course.step(event) {
                if let Some(last) = last {
                    let gap = course.at - last;
                    assert!(gap >= secs(every), "seed {seed}: {gap:?} < {every} s");
                }
                last = Some(course.at);
                count += 1;
            }
        }
        assert!(
            count > 3,
            "seed {seed}: {count} of about {}",
            12_000 / every
        );
    }
}

#[test]
fn a_stuck_message_keeps_us_silent_until_it_is_gone() {
    let mut course = Course::new(watched(5 * MINUTE), Start::Daemon);
    assert_eq!(course.minutes(11), [1, 6, 11]);
    let entry = course.queue(None);
    let mut heard = Vec::new();
    for minute in 1..=60 {
        if course.later(MINUTE) {
            heard.push(minute);
        }
        course.defer();
    }
    assert_eq!(
        heard,
        [5, 10, 15, 20, 25],
        "then it has waited for half an hour"
    );
    let since = Timestamp(0) + secs(1000 + 11 * MINUTE);
    assert_eq!(
        course.silence(),
        Some(&Silence::Stuck {
            to: "ops@example.com".into(),
            since
        })
    );
    let wake = policy::wakeup(&course.settings, &course.fleet);
    assert!(wake.is_none_or(|at| at > course.fleet.now()), "no spinning");
    let delivery = Delivery::Sent { relay: "x".into() };
    let taken = Event::Notified {
        entry: entry.id,
        delivery,
    };
    assert!(course.step(taken), "the moment it is gone");
    assert_eq!(course.silence(), None);
    let told = course.notes.iter();
    let told = told.filter(|note| matches!(note, Happened::Heartbeat { .. }));
    assert_eq!(told.count(), 2, "said once, and once that it is over");
}

#[test]
fn a_refusal_for_good_keeps_us_silent_for_half_an_hour() {
    let mut course = Course::new(watched(5 * MINUTE), Start::Daemon);
    assert_eq!(course.minutes(1), [1]);
    course.queue(Some(Delivery::Rejected {
        reason: "550 no such user".into(),
    }));
    assert_eq!(course.minutes(31), [30]);
    assert_eq!(course.silence(), None);
}

#[test]
fn what_is_not_configured_to_be_sent_is_not_stuck() {
    let mut settings = watched(5 * MINUTE);
    settings.email = None;
    let mut course = Course::new(settings, Start::Daemon);
    course.queue(None);
    assert_eq!(course.minutes(60).len(), 12);
}

#[test]
fn an_unwritable_state_keeps_us_silent() {
    let mut course = Course::new(watched(5 * MINUTE), Start::Daemon);
    assert_eq!(course.minutes(1), [1]);
    course.step(Event::TakenBack {
        attempts: vec![],
        entries: vec![],
        unwritable: true,
    });
    assert_eq!(course.minutes(60), [0; 0]);
    assert_eq!(course.silence(), Some(&Silence::StateUnwritable));
    assert!(course.step(Event::Recorded));
    assert_eq!(course.silence(), None);
}

#[test]
fn overdue_probes_keep_us_silent() {
    let mut course = Course::new(watched(5 * MINUTE), Start::Daemon);
    let shop = super::setup::profile("shop");
    let due = course.fleet.now();
    // So many are under way that none begins.
    course.fleet.probing = probe::model::limits::PROBES_IN_FLIGHT;
    course.fleet.agenda.insert((due, shop));
    assert_eq!(course.minutes(60), [1]);
    assert!(matches!(course.silence(), Some(Silence::Late { .. })));
    course.fleet.agenda.clear();
    assert_eq!(course.minutes(1), [1]);
}

#[test]
fn a_watcher_that_does_not_take_it_is_remarked_once() {
    let mut course = Course::new(watched(MINUTE), Start::Daemon);
    for _ in 0..5 {
        assert!(course.later(MINUTE));
        course.step(Event::Beaten {
            heard: Err("HTTP status 404".into()),
        });
    }
    let silence = Silence::Unheard {
        reason: "HTTP status 404".into(),
    };
    assert_eq!(course.silence(), Some(&silence));
    course.step(Event::Beaten { heard: Ok(()) });
    let silence = Some(silence);
    assert_eq!(
        course.notes,
        [
            Happened::Heartbeat { silence },
            Happened::Heartbeat { silence: None }
        ]
    );
}

/// Why the watcher hears nothing is on the disk at once, for `probe status` of another process; but nothing is written for it
/// while nothing can be.
#[test]
fn a_silence_is_written_down_if_anything_can_be() {
    for unwritable in [false, true] {
        let mut course = Course::new(watched(5 * MINUTE), Start::Daemon);
        assert!(course.later(MINUTE));
        course.queue(Some(Delivery::Rejected {
            reason: "550 no such user".into(),
        }));
        if unwritable {
            course.step(Event::TakenBack {
                attempts: vec![],
                entries: vec![],
                unwritable,
            });
        }
        assert_eq!(course.silence(), None);
        assert!(!course.later(5 * MINUTE));
        assert!(course.silence().is_some());
        assert_eq!(course.durable, !unwritable);
    }
}

fn due(mut settings: Settings) -> Run {
    settings.heartbeat = watched(30).heartbeat;
    Run {
        start: Start::Due,
        ..run(settings, Until::Settled(secs(300)))
    }
}

#[tokio::test(start_paused = true)]
async fn a_cycle_of_the_loop_speaks_last() {
    let bench = Bench::new();
    let (_keep, mut control) = mpsc::channel(1);
    let ended = drive(
        &mut ports(&bench),
        due(settings(&["shop@web1"])),
        &mut control,
    )
    .await;
    assert_eq!(
        *bench.mails.lock().unwrap(),
        ["down", "restarted", "up", "heartbeat"]
    );
    assert!(ended.fleet.core.heart.left.is_some() && !ended.unwritten);
}

#[tokio::test(start_paused = true)]
async fn a_cycle_whose_time_is_up_speaks_and_ends() {
    let bench = Bench::new();
    bench.mail_hangs.store(true, Ordering::SeqCst);
    let (_keep, mut control) = mpsc::channel(1);
    let order = due(settings(&["shop"]));
    let begun = tokio::time::Instant::now();
    drive(&mut ports(&bench), order, &mut control).await;
    assert_eq!(bench.beats.lock().unwrap().len(), 1);
    assert!(begun.elapsed() < secs(330), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_cycle_that_cannot_write_or_only_rehearses_does_not_speak() {
    for (writable, dry) in [(false, false), (true, true)] {
        let bench = Bench::new();
        bench.writable.store(writable, Ordering::SeqCst);
        let (_keep, mut control) = mpsc::channel(1);
        let mut order = due(settings(&["shop@web1"]));
        order.dry = dry;
        drive(&mut ports(&bench), order, &mut control).await;
        assert_eq!(*bench.beats.lock().unwrap(), [Duration::ZERO; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn the_loop_of_a_daemon_speaks_only_while_it_can_write() {
    let bench = Bench::new();
    bench.ill.store(false, Ordering::SeqCst);
    let (order, mut control) = mpsc::channel(1);
    let (mut ports, mut run) = (ports(&bench), due(settings(&["shop"])));
    (run.start, run.until) = (Start::Daemon, Until::Shutdown);
    let driving = tokio::spawn(async move { drive(&mut ports, run, &mut control).await });
    let heard = || bench.beats.lock().unwrap().len();
    tokio::time::sleep(secs(305)).await;
    assert_eq!(heard(), 10, "{:?}", bench.beats.lock().unwrap());
    bench.writable.store(false, Ordering::SeqCst);
    tokio::time::sleep(secs(300)).await;
    assert_eq!(heard(), 10);
    bench.writable.store(true, Ordering::SeqCst);
    tokio::time::sleep(secs(305)).await;
    assert!((19..=21).contains(&heard()), "{}", heard());
    order.send(Control::Stop).await.unwrap();
    driving.await.unwrap();
}

/// A site that nothing can be said of keeps us silent after a quarter of an hour, until it is judged again.
#[test]
fn what_cannot_be_judged_keeps_us_silent() {
    let mut watched = watched(5 * MINUTE);
    watched.profiles = settings(&["shop"]).profiles;
    watched.network.canaries.clear();
    watched.email = None;
    let shop = super::setup::profile("shop");
    let mut course = Course::new(watched, Start::Daemon);
    let minutes = |course: &mut Course, span: u64, cause: Option<Cause>| -> Vec<u64> {
        let mut heard = Vec::new();
        for minute in 1..=span {
            let mut beats = course.later(MINUTE);
            while let Some((probe, _)) = course.fleet.profiles[&shop].in_flight {
                let outcome = cause.map_or(CheckOutcome::Ok, |cause| {
                    CheckOutcome::found(cause, "no name server".into())
                });
                beats |= course.step(Event::Probed {
                    probe,
                    profile: shop.clone(),
                    checks: vec![CheckResult::new("https://shop.example.com/", outcome)],
                });
            }
            heard.extend(beats.then_some(minute));
        }
        heard
    };
    assert_eq!(minutes(&mut course, 6, None), [1, 6]);
    let heard = minutes(&mut course, 60, Some(Cause::Monitor));
    assert_eq!(
        heard,
        [5, 10, 15],
        "the first probe of these was a minute on"
    );
    let silence = course.silence().cloned();
    assert!(
        matches!(&silence, Some(Silence::Unjudged { profile, .. }) if *profile == shop),
        "{silence:?}"
    );
    assert_eq!(minutes(&mut course, 6, None), [1, 6]);
    assert_eq!(course.silence(), None);
    let told = course.notes.iter();
    let told = told.filter(|note| matches!(note, Happened::Heartbeat { .. }));
    assert_eq!(told.count(), 2);
}

/// Nor does anybody hear that all is well where no canary has answered for so long.
#[test]
fn a_canary_that_stays_silent_keeps_us_silent() {
    let mut watched = watched(5 * MINUTE);
    watched.network = settings(&["shop"]).network;
    let mut course = Course::new(watched, Start::Daemon);
    course.fleet.core.network.down_since = Some(course.fleet.now());
    assert_eq!(course.minutes(60), [1, 6, 11]);
    assert!(matches!(course.silence(), Some(Silence::Blind { .. })));
    course.fleet.core.network.down_since = None;
    assert_eq!(course.minutes(1), [1]);
}
