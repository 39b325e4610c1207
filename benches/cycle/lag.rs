//! Punctuality: how far from one interval apart two probes of a profile begin, with and without black holes, and what a
//! hundred thousand HTTPS profiles a minute take of one core.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use probe::adapters::http::HttpProber;
use probe::model::{CheckResult, Finding, NetworkSettings, Profile, ProfileName, Settings};
use probe::ports::{Pending, Prober};
use tempfile::TempDir;
use tokio::runtime::Builder;

use super::whole::{ports, profile, settings, watch};
use super::world::{cpu, targets};

/// When each profile was probed last, and how far from its interval each probe after the first began.
#[derive(Default)]
struct Starts {
    last: HashMap<ProfileName, Instant>,
    errors: Vec<Duration>,
    probes: usize,
}

/// The prober, with the moments of its calls kept.
struct Watched {
    inner: HttpProber,
    starts: Arc<Mutex<Starts>>,
}

impl Prober for Watched {
    fn probe(
        &self,
        profile: Arc<Profile>,
        known: Vec<Option<std::net::IpAddr>>,
    ) -> Pending<Vec<CheckResult>> {
        let now = Instant::now();
        let mut starts = self.starts.lock().unwrap_or_else(PoisonError::into_inner);
        starts.probes += 1;
        if let Some(last) = starts.last.insert(profile.name.clone(), now) {
            let error = (now - last).abs_diff(profile.interval);
            if !profile.name.as_str().starts_with("hole") {
                starts.errors.push(error);
            }
        }
        self.inner.probe(profile, known)
    }

    fn canary(&self, network: NetworkSettings) -> Pending<(bool, Finding)> {
        self.inner.canary(network)
    }
}

/// Interval of the profiles of [`measure`].
const INTERVAL: Duration = Duration::from_secs(2);

fn site(name: &str, url: &str, interval: Duration) -> Profile {
    Profile {
        interval,
        retry_interval: interval,
        timeout: Duration::from_secs(10).min(interval * 3 / 4),
        ..profile(name, url)
    }
}

/// `count` profiles, so many of them black holes.
fn fleet(sites: &[SocketAddr], holes: &[SocketAddr], count: usize, dark: usize) -> Arc<Settings> {
    settings((0..count).map(|n| {
        if n < dark {
            let address = holes[n % holes.len()];
            site(
                &format!("hole-{n:05}"),
                &format!("http://{address}/"),
                INTERVAL,
            )
        } else {
            let address = sites[n % sites.len()];
            site(
                &format!("site-{n:05}"),
                &format!("http://{address}/"),
                INTERVAL,
            )
        }
    }))
}

/// Runs the daemon for so long: what the starts were, and the CPU time spent.
fn run(settings: Arc<Settings>, long: Duration) -> (Starts, Duration) {
    let starts = Arc::new(Mutex::new(Starts::default()));
    let prober = Watched {
        inner: HttpProber::try_new().expect("a prober"),
        starts: Arc::clone(&starts),
    };
    let dir = TempDir::new().expect("a directory");
    let mut ports = ports(Arc::new(prober), Some(dir.path().join("state")));
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let before = cpu();
    runtime
        .expect("a runtime")
        .block_on(watch(&mut ports, settings, long));
    let spent = cpu() - before;
    drop(ports);
    let mut starts = std::mem::take(&mut *starts.lock().unwrap_or_else(PoisonError::into_inner));
    starts.errors.sort();
    (starts, spent)
}

impl Starts {
    fn quantile(&self, percent: usize) -> f64 {
        let place = (self.errors.len() * percent / 100).min(self.errors.len() - 1);
        self.errors[place].as_secs_f64() * 1000.0
    }
}

/// A thousand profiles at 2 s without holes and with 10 % of them.
pub(crate) fn measure(dir: &Path) -> bool {
    let all = targets(dir);
    let mut tails = Vec::new();
    for dark in [0, 100, 0, 100] {
        let long = Duration::from_secs(20);
        let (starts, _) = run(fleet(&all["http"], &all["hole"], 1000, dark), long);
        println!(
            "1000 profiles at 2 s, {dark} black holes: {} probes, |period error| p50 {:.1} ms, p99 {:.1} ms",
            starts.probes,
            starts.quantile(50),
            starts.quantile(99)
        );
        tails.push(starts.quantile(99));
    }
    let (without, with) = (tails[0].min(tails[2]), tails[1].min(tails[3]));
    println!(
        "p99 with holes over without: {:.2} (goal 1.20, and below 100 ms)",
        with / without
    );
    true
}

/// 10,000 HTTPS profiles at 6 s: 1,667 probes a second.
pub(crate) fn rate(dir: &Path) -> bool {
    let sites = &targets(dir)["ecdsa"];
    let settings = settings((0..10_000).map(|n| {
        let address = sites[n % sites.len()];
        site(
            &format!("site-{n:05}"),
            &format!("https://{address}/"),
            Duration::from_secs(6),
        )
    }));
    let long = Duration::from_secs(20);
    let (starts, spent) = run(settings, long);
    println!(
        "10000 HTTPS profiles at 6 s for 20 s: {:.0} probes/s, {:.2} of one core, {:.0} µs per probe, |period error| p50 {:.1} ms, p99 {:.1} ms",
        starts.probes as f64 / long.as_secs_f64(),
        spent.as_secs_f64() / long.as_secs_f64(),
        spent.as_secs_f64() * 1e6 / starts.probes as f64,
        starts.quantile(50),
        starts.quantile(99)
    );
    true
}
