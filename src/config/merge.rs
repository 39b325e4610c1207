//! Putting mappings together: a profile with `defaults`, and the files of a directory with each other.
//!
//! Both keep the place of every value, so that a fault names the file and line where it was written.

use super::fault::{Fault, Report};
use super::tree::{Entry, Kind, Node};

/// Mappings that a profile completes rather than replaces.
const DEEP: &[&str] = &["headers", "expect", "header", "tls"];

/// Mappings whose keys are header names: `Accept` and `accept` are the same.
const HEADERS: &[&str] = &["headers", "header"];

/// The profile `own` with what `defaults` says and it does not. `null` in the profile takes a default away.
pub(super) fn inherit(own: &Node, defaults: &Node) -> Node {
    let Kind::Map(theirs) = &defaults.kind else {
        return own.clone();
    };
    let kind = match &own.kind {
        Kind::Map(mine) => Kind::Map(complete(mine, theirs, false)),
        // A profile of which nothing but the name is written.
        Kind::Null => Kind::Map(theirs.clone()),
        Kind::Bool(_) | Kind::Int(_) | Kind::Float(_) | Kind::Text(_) | Kind::List(_) => {
            own.kind.clone()
        }
    };
    Node {
        kind,
        spot: own.spot.clone(),
    }
}

fn complete(mine: &[Entry], theirs: &[Entry], fold: bool) -> Vec<Entry> {
    let same =
        |a: &Entry, b: &Entry| a.key == b.key || (fold && a.key.eq_ignore_ascii_case(&b.key));
    let mut entries = mine.to_vec();
    for entry in &mut entries {
        let key = entry.key.as_str();
        let default = theirs.iter().find(|default| same(entry, default));
        if let (Kind::Map(own), Some(Kind::Map(given)), true) = (
            &entry.value.kind,
            default.map(|default| &default.value.kind),
            DEEP.contains(&key),
        ) {
            entry.value.kind = Kind::Map(complete(own, given, HEADERS.contains(&key)));
        }
    }
    entries.extend(
        theirs
            .iter()
            .filter(|default| !mine.iter().any(|entry| same(entry, default)))
            .cloned(),
    );
    entries
}

/// Adds the keys of a further file. A value may be set once (or again to the same, as files do that were written to stand alone), a
/// profile or host written in one file only.
pub(super) fn graft(into: &mut Vec<Entry>, from: Vec<Entry>, report: &mut Report) {
    graft_below(into, from, "", report);
}

fn graft_below(into: &mut Vec<Entry>, from: Vec<Entry>, path: &str, report: &mut Report) {
    for entry in from {
        let Some(first) = into.iter_mut().find(|first| first.key == entry.key) else {
            into.push(entry);
            continue;
        };
        let named = matches!(path, "profiles" | "hosts");
        match (&mut first.value.kind, entry.value.kind) {
            (Kind::Null, kind) if !named => {
                first.value.kind = kind;
                first.value.spot = entry.value.spot;
            }
            (_, Kind::Null) if !named => {}
            (Kind::Map(mine), Kind::Map(theirs)) if !named => {
                graft_below(mine, theirs, &entry.spot.path, report);
            }
            (mine, theirs) if !named && mine.is(&theirs) => {}
            (_, _) => report.fault(
                Fault::new(
                    &entry.spot,
                    format!("already given at {}", first.spot.position()),
                )
                .act("keep one of them"),
            ),
        }
    }
}
