//! `maintenance` of a profile: when people work on it.

use std::time::Duration;

use crate::model::Window;

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
    let windows: Vec<Window> = items
        .iter()
        .filter_map(|item| window(item, report))
        .collect();
    if report.is_new(&node.spot) && Window::run_together(&windows, LONGEST) {
        report.fault(
            Fault::new(
                &node.spot,
                "never ends: one begins before the one before is over, so nobody is ever told and nothing is ever restarted",
            )
            .act("write a shorter `for`, or take the profile out while people work on it"),
        );
    }
    windows
}

/// Windows that touch one another for so long do not end: of a month nobody speaks as of maintenance.
const LONGEST: Duration = Duration::from_secs(32 * 24 * 3600);

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
    let build = |cron: &str, zone: &str| {
        let length = length.as_ref().map_or(Duration::ZERO, |found| found.value);
        Window::try_new(cron, length, zone)
    };
    if let (Some(cron), Some(zone)) = (&cron, &zone)
        && let Ok(window) = build(&cron.value, &zone.value)
    {
        return length.is_some().then_some(window);
    }
    // Each is judged by itself, so that none hides the other.
    let bad_zone = zone
        .as_ref()
        .and_then(|zone| build("0 0 * * *", &zone.value).err());
    let well = zone.as_ref().filter(|_| bad_zone.is_none());
    let well = well.map_or("UTC", |zone| zone.value.as_str());
    let bad_cron = cron
        .as_ref()
        .and_then(|cron| build(&cron.value, well).err());
    if let (Some(error), Some(cron)) = (&bad_cron, &cron) {
        report.fault(
            Fault::new(&cron.spot, error.to_string())
                .act("write minute, hour, day of month, month and day of week, like `0 3 * * 0`"),
        );
    }
    if let (Some(error), Some(zone)) = (&bad_zone, &zone) {
        let fault = Fault::new(&zone.spot, error.to_string());
        report.fault(fault.act("write a name of the tz database, like `Asia/Tokyo` or `UTC`"));
    }
    None
}
