//! How people are told: `language` of `alerts.email`, `timezone` and `templates` of `alerts`.
//!
//! `templates` names a directory; its `*.txt` files replace pieces of our own words. Here they are read only: what is wrong
//! in them does not stop a watch, because a mail then says our own words in their place. `probe check` tells it.

use std::io::Read;
use std::path::Path;

use crate::model::{Language, Template, Wording, Zone, limits};

use super::fault::{Fault, Report, Spot};
use super::path::{directory, plain};
use super::section::Section;
use super::tree::{Kind, Node};
use super::value::text;
use super::wrong::nearest;

/// Reads the keys of `alerts` and the language, which stands with the mail.
pub(super) fn read(alerts: &Section<'_>, report: &mut Report) -> Wording {
    let mut wording = Wording::default();
    let email = alerts.get("email").map(|node| &node.kind);
    if let Some(Kind::Map(entries)) = email {
        let spoken = entries.iter().find(|entry| entry.key == "language");
        let given = spoken.filter(|entry| !matches!(entry.value.kind, Kind::Null));
        let known = given.and_then(|entry| language(&entry.value, report));
        wording.language = known.unwrap_or_default();
    }
    if let Some(zone) = alerts.get("timezone").and_then(|node| zone(node, report)) {
        wording.zone = zone;
    }
    let written = alerts.get("templates");
    if let Some(found) = written.and_then(|node| directory(node, report)) {
        match templates(&found.value, &found.spot) {
            Ok(templates) => wording.templates = templates,
            Err(fault) => report.fault(fault),
        }
        wording.directory = Some(found.value);
    }
    wording
}

/// `en` or `ja`.
pub(super) fn language(node: &Node, report: &mut Report) -> Option<Language> {
    let word = text(node, report)?;
    let known = Language::from_word(&word.value);
    if known.is_none() {
        let words = Language::ALL.map(Language::word);
        let fault = Fault::new(&word.spot, "unknown language");
        report.fault(
            fault
                .act("write `en` or `ja`")
                .meant(nearest(&word.value, &words)),
        );
    }
    known
}

fn zone(node: &Node, report: &mut Report) -> Option<Zone> {
    let name = text(node, report)?;
    let zone = Zone::try_new(&name.value);
    if zone.is_none() {
        let fault = Fault::new(&name.spot, "unknown time zone");
        report.fault(fault.act("write a name of the tz database, like `Asia/Tokyo` or `UTC`"));
    }
    zone
}

/// The `*.txt` files of a directory, in name order; hidden ones are an editor's.
fn templates(directory: &Path, at: &Spot) -> Result<Vec<Template>, Fault> {
    let cannot = |path: &Path, error: &std::io::Error| {
        Fault::new(
            at,
            format!("{} cannot be read: {}", path.display(), plain(error)),
        )
    };
    let entries = std::fs::read_dir(directory).map_err(|error| cannot(directory, &error))?;
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| cannot(directory, &error))?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let Some(name) = name.and_then(|name| name.strip_suffix(".txt")) else {
            continue;
        };
        if name.is_empty() || name.starts_with('.') {
            continue;
        }
        let name = name.to_owned();
        let mut text = String::new();
        std::fs::File::open(&path)
            .and_then(|file| {
                file.take(limits::TEMPLATE_BYTES + 1)
                    .read_to_string(&mut text)
            })
            .map_err(|error| cannot(&path, &error))?;
        if text.len() as u64 > limits::TEMPLATE_BYTES {
            let cap = super::value::show_size(limits::TEMPLATE_BYTES);
            return Err(Fault::new(
                at,
                format!("{} is longer than {cap}", path.display()),
            ));
        }
        found.push(Template { path, name, text });
        if found.len() > limits::TEMPLATES {
            let message = format!(
                "more than {} templates in this directory",
                limits::TEMPLATES
            );
            return Err(Fault::new(at, message));
        }
    }
    found.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(found)
}
