//! Profiles as rows of the table, with what is said below them.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::Layout;
use super::ink::{Ink, Line};
use super::table::Row;
use super::words::{ago, date, found_by, said, since};
use crate::model::{
    Cause, Certificate, CheckResult, Fleet, Profile, ProfileName, ProfileState, ProfileTrack,
    Settings, Standing, Timestamp,
};
use crate::render::report::{Severity, state_of_check};
use crate::render::text::plural;

/// What is said of a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Detail {
    /// After a run: what is not well.
    Run,
    /// On request: since when, probed when, which incident.
    Standing,
    /// While somebody watches: the same, with how long answers took, and what is not well first.
    Watched,
}

/// Days left below which a certificate is shown without being asked for.
const CERTIFICATE_DAYS: i64 = 30;

pub(super) fn rows(
    settings: &Settings,
    fleet: &Fleet,
    selection: &BTreeSet<ProfileName>,
    detail: Detail,
    look: Layout,
) -> Vec<Row> {
    let unseen = ProfileTrack::default();
    let mut rows = Vec::new();
    let mut ordered: Vec<(&ProfileName, &ProfileTrack)> = selection
        .iter()
        .map(|name| (name, fleet.profiles.get(name).unwrap_or(&unseen)))
        .collect();
    let worst = |track: &ProfileTrack| Severity::from(track.state());
    match detail {
        Detail::Run | Detail::Standing => ordered.sort_by_key(|(_, track)| worst(track)),
        Detail::Watched => ordered.sort_by_key(|(_, track)| Reverse(worst(track))),
    }
    for (name, track) in ordered {
        let profile = settings.profiles.get(name).map(AsRef::as_ref);
        let mut own: Vec<Row> = if track.last.is_empty() {
            unprobed(profile)
        } else {
            let of = |check| row(check, mark(check, track.state()), look);
            track.last.iter().map(of).collect()
        };
        if let Some(first) = own.first_mut() {
            first.profile = name.to_string();
        }
        if let (Some(last), Some(remark)) =
            (own.last_mut(), standing(profile, track, fleet, detail))
        {
            last.remarks.push(remark);
        }
        rows.append(&mut own);
    }
    rows
}

/// The mark of a URL without a profile.
pub(super) fn url_mark(check: &CheckResult) -> (Ink, &'static str) {
    mark(check, ProfileState::Failing)
}

fn unprobed(profile: Option<&Profile>) -> Vec<Row> {
    let profiles = profile.into_iter();
    let urls = profiles.flat_map(|profile| profile.urls.iter().map(|url| profile.shown(url)));
    urls.map(|url| Row {
        mark: (Ink::Unsure, "?"),
        profile: String::new(),
        url,
        status: None,
        address: None,
        timings: None,
        remarks: Vec::new(),
    })
    .collect()
}

/// A check's mark; a failure of a profile that is down is `DOWN`, of another one `FAIL`.
fn mark(check: &CheckResult, profile: ProfileState) -> (Ink, &'static str) {
    match (state_of_check(check), profile) {
        (ProfileState::Up, _) => (Ink::Good, "up"),
        (ProfileState::Degraded, _) => (Ink::Warn, "warn"),
        (ProfileState::Unknown, _) => (Ink::Unsure, "?"),
        (ProfileState::Failing | ProfileState::Down, ProfileState::Down) => (Ink::Bad, "DOWN"),
        // Something was seen, and it is not held against the site.
        (ProfileState::Failing | ProfileState::Down, ProfileState::Unknown) => (Ink::Unsure, "?"),
        (
            ProfileState::Failing | ProfileState::Down,
            ProfileState::Up | ProfileState::Failing | ProfileState::Degraded,
        ) => (Ink::Bad, "FAIL"),
    }
}

fn row(check: &CheckResult, mark: (Ink, &'static str), look: Layout) -> Row {
    let address = check.address.map(|address| match address.port() {
        80 | 443 => address.ip().to_string(),
        _ => address.to_string(),
    });
    Row {
        mark,
        profile: String::new(),
        url: check.url.clone(),
        status: check.http_status,
        address,
        timings: Some(check.timings),
        remarks: remarks(check, mark.0, look),
    }
}

fn remarks(check: &CheckResult, ink: Ink, look: Layout) -> Vec<Line> {
    let mut lines = Vec::new();
    if let Some(found) = found_by(check) {
        lines.push(Line::new(ink, &found));
    }
    if let Some(last) = check
        .final_url
        .as_ref()
        .filter(|_| look.verbose || !check.is_ok())
    {
        let hops = plural(usize::from(check.redirects), "redirect");
        lines.push(Line::new(Ink::Dim, &format!("after {hops}, at {last}")));
    }
    if look.verbose {
        let version = check
            .http_version
            .map(|version| format!("HTTP/{}", version.word()));
        let body = check.http_status.map(|_| {
            plural(
                usize::try_from(check.body_bytes).unwrap_or(usize::MAX),
                "byte",
            )
        });
        let parts: Vec<String> = [version, body].into_iter().flatten().collect();
        if !parts.is_empty() {
            lines.push(Line::new(Ink::Dim, &parts.join(" · ")));
        }
    }
    lines.extend(certificate(check, look));
    lines
}

/// Unless the finding itself speaks of it.
fn certificate(check: &CheckResult, look: Layout) -> Option<Line> {
    let said = matches!(
        check.cause(),
        Some(Cause::TlsCertificate | Cause::CertificateExpiring)
    );
    let certificate = check.certificate.as_ref()?;
    let soon = certificate.days_left < CERTIFICATE_DAYS;
    if (said || !soon) && !look.verbose {
        return None;
    }
    let (ink, life) = life(certificate);
    let mut text = format!("certificate {life}");
    if look.verbose {
        text.push_str(&format!(", issued by {}", certificate.issuer));
    }
    Some(Line::new(ink, &text))
}

/// `ends in 61 days, on 2027-01-22`.
pub(super) fn life(certificate: &Certificate) -> (Ink, String) {
    let day = date(certificate.not_after);
    let days = |count: i64| plural(usize::try_from(count).unwrap_or(0), "day");
    let text = match certificate.days_left {
        left @ ..0 => format!("ended {} ago, on {day}", days(-left)),
        0 => format!("ends within a day, on {day}"),
        left => format!("ends in {}, on {day}", days(left)),
    };
    let soon = certificate.days_left < CERTIFICATE_DAYS;
    (if soon { Ink::Warn } else { Ink::Dim }, text)
}

/// Where the profile stands, below its last check.
fn standing(
    profile: Option<&Profile>,
    track: &ProfileTrack,
    fleet: &Fleet,
    detail: Detail,
) -> Option<Line> {
    let now = fleet.wall(fleet.now());
    let wall = |at: Timestamp| fleet.wall(at);
    let text = match (track.state(), track.standing) {
        (ProfileState::Unknown, Standing::New) if track.probed.is_none() => {
            "not probed yet".to_owned()
        }
        (ProfileState::Unknown, was) => unknown(track, was, fleet),
        (ProfileState::Failing, _) => {
            let threshold = profile.map_or(1, |profile| profile.failure_threshold);
            let begun = track.failing_since.unwrap_or(track.since);
            format!(
                "failing {}, {} of {threshold} failures in a row",
                since(wall(begun), now),
                track.failures
            )
        }
        (ProfileState::Down, _) => down(profile, track, fleet),
        (ProfileState::Up | ProfileState::Degraded, _) if detail == Detail::Run => return None,
        (state @ (ProfileState::Up | ProfileState::Degraded), _) => {
            format!("{} {}", state.word(), since(wall(track.since), now))
        }
    };
    let mut text = text;
    if let (false, Some(probed)) = (detail == Detail::Run, track.probed) {
        text.push_str(&format!(" · probed {}", ago(wall(probed), now)));
    }
    if let (false, Some(incident)) = (detail == Detail::Run, &track.incident) {
        text.push_str(&format!(" · incident {}", incident.id));
    }
    Some(Line::new(Ink::Dim, &text))
}

fn unknown(track: &ProfileTrack, was: Standing, fleet: &Fleet) -> String {
    let reason = track.unknown.as_deref();
    // The last result may say the same already.
    let reason = reason.filter(|reason| {
        let mut said = track.last.iter().filter_map(CheckResult::finding);
        !said.any(|finding| finding == *reason)
    });
    let reason = reason.map(said);
    let reason = reason.filter(|reason| !reason.is_empty());
    let reason = reason.map_or_else(String::new, |reason| format!(": {reason}"));
    let before = match was {
        Standing::New => "",
        Standing::Up => "; it was up before",
        Standing::Degraded => "; it was degraded before",
        Standing::Failing => "; it was failing before",
        Standing::Down => "; it was down before",
    };
    let blank = track.blank_since().map_or_else(String::new, |begun| {
        let now = fleet.wall(fleet.now());
        format!(" {}", since(fleet.wall(begun), now))
    });
    format!("not judged{blank}{reason}{before}")
}

fn down(profile: Option<&Profile>, track: &ProfileTrack, fleet: &Fleet) -> String {
    let now = fleet.wall(fleet.now());
    let begun = track.incident.as_ref().map(|incident| incident.since);
    let begun = begun.or(track.failing_since).unwrap_or(track.since);
    let since = since(fleet.wall(begun), now);
    if track.successes > 0 && track.last.iter().all(CheckResult::is_ok) {
        let needed = profile.map_or(1, |profile| profile.success_threshold);
        return format!(
            "down {since}, but answers again: {} of {needed} successes needed",
            track.successes
        );
    }
    let count = usize::try_from(track.failures).unwrap_or(usize::MAX);
    format!("down {since}, {} in a row", plural(count, "failure"))
}
