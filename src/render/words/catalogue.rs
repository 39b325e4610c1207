//! The files of words that come with probe, and how such a file is read.
//!
//! A file is a list of pieces. A line `== NAME` begins one; what stands before the first is a remark for whoever edits
//! the file. A piece is a template: `{{ site }}` puts in a value, `{% if host %} … {% elif … %} … {% else %} …
//! {% endif %}` leaves something out. An empty line parts paragraphs.

use crate::model::Language;

/// How a line that begins a piece begins.
const MARK: &str = "== ";

macro_rules! files {
    ($($(#[$doc:meta])* $File:ident = $name:literal,)*) => {
        /// A file of words.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum File {
            $($(#[$doc])* $File,)*
        }

        impl File {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$File,)*];

            /// Its name without `.txt`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$File => $name,)* }
            }

            /// What probe itself says.
            #[must_use]
            pub const fn text(self, language: Language) -> &'static str {
                // A language is a directory and a line.
                match language {
                    Language::En => match self { $(Self::$File => include_str!(concat!("en/", $name, ".txt")),)* },
                    Language::Ja => match self { $(Self::$File => include_str!(concat!("ja/", $name, ".txt")),)* },
                }
            }
        }
    };
}

files! {
    /// A site is down.
    Down = "down",
    /// A restart was carried out.
    Restarted = "restarted",
    /// A site is back.
    Up = "up",
    /// A restart was held back.
    Withheld = "withheld",
    /// A restart waits for a person.
    Proposed = "proposed",
    /// A person must look.
    GaveUp = "gave_up",
    /// Up after we had given up.
    Back = "back",
    /// Still down.
    Reminder = "reminder",
    /// No longer watched.
    Closed = "closed",
    /// We could not see.
    Blind = "blind",
    /// A site cannot be judged.
    Unjudged = "unjudged",
    /// A site that could not be judged is judged again.
    Judged = "judged",
    /// The state was damaged.
    Damaged = "damaged",
    /// Certificates end soon.
    Certificate = "certificate",
    /// A site goes down and comes back again and again.
    Flapping = "flapping",
    /// Many messages in one.
    Digest = "digest",
    /// How the week was.
    Report = "report",
    /// A test.
    Test = "test",
    /// Why nothing is restarted.
    Holds = "holds",
    /// What was found.
    Causes = "causes",
    /// What a check saw.
    Details = "details",
    /// What a look at the host found.
    Ailments = "ailments",
    /// What the host says of itself.
    Facts = "facts",
    /// Restarts and how they ended.
    Attempts = "attempts",
    /// Why something did not go as ordered.
    Reasons = "reasons",
    /// What comes next.
    Next = "next",
    /// What commands are for.
    Advice = "advice",
    /// What stands beside the picture.
    Picture = "picture",
    /// Titles, the timeline, the last line.
    Page = "page",
    /// The parts of the weekly report.
    Week = "week",
    /// The status page.
    Status = "status",
    /// What `probe drill` says.
    Drill = "drill",
    /// Times and spans.
    Times = "times",
}

impl File {
    /// The file of a name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|file| file.name() == name)
    }

    /// Whether it is the file of one event's mails: all of them are told the same values.
    #[must_use]
    pub const fn is_mail(self) -> bool {
        match self {
            Self::Down
            | Self::Restarted
            | Self::Up
            | Self::Withheld
            | Self::Proposed
            | Self::GaveUp
            | Self::Back
            | Self::Reminder
            | Self::Closed
            | Self::Blind
            | Self::Unjudged
            | Self::Judged
            | Self::Damaged
            | Self::Certificate
            | Self::Flapping
            | Self::Digest
            | Self::Report
            | Self::Test => true,
            Self::Picture
            | Self::Holds
            | Self::Causes
            | Self::Ailments
            | Self::Details
            | Self::Facts
            | Self::Attempts
            | Self::Reasons
            | Self::Next
            | Self::Advice
            | Self::Page
            | Self::Week
            | Self::Status
            | Self::Drill
            | Self::Times => false,
        }
    }
}

/// A piece of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece<'a> {
    /// Its name.
    pub(super) name: &'a str,
    /// The line of its name, from 1.
    pub(super) line: usize,
    /// Its template, without the empty lines around it.
    pub(super) text: &'a str,
    /// The line on which the template begins.
    pub(super) begins: usize,
}

/// The pieces of a file, in order.
pub(super) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut starts = Vec::new();
    let mut at = 0;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        if let Some(name) = line.strip_prefix(MARK) {
            starts.push((name.trim(), index + 1, at, at + line.len()));
        }
        at += line.len();
    }
    let ends = starts
        .iter()
        .skip(1)
        .map(|(_, _, from, _)| *from)
        .chain([text.len()]);
    starts
        .iter()
        .zip(ends)
        .map(|((name, line, _, from), end)| {
            let body = text.get(*from..end).unwrap_or_default();
            let text = body.trim_matches(['\n', '\r']);
            let skipped = body.len() - body.trim_start_matches(['\n', '\r']).len();
            let before = body.get(..skipped).unwrap_or_default();
            Piece {
                name,
                line: *line,
                text,
                begins: line + 1 + before.matches('\n').count(),
            }
        })
        .collect()
}

/// Whether a file has a piece of this name; asked while the program is compiled.
pub(super) const fn has(text: &str, name: &str) -> bool {
    let (text, mark, name) = (text.as_bytes(), MARK.as_bytes(), name.as_bytes());
    let mut at = 0;
    while at < text.len() {
        if (at == 0 || text[at - 1] == b'\n') && begins(text, at, mark) {
            let from = at + mark.len();
            let end = from + name.len();
            if begins(text, from, name) && end < text.len() && text[end] == b'\n' {
                return true;
            }
        }
        at += 1;
    }
    false
}

/// Whether the pieces of a file are these and no other, in this order; asked while the program is compiled.
pub(super) const fn has_just(text: &str, names: &[&str]) -> bool {
    let (text, mark) = (text.as_bytes(), MARK.as_bytes());
    let (mut at, mut next, mut fresh) = (0, 0, true);
    while at < text.len() {
        if fresh && text[at] == mark[0] && begins(text, at, mark) {
            if next == names.len() {
                return false;
            }
            let name = names[next].as_bytes();
            at += mark.len();
            if !begins(text, at, name)
                || at + name.len() >= text.len()
                || text[at + name.len()] != b'\n'
            {
                return false;
            }
            next += 1;
        }
        fresh = text[at] == b'\n';
        at += 1;
    }
    next == names.len()
}

const fn begins(text: &[u8], at: usize, with: &[u8]) -> bool {
    let mut index = 0;
    while index < with.len() {
        if at + index >= text.len() || text[at + index] != with[index] {
            return false;
        }
        index += 1;
    }
    true
}
