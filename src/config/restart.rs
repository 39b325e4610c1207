//! `restart` of a host: the ladder of commands, and when it is climbed.
//!
//! What could never come to a restart is refused: no cause, no attempt, a command behind the last attempt.

use crate::model::{Backoff, Budget, Cause, Mode, Restart, Rung, When, limits};

use super::fault::{Fault, Report, Spot};
use super::ladder;
use super::profile::value_or;
use super::section::Section;
use super::tree::{Kind, Node};
use super::value::{Found, list, show_duration, text};
use super::wrong::nearest;

/// Reads the section, and where `when` stands; each value that is wrong goes to `report`.
///
/// With `agent` the host's own agent is given orders, one rung after the other, and `commands` have no place.
pub(super) fn read(
    section: &Section<'_>,
    agent: bool,
    report: &mut Report,
) -> (Restart, Option<Spot>) {
    let mut commands = if agent {
        if section.names("commands") {
            report.fault(
                Fault::new(&section.spot_of("commands"), "`agent: true` takes the place of commands")
                    .act("leave `commands` out, and write RESTART_1, RESTART_2, … into /etc/probe-agent.conf on the host"),
            );
        }
        Vec::new()
    } else {
        ladder::read(section, report)
    };
    let allow_reboot = section.flag_or_default("allow_reboot", report);
    let timeout = section.span_or_default("timeout", report);
    let settle = section.span_or_default("settle", report);
    let backoff = backoff(&section.below_or_nothing("backoff", report), report);
    let budget = section.below_or_nothing("budget", report);
    let budget = Budget {
        restarts: budget.whole_or_default("restarts", report),
        per: budget.span_or_default("per", report),
    };
    let give_up_after = give_up_after(section, commands.len(), report);
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
        mode: section
            .get("mode")
            .and_then(|node| mode(node, report))
            .unwrap_or_default(),
    };
    (restart, when.map(|found| found.spot))
}

fn mode(node: &Node, report: &mut Report) -> Option<Mode> {
    let found = text(node, report)?;
    match found.value.as_str() {
        "auto" => Some(Mode::Auto),
        "ask" => Some(Mode::Ask),
        other => {
            let fault = Fault::new(&found.spot, format!("`{other}` is no mode"));
            report.fault(fault.act("write `auto`, or `ask`: then a person approves each restart"));
            None
        }
    }
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
    let node = section.get("give_up_after");
    if let Some(node) = node.filter(|node| matches!(node.kind, Kind::Int(0))) {
        report.fault(
            Fault::new(&node.spot, "no restart would ever be tried")
                .act("write at least `1`, or leave out `host` in the profiles to watch only"),
        );
        return 1;
    }
    let found = section.whole("give_up_after", report);
    if node.is_some() && found.is_none() {
        return 1; // said already
    }
    let given = section.whole_or_default("give_up_after", report);
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

fn backoff(section: &Section<'_>, report: &mut Report) -> Backoff {
    let given = section.span("initial", report);
    let initial = value_or(&given, section.default_span("initial"));
    let longest = section.span("max", report);
    let backoff = Backoff {
        initial,
        factor: section.number_or_default("factor", report),
        max: value_or(&longest, section.default_span("max").max(initial)),
    };
    if let Some(found) = given.filter(|found| found.value < limits::RESTART_FLOOR) {
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
    if let Some(found) = longest.filter(|found| found.value < backoff.initial) {
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
    backoff
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

/// Why a cause never restarts anything.
const fn never(cause: Cause) -> Option<&'static str> {
    use Cause::{CertificateExpiring, FamilyDown, Maintenance, Monitor, Slow};
    if matches!(cause, Monitor) {
        return Some("is our own side's fault: it never restarts anything");
    }
    if matches!(cause, Maintenance | Slow | FamilyDown | CertificateExpiring) {
        return Some("never makes a profile down: it never restarts anything");
    }
    None
}

/// Whether a host may be restarted for this cause.
pub(super) const fn may_restart(cause: Cause) -> bool {
    never(cause).is_none()
}

fn cause(word: &Found<String>, report: &mut Report) -> Option<Cause> {
    let Some(cause) = Cause::ALL.iter().find(|cause| cause.word() == word.value) else {
        let words: Vec<&str> = Cause::ALL.iter().map(|cause| cause.word()).collect();
        report.fault(
            Fault::new(&word.spot, "unknown cause")
                .act("the documentation lists the causes")
                .meant(nearest(&word.value, &words)),
        );
        return None;
    };
    let Some(never) = never(*cause) else {
        return Some(*cause);
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
