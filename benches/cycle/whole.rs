//! Our whole probe: the loop with the real rules, prober with all its hooks, judging, log and recording.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use probe::adapters::clock::SystemClock;
use probe::adapters::command::{CommandMessenger, Environment};
use probe::adapters::http::{HttpPoster, HttpProber, HttpPulse};
use probe::adapters::observe::LogObserver;
use probe::adapters::smtp::SmtpNotifier;
use probe::adapters::ssh::SshRecoverer;
use probe::adapters::store::StateDir;
use probe::engine::{Control, Ended, Ports, Run, Until, drive};
use probe::model::{
    Changes, CheckResult, Expect, Finding, Fleet, NetworkSettings, Orders, Profile, ProfileName,
    ProfileTrack, Settings, Standing, Start,
};
use probe::ports::{Clock, Pending, Prober, Unwritable, Writer};
use tempfile::TempDir;
use tokio::sync::{Semaphore, mpsc};

use super::floor::IN_FLIGHT;

/// A store that keeps rows in memory.
#[derive(Default)]
struct Rows {
    profiles: BTreeMap<ProfileName, ProfileTrack>,
}

impl Writer for Rows {
    fn commit(&mut self, changes: Changes) -> Pending<Result<(), Unwritable>> {
        for (name, track) in changes.profiles {
            match track {
                Some(track) => self.profiles.insert(name, track),
                None => self.profiles.remove(&name),
            };
        }
        Box::pin(async { Ok(()) })
    }

    fn orders(&mut self) -> Pending<Orders> {
        Box::pin(async { Orders::default() })
    }

    fn rearmed(&mut self, _: &Orders) {}
}

/// The prober, with so many connections in flight as the floors have.
struct Narrow {
    inner: HttpProber,
    permits: Arc<Semaphore>,
}

impl Prober for Narrow {
    fn probe(
        &self,
        profile: Arc<Profile>,
        known: Vec<Option<std::net::IpAddr>>,
    ) -> Pending<Vec<CheckResult>> {
        let (permits, inner) = (Arc::clone(&self.permits), self.inner.clone());
        Box::pin(async move {
            let _permit = permits.acquire_owned().await;
            inner.probe(profile, known).await
        })
    }

    fn canary(&self, network: NetworkSettings) -> Pending<(bool, Finding)> {
        self.inner.canary(network)
    }
}

/// A profile as people write it: an address, a text that must be on the page, everything else by default.
pub(crate) fn profile(name: &str, url: &str) -> Profile {
    Profile {
        name: ProfileName::try_new(name).expect("a name"),
        expect: Expect {
            contains: vec!["</html>".to_owned()],
            ..Expect::by_default()
        }
        .into(),
        fingerprint: 1,
        ..Profile::of_urls(vec![url.parse().expect("a URL")], Duration::from_secs(10))
    }
}

/// Settings of these profiles, without hosts, canaries and mail.
pub(crate) fn settings(profiles: impl IntoIterator<Item = Profile>) -> Arc<Settings> {
    Arc::new(Settings {
        wording: Arc::default(),
        profiles: profiles
            .into_iter()
            .map(|profile| (profile.name.clone(), Arc::new(profile)))
            .collect(),
        hosts: BTreeMap::new(),
        network: NetworkSettings {
            canaries: Vec::new(),
        },
        email: None,
        command: None,
        webhooks: Vec::new(),
        heartbeat: None,
        status_page: None,
    })
}

/// The loop, ready to go round again and again over the same profiles.
pub(crate) struct Whole {
    pub(crate) settings: Arc<Settings>,
    ports: Ports,
    fleet: Fleet,
    _dir: Option<TempDir>,
}

impl Whole {
    /// `count` profiles over the targets; the state in SQLite, or as rows in memory.
    pub(crate) fn new(scheme: &str, targets: &[SocketAddr], count: usize, sqlite: bool) -> Self {
        let profiles = (0..count).map(|n| {
            let address = targets[n % targets.len()];
            profile(&format!("site-{n:05}"), &format!("{scheme}://{address}/"))
        });
        let dir = sqlite.then(|| TempDir::new().expect("a directory"));
        let path = dir.as_ref().map(|dir| dir.path().join("state"));
        let permits = Arc::new(Semaphore::new(IN_FLIGHT));
        let inner = HttpProber::try_new().expect("a prober");
        Self {
            settings: settings(profiles),
            ports: ports(Arc::new(Narrow { inner, permits }), path),
            fleet: Fleet::default(),
            _dir: dir,
        }
    }

    /// Probes every profile once, and writes what was found.
    pub(crate) async fn round(&mut self) {
        let names = self.settings.profiles.keys().cloned().collect();
        self.run(names).await;
    }

    /// The same without a probe: nothing is due.
    pub(crate) async fn idle_round(&mut self) {
        self.run(BTreeSet::new()).await;
    }

    async fn run(&mut self, names: BTreeSet<ProfileName>) {
        let count = names.len();
        let run = Run {
            settings: Arc::clone(&self.settings),
            fleet: std::mem::take(&mut self.fleet),
            start: Start::Named(names),
            damaged: None,
            until: Until::Settled(Duration::from_secs(120)),
            dry: false,
        };
        let before = run.fleet.last_probe;
        let (_orders, mut control) = mpsc::channel(1);
        let ended = drive(&mut self.ports, run, &mut control).await;
        self.fleet = all_up(ended);
        assert_eq!(self.fleet.last_probe - before, count as u64);
    }
}

fn all_up(ended: Ended) -> Fleet {
    assert!(!ended.unwritten);
    for (name, track) in &ended.fleet.profiles {
        assert_eq!(track.standing, Standing::Up, "{name}: {:?}", track.last);
    }
    ended.fleet
}

/// Every port real but the store, where no directory is given.
pub(crate) fn ports(prober: Arc<dyn Prober>, state: Option<PathBuf>) -> Ports {
    let clock = Arc::new(SystemClock::new());
    let store: Box<dyn Writer> = match state {
        None => Box::new(Rows::default()),
        Some(path) => {
            let dir = StateDir::open(&path, clock.now().wall).expect("a state");
            Box::new(dir.into_store().expect("a store"))
        }
    };
    let means = HttpProber::try_new().expect("a prober");
    let no_secrets = |_: &_| Err("there are none here".to_owned());
    let watcher = Arc::new(HttpPulse::new(&means, Arc::new(no_secrets)));
    Ports {
        clock,
        prober,
        recoverer: Arc::new(SshRecoverer::new(
            Arc::new(|_| false),
            Arc::new(SystemClock::new()),
        )),
        notifier: Arc::new(SmtpNotifier::new()),
        messenger: Arc::new(CommandMessenger::new(Environment::default())),
        poster: Arc::new(HttpPoster::new(&means, Arc::new(no_secrets))),
        watcher,
        writer: store,
        observer: Box::new(LogObserver),
        pulse: Box::new(|_| {}),
    }
}

/// The daemon for so long.
pub(crate) async fn watch(ports: &mut Ports, settings: Arc<Settings>, long: Duration) -> Fleet {
    let run = Run {
        settings,
        fleet: Fleet::default(),
        start: Start::Daemon,
        damaged: None,
        until: Until::Shutdown,
        dry: false,
    };
    let (orders, mut control) = mpsc::channel(1);
    tokio::spawn(async move {
        tokio::time::sleep(long).await;
        let _ = orders.send(Control::Stop).await;
    });
    drive(ports, run, &mut control).await.fleet
}
