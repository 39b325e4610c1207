//! What people are told, as facts. `render::mail` puts it into words.
//!
//! All instants are wall-clock times, fixed when the entry is queued, so that a retry repeats the same bytes.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    Attempt, Cause, Finding, GivenUp, Hold, HostFacts, HostName, IncidentId, Observation,
    ProfileName, Reason, Timestamp, Week,
};

/// One more sentence about an event. A row of an earlier version holds words; they are read as [`Finding::Told`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Remark {
    /// Why a command was not carried out.
    Reason(Reason),
    /// Where a damaged state was moved to.
    Path(String),
    /// The text of a message that cannot be read any more.
    Kept(String),
    /// Why we gave up.
    GaveUp(GivenUp),
    /// The profile is no longer in the configuration.
    Unwatched,
    /// What was seen.
    #[serde(untagged)]
    Finding(Finding),
}

/// The English of the JSON documents.
impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reason(reason) => write!(f, "{reason}"),
            Self::Path(text) | Self::Kept(text) => f.write_str(text),
            Self::GaveUp(reason) => write!(f, "{reason}"),
            Self::Unwatched => f.write_str("the profile is no longer in the configuration"),
            Self::Finding(finding) => f.write_str(&finding.detail()),
        }
    }
}

/// The events of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// A profile is down.
    Down,
    /// A restart was carried out; the proof is still to come.
    Restarted,
    /// The profile is back.
    Up,
    /// A restart was due, and a hold forbids it.
    Withheld,
    /// A restart is proposed, and waits for a person.
    Proposed,
    /// A person must look.
    GaveUp,
    /// Up again after we had given up.
    Back,
    /// Still down.
    Reminder,
    /// The incident is over because the profile is no longer watched.
    Closed,
    /// We could not see from … to ….
    Blind,
    /// A site cannot be judged, through our own fault.
    Unjudged,
    /// The state was damaged and moved aside.
    Damaged,
    /// Certificates end soon.
    Certificate,
    /// A site goes down and comes back again and again; people are not told of each outage.
    Flapping,
    /// Several messages in one: too much happened for single mails, or it was over long ago.
    Digest,
    /// How the week was.
    Report,
    /// A test, sent on request.
    Test,
}

impl EventKind {
    /// The stable word of JSON and `X-Probe-Event`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Restarted => "restarted",
            Self::Up => "up",
            Self::Withheld => "withheld",
            Self::Proposed => "proposed",
            Self::GaveUp => "gave_up",
            Self::Back => "back",
            Self::Reminder => "reminder",
            Self::Closed => "closed",
            Self::Blind => "blind",
            Self::Unjudged => "unjudged",
            Self::Damaged => "damaged",
            Self::Certificate => "certificate",
            Self::Flapping => "flapping",
            Self::Digest => "digest",
            Self::Report => "report",
            Self::Test => "test",
        }
    }
}

/// What comes next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Next {
    /// A restart begins now.
    Restart {
        /// The command.
        command: String,
        /// From 1.
        number: u32,
        /// How many before giving up.
        of: u32,
    },
    /// Probes decide from then on whether the restart helped.
    Prove {
        /// When they begin to count.
        from: Timestamp,
    },
    /// Nothing, for this reason.
    Held(Hold),
    /// Nothing: the site has no host, so there is nothing to restart.
    WatchOnly,
    /// Nothing more.
    Nothing,
}

/// Restarts that did not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lesson {
    /// How many within [`super::limits::LESSON_WINDOW`].
    pub restarts: u32,
    /// How long the one that held longest held.
    pub longest: Duration,
}

/// What a look at the host found, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatedFacts {
    /// When.
    pub at: Timestamp,
    /// What.
    pub facts: HostFacts,
}

/// A certificate that ends soon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    /// SHA-256 of the certificate, hexadecimal.
    pub fingerprint: String,
    /// The names it is for, as far as they are kept.
    pub names: Vec<String>,
    /// Subject, as one line.
    pub subject: String,
    /// Issuer, as one line.
    pub issuer: String,
    /// Last moment it is valid.
    pub ends: Timestamp,
    /// The step of `warn_before` that was reached, as configured.
    pub step: Duration,
    /// Where it is shown: `profile: URL`.
    pub places: Vec<String>,
}

/// How one of several sites of a host is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SiteState {
    /// Down, confirmed.
    Down,
    /// It fails; whether it is down is not known yet.
    Failing,
    /// Back.
    Back,
    /// No longer watched.
    Unwatched,
}

/// One of several sites of a host that went down together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Affected {
    /// The site.
    pub profile: ProfileName,
    /// How it is.
    #[serde(rename = "plight")]
    pub state: SiteState,
    /// What was found there, where that is known.
    pub cause: Option<Cause>,
    /// Since when it failed.
    pub since: Timestamp,
    /// Until when.
    pub until: Option<Timestamp>,
    /// It failed and was never confirmed to be down, so it counts as up.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unconfirmed: bool,
}

/// A site that went down and came back again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flaps {
    /// How often it went down since then.
    pub outages: u32,
    /// Since when.
    pub since: Timestamp,
}

/// One event, as facts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    /// Which.
    pub event: EventKind,
    /// The incident it belongs to; the id of its first mail is derived from this.
    pub incident: Option<IncidentId>,
    /// Position in the incident, from 0.
    pub sequence: u32,
    /// The site.
    pub profile: Option<ProfileName>,
    /// The machine.
    pub host: Option<HostName>,
    /// Where probe logs in to it.
    pub ssh: Option<String>,
    /// Where people do, for the command they may copy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator_ssh: Option<String>,
    /// When this was decided.
    pub at: Timestamp,
    /// Since when the site failed; for `blind` and `unjudged`: since when we could not see, or judge it.
    pub since: Option<Timestamp>,
    /// When the failure was confirmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened: Option<Timestamp>,
    /// Until when; for `up`, `back`, `blind`.
    pub until: Option<Timestamp>,
    /// What was found.
    pub cause: Option<Cause>,
    /// The site is down, and its last probe was well: what was found is what it failed by before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub answers: bool,
    /// What was seen, check by check.
    pub seen: Vec<Observation>,
    /// Restarts of this incident, oldest first.
    pub attempts: Vec<Attempt>,
    /// What comes next.
    pub next: Next,
    /// One more sentence, where the event needs one.
    pub remark: Option<Remark>,
    /// What the host's last restarts teach.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lesson: Option<Lesson>,
    /// From which response time on the site is slow, where that is configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slow: Option<Duration>,
    /// What the last look at the host found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facts: Option<Box<DatedFacts>>,
    /// For `certificate`: the certificates, in the order in which they end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub certificates: Vec<Ending>,
    /// The sites that the message is about, if there are several: first those that are down.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sites: Vec<Affected>,
    /// The site that the thread's first messages named, if it is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<ProfileName>,
    /// Nothing was told of its incident before: this message tells all of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub story: bool,
    /// For `flapping`, and for the `up` that ends it: how often the site went down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flaps: Option<Flaps>,
    /// For `up` and `closed`: it ends a thread that told that the site cannot be judged.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub judged: bool,
    /// For `report`: what it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub week: Option<Box<Week>>,
    /// For `digest`: the messages it stands for, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<Self>,
}

impl Notification {
    /// A notification with this event and nothing else.
    #[must_use]
    pub const fn blank(event: EventKind, at: Timestamp) -> Self {
        Self {
            event,
            incident: None,
            sequence: 0,
            profile: None,
            host: None,
            ssh: None,
            operator_ssh: None,
            at,
            since: None,
            opened: None,
            until: None,
            cause: None,
            answers: false,
            seen: Vec::new(),
            attempts: Vec::new(),
            next: Next::Nothing,
            remark: None,
            lesson: None,
            slow: None,
            facts: None,
            certificates: Vec::new(),
            sites: Vec::new(),
            first: None,
            story: false,
            flaps: None,
            judged: false,
            week: None,
            items: Vec::new(),
        }
    }
}

impl Notification {
    /// The messages a digest stands for, or the message itself.
    pub fn told(&self) -> impl Iterator<Item = &Self> {
        let itself = self.items.is_empty().then_some(self);
        itself.into_iter().chain(&self.items)
    }

    /// Whether it is an end or outcome that people wait for who were told `down`.
    #[must_use]
    pub const fn answers_down(&self) -> bool {
        self.ends() || matches!(self.event, EventKind::GaveUp)
    }

    /// Whether what the event says is true of this site, one of [`Self::sites`].
    #[must_use]
    pub fn concerns(&self, site: &Affected) -> bool {
        let ails = matches!(site.state, SiteState::Down | SiteState::Failing);
        ails != self.ends() && !(self.ends() && site.unconfirmed)
    }

    /// Whether its incident is over.
    #[must_use]
    pub const fn ends(&self) -> bool {
        matches!(
            self.event,
            EventKind::Up | EventKind::Back | EventKind::Closed
        )
    }
}
