//! The real loop with fake ports and tokio's paused clock: commit before act, broken adapters, dry runs.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use probe::engine::{Control, Ended, Ports, Run, Until, drive};
use probe::model::{
    BootId, Cause, Changes, CheckOutcome, CheckResult, Course, Delivery, Email, Entry, Finding,
    Fleet, Happened, Heartbeat, Host, NetworkSettings, Now, Orders, Profile, Reach, RecoverOrder,
    RecoveryOutcome, RecoveryReport, Settings, Share, Slot, Stage, Start, Timestamp, Wording,
};
use probe::ports::{
    Clock, Notifier, Observer, Pending, Prober, Pulse, Recoverer, Unwritable, Writer,
};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::setup::{each_host, host, profile, secs, seen_up, settings};

/// Everything the fakes share.
pub(super) struct Bench {
    begun: Instant,
    pub(super) ill: AtomicBool,
    pub(super) writable: AtomicBool,
    heals: AtomicBool,
    pub(super) recoveries: AtomicU32,
    pub(super) mails: Mutex<Vec<String>>,
    /// Five minutes of profiles that were written.
    pub(super) slots: Mutex<Vec<Slot>>,
    pub(super) shares: Mutex<Vec<Share>>,
    /// When the outside watcher heard from us.
    pub(super) beats: Mutex<Vec<Duration>>,
    commits: AtomicU32,
    /// How the prober and the recoverer misbehave.
    prober_panics: AtomicBool,
    recoverer_panics: AtomicBool,
    pub(super) mail_hangs: AtomicBool,
    takes: Duration,
}

impl Bench {
    pub(super) fn new() -> Arc<Self> {
        Self::since(Instant::now())
    }

    pub(super) fn since(begun: Instant) -> Arc<Self> {
        Arc::new(Self {
            begun,
            ill: AtomicBool::new(true),
            writable: AtomicBool::new(true),
            heals: AtomicBool::new(true),
            recoveries: AtomicU32::new(0),
            mails: Mutex::default(),
            beats: Mutex::default(),
            slots: Mutex::default(),
            shares: Mutex::default(),
            commits: AtomicU32::new(0),
            prober_panics: AtomicBool::new(false),
            recoverer_panics: AtomicBool::new(false),
            mail_hangs: AtomicBool::new(false),
            takes: secs(2),
        })
    }
}

pub(super) struct Fake(pub(super) Arc<Bench>);

impl Clock for Fake {
    fn now(&self) -> Now {
        let elapsed = self.0.begun.elapsed();
        let wall = Timestamp(super::world::BEGIN) + elapsed;
        Now {
            wall,
            boot: BootId("boot".into()),
            since_boot: secs(1000) + elapsed,
        }
    }
}

impl Prober for Fake {
    fn probe(&self, profile: Arc<Profile>, _: Vec<Option<IpAddr>>) -> Pending<Vec<CheckResult>> {
        let bench = Arc::clone(&self.0);
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(20)).await;
            assert!(
                !bench.prober_panics.load(Ordering::SeqCst),
                "the prober is broken"
            );
            let refused = CheckOutcome::found(Cause::Refused, Finding::Refused);
            let outcome = if bench.ill.load(Ordering::SeqCst) {
                refused
            } else {
                CheckOutcome::Ok
            };
            vec![CheckResult::new(profile.urls[0].as_str(), outcome)]
        })
    }

    fn canary(&self, _: NetworkSettings) -> Pending<(bool, Finding)> {
        Box::pin(async { (true, "192.0.2.1:53 answers".into()) })
    }
}

impl Recoverer for Fake {
    fn diagnose(&self, _: Arc<Host>, _: Vec<String>) -> Pending<probe::model::Diagnosis> {
        Box::pin(async { probe::model::Diagnosis::Facts(Box::default()) })
    }

    fn reach(&self, _: Arc<Host>) -> Pending<Reach> {
        Box::pin(async { Reach::Answered })
    }

    fn recover(&self, _: Arc<Host>, _: RecoverOrder, _: Duration) -> Pending<RecoveryReport> {
        let bench = Arc::clone(&self.0);
        Box::pin(async move {
            bench.recoveries.fetch_add(1, Ordering::SeqCst);
            assert!(
                !bench.recoverer_panics.load(Ordering::SeqCst),
                "the recoverer is broken"
            );
            tokio::time::sleep(bench.takes).await;
            if bench.heals.load(Ordering::SeqCst) {
                bench.ill.store(false, Ordering::SeqCst);
            }
            RecoveryReport {
                outcome: RecoveryOutcome::Succeeded,
                exit_status: Some(0),
                duration: bench.takes,
                reason: None,
                output: String::new(),
                config_broken: false,
            }
        })
    }
}

impl Notifier for Fake {
    fn notify(
        &self,
        _: Arc<Email>,
        _: Arc<Wording>,
        entry: Entry,
        _: Option<Course>,
    ) -> Pending<Delivery> {
        let bench = Arc::clone(&self.0);
        Box::pin(async move {
            if bench.mail_hangs.load(Ordering::SeqCst) {
                std::future::pending::<()>().await;
            }
            bench
                .mails
                .lock()
                .unwrap()
                .push(entry.notification.event.word().to_owned());
            Delivery::Sent {
                relay: "fake".into(),
            }
        })
    }
}

impl Pulse for Fake {
    fn beat(&self, _: Arc<Heartbeat>) -> Pending<Result<(), String>> {
        let bench = Arc::clone(&self.0);
        Box::pin(async move {
            let at = bench.begun.elapsed();
            bench.beats.lock().unwrap().push(at);
            bench.mails.lock().unwrap().push("heartbeat".to_owned());
            Ok(())
        })
    }
}

impl Writer for Fake {
    fn commit(&mut self, changes: Changes) -> Pending<Result<(), Unwritable>> {
        self.0.commits.fetch_add(1, Ordering::SeqCst);
        let writable = self.0.writable.load(Ordering::SeqCst);
        if writable {
            let slots = changes.slots.iter().map(|(_, slot)| *slot);
            self.0.slots.lock().unwrap().extend(slots);
            let shares = changes.shares.iter().map(|(_, share)| *share);
            self.0.shares.lock().unwrap().extend(shares);
        }
        Box::pin(async move {
            if writable {
                Ok(())
            } else {
                Err(Unwritable("no space left on device".into()))
            }
        })
    }

    fn orders(&mut self) -> Pending<Orders> {
        Box::pin(std::future::ready(Orders::default()))
    }

    fn rearmed(&mut self, _: &Orders) {}
}

impl Observer for Fake {
    fn note(&mut self, _: Timestamp, _: &Happened, _: &Fleet) {}
}

/// Fakes for everything.
pub(super) fn ports(bench: &Arc<Bench>) -> Ports {
    let fake = || Fake(Arc::clone(bench));
    Ports {
        clock: Arc::new(fake()),
        prober: Arc::new(fake()),
        recoverer: Arc::new(fake()),
        notifier: Arc::new(fake()),
        messenger: Arc::new(fake()),
        poster: Arc::new(fake()),
        watcher: Arc::new(fake()),
        writer: Box::new(fake()),
        observer: Box::new(fake()),
        pulse: Box::new(|_| {}),
    }
}

/// A run of every profile, now.
pub(super) fn run(settings: Settings, until: Until) -> Run {
    let names: BTreeSet<_> = settings.profiles.keys().cloned().collect();
    Run {
        fleet: seen_up(&settings),
        settings: Arc::new(settings),
        start: Start::Named(names),
        damaged: None,
        until,
        dry: false,
    }
}

async fn once(bench: &Arc<Bench>, run: Run) -> Ended {
    let (_keep, mut control) = mpsc::channel(1);
    drive(&mut ports(bench), run, &mut control).await
}

const MAX: Until = Until::Settled(Duration::from_secs(300));

#[tokio::test(start_paused = true)]
async fn once_follows_a_failure_through() {
    let bench = Bench::new();
    let ended = once(&bench, run(settings(&["shop@web1"]), MAX)).await;
    assert_eq!(bench.recoveries.load(Ordering::SeqCst), 1);
    assert_eq!(*bench.mails.lock().unwrap(), ["down", "restarted", "up"]);
    assert!(ended.fleet.outbox.is_empty() && !ended.unwritten);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_done_that_cannot_be_written() {
    let bench = Bench::new();
    bench.writable.store(false, Ordering::SeqCst);
    let ended = once(&bench, run(settings(&["shop@web1"]), MAX)).await;
    assert!(bench.commits.load(Ordering::SeqCst) > 0, "it was tried");
    assert_eq!(
        bench.recoveries.load(Ordering::SeqCst),
        0,
        "no act without a durable intent"
    );
    assert!(bench.mails.lock().unwrap().is_empty());
    assert!(ended.unwritten);
}

#[tokio::test(start_paused = true)]
async fn writing_comes_back_and_so_does_service() {
    let bench = Bench::new();
    bench.writable.store(false, Ordering::SeqCst);
    let (order, mut control) = mpsc::channel(1);
    let later = Arc::clone(&bench);
    let (mut ports, run) = (
        ports(&bench),
        run(settings(&["shop@web1"]), Until::Shutdown),
    );
    let driving = tokio::spawn(async move { drive(&mut ports, run, &mut control).await });
    tokio::time::sleep(secs(120)).await;
    assert_eq!(later.recoveries.load(Ordering::SeqCst), 0);
    later.writable.store(true, Ordering::SeqCst);
    tokio::time::sleep(secs(120)).await;
    assert_eq!(later.recoveries.load(Ordering::SeqCst), 1);
    order.send(Control::Stop).await.unwrap();
    assert!(!driving.await.unwrap().unwritten);
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_the_prober_is_unknown_not_down() {
    let bench = Bench::new();
    bench.prober_panics.store(true, Ordering::SeqCst);
    let ended = once(&bench, run(settings(&["shop@web1"]), MAX)).await;
    let track = &ended.fleet.profiles[&profile("shop")];
    assert!(track.unknown.is_some());
    assert_eq!(
        (track.failures, bench.recoveries.load(Ordering::SeqCst)),
        (0, 0)
    );
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_the_recoverer_counts_as_unknown() {
    let bench = Bench::new();
    bench.recoverer_panics.store(true, Ordering::SeqCst);
    let mut settings = settings(&["shop@web1"]);
    each_host(&mut settings, |host| host.restart.give_up_after = 1);
    let ended = once(&bench, run(settings, Until::Settled(secs(900)))).await;
    let track = &ended.fleet.hosts[&host("web1")];
    assert_eq!(
        track
            .last
            .as_ref()
            .unwrap()
            .report
            .as_ref()
            .unwrap()
            .outcome,
        RecoveryOutcome::Unknown
    );
    assert_eq!(
        bench.recoveries.load(Ordering::SeqCst),
        1,
        "it is not repeated on the spot"
    );
    assert!(matches!(track.stage, Stage::GaveUp { .. }));
}

#[tokio::test(start_paused = true)]
async fn a_silent_mail_server_delays_no_healing() {
    let bench = Bench::new();
    bench.mail_hangs.store(true, Ordering::SeqCst);
    let ended = once(&bench, run(settings(&["shop@web1"]), MAX)).await;
    assert_eq!(bench.recoveries.load(Ordering::SeqCst), 1);
    assert!(!bench.ill.load(Ordering::SeqCst), "healed");
    assert_eq!(
        ended.fleet.outbox.len(),
        3,
        "and every mail is kept for the next run"
    );
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_does_nothing_and_says_what_it_would() {
    let bench = Bench::new();
    let mut order = run(settings(&["shop@web1"]), MAX);
    order.dry = true;
    let ended = once(&bench, order).await;
    assert_eq!(
        (
            bench.recoveries.load(Ordering::SeqCst),
            bench.commits.load(Ordering::SeqCst)
        ),
        (0, 0)
    );
    assert!(bench.mails.lock().unwrap().is_empty());
    assert_eq!(
        ended.would.first().map(|order| order.rung.to_string()),
        Some("sudo -n kusanagi restart".to_owned())
    );
}
