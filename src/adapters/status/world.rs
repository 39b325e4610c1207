//! The copy of the fleet that pages are made from.

use std::collections::{BTreeMap, BTreeSet};
use std::slice;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{RwLock, mpsc};

use crate::model::{
    Account, Ack, Changes, Drills, Fleet, Gauges, Host, HostName, Notification, Now, Pause,
    Profile, ProfileName, Rollup, Rollups, Settings, Timestamp,
};
use crate::ports::{Clock, Failed, Store};
use crate::render::page::{self, Kept, Visit};
use crate::render::{metrics, record, report};

/// How far back a page shows what happened.
const BACK: Duration = Duration::from_secs(90 * 24 * 3600);

/// How far back a list does: its drawings show a day.
const BACK_IN_LIST: Duration = Duration::from_secs(24 * 3600);

/// Entries of the journal that a page reads at most: some hundredths of a second.
const ROWS: u32 = 5_000;

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

/// What the roof lends the page: rules and words that stand in rooms the page cannot reach.
#[derive(Debug, Clone, Copy)]
pub struct Lent {
    /// The subject line of a message.
    pub subject: fn(&Settings, &Notification) -> String,
    /// What the rules say of a host.
    pub account: fn(&Settings, Fleet, &HostName, &Now) -> Option<Account>,
}

/// What a page is about.
#[derive(Debug, Clone)]
pub(super) enum Subject {
    /// The list.
    Index,
    /// A profile.
    Profile(Arc<Profile>),
    /// A host.
    Host(Arc<Host>),
    /// Outages and their ends.
    Feed,
    /// The drawing of a profile.
    Badge(ProfileName),
}

/// Hours and days of profiles, as they are written.
type Written = BTreeMap<ProfileName, (Vec<(u32, Rollup)>, Vec<(u32, Rollup)>)>;

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
    store: Arc<dyn Store>,
    lent: Lent,
    known: RwLock<Option<Known>>,
}

impl World {
    pub(super) fn new(
        clock: Arc<dyn Clock>,
        reloaded: Arc<AtomicBool>,
        store: Arc<dyn Store>,
        lent: Lent,
    ) -> Self {
        Self {
            clock,
            reloaded,
            store,
            lent,
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
        Some(metrics::page(&metrics::Scene {
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
        let told = record::waiting(&known.fleet, |note| {
            (self.lent.subject)(&known.settings, note)
        });
        let document = report::status_document(&known.settings, &known.fleet, &selection, &told);
        Some(document.to_json())
    }

    /// A page for people; like [`World::metrics`].
    ///
    /// What is on the disk is read while nothing is locked: a slow disk delays neither the loop's news nor `/healthz`.
    pub(super) fn page(&self, subject: &Subject, visit: &Visit) -> Option<String> {
        let now = self.clock.now();
        let picked = {
            let known = self.known.blocking_read();
            let known = known.as_ref()?;
            match subject {
                Subject::Index => page::pick(&known.settings, &known.fleet, visit),
                Subject::Profile(_) | Subject::Host(_) | Subject::Feed | Subject::Badge(_) => {
                    page::Picked::default()
                }
            }
        };
        let (names, host, back) = match subject {
            Subject::Index => (&picked.names[..], None, BACK_IN_LIST),
            Subject::Profile(profile) => {
                (slice::from_ref(&profile.name), profile.host.as_ref(), BACK)
            }
            Subject::Host(host) => (&[][..], Some(&host.name), BACK),
            Subject::Feed => (&[][..], None, BACK),
            Subject::Badge(name) => (slice::from_ref(name), None, BACK_IN_LIST),
        };
        let (mut kept, mut written) = self.kept(names, now.wall, back);
        let account = host.and_then(|host| {
            let (settings, fleet) = {
                let known = self.known.blocking_read();
                let known = known.as_ref()?;
                (Arc::clone(&known.settings), known.fleet.clone())
            };
            (self.lent.account)(&settings, fleet, host, &now)
        });
        let known = self.known.blocking_read();
        let known = known.as_ref()?;
        let zone = &known.settings.wording.zone.rules;
        kept.rollups = names
            .iter()
            .map(|name| {
                let (hours, days) = written.remove(name).unwrap_or_default();
                let rollups = Rollups::of(&known.fleet, name, hours, days, zone);
                (name.clone(), rollups)
            })
            .collect();
        let scene = page::Scene {
            settings: &known.settings,
            fleet: &known.fleet,
            kept: &kept,
            silence: now.since_boot.saturating_sub(known.heard),
            reloaded: self.reloaded.load(Ordering::Relaxed),
        };
        Some(match subject {
            Subject::Index => page::index(&scene, visit, &picked),
            Subject::Profile(profile) => page::profile(&scene, visit, profile, account.as_ref()),
            Subject::Host(host) => page::host(&scene, visit, host, account.as_ref()),
            Subject::Feed => page::feed(&scene, visit),
            Subject::Badge(name) => page::badge(&scene, visit, name),
        })
    }

    /// What is recorded of these profiles, with their hours and days as they are written, and what happened since then. A store
    /// that cannot be read costs the page its past, and no more.
    fn kept(&self, names: &[ProfileName], wall: Timestamp, back: Duration) -> (Kept, Written) {
        let from = wall - back;
        let kept = self.read(names, from).unwrap_or_else(|error| {
            tracing::warn!(%error, "the status page cannot read what is recorded");
            Kept {
                from,
                unread: true,
                ..Kept::default()
            }
        });
        if names.is_empty() {
            return (kept, Written::new());
        }
        let mut hours = self.store.hours(names, 0);
        let mut days = self.store.days(names, 0);
        let of = |name: &ProfileName| {
            let hours = hours.remove(name).unwrap_or_default();
            let days = days.remove(name).unwrap_or_default();
            (name.clone(), (hours, days))
        };
        (kept, names.iter().map(of).collect())
    }

    fn read(&self, names: &[ProfileName], from: Timestamp) -> Result<Kept, Failed> {
        let courses = match names {
            [] => BTreeMap::new(),
            names => self.store.courses(names)?,
        };
        Ok(Kept {
            courses,
            recorded: self.store.journal(from, ROWS)?,
            from,
            ..Kept::default()
        })
    }
}
