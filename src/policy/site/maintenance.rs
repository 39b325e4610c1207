//! How long a site is believed that it is in maintenance.
//!
//! A 503 with `Retry-After` is no failure for as long as it asks for, at most [`limits::RETRY_AFTER`], and only once. A
//! site that still answers so after that time has failed with a server error, until it was well again. Otherwise an
//! update that broke off would never be noticed; WordPress ignores its own maintenance file after ten minutes. The time
//! begins with the first such answer, and other failures in between do not restart it.

use crate::model::{
    Cause, CheckOutcome, CheckResult, Finding, Lasting, Maintenance, ProfileName, Standing,
    Timestamp, limits,
};

use crate::policy::draft::Draft;

/// The checks after those that say maintenance were weighed: each says for how long, and after the time it is a server
/// error.
pub(in crate::policy) fn weigh(
    draft: &mut Draft<'_>,
    name: &ProfileName,
    mut checks: Vec<CheckResult>,
) -> Vec<CheckResult> {
    let told = |check: &&CheckResult| check.cause() == Some(Cause::Maintenance);
    if !checks.iter().any(|check| told(&check)) {
        return checks;
    }
    let now = draft.now;
    let known = draft
        .fleet
        .profiles
        .get(name)
        .and_then(|track| track.maintenance);
    let hold = known.unwrap_or_else(|| {
        let asked = checks.iter().filter(told).filter_map(|c| c.retry_after);
        let wait = asked.max().unwrap_or(limits::RETRY_AFTER);
        let until = now + wait.min(limits::RETRY_AFTER);
        Maintenance { since: now, until }
    });
    if known.is_none() {
        // A crash must not restart the time.
        draft.fleet.profile_mut(name).maintenance = Some(hold);
        draft.durable = true;
    }
    for check in &mut checks {
        if let CheckOutcome::Found { cause, finding, .. } = &mut check.outcome
            && *cause == Cause::Maintenance
        {
            if now >= hold.until {
                *cause = Cause::ServerError;
            }
            let seen = std::mem::take(finding);
            **finding = lasting(hold, now, seen);
        }
    }
    checks
}

fn lasting(hold: Maintenance, now: Timestamp, finding: Box<Finding>) -> Finding {
    let lasts = Lasting(now.since(hold.since));
    let asked = Lasting(hold.until.since(hold.since));
    if now >= hold.until {
        Finding::MaintenanceTooLong {
            lasts,
            asked,
            finding,
        }
    } else if now == hold.since {
        Finding::MaintenanceBegins { asked, finding }
    } else {
        Finding::MaintenanceLasts {
            lasts,
            asked,
            finding,
        }
    }
}

/// The site says that it is in maintenance.
pub(in crate::policy) fn says(draft: &mut Draft<'_>, name: &ProfileName) {
    let now = draft.now;
    let track = draft.fleet.profile_mut(name);
    track.unknown = None;
    let had_evidence = !track.evidence.began.is_empty();
    track.evidence.began.clear();
    (track.evidence.cause, track.evidence.not) = (Some(Cause::Maintenance), None);
    match track.standing {
        Standing::New | Standing::Up | Standing::Failing => {
            (track.standing, track.since) = (Standing::Degraded, now);
            (track.failures, track.failing_since) = (0, None);
        }
        Standing::Degraded | Standing::Down => {}
    }
    draft.durable |= had_evidence;
}

/// A failure in a maintenance window is shown but does not count: after the window the full threshold of new failures
/// is needed.
pub(in crate::policy) fn windowed(draft: &mut Draft<'_>, name: &ProfileName, cause: Cause) {
    let now = draft.now;
    let track = draft.fleet.profile_mut(name);
    let had_evidence = !track.evidence.began.is_empty();
    track.evidence.began.clear();
    (track.evidence.cause, track.evidence.not) = (Some(cause), None);
    match track.standing {
        Standing::New | Standing::Up | Standing::Degraded => {
            (track.standing, track.since) = (Standing::Failing, now);
        }
        Standing::Failing | Standing::Down => {}
    }
    if track.incident.is_none() {
        (track.failures, track.failing_since) = (0, None);
    }
    draft.durable |= had_evidence;
}
