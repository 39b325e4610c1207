//! What a mail says before it is text or HTML.

use crate::model::Language;

/// How it looks at the first glance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Something is down.
    Bad,
    /// Something is under way, or waits.
    Warn,
    /// All is well again.
    Good,
    /// Neither good nor bad.
    Calm,
}

/// A whole mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Page {
    /// In which language.
    pub(super) language: Language,
    /// Its colour.
    pub(super) tone: Tone,
    /// What is so, and since when.
    pub(super) headline: String,
    /// What it means and what happens next, a sentence or two each.
    pub(super) lead: Vec<String>,
    /// The rest, in order.
    pub(super) sections: Vec<Section>,
    /// Ids and the time, last.
    pub(super) footer: String,
}

/// A part under a title.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Section {
    /// Its title.
    pub(super) title: String,
    /// What stands in it.
    pub(super) items: Vec<Item>,
}

/// One paragraph of a section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Item {
    /// A sentence.
    Prose(String),
    /// One of a list.
    Point(String),
    /// Lines as they came from a machine.
    Quote(Vec<String>),
    /// A label and what it is.
    Fact {
        /// What is spoken of.
        label: String,
        /// What is so.
        value: String,
    },
    /// A command to copy, and what it is for.
    Command {
        /// What it is for.
        purpose: String,
        /// The command.
        line: String,
    },
}
