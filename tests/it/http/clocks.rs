//! Clocks that differ: the site's, ours, a canary's.

use probe::adapters::http::HttpProber;
use probe::model::{Canary, Cause, CertificateFault, NetworkSettings, Phase};
use probe::ports::Prober;
use rcgen::date_time_ymd;

use super::authority::{Authority, BOTH, LOCAL, NOW, config, serve_tls};
use super::chains::refused;
use super::server::{response, serve};
use super::table::record;
use super::{assert_found, assert_ok, probe, probe_with, remarks};

#[tokio::test]
async fn t02_our_own_clock_or_the_site() {
    let authority = Authority::new();
    let identity = authority.certify(LOCAL, |params| {
        params.not_before = date_time_ymd(2089, 1, 1);
        params.not_after = date_time_ymd(2090, 1, 1);
    });
    let late = response("200 OK", &["Date: Tue, 01 Mar 2089 10:00:00 GMT"], "fine");
    let server = serve_tls(config(&identity, BOTH), NOW, late).await;
    let prober = HttpProber::try_new().unwrap();
    let result = probe_with(&prober, authority.profile(&server)).await;
    // A site can say any time: by its word alone the fault stays its own.
    refused(
        &result,
        CertificateFault::NotYetValid,
        &["2089-01-01", "is this machine's clock right (timedatectl)?"],
    );
    record("T2-either", "by the site's word alone", &result);

    // A canary that agrees with the site: ours is wrong.
    canary_says(&prober, "Tue, 01 Mar 2089 10:00:02 GMT".to_owned()).await;
    let result = probe_with(&prober, authority.profile(&server)).await;
    assert_found(&result, Cause::Monitor, Phase::Tls);
    assert!(
        result
            .detail()
            .contains("this machine's clock seems to be wrong by"),
        "{result:?}"
    );
    record("T2", "our own clock", &result);

    // A canary that agrees with our clock: the site is to blame.
    canary_says(&prober, jiff_date()).await;
    let result = probe_with(&prober, authority.profile(&server)).await;
    refused(&result, CertificateFault::NotYetValid, &["2089-01-01"]);
    assert!(!result.detail().contains("clock right"), "{result:?}");
    record("T2-site", "not yet valid", &result);
}

/// Has a canary of this `Date` asked.
async fn canary_says(prober: &HttpProber, date: String) {
    let canary = serve(move |_| response("200 OK", &[&format!("Date: {date}")], "")).await;
    let network = NetworkSettings {
        canaries: vec![Canary::Http(canary.url("/").parse().unwrap())],
    };
    assert!(prober.canary(network).await.0);
}

fn jiff_date() -> String {
    let now = jiff::Timestamp::now();
    now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

#[tokio::test]
async fn t02_a_clock_that_differs_is_a_remark() {
    let server = serve(|_| response("200 OK", &["Date: Tue, 01 Mar 2089 10:00:00 GMT"], "")).await;
    let result = probe(super::profile(&server.url("/"))).await;
    assert_ok(&result);
    assert_eq!(result.remarks.len(), 1, "{result:?}");
    assert!(remarks(&result)[0].contains("ahead of ours"), "{result:?}");
}
