//! Which failures show that this host's own server is at fault. A restart may rest only on those.
//!
//! A URL that fails counts if its cause is among the host's `restart.causes`, with these exceptions:
//!
//! - The failure was met at another authority after a redirect: then that server is at fault. The host's own
//!   authorities are the names and ports of this profile's URLs and of the host's other profiles, the usual ports of
//!   those names, and such a port at the address that gave the redirect. If a deadline ends after a redirect to another
//!   authority, that one used it up, wherever it ended.
//! - The check was never well since it was configured: its configuration may be wrong. It counts after it was well
//!   once, or after a person said so (`probe resume`). It is a new check if its URL, what is sent to it, its addresses
//!   or what is expected of it changes; other times and thresholds change nothing. In a state of an earlier version,
//!   and after a damaged one, every check counts as one that was well.
//! - The site answers a browser's headers but not ours ([`browser`](crate::policy::site::browser)).
//!
//! A profile without evidence still goes down and people are told as usual, with the reason why nothing is restarted.

use std::net::SocketAddr;

use url::Url;

use crate::model::{
    Cause, CheckResult, CheckTrack, HostName, NotEvidence, Profile, ProfileTrack, fnv1a, shown_url,
};

use crate::policy::draft::Draft;
use crate::policy::site::judge;

/// What a failed probe is worth for a restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::policy) enum Worth {
    /// Evidence, with the cause that says most about the server.
    Evidence(Cause),
    /// Nothing, although its cause is one the host is restarted for.
    Not(NotEvidence),
    /// Nothing: the host is not restarted for such a cause.
    Unlisted,
}

/// Weighs what a probe of a profile found.
pub(in crate::policy) fn weigh(
    draft: &Draft<'_>,
    profile: &Profile,
    checks: &[CheckResult],
    causes: &[Cause],
) -> Worth {
    let Some(track) = draft.fleet.profiles.get(&profile.name) else {
        return Worth::Unlisted;
    };
    let mut found: Vec<Cause> = Vec::new();
    let mut not: Option<NotEvidence> = None;
    for (place, url) in judge::by_url(profile, checks).enumerate() {
        let Some(failed) = judge::url_failure(url) else {
            continue;
        };
        if !causes.contains(&failed) {
            continue;
        }
        let failures = url.iter().filter(|check| check.cause() == Some(failed));
        let away: Option<Vec<String>> = failures
            .map(|check| elsewhere(draft, profile, check))
            .collect();
        let why = match away.and_then(|away| away.into_iter().next()) {
            Some(authority) => Some(NotEvidence::Elsewhere { authority }),
            None if !counts(track, place) => Some(NotEvidence::NeverUp),
            None => None,
        };
        match why {
            Some(why) => not = not.or(Some(why)),
            None => found.push(failed),
        }
    }
    match (judge::worst(found.into_iter()), not) {
        (Some(cause), _) => Worth::Evidence(cause),
        (None, Some(why)) => Worth::Not(why),
        (None, None) => Worth::Unlisted,
    }
}

/// Whether the check at this place was well once, as it is configured now.
pub(in crate::policy) fn counts(track: &ProfileTrack, place: usize) -> bool {
    track.checks.get(place).is_none_or(|check| check.counts)
}

/// The authority that is at fault instead of this host, if a redirect led to one.
fn elsewhere(draft: &Draft<'_>, profile: &Profile, check: &CheckResult) -> Option<String> {
    let last = check.final_url.as_deref()?;
    let whole = match check.cause() {
        // The deadline is that of all hops together.
        Some(Cause::ConnectTimeout | Cause::TlsTimeout | Cause::ResponseTimeout) => &check.hops[..],
        _ => &[],
    };
    let before = whole.iter().map(|hop| (hop.url.as_str(), hop.address));
    let first = check.hops.first().and_then(|hop| hop.address);
    let mut places = before.chain([(last, check.address)]);
    places.find_map(|(url, address)| {
        let Ok(url) = Url::parse(url) else {
            return Some("another place".to_owned());
        };
        let same = |one: SocketAddr, other: SocketAddr| one.ip() == other.ip();
        let here = first
            .zip(address)
            .is_some_and(|(one, other)| same(one, other));
        (!is_ours(draft, profile, &url, here)).then(|| authority(&url))
    })
}

/// Whether a place belongs to this host: it has one of the host's names, or is at the address that gave the redirect
/// (`here`); and its port is configured for the host, or is the usual one.
fn is_ours(draft: &Draft<'_>, profile: &Profile, place: &Url, here: bool) -> bool {
    let port = place.port_or_known_default();
    let knows = |own: &Url| {
        let named = own.host_str() == place.host_str();
        let usual = place.port().is_none();
        (named || here) && (usual || own.port_or_known_default() == port)
    };
    let host = profile.host.as_ref();
    let mut mates = host.into_iter().flat_map(|host| draft.watched(host));
    profile.urls.iter().any(knows) || mates.any(|(_, mate)| mate.urls.iter().any(knows))
}

fn authority(url: &Url) -> String {
    let name = url.host_str().unwrap_or_default();
    let port = url.port_or_known_default().unwrap_or_default();
    format!("{name}:{port}")
}

/// Sets the checks of a profile as they are configured now, and keeps what is known of those that did not change.
pub(in crate::policy) fn adopt(track: &mut ProfileTrack, profile: &Profile, fresh: bool) {
    let earlier = track.checks.is_empty() && !fresh;
    let known = std::mem::take(&mut track.checks);
    let last = &track.last;
    track.checks = profile
        .urls
        .iter()
        .map(|url| {
            let expectation = profile.expectation.to_le_bytes();
            let fingerprint = fnv1a([url.as_str().as_bytes(), &expectation[..]]);
            let same = |check: &&CheckTrack| check.fingerprint == fingerprint;
            let counts = match known.iter().find(same) {
                Some(check) => check.counts,
                // An earlier version remembered only the URLs.
                None => earlier && last.iter().any(|check| check.url == shown_url(url)),
            };
            CheckTrack {
                fingerprint,
                counts,
            }
        })
        .collect();
}

/// Remembers which checks were well. Returns whether one was well for the first time.
pub(in crate::policy) fn learn(track: &mut ProfileTrack, profile: &Profile) -> bool {
    if track.checks.iter().all(|check| check.counts) {
        return false;
    }
    let urls: Vec<bool> = judge::by_url(profile, &track.last)
        .map(judge::url_is_well)
        .collect();
    let mut learned = false;
    for (check, well) in track.checks.iter_mut().zip(urls) {
        learned |= well && !check.counts;
        check.counts |= well;
    }
    learned
}

/// Clears the evidence of all profiles of a host.
pub(in crate::policy) fn forget(draft: &mut Draft<'_>, host: &HostName) {
    for name in draft.profiles_of(host) {
        if draft
            .fleet
            .profiles
            .get(&name)
            .is_some_and(|track| !track.evidence.began.is_empty())
        {
            draft.fleet.profile_mut(&name).evidence.began.clear();
        }
    }
}

/// A person says that all checks of a profile count, whether they were ever well or not.
pub(in crate::policy) fn trust(track: &mut ProfileTrack) {
    for check in &mut track.checks {
        check.counts = true;
    }
}
