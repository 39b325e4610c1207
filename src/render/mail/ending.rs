//! Certificates that end soon, one by one.

use minijinja::context;

use crate::model::{Ending, Notification, Quoted, limits};
use crate::render::explain;
use crate::render::words::{Voice, key};

use super::clean;
use super::page::Item;

/// Certificates described; of more, the count is told.
const SHOWN: usize = 20;

/// Names of one certificate that are told; some have thousands.
const NAMES: usize = 10;

/// Places told of one certificate.
const PLACES: usize = 10;

/// Whose certificate it is: its first name.
pub(super) fn whose(ending: &Ending) -> String {
    let name = ending.names.first().unwrap_or(&ending.subject);
    clean::line(name, 80)
}

/// The certificates, and where each is shown.
pub(super) fn seen(voice: &Voice, note: &Notification) -> Vec<Item> {
    let more = |n: usize| voice.say(key!(Page, "more"), context! { n });
    let mut items = Vec::new();
    for ending in note.certificates.iter().take(SHOWN) {
        let mut names: Vec<String> = ending
            .names
            .iter()
            .take(NAMES)
            .map(|name| clean::line(name, 80))
            .collect();
        names.extend(
            ending
                .names
                .len()
                .checked_sub(NAMES + 1)
                .map(|rest| more(rest + 1)),
        );
        let line = context! {
            first => whose(ending),
            ends => voice.day_clock(ending.ends),
            issuer => explain::quoted(voice, &Quoted::new(&clean::line(&ending.issuer, 100))),
            names => names.join(", "),
        };
        items.push(Item::Prose(clean::line(
            &voice.say(key!(Certificate, "line"), line),
            2 * limits::DETAIL_CHARS,
        )));
        let places = ending.places.iter().take(PLACES);
        items.extend(places.map(|place| Item::Point(clean::line(place, limits::DETAIL_CHARS))));
        let rest = ending.places.len().saturating_sub(PLACES);
        items.extend((rest > 0).then(|| Item::Point(more(rest))));
    }
    match note.certificates.len().saturating_sub(SHOWN) {
        0 => {}
        rest => items.push(Item::Prose(more(rest))),
    }
    items
}
