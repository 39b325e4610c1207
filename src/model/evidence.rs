//! Evidence: the failures a restart may rest on, and why another failure is not among them.

use serde::{Deserialize, Serialize};

use super::{Cause, ProbeId, Timestamp};

/// Consecutive failures on which a restart may rest. Each has a cause that the host is restarted for, shows that the
/// host's own server is at fault, began after the host's last restart had settled, and was seen under the present
/// configuration.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Evidence {
    /// When the last `failure_threshold` of them began, oldest first.
    pub began: Vec<Timestamp>,
    /// What the last one found.
    pub cause: Option<Cause>,
    /// Why the last failure is no evidence, although its cause is one the host is restarted for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not: Option<Box<NotEvidence>>,
    /// When the first failure began that shows the same as the last one: the server is gone, or it still answers. A
    /// look at the host from before that time was about another fault.
    #[serde(default)]
    pub alike_from: Option<Timestamp>,
    /// One of these failures had the network between us as its cause (ICMP): then a connect without an answer proves
    /// nothing about the server. One is enough, because kernels limit their ICMP errors and the other failures may be
    /// time-outs.
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
    /// A browser's headers get an answer at the same time: a rule blocks us.
    AnswersBrowsers {
        /// The header that names us, as [`super::Profile::named_by`] says it.
        header: String,
    },
    /// The check has never been well since it was configured: a mistake in its URL would look the same.
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

/// Whether a site answers when it is asked with a browser's headers. Only this process knows it; never written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AsBrowser {
    /// The probe under way, and when it began.
    pub asked: Option<(ProbeId, Timestamp)>,
    /// When the last probe with a result began, and whether it was answered.
    pub seen: Option<(Timestamp, bool)>,
}

/// What is remembered of one check: one URL and what is expected of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckTrack {
    /// Fingerprint of its configuration.
    pub fingerprint: u64,
    /// It has been well under this configuration, or a person said that it counts.
    pub counts: bool,
}
