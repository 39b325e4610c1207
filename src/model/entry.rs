//! An outbox entry: one message to one recipient, over mail, the command or a webhook, and how its tries ended.
//!
//! An entry whose last try was [`Delivery::Rejected`] is a dead letter: people can see it, and it is not sent again.

use serde::{Deserialize, Serialize};

use super::{EntryId, EventKind, Notification, Remark, Timestamp};

/// How a try to deliver ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// A relay, the command, or the service of a webhook took it.
    Sent {
        /// Which.
        relay: String,
    },
    /// Nobody took it; somebody may take it later.
    Deferred {
        /// Why.
        reason: String,
        /// What that means for the next try.
        #[serde(default)]
        stay: Stay,
    },
    /// The connection broke after the text was sent: it may have arrived. Repeated with the same bytes.
    Unclear {
        /// What broke.
        reason: String,
    },
    /// Refused for good.
    Rejected {
        /// The words of whoever refused it.
        reason: String,
    },
}

impl Delivery {
    /// Not taken, for a reason that may pass in a moment.
    #[must_use]
    pub fn deferred(reason: impl Into<String>) -> Self {
        Self::Deferred {
            reason: reason.into(),
            stay: Stay::Trouble,
        }
    }
}

/// Why a message was not taken, as far as the time of the next try depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stay {
    /// No connection, no TLS, silence: it may work in a moment.
    #[default]
    Trouble,
    /// Another try later was asked for: by a relay's 4xx, as greylisting does, or by a service that takes no more just now.
    Later,
    /// A service named the seconds until then.
    After(u16),
    /// The relay refused the login. Each further try counts there as a failed login.
    Login,
    /// The relay declined this mail for a reason that may pass: too large for now, against its present rules. The
    /// number says how many times so far.
    Declined(u8),
}

/// How a message leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// As a mail.
    #[default]
    Mail,
    /// As a JSON document, to the program that people named.
    Command,
    /// As an HTTP request, to a service that people named.
    Webhook,
}

impl Channel {
    /// The key of the configuration that sets it up.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Mail => "alerts.email",
            Self::Command => "alerts.command",
            Self::Webhook => "alerts.webhooks",
        }
    }
}

/// One message to one recipient.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its number.
    pub id: EntryId,
    /// What it tells.
    pub notification: Notification,
    /// `From`, as configured when the entry was written.
    pub from: String,
    /// How it leaves.
    #[serde(default)]
    pub channel: Channel,
    /// The recipient: an address, for a command the program's name, for a webhook its name.
    pub to: String,
    /// When it was written, on the fleet's line of time.
    pub queued: Timestamp,
    /// Tries so far.
    pub tries: u32,
    /// Not before this, on the fleet's line of time.
    pub due: Timestamp,
    /// How the last try ended; `Rejected` makes it a dead letter.
    pub last: Option<Delivery>,
    /// A try has begun, and its end is not known.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub open: bool,
    /// A try may have succeeded without an answer: from now on the entry can only be repeated, not replaced.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unclear: bool,
    /// It is a dead letter, and a later message was taken: this listener can be reached.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub outlived: bool,
}

impl Entry {
    /// Stands in place of an entry that cannot be read: a dead letter that keeps the text as it was found.
    #[must_use]
    pub fn unreadable(id: EntryId, found: String, queued: Timestamp, wall: Timestamp) -> Self {
        Self {
            id,
            notification: Notification {
                remark: Some(Remark::Kept(found)),
                ..Notification::blank(EventKind::Damaged, wall)
            },
            from: String::new(),
            channel: Channel::Mail,
            to: "an unknown recipient".to_owned(),
            queued,
            tries: 0,
            due: queued,
            last: Some(Delivery::Rejected {
                reason: "the state is damaged at this message, which cannot be read any more"
                    .into(),
            }),
            open: false,
            unclear: false,
            // It is no sign that somebody cannot be reached.
            outlived: true,
        }
    }

    /// A test, as it is sent on request: it is in no outbox.
    #[must_use]
    pub const fn test(channel: Channel, to: String, at: Timestamp) -> Self {
        Self {
            id: EntryId(0),
            notification: Notification::blank(EventKind::Test, at),
            from: String::new(),
            channel,
            to,
            queued: at,
            tries: 0,
            due: at,
            last: None,
            open: false,
            unclear: false,
            outlived: false,
        }
    }

    /// Whether it was made by [`Entry::unreadable`].
    #[must_use]
    pub fn is_unreadable(&self) -> bool {
        // Every other mail has a sender.
        self.is_dead() && self.from.is_empty() && self.channel == Channel::Mail
    }

    /// It is a dead letter and nothing was taken since: its recipient hears nothing from us.
    #[must_use]
    pub const fn is_unheard(&self) -> bool {
        self.is_dead() && !self.outlived
    }

    /// It is kept for people to see and is not sent again.
    #[must_use]
    pub const fn is_dead(&self) -> bool {
        matches!(self.last, Some(Delivery::Rejected { .. }))
    }

    /// Nobody can have got it yet, so something else may be sent in its place.
    #[must_use]
    pub const fn is_surely_unsent(&self) -> bool {
        !self.open && !self.unclear && !self.is_dead()
    }

    /// Who gets it; one listener gets its entries in order. All commands are one listener, whatever the program was
    /// called.
    #[must_use]
    pub fn listener(&self) -> (Channel, &str) {
        match self.channel {
            Channel::Mail => (Channel::Mail, &self.to),
            Channel::Command => (Channel::Command, ""),
            Channel::Webhook => (Channel::Webhook, &self.to),
        }
    }
}

impl Entry {
    /// Whether it carries the picture of the site's last day.
    #[must_use]
    pub const fn has_picture(&self) -> bool {
        let told = match self.notification.event {
            EventKind::Down
            | EventKind::Restarted
            | EventKind::Up
            | EventKind::Withheld
            | EventKind::Proposed
            | EventKind::GaveUp
            | EventKind::Back
            | EventKind::Flapping
            | EventKind::Reminder => true,
            EventKind::Closed
            | EventKind::Blind
            | EventKind::Unjudged
            | EventKind::Damaged
            | EventKind::Certificate
            | EventKind::Digest
            | EventKind::Report
            | EventKind::Test => false,
        };
        told && matches!(self.channel, Channel::Mail) && self.notification.profile.is_some()
    }
}
