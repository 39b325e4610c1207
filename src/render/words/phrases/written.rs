//! How phrases stand in a file, and what may be wrong with one.

use super::JA;
use super::reader::JOINTS;

/// What may stand in a hole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hole {
    /// `{}`: something without a joint, which may be a phrase itself (`3 days ago`).
    Piece,
    /// `{#}`: a number.
    Number,
    /// `{*}`: a quotation, whatever is in it.
    Quotation,
    /// `{+}`: anything that a detail may be.
    Detail,
}

impl Hole {
    fn of(mark: &str) -> Option<Self> {
        match mark {
            "" => Some(Self::Piece),
            "#" => Some(Self::Number),
            "*" => Some(Self::Quotation),
            "+" => Some(Self::Detail),
            _ => None,
        }
    }

    /// Whether this may stand in it.
    pub(super) fn takes(self, text: &str) -> bool {
        let is_joint = |text: &str| JOINTS.iter().any(|(joint, _)| text.contains(joint));
        !text.is_empty()
            && match self {
                Self::Piece => !is_joint(text),
                Self::Number => text.chars().all(|c| c.is_ascii_digit() || c == '.'),
                Self::Quotation | Self::Detail => true,
            }
    }
}

/// Of what is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// Words.
    Text(String),
    /// What a hole holds, from 0.
    Held(usize),
}

/// A phrase as it is written in a file.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Written<'a> {
    /// Its line, from 1.
    pub(in super::super) line: usize,
    /// What the prober says.
    pub(in super::super) english: &'a str,
    /// What is said for it; nothing where that line is missing.
    pub(in super::super) said: Option<&'a str>,
}

/// The phrases of a file. Empty lines and such as begin with `#` are left out.
pub(super) fn written(text: &str) -> Vec<Written<'_>> {
    let mut found: Vec<Written<'_>> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim_end();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match (line.strip_prefix([' ', '\t']), found.last_mut()) {
            (Some(said), Some(phrase)) if phrase.said.is_none() => {
                phrase.said = Some(said.trim_start());
            }
            _ => found.push(Written {
                line: index + 1,
                english: line.trim_start(),
                said: None,
            }),
        }
    }
    found
}

/// What is wrong with a phrase that people wrote.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) enum Wrong {
    /// The prober says no such thing.
    Unknown,
    /// Nothing is said for it.
    Silent,
    /// It stands there already.
    Twice,
    /// What this hole holds is not said exactly once, by its number from 1.
    Hole(usize),
    /// A `{…}` that is none of the holes.
    Mark(String),
}

/// What is wrong with a phrase, if anything.
pub(super) fn wrong(phrase: Written<'_>) -> Option<Wrong> {
    if !written(JA)
        .iter()
        .any(|ours| ours.english == phrase.english)
    {
        return Some(Wrong::Unknown);
    }
    let Some(said) = phrase.said else {
        return Some(Wrong::Silent);
    };
    let (_, holes) = split(phrase.english);
    let parts = match parts(said, holes.len()) {
        Ok(parts) => parts,
        Err(mark) => return Some(Wrong::Mark(mark)),
    };
    let times = |hole| {
        parts
            .iter()
            .filter(|part| **part == Part::Held(hole))
            .count()
    };
    (0..holes.len())
        .find(|hole| times(*hole) != 1)
        .map(|hole| Wrong::Hole(hole + 1))
}

/// Reads what the prober says; a brace that is no hole stands for itself.
pub(super) fn split(english: &str) -> (String, Vec<(Hole, String)>) {
    let mut begins = String::new();
    let mut holes: Vec<(Hole, String)> = Vec::new();
    let mut rest = english;
    while let Some(at) = rest.find('{') {
        let (before, from) = rest.split_at(at);
        let inner = from.get(1..).and_then(|inner| inner.split_once('}'));
        let hole = inner.and_then(|(mark, after)| Some((Hole::of(mark)?, after)));
        let (text, after) = match hole {
            Some((_, after)) => (before, after),
            None => rest.split_at(at + 1),
        };
        let place = holes.last_mut().map_or(&mut begins, |(_, behind)| behind);
        place.push_str(text);
        if let Some((hole, _)) = hole {
            holes.push((hole, String::new()));
        }
        rest = after;
    }
    let place = holes.last_mut().map_or(&mut begins, |(_, behind)| behind);
    place.push_str(rest);
    (begins, holes)
}

/// Reads what is said for a phrase of so many holes; the error is a mark that means none of them.
pub(super) fn parts(said: &str, holes: usize) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let mut rest = said;
    while let Some((before, from)) = rest.split_once('{') {
        let (mark, after) = from.split_once('}').unwrap_or((from, ""));
        let hole = mark.parse::<usize>().ok().and_then(|n| n.checked_sub(1));
        let hole = hole.filter(|hole| *hole < holes);
        parts.push(Part::Text(before.to_owned()));
        parts.push(Part::Held(hole.ok_or_else(|| format!("{{{mark}}}"))?));
        rest = after;
    }
    parts.push(Part::Text(rest.to_owned()));
    Ok(parts)
}
