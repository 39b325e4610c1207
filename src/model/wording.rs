//! How messages speak to people: the language, the time zone of shown times, and the templates people wrote themselves.

use std::path::PathBuf;

use jiff::tz::TimeZone;

/// A language that probe speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Japanese.
    Ja,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::En, Self::Ja];

    /// The word of the configuration, of `--lang` and of HTML's `lang`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Ja => "ja",
        }
    }

    /// The language of a word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.word() == word)
    }
}

/// A time zone and its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    /// As configured: `Asia/Tokyo`.
    pub name: String,
    /// Its rules.
    pub rules: TimeZone,
}

impl Zone {
    /// The zone with this name in the tz database, if there is one.
    #[must_use]
    pub fn try_new(name: &str) -> Option<Self> {
        TimeZone::get(name).ok().map(|rules| Self {
            name: name.to_owned(),
            rules,
        })
    }
}

impl Default for Zone {
    fn default() -> Self {
        Self {
            name: "UTC".to_owned(),
            rules: TimeZone::UTC,
        }
    }
}

/// A file of words that people wrote to replace ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// Where it was read.
    pub path: PathBuf,
    /// Its name without `.txt`: `down`.
    pub name: String,
    /// What stands in it.
    pub text: String,
}

/// How people are spoken to in mails.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wording {
    /// In which language.
    pub language: Language,
    /// By whose clock.
    pub zone: Zone,
    /// The directory of the templates, when one is configured.
    pub directory: Option<PathBuf>,
    /// What was read there, in name order.
    pub templates: Vec<Template>,
}
