//! Webhooks: addresses of services to which each event is posted, in the form that the service understands.
//!
//! A webhook is known by its name: messages that wait are for that name, whatever else of the webhook changes meanwhile.

use url::Url;

use super::{Language, SecretSource, Template};

/// An address that may be a secret: whoever knows it can speak in our name, so it is shown without path and query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// It stands in the configuration.
    Url(Url),
    /// It is read where a secret is.
    Secret(SecretSource),
}

/// A service whose form we know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Preset {
    /// A program of one's own: the document that `alerts.command` gets.
    Event,
    /// Slack's incoming webhooks, and what understands them: Mattermost, Rocket.Chat, Google Chat.
    Slack,
    /// Discord.
    Discord,
    /// Microsoft Teams, by its Workflows.
    Teams,
    /// ntfy.
    Ntfy,
    /// LINE's Messaging API.
    Line,
    /// Chatwork.
    Chatwork,
}

impl Preset {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Event,
        Self::Slack,
        Self::Discord,
        Self::Teams,
        Self::Ntfy,
        Self::Line,
        Self::Chatwork,
    ];

    /// The word of the configuration.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Slack => "slack",
            Self::Discord => "discord",
            Self::Teams => "teams",
            Self::Ntfy => "ntfy",
            Self::Line => "line",
            Self::Chatwork => "chatwork",
        }
    }

    /// The preset of a word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.word() == word)
    }

    /// Where it is if nobody says so.
    #[must_use]
    pub const fn usual_address(self) -> Option<&'static str> {
        match self {
            Self::Line => Some("https://api.line.me/v2/bot/message/push"),
            Self::Event
            | Self::Slack
            | Self::Discord
            | Self::Teams
            | Self::Ntfy
            | Self::Chatwork => None,
        }
    }

    /// Whether whoever knows its address may post there, so that it is always a secret and no token is sent.
    #[must_use]
    pub const fn is_its_address(self) -> bool {
        matches!(self, Self::Slack | Self::Discord | Self::Teams)
    }

    /// Whether it takes nothing without a token.
    #[must_use]
    pub const fn needs_token(self) -> bool {
        matches!(self, Self::Line | Self::Chatwork)
    }
}

/// What is posted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    /// What the service understands.
    Preset(Preset),
    /// What people wrote.
    Body(Template),
}

impl Form {
    /// The service, where we know it.
    #[must_use]
    pub const fn preset(&self) -> Option<Preset> {
        match self {
            Self::Preset(preset) => Some(*preset),
            Self::Body(_) => None,
        }
    }
}

/// Where each event is posted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Its name, which no other webhook has.
    pub name: String,
    /// In which form.
    pub form: Form,
    /// Where to.
    pub endpoint: Endpoint,
    /// What says who we are.
    pub token: Option<SecretSource>,
    /// Whom of the service it is for; LINE wants to know.
    pub to: Option<String>,
    /// In which language.
    pub language: Language,
}
