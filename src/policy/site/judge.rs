//! The verdict: what a probe's results mean for its profile.
//!
//! - One URL that fails makes the profile fail. If several fail, the cause that says most about the server stands for
//!   them: a server that is gone comes before one that answers wrongly, otherwise the order of [`Cause`] decides.
//! - A failure that came in later than the probe's deadline allows is `unknown`: our machine was too slow. So is a
//!   result that is our own fault, if no URL fails otherwise.
//! - A cause that is nobody's fault (`slow`) leaves the profile well, with a remark. Maintenance is neither a success
//!   nor a failure.
//!
//! With `addresses: all` a URL has one result per address, and fails if every address fails. If some fail and others
//! answer, it is degraded and never a reason to restart: as `family_down` if every address of one family fails and the
//! other family answers, else by the cause of the failed address. An address that we could not check is ignored if
//! another one has a result.

use std::net::IpAddr;
use std::time::Duration;

use crate::model::{
    Addresses, Blame, Cause, CheckOutcome, CheckResult, Day, Family, Finding, Observation, Profile,
    limits,
};

/// What a probe means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::policy) enum Verdict {
    /// Well.
    Up,
    /// Well, with a remark.
    Degraded(Cause),
    /// The site says it is in maintenance.
    Maintenance,
    /// Not well.
    Failed(Cause),
    /// It cannot be told, for this reason.
    Unknown(Finding),
}

/// The time a probe of a profile may take: its checks run a few at a time, each within `timeout`.
pub(in crate::policy) fn longest(profile: &Profile) -> Duration {
    let rounds =
        u32::try_from(profile.checks().div_ceil(limits::CHECKS_AT_ONCE)).unwrap_or(u32::MAX);
    profile.timeout.saturating_mul(rounds)
}

/// Judges the results of a probe that took `elapsed`.
pub(in crate::policy) fn judge(
    profile: &Profile,
    checks: &[CheckResult],
    elapsed: Duration,
) -> Verdict {
    let sum = Sum::of(profile, checks);
    if let Some(worst) = sum.failed {
        if elapsed > longest(profile) + limits::LATE_SLACK {
            return Verdict::Unknown(Finding::Late {
                seconds: elapsed.as_secs(),
            });
        }
        return Verdict::Failed(worst);
    }
    if let Some(reason) = sum.ours {
        return Verdict::Unknown(reason);
    }
    if checks.is_empty() {
        return Verdict::Unknown(Finding::NothingChecked);
    }
    match sum.remark {
        Some(Cause::Maintenance) => Verdict::Maintenance,
        Some(remark) => Verdict::Degraded(remark),
        None => Verdict::Up,
    }
}

/// The cause that people are shown: the worst failure, else our own fault, else the remark.
pub(in crate::policy) fn told(profile: &Profile, checks: &[CheckResult]) -> Option<Cause> {
    let sum = Sum::of(profile, checks);
    let ours = sum.ours.map(|_| Cause::Monitor);
    sum.failed.or(ours).or(sum.remark)
}

/// The worst failure that is not our own fault.
pub(in crate::policy) fn failing(profile: &Profile, checks: &[CheckResult]) -> Option<Cause> {
    Sum::of(profile, checks).failed
}

/// What the URLs of a profile amount to.
#[derive(Debug, Default)]
struct Sum {
    failed: Option<Cause>,
    /// Why the first URL that could not be judged could not be judged.
    ours: Option<Finding>,
    remark: Option<Cause>,
}

impl Sum {
    fn of(profile: &Profile, checks: &[CheckResult]) -> Self {
        let mut sum = Self::default();
        for url in by_url(profile, checks) {
            sum.add(url);
        }
        sum
    }

    /// Adds the results of one URL.
    fn add(&mut self, url: &[CheckResult]) {
        let failed = worst(url.iter().filter_map(failure));
        let well = || url.iter().filter(|check| check.is_ok());
        let remark = well().filter_map(CheckResult::cause).min();
        if well().next().is_some() {
            // Maintenance on one page is maintenance of the whole site.
            let remark = match (remark, failed) {
                (Some(Cause::Maintenance), _) | (_, None) => remark,
                (Some(Cause::FamilyDown), _) => remark,
                (_, Some(dead)) => Some(dead),
            };
            self.remark = [self.remark, remark]
                .into_iter()
                .flatten()
                .min_by_key(|cause| (*cause != Cause::Maintenance, *cause));
        } else if failed.is_some() {
            self.failed = worst(self.failed.into_iter().chain(failed));
        } else if self.ours.is_none() {
            self.ours = url.first().and_then(CheckResult::finding).cloned();
        }
    }
}

/// Of several failures, the cause that says most about the server.
pub(in crate::policy) fn worst(causes: impl Iterator<Item = Cause>) -> Option<Cause> {
    let gone = |cause: Cause| cause.server_gone() || cause == Cause::HostUnreachable;
    causes.min_by_key(|cause| (!gone(*cause), *cause))
}

fn is_ours(check: &CheckResult) -> bool {
    check
        .cause()
        .is_some_and(|cause| cause.blame() == Blame::Ourselves)
}

/// The cause of a check that failed and was not our own fault.
fn failure(check: &CheckResult) -> Option<Cause> {
    check.cause().filter(|_| !check.is_ok() && !is_ours(check))
}

/// The cause by which a URL fails; `None` if one of its addresses answers well.
pub(in crate::policy) fn url_failure(url: &[CheckResult]) -> Option<Cause> {
    let well = url.iter().any(CheckResult::is_ok);
    worst(url.iter().filter_map(failure)).filter(|_| !well)
}

/// Whether a URL answers as expected; maintenance does not count as that.
pub(in crate::policy) fn url_is_well(url: &[CheckResult]) -> bool {
    let mut well = url.iter().filter(|check| check.is_ok()).peekable();
    well.peek().is_some() && well.all(|check| check.cause() != Some(Cause::Maintenance))
}

/// The results grouped by URL: one result each, or with `addresses: all` one per address.
pub(in crate::policy) fn by_url<'a>(
    profile: &Profile,
    checks: &'a [CheckResult],
) -> impl Iterator<Item = &'a [CheckResult]> {
    let all = profile.addresses == Addresses::All;
    // In ascending order for each URL: two URLs may look the same without their credentials.
    checks.chunk_by(move |before, after| {
        all && before.url == after.url && before.address < after.address
    })
}

/// Turns the failures of an address family into `family_down` if all its addresses failed and the other family answers.
pub(in crate::policy) fn gathered(profile: &Profile, checks: Vec<CheckResult>) -> Vec<CheckResult> {
    // Otherwise a URL has only one result.
    if profile.addresses != Addresses::All {
        return checks;
    }
    let gone = |url: &[CheckResult], family: Family| {
        let mut asked = of(url, family).peekable();
        asked.peek().is_some() && asked.all(|check| failure(check).is_some())
    };
    let lives = |url: &[CheckResult], family: Family| of(url, family).any(CheckResult::is_ok);
    let mut named = Vec::with_capacity(checks.len());
    for url in by_url(profile, &checks) {
        let (four, six) = (Family::Ipv4, Family::Ipv6);
        let dead = if gone(url, four) && lives(url, six) {
            Some(four)
        } else if gone(url, six) && lives(url, four) {
            Some(six)
        } else {
            None
        };
        named.extend(url.iter().cloned().map(|mut check| {
            let of_it = |family| check.address.map(Family::of) == Some(family);
            if let (Some(family), CheckOutcome::Found { cause, finding, .. }) = (
                dead.filter(|family| of_it(*family) && failure(&check).is_some()),
                &mut check.outcome,
            ) {
                let seen = std::mem::take(finding);
                **finding = match family {
                    Family::Ipv4 => Finding::Ipv4Dead { finding: seen },
                    Family::Ipv6 => Finding::Ipv6Dead { finding: seen },
                };
                *cause = Cause::FamilyDown;
            }
            check
        }));
    }
    named
}

/// The results of one family, without those that are our own fault.
fn of(url: &[CheckResult], family: Family) -> impl Iterator<Item = &CheckResult> {
    let belongs = move |check: &&CheckResult| check.address.map(Family::of) == Some(family);
    url.iter().filter(belongs).filter(|check| !is_ours(check))
}

/// The host behind a silent site is silent as well: the fault is the host or the way to it, not the web server.
pub(in crate::policy) fn unreachable(checks: &mut [CheckResult]) {
    for check in checks {
        if let CheckOutcome::Found { cause, finding, .. } = &mut check.outcome
            && *cause == Cause::ConnectTimeout
        {
            *cause = Cause::HostUnreachable;
            let seen = std::mem::take(finding);
            **finding = Finding::SshSilent { finding: seen };
        }
    }
}

/// The address that answered each URL well, or the one known before if none did. `None` if nothing changed.
pub(in crate::policy) fn known(
    profile: &Profile,
    checks: &[CheckResult],
    before: &[Option<IpAddr>],
) -> Option<Vec<Option<IpAddr>>> {
    let answered = |url: &[CheckResult]| {
        // Behind a redirect the last address may be another site's.
        let all = profile.addresses == Addresses::All;
        let at = |check: &CheckResult| match check.hops.first() {
            Some(hop) if !all => hop.address,
            Some(_) | None => check.address.filter(|_| all || check.redirects == 0),
        };
        let well = |check: &&CheckResult| check.is_ok() && check.cause() != Some(Cause::FamilyDown);
        url.iter()
            .filter(well)
            .find_map(at)
            .map(|address| address.ip())
    };
    if by_url(profile, checks).count() != profile.urls.len() {
        return None;
    }
    let now = || {
        let urls = by_url(profile, checks).enumerate();
        urls.map(|(place, url)| answered(url).or_else(|| before.get(place).copied().flatten()))
    };
    let changed = !now().eq(before.iter().copied()) && now().any(|address| address.is_some());
    changed.then(|| now().collect())
}

/// Adds a remark to each check whose certificate is another one than at the profile's last probe.
pub(in crate::policy) fn compare_certificates(last: &[CheckResult], checks: &mut [CheckResult]) {
    for check in checks {
        let before = last
            .iter()
            .filter(|known| known.url == check.url)
            .find_map(|known| known.certificate.as_ref());
        let Some((before, shown)) = before.zip(check.certificate.as_ref()) else {
            continue;
        };
        if before.fingerprint != shown.fingerprint {
            check.remarks.push(Finding::CertificateChanged {
                now: Day(shown.not_after),
                before: Day(before.not_after),
            });
        }
    }
}

/// What was seen by the checks that are not well.
pub(in crate::policy) fn seen(checks: &[CheckResult]) -> Vec<Observation> {
    let sightings = checks.iter().filter_map(|check| match &check.outcome {
        CheckOutcome::Ok => None,
        CheckOutcome::Found {
            cause,
            finding,
            phase,
            ..
        } => Some(Observation::Check {
            url: check.url.clone(),
            cause: *cause,
            finding: finding.clone(),
            address: check.address,
            phase: *phase,
        }),
    });
    // Twenty lines fill a screen.
    sightings.take(20).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Certificate, Timestamp};
    use std::net::SocketAddr;

    const SITE: &str = "https://shop.example/";

    fn profile(addresses: Addresses) -> Profile {
        Profile {
            addresses,
            ..Profile::of_urls(vec![SITE.parse().unwrap()], Duration::from_secs(10))
        }
    }

    fn check(address: &str, cause: Option<Cause>) -> CheckResult {
        let found = |cause| CheckOutcome::found(cause, Finding::bare(cause));
        let outcome = cause.map_or(CheckOutcome::Ok, found);
        let address: SocketAddr = address.parse().unwrap();
        CheckResult {
            address: Some(address),
            ..CheckResult::new(SITE, outcome)
        }
    }

    /// Two addresses of IPv4 and two of IPv6.
    fn four(causes: [Option<Cause>; 4]) -> Vec<CheckResult> {
        let at = [
            "192.0.2.1:443",
            "192.0.2.2:443",
            "[2001:db8::1]:443",
            "[2001:db8::2]:443",
        ];
        at.into_iter()
            .zip(causes)
            .map(|(at, cause)| check(at, cause))
            .collect()
    }

    #[test]
    fn every_address_of_a_url_is_judged_together() {
        let (dead, slow, ours) = (
            Some(Cause::Refused),
            Some(Cause::Slow),
            Some(Cause::Monitor),
        );
        let silent = Some(Cause::ConnectTimeout);
        let all = profile(Addresses::All);
        for (causes, verdict) in [
            ([None; 4], Verdict::Up),
            ([None, dead, None, None], Verdict::Degraded(Cause::Refused)),
            (
                [None, None, dead, silent],
                Verdict::Degraded(Cause::FamilyDown),
            ),
            (
                [dead, silent, None, None],
                Verdict::Degraded(Cause::FamilyDown),
            ),
            (
                [dead, dead, dead, None],
                Verdict::Degraded(Cause::FamilyDown),
            ),
            (
                [silent, dead, silent, silent],
                Verdict::Failed(Cause::Refused),
            ),
            ([None, slow, None, None], Verdict::Degraded(Cause::Slow)),
            // What we could not look at is no dead family, and no remark.
            ([None, None, ours, ours], Verdict::Up),
            ([dead, dead, ours, ours], Verdict::Failed(Cause::Refused)),
            ([ours; 4], Verdict::Unknown(Finding::bare(Cause::Monitor))),
            (
                [Some(Cause::Maintenance), dead, None, None],
                Verdict::Maintenance,
            ),
        ] {
            let checks = gathered(&all, four(causes));
            assert_eq!(judge(&all, &checks, Duration::ZERO), verdict, "{causes:?}");
        }
    }

    #[test]
    fn a_dead_family_is_named_at_its_addresses() {
        let all = profile(Addresses::All);
        let dead = Some(Cause::Refused);
        let checks = gathered(&all, four([None, None, dead, dead]));
        assert_eq!(
            seen(&checks)[0].to_string(),
            "https://shop.example/: one address family down: IPv6 is dead and IPv4 answers: connection refused (at [2001:db8::1]:443)"
        );
        assert_eq!(told(&all, &checks), Some(Cause::FamilyDown));
    }

    #[test]
    fn what_answered_well_is_known() {
        let all = profile(Addresses::All);
        let dead = Some(Cause::Refused);
        let (first, second) = ("192.0.2.1".parse().ok(), "192.0.2.2".parse().ok());
        let partly = four([dead, None, None, None]);
        assert_eq!(known(&all, &partly, &[]), Some(vec![second]));
        assert_eq!(known(&all, &partly, &[second]), None, "nothing changed");
        assert_eq!(
            known(&all, &four([dead; 4]), &[first]),
            None,
            "nothing was well"
        );
        let any = profile(Addresses::Any);
        let mut elsewhere = check("198.51.100.7:443", None);
        elsewhere.redirects = 1;
        assert_eq!(
            known(&any, &[elsewhere], &[first]),
            None,
            "another site's address"
        );
    }

    #[test]
    fn the_time_of_a_probe_counts_every_address() {
        assert_eq!(longest(&profile(Addresses::Any)), Duration::from_secs(10));
        assert_eq!(longest(&profile(Addresses::All)), Duration::from_secs(20));
    }

    #[test]
    fn t15_a_certificate_that_changed_is_a_remark() {
        let shows = |hours: i64| {
            let certificate = Certificate {
                not_before: Timestamp(0),
                not_after: Timestamp(hours * 3_600_000),
                days_left: 0,
                subject: "CN=a".to_owned(),
                issuer: "CN=b".to_owned(),
                names: vec![],
                fingerprint: format!("{hours}"),
                chain: vec![],
            };
            let mut check = CheckResult::new(SITE, CheckOutcome::Ok);
            check.certificate = Some(certificate.into());
            check
        };
        for (before, now, remarks) in [(24, 24, 0), (24, 48, 1)] {
            let mut checks = [shows(now)];
            compare_certificates(&[shows(before)], &mut checks);
            assert_eq!(checks[0].remarks.len(), remarks, "{checks:?}");
            assert!(checks[0].is_ok());
        }
    }
}
