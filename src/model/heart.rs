//! The heartbeat to an outside watcher: when the last one left, and why the watcher does not hear from us.

use serde::{Deserialize, Serialize};

use super::{ProfileName, Timestamp};

/// Why the outside watcher does not hear from us.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "silence")]
pub enum Silence {
    /// Nothing can be written, so nothing is restarted and nobody is told.
    StateUnwritable,
    /// A message has waited for too long.
    Stuck {
        /// For whom.
        to: String,
        /// Since when, on the wall clock.
        since: Timestamp,
    },
    /// A message was refused for good lately: somebody does not know what happened.
    Refused {
        /// By whom.
        to: String,
    },
    /// Probes were due long ago and are not made.
    Late {
        /// Since when, on the wall clock.
        since: Timestamp,
    },
    /// A site cannot be judged, through our own fault.
    Unjudged {
        /// Which.
        profile: ProfileName,
        /// Since when, on the wall clock.
        since: Timestamp,
    },
    /// Our own network is down.
    Blind {
        /// Since when, on the wall clock.
        since: Timestamp,
    },
    /// The watcher did not take the heartbeat.
    Unheard {
        /// What it said.
        reason: String,
    },
}

impl Silence {
    /// In words, as a fragment.
    #[must_use]
    pub fn phrase(&self) -> String {
        match self {
            Self::StateUnwritable => "the state cannot be written".to_owned(),
            Self::Stuck { to, since } => format!("a message to {to} has waited since {since}"),
            Self::Refused { to } => format!("{to} refused a message for good"),
            Self::Late { since } => format!("probes that were due at {since} are not made"),
            Self::Unjudged { profile, since } => {
                format!("{profile} cannot be judged since {since}")
            }
            Self::Blind { since } => {
                format!("no canary answers since {since}, so no failure can be judged")
            }
            Self::Unheard { reason } => format!("the watcher did not take it: {reason}"),
        }
    }

    /// Whether we sent no heartbeat; otherwise one was sent and not taken.
    #[must_use]
    pub const fn is_kept(&self) -> bool {
        match self {
            Self::StateUnwritable
            | Self::Stuck { .. }
            | Self::Refused { .. }
            | Self::Late { .. }
            | Self::Unjudged { .. }
            | Self::Blind { .. } => true,
            Self::Unheard { .. } => false,
        }
    }
}

/// What is remembered of the heartbeat.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Heart {
    /// When the last one left, on the fleet's line of time.
    pub left: Option<Timestamp>,
    /// Why the watcher does not hear from us.
    pub silence: Option<Silence>,
    /// From when on this run may send heartbeats; `None`: not at all. Only for this process.
    #[serde(skip)]
    pub from: Option<Timestamp>,
}
