//! Single values: text, numbers, durations, sizes, lists.
//!
//! Units are never guessed: `interval: 60` is a fault that shows `60s`. A duration is whole numbers with the units `ms`,
//! `s`, `m`, `h`, `d` in falling order (`1h30m`), above zero and at most [`LONGEST`]. A size has `B`, `KiB`, `MiB`,
//! `GiB`, `kB`, `MB` or `GB`.

use std::time::Duration;

use super::fault::{Fault, Report, Spot, clip};
use super::tree::{Kind, Node};
use super::wrong::expected;
use crate::model::parse_span;

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Found<T> {
    /// The value.
    pub(super) value: T,
    /// Its place.
    pub(super) spot: Spot,
}

/// Shortest duration: no time at all is never meant.
pub(super) const LEAST: Duration = Duration::from_millis(1);

/// Longest duration: two years, above every sensible value and far from every overflow.
pub(super) const LONGEST: Duration = Duration::from_secs(2 * 365 * 24 * 3600);

const UNITS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

const SIZES: [(&str, u64); 8] = [
    ("B", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("kB", 1_000),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
];

fn found<T>(node: &Node, value: T) -> Found<T> {
    Found {
        value,
        spot: node.spot.clone(),
    }
}

/// Text.
pub(super) fn text(node: &Node, report: &mut Report) -> Option<Found<String>> {
    match &node.kind {
        Kind::Text(text) => Some(found(node, text.clone())),
        Kind::Int(_) | Kind::Float(_) | Kind::Bool(_) => {
            report.fault(expected(node, "text").act("write it in quotes"));
            None
        }
        Kind::Null | Kind::List(_) | Kind::Map(_) => {
            report.fault(expected(node, "text"));
            None
        }
    }
}

/// `true` or `false`.
pub(super) fn flag(node: &Node, report: &mut Report) -> Option<Found<bool>> {
    match &node.kind {
        Kind::Bool(flag) => Some(found(node, *flag)),
        Kind::Null
        | Kind::Int(_)
        | Kind::Float(_)
        | Kind::Text(_)
        | Kind::List(_)
        | Kind::Map(_) => {
            let fault = expected(node, "`true` or `false`");
            let meant = match &node.kind {
                Kind::Text(word) => match word.to_ascii_lowercase().as_str() {
                    "yes" | "on" => Some("true"),
                    "no" | "off" => Some("false"),
                    _ => None,
                },
                Kind::Null
                | Kind::Bool(_)
                | Kind::Int(_)
                | Kind::Float(_)
                | Kind::List(_)
                | Kind::Map(_) => None,
            };
            report.fault(fault.meant(meant));
            None
        }
    }
}

/// A whole number from `low` to `high`.
pub(super) fn number(node: &Node, low: u32, high: u32, report: &mut Report) -> Option<Found<u32>> {
    let value = match &node.kind {
        Kind::Int(value) => u32::try_from(*value).ok(),
        Kind::Null
        | Kind::Bool(_)
        | Kind::Float(_)
        | Kind::Text(_)
        | Kind::List(_)
        | Kind::Map(_) => {
            report.fault(expected(node, "a whole number"));
            return None;
        }
    };
    let value = value.filter(|value| (low..=high).contains(value));
    if value.is_none() {
        report.fault(Fault::new(
            &node.spot,
            format!("must be a whole number from {low} to {high}"),
        ));
    }
    value.map(|value| found(node, value))
}

/// A number by which something grows, from `low` to `high`.
pub(super) fn factor(node: &Node, low: f64, high: f64, report: &mut Report) -> Option<f64> {
    let value = match &node.kind {
        Kind::Int(value) => i32::try_from(*value).ok().map(f64::from),
        Kind::Float(value) => Some(*value),
        Kind::Null | Kind::Bool(_) | Kind::Text(_) | Kind::List(_) | Kind::Map(_) => {
            report.fault(expected(node, "a number"));
            return None;
        }
    };
    let value = value.filter(|value| (low..=high).contains(value));
    if value.is_none() {
        report.fault(
            Fault::new(&node.spot, format!("must be a number from {low} to {high}"))
                .act("`1` waits the same time after each attempt, `2` twice as long after each"),
        );
    }
    value
}

/// A duration from `low` to `high`.
pub(super) fn duration(
    node: &Node,
    low: Duration,
    high: Duration,
    report: &mut Report,
) -> Option<Found<Duration>> {
    const LIKE: &str = "write a number with its unit, like `30s`, `5m`, `1h30m` or `21d`";
    let fault = match &node.kind {
        Kind::Text(text) => match parse_span(text) {
            Some(value) if (low..=high).contains(&value) => return Some(found(node, value)),
            Some(value) if value < low => {
                Fault::new(&node.spot, format!("{} is too short", show_duration(value)))
                    .act(format!("write at least `{}`", show_duration(low)))
            }
            Some(value) => Fault::new(&node.spot, format!("{} is too long", show_duration(value)))
                .act(format!("write at most `{}`", show_duration(high))),
            None => match text.parse::<u32>() {
                Ok(bare) => bare_number(node, &format!("{bare}s")),
                Err(_) => {
                    Fault::new(&node.spot, format!("`{}` is not a duration", clip(text))).act(LIKE)
                }
            },
        },
        Kind::Int(bare) if *bare > 0 => bare_number(node, &format!("{bare}s")),
        Kind::Int(_) => Fault::new(&node.spot, "a bare number").act(LIKE),
        Kind::Float(bare) if *bare > 0.0 && *bare < 1e6 => {
            bare_number(node, &format!("{:.0}ms", bare * 1e3))
        }
        Kind::Null | Kind::Bool(_) | Kind::Float(_) | Kind::List(_) | Kind::Map(_) => {
            expected(node, "a duration").act(LIKE)
        }
    };
    report.fault(fault);
    None
}

fn bare_number(node: &Node, instead: &str) -> Fault {
    Fault::new(&node.spot, "a bare number").act(format!("write `{instead}`"))
}

/// A duration as it is written in a configuration; reading it gives the same duration.
pub(super) fn show_duration(duration: Duration) -> String {
    let mut rest = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let mut shown = String::new();
    for (unit, size) in UNITS {
        let count = rest / size;
        rest %= size;
        if count > 0 {
            shown.push_str(&format!("{count}{unit}"));
        }
    }
    if shown.is_empty() {
        "0s".to_owned()
    } else {
        shown
    }
}

/// A size in bytes from `low` to `high`.
pub(super) fn size(node: &Node, low: u64, high: u64, report: &mut Report) -> Option<Found<u64>> {
    const LIKE: &str = "write a number with its unit, like `64KiB` or `1MiB`";
    let fault = match &node.kind {
        Kind::Text(text) => match parse_size(text) {
            Some(value) if (low..=high).contains(&value) => return Some(found(node, value)),
            Some(_) => Fault::new(
                &node.spot,
                format!(
                    "`{}` is out of range, from {} to {}",
                    clip(text),
                    show_size(low),
                    show_size(high)
                ),
            ),
            None => Fault::new(&node.spot, format!("`{}` is not a size", clip(text))).act(LIKE),
        },
        Kind::Int(bare) if *bare > 0 => bare_number(node, &format!("{bare}B")),
        Kind::Null
        | Kind::Bool(_)
        | Kind::Int(_)
        | Kind::Float(_)
        | Kind::List(_)
        | Kind::Map(_) => expected(node, "a size").act(LIKE),
    };
    report.fault(fault);
    None
}

/// What [`show_size`] and people write.
pub(super) fn parse_size(text: &str) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let count: u64 = text.get(..digits)?.parse().ok()?;
    let unit = text.get(digits..)?.trim_start_matches(' ');
    let (_, bytes) = SIZES.iter().find(|(name, _)| *name == unit)?;
    count.checked_mul(*bytes)
}

/// A size as it is written in a configuration; reading it gives the same size.
pub(super) fn show_size(bytes: u64) -> String {
    [("GiB", 1_u64 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)]
        .into_iter()
        .find(|(_, size)| bytes >= *size && bytes.is_multiple_of(*size))
        .map_or_else(
            || format!("{bytes}B"),
            |(unit, size)| format!("{}{unit}", bytes / size),
        )
}

/// A share of the whole, up to `most` percent.
pub(super) fn share(node: &Node, most: u8, report: &mut Report) -> Option<u8> {
    let share = match &node.kind {
        Kind::Text(text) => parse_share(text).filter(|share| *share <= most),
        Kind::Null
        | Kind::Bool(_)
        | Kind::Int(_)
        | Kind::Float(_)
        | Kind::List(_)
        | Kind::Map(_) => None,
    };
    if share.is_none() {
        report.fault(
            Fault::new(&node.spot, format!("not a share from 0% to {most}%"))
                .act("write it with its unit, like `3%`; `0%` switches this guard off"),
        );
    }
    share
}

/// `3%`.
pub(super) fn parse_share(text: &str) -> Option<u8> {
    text.strip_suffix('%')?.trim_end().parse().ok()
}

/// A list; where `single` is allowed, one value stands for a list of one.
pub(super) fn list<'a>(node: &'a Node, single: bool, report: &mut Report) -> Option<&'a [Node]> {
    match &node.kind {
        Kind::List(items) => Some(items),
        Kind::Text(_) | Kind::Int(_) if single => Some(std::slice::from_ref(node)),
        Kind::Null
        | Kind::Bool(_)
        | Kind::Int(_)
        | Kind::Float(_)
        | Kind::Text(_)
        | Kind::Map(_) => {
            report.fault(expected(node, "a list").act("write `[first, second]`"));
            None
        }
    }
}

/// A list of texts, or one text.
pub(super) fn texts(node: &Node, report: &mut Report) -> Option<Vec<Found<String>>> {
    let items = list(node, true, report)?;
    Some(items.iter().filter_map(|item| text(item, report)).collect())
}
