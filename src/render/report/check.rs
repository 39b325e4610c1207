//! One check as JSON. `timings_ms` are those of the last hop, with the `total` of all; `hops` holds those before it, each
//! with a `total` of its own. A phase that did not end is `null` and named in `phase`.

use std::time::Duration;

use serde::Serialize;

use super::state_of_check;
use crate::model::{
    Blame, Cause, Certificate, CertificateFault, ChainLink, CheckOutcome, CheckResult, Family,
    Finding, Hop, Layer, Phase, ProfileState, Timings, TlsVersion,
};

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct CheckReport {
    url: String,
    ok: bool,
    cause: Option<&'static str>,
    detail: Option<String>,
    blame: Option<Blame>,
    address: Option<String>,
    family: Option<&'static str>,
    http_status: Option<u16>,
    http_version: Option<String>,
    redirects: u8,
    body_bytes: u64,
    timings_ms: TimingsReport,
    certificate: Option<CertificateReport>,
    phase: Option<&'static str>,
    tls_version: Option<&'static str>,
    hops: Vec<HopReport>,
    final_url: Option<String>,
    layer: Option<&'static str>,
    remarks: Vec<String>,
    judged: Judged,
}

/// What this check by itself means.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Judged {
    state: ProfileState,
    /// Whether such a cause leads to a restart where the configuration says nothing.
    restarts_by_default: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct HopReport {
    url: String,
    address: Option<String>,
    http_status: Option<u16>,
    http_version: Option<&'static str>,
    timings_ms: TimingsReport,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct TimingsReport {
    dns: Option<f64>,
    connect: Option<f64>,
    tls: Option<f64>,
    first_byte: Option<f64>,
    transfer: Option<f64>,
    total: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct CertificateReport {
    not_after: String,
    days_left: i64,
    subject: String,
    issuer: String,
    names: Vec<String>,
    fault: Option<CertificateFault>,
    chain: Vec<LinkReport>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct LinkReport {
    subject: String,
    issuer: String,
    not_after: String,
}

pub(super) fn check_report(check: &CheckResult) -> CheckReport {
    let (cause, detail, fault, phase) = match &check.outcome {
        CheckOutcome::Ok => (None, None, None, None),
        CheckOutcome::Found {
            cause,
            finding,
            certificate_fault,
            phase,
        } => (
            Some(*cause),
            Some(finding.detail()),
            *certificate_fault,
            *phase,
        ),
    };
    let blame = cause
        .map(Cause::blame)
        .filter(|blame| *blame != Blame::Nobody);
    CheckReport {
        url: check.url.clone(),
        ok: check.is_ok(),
        cause: cause.map(Cause::word),
        detail,
        blame,
        address: check.address.map(|address| address.to_string()),
        family: check.address.map(|address| Family::of(address).word()),
        http_status: check.http_status,
        http_version: check.http_version.map(|version| version.word().to_owned()),
        redirects: check.redirects,
        body_bytes: check.body_bytes,
        timings_ms: timings(&check.timings),
        certificate: check
            .certificate
            .as_deref()
            .map(|certificate| certificate_report(certificate, fault)),
        phase: phase.map(Phase::word),
        tls_version: check.tls_version.map(TlsVersion::word),
        hops: check.hops.iter().map(hop).collect(),
        final_url: check.final_url.clone(),
        layer: check.layer.map(Layer::word),
        remarks: check.remarks.iter().map(Finding::detail).collect(),
        judged: Judged {
            state: state_of_check(check),
            restarts_by_default: cause.is_some_and(Cause::restarts_by_default),
        },
    }
}

fn hop(hop: &Hop) -> HopReport {
    HopReport {
        url: hop.url.clone(),
        address: hop.address.map(|address| address.to_string()),
        http_status: hop.http_status,
        http_version: hop.http_version.map(crate::model::HttpVersion::word),
        timings_ms: timings(&hop.timings),
    }
}

fn timings(timings: &Timings) -> TimingsReport {
    TimingsReport {
        dns: timings.dns.map(tenths),
        connect: timings.connect.map(tenths),
        tls: timings.tls.map(tenths),
        first_byte: timings.first_byte.map(tenths),
        transfer: timings.transfer.map(tenths),
        total: tenths(timings.total),
    }
}

fn certificate_report(
    certificate: &Certificate,
    fault: Option<CertificateFault>,
) -> CertificateReport {
    CertificateReport {
        not_after: certificate.not_after.to_string(),
        days_left: certificate.days_left,
        subject: certificate.subject.clone(),
        issuer: certificate.issuer.clone(),
        names: certificate.names.clone(),
        fault,
        chain: certificate.chain.iter().map(link).collect(),
    }
}

fn link(link: &ChainLink) -> LinkReport {
    LinkReport {
        subject: link.subject.clone(),
        issuer: link.issuer.clone(),
        not_after: link.not_after.to_string(),
    }
}

/// Milliseconds with one decimal.
fn tenths(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 10_000.0).round() / 10.0
}
