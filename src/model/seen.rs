//! What came from outside, as the history keeps it for `probe replay`: enough to ask the rules again, under another
//! configuration.
//!
//! A probe of a site that is and stays well is not kept; hours and days count it. Certificates are not kept either: what
//! one did to a probe stands in its outcome.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    Ack, Approval, AttemptId, CheckResult, Diagnosis, Event, Finding, Fleet, HostName, Orders,
    Pause, ProfileName, ProfileState, Reach, RecoveryReport, Timestamp,
};

/// One thing that came from outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "seen")]
pub enum Seen {
    /// A profile was probed.
    Probed {
        /// Which.
        profile: ProfileName,
        /// When the probe began, on the wall clock.
        began: Timestamp,
        /// One of its checks has never been well.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        never: bool,
        /// One result per URL; empty where all were as in the probe before, except for their times.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        checks: Vec<CheckResult>,
    },
    /// The same with a browser's headers.
    AsBrowser {
        /// Which.
        profile: ProfileName,
        /// One result per URL.
        checks: Vec<CheckResult>,
    },
    /// The canaries were asked.
    Canary {
        /// One of them answered.
        answered: bool,
        /// What was seen.
        detail: Finding,
    },
    /// A host's SSH port was tried.
    Reached {
        /// Of which host.
        host: HostName,
        /// What it said.
        reach: Reach,
    },
    /// A host was looked at.
    Diagnosed {
        /// Which.
        host: HostName,
        /// What was found.
        diagnosis: Diagnosis,
    },
    /// An attempt ended.
    Recovered {
        /// On which host.
        host: HostName,
        /// Which.
        attempt: AttemptId,
        /// How.
        report: RecoveryReport,
    },
    /// What people ordered, when a run begins and when that changes.
    Ordered {
        /// All pauses, by target.
        pauses: BTreeMap<String, Pause>,
        /// Targets to re-arm.
        #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
        rearm: BTreeSet<String>,
        /// By host: that a proposed restart may begin.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        approvals: BTreeMap<String, Approval>,
        /// By thread: that somebody has it.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        acks: BTreeMap<String, Ack>,
    },
}

impl Seen {
    /// What of an event is kept. `fleet` is what was remembered before it.
    #[must_use]
    pub fn of(fleet: &Fleet, event: &Event) -> Option<Self> {
        match event {
            Event::Probed {
                profile, checks, ..
            } => probed(fleet, profile, checks),
            Event::ProbedAsBrowser {
                profile, checks, ..
            } => Some(Self::AsBrowser {
                profile: profile.clone(),
                checks: checks.iter().map(bare).collect(),
            }),
            Event::CanaryProbed {
                answered, detail, ..
            } => Some(Self::Canary {
                answered: *answered,
                detail: detail.clone(),
            }),
            Event::Reached { host, reach, .. } => Some(Self::Reached {
                host: host.clone(),
                reach: *reach,
            }),
            Event::Diagnosed {
                host, diagnosis, ..
            } => Some(Self::Diagnosed {
                host: host.clone(),
                diagnosis: diagnosis.clone(),
            }),
            Event::Recovered {
                host,
                attempt,
                report,
            } => Some(Self::Recovered {
                host: host.clone(),
                attempt: *attempt,
                report: report.clone(),
            }),
            Event::Ordered(orders) => ordered(fleet, orders),
            // What people ordered stands in the fleet by then.
            Event::Started(_) => Some(Self::Ordered {
                pauses: fleet.pauses.clone(),
                rearm: BTreeSet::new(),
                approvals: fleet.approvals.clone(),
                acks: fleet.acks.clone(),
            }),
            Event::Damaged(_)
            | Event::Ticked
            | Event::Outdated { .. }
            | Event::Notified { .. }
            | Event::Beaten { .. }
            | Event::Completed
            | Event::TakenBack { .. }
            | Event::Recorded => None,
        }
    }
}

fn probed(fleet: &Fleet, profile: &ProfileName, checks: &[CheckResult]) -> Option<Seen> {
    let well = checks.iter().all(|check| check.cause().is_none());
    let track = fleet.profiles.get(profile)?;
    let at_rest = track.failures == 0 && track.incident.is_none();
    if well && at_rest && track.state() == ProfileState::Up {
        return None;
    }
    let (_, began) = track.in_flight?;
    let again = checks.len() == track.last.len()
        && checks.iter().zip(&track.last).all(|(a, b)| is_alike(a, b));
    let checks = match again {
        true => Vec::new(),
        false => checks.iter().map(bare).collect(),
    };
    Some(Seen::Probed {
        profile: profile.clone(),
        began: fleet.wall(began),
        never: track.checks.is_empty() || track.checks.iter().any(|check| !check.counts),
        checks,
    })
}

fn ordered(fleet: &Fleet, orders: &Orders) -> Option<Seen> {
    let stands = orders.pauses == fleet.pauses
        && orders.approvals == fleet.approvals
        && orders.acks == fleet.acks
        && orders.rearm.is_empty();
    (!stands).then(|| Seen::Ordered {
        pauses: orders.pauses.clone(),
        rearm: orders.rearm.clone(),
        approvals: orders.approvals.clone(),
        acks: orders.acks.clone(),
    })
}

/// Without its certificate.
fn bare(check: &CheckResult) -> CheckResult {
    CheckResult {
        certificate: None,
        ..check.clone()
    }
}

/// Whether the rules make the same of both.
fn is_alike(one: &CheckResult, other: &CheckResult) -> bool {
    one.outcome == other.outcome
        && one.address == other.address
        && one.http_status == other.http_status
        && one.retry_after == other.retry_after
        && one.final_url == other.final_url
        && one.layer == other.layer
}
