//! The weekly report's figures, as a machine wants them.

use serde::Serialize;
use std::time::Duration;

use crate::model::{
    Drill, Held, HostName, ProfileName, Week, WeekHost, WeekRestart, WeekSite, WeekSlow,
};

use super::{Learnt, learnt, written};

#[derive(Serialize)]
pub(super) struct Figures<'a> {
    first: bool,
    span_seconds: u64,
    blind_seconds: u64,
    away_seconds: u64,
    profiles: u32,
    up_percent: f64,
    down_seconds: u64,
    unjudged_seconds: u64,
    sites: Vec<Site<'a>>,
    sites_down_more: u32,
    sites_unjudged_more: u32,
    sites_up_more: u32,
    restarts: u32,
    hosts: Vec<Host<'a>>,
    slowest: Vec<Slow<'a>>,
    drills: Vec<Rehearsal<'a>>,
    undrilled: Vec<&'a str>,
    undelivered: u32,
}

#[derive(Serialize)]
struct Site<'a> {
    profile: &'a str,
    up_percent: f64,
    down_seconds: u64,
    outages: u32,
    down_now: bool,
    unjudged_seconds: u64,
}

#[derive(Serialize)]
struct Host<'a> {
    host: &'a str,
    count: u32,
    restarts: Vec<Restart>,
    lesson: Option<Learnt>,
}

#[derive(Serialize)]
struct Restart {
    at: String,
    held_seconds: Option<u64>,
    holds: bool,
    needed: Option<bool>,
}

#[derive(Serialize)]
struct Slow<'a> {
    profile: &'a str,
    longest_ms: u64,
    at: String,
    mean_ms: u64,
}

#[derive(Serialize)]
struct Rehearsal<'a> {
    host: Option<&'a str>,
    at: String,
    well: bool,
    succeeded: Option<String>,
}

/// The figures of a report.
pub(super) fn figures(week: &Week) -> Figures<'_> {
    let hosts = week.drills.hosts.iter();
    let hosts = hosts.map(|(host, drill)| rehearsal(Some(host), drill));
    let mail = week.drills.mail.iter().map(|drill| rehearsal(None, drill));
    Figures {
        first: week.first,
        span_seconds: week.span.as_secs(),
        blind_seconds: week.blind.as_secs(),
        away_seconds: week.away.as_secs(),
        profiles: week.profiles,
        up_percent: percent(week.share_of_all()),
        down_seconds: week.down.as_secs(),
        unjudged_seconds: week.unjudged.as_secs(),
        sites: week.sites.iter().map(|one| site(week, one)).collect(),
        sites_down_more: week.down_more,
        sites_unjudged_more: week.unjudged_more,
        sites_up_more: week.up_more,
        restarts: week.restarts,
        hosts: week.hosts.iter().map(host).collect(),
        slowest: week.slowest.iter().map(slow).collect(),
        drills: hosts.chain(mail).collect(),
        undrilled: week.undrilled.iter().map(HostName::as_str).collect(),
        undelivered: week.undelivered,
    }
}

/// From hundredths of a per cent; 0 where nothing was judged.
fn percent(share: Option<u32>) -> f64 {
    f64::from(share.unwrap_or(0)) / 100.0
}

fn site<'a>(week: &Week, site: &'a WeekSite) -> Site<'a> {
    Site {
        profile: site.profile.as_str(),
        up_percent: percent(week.share(site)),
        down_seconds: site.down.as_secs(),
        outages: site.outages,
        down_now: site.still,
        unjudged_seconds: site.unjudged.as_secs(),
    }
}

fn host(host: &WeekHost) -> Host<'_> {
    Host {
        host: host.host.as_str(),
        count: host.count,
        restarts: host.restarts.iter().map(restart).collect(),
        lesson: host.lesson.map(learnt),
    }
}

fn restart(one: &WeekRestart) -> Restart {
    let (held, holds) = match one.held {
        Held::No => (None, false),
        Held::For(span) => (Some(span), false),
        Held::Still(span) => (Some(span), true),
    };
    Restart {
        at: written(one.at),
        held_seconds: held.map(|span| span.as_secs()),
        holds,
        needed: one.needed,
    }
}

fn slow(slow: &WeekSlow) -> Slow<'_> {
    let millis = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    Slow {
        profile: ProfileName::as_str(&slow.profile),
        longest_ms: millis(slow.longest),
        at: written(slow.at),
        mean_ms: millis(slow.mean),
    }
}

fn rehearsal<'a>(host: Option<&'a String>, drill: &Drill) -> Rehearsal<'a> {
    Rehearsal {
        host: host.map(String::as_str),
        at: written(drill.at),
        well: drill.well,
        succeeded: drill.succeeded.map(written),
    }
}
