//! What is wrong with the words people wrote, found before a mail needs them.
//!
//! Found are files and pieces that do not exist, a piece twice, templates that cannot be read, values nobody gives,
//! filters and functions (there are none), pieces that say nothing where something must be said, and patterns that are
//! none of strftime.

use std::collections::BTreeSet;
use std::path::PathBuf;

use jiff::tz::TimeZone;
use minijinja::value::Value;
use minijinja::{Environment, Error, ErrorKind};

use crate::model::{Language, Template, Wording};

use super::catalogue::{File, Piece, pieces};
use super::engine;

/// What is wrong with one place in a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// The file.
    pub path: PathBuf,
    /// From 1; 0 when the whole file is meant.
    pub line: usize,
    /// The piece, or nothing.
    pub piece: String,
    /// What is wrong, a lower-case fragment.
    pub message: String,
    /// What to write instead.
    pub act: Option<String>,
}

/// Everything that is wrong with the templates.
#[must_use]
pub fn check(wording: &Wording) -> Vec<Complaint> {
    wording.templates.iter().flat_map(check_file).collect()
}

fn check_file(template: &Template) -> Vec<Complaint> {
    let at = |line: usize, piece: &str, message: String, act: Option<String>| Complaint {
        path: template.path.clone(),
        line,
        piece: piece.to_owned(),
        message,
        act,
    };
    let Some(file) = File::of(&template.name) else {
        let names: Vec<&str> = File::ALL.iter().map(|file| file.name()).collect();
        let message = format!("`{}.txt` is no template", template.name);
        let act = format!("name it like one of these: {}", names.join(", "));
        return vec![at(0, "", message, Some(act))];
    };
    let written = pieces(&template.text);
    if written.is_empty() {
        let act = "begin one with a line like `== subject`";
        return vec![at(
            0,
            "",
            "there is no piece in it".to_owned(),
            Some(act.to_owned()),
        )];
    }
    let ours = pieces(file.text(Language::En));
    let mut complaints = Vec::new();
    let mut names = BTreeSet::new();
    for piece in &written {
        if !names.insert(piece.name) {
            complaints.push(at(
                piece.line,
                piece.name,
                "the same piece twice".to_owned(),
                Some("leave one out".to_owned()),
            ));
        } else if !ours.iter().any(|known| known.name == piece.name) {
            let act = nearest(piece.name, &ours);
            complaints.push(at(
                piece.line,
                piece.name,
                "no such piece".to_owned(),
                Some(act),
            ));
        } else {
            for (line, message, act) in check_piece(file, piece) {
                complaints.push(at(line, piece.name, message, act));
            }
        }
    }
    complaints
}

/// Pieces that are named one by one to somebody who wrote another one; of more, the most alike is.
const NAMED: usize = 20;

fn nearest(name: &str, known: &[Piece<'_>]) -> String {
    let names: Vec<&str> = known.iter().map(|known| known.name).collect();
    let alike = names
        .iter()
        .min_by_key(|known| strsim::osa_distance(known, name));
    match alike {
        Some(alike) if names.len() > NAMED => format!("did you mean `{alike}`?"),
        Some(_) | None => format!("one of these: {}", names.join(", ")),
    }
}

type Found = (usize, String, Option<String>);

fn check_piece(file: File, piece: &Piece<'_>) -> Vec<Found> {
    // A mail may have nothing to add; a subject must say something.
    let may_be_silent = file.is_mail() && matches!(piece.name, "lead" | "advice");
    if piece.text.trim().is_empty() {
        let act = "write it, or leave the piece out: then ours is said".to_owned();
        return match may_be_silent {
            true => Vec::new(),
            false => vec![(piece.line, "says nothing".to_owned(), Some(act))],
        };
    }
    let environment = engine::bare();
    let template = match environment.template_from_str(piece.text) {
        Ok(template) => template,
        Err(error) => return vec![located(piece, &error)],
    };
    let known = values(file, piece.name);
    let mut found: Vec<Found> = Vec::new();
    let mut used: Vec<String> = template.undeclared_variables(false).into_iter().collect();
    used.sort();
    for name in used.into_iter().filter(|name| !known.contains(name)) {
        let all: Vec<&str> = known.iter().map(String::as_str).collect();
        let act = match all.is_empty() {
            true => "this piece knows no values".to_owned(),
            false => format!("it knows {}", all.join(", ")),
        };
        found.push((
            line_of(piece, &name),
            format!("unknown value `{name}`"),
            Some(act),
        ));
    }
    if found.is_empty() {
        found.extend(tried(piece, &environment, &known));
    }
    if found.is_empty() && file == File::Times && is_pattern(piece.name) {
        found.extend(pattern(piece));
    }
    found
}

/// What is said with every value there, and with none.
fn tried(
    piece: &Piece<'_>,
    environment: &Environment<'_>,
    known: &BTreeSet<String>,
) -> Option<Found> {
    [Value::from(2), Value::from(())]
        .into_iter()
        .find_map(|value| {
            let values: Value = known
                .iter()
                .map(|name| (name.clone(), value.clone()))
                .collect();
            let error = environment.render_str(piece.text, values).err()?;
            // That nothing cannot be counted is no fault: nobody gives nothing there.
            let ours = matches!(
                error.kind(),
                ErrorKind::UnknownFilter
                    | ErrorKind::UnknownFunction
                    | ErrorKind::UnknownTest
                    | ErrorKind::UnknownMethod
                    | ErrorKind::TemplateNotFound
                    | ErrorKind::OutOfFuel
            );
            ours.then(|| located(piece, &error))
        })
}

/// Whether a piece of `times` is a pattern of strftime: ours of that name is one.
fn is_pattern(name: &str) -> bool {
    let ours = pieces(File::Times.text(Language::En));
    ours.iter()
        .any(|piece| piece.name == name && piece.text.starts_with('%'))
}

fn pattern(piece: &Piece<'_>) -> Option<Found> {
    let zoned = jiff::Timestamp::UNIX_EPOCH.to_zoned(TimeZone::UTC);
    let error = jiff::fmt::strtime::format(piece.text, &zoned).err()?;
    let act = "write one like `%H:%M:%S %Z`".to_owned();
    Some((
        piece.begins,
        format!("not a pattern of strftime: {error}"),
        Some(act),
    ))
}

fn located(piece: &Piece<'_>, error: &Error) -> Found {
    let line = piece.begins + error.line().unwrap_or(1).saturating_sub(1);
    (line, engine::fault(error), None)
}

/// The line on which a value is first named.
fn line_of(piece: &Piece<'_>, name: &str) -> usize {
    let within = |line: &str| {
        line.split(|c: char| !(c.is_alphanumeric() || c == '_'))
            .any(|word| word == name)
    };
    piece.begins + piece.text.lines().position(within).unwrap_or(0)
}

/// The values a piece is given: those that our own piece uses, in any language; those of all mails in a mail's.
fn values(file: File, name: &str) -> BTreeSet<String> {
    let files: Vec<File> = match file.is_mail() {
        true => File::ALL
            .iter()
            .copied()
            .filter(|file| file.is_mail())
            .collect(),
        false => vec![file],
    };
    let environment = engine::bare();
    let mut values = BTreeSet::new();
    for (file, language) in files
        .into_iter()
        .flat_map(|file| Language::ALL.map(|language| (file, language)))
    {
        for piece in pieces(file.text(language)) {
            let told = file.is_mail() && piece.name != "line";
            if (told && name != "line") || piece.name == name {
                let template = environment.template_from_str(piece.text);
                values.extend(
                    template
                        .into_iter()
                        .flat_map(|piece| piece.undeclared_variables(false)),
                );
            }
        }
    }
    values
}
