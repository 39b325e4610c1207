//! What a restart may rest on, and why a failure is nothing it may rest on.

use serde::{Deserialize, Serialize};

use super::{Cause, ProbeId, Timestamp};

/// Consecutive failures on which a restart may rest: all healable and the host's own, all begun after the host's last
/// restart had settled, all under the present configuration.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Evidence {
    /// When the last `failure_threshold` of them began, oldest first.
    pub began: Vec<Timestamp>,
    /// What the last one found.
    pub cause: Option<Cause>,
    /// Why what the last one found is no evidence, although its cause is one a restart is configured for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not: Option<Box<NotEvidence>>,
    /// When the first of them began that shows what the last one shows: the server is gone, or it still answers. What was
    /// learned of the host before was learned of another fault.
    #[serde(default)]
    pub alike_from: Option<Timestamp>,
    /// A failure of this row blamed the network between us: a silent connection proves nothing about the server then.
    /// Kernels send only so many ICMP errors, so one may well stand alone between time-outs.
    #[serde(default)]
    pub network: bool,
}

/// Why a failure does not show that this host's own server is at fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "not_evidence")]
pub enum NotEvidence {
    /// It was met at another authority, to which a redirect led.
    Elsewhere {
        /// Which: `name:port`.
        authority: String,
    },
    /// A browser's headers get an answer at the same moment: a rule keeps us out.
    AnswersBrowsers {
        /// The header that names us, as [`super::Profile::named_by`] says it.
        header: String,
    },
    /// The check has never been well since it was configured: a mistake in its URL looks the same.
    NeverUp,
}

impl NotEvidence {
    /// The stable word of `reason` in JSON and of the metric's label.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Elsewhere { .. } => "fails_elsewhere",
            Self::AnswersBrowsers { .. } => "answers_browsers",
            Self::NeverUp => "never_seen_up",
        }
    }
}

/// What a site answers when it is asked with a browser's headers; of this process alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AsBrowser {
    /// The probe under way, and when it began.
    pub asked: Option<(ProbeId, Timestamp)>,
    /// When the last one began that showed something, and whether it was answered.
    pub seen: Option<(Timestamp, bool)>,
}

/// What is remembered of one check: one URL and what is expected of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckTrack {
    /// Fingerprint of its configuration.
    pub fingerprint: u64,
    /// It was well since it was configured so, or a person said that it counts.
    pub counts: bool,
}
