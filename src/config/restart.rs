//! `restart` of a host: the ladder of commands, and when it is climbed.
//!
//! | key of `restart` | default |
//! |---|---|
//! | `commands` | none: it must be given, unless the host has `agent: true` |
//! | `allow_reboot` | false |
//! | `timeout`, `settle` | 120s, 45s |
//! | `backoff` | 60s, times 2, at most 30m |
//! | `budget` | 3 restarts per 1h |
//! | `give_up_after` | 3 |
//! | `causes` | those the documentation names as restarting by default |
//! | `when` | auto |
//!
//! What could never come to a restart is refused: no cause, no attempt, a command behind the last attempt.

use std::time::Duration;

use crate::model::{Backoff, Budget, Cause, Restart, Rung, When, limits};

use super::fault::{Fault, Report, Spot};
use super::ladder;
use super::profile::value_or;
use super::section::{Section, expected, nearest};
use super::tree::{Kind, Node};
use super::value::{Found, LEAST, LONGEST, duration, list, number, show_duration, text};

const KEYS: &[&str] = &[
    "commands",
    "allow_reboot",
    "timeout",
    "settle",
    "backoff",
    "budget",
    "give_up_after",
    "causes",
    "when",
];

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// Longest window of a budget: restarts older than this are forgotten with a removed host, too.
const WINDOW: Duration = limits::REMOVED_MEMORY;

/// Reads the section, and where `when` stands; each value that is wrong goes to `report`.
///
/// With `agent` the host's own agent is given orders, one rung after the other, and `commands` have no place.
pub(super) fn read(
    node: &Node,
    agent: bool,
    report: &mut Report,
) -> Option<(Restart, Option<Spot>)> {
    let section = Section::open(node, KEYS, report)?;
    let mut commands = if agent {
        if section.names("commands") {
            report.fault(
                Fault::new(&section.spot_of("commands"), "`agent: true` takes the place of commands")
                    .act("leave `commands` out, and write RESTART_1, RESTART_2, … into /etc/probe-agent.conf on the host"),
            );
        }
        Vec::new()
    } else {
        ladder::read(&section, report)
    };
    let allow_reboot = ladder::allow_reboot(&section, report);
    let span = |key: &str, default: Duration, report: &mut Report| {
        section
            .get(key)
            .and_then(|node| duration(node, LEAST, HOUR, report))
            .map_or(default, |found| found.value)
    };
    let second = Duration::from_secs(1);
    let timeout = span("timeout", 120 * second, report);
    let settle = span("settle", 45 * second, report);
    let backoff = section
        .get("backoff")
        .map_or_else(default_backoff, |node| backoff(node, report));
    let budget = section
        .get("budget")
        .map_or_else(default_budget, |node| budget(node, report));
    let give_up_after = give_up_after(&section, commands.len(), report);
    if agent {
        commands = (1..=give_up_after.min(AGENT_RUNGS)).map(order).collect();
    }
    let causes = section
        .get("causes")
        .map_or_else(default_causes, |node| causes(node, report));
    let when = section.get("when").and_then(|node| when(node, report));
    let restart = Restart {
        commands,
        allow_reboot,
        timeout,
        settle,
        backoff,
        budget,
        give_up_after,
        causes,
        when: when.as_ref().map_or(When::Auto, |found| found.value),
    };
    Some((restart, when.map(|found| found.spot)))
}

/// The highest rung that the agent knows.
const AGENT_RUNGS: u32 = 9;

/// The order for a rung of the agent's own ladder.
fn order(rung: u32) -> Rung {
    Rung::Remote(match rung {
        1 => "probe-agent 1 restart".to_owned(),
        more => format!("probe-agent 1 restart {more}"),
    })
}

fn give_up_after(section: &Section<'_>, commands: usize, report: &mut Report) -> u32 {
    const DEFAULT: u32 = 3;
    let node = section.get("give_up_after");
    let given = match node {
        None => DEFAULT,
        Some(node) if matches!(node.kind, Kind::Int(0)) => {
            report.fault(
                Fault::new(&node.spot, "no restart would ever be tried")
                    .act("write at least `1`, or leave out `host` in the profiles to watch only"),
            );
            return DEFAULT;
        }
        Some(node) => match number(node, 1, 100, report) {
            None => return DEFAULT,
            Some(found) => found.value,
        },
    };
    let rungs = u32::try_from(commands).unwrap_or(u32::MAX);
    if given < rungs {
        report.fault(
            Fault::new(
                &section.spot_of(if node.is_some() {
                    "give_up_after"
                } else {
                    "commands"
                }),
                format!(
                    "command {} of {rungs} would never be tried: `give_up_after` is {given}",
                    given + 1
                ),
            )
            .act(format!("write `give_up_after: {rungs}`, or fewer commands")),
        );
    }
    given
}

fn default_backoff() -> Backoff {
    Backoff {
        initial: MINUTE,
        factor: 2.0,
        max: 30 * MINUTE,
    }
}

fn backoff(node: &Node, report: &mut Report) -> Backoff {
    let mut backoff = default_backoff();
    let Some(section) = Section::open(node, &["initial", "factor", "max"], report) else {
        return backoff;
    };
    let mut span = |key: &str| {
        section
            .get(key)
            .and_then(|node| duration(node, LEAST, LONGEST, report))
    };
    let (initial, max) = (span("initial"), span("max"));
    backoff.initial = value_or(&initial, backoff.initial);
    backoff.max = value_or(&max, backoff.max.max(backoff.initial));
    if let Some(found) = initial.filter(|found| found.value < limits::RESTART_FLOOR) {
        report.warn(
            Fault::new(
                &found.spot,
                format!(
                    "restarts are never closer than {}",
                    show_duration(limits::RESTART_FLOOR)
                ),
            )
            .act(format!("write `{}`", show_duration(limits::RESTART_FLOOR))),
        );
    }
    if let Some(found) = max.filter(|found| found.value < backoff.initial) {
        report.fault(
            Fault::new(
                &found.spot,
                format!(
                    "`max` ({}) is shorter than `initial` ({})",
                    show_duration(found.value),
                    show_duration(backoff.initial)
                ),
            )
            .act("write at least `initial`"),
        );
    }
    if let Some(factor) = section.get("factor").and_then(|node| factor(node, report)) {
        backoff.factor = factor;
    }
    backoff
}

fn factor(node: &Node, report: &mut Report) -> Option<f64> {
    let value = match &node.kind {
        Kind::Int(value) => i32::try_from(*value).ok().map(f64::from),
        Kind::Float(value) => Some(*value),
        Kind::Null | Kind::Bool(_) | Kind::Text(_) | Kind::List(_) | Kind::Map(_) => {
            report.fault(expected(node, "a number"));
            return None;
        }
    };
    let value = value.filter(|value| (1.0..=100.0).contains(value));
    if value.is_none() {
        report.fault(
            Fault::new(&node.spot, "must be a number from 1 to 100")
                .act("`1` waits the same time after each attempt, `2` twice as long after each"),
        );
    }
    value
}

const fn default_budget() -> Budget {
    Budget {
        restarts: 3,
        per: HOUR,
    }
}

fn budget(node: &Node, report: &mut Report) -> Budget {
    let keys = &["restarts", "per"];
    let Some(section) = Section::open(node, keys, report) else {
        return default_budget();
    };
    let restarts = section
        .get("restarts")
        .and_then(|node| number(node, 1, 1000, report));
    let per = section
        .get("per")
        .and_then(|node| duration(node, MINUTE, WINDOW, report));
    Budget {
        restarts: value_or(&restarts, default_budget().restarts),
        per: value_or(&per, default_budget().per),
    }
}

fn default_causes() -> Vec<Cause> {
    Cause::ALL
        .iter()
        .copied()
        .filter(|cause| cause.restarts_by_default())
        .collect()
}

fn causes(node: &Node, report: &mut Report) -> Vec<Cause> {
    let Some(items) = list(node, false, report) else {
        return Vec::new();
    };
    if items.is_empty() {
        report.fault(
            Fault::new(&node.spot, "no cause would ever lead to a restart")
                .act("name at least one, or leave out `host` in the profiles to watch only"),
        );
    }
    let mut causes: Vec<Cause> = Vec::new();
    for item in items {
        let Some(word) = text(item, report) else {
            continue;
        };
        if let Some(cause) = cause(&word, report) {
            if causes.contains(&cause) {
                report.fault(Fault::new(&word.spot, "the same cause twice").act("leave one out"));
            } else {
                causes.push(cause);
            }
        }
    }
    causes.sort_unstable();
    causes
}

fn cause(word: &Found<String>, report: &mut Report) -> Option<Cause> {
    let never = match Cause::ALL.iter().find(|cause| cause.word() == word.value) {
        None => {
            let words: Vec<&str> = Cause::ALL.iter().map(|cause| cause.word()).collect();
            report.fault(
                Fault::new(&word.spot, "unknown cause")
                    .act("the documentation lists the causes")
                    .meant(nearest(&word.value, &words)),
            );
            return None;
        }
        Some(Cause::Monitor) => "is our own side's fault: it never restarts anything",
        Some(Cause::Maintenance | Cause::Slow | Cause::FamilyDown | Cause::CertificateExpiring) => {
            "never makes a profile down: it never restarts anything"
        }
        Some(cause) => return Some(*cause),
    };
    report.fault(Fault::new(&word.spot, format!("`{}` {never}", word.value)).act("leave it out"));
    None
}

fn when(node: &Node, report: &mut Report) -> Option<Found<When>> {
    let share = |text: &str| {
        let share: u8 = text.strip_suffix('%')?.trim_end().parse().ok()?;
        (1..=100).contains(&share).then_some(When::Percent(share))
    };
    let value = match &node.kind {
        Kind::Text(word) => match word.as_str() {
            "auto" => Some(When::Auto),
            "any" => Some(When::Any),
            "all" => Some(When::All),
            other => share(other),
        },
        Kind::Int(count) => u32::try_from(*count)
            .ok()
            .filter(|count| *count > 0)
            .map(When::Count),
        Kind::Null | Kind::Bool(_) | Kind::Float(_) | Kind::List(_) | Kind::Map(_) => None,
    };
    if value.is_none() {
        report.fault(
            Fault::new(&node.spot, "does not say how many profiles must be down")
                .act("write `auto`, `any`, `all`, a number like `2` or a share like `50%`"),
        );
    }
    value.map(|value| Found {
        value,
        spot: node.spot.clone(),
    })
}
