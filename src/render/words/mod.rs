//! The words that people read, in each language, as files that people can put their own in place of.
//!
//! The sentences stand in `en/*.txt` and `ja/*.txt` beside this file, as pieces of small templates
//! ([`catalogue`]); [`key!`] names one, and what is named and not there in every language does not compile. A file of
//! the same name in `alerts.templates` replaces the pieces it has, and only those. A piece knows the values that our
//! own piece of that name uses, in any language; a mail's pieces know those of all mails.
//!
//! What people wrote is checked beforehand ([`check()`]). Should a piece fail all the same, ours is said in its place,
//! and [`Voice::complaints`] tells why: a mail is never lost to its wording. Templates can loop over nothing, call
//! nothing and read nothing, and are stopped after a number of steps.

pub mod catalogue;
mod check;
mod engine;
mod times;

pub use check::{Complaint, check};
pub use engine::Block;

use std::cell::RefCell;

use jiff::tz::TimeZone;
use minijinja::{Environment, Value};

use crate::model::{Finding, Language, Reason, Wording};

use catalogue::File;

/// The name of a piece that is there in every language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    file: File,
    name: &'static str,
}

impl Key {
    /// A piece of a file.
    ///
    /// # Panics
    /// While compiling, when a language lacks it.
    #[must_use]
    pub const fn new(file: File, name: &'static str) -> Self {
        let mut language = 0;
        while language < Language::ALL.len() {
            assert!(
                catalogue::has(file.text(Language::ALL[language]), name),
                "this piece is not in every language of src/render/words"
            );
            language += 1;
        }
        Self { file, name }
    }

    /// The piece of a finding. A finding that lacks one in some language does not compile.
    #[must_use]
    pub const fn of_finding(finding: &Finding) -> Self {
        Self {
            file: File::Details,
            name: finding.key(),
        }
    }

    /// The piece of a reason. A test finds each in every language.
    #[must_use]
    pub const fn of_reason(reason: &Reason) -> Self {
        Self {
            file: File::Reasons,
            name: reason.name(),
        }
    }

    /// The piece that says a reason in few words.
    #[must_use]
    pub const fn of_reason_in_brief(reason: &Reason) -> Self {
        Self {
            file: File::Reasons,
            name: reason.short_name(),
        }
    }

    /// `down/subject`.
    fn path(self) -> String {
        format!("{}/{}", self.file.name(), self.name)
    }
}

/// Every finding has its piece in every language, and no language has another one.
const _: () = {
    let mut language = 0;
    while language < Language::ALL.len() {
        let text = File::Details.text(Language::ALL[language]);
        assert!(
            catalogue::has_just(text, Finding::KEYS),
            "details.txt of a language lacks a finding, has one twice, or has them in another order than model/finding.rs"
        );
        language += 1;
    }
};

/// A piece by file and name: `key!(Holds, "budget")`.
macro_rules! key {
    ($file:ident, $name:literal) => {
        const { $crate::render::words::Key::new($crate::render::words::catalogue::File::$file, $name) }
    };
}
pub(crate) use key;

/// Who speaks: a language, a clock, and people's own words.
#[derive(Debug)]
pub struct Voice {
    language: Language,
    zone: TimeZone,
    /// People's own pieces, as far as they are templates.
    own: Option<Environment<'static>>,
    complaints: RefCell<Vec<String>>,
}

impl Voice {
    /// English by UTC: the terminal's.
    #[must_use]
    pub const fn english() -> Self {
        Self::plain(Language::En)
    }

    /// A language by UTC, with our own words.
    #[must_use]
    pub const fn plain(language: Language) -> Self {
        Self {
            language,
            zone: TimeZone::UTC,
            own: None,
            complaints: RefCell::new(Vec::new()),
        }
    }

    /// A language by the clock of the mails; with people's own words where they wrote them in it.
    #[must_use]
    pub fn speaking(language: Language, wording: &Wording) -> Self {
        if language == wording.language {
            return Self::of(wording);
        }
        Self {
            zone: wording.zone.rules.clone(),
            ..Self::plain(language)
        }
    }

    /// The voice of the mails.
    #[must_use]
    pub fn of(wording: &Wording) -> Self {
        let mut complaints = Vec::new();
        let own = (!wording.templates.is_empty())
            .then(|| engine::own(&wording.templates, &mut complaints));
        Self {
            language: wording.language,
            zone: wording.zone.rules.clone(),
            own,
            complaints: RefCell::new(complaints),
        }
    }

    /// In which language.
    #[must_use]
    pub const fn language(&self) -> Language {
        self.language
    }

    /// By whose clock.
    #[must_use]
    pub const fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// What of people's own words could not be used, and was said in ours.
    #[must_use]
    pub fn complaints(self) -> Vec<String> {
        self.complaints.into_inner()
    }

    /// A piece on one line.
    #[must_use]
    pub fn say(&self, key: Key, with: Value) -> String {
        let said = self.rendered(key, with, |text| !text.trim().is_empty());
        let blocks = engine::blocks(&said);
        let lines: Vec<String> = blocks.into_iter().map(Block::into_text).collect();
        lines.join(" ")
    }

    /// A piece that has no values on one line.
    #[must_use]
    pub fn word(&self, key: Key) -> String {
        self.say(key, minijinja::context! {})
    }

    /// A piece as paragraphs and commands; it may say nothing.
    #[must_use]
    pub fn tell(&self, key: Key, with: Value) -> Vec<Block> {
        engine::blocks(&self.rendered(key, with, |_| true))
    }

    fn rendered(&self, key: Key, with: Value, fits: impl Fn(&str) -> bool) -> String {
        let path = key.path();
        if let Some(own) = &self.own
            && let Ok(template) = own.get_template(&path)
        {
            match template.render(with.clone()) {
                Ok(text) if fits(&text) => return text,
                Ok(_) => self.complain(format!("{path} says nothing")),
                Err(error) => self.complain(format!("{path}: {}", engine::fault(&error))),
            }
        }
        let ours = engine::ours(self.language);
        match ours
            .get_template(&path)
            .and_then(|piece| piece.render(with))
        {
            Ok(text) => text,
            Err(error) => {
                self.complain(format!("{path}: {}", engine::fault(&error)));
                String::new()
            }
        }
    }

    fn complain(&self, complaint: String) {
        self.complaints.borrow_mut().push(complaint);
    }
}
