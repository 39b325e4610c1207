//! The words of certificates that end soon.

use crate::model::{Ending, Notification, Timestamp, limits};
use crate::render::explain;

use super::clean;
use super::page::Item;

/// Certificates described; of more, the count is told.
const SHOWN: usize = 20;

/// Whose certificate it is: its first name.
fn whose(ending: &Ending) -> String {
    let name = ending.names.first().unwrap_or(&ending.subject);
    clean::line(name, 80)
}

/// `7 days`, `1 day`, `5 hours`; what has begun counts as whole, so that a step of seven days says seven.
fn left(at: Timestamp, ends: Timestamp) -> String {
    let hours = ends.since(at).as_secs().div_ceil(3600);
    match (hours.div_ceil(24), hours) {
        (_, 0) => "less than an hour".to_owned(),
        (_, 1) => "1 hour".to_owned(),
        (1, 24) => "1 day".to_owned(),
        (1, hours) => format!("{hours} hours"),
        (days, _) => format!("{days} days"),
    }
}

fn day(at: Timestamp) -> String {
    at.to_string().chars().take(10).collect()
}

/// The subject without its tag.
pub(super) fn subject(note: &Notification) -> String {
    let Some(first) = note.certificates.first() else {
        return "a certificate expires soon".to_owned();
    };
    let (left, day) = (left(note.at, first.ends), day(first.ends));
    match note.certificates.len() {
        1 => format!("{}: certificate expires in {left} ({day})", whose(first)),
        more => format!(
            "{} and {} more: certificates expire, the first in {left} ({day})",
            whose(first),
            more - 1
        ),
    }
}

/// The headline.
pub(super) fn headline(note: &Notification) -> String {
    let Some(first) = note.certificates.first() else {
        return "A certificate expires soon.".to_owned();
    };
    let left = left(note.at, first.ends);
    let when = explain::day_clock(first.ends);
    match note.certificates.len() {
        1 => format!(
            "The certificate for {} expires in {left}, on {when}.",
            whose(first)
        ),
        more => format!(
            "{more} certificates expire soon, first the one for {}: in {left}, on {when}.",
            whose(first)
        ),
    }
}

/// What it means.
pub(super) fn lead() -> String {
    "The sites answer well until then. From that moment browsers turn visitors away. Nothing is restarted for it."
        .to_owned()
}

/// The certificates, and where each is shown.
pub(super) fn seen(note: &Notification) -> Vec<Item> {
    let mut items = Vec::new();
    for ending in note.certificates.iter().take(SHOWN) {
        items.push(Item::Prose(clean::line(
            &format!(
                "{}: until {}, issued by {}, for {}",
                whose(ending),
                explain::day_clock(ending.ends),
                clean::line(&ending.issuer, 100),
                ending.names.join(", ")
            ),
            2 * limits::DETAIL_CHARS,
        )));
        let places = ending.places.iter();
        items.extend(places.map(|place| Item::Point(clean::line(place, limits::DETAIL_CHARS))));
    }
    match note.certificates.len().saturating_sub(SHOWN) {
        0 => {}
        more => items.push(Item::Prose(format!("and {more} more"))),
    }
    items
}

/// What the reader can do.
pub(super) fn advice() -> Vec<Item> {
    vec![
        Item::Prose(
            "Renew it where it was made (certbot, acme.sh, KUSANAGI, your authority), then reload the web server: one that \
             was renewed on disk is not shown before that. If it renews itself, look why that has not happened yet."
                .to_owned(),
        ),
        Item::Command {
            purpose: "How it is now:".to_owned(),
            line: "probe status".to_owned(),
        },
    ]
}
