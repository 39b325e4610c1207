//! What is remembered of a profile's trouble: its open incident ([`Incident`]) and what people were told of it
//! ([`Telling`]), how often it went down lately ([`Flap`]), and a time in which it cannot be judged ([`Unjudged`]).

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};

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
    /// An incident without attempts.
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
    /// The thread of mails that tells of it: its own, or one that it shares with incidents that began together with it
    /// on its host. An incident that takes over from one that is over goes on with that one's thread.
    pub thread: IncidentId,
    /// The first failure of all incidents for which it speaks.
    pub since: Timestamp,
    /// The first failure of its own site, if that came later: it took over the thread of one that is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_since: Option<Timestamp>,
    /// When the first of them was confirmed.
    pub opened: Timestamp,
    /// What was found first.
    pub cause: Cause,
    /// What was found last, if it is something else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latest: Option<Cause>,
    /// Restarts of the host in those incidents for which it speaks and which are over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<Attempt>,
    /// Sequence number of the next notification.
    pub sequence: u32,
    /// The `gave_up` mail is out; recovery is told as `back`.
    pub gave_up: bool,
    /// The words of the holds that a message has named as what comes next.
    #[serde(
        default,
        rename = "named",
        alias = "withheld",
        deserialize_with = "words"
    )]
    pub withheld: BTreeSet<String>,
    /// When people last heard of it.
    pub told: Timestamp,
    /// How much longer than the configured interval the next reminder waits. It grows: who did not act on the first
    /// reminders is not helped by many.
    #[serde(default, rename = "hush", skip_serializing_if = "Duration::is_zero")]
    pub put_off: Duration,
    /// The site that first spoke for the thread, if its incident is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<ProfileName>,
    /// Another incident of its thread speaks for it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub led: bool,
    /// If it speaks: sites that its messages named as failing and that have opened no incident since.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub listed: Vec<Affected>,
    /// If it speaks: the incidents of its thread that are over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub over: Vec<Affected>,
    /// If it speaks: since when the thread has other sites than people were told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub news: Option<Timestamp>,
    /// People were told that its site flaps, and are not told of each outage.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub muted: bool,
}

impl Telling {
    /// The telling of an incident of which nothing was told yet.
    #[must_use]
    pub fn of(incident: &Incident) -> Self {
        Self {
            thread: incident.id.clone(),
            since: incident.since,
            own_since: None,
            opened: incident.opened,
            cause: incident.cause,
            latest: None,
            attempts: Vec::new(),
            sequence: 0,
            gave_up: false,
            withheld: BTreeSet::new(),
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

    /// Since when its own site fails.
    #[must_use]
    pub fn began(&self) -> Timestamp {
        self.own_since.unwrap_or(self.since)
    }
}

/// Earlier releases remembered the last word alone, as `withheld`, and read a state without it.
fn words<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeSet<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Words {
        All(BTreeSet<String>),
        Last(Option<String>),
    }
    Ok(match Words::deserialize(from)? {
        Words::All(words) => words,
        Words::Last(word) => word.into_iter().collect(),
    })
}

/// How often a profile went down and came back lately.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Flap {
    /// When it last went down or, while it flaps, any site of its host went down or came back. Earlier versions kept
    /// several times; the last one counts.
    pub turns: Vec<Timestamp>,
    /// When it went down within the last hour.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outages: Vec<Timestamp>,
    /// The thread in which people were told that it flaps.
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

/// A time in which a profile cannot be judged, through our own fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unjudged {
    /// When the first probe without a result began.
    pub since: Timestamp,
    /// People are to be told as soon as a canary has shown that our own network works.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub due: bool,
    /// The thread in which people were told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<IncidentId>,
}
