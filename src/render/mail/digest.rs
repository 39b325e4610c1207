//! Many messages in one: a line for each incident, with the last that is to be told of it, in the order of time.

use minijinja::context;

use crate::model::{Notification, limits};
use crate::render::words::{Voice, key};

use super::page::Item;
use super::summary::latest;
use super::{clean, subject};

/// A line for each incident.
pub(super) fn items(voice: &Voice, note: &Notification) -> Vec<Item> {
    let line = |item: &Notification| {
        let names = item.sites.iter().map(|site| site.profile.as_str());
        let line = context! {
            time => voice.moment(item.at, note.at),
            subject => subject::subject(voice, item),
            sites => names.collect::<Vec<_>>().join(", "),
        };
        let said = voice.say(key!(Page, "digest.line"), line);
        Item::Point(clean::line(&said, 10 * limits::DETAIL_CHARS))
    };
    let mut latest = latest(note);
    latest.sort_by_key(|item| item.at);
    latest.into_iter().map(line).collect()
}
