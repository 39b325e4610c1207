//! Walking a mapping whose keys are known: unknown keys, wrong types.
//!
//! Each mapping of the configuration has its list of keys. A key outside of it is a fault with the nearest known key.
//! `null` means "not given" everywhere.

use super::fault::{Fault, Report, Spot};
use super::tree::{Entry, Kind, Node};

/// A mapping with known keys.
#[derive(Debug, Clone, Copy)]
pub(super) struct Section<'a> {
    /// Where the mapping stands.
    pub(super) spot: &'a Spot,
    entries: &'a [Entry],
}

impl<'a> Section<'a> {
    /// Opens `node` as a section with `keys`; what is not known goes to `report`.
    /// Nothing given is a section without keys; `None` when it is no mapping at all.
    pub(super) fn open(node: &'a Node, keys: &[&str], report: &mut Report) -> Option<Self> {
        let entries: &[Entry] = match &node.kind {
            Kind::Map(entries) => entries,
            Kind::Null => &[],
            Kind::Bool(_) | Kind::Int(_) | Kind::Float(_) | Kind::Text(_) | Kind::List(_) => {
                report.fault(expected(node, "a mapping of keys"));
                return None;
            }
        };
        for entry in entries {
            judge_key(entry, keys, report);
        }
        Some(Self {
            spot: &node.spot,
            entries,
        })
    }

    /// The value of `key`; `None` when it is not given, `null`, or refused as not supported.
    pub(super) fn get(&self, key: &str) -> Option<&'a Node> {
        let entry = self.entries.iter().find(|entry| entry.key == key)?;
        let given = !matches!(entry.value.kind, Kind::Null);
        given.then_some(&entry.value)
    }

    /// Whether `key` stands there, whatever its value.
    pub(super) fn names(&self, key: &str) -> bool {
        self.entries.iter().any(|entry| entry.key == key)
    }

    /// Where the key `key` stands, or where it would have to.
    pub(super) fn spot_of(&self, key: &str) -> Spot {
        self.entries
            .iter()
            .find(|entry| entry.key == key)
            .map_or_else(|| self.spot.below(key), |entry| entry.spot.clone())
    }
}

fn judge_key(entry: &Entry, keys: &[&str], report: &mut Report) {
    let key = entry.key.as_str();
    if !keys.contains(&key) {
        report.fault(Fault::new(&entry.spot, "unknown key").meant(nearest(key, keys)));
    }
}

/// `expected …, found …`.
pub(super) fn expected(node: &Node, what: &str) -> Fault {
    Fault::new(
        &node.spot,
        format!("expected {what}, found {}", node.kind.name()),
    )
}

/// The known word that `word` was probably meant to be: at most one slip in three letters.
pub(super) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    // Longer than any word of ours; keeps the comparison cheap whatever is thrown at us.
    if word.len() > 80 {
        return None;
    }
    let plain = |text: &str| text.to_ascii_lowercase().replace('-', "_");
    let wanted = plain(word);
    known
        .iter()
        .map(|candidate| (strsim::osa_distance(&wanted, &plain(candidate)), *candidate))
        .filter(|(slips, candidate)| *slips <= (candidate.len().max(3) / 3))
        .min_by_key(|(slips, _)| *slips)
        .map(|(_, candidate)| candidate)
}
