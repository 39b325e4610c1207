//! What a probe's results mean for its profile.
//!
//! One URL that fails makes the profile fail. Where several fail, the one that says most about the server stands for it:
//! a server that is gone before one that answers wrongly, in the contract's order of causes. A result that came back
//! later than its own deadline allows was starved by our machine and says nothing. What nobody is to blame for leaves
//! the profile well, with a remark; maintenance in particular is neither a success nor a failure.

use std::time::Duration;

use crate::model::{Blame, Cause, CheckResult, Profile, limits};

/// What a probe means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Well.
    Up,
    /// Well, with a remark.
    Degraded(Cause),
    /// The site says it is in maintenance.
    Maintenance,
    /// Not well.
    Failed(Cause),
    /// We cannot tell, for this reason.
    Unknown(String),
}

/// URLs of one profile that are checked at the same time.
const CHECKS_AT_ONCE: usize = 4;

/// The time a probe of a profile may take: its URLs are checked a few at a time, each within `timeout`.
pub(super) fn longest(profile: &Profile) -> Duration {
    let rounds = u32::try_from(profile.urls.len().div_ceil(CHECKS_AT_ONCE)).unwrap_or(u32::MAX);
    profile.timeout.saturating_mul(rounds)
}

/// Judges the results of a probe that took `elapsed`.
pub(super) fn judge(profile: &Profile, checks: &[CheckResult], elapsed: Duration) -> Verdict {
    let failed = checks
        .iter()
        .filter_map(CheckResult::cause)
        .filter(|cause| cause.blame() != Blame::Nobody);
    let (ours, theirs): (Vec<Cause>, Vec<Cause>) =
        failed.partition(|cause| cause.blame() == Blame::Ourselves);
    if let Some(worst) = theirs
        .into_iter()
        .min_by_key(|cause| (!cause.server_gone(), *cause))
    {
        if elapsed > longest(profile) + limits::LATE_SLACK {
            return Verdict::Unknown(format!(
                "the result came {} s late: this machine is overloaded or was asleep",
                elapsed.as_secs()
            ));
        }
        return Verdict::Failed(worst);
    }
    if !ours.is_empty() {
        let detail = checks.iter().find(|check| {
            check
                .cause()
                .is_some_and(|cause| cause.blame() == Blame::Ourselves)
        });
        return Verdict::Unknown(
            detail.map_or_else(String::new, |check| check.detail().to_owned()),
        );
    }
    if checks.is_empty() {
        return Verdict::Unknown("nothing was checked".to_owned());
    }
    match checks.iter().filter_map(CheckResult::cause).min() {
        Some(Cause::Maintenance) => Verdict::Maintenance,
        Some(remark) => Verdict::Degraded(remark),
        None => Verdict::Up,
    }
}

/// What was seen, one line per check that is not well.
pub(super) fn seen(checks: &[CheckResult]) -> Vec<String> {
    let lines = checks
        .iter()
        .filter(|check| check.cause().is_some())
        .map(|check| {
            let cause = check.cause().map_or("", Cause::phrase);
            let address = check
                .address
                .map_or_else(String::new, |address| format!(" (at {address})"));
            let detail = check.detail();
            // Many a detail begins with the phrase itself; nobody wants to read it twice.
            if detail.starts_with(cause) {
                format!("{}: {detail}{address}", check.url)
            } else if detail.is_empty() {
                format!("{}: {cause}{address}", check.url)
            } else {
                format!("{}: {cause}: {detail}{address}", check.url)
            }
        });
    // Twenty lines are a screen; a profile with more URLs than that is still told as down.
    lines.take(20).collect()
}
