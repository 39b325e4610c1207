//! What probes found, and where profiles stand.

use std::time::Duration;

use super::Scene;
use super::paper::{Page, bit, label, labels, seconds};
use crate::model::{Blame, Cause, CheckResult, Family, Profile, ProfileState, ProfileTrack};

/// One check for each URL: of several, the first that failed.
fn rows<'a>(scene: &Scene<'a>) -> Vec<(String, &'a CheckResult)> {
    let mut rows: Vec<(String, &CheckResult)> = Vec::new();
    for (name, profile) in &scene.settings.profiles {
        let track = scene.fleet.profiles.get(name);
        let last = track.map_or(&[][..], |track| &track.last);
        rows.extend(rows_of(profile, last));
    }
    rows
}

fn rows_of<'a>(profile: &Profile, checks: &'a [CheckResult]) -> Vec<(String, &'a CheckResult)> {
    let mut rows: Vec<(String, &CheckResult)> = Vec::new();
    let name = profile.name.as_str();
    let host = profile.host.as_ref().map_or("", |host| host.as_str());
    for check in checks {
        let labels = labels(&[("profile", name), ("host", host), ("url", &check.url)]);
        match rows.iter_mut().find(|(known, _)| *known == labels) {
            Some((_, known)) if known.is_ok() && !check.is_ok() => *known = check,
            Some(_) => {}
            None => rows.push((labels, check)),
        }
    }
    rows
}

/// What the last probes found.
pub(super) fn checks(page: &mut Page, scene: &Scene<'_>) {
    found(page, &rows(scene));
}

/// What a probe found that somebody asked for.
pub(super) fn asked(page: &mut Page, profile: &Profile, checks: &[CheckResult]) {
    found(page, &rows_of(profile, checks));
}

fn found(page: &mut Page, rows: &[(String, &CheckResult)]) {
    page.each(
        "probe_success",
        "Whether the last check found nothing wrong.",
        rows,
        |check| Some(bit(check.is_ok())),
    );
    page.each(
        "probe_duration_seconds",
        "The last check, all phases and hops together.",
        rows,
        |check| Some(seconds(check.timings.total)),
    );
    page.each(
        "probe_dns_lookup_time_seconds",
        "Resolving the name, in the last hop.",
        rows,
        |check| check.timings.dns.map(seconds),
    );
    page.each(
        "probe_ip_protocol",
        "4 or 6, of the last hop.",
        rows,
        |check| {
            let family = check.address.map(Family::of)?;
            Some(match family {
                Family::Ipv4 => 4,
                Family::Ipv6 => 6,
            })
        },
    );
    page.each(
        "probe_http_status_code",
        "Status of the last response; 0 without one.",
        rows,
        |check| Some(check.http_status.unwrap_or(0)),
    );
    page.each(
        "probe_http_version",
        "HTTP version of the last response.",
        rows,
        |check| check.http_version.map(|version| version.word()),
    );
    page.each(
        "probe_http_ssl",
        "Whether the last hop was HTTPS.",
        rows,
        |check| {
            let last = check.final_url.as_deref().unwrap_or(&check.url);
            Some(bit(last.starts_with("https:")))
        },
    );
    page.each(
        "probe_http_redirects",
        "Redirects followed.",
        rows,
        |check| Some(check.redirects),
    );
    page.each(
        "probe_http_uncompressed_body_length",
        "Decoded body bytes that were read.",
        rows,
        |check| check.http_status.map(|_| check.body_bytes),
    );
    page.each(
        "probe_http_content_length",
        "Length that the last response said of its body, as it is sent.",
        rows,
        |check| check.content_length,
    );
    phases(page, rows);
    page.each(
        "probe_ssl_earliest_cert_expiry",
        "When the first certificate of the chain ends, as Unix time.",
        rows,
        |check| {
            let shown = check.certificate.as_deref()?;
            let chain = shown.chain.iter().map(|link| link.not_after);
            let first = chain.fold(shown.not_after, std::cmp::Ord::min);
            Some(first.0.div_euclid(1000))
        },
    );
    let versions: Vec<(String, ())> = rows
        .iter()
        .filter_map(|(labels, check)| {
            let version = label("version", &format!("TLS {}", check.tls_version?.word()));
            Some((format!("{labels},{version}"), ()))
        })
        .collect();
    let help = "TLS version of the last hop; always 1.";
    page.each("probe_tls_version_info", help, &versions, |()| Some(1));
}

fn phases(page: &mut Page, rows: &[(String, &CheckResult)]) {
    let mut phases: Vec<(String, Duration)> = Vec::new();
    for (labels, check) in rows {
        let timings = &check.timings;
        for (phase, took) in [
            ("resolve", timings.dns),
            ("connect", timings.connect),
            ("tls", timings.tls),
            ("processing", timings.first_byte),
            ("transfer", timings.transfer),
        ] {
            if let Some(took) = took {
                phases.push((format!("{labels},{}", label("phase", phase)), took));
            }
        }
    }
    page.each(
        "probe_http_duration_seconds",
        "Phases of the last hop that took place and ended.",
        &phases,
        |took| Some(seconds(*took)),
    );
}

/// Where the profiles stand.
pub(super) fn profiles(page: &mut Page, scene: &Scene<'_>) {
    const STATES: [ProfileState; 5] = [
        ProfileState::Up,
        ProfileState::Degraded,
        ProfileState::Failing,
        ProfileState::Down,
        ProfileState::Unknown,
    ];
    let name = "prober_profile_state";
    page.family(
        name,
        "gauge",
        "1 for the state a profile is in, 0 for the others.",
    );
    for profile in scene.settings.profiles.keys() {
        let track = scene.fleet.profiles.get(profile);
        let now = track.map_or(ProfileState::Unknown, ProfileTrack::state);
        for state in STATES {
            let labels = labels(&[("profile", profile.as_str()), ("state", state.word())]);
            page.sample(name, &labels, bit(state == now));
        }
    }
    let open: Vec<(String, bool)> = scene
        .settings
        .profiles
        .keys()
        .map(|name| {
            let track = scene.fleet.profiles.get(name);
            let open = track.is_some_and(|track| track.incident.is_some());
            (label("profile", name.as_str()), open)
        })
        .collect();
    page.each(
        "prober_incident_open",
        "Whether a profile has an open incident.",
        &open,
        |open| Some(bit(*open)),
    );
    let name = "prober_failures_total";
    page.family(
        name,
        "counter",
        "Probes that found something wrong, by cause.",
    );
    let faults = Cause::ALL.iter();
    for cause in faults.filter(|cause| cause.blame() != Blame::Nobody) {
        let count = scene.gauges.failures.get(cause).copied().unwrap_or(0);
        page.sample(name, &label("cause", cause.word()), count);
    }
}
