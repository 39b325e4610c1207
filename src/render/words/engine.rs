//! The template engine as probe uses it: no files, no functions, a bound on every piece.
//!
//! A value never becomes markup: each is put in between two marks, so that a line that begins with a value is not taken
//! for a command. The marks are taken out when the text is read into [`Block`]s, and with them a space beside a value that
//! stands between two Japanese letters: `{{ site }} が` is `shop が`, and `shop ほか 1 サイトが`.

use std::sync::OnceLock;

use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, Error, UndefinedBehavior};
use unicode_width::UnicodeWidthChar;

use crate::model::{Language, Template};

use super::catalogue::{File, pieces};

/// Steps of one piece; the longest of ours takes some hundreds.
const FUEL: u64 = 20_000;

/// Characters a piece may say; a mail is no book.
const LENGTH: usize = 8_000;

/// Stands before and after each value; of the private use area, so that it means nothing anywhere else.
const VALUE: char = '\u{e000}';

/// How a line that is a command begins.
const COMMAND: &str = "$ ";

/// A paragraph, or a command to copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// A paragraph, on one line.
    Prose(String),
    /// A command.
    Command(String),
}

impl Block {
    /// Its text.
    #[must_use]
    pub fn into_text(self) -> String {
        match self {
            Self::Prose(text) | Self::Command(text) => text,
        }
    }
}

/// An environment without any template.
pub(super) fn bare() -> Environment<'static> {
    let mut environment = Environment::empty();
    if let Ok(syntax) = SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .build()
    {
        environment.set_syntax(syntax);
    }
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment.set_formatter(|out, _state, value| {
        if value.is_none() {
            return Ok(());
        }
        if value.is_undefined() {
            return Err(minijinja::ErrorKind::UndefinedError.into());
        }
        let text = value.to_string().replace(VALUE, "");
        Ok(std::fmt::Write::write_fmt(
            out,
            format_args!("{VALUE}{text}{VALUE}"),
        )?)
    });
    environment
}

/// What probe itself says.
pub(super) fn ours(language: Language) -> &'static Environment<'static> {
    static OURS: [OnceLock<Environment<'static>>; Language::ALL.len()] =
        [const { OnceLock::new() }; Language::ALL.len()];
    OURS[language as usize].get_or_init(|| built_in(language))
}

fn built_in(language: Language) -> Environment<'static> {
    let mut environment = bare();
    for file in File::ALL {
        for piece in pieces(file.text(language)) {
            // A test compiles and says them all: none fails.
            let name = format!("{}/{}", file.name(), piece.name);
            let _ = environment.add_template_owned(name, piece.text);
        }
    }
    environment
}

/// What people wrote, as far as it can be read; the rest is told.
pub(super) fn own(templates: &[Template], complaints: &mut Vec<String>) -> Environment<'static> {
    let mut environment = bare();
    for template in templates {
        for piece in pieces(&template.text) {
            let name = format!("{}/{}", template.name, piece.name);
            if let Err(error) = environment.add_template_owned(name.clone(), piece.text.to_owned())
            {
                complaints.push(format!("{name}: {}", fault(&error)));
            }
        }
    }
    environment
}

/// What is wrong, as a fragment.
pub(super) fn fault(error: &Error) -> String {
    let kind = error.kind().to_string();
    match error.detail() {
        None => kind,
        Some(detail) => {
            let detail: String = detail.chars().take(200).collect();
            format!("{kind}: {detail}")
        }
    }
}

/// A text read into paragraphs and commands.
pub(super) fn blocks(text: &str) -> Vec<Block> {
    let text: String = text.chars().take(LENGTH).collect();
    let mut blocks = Vec::new();
    let mut paragraph = String::new();
    let end = |paragraph: &mut String, blocks: &mut Vec<Block>| {
        let whole = joined(&std::mem::take(paragraph));
        if !whole.is_empty() {
            blocks.push(Block::Prose(whole));
        }
    };
    for line in text.lines() {
        let line = line.trim_end();
        if let Some(command) = line.strip_prefix(COMMAND) {
            end(&mut paragraph, &mut blocks);
            blocks.push(Block::Command(command.replace(VALUE, "")));
        } else if line.is_empty() {
            end(&mut paragraph, &mut blocks);
        } else {
            join(&mut paragraph, line);
        }
    }
    end(&mut paragraph, &mut blocks);
    blocks
}

/// A paragraph without its marks, and without a space at a mark between two letters of a writing that has none.
fn joined(paragraph: &str) -> String {
    let mut out = String::with_capacity(paragraph.len());
    let mut letters = paragraph.chars().peekable();
    let (mut at_mark, mut space) = (false, false);
    while let Some(c) = letters.next() {
        if c == VALUE {
            at_mark = true;
        } else if c == ' ' && !space && (at_mark || letters.peek() == Some(&VALUE)) {
            (space, at_mark) = (true, false);
        } else {
            if space && !(is_wide(out.chars().next_back()) && is_wide(Some(c))) {
                out.push(' ');
            }
            out.push(c);
            (space, at_mark) = (false, false);
        }
    }
    out.trim().to_owned()
}

fn is_wide(c: Option<char>) -> bool {
    c.and_then(UnicodeWidthChar::width) == Some(2)
}

/// A line after another: with a space between them, unless both are of a writing that has none.
fn join(paragraph: &mut String, line: &str) {
    let next = line.trim_start_matches(VALUE).chars().next();
    let last = paragraph.trim_end_matches(VALUE).chars().next_back();
    let apart = !(is_wide(last) && is_wide(next));
    if last.is_some() && apart {
        paragraph.push(' ');
    }
    paragraph.push_str(line);
}
