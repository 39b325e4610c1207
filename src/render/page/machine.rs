//! Hosts: a card for each below the sites of a page, and a page for each.

use std::collections::BTreeSet;

use minijinja::context;

use super::frame::framed;
use super::markup::{clip, fact, facts, prose, say, section, word};
use super::state::pill;
use super::visit::Visit;
use super::{Scene, why};
use crate::model::{
    Account, Diagnosis, Host, HostTrack, Look, ProfileName, ProfileState, ProfileTrack, shown_url,
};
use crate::render::report::hosts_of;
use crate::render::standing::HostStanding;
use crate::render::text::escape;
use crate::render::words::{Voice, key};
use crate::render::{explain, facts as told, mail};

/// Characters of a line that came from a host.
const LINE: usize = 300;

/// The hosts of these profiles, those on which something is going on first.
pub(super) fn cards(
    scene: &Scene<'_>,
    visit: &Visit,
    voice: &Voice,
    selection: &BTreeSet<ProfileName>,
) -> String {
    let unseen = HostTrack::default();
    let mut hosts: Vec<(bool, &Host, &HostTrack, HostStanding)> =
        hosts_of(scene.settings, selection)
            .into_iter()
            .map(|host| {
                let track = scene.fleet.hosts.get(&host.name).unwrap_or(&unseen);
                let standing = HostStanding::of(&host.name, track, scene.fleet);
                (standing.word == "idle", host, track, standing)
            })
            .collect();
    if hosts.is_empty() {
        return String::new();
    }
    hosts.sort_by_key(|(is_idle, ..)| *is_idle);
    let cards: String = hosts
        .iter()
        .map(|(_, host, track, standing)| {
            let link = escape(&visit.link(&format!("/host/{}", host.name)));
            format!(
                "<li class=\"card\">\n<h3><a href=\"{link}\">{}</a> {}</h3>\n{}</li>\n",
                host.name,
                badge(voice, standing),
                summary(scene, voice, host, track, true)
            )
        })
        .collect();
    format!(
        "<h2 class=\"count\">{}</h2>\n<ul class=\"sites\">\n{cards}</ul>\n",
        word(voice, key!(Status, "hosts"))
    )
}

fn badge(voice: &Voice, standing: &HostStanding) -> String {
    let (class, sign) = match standing.word {
        "gave_up" => ("down", "✕"),
        "idle" => ("up", "✓"),
        "paused" => ("unknown", "‖"),
        _ => ("degraded", "▲"),
    };
    format!(
        "<span class=\"pill {class}\"><span aria-hidden=\"true\">{sign}</span> {}</span>",
        escape(&why::standing(voice, standing))
    )
}

/// What it does and why, what is left of its budget, its last look, attempt and drill.
fn summary(
    scene: &Scene<'_>,
    voice: &Voice,
    host: &Host,
    track: &HostTrack,
    brief: bool,
) -> String {
    let now = scene.now();
    let wall = |at| scene.fleet.wall(at);
    let mut out = String::new();
    if brief && let Some(said) = why::sentence(scene, voice, &host.name, track) {
        out.push_str(&format!("<p>{said}</p>\n"));
    }
    let mut rows = fact(
        &word(voice, key!(Status, "budget")),
        &why::budget(scene, voice, host, track),
    );
    let look = match track.look.as_deref() {
        None => say(voice, key!(Status, "look.none"), context! {}),
        Some(look) => {
            let at = voice.moment(wall(look.began), now);
            let what = looked(voice, look);
            prose(&clip(
                &voice.say(key!(Status, "look.found"), context! { at, what }),
                LINE,
            ))
        }
    };
    rows.push_str(&fact(&word(voice, key!(Status, "look")), &look));
    if let Some(last) = &track.last {
        let at = voice.moment(wall(last.began), now);
        let ended = mail::outcome(voice, last);
        let number = last.number;
        let said = voice.say(key!(Status, "last.of"), context! { number, at, ended });
        rows.push_str(&fact(
            &word(voice, key!(Status, "last")),
            &prose(&clip(&said, LINE)),
        ));
    }
    let drill = match scene.fleet.drills.hosts.get(host.name.as_str()) {
        None => {
            let host = host.name.as_str();
            say(voice, key!(Status, "drill.none"), context! { host })
        }
        Some(drill) => {
            let at = voice.moment(drill.at, now);
            let before = drill.succeeded.map(|at| voice.moment(at, now));
            match drill.well {
                true => say(voice, key!(Status, "drill.well"), context! { at }),
                false => say(voice, key!(Status, "drill.failed"), context! { at, before }),
            }
        }
    };
    rows.push_str(&fact(&word(voice, key!(Status, "drill")), &drill));
    out.push_str(&facts(&rows));
    out
}

fn looked(voice: &Voice, look: &Look) -> String {
    let reason = match &look.diagnosis {
        Diagnosis::Facts(_) => return voice.word(key!(Status, "look.facts")),
        Diagnosis::NotIn { reason, .. }
        | Diagnosis::Stuck { reason }
        | Diagnosis::Unreadable { reason } => explain::reason(voice, reason),
    };
    voice.say(key!(Status, "look.failed"), context! { reason })
}

/// The page of a host. `account` is what the rules say of it.
#[must_use]
pub fn host(scene: &Scene<'_>, visit: &Visit, host: &Host, account: Option<&Account>) -> String {
    let voice = scene.voice(visit);
    let unseen = HostTrack::default();
    let name = &host.name;
    let track = scene.fleet.hosts.get(name).unwrap_or(&unseen);
    let standing = HostStanding::of(name, track, scene.fleet);
    let title = voice.say(
        key!(Status, "title.host"),
        context! { name => name.as_str() },
    );
    let mut body = format!("<h1>{} {}</h1>\n", escape(&title), badge(&voice, &standing));
    body.push_str(&summary(scene, &voice, host, track, false));
    if let Some(account) = account {
        let title = word(&voice, key!(Status, "why"));
        body.push_str(&section(&title, &why::answer(scene, &voice, account)));
    }
    let unprobed = ProfileTrack::default();
    let sites: String = scene
        .settings
        .profiles_of(name)
        .take(SITES)
        .map(|(profile, _)| {
            let track = scene.fleet.profiles.get(profile).unwrap_or(&unprobed);
            let state: ProfileState = track.state();
            let link = escape(&visit.link(&format!("/profile/{profile}")));
            format!(
                "<li><a href=\"{link}\">{profile}</a> {}</li>\n",
                pill(&voice, state)
            )
        })
        .collect();
    let more = scene
        .settings
        .profiles_of(name)
        .count()
        .saturating_sub(SITES);
    let more = (more > 0).then(|| say(&voice, key!(Page, "more"), context! { n => more }));
    let more = more.map_or_else(String::new, |more| format!("<p>{more}</p>\n"));
    body.push_str(&section(
        &word(&voice, key!(Status, "sites")),
        &format!("<ul class=\"plain rows\">\n{sites}</ul>\n{more}"),
    ));
    if let Some(look) = track.look.as_deref()
        && let Some(found) = look.diagnosis.facts()
    {
        let at = voice.moment(scene.fleet.wall(look.began), scene.now());
        let urls = scene.settings.profiles_of(name);
        let urls: Vec<String> = urls
            .flat_map(|(_, profile)| profile.urls.iter().map(shown_url))
            .collect();
        let lines = told::lines(&voice, found).into_iter();
        let rows: String = lines
            .chain(told::unseen(&voice, found, &urls))
            .map(|line| fact(&escape(&line.label), &prose(&clip(&line.value, LINE))))
            .collect();
        let title = say(&voice, key!(Status, "look.said"), context! { at });
        body.push_str(&section(&title, &facts(&rows)));
    }
    framed(scene, visit, &format!("/host/{name}"), &title, &body)
}

/// Sites of a host that its page names.
const SITES: usize = 500;
