//! `/`: how many are in which state, what can be narrowed, the sites of this page with what is known of each, and their hosts.

use std::collections::BTreeSet;

use minijinja::context;

use super::chart::Day;
use super::days::Calendar;
use super::frame::{framed, since};
use super::markup::{clip, fact, facts, prose, say, word};
use super::state::{STATES, key_of, pill, sign, sum_of};
use super::visit::{Picked, SHOWN, Visit};
use super::{Scene, incident, machine, uptime, why};
use crate::model::{
    Finding, HostTrack, Profile, ProfileName, ProfileState, ProfileTrack, Rollups, Standing,
    Timestamp,
};
use crate::render::explain;
use crate::render::history::{PastView, past};
use crate::render::text::escape;
use crate::render::words::{Voice, key};

/// Characters of what was found, in a list.
const FOUND: usize = 200;

/// The page.
#[must_use]
pub fn index(scene: &Scene<'_>, visit: &Visit, picked: &Picked) -> String {
    let voice = scene.voice(visit);
    let mut body = summary(&voice, visit, picked);
    if picked.counts.iter().sum::<usize>() > 1 {
        body.push_str(&filter(&voice, visit));
    }
    body.push_str(&format!(
        "<h2 class=\"count\">{}</h2>\n",
        matched(&voice, visit, picked)
    ));
    if picked.names.is_empty() && visit.narrows() {
        let none = word(&voice, key!(Status, "filter.none"));
        body.push_str(&format!("<p>{none}</p>\n"));
    }
    let selection: BTreeSet<ProfileName> = picked.names.iter().cloned().collect();
    let kept = scene.kept;
    let past = past(
        scene.settings,
        scene.fleet,
        &selection,
        kept.from,
        &kept.recorded,
    );
    let mut calendar = Calendar::of(&voice, scene.now());
    let unseen = ProfileTrack::default();
    body.push_str("<ul class=\"sites\">\n");
    for name in &picked.names {
        let Some(profile) = scene.settings.profiles.get(name) else {
            continue;
        };
        let track = scene.fleet.profiles.get(name).unwrap_or(&unseen);
        let site = Site {
            name,
            profile,
            track,
        };
        body.push_str(&row(scene, visit, &voice, &mut calendar, &site, &past));
    }
    body.push_str("</ul>\n");
    body.push_str(&pages(&voice, visit, picked));
    body.push_str(&machine::cards(scene, visit, &voice, &selection));
    framed(scene, visit, "/", &title(&voice, picked), &body)
}

/// The title of the tab says the worst.
fn title(voice: &Voice, picked: &Picked) -> String {
    let mut worst = STATES.iter().zip(picked.counts);
    let worst = worst.find(|(state, count)| **state != ProfileState::Up && *count > 0);
    let title = voice.word(key!(Status, "title"));
    match worst {
        Some((state, n)) => format!("{} – {title}", voice.say(sum_of(*state), context! { n })),
        None => title,
    }
}

fn summary(voice: &Voice, visit: &Visit, picked: &Picked) -> String {
    let all: usize = picked.counts.iter().sum();
    let up = picked.counts.last().copied().unwrap_or(0);
    let headline = match all {
        0 => word(voice, key!(Status, "sum.none")),
        1 if up == 1 => word(voice, key!(Status, "sum.one")),
        _ if up == all => say(voice, key!(Status, "sum.well"), context! { n => all }),
        _ => {
            let worst = STATES.iter().zip(picked.counts);
            let parts = worst
                .filter(|(_, count)| *count > 0)
                .map(|(state, n)| voice.say(sum_of(*state), context! { n }));
            let and = |these, this| voice.say(key!(Page, "digest.and"), context! { these, this });
            escape(&parts.reduce(and).unwrap_or_default())
        }
    };
    let tone = STATES.iter().zip(picked.counts);
    let mut tone = tone.filter(|(_, count)| *count > 0);
    let tone = tone
        .next()
        .map_or(ProfileState::Unknown, |(state, _)| *state);
    let mut out = format!(
        "<h1 class=\"sum {}\"><span aria-hidden=\"true\">{}</span> {headline}</h1>\n",
        tone.word(),
        sign(tone)
    );
    if up < all {
        let links = STATES.iter().zip(picked.counts).filter(|(_, n)| *n > 0);
        let links: String = links
            .map(|(state, n)| {
                format!(
                    "<li><a class=\"pill {}\" href=\"{}\"><span aria-hidden=\"true\">{}</span> {}</a></li>\n",
                    state.word(),
                    escape(&visit.only(*state).here("/")),
                    sign(*state),
                    say(voice, sum_of(*state), context! { n })
                )
            })
            .collect();
        out.push_str(&format!("<ul class=\"counts\">\n{links}</ul>\n"));
    }
    out
}

fn filter(voice: &Voice, visit: &Visit) -> String {
    let carried: String = visit
        .carried()
        .iter()
        .map(|(name, value)| format!("<input type=\"hidden\" name=\"{name}\" value=\"{value}\">\n"))
        .collect();
    let options: String = STATES
        .iter()
        .map(|state| {
            let chosen = if visit.state == Some(*state) {
                " selected"
            } else {
                ""
            };
            format!(
                "<option value=\"{}\"{chosen}>{}</option>\n",
                state.word(),
                word(voice, key_of(*state))
            )
        })
        .collect();
    let clear = match visit.narrows() {
        true => {
            let cleared = visit.link("/");
            let text = word(voice, key!(Status, "filter.clear"));
            format!("<a href=\"{}\">{text}</a>\n", escape(&cleared))
        }
        false => String::new(),
    };
    format!(
        "<form class=\"filter\" role=\"search\" method=\"get\" action=\"/\" aria-label=\"{}\">\n{carried}\
         <label for=\"q\">{}</label> <input id=\"q\" type=\"search\" name=\"q\" maxlength=\"100\" value=\"{}\">\n\
         <label for=\"state\">{}</label> <select id=\"state\" name=\"state\">\n<option value=\"\">{}</option>\n{options}</select>\n\
         <button class=\"go\">{}</button>\n{clear}</form>\n",
        word(voice, key!(Status, "filter")),
        word(voice, key!(Status, "filter.text")),
        escape(&visit.text),
        word(voice, key!(Status, "filter.state")),
        word(voice, key!(Status, "filter.any")),
        word(voice, key!(Status, "filter.go")),
    )
}

fn matched(voice: &Voice, visit: &Visit, picked: &Picked) -> String {
    if picked.pages == 1 && !visit.narrows() {
        return word(voice, key!(Status, "sites"));
    }
    let first = (picked.page - 1) * SHOWN + 1;
    let last = first + picked.names.len().saturating_sub(1);
    let first = (picked.pages > 1).then_some(first);
    let n = picked.matched;
    say(voice, key!(Status, "matched"), context! { n, first, last })
}

fn pages(voice: &Voice, visit: &Visit, picked: &Picked) -> String {
    if picked.pages == 1 {
        return String::new();
    }
    let link = |page: usize, rel: &str, text| {
        format!(
            "<a rel=\"{rel}\" href=\"{}\">{}</a>\n",
            escape(&visit.turned(page).here("/")),
            word(voice, text)
        )
    };
    let before =
        (picked.page > 1).then(|| link(picked.page - 1, "prev", key!(Status, "page.previous")));
    let after = (picked.page < picked.pages)
        .then(|| link(picked.page + 1, "next", key!(Status, "page.next")));
    let (n, of) = (picked.page, picked.pages);
    format!(
        "<nav class=\"pages\" aria-label=\"{}\">\n{}<span>{}</span>\n{}</nav>\n",
        word(voice, key!(Status, "pages")),
        before.unwrap_or_default(),
        say(voice, key!(Status, "page.of"), context! { n, of }),
        after.unwrap_or_default(),
    )
}

/// A profile with what is remembered of it.
pub(super) struct Site<'a> {
    pub(super) name: &'a ProfileName,
    pub(super) profile: &'a Profile,
    pub(super) track: &'a ProfileTrack,
}

fn row(
    scene: &Scene<'_>,
    visit: &Visit,
    voice: &Voice,
    calendar: &mut Calendar<'_>,
    site: &Site<'_>,
    past: &PastView,
) -> String {
    let (name, track) = (site.name, site.track);
    let state = track.state();
    let mut out = format!(
        "<li class=\"card {}\">\n<h3><a href=\"{}\">{name}</a> {}</h3>\n",
        state.word(),
        escape(&visit.link(&format!("/profile/{name}"))),
        pill(voice, state)
    );
    out.push_str(&format!(
        "<p class=\"under\">{}</p>\n",
        when(scene, voice, visit, site)
    ));
    if let Some(found) = found(voice, track) {
        out.push_str(&format!("<p>{}</p>\n", prose(&clip(&found, FOUND))));
    }
    for remark in incident::remarks(scene, voice, name, site.profile, track) {
        out.push_str(&format!("<p class=\"soft\">{remark}</p>\n"));
    }
    if matches!(state, ProfileState::Failing | ProfileState::Down) {
        let label = word(voice, key!(Status, "why.short"));
        let said = match &site.profile.host {
            None => Some(word(voice, key!(Status, "watch_only"))),
            Some(host) => {
                let unseen = HostTrack::default();
                let track = scene.fleet.hosts.get(host).unwrap_or(&unseen);
                why::sentence(scene, voice, host, track)
            }
        };
        let mut rows = fact(&label, &said.unwrap_or_default());
        let times = incident::timeline(scene, voice, site.profile.host.as_ref(), track, true);
        rows.push_str(&fact(&word(voice, key!(Page, "title.timeline")), &times));
        out.push_str(&facts(&rows));
    }
    let unknown = Rollups::default();
    let rollups = scene.kept.rollups.get(name).unwrap_or(&unknown);
    out.push_str(&calendar.strip(name.as_str(), rollups));
    let shares = uptime::shares(scene, voice, calendar, rollups);
    out.push_str(&uptime::table(voice, &shares));
    out.push_str(&Day::of(scene, voice, name, past).small(voice));
    out.push_str("</li>\n");
    out
}

/// Since when, and on which host.
pub(super) fn when(scene: &Scene<'_>, voice: &Voice, visit: &Visit, site: &Site<'_>) -> String {
    let mut parts = Vec::new();
    let now = scene.now();
    match began(site.track) {
        Some(at) => parts.push(since(voice, scene.fleet.wall(at), now)),
        None => parts.push(word(voice, key!(Status, "not_probed"))),
    }
    if let Some(host) = &site.profile.host {
        let link = escape(&visit.link(&format!("/host/{host}")));
        let label = word(voice, key!(Status, "on_host"));
        parts.push(format!("{label} <a href=\"{link}\">{host}</a>"));
    }
    parts.join(" · ")
}

/// Since when it is in its state: the first failure of what fails.
fn began(track: &ProfileTrack) -> Option<Timestamp> {
    let incident = track.incident.as_ref().map(|incident| incident.since);
    if track.standing == Standing::New && track.unknown.is_none() {
        return None;
    }
    let at = match track.state() {
        ProfileState::Down => incident.or(track.failing_since).unwrap_or(track.since),
        ProfileState::Failing => track.failing_since.unwrap_or(track.since),
        ProfileState::Unknown => track.blank_since().unwrap_or(track.since),
        ProfileState::Up | ProfileState::Degraded => track.since,
    };
    (at.0 > 0).then_some(at)
}

/// What the last probe found that is not well, in words.
fn found(voice: &Voice, track: &ProfileTrack) -> Option<String> {
    let mut seen = track
        .last
        .iter()
        .filter_map(|check| incident::seen(voice, check));
    let Some(first) = seen.next() else {
        let unknown: Option<&Finding> = track.unknown.as_deref();
        return unknown.map(|finding| explain::finding(voice, finding));
    };
    let n = seen.count();
    Some(match n {
        0 => first,
        n => {
            let more = voice.say(key!(Page, "more"), context! { n });
            format!("{} {more}", clip(&first, FOUND * 2 / 3))
        }
    })
}
