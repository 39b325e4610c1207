//! The prober against one misbehaving server per cause, all on loopback.

mod authority;
mod beat;
mod behaviour;
mod canary;
mod certificates;
mod chains;
mod clocks;
pub(crate) mod dns;
mod encodings;
mod expectations;
mod faults;
mod floods;
mod foreign;
mod foreign_certificates;
mod handshakes;
mod http2;
mod lies;
mod memory;
mod names;
mod namespace;
mod negotiation;
mod network;
mod odd;
mod odd_places;
mod phases;
mod properties;
mod redirects;
mod revocation;
mod server;
mod statuses;
mod table;
mod whole;
mod wordpress;

use std::sync::Arc;
use std::time::{Duration, Instant};

use probe::adapters::http::HttpProber;
use probe::model::{Cause, CheckOutcome, CheckResult, Finding, Phase, Profile, ProfileName, Tls};
use probe::ports::Prober;
use url::Url;

/// Where a timeout is expected.
const SHORT: Duration = Duration::from_millis(800);

/// Where none is: the machine may be busy.
const LONG: Duration = Duration::from_secs(10);

/// A profile of one URL with everything else as it is by default.
fn profile(url: &str) -> Profile {
    let url = Url::parse(url).unwrap();
    Profile {
        name: ProfileName::try_new("test").unwrap(),
        connect_timeout: LONG,
        failure_threshold: 3,
        success_threshold: 2,
        max_body: 64 * 1024,
        tls: Tls {
            warn_before: vec![],
            ..Tls::by_default()
        }
        .into(),
        fingerprint: 1,
        ..Profile::of_urls(vec![url], LONG)
    }
}

/// Probes a profile of one URL; holds the promise of the deadline.
async fn probe(profile: Profile) -> CheckResult {
    probe_with(&HttpProber::try_new().unwrap(), profile).await
}

async fn probe_with(prober: &HttpProber, profile: Profile) -> CheckResult {
    let limit = profile.timeout + Duration::from_millis(500);
    let begun = Instant::now();
    let mut results = prober.probe(Arc::new(profile), vec![]).await;
    let took = begun.elapsed();
    assert!(took < limit, "took {took:?}: {results:?}");
    assert_eq!(results.len(), 1, "{results:?}");
    results.remove(0)
}

/// Probes without looking at what came of it.
async fn probe_all(prober: &HttpProber, profile: Profile) -> Vec<CheckResult> {
    prober.probe(Arc::new(profile), Vec::new()).await
}

/// The finding is this cause, in this phase.
#[track_caller]
fn assert_found(result: &CheckResult, cause: Cause, phase: Phase) {
    let CheckOutcome::Found { phase: at, .. } = &result.outcome else {
        panic!("expected {cause}, found nothing: {result:?}");
    };
    assert_eq!(result.cause(), Some(cause), "{result:?}");
    assert_eq!(*at, Some(phase), "{result:?}");
    assert!(!result.detail().is_empty(), "{result:?}");
    assert!(!result.detail().chars().any(char::is_control), "{result:?}");
}

/// What is no fault, as the JSON documents say it.
fn remarks(result: &CheckResult) -> Vec<String> {
    result.remarks.iter().map(Finding::detail).collect()
}

#[track_caller]
fn assert_ok(result: &CheckResult) {
    assert_eq!(result.outcome, CheckOutcome::Ok, "{result:?}");
}
