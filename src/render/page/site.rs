//! The page of a profile: what is so, what was seen, why it is or is not restarted, what happened, and how it did.

use std::collections::BTreeSet;

use minijinja::context;

use super::chart::Day;
use super::days::Calendar;
use super::frame::framed;
use super::list::{Site, when};
use super::markup::{clip, prose, say, section, word};
use super::state::{key_of, pill};
use super::visit::Visit;
use super::{Scene, incident, uptime, why};
use crate::model::{Account, CheckResult, Profile, ProfileState, ProfileTrack, Rollups, Timestamp};
use crate::render::explain;
use crate::render::history::{PastView, past};
use crate::render::text::escape;
use crate::render::words::{Voice, key};

/// Past outages shown, the newest.
const OUTAGES: usize = 50;

/// Checks shown.
const CHECKS: usize = 50;

/// Characters of a line that came from outside.
const LINE: usize = 500;

/// The page. `account` is what the rules say of its host.
#[must_use]
pub fn profile(
    scene: &Scene<'_>,
    visit: &Visit,
    profile: &Profile,
    account: Option<&Account>,
) -> String {
    let voice = scene.voice(visit);
    let name = &profile.name;
    let unseen = ProfileTrack::default();
    let track = scene.fleet.profiles.get(name).unwrap_or(&unseen);
    let state = track.state();
    let kept = scene.kept;
    let selection = BTreeSet::from([name.clone()]);
    let past = past(
        scene.settings,
        scene.fleet,
        &selection,
        kept.from,
        &kept.recorded,
    );
    let site = Site {
        name,
        profile,
        track,
    };
    let mut body = format!("<h1>{name} {}</h1>\n", pill(&voice, state));
    body.push_str(&format!(
        "<p class=\"under\">{}</p>\n",
        when(scene, &voice, visit, &site)
    ));
    for remark in incident::remarks(scene, &voice, name, profile, track) {
        body.push_str(&format!("<p>{remark}</p>\n"));
    }
    let host = profile.host.as_ref();
    let why = match (host, account) {
        (None, _) => format!("<p>{}</p>\n", word(&voice, key!(Status, "watch_only"))),
        (Some(_), Some(account)) => why::answer(scene, &voice, account),
        (Some(_), None) => String::new(),
    };
    let why = section(&word(&voice, key!(Status, "why")), &why);
    let times = incident::timeline(scene, &voice, host, track, false);
    let times = section(&word(&voice, key!(Status, "timeline")), &times);
    let seen = section(
        &word(&voice, key!(Status, "seen")),
        &seen(&voice, scene, track),
    );
    // While something is wrong, that comes first.
    if matches!(state, ProfileState::Up) {
        body.push_str(&seen);
    } else {
        body.push_str(&format!("{seen}{why}{times}"));
    }
    let mut calendar = Calendar::of(&voice, scene.now());
    let unknown = Rollups::default();
    let rollups = kept.rollups.get(name).unwrap_or(&unknown);
    let shares = uptime::shares(scene, &voice, &calendar, rollups);
    body.push_str(&section(
        &word(&voice, key!(Status, "uptime")),
        &uptime::table(&voice, &shares),
    ));
    body.push_str(&section(
        &word(&voice, key!(Status, "days")),
        &format!(
            "<div class=\"large\">\n{}</div>\n",
            calendar.strip(name.as_str(), rollups)
        ),
    ));
    body.push_str(&section(
        &say(
            &voice,
            key!(Status, "times.of"),
            context! { site => name.as_str() },
        ),
        &Day::of(scene, &voice, name, &past).large(&voice),
    ));
    body.push_str(&section(
        &word(&voice, key!(Status, "past")),
        &outages(&voice, scene, &past),
    ));
    if matches!(state, ProfileState::Up) {
        body.push_str(&why);
    }
    let badge = visit.link(&format!("/badge/{name}.svg"));
    body.push_str(&format!(
        "<p class=\"soft\">{}: <a href=\"{link}\">{link}</a></p>\n",
        word(&voice, key!(Status, "badge")),
        link = escape(&badge)
    ));
    let state = voice.word(key_of(state));
    let title = voice.say(
        key!(Status, "title.site"),
        context! { name => name.as_str(), state },
    );
    framed(scene, visit, &format!("/profile/{name}"), &title, &body)
}

fn seen(voice: &Voice, scene: &Scene<'_>, track: &ProfileTrack) -> String {
    let line = |check: &CheckResult| {
        incident::seen(voice, check).unwrap_or_else(|| {
            let took = voice.span(check.timings.total);
            let url = &check.url;
            voice.say(key!(Status, "seen.well"), context! { url, took })
        })
    };
    let mut lines: Vec<String> = Vec::new();
    if let Some(unknown) = track.unknown.as_deref()
        && !track
            .last
            .iter()
            .any(|check| check.finding() == Some(unknown))
    {
        lines.push(explain::finding(voice, unknown));
    }
    lines.extend(track.last.iter().take(CHECKS).map(line));
    let items: String = lines
        .iter()
        .filter(|line| !line.is_empty())
        .map(|line| format!("<li>{}</li>\n", prose(&clip(line, LINE))))
        .collect();
    let probed = track.probed.map(|at| {
        let at = voice.moment(scene.fleet.wall(at), scene.now());
        say(voice, key!(Status, "probed"), context! { at })
    });
    let probed = probed.map_or_else(String::new, |said| {
        format!("<p class=\"soft\">{said}</p>\n")
    });
    match items.is_empty() {
        true => probed,
        false => format!("<ul class=\"plain\">\n{items}</ul>\n{probed}"),
    }
}

fn outages(voice: &Voice, scene: &Scene<'_>, past: &PastView) -> String {
    let now = scene.now();
    let began = |at: Timestamp| escape(&voice.moment(at, now));
    let rows: String = past
        .outages
        .iter()
        .rev()
        .take(OUTAGES)
        .map(|outage| {
            let lasted = escape(&voice.span(outage.lasted(now)));
            let still = match outage.until {
                None => format!(" ({})", word(voice, key!(Status, "past.still"))),
                Some(_) => String::new(),
            };
            format!(
                "<tr><td>{}</td><td>{lasted}{still}</td><td>{}</td><td>{}</td></tr>\n",
                began(outage.since),
                escape(&incident::cause(voice, outage.cause)),
                outage.restarts
            )
        })
        .collect();
    let from = voice.day_clock(past.from);
    let from = say(voice, key!(Status, "past.from"), context! { at => from });
    if rows.is_empty() {
        let none = word(voice, key!(Status, "past.none"));
        return format!("<p>{none} <span class=\"soft\">{from}</span></p>\n");
    }
    let head = [
        key!(Status, "past.began"),
        key!(Status, "past.lasted"),
        key!(Status, "past.cause"),
        key!(Status, "past.restarts"),
    ];
    let head = head.map(|key| format!("<th scope=\"col\">{}</th>", word(voice, key)));
    format!(
        "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"{}\">\n<table>\n<thead><tr>{}</tr></thead>\n\
         <tbody>\n{rows}</tbody>\n</table>\n</div>\n<p class=\"soft\">{from}</p>\n",
        word(voice, key!(Status, "past")),
        head.join("")
    )
}
