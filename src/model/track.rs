//! What is remembered of one profile ([`ProfileTrack`]) and of one host ([`HostTrack`]).
//!
//! A profile has standing, streaks, evidence and its incident; a host has the stage of its recovery, attempts, what
//! counts for the budget, and its last look. Each is one row; fields marked "never written" belong to this process.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    Ailment, AsBrowser, Attempt, AttemptId, CheckResult, CheckTrack, Diagnosis, Evidence, Finding,
    Flap, GivenUp, Hold, Incident, Past, ProbeId, Proposal, Reason, Rehearsed, Restarts, Slot,
    Tally, Telling, Timestamp, Unjudged,
};

/// The state of a profile by its counted results. An unknown verdict does not change it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Not probed yet.
    #[default]
    New,
    /// Well.
    Up,
    /// Well, with a remark.
    Degraded,
    /// Failing, below the threshold.
    Failing,
    /// Down.
    Down,
}

/// The state people see: the standing, or `unknown` while we cannot tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProfileState {
    /// Well.
    Up,
    /// Failing, below the threshold.
    Failing,
    /// Down.
    Down,
    /// Well, with a remark.
    Degraded,
    /// We cannot tell.
    Unknown,
}

impl ProfileState {
    /// The stable word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Failing => "failing",
            Self::Down => "down",
            Self::Degraded => "degraded",
            Self::Unknown => "unknown",
        }
    }
}

/// What a host's SSH port says to a TCP connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// It is open.
    Answered,
    /// No answer in time, or a router says that the host cannot be reached.
    Silent,
    /// The host answers that nothing listens there.
    Refused,
    /// It could not be tried from here, or only through another host.
    Unknown,
}

/// A host whose SSH port did not answer while a site of it failed: it may be booting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Away {
    /// When that was last seen.
    pub seen: Timestamp,
    /// What the port said.
    pub reach: Reach,
    /// When it was first seen to answer again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub back: Option<Timestamp>,
}

/// A probe whose result waits for answers that were asked for after it began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suspicion {
    /// When the probe began.
    pub began: Timestamp,
    /// When its result came in.
    pub ended: Timestamp,
    /// Whether a canary has answered.
    #[serde(default)]
    pub proven: bool,
    /// The site gave no answer to the connect, so the SSH port of its host is tried, too.
    #[serde(default)]
    pub silent: bool,
    /// What that port said.
    #[serde(default)]
    pub reach: Option<Reach>,
}

/// A site has said since then that it is in maintenance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Maintenance {
    /// Since when.
    pub since: Timestamp,
    /// Until when it is believed.
    pub until: Timestamp,
}

/// Probes of a profile that were due and not made, and of which nothing was said yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Skips {
    /// How many.
    pub count: u32,
    /// When such probes were last told of.
    pub told: Option<Timestamp>,
}

/// A warning given for a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warned {
    /// The smallest step of `warn_before` that was told.
    pub step: Duration,
    /// When the certificate ends.
    pub ends: Timestamp,
}

/// What is remembered of a profile.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ProfileTrack {
    /// By counted results.
    pub standing: Standing,
    /// Since when.
    pub since: Timestamp,
    /// The last verdict was unknown, for this reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unknown: Option<Box<Finding>>,
    /// It cannot be judged, through our own fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unjudged: Option<Box<Unjudged>>,
    /// Failures in a row.
    pub failures: u32,
    /// Successes in a row.
    pub successes: u32,
    /// When the first failure of the present streak began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<Timestamp>,
    /// Next probe.
    pub due: Timestamp,
    /// When the last probe ended, whether it counted or not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probed: Option<Timestamp>,
    /// What the last probe found.
    pub last: Vec<CheckResult>,
    /// The address that last answered each URL well, in the order of URLs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub known: Vec<Option<IpAddr>>,
    /// What a restart may rest on.
    pub evidence: Evidence,
    /// Its checks, in the order of URLs. None in a state of an earlier version: each counts as one that was well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<CheckTrack>,
    /// Waits for a canary, or for the host's SSH port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspicion: Option<Suspicion>,
    /// It says that it is in maintenance, or said so before it failed. Kept until it is well again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maintenance: Option<Maintenance>,
    /// The open incident.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<Box<Incident>>,
    /// What people were told of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub telling: Option<Box<Telling>>,
    /// How often it went down and came back lately.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flap: Option<Box<Flap>>,
    /// By certificate: the warning last given.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub warned: BTreeMap<String, Warned>,
    /// The last five minutes.
    #[serde(default, skip_serializing_if = "Slot::is_empty")]
    pub slot: Slot,
    /// What the next weekly report says of it.
    #[serde(default, skip_serializing_if = "Tally::is_empty")]
    pub week: Tally,
    /// Fingerprint of the configuration under which all this was counted.
    pub fingerprint: u64,
    /// The probe under way in this process; never written.
    #[serde(skip)]
    pub in_flight: Option<(ProbeId, Timestamp)>,
    /// What it answers a browser; never written.
    #[serde(skip)]
    pub browser: AsBrowser,
    /// Whether it was probed in this run; never written.
    #[serde(skip)]
    pub probed_in_run: bool,
    /// Probes that were not made in this process; never written.
    #[serde(skip)]
    pub skips: Skips,
    /// Since when it is no longer configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed: Option<Timestamp>,
}

impl ProfileTrack {
    /// Since when it cannot be judged, if the last verdict is unknown, too.
    #[must_use]
    pub fn blank_since(&self) -> Option<Timestamp> {
        let unjudged = self.unjudged.as_ref();
        unjudged
            .filter(|_| self.unknown.is_some())
            .map(|unjudged| unjudged.since)
    }

    /// Whether people were told that it cannot be judged, and that is still so.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        let unjudged = self.unjudged.as_ref();
        unjudged.is_some_and(|unjudged| unjudged.told.is_some())
    }

    /// What people see.
    #[must_use]
    pub const fn state(&self) -> ProfileState {
        if self.unknown.is_some() {
            return ProfileState::Unknown;
        }
        match self.standing {
            Standing::New => ProfileState::Unknown,
            Standing::Up => ProfileState::Up,
            Standing::Degraded => ProfileState::Degraded,
            Standing::Failing => ProfileState::Failing,
            Standing::Down => ProfileState::Down,
        }
    }
}

/// What a host's recovery is doing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "stage")]
pub enum Stage {
    /// Nothing.
    #[default]
    Idle,
    /// A restart was ordered. After a crash it stays open until `deadline`; then its outcome is unknown.
    Restarting {
        /// Which.
        attempt: AttemptId,
        /// Its end at the latest.
        deadline: Timestamp,
    },
    /// A restart ended; results that began before `until` do not count against it.
    Settling {
        /// Which.
        attempt: AttemptId,
        /// Until when.
        until: Timestamp,
    },
    /// A person must look; watching goes on.
    GaveUp {
        /// Since when.
        since: Timestamp,
        /// Why.
        reason: GivenUp,
    },
}

/// The last look at a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// When it began.
    pub began: Timestamp,
    /// How it ended.
    pub diagnosis: Diagnosis,
    /// Looks in a row after which the host was not restarted.
    pub refusals: u32,
}

/// The logins at a host that failed in a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoLogin {
    /// The last one.
    pub seen: Timestamp,
    /// How many there were.
    pub tries: u32,
    /// How many of them were refused.
    pub refusals: u32,
    /// Whether the last one was.
    pub refused: bool,
    /// Why it failed.
    pub reason: Reason,
}

/// How long a host has been held by one kind of hold. A question in between ([`Hold::is_question`]) does not end it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastingHold {
    /// The kind: [`Hold::word`].
    pub word: String,
    /// Since when.
    pub since: Timestamp,
    /// It was reported that it lasts.
    pub reported: bool,
}

/// What is remembered of a host.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct HostTrack {
    /// What its recovery is doing.
    pub stage: Stage,
    /// Attempts since it was last proven healthy: they climb the ladder, make the backoff grow and lead to giving up.
    pub attempts: u32,
    /// The last attempt.
    pub last: Option<Attempt>,
    /// When restarts began that count for the budget; only those within the longest window are kept.
    pub starts: Vec<Timestamp>,
    /// How its restarts held, oldest first; those within [`super::limits::LESSON_WINDOW`] and those of the report's period.
    #[serde(default)]
    pub past: Vec<Past>,
    /// How often it was restarted in the report's period.
    #[serde(default, skip_serializing_if = "Restarts::is_empty")]
    pub week: Restarts,
    /// The last look at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub look: Option<Box<Look>>,
    /// What passes by itself and was found by each look since then, in one failure of the host.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waits: Vec<(Ailment, Timestamp)>,
    /// Its SSH port did not answer while a site of it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub away: Option<Away>,
    /// A restart of it that waits for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposal: Option<Proposal>,
    /// What became of the last order to restart it for a rehearsal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rehearsed: Option<Box<Rehearsed>>,
    /// Logins at it fail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_login: Option<Box<NoLogin>>,
    /// Attempts in a row that ended with the server rejecting its own configuration.
    #[serde(default)]
    pub broken: u32,
    /// When the backoff ends: no attempt before this.
    pub not_before: Option<Timestamp>,
    /// Failures that began before this do not count for a restart.
    pub evidence_from: Timestamp,
    /// Since when all its profiles are well.
    pub healthy_since: Option<Timestamp>,
    /// Since when no profile fails by a cause the host is restarted for. This proves its health.
    #[serde(default)]
    pub mended_since: Option<Timestamp>,
    /// Since when a profile of it is failing by a fault that a restart may mend.
    pub failing_since: Option<Timestamp>,
    /// Why nothing is done although something is down.
    pub hold: Option<Hold>,
    /// How long that has been of one kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lasting: Option<LastingHold>,
    /// A person ordered to act although many hosts fail together. Holds until the host is well again.
    pub forced: bool,
    /// Fingerprint of the configuration.
    pub fingerprint: u64,
    /// Since when it is no longer configured.
    pub removed: Option<Timestamp>,
    /// The restart under way belongs to this process. Never written, so after a crash no process claims it.
    #[serde(skip)]
    pub acting: bool,
    /// Its SSH port is being tried in this process; never written.
    #[serde(skip)]
    pub reaching: Option<(ProbeId, Timestamp)>,
    /// It is being looked at in this process; never written.
    #[serde(skip)]
    pub looking: Option<(ProbeId, Timestamp)>,
}

impl HostTrack {
    /// Whether there is something that proven health would end.
    #[must_use]
    pub const fn may_rearm(&self) -> bool {
        match self.stage {
            Stage::Idle => self.attempts > 0,
            Stage::GaveUp { .. } => true,
            Stage::Restarting { .. } | Stage::Settling { .. } => false,
        }
    }
}
