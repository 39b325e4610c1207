//! The weekly report's parts: what was down, restarts, slow sites, certificates, the last drill, mail.

use std::time::Duration;

use minijinja::{Value, context};

use crate::model::{
    Drill, Held, HostName, Notification, Timestamp, Week, WeekHost, WeekRestart, limits,
};
use crate::render::text::percent;
use crate::render::words::{Key, Voice, key};

use super::page::{Item, Section};
use super::{clean, ending};

/// Named in the subject's pieces: the values of the week.
pub(super) struct Sums {
    pub(super) sites: u32,
    pub(super) share: Option<String>,
    pub(super) restarts: u32,
    pub(super) still: usize,
    pub(super) hit: u32,
    pub(super) down: String,
    pub(super) span: String,
    pub(super) first: bool,
    pub(super) blind: Option<String>,
    pub(super) away: Option<String>,
    pub(super) unjudged: Option<String>,
    /// Sites that were never judged.
    pub(super) never: usize,
}

/// What the head of the mail says.
pub(super) fn sums(voice: &Voice, week: &Week) -> Sums {
    let some = |span: Duration| (!span.is_zero()).then(|| voice.span(span));
    let hit = week.sites.iter().filter(|site| site.outages > 0).count();
    Sums {
        sites: week.profiles,
        share: week.share_of_all().map(percent),
        restarts: week.restarts,
        still: week.sites.iter().filter(|site| site.still).count(),
        hit: u32::try_from(hit).unwrap_or(u32::MAX) + week.down_more,
        down: voice.span(week.down),
        span: voice.span(week.span),
        first: week.first,
        blind: some(week.blind),
        away: some(week.away),
        unjudged: some(week.unjudged),
        never: week
            .sites
            .iter()
            .filter(|site| week.share(site).is_none())
            .count(),
    }
}

/// The sections of a report.
pub(super) fn sections(voice: &Voice, note: &Notification) -> Vec<Section> {
    let Some(week) = note.week.as_deref() else {
        return Vec::new();
    };
    let parts = [
        (key!(Week, "title.sites"), sites(voice, week)),
        (key!(Week, "title.restarts"), restarts(voice, week)),
        (key!(Week, "title.slowest"), slowest(voice, week)),
        (key!(Week, "title.certificates"), certificates(voice, note)),
        (key!(Week, "title.drill"), drills(voice, week)),
        (key!(Week, "title.mail"), undelivered(voice, week)),
    ];
    let said = parts.into_iter().filter(|(_, items)| !items.is_empty());
    said.map(|(title, items)| Section {
        title: voice.word(title),
        items,
    })
    .collect()
}

fn line(voice: &Voice, key: Key, with: Value) -> String {
    clean::line(&voice.say(key, with), limits::DETAIL_CHARS)
}

fn point(voice: &Voice, key: Key, with: Value) -> Item {
    Item::Point(line(voice, key, with))
}

fn sites(voice: &Voice, week: &Week) -> Vec<Item> {
    let listed = week.sites.iter().map(|site| {
        let values = context! {
            site => site.profile.as_str(),
            share => week.share(site).map(percent),
            outages => site.outages,
            down => voice.span(site.down),
            still => site.still,
            unjudged => (site.unjudged >= limits::UNJUDGED).then(|| voice.span(site.unjudged)),
        };
        point(voice, key!(Week, "site"), values)
    });
    let mut items: Vec<Item> = listed.collect();
    for (n, piece) in [
        (week.down_more, key!(Week, "down_more")),
        (week.unjudged_more, key!(Week, "unjudged_more")),
        (week.up_more, key!(Week, "up_more")),
    ] {
        items.extend((n > 0).then(|| point(voice, piece, context! { n })));
    }
    items
}

fn restarts(voice: &Voice, week: &Week) -> Vec<Item> {
    if week.hosts.is_empty() {
        return vec![Item::Prose(voice.word(key!(Week, "no_restarts")))];
    }
    week.hosts
        .iter()
        .flat_map(|host| on_host(voice, host))
        .collect()
}

fn on_host(voice: &Voice, host: &WeekHost) -> Vec<Item> {
    let known: Vec<bool> = host.restarts.iter().filter_map(|one| one.needed).collect();
    let values = context! {
        host => host.host.as_str(),
        n => host.count,
        needless => known.iter().filter(|needed| !**needed).count(),
        known => known.len(),
    };
    let mut items = vec![Item::Prose(line(voice, key!(Week, "host"), values))];
    items.extend(host.restarts.iter().map(|one| restart(voice, *one)));
    items.extend(host.lesson.map(|lesson| {
        let values = context! {
            host => host.host.as_str(),
            n => lesson.restarts,
            longest => (!lesson.longest.is_zero()).then(|| voice.span(lesson.longest)),
        };
        Item::Prose(line(voice, key!(Week, "lesson"), values))
    }));
    items
}

fn restart(voice: &Voice, one: WeekRestart) -> Item {
    let (held, still) = match one.held {
        Held::No => (None, false),
        Held::For(span) => (Some(voice.span(span)), false),
        Held::Still(span) => (Some(voice.span(span)), true),
    };
    let time = voice.day_clock(one.at);
    point(voice, key!(Week, "restart"), context! { time, held, still })
}

fn slowest(voice: &Voice, week: &Week) -> Vec<Item> {
    let slow = week.slowest.iter().map(|slow| {
        let values = context! {
            site => slow.profile.as_str(),
            longest => voice.span(slow.longest),
            time => voice.day_clock(slow.at),
            mean => voice.span(slow.mean),
        };
        point(voice, key!(Week, "slow"), values)
    });
    slow.collect()
}

fn certificates(voice: &Voice, note: &Notification) -> Vec<Item> {
    match note.certificates.is_empty() {
        true => vec![Item::Prose(voice.word(key!(Week, "no_certificates")))],
        false => ending::seen(voice, note),
    }
}

fn drills(voice: &Voice, week: &Week) -> Vec<Item> {
    let values = |host: Option<&str>, drill: &Drill| {
        let day = |at: Timestamp| voice.day_clock(at);
        context! {
            host,
            well => drill.well,
            time => day(drill.at),
            succeeded => drill.succeeded.filter(|_| !drill.well).map(day),
        }
    };
    let hosts = week.drills.hosts.iter();
    let mut items: Vec<Item> = hosts
        .map(|(host, drill)| point(voice, key!(Week, "drill"), values(Some(host), drill)))
        .collect();
    let mail = week.drills.mail.as_ref();
    items.extend(mail.map(|drill| point(voice, key!(Week, "drill_mail"), values(None, drill))));
    if !week.undrilled.is_empty() {
        let names: Vec<&str> = week.undrilled.iter().map(HostName::as_str).collect();
        let hosts = names.join(", ");
        items.push(Item::Prose(line(
            voice,
            key!(Week, "undrilled"),
            context! { hosts },
        )));
        items.push(Item::Command {
            purpose: voice.word(key!(Week, "rehearse")),
            line: "probe drill".to_owned(),
        });
    }
    items
}

fn undelivered(voice: &Voice, week: &Week) -> Vec<Item> {
    let n = week.undelivered;
    if n == 0 {
        return Vec::new();
    }
    vec![
        Item::Prose(line(voice, key!(Week, "undelivered"), context! { n })),
        Item::Command {
            purpose: voice.word(key!(Week, "what_mail")),
            line: "probe status".to_owned(),
        },
    ]
}
