//! The copy of the fleet that pages are made from.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{RwLock, mpsc};

use crate::model::{Ack, Changes, Drills, Fleet, Gauges, Notification, Pause, Settings};
use crate::ports::Clock;
use crate::render::metrics::{self, Scene};
use crate::render::{record, report};

/// What the loop hands over.
#[derive(Debug)]
pub struct News {
    /// The configuration in force.
    pub settings: Arc<Settings>,
    /// Rows that changed.
    pub changes: Changes,
    /// What people ordered.
    pub pauses: BTreeMap<String, Pause>,
    /// The last rehearsals.
    pub drills: Drills,
    /// What people acknowledged.
    pub acks: BTreeMap<String, Ack>,
    /// The state cannot be written.
    pub unwritable: bool,
    /// What was measured.
    pub gauges: Gauges,
}

/// Where the loop hands over its news, and whether reading the configuration went well.
#[derive(Debug, Clone)]
pub struct Reports {
    news: mpsc::Sender<News>,
    reloaded: Arc<AtomicBool>,
}

impl Reports {
    pub(super) fn new(news: mpsc::Sender<News>, reloaded: Arc<AtomicBool>) -> Self {
        Self { news, reloaded }
    }

    /// Hands over what `make` makes, unless the news before are not taken yet.
    pub fn publish(&self, make: impl FnOnce() -> News) {
        if let Ok(place) = self.news.try_reserve() {
            place.send(make());
        }
    }

    /// The configuration was read, well or not.
    pub fn reloaded(&self, well: bool) {
        self.reloaded.store(well, Ordering::Relaxed);
    }
}

struct Known {
    settings: Arc<Settings>,
    fleet: Fleet,
    gauges: Gauges,
    /// When the loop last said something.
    heard: Duration,
}

/// What is known of the loop.
pub(super) struct World {
    clock: Arc<dyn Clock>,
    reloaded: Arc<AtomicBool>,
    subject: fn(&Settings, &Notification) -> String,
    known: RwLock<Option<Known>>,
}

impl World {
    pub(super) fn new(
        clock: Arc<dyn Clock>,
        reloaded: Arc<AtomicBool>,
        subject: fn(&Settings, &Notification) -> String,
    ) -> Self {
        Self {
            clock,
            reloaded,
            subject,
            known: RwLock::new(None),
        }
    }

    /// Takes over what the loop handed over.
    pub(super) async fn learn(&self, news: News) {
        let heard = self.clock.now().since_boot;
        let mut place = self.known.write().await;
        let known = place.get_or_insert_with(|| Known {
            settings: Arc::clone(&news.settings),
            fleet: Fleet::default(),
            gauges: Gauges::default(),
            heard,
        });
        known.settings = news.settings;
        known.fleet.learn(news.changes);
        known.fleet.pauses = news.pauses;
        known.fleet.drills = news.drills;
        known.fleet.acks = news.acks;
        known.fleet.unwritable = news.unwritable;
        known.gauges = news.gauges;
        known.heard = heard;
    }

    /// Forgets all: nobody asks any more.
    pub(super) async fn forget(&self) {
        *self.known.write().await = None;
    }

    /// How long ago the loop was heard.
    pub(super) async fn silence(&self) -> Option<Duration> {
        let now = self.clock.now().since_boot;
        let heard = self.known.read().await.as_ref()?.heard;
        Some(now.saturating_sub(heard))
    }

    /// The configuration in force; `None` before the first decision.
    pub(super) async fn settings(&self) -> Option<Arc<Settings>> {
        let known = self.known.read().await;
        known.as_ref().map(|known| Arc::clone(&known.settings))
    }

    /// The metrics; `None` before the first decision. Takes its time: not for a worker of the runtime.
    pub(super) fn metrics(&self) -> Option<String> {
        let known = self.known.blocking_read();
        let known = known.as_ref()?;
        Some(metrics::page(&Scene {
            settings: &known.settings,
            fleet: &known.fleet,
            gauges: &known.gauges,
            reloaded: self.reloaded.load(Ordering::Relaxed),
        }))
    }

    /// The document of `probe status --json`; like [`World::metrics`].
    pub(super) fn document(&self) -> Option<String> {
        let known = self.known.blocking_read();
        let known = known.as_ref()?;
        let selection: BTreeSet<_> = known.settings.profiles.keys().cloned().collect();
        let told = record::waiting(&known.fleet, |note| (self.subject)(&known.settings, note));
        let document = report::status_document(&known.settings, &known.fleet, &selection, &told);
        Some(document.to_json())
    }
}
