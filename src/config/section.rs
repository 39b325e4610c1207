//! Walking a mapping whose keys are declared ([`keys`](super::keys)): unknown keys, wrong types, values out of range, defaults.
//!
//! A key outside of the table is a fault with the nearest known key. `null` means "not given" everywhere. A getter for a type
//! reads what the table says: its range, and what stands for it where it is not written.

use std::borrow::Cow;
use std::time::Duration;

use super::fault::{Fault, Report, Spot};
use super::keys::{Key, Takes, default_of};
use super::tree::{Entry, Kind, Node};
use super::value::{self, Found};
use super::wrong::{expected, nearest};
use crate::model::parse_span;

/// A mapping with declared keys.
#[derive(Debug, Clone)]
pub(super) struct Section<'a> {
    /// Where the mapping stands, or would.
    pub(super) spot: Cow<'a, Spot>,
    keys: &'static [Key],
    entries: &'a [Entry],
}

impl<'a> Section<'a> {
    /// Opens `node` as a section with `keys`; what is not known goes to `report`.
    /// Nothing given is a section without keys; `None` when it is no mapping at all.
    pub(super) fn open(node: &'a Node, keys: &'static [Key], report: &mut Report) -> Option<Self> {
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
            spot: Cow::Borrowed(&node.spot),
            keys,
            entries,
        })
    }

    /// The section at `key`; one without keys where it is not given, `None` where it is no mapping.
    pub(super) fn below(&self, key: &str, report: &mut Report) -> Option<Self> {
        let keys = self.keys_of(key);
        match self.get(key) {
            Some(node) => Self::open(node, keys, report),
            None => Some(self.nothing(key)),
        }
    }

    /// The section at `key`; one without keys where it is not given, or no mapping.
    pub(super) fn below_or_nothing(&self, key: &str, report: &mut Report) -> Self {
        let below = self.below(key, report);
        below.unwrap_or_else(|| self.nothing(key))
    }

    fn nothing(&self, key: &str) -> Self {
        Self {
            spot: Cow::Owned(self.spot_of(key)),
            keys: self.keys_of(key),
            entries: &[],
        }
    }

    fn keys_of(&self, key: &str) -> &'static [Key] {
        if let Some(Takes::Section(keys)) = self.takes(key) {
            keys
        } else {
            &[]
        }
    }

    /// The value of `key`; `None` when it is not given, `null`, or refused as not supported.
    pub(super) fn get(&self, key: &str) -> Option<&'a Node> {
        let entry = self.entries.iter().find(|entry| entry.key == key)?;
        let given = !matches!(entry.value.kind, Kind::Null);
        given.then_some(&entry.value)
    }

    fn takes(&self, key: &str) -> Option<&'static Takes> {
        let declared = self.keys.iter().find(|declared| declared.name == key);
        declared.map(|declared| &declared.takes)
    }

    fn default(&self, key: &str) -> &'static str {
        default_of(self.keys, key)
    }

    /// A duration, within its range.
    pub(super) fn span(&self, key: &str, report: &mut Report) -> Option<Found<Duration>> {
        let Takes::Span(low, high) = self.takes(key)? else {
            return None;
        };
        value::duration(self.get(key)?, *low, *high, report)
    }

    /// A duration, or what stands for it.
    pub(super) fn span_or_default(&self, key: &str, report: &mut Report) -> Duration {
        let given = self.span(key, report).map(|found| found.value);
        given.unwrap_or_else(|| self.default_span(key))
    }

    /// What stands for a duration that is not written.
    pub(super) fn default_span(&self, key: &str) -> Duration {
        parse_span(self.default(key)).unwrap_or_default()
    }

    /// A list of durations, within their range, or what stands for it.
    pub(super) fn spans_or_default(&self, key: &str, report: &mut Report) -> Vec<Duration> {
        let given = self
            .get(key)
            .and_then(|node| value::list(node, true, report));
        if let Some(items) = given
            && let Some(Takes::OneOrList(Takes::Span(low, high), _)) = self.takes(key)
        {
            let spans = items
                .iter()
                .filter_map(|item| value::duration(item, *low, *high, report));
            return spans.map(|found| found.value).collect();
        }
        let default = self.default(key).split(", ");
        default.filter_map(parse_span).collect()
    }

    /// A whole number, within its range.
    pub(super) fn whole(&self, key: &str, report: &mut Report) -> Option<Found<u32>> {
        let Takes::Whole(low, high) = self.takes(key)? else {
            return None;
        };
        value::number(self.get(key)?, *low, *high, report)
    }

    /// A whole number, or what stands for it.
    pub(super) fn whole_or_default(&self, key: &str, report: &mut Report) -> u32 {
        let given = self.whole(key, report).map(|found| found.value);
        given.unwrap_or_else(|| self.default(key).parse().unwrap_or_default())
    }

    /// A number, within its range, or what stands for it.
    pub(super) fn number_or_default(&self, key: &str, report: &mut Report) -> f64 {
        let given = self.get(key).and_then(|node| {
            let Takes::Number(low, high) = self.takes(key)? else {
                return None;
            };
            value::factor(node, *low, *high, report)
        });
        given.unwrap_or_else(|| self.default(key).parse().unwrap_or_default())
    }

    /// A size, within its range.
    pub(super) fn size(&self, key: &str, report: &mut Report) -> Option<Found<u64>> {
        let Takes::Size(low, high) = self.takes(key)? else {
            return None;
        };
        value::size(self.get(key)?, *low, *high, report)
    }

    /// `true` or `false`.
    pub(super) fn flag(&self, key: &str, report: &mut Report) -> Option<Found<bool>> {
        value::flag(self.get(key)?, report)
    }

    /// `true` or `false`, or what stands for it.
    pub(super) fn flag_or_default(&self, key: &str, report: &mut Report) -> bool {
        let given = self.flag(key, report).map(|found| found.value);
        given.unwrap_or_else(|| self.default(key) == "true")
    }

    /// A share of the whole in percent, or what stands for it.
    pub(super) fn share_or_default(&self, key: &str, report: &mut Report) -> u8 {
        let given = self.get(key).and_then(|node| {
            let Takes::Share(most) = self.takes(key)? else {
                return None;
            };
            value::share(node, *most, report)
        });
        given.unwrap_or_else(|| value::parse_share(self.default(key)).unwrap_or_default())
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

fn judge_key(entry: &Entry, keys: &[Key], report: &mut Report) {
    let known = |name: &str| keys.iter().any(|key| key.name == name);
    if !known(&entry.key) {
        let names: Vec<&str> = keys.iter().map(|key| key.name).collect();
        report.fault(Fault::new(&entry.spot, "unknown key").meant(nearest(&entry.key, &names)));
    }
}
