//! `/feed.atom`: outages and their ends, the newest first (RFC 4287). Each is an entry of its own, so a reader that has seen the
//! beginning hears of the end; ids are made from the incident's and never change. Links are relative: whoever reads the
//! feed through a proxy follows them there.

use minijinja::context;

use super::Scene;
use super::incident::cause;
use super::visit::Visit;
use crate::model::{Cause, Happened, IncidentId, ProfileName, Timestamp};
use crate::render::explain;
use crate::render::text::escape;
use crate::render::words::{Voice, key};

/// Entries at most.
const ENTRIES: usize = 100;

/// A beginning, or an end.
struct Entry {
    at: Timestamp,
    id: String,
    profile: ProfileName,
    title: String,
    said: String,
}

/// The feed.
#[must_use]
pub fn feed(scene: &Scene<'_>, visit: &Visit) -> String {
    let voice = scene.voice(visit);
    let mut entries = recorded(scene, &voice);
    entries.extend(open(scene, &voice));
    entries.sort_by(|a, b| (b.at, &b.id).cmp(&(a.at, &a.id)));
    entries.dedup_by(|a, b| a.id == b.id);
    entries.truncate(ENTRIES);
    let updated = entries
        .first()
        .map_or_else(|| scene.now(), |entry| entry.at);
    let items: String = entries
        .iter()
        .map(|entry| {
            format!(
                "<entry>\n<id>{}</id>\n<title>{}</title>\n<updated>{at}</updated>\n<published>{at}</published>\n\
                 <link rel=\"alternate\" type=\"text/html\" href=\"{}\"/>\n<content type=\"text\">{}</content>\n</entry>\n",
                escape(&entry.id),
                escape(&entry.title),
                escape(&visit.link(&format!("/profile/{}", entry.profile))),
                escape(&entry.said),
                at = entry.at,
            )
        })
        .collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\" xml:lang=\"{}\">\n\
         <id>{}</id>\n<title>{}</title>\n<updated>{updated}</updated>\n<author><name>probe</name></author>\n\
         <link rel=\"self\" type=\"application/atom+xml\" href=\"{}\"/>\n\
         <link rel=\"alternate\" type=\"text/html\" href=\"{}\"/>\n<icon>/icon.svg</icon>\n{items}</feed>\n",
        visit.language.word(),
        tag("feed"),
        escape(&voice.word(key!(Status, "feed.title"))),
        escape(&visit.link("/feed.atom")),
        escape(&visit.link("/")),
    )
}

/// An id (RFC 4151).
fn tag(specific: &str) -> String {
    format!("tag:probe.invalid,2026:{specific}")
}

fn recorded(scene: &Scene<'_>, voice: &Voice) -> Vec<Entry> {
    let mut entries = Vec::new();
    for (at, note) in &scene.kept.recorded {
        if let Happened::Opened {
            incident,
            profile,
            since,
            cause,
        } = note
        {
            entries.push(began(
                scene,
                voice,
                incident,
                profile,
                *at,
                since.unwrap_or(*at),
                *cause,
            ));
        } else if let Happened::Closed {
            incident,
            profile,
            since,
            restarts,
            ..
        } = note
        {
            let lasted = voice.span(at.since(*since));
            let site = profile.as_str();
            let values = context! {
                site,
                at => voice.day_clock(*since),
                until => voice.day_clock(*at),
                lasted => lasted.as_str(),
                restarts,
            };
            entries.push(Entry {
                at: *at,
                id: tag(&format!("incident/{incident}/end")),
                title: voice.say(key!(Status, "feed.up"), context! { site, lasted }),
                said: voice.say(key!(Status, "feed.up.said"), values),
                profile: profile.clone(),
            });
        }
    }
    entries
}

/// Incidents that are open, whenever they began.
fn open(scene: &Scene<'_>, voice: &Voice) -> Vec<Entry> {
    let wall = |at| scene.fleet.wall(at);
    let open = scene.fleet.open_incidents();
    open.filter(|(profile, _)| scene.settings.profiles.contains_key(*profile))
        .map(|(profile, incident)| {
            let (at, since) = (wall(incident.opened), wall(incident.since));
            began(
                scene,
                voice,
                &incident.id,
                profile,
                at,
                since,
                incident.cause,
            )
        })
        .collect()
}

fn began(
    scene: &Scene<'_>,
    voice: &Voice,
    incident: &IncidentId,
    profile: &ProfileName,
    at: Timestamp,
    since: Timestamp,
    found: Cause,
) -> Entry {
    let configured = scene.settings.profiles.get(profile);
    let host = configured.and_then(|profile| profile.host.as_ref());
    let site = profile.as_str();
    let values = context! {
        site,
        at => voice.day_clock(since),
        host => host.map(|host| host.as_str()),
        meaning => explain::cause_sentence(voice, found),
    };
    Entry {
        at,
        id: tag(&format!("incident/{incident}")),
        title: voice.say(
            key!(Status, "feed.down"),
            context! { site, cause => cause(voice, Some(found)) },
        ),
        said: voice.say(key!(Status, "feed.down.said"), values),
        profile: profile.clone(),
    }
}
