//! What we remember of one profile and of one host.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    Ailment, AsBrowser, Attempt, AttemptId, CheckResult, CheckTrack, Diagnosis, Evidence, Finding,
    Flap, GivenUp, Hold, Incident, ProbeId, Restarts, Slot, Tally, Telling, Timestamp, Unjudged,
};

/// Where a profile stands by its counted results. An unknown verdict leaves it where it is.
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
    /// Nothing came back in time, or a neighbour says that nobody is there.
    Silent,
    /// The host answers that nothing listens there.
    Refused,
    /// It could not be asked from here, or only through another host.
    Unknown,
}

/// A host whose SSH port did not answer either while a site of it failed: it may be starting anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Away {
    /// When that was last seen.
    pub seen: Timestamp,
    /// How.
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
    /// A canary answered.
    #[serde(default)]
    pub proven: bool,
    /// The site was silent to the connect: it matters whether its host's SSH port is, too.
    #[serde(default)]
    pub silent: bool,
    /// What that port says.
    #[serde(default)]
    pub reach: Option<Reach>,
}

/// A site has said since then that it is in maintenance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Maintenance {
    /// Since when.
    pub since: Timestamp,
    /// How long we take it at its word.
    pub until: Timestamp,
}

/// Probes of a profile that were due and not made, as far as nobody was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Skips {
    /// How many.
    pub count: u32,
    /// When somebody last was.
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

/// What we remember of a profile.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ProfileTrack {
    /// By counted results.
    pub standing: Standing,
    /// Since when.
    pub since: Timestamp,
    /// The last verdict was unknown, for this reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unknown: Option<Box<Finding>>,
    /// It cannot be judged, by our own doing.
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
    /// When the last counted or uncounted probe ended.
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
    /// It is, or was before it failed, in maintenance; until it is well again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maintenance: Option<Maintenance>,
    /// The open incident.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<Box<Incident>>,
    /// What people were told of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub telling: Option<Box<Telling>>,
    /// How it went down and came back lately.
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
    /// Probed in this run; never written.
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
    /// Since when it cannot be judged by our own doing, while that is so.
    #[must_use]
    pub fn blank_since(&self) -> Option<Timestamp> {
        let unjudged = self.unjudged.as_ref();
        unjudged
            .filter(|_| self.unknown.is_some())
            .map(|unjudged| unjudged.since)
    }

    /// People were told that it cannot be judged, and that is still so.
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
    /// A restart was ordered. After a crash it is nobody's until `deadline`; then its outcome is unknown.
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

/// How one restart of a host held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Past {
    /// When it was ordered.
    pub began: Timestamp,
    /// What the facts said was wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ailment: Option<Ailment>,
    /// When the first incident after it was over.
    pub back: Option<Timestamp>,
    /// When the next one began.
    pub again: Option<Timestamp>,
}

/// The last look at a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// When it began.
    pub began: Timestamp,
    /// What it found.
    pub diagnosis: Diagnosis,
    /// Looks in a row after which the host was not restarted.
    pub refusals: u32,
}

/// What we remember of a host.
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
    /// Its SSH port was found away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub away: Option<Away>,
    /// Attempts in a row at whose end the server said that its own configuration is broken.
    #[serde(default)]
    pub broken: u32,
    /// Not before this.
    pub not_before: Option<Timestamp>,
    /// Failures that began before this do not count for a restart.
    pub evidence_from: Timestamp,
    /// Since when all its profiles are well.
    pub healthy_since: Option<Timestamp>,
    /// Since when none of them fails by something the host is restarted for: what proves its health.
    #[serde(default)]
    pub mended_since: Option<Timestamp>,
    /// Since when one of them is failing, by a fault a restart may mend.
    pub failing_since: Option<Timestamp>,
    /// Why nothing is done although something is down.
    pub hold: Option<Hold>,
    /// A person said to act although many hosts fail together; until it is well again.
    pub forced: bool,
    /// Fingerprint of the configuration.
    pub fingerprint: u64,
    /// Since when it is no longer configured.
    pub removed: Option<Timestamp>,
    /// The restart under way belongs to this process; never written, so after a crash it is nobody's.
    #[serde(skip)]
    pub acting: bool,
    /// Its SSH port is being tried in this process; never written.
    #[serde(skip)]
    pub reaching: Option<(ProbeId, Timestamp)>,
    /// It is being looked at in this process; never written.
    #[serde(skip)]
    pub looking: Option<(ProbeId, Timestamp)>,
}
