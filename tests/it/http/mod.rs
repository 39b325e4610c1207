//! The prober against one misbehaving server per cause, all on loopback.

mod authority;
mod behaviour;
mod canary;
mod certificates;
mod encodings;
mod faults;
mod handshakes;
mod http2;
mod names;
mod phases;
mod redirects;
mod server;

use std::sync::Arc;
use std::time::{Duration, Instant};

use probe::adapters::http::HttpProber;
use probe::model::{
    Addresses, CacheBypass, Cause, CheckResult, Expect, Finding, Phase, Profile, ProfileName,
    StatusRange, Tls,
};
use probe::ports::Prober;
use url::Url;

/// Where a timeout is expected.
const SHORT: Duration = Duration::from_millis(800);

/// Where none is: the machine may be busy.
const LONG: Duration = Duration::from_secs(10);

/// A profile of one URL with everything else as it is by default.
fn profile(url: &str) -> Profile {
    Profile {
        name: ProfileName::try_new("test").unwrap(),
        host: None,
        urls: vec![Url::parse(url).unwrap()],
        method: "GET".to_owned(),
        headers: vec![],
        interval: Duration::from_secs(60),
        retry_interval: Duration::from_secs(10),
        timeout: LONG,
        connect_timeout: LONG,
        failure_threshold: 3,
        success_threshold: 2,
        expect: Expect {
            status: vec![StatusRange {
                low: 200,
                high: 399,
            }],
            contains: vec![],
            not_contains: vec![],
            matches: None,
            header: vec![],
        },
        slow: None,
        redirects: 5,
        max_body: 64 * 1024,
        addresses: Addresses::Any,
        tls: Tls {
            ca_file: None,
            client_certificate: None,
            verify: true,
            warn_before: vec![],
        },
        cache_bypass: CacheBypass::Off,
        fingerprint: 1,
    }
}

/// Probes a profile of one URL; holds the promise of the deadline.
async fn probe(profile: Profile) -> CheckResult {
    probe_with(&HttpProber::try_new().unwrap(), profile).await
}

async fn probe_with(prober: &HttpProber, profile: Profile) -> CheckResult {
    let limit = profile.timeout + Duration::from_millis(500);
    let begun = Instant::now();
    let mut results = prober.probe(Arc::new(profile)).await;
    let took = begun.elapsed();
    assert!(took < limit, "took {took:?}: {results:?}");
    assert_eq!(results.len(), 1, "{results:?}");
    results.remove(0)
}

/// The finding is this cause, in this phase.
#[track_caller]
fn assert_found(result: &CheckResult, cause: Cause, phase: Phase) {
    let Finding::Found { phase: at, .. } = &result.finding else {
        panic!("expected {cause}, found nothing: {result:?}");
    };
    assert_eq!(result.cause(), Some(cause), "{result:?}");
    assert_eq!(*at, Some(phase), "{result:?}");
    assert!(!result.detail().is_empty(), "{result:?}");
    assert!(!result.detail().chars().any(char::is_control), "{result:?}");
}

#[track_caller]
fn assert_ok(result: &CheckResult) {
    assert_eq!(result.finding, Finding::Ok, "{result:?}");
}
