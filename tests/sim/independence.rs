//! L4: whatever one profile, host or mail server does, every other profile is probed on its own time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use probe::engine::{Control, Until, drive};
use probe::model::{
    Cause, CheckOutcome, CheckResult, Finding, Fleet, Happened, NetworkSettings, Profile,
    ProfileName, Start, Timestamp,
};
use probe::ports::{Observer, Pending, Prober};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::engine::{Bench, ports, run};
use super::setup::{profile, secs, settings};

/// Sites called `hole…` never answer; their probes end at the deadline.
struct Holes {
    begun: Instant,
    started: Arc<Mutex<BTreeMap<ProfileName, Vec<Duration>>>>,
}

impl Prober for Holes {
    fn probe(
        &self,
        profile: Arc<Profile>,
        _: Vec<Option<std::net::IpAddr>>,
    ) -> Pending<Vec<CheckResult>> {
        let at = self.begun.elapsed();
        let mut started = self.started.lock().unwrap();
        started.entry(profile.name.clone()).or_default().push(at);
        let hole = profile.name.as_str().starts_with("hole");
        Box::pin(async move {
            let silent = CheckOutcome::found(Cause::ResponseTimeout, "no response".into());
            let (takes, outcome) = if hole {
                (profile.timeout, silent)
            } else {
                (Duration::from_millis(5), CheckOutcome::Ok)
            };
            tokio::time::sleep(takes).await;
            vec![CheckResult::new(profile.urls[0].as_str(), outcome)]
        })
    }

    fn canary(&self, _: NetworkSettings) -> Pending<(bool, Finding)> {
        Box::pin(async { (true, "answers".into()) })
    }
}

struct Deaf;

impl Observer for Deaf {
    fn note(&mut self, _: Timestamp, _: &Happened, _: &Fleet) {}
}

#[tokio::test(start_paused = true)]
async fn black_holes_delay_nobody_else() {
    let mut names: Vec<String> = (0..100).map(|n| format!("hole{n}")).collect();
    names.extend(["quick".to_owned(), "brisk".to_owned()]);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let bench = Bench::new();
    let started = Arc::new(Mutex::new(BTreeMap::new()));
    let mut ports = ports(&bench);
    ports.prober = Arc::new(Holes {
        begun: Instant::now(),
        started: Arc::clone(&started),
    });
    ports.observer = Box::new(Deaf);
    let mut order = run(settings(&names), Until::Shutdown);
    order.start = Start::Daemon;
    let (stop, mut control) = mpsc::channel(1);
    let driving = tokio::spawn(async move { drive(&mut ports, order, &mut control).await });
    tokio::time::sleep(secs(3600)).await;
    stop.send(Control::Stop).await.unwrap();
    driving.await.unwrap();

    let started = started.lock().unwrap();
    for name in ["quick", "brisk"] {
        let times = &started[&profile(name)];
        assert_eq!(times.len(), 60, "{name}: one probe a minute for an hour");
        for pair in times.windows(2) {
            let gap = pair[1] - pair[0];
            assert!(
                gap >= secs(59) && gap <= secs(61),
                "{name}: {gap:?} between two probes"
            );
        }
    }
    assert!(
        started[&profile("hole7")].len() > 300,
        "and the others are watched all the while"
    );
}
