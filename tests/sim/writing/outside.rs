//! The outside with a slow disk, which sees what is durable when an act arrives.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use probe::engine::Ports;
use probe::model::{
    AttemptId, Cause, Changes, CheckOutcome, CheckResult, Course, Delivery, Email, Entry, EntryId,
    EventKind, Finding, Fleet, Host, NetworkSettings, Orders, Profile, RecoverOrder,
    RecoveryOutcome, RecoveryReport,
};
use probe::ports::{Notifier, Pending, Prober, Recoverer, Unwritable, Writer};
use tokio::time::Instant;

use super::super::engine::{self, Bench};
use super::super::setup::secs;

/// One commit, from its beginning.
pub(super) struct Commit {
    pub(super) ended: Duration,
    pub(super) entries: Vec<EntryId>,
}

/// The outside with a slow disk; it sees what is durable when an act arrives.
pub(super) struct Outside {
    pub(super) begun: Instant,
    /// What each of the first commits takes, and what all others take.
    pub(super) takes: Mutex<(Vec<Duration>, Duration)>,
    pub(super) writable: AtomicBool,
    pub(super) ill: AtomicBool,
    pub(super) durable: Mutex<Fleet>,
    pub(super) commits: Mutex<Vec<Commit>>,
    pub(super) probes: Mutex<BTreeMap<String, Vec<Duration>>>,
    pub(super) recovered: Mutex<Vec<(Duration, AttemptId)>>,
    pub(super) mailed: Mutex<Vec<(Duration, EntryId)>>,
    pub(super) told: Mutex<Vec<EventKind>>,
    /// Acts whose intent was not on the disk.
    pub(super) unproven: AtomicU32,
    /// A look for orders takes this long.
    pub(super) looking_takes: Duration,
    pub(super) orders: Mutex<Orders>,
    pub(super) rearmed: Mutex<Vec<Duration>>,
}

impl Outside {
    pub(super) fn new(takes: Duration) -> Arc<Self> {
        Arc::new(Self {
            begun: Instant::now(),
            takes: Mutex::new((Vec::new(), takes)),
            writable: AtomicBool::new(true),
            ill: AtomicBool::new(true),
            durable: Mutex::default(),
            commits: Mutex::default(),
            probes: Mutex::default(),
            recovered: Mutex::default(),
            mailed: Mutex::default(),
            told: Mutex::default(),
            unproven: AtomicU32::new(0),
            looking_takes: takes / 3,
            orders: Mutex::default(),
            rearmed: Mutex::default(),
        })
    }

    pub(super) fn proves(&self, proven: bool) {
        self.unproven
            .fetch_add(u32::from(!proven), Ordering::SeqCst);
    }

    pub(super) fn restarts(&self) -> usize {
        self.recovered.lock().unwrap().len()
    }

    pub(super) fn mails(&self) -> usize {
        self.mailed.lock().unwrap().len()
    }

    /// Until so many probes of a profile have ended.
    pub(super) async fn probed(&self, name: &str, count: usize) {
        let begun = || self.probes.lock().unwrap().get(name).map_or(0, Vec::len);
        while begun() < count {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }

    pub(super) fn ports(self: &Arc<Self>) -> Ports {
        let double = || Double(Arc::clone(self));
        Ports {
            prober: Arc::new(double()),
            recoverer: Arc::new(double()),
            notifier: Arc::new(double()),
            writer: Box::new(double()),
            ..engine::ports(&Bench::since(self.begun))
        }
    }
}

struct Double(Arc<Outside>);

impl Prober for Double {
    fn probe(
        &self,
        profile: Arc<Profile>,
        _: Vec<Option<std::net::IpAddr>>,
    ) -> Pending<Vec<CheckResult>> {
        let outside = Arc::clone(&self.0);
        let at = outside.begun.elapsed();
        let name = profile.name.to_string();
        outside
            .probes
            .lock()
            .unwrap()
            .entry(name)
            .or_default()
            .push(at);
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(20)).await;
            let ill = outside.ill.load(Ordering::SeqCst) && profile.name.as_str() != "well";
            let outcome = if ill {
                CheckOutcome::found(Cause::Refused, Finding::Refused)
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

impl Recoverer for Double {
    fn diagnose(&self, _: Arc<Host>, _: Vec<String>) -> Pending<probe::model::Diagnosis> {
        Box::pin(async { probe::model::Diagnosis::Facts(Box::default()) })
    }

    fn reach(&self, _: Arc<Host>) -> Pending<probe::model::Reach> {
        Box::pin(async { probe::model::Reach::Answered })
    }

    fn recover(
        &self,
        host: Arc<Host>,
        order: RecoverOrder,
        _: Duration,
    ) -> Pending<RecoveryReport> {
        let outside = Arc::clone(&self.0);
        let track = outside
            .durable
            .lock()
            .unwrap()
            .hosts
            .get(&host.name)
            .cloned();
        let last = track.and_then(|track| track.last);
        outside.proves(last.is_some_and(|attempt| attempt.id == order.attempt));
        let at = outside.begun.elapsed();
        outside.recovered.lock().unwrap().push((at, order.attempt));
        Box::pin(async move {
            tokio::time::sleep(secs(2)).await;
            outside.ill.store(false, Ordering::SeqCst);
            RecoveryReport {
                outcome: RecoveryOutcome::Succeeded,
                exit_status: Some(0),
                duration: secs(2),
                reason: None,
                output: String::new(),
                config_broken: false,
            }
        })
    }
}

impl Notifier for Double {
    fn notify(
        &self,
        _: Arc<Email>,
        _: Arc<probe::model::Wording>,
        entry: Entry,
        _: Option<Course>,
    ) -> Pending<Delivery> {
        let outside = &self.0;
        let durable = outside.durable.lock().unwrap();
        let written = durable.outbox.get(&entry.id);
        outside.proves(written.is_some_and(|written| *written == entry));
        let at = outside.begun.elapsed();
        outside.mailed.lock().unwrap().push((at, entry.id));
        outside.told.lock().unwrap().push(entry.notification.event);
        Box::pin(async {
            Delivery::Sent {
                relay: "fake".into(),
            }
        })
    }
}

impl Writer for Double {
    fn commit(&mut self, changes: Changes) -> Pending<Result<(), Unwritable>> {
        let outside = Arc::clone(&self.0);
        let takes = {
            let mut takes = outside.takes.lock().unwrap();
            if takes.0.is_empty() {
                takes.1
            } else {
                takes.0.remove(0)
            }
        };
        // On a thread of its own, as the real one: it goes on when nobody waits for it any more.
        let written = tokio::spawn(async move {
            tokio::time::sleep(takes).await;
            if !outside.writable.load(Ordering::SeqCst) {
                return Err(Unwritable("no space left on device".into()));
            }
            outside.commits.lock().unwrap().push(Commit {
                ended: outside.begun.elapsed(),
                entries: changes
                    .outbox
                    .iter()
                    .filter(|(_, body)| body.is_some())
                    .map(|(id, _)| *id)
                    .collect(),
            });
            outside.durable.lock().unwrap().learn(changes);
            Ok(())
        });
        Box::pin(async move { written.await.unwrap() })
    }

    fn orders(&mut self) -> Pending<Orders> {
        let orders = self.0.orders.lock().unwrap().clone();
        // A start waits for its first look.
        let begins = self.0.begun.elapsed().is_zero();
        let takes = if begins {
            Duration::ZERO
        } else {
            self.0.looking_takes
        };
        Box::pin(async move {
            tokio::time::sleep(takes).await;
            orders
        })
    }

    fn rearmed(&mut self, orders: &Orders) {
        let mut known = self.0.orders.lock().unwrap();
        known.rearm.retain(|name| !orders.rearm.contains(name));
        let at = self.0.begun.elapsed();
        self.0.rearmed.lock().unwrap().push(at);
    }
}
