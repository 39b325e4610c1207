//! A time during which a profile is down, how often that was lately, and a time during which it cannot be judged.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Affected, Attempt, Cause, IncidentId, ProfileName, Timestamp};

/// A time during which a profile is down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// Its id.
    pub id: IncidentId,
    /// The first failure of the streak.
    pub since: Timestamp,
    /// When it was confirmed.
    pub opened: Timestamp,
    /// What was found first.
    pub cause: Cause,
    /// Restarts of the host since it was opened.
    pub attempts: Vec<Attempt>,
}

impl Incident {
    /// One in which nothing was done.
    #[must_use]
    pub const fn new(id: IncidentId, since: Timestamp, opened: Timestamp, cause: Cause) -> Self {
        Self {
            id,
            since,
            opened,
            cause,
            attempts: Vec::new(),
        }
    }

    /// Adds an attempt, within the limits.
    pub fn remember(&mut self, attempt: Attempt) {
        self.attempts.push(attempt);
        Attempt::keep_within_limits(&mut self.attempts);
    }
}

/// What people were told of a profile's open incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Telling {
    /// The thread of mails that tells of it: its own, or that of incidents that began together with it on its host, or for
    /// which it speaks in place of one that is over.
    pub thread: IncidentId,
    /// The first failure, of all for which it speaks.
    pub since: Timestamp,
    /// When the first of them was confirmed.
    pub opened: Timestamp,
    /// What was found first.
    pub cause: Cause,
    /// Restarts of the host in incidents that are over and for which it speaks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<Attempt>,
    /// Sequence number of the next notification.
    pub sequence: u32,
    /// The `gave_up` mail is out; recovery is told as `back`.
    pub gave_up: bool,
    /// The word of the hold last told as `withheld`.
    pub withheld: Option<String>,
    /// When people last heard of it.
    pub told: Timestamp,
    /// The next reminder waits for so long beyond the configured interval: who did not act on the first few is not helped
    /// by many.
    #[serde(default, rename = "hush", skip_serializing_if = "Duration::is_zero")]
    pub put_off: Duration,
    /// The site that spoke for the thread first, where that is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<ProfileName>,
    /// Another incident of its thread speaks for it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub led: bool,
    /// Where it speaks: sites that its messages named as failing and that opened no incident since.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub listed: Vec<Affected>,
    /// Where it speaks: those of its thread that are over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub over: Vec<Affected>,
    /// Where it speaks: since when the thread's sites are others than people were told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub news: Option<Timestamp>,
    /// Its site flaps, and that was told: the single times are not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub muted: bool,
}

impl Telling {
    /// Nothing was told of this incident yet.
    #[must_use]
    pub fn of(incident: &Incident) -> Self {
        Self {
            thread: incident.id.clone(),
            since: incident.since,
            opened: incident.opened,
            cause: incident.cause,
            attempts: Vec::new(),
            sequence: 0,
            gave_up: false,
            withheld: None,
            told: incident.opened,
            put_off: Duration::ZERO,
            first: None,
            led: false,
            listed: Vec::new(),
            over: Vec::new(),
            news: None,
            muted: false,
        }
    }
}

/// How often a profile went down and came back lately.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Flap {
    /// When it did either, oldest first; of the last hour, and the last of all.
    pub turns: Vec<Timestamp>,
    /// When it went down, of the last hour.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outages: Vec<Timestamp>,
    /// It was told that it flaps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<FlapTold>,
}

/// The thread in which it was told that a profile flaps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlapTold {
    /// Which.
    pub thread: IncidentId,
    /// Sequence number of the next notification.
    pub sequence: u32,
    /// When the first of the outages began.
    pub since: Timestamp,
    /// Outages since then.
    pub outages: u32,
}

/// A time during which a profile cannot be judged, and that is our own doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unjudged {
    /// When the first probe began that said nothing.
    pub since: Timestamp,
    /// It is to be told, as soon as a canary says that our own network works.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub due: bool,
    /// The thread in which it was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<IncidentId>,
}
