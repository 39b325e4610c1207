//! What a notification means, told in the order in which somebody half asleep asks: what is so and since when, what it
//! means, what happens next, what can I do. Then the facts: the sites, what was seen, what was done, what the host says of
//! itself, what the command said, and how it all went. A digest and a report begin with what they tell of.

use minijinja::{Value, context};

use crate::model::{
    Affected, EventKind, Finding, Notification, Observation, Phase, SiteState, limits,
};
use crate::render::words::{Block, Voice, key};
use crate::render::{explain, facts};

use super::page::{Item, Page, Section, Tone};
use super::pieces::pieces;
use super::{advice, clean, deeds, digest, ending, timeline, week};

/// Checks shown; a profile rarely has more.
const SEEN: usize = 20;

/// The page of a notification.
pub(super) fn page(voice: &Voice, note: &Notification, values: &Value) -> Page {
    let pieces = pieces(note);
    let parts = [
        (key!(Page, "title.digest"), digest::items(voice, note)),
        (
            key!(Page, "title.advice"),
            advice::advice(voice, note, values),
        ),
        (key!(Page, "title.sites"), sites(voice, note)),
        (key!(Page, "title.seen"), seen(voice, note)),
        (key!(Page, "title.done"), deeds::attempts(voice, note)),
        (key!(Page, "title.facts"), facts(voice, note)),
        (key!(Page, "title.output"), deeds::whole_output(voice, note)),
        (
            key!(Page, "title.timeline"),
            timeline::timeline(voice, note),
        ),
    ];
    let parts = parts
        .into_iter()
        .filter(|(_, items)| !items.is_empty())
        .map(|(title, items)| Section {
            title: voice.word(title),
            items,
        });
    let mut sections = week::sections(voice, note);
    sections.extend(parts);
    Page {
        language: voice.language(),
        tone: tone(note),
        headline: clean::line(
            &voice.say(pieces.headline, values.clone()),
            limits::DETAIL_CHARS,
        ),
        lead: voice
            .tell(pieces.lead, values.clone())
            .into_iter()
            .map(Block::into_text)
            .collect(),
        sections,
        footer: footer(voice, note),
    }
}

const fn tone(note: &Notification) -> Tone {
    match note.event {
        EventKind::Down | EventKind::Proposed | EventKind::GaveUp | EventKind::Reminder => {
            Tone::Bad
        }
        EventKind::Restarted
        | EventKind::Withheld
        | EventKind::Flapping
        | EventKind::Digest
        | EventKind::Blind
        | EventKind::Unjudged
        | EventKind::Damaged
        | EventKind::Certificate => Tone::Warn,
        EventKind::Up | EventKind::Back => Tone::Good,
        EventKind::Closed | EventKind::Report | EventKind::Test => Tone::Calm,
    }
}

/// What the host said of itself, as it came from there.
fn facts(voice: &Voice, note: &Notification) -> Vec<Item> {
    let Some(sighting) = &note.facts else {
        return Vec::new();
    };
    let time = voice.moment(sighting.at, note.at);
    let mut items = vec![Item::Prose(
        voice.say(key!(Facts, "looked"), context! { time }),
    )];
    let clean = |text: &str| clean::line(text, limits::DETAIL_CHARS);
    let lines = facts::lines(voice, &sighting.facts).into_iter();
    items.extend(lines.map(|line| Item::Fact {
        label: line.label,
        value: clean(&line.value),
    }));
    items
}

/// The sites of the host that are in it, where there are several.
fn sites(voice: &Voice, note: &Notification) -> Vec<Item> {
    let line = |site: &Affected| {
        let piece = match site.state {
            SiteState::Down => key!(Page, "site.down"),
            SiteState::Failing => key!(Page, "site.failing"),
            SiteState::Back => key!(Page, "site.back"),
            SiteState::Unwatched => key!(Page, "site.unwatched"),
        };
        let lasted = site.until.unwrap_or(note.at).since(site.since);
        let values = context! {
            site => site.profile.as_str(),
            since => voice.moment(site.since, note.at),
            until => site.until.map(|until| voice.moment(until, note.at)),
            lasted => voice.span(lasted),
            unconfirmed => site.unconfirmed,
            cause => site.cause.map(|cause| explain::maybe_cause_phrase(voice, Some(cause))),
        };
        Item::Point(clean::line(&voice.say(piece, values), limits::DETAIL_CHARS))
    };
    note.sites.iter().map(line).collect()
}

fn seen(voice: &Voice, note: &Notification) -> Vec<Item> {
    if note.event == EventKind::Certificate {
        return ending::seen(voice, note);
    }
    let shown = sightings(voice, note).into_iter().take(SEEN);
    let mut items: Vec<Item> = shown.map(Item::Point).collect();
    let more = note.seen.len().saturating_sub(SEEN);
    if more > 0 {
        let line = voice.say(key!(Page, "more"), context! { n => more });
        items.push(Item::Point(line));
    }
    items
}

/// What the checks saw, a line for each.
#[must_use]
pub fn sightings(voice: &Voice, note: &Notification) -> Vec<String> {
    let line = |seen| clean::line(&sighting(voice, seen), limits::DETAIL_CHARS);
    note.seen.iter().map(line).collect()
}

/// What one check saw.
#[must_use]
pub fn sighting(voice: &Voice, seen: &Observation) -> String {
    let (url, cause, finding, address, phase) = match seen {
        Observation::Alone(finding) => return explain::finding(voice, finding),
        Observation::Check {
            url,
            cause,
            finding,
            address,
            phase,
        } => (url, *cause, finding, address, phase),
    };
    let detail = explain::finding(voice, finding);
    let rest = (!matches!(**finding, Finding::Bare { .. })).then_some(detail.as_str());
    let what = voice.say(
        key!(Page, "seen.what"),
        context! {
            cause => explain::cause_phrase(voice, cause),
            said => finding.names(cause),
            rest,
            detail => detail.as_str(),
        },
    );
    voice.say(
        key!(Page, "seen"),
        context! {
            url => clean::line(url, limits::DETAIL_CHARS),
            what,
            cause => explain::cause_phrase(voice, cause),
            rest,
            unheard => matches!(**finding, Finding::Refused),
            address => address.map(|address| address.to_string()),
            phase => phase.map(|phase| part(voice, phase)),
        },
    )
}

fn part(voice: &Voice, phase: Phase) -> String {
    voice.word(match phase {
        Phase::Dns => key!(Page, "phase.dns"),
        Phase::Connect => key!(Page, "phase.connect"),
        Phase::Tls => key!(Page, "phase.tls"),
        Phase::FirstByte => key!(Page, "phase.first_byte"),
        Phase::Transfer => key!(Page, "phase.transfer"),
    })
}

fn footer(voice: &Voice, note: &Notification) -> String {
    let incident = note.incident.as_ref();
    voice.say(
        key!(Page, "footer"),
        context! {
            time => voice.day_clock(note.at),
            incident => incident.map(|incident| clean::ascii(incident.as_str(), 200)),
            host => note.host.as_ref().map(|host| host.as_str()),
        },
    )
}
