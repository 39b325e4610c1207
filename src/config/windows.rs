//! `maintenance` of a profile: when people work on it.

use crate::model::{Window, WindowError};

use super::fault::{Fault, Report};
use super::keys::{WINDOW, WINDOWS};
use super::section::Section;
use super::tree::Node;
use super::value::{list, text};

/// Reads the list; each value that is wrong goes to `report`.
pub(super) fn read(node: &Node, report: &mut Report) -> Vec<Window> {
    let Some(items) = list(node, true, report) else {
        return Vec::new();
    };
    if items.len() > WINDOWS {
        report.fault(Fault::new(
            &node.spot,
            format!("must name at most {WINDOWS} windows"),
        ));
        return Vec::new();
    }
    items
        .iter()
        .filter_map(|item| window(item, report))
        .collect()
}

fn window(node: &Node, report: &mut Report) -> Option<Window> {
    let section = Section::open(node, WINDOW, report)?;
    let acts = [
        ("cron", "write when it begins, like `cron: \"0 3 * * 0\"`"),
        ("for", "write how long it lasts, like `for: 30m`"),
        (
            "timezone",
            "write whose clock is meant, like `timezone: Asia/Tokyo`",
        ),
    ];
    for (key, act) in acts {
        if section.get(key).is_none() {
            report.fault(Fault::new(&section.spot_of(key), "missing").act(act));
        }
    }
    let cron = section.get("cron").and_then(|node| text(node, report));
    let length = section.span("for", report);
    let zone = section.get("timezone").and_then(|node| text(node, report));
    let (cron, length, zone) = (cron?, length?, zone?);
    match Window::try_new(&cron.value, length.value, &zone.value) {
        Ok(window) => Some(window),
        Err(error @ WindowError::Zone) => {
            let fault = Fault::new(&zone.spot, error.to_string());
            report.fault(fault.act("write a name of the tz database, like `Asia/Tokyo` or `UTC`"));
            None
        }
        Err(error @ (WindowError::Cron(_) | WindowError::Never)) => {
            report.fault(
                Fault::new(&cron.spot, error.to_string()).act(
                    "write minute, hour, day of month, month and day of week, like `0 3 * * 0`",
                ),
            );
            None
        }
    }
}
