//! Pauses in one line each: until when, why, and how each ends; and the names of sites.

use crate::model::{Pause, Timestamp, limits};
use crate::render::mail::clean;

use super::words::clock;

/// `until 2026-11-20 14:00 UTC`.
#[must_use]
pub fn end(until: Option<Timestamp>, now: Timestamp) -> String {
    until.map_or_else(
        || "until you say otherwise".to_owned(),
        |until| format!("until {}", clock(until, now)),
    )
}

/// `blog, shop and 3 more`.
#[must_use]
pub fn named(sites: &[&str]) -> String {
    const NAMED: usize = 3;
    let more = sites.len().saturating_sub(NAMED);
    let first = sites[..sites.len() - more].join(", ");
    if more > 0 {
        format!("{first} and {more} more")
    } else {
        first
    }
}

/// `web1, until 14:00:00 UTC: deploy`, and how it ends.
#[must_use]
pub fn line(name: &str, pause: &Pause, now: Timestamp) -> String {
    let reason = pause.reason.as_ref();
    let reason = reason.map_or_else(String::new, |reason| {
        format!(": {}", clean::line(reason, limits::DETAIL_CHARS))
    });
    let until = end(pause.until, now);
    format!("{name}, {until}{reason}; `probe resume {name}` ends it.")
}
