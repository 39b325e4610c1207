//! What the rules decided when they were asked again about what was recorded ([`crate::replay`]), and how that differs
//! under another configuration.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Cause, EventKind, Hold, HostName, ProfileName, Timestamp};

/// An incident that was opened in a replay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayedIncident {
    /// Of which profile.
    pub profile: ProfileName,
    /// Its first failure.
    pub since: Timestamp,
    /// When it was confirmed.
    pub opened: Timestamp,
    /// Its end; `None` where the record ends before.
    pub closed: Option<Timestamp>,
    /// What was found.
    pub cause: Cause,
    /// Its end rests on something that did not happen.
    pub assumed: bool,
}

impl ReplayedIncident {
    /// How long it took to be confirmed.
    #[must_use]
    pub fn detected_after(&self) -> Duration {
        self.opened.since(self.since)
    }
}

/// A restart that was ordered in a replay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayedRestart {
    /// Of which host.
    pub host: HostName,
    /// On whose evidence.
    pub profile: ProfileName,
    /// When.
    pub at: Timestamp,
    /// The command.
    pub command: String,
    /// No restart was recorded then: it is taken to help as those recorded did.
    pub assumed: bool,
}

/// What was decided in a replay.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Replayed {
    /// In the order in which they were opened.
    pub incidents: Vec<ReplayedIncident>,
    /// In order.
    pub restarts: Vec<ReplayedRestart>,
    /// How many messages of each kind were queued, for all recipients.
    pub mails: BTreeMap<String, u32>,
    /// When a host was held and why, in order.
    pub holds: Vec<(Timestamp, HostName, Hold)>,
    /// Hosts that were given up, in order.
    pub given_up: Vec<(Timestamp, HostName)>,
    /// The replay was cut there: it took too many steps.
    pub cut: Option<Timestamp>,
    /// Failures in a row that ended below the threshold: when the row ended, of which profile, how many.
    pub passed: Vec<(Timestamp, ProfileName, u32)>,
}

impl Replayed {
    /// Counts a message.
    pub fn mail(&mut self, event: EventKind) {
        let count = self.mails.entry(event.word().to_owned()).or_default();
        *count = count.saturating_add(1);
    }
}

/// A difference between what was decided at the time and in a replay, with what explains it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// Nobody would have been told of it.
    IncidentLost {
        /// As it was.
        incident: ReplayedIncident,
        /// The longest row of failures in the replay, and how many are needed.
        failures: Option<(u32, u32)>,
    },
    /// It would have been confirmed, and was not.
    IncidentGained {
        /// As it would be.
        incident: ReplayedIncident,
        /// Failures that are needed.
        threshold: Option<u32>,
    },
    /// It would have been confirmed at another time.
    Detection {
        /// As it was.
        recorded: ReplayedIncident,
        /// As it would be.
        replayed: ReplayedIncident,
    },
    /// It would have ended at another time.
    End {
        /// As it was.
        recorded: ReplayedIncident,
        /// As it would be.
        replayed: ReplayedIncident,
    },
    /// It would not have been made.
    RestartLost {
        /// As it was.
        restart: ReplayedRestart,
        /// Why not, if the rules said so; else there would have been no incident.
        hold: Option<Hold>,
    },
    /// It would have been made, and was not.
    RestartGained {
        /// As it would be.
        restart: ReplayedRestart,
        /// Why it was not made then, if the rules said so.
        hold: Option<Hold>,
    },
}

/// What was decided at the time beside what would be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// Since when something is recorded.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// At the time.
    pub recorded: Replayed,
    /// Under the other configuration.
    pub replayed: Replayed,
    /// How they differ, in the order of time.
    pub differences: Vec<Difference>,
}

/// One pair of settings that was tried for all profiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trial {
    /// `failure_threshold`.
    pub threshold: u32,
    /// `interval`.
    pub interval: Duration,
    /// Incidents.
    pub incidents: usize,
    /// Of them, those that passed by themselves within [`super::limits::BRIEF`].
    pub brief: usize,
    /// Restarts.
    pub restarts: usize,
    /// Of them, those like recorded ones that the facts call needless, and those of an outage that passed without one.
    pub needless: usize,
    /// Mean time from the beginning of an outage to its confirmation: half an interval until the first probe, then as
    /// replayed.
    pub detection: Duration,
    /// How many of the incidents and restarts rest on what did not happen.
    pub assumed: usize,
}
