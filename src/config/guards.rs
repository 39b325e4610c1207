//! `guards` of a host: what must be left on it for a restart.
//!
//! | key of `guards` | default |
//! |---|---|
//! | `disk_free`, `inodes_free` | 3% |
//! | `memory_available` | 5% |
//! | `config_test` | true |
//!
//! `0%` switches a share off.

use crate::model::Guards;

use super::fault::{Fault, Report};
use super::section::Section;
use super::tree::{Kind, Node};
use super::value::flag;

/// Reads the section; each value that is wrong goes to `report`.
pub(super) fn read(node: &Node, report: &mut Report) -> Guards {
    let mut guards = Guards::by_default();
    let keys = &[
        "disk_free",
        "inodes_free",
        "memory_available",
        "config_test",
    ];
    let Some(section) = Section::open(node, keys, report) else {
        return guards;
    };
    let mut share = |key: &str, default: u8| {
        section
            .get(key)
            .and_then(|node| percent(node, report))
            .unwrap_or(default)
    };
    guards.disk_free = share("disk_free", guards.disk_free);
    guards.inodes_free = share("inodes_free", guards.inodes_free);
    guards.memory_available = share("memory_available", guards.memory_available);
    if let Some(found) = section
        .get("config_test")
        .and_then(|node| flag(node, report))
    {
        guards.config_test = found.value;
    }
    guards
}

/// `3%`, at most half of the whole.
fn percent(node: &Node, report: &mut Report) -> Option<u8> {
    let share = match &node.kind {
        Kind::Text(text) => text
            .strip_suffix('%')
            .and_then(|number| number.trim_end().parse::<u8>().ok())
            .filter(|share| *share <= 50),
        Kind::Null
        | Kind::Bool(_)
        | Kind::Int(_)
        | Kind::Float(_)
        | Kind::List(_)
        | Kind::Map(_) => None,
    };
    if share.is_none() {
        report.fault(
            Fault::new(&node.spot, "not a share from 0% to 50%")
                .act("write it with its unit, like `3%`; `0%` switches this guard off"),
        );
    }
    share
}
