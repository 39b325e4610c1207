//! The rungs of `restart.commands`: a text is run on the host over SSH; `{command: [PROGRAM, …]}` is run on this machine,
//! for a provider that can reset the host. What takes the whole machine down must be confirmed with `allow_reboot: true`.

use crate::model::{Named, Rung};

use super::fault::{Fault, Report, Spot};
use super::keys::RUNG;
use super::section::Section;
use super::tree::{Kind, Node};
use super::value::{Found, list, text, texts};
use super::wrong::expected;

const LIKE: &str =
    "write what restarts the web server, like `commands: [sudo -n systemctl restart nginx]`";

/// Reads the ladder; what is wrong goes to `report`.
pub(super) fn read(section: &Section<'_>, report: &mut Report) -> Vec<Rung> {
    let Some(node) = section.get("commands") else {
        report.fault(Fault::new(&section.spot_of("commands"), "missing").act(LIKE));
        return Vec::new();
    };
    let Some(items) = list(node, true, report) else {
        return Vec::new();
    };
    if items.is_empty() {
        report.fault(Fault::new(&node.spot, "no command").act(LIKE));
    }
    let written: Vec<Found<Rung>> = items.iter().filter_map(|item| rung(item, report)).collect();
    for rung in &written {
        confirmed(section, rung, report);
    }
    written.into_iter().map(|rung| rung.value).collect()
}

fn rung(node: &Node, report: &mut Report) -> Option<Found<Rung>> {
    let spot = node.spot.clone();
    if matches!(node.kind, Kind::Map(_)) {
        let section = Section::open(node, RUNG, report)?;
        let Some(words) = section.get("command") else {
            report.fault(Fault::new(&section.spot_of("command"), "missing").act(
                "write the program and its arguments, like `{command: [/usr/local/bin/reset-vm, web1]}`",
            ));
            return None;
        };
        if !matches!(words.kind, Kind::List(_)) {
            report.fault(expected(words, "a list of words, the program first"));
            return None;
        }
        let words: Vec<Found<String>> = texts(words, report)?;
        let first = words.first()?;
        if !first.value.starts_with('/') {
            report.fault(
                Fault::new(&first.spot, "not the full path of a program")
                    .act("write it from `/` on: nothing is looked up at three in the morning"),
            );
        }
        if first.value.starts_with('/') {
            report.names(&first.spot, Named::Program(first.value.as_str().into()));
        }
        for word in &words {
            check(&word.value, &word.spot, "a word", report);
        }
        let words = words.into_iter().map(|word| word.value).collect();
        return Some(Found {
            value: Rung::Local(words),
            spot,
        });
    }
    let command = text(node, report)?;
    check(&command.value, &command.spot, "a command", report);
    Some(Found {
        value: Rung::Remote(command.value),
        spot,
    })
}

fn check(text: &str, spot: &Spot, what: &str, report: &mut Report) {
    let bad = if text.trim().is_empty() {
        if what == "a word" {
            "an empty word".to_owned()
        } else {
            "an empty command".to_owned()
        }
    } else if text.chars().any(char::is_control) {
        format!("{what} of more than one line, or with control characters")
    } else if text.len() > 4096 {
        format!("{what} longer than 4096 bytes")
    } else {
        return;
    };
    report.fault(
        Fault::new(spot, bad).act("write one command line; put more into a script on the host"),
    );
}

fn confirmed(section: &Section<'_>, rung: &Found<Rung>, report: &mut Report) {
    let allowed = section
        .get("allow_reboot")
        .is_some_and(|node| matches!(node.kind, Kind::Bool(true)));
    if rung.value.reboots() && !allowed {
        let what = match &rung.value {
            Rung::Remote(_) => "takes the whole machine down",
            Rung::Local(_) => "acts on the machine from outside",
        };
        report.fault(Fault::new(&rung.spot, what).act(
            "write `allow_reboot: true` beside `commands` if that is meant, or leave this rung out",
        ));
    }
}
