//! An event as one JSON document, for the program of `alerts.command`. `deploy/event.schema.json` describes it.
//!
//! - Every key is always there; what is not known is `null`. Later versions may add keys; under `schema: 1` none is renamed
//!   or changes its type.
//! - The document follows from the outbox entry and the wording alone, so a retry hands over the same one, with the same `id`.
//!   `incident` is the same for all events of one incident: what pagers call a deduplication key.
//! - `subject` and `text` are those of the mail, in its language, for who only passes words on.
//! - Times are RFC 3339 in UTC. `next` carries the stable word of what holds a restart, and the sentence people read.

mod week;

use serde::Serialize;
use serde_json::Value;

use crate::model::{
    Affected, Attempt, DatedFacts, Ending, Entry, Lesson, Next, Notification, SiteState, Timestamp,
    Wording,
};

use super::words::Voice;
use super::{facts, mail};
use week::Figures;

#[derive(Serialize)]
struct Document<'a> {
    schema: u8,
    id: String,
    event: &'static str,
    at: String,
    incident: Option<&'a str>,
    sequence: u32,
    profile: Option<&'a str>,
    host: Option<&'a str>,
    ssh: Option<&'a str>,
    subject: String,
    text: String,
    since: Option<String>,
    until: Option<String>,
    cause: Option<&'static str>,
    seen: Vec<String>,
    attempts: Vec<Tried<'a>>,
    next: Follows<'a>,
    remark: Option<String>,
    lesson: Option<Learnt>,
    certificates: Vec<Ends<'a>>,
    sites: Vec<Hit<'a>>,
    flaps: Option<Turns>,
    facts: Option<Said>,
    items: Vec<Item<'a>>,
    week: Option<Figures<'a>>,
}

#[derive(Serialize)]
struct Item<'a> {
    id: String,
    event: &'static str,
    at: String,
    incident: Option<&'a str>,
    profile: Option<&'a str>,
    host: Option<&'a str>,
    subject: String,
}

#[derive(Serialize)]
struct Turns {
    outages: u32,
    since: String,
}

#[derive(Serialize)]
struct Said {
    at: String,
    lines: Vec<String>,
}

#[derive(Serialize)]
struct Hit<'a> {
    profile: &'a str,
    state: SiteState,
    cause: Option<&'static str>,
    since: String,
    until: Option<String>,
}

#[derive(Serialize)]
struct Tried<'a> {
    number: u32,
    command: &'a str,
    began: String,
    ended: Option<String>,
    outcome: Option<&'static str>,
    exit_status: Option<i32>,
    duration_ms: Option<u64>,
    reason: Option<String>,
    output: Option<&'a str>,
}

#[derive(Serialize, Default)]
struct Follows<'a> {
    kind: &'static str,
    text: String,
    command: Option<&'a str>,
    number: Option<u32>,
    of: Option<u32>,
    from: Option<String>,
    hold: Option<&'static str>,
    until: Option<String>,
}

#[derive(Serialize)]
struct Learnt {
    restarts: u32,
    longest_seconds: u64,
}

#[derive(Serialize)]
struct Ends<'a> {
    fingerprint: &'a str,
    names: &'a [String],
    subject: &'a str,
    issuer: &'a str,
    ends: String,
    step_seconds: u64,
    places: &'a [String],
}

/// The document of an outbox entry, one line with a line end; the same entry gives the same document, whatever its
/// `tries`, `due` and `last`.
#[must_use]
pub fn document(entry: &Entry, wording: &Wording) -> String {
    let note = &entry.notification;
    let letter = mail::compose(entry, wording);
    let voice = Voice::of(wording);
    let document = Document {
        schema: 1,
        id: id(note),
        event: note.event.word(),
        at: note.at.to_string(),
        incident: note.incident.as_ref().map(|incident| incident.as_str()),
        sequence: note.sequence,
        profile: note.profile.as_ref().map(|name| name.as_str()),
        host: note.host.as_ref().map(|name| name.as_str()),
        ssh: note.ssh.as_deref(),
        subject: letter.subject,
        text: letter.text,
        since: note.since.map(written),
        until: note.until.map(written),
        cause: note.cause.map(|cause| cause.word()),
        seen: mail::seen(&voice, note),
        attempts: note.attempts.iter().map(tried).collect(),
        next: follows(&voice, note),
        remark: note.remark.as_ref().map(ToString::to_string),
        lesson: note.lesson.map(learnt),
        certificates: note.certificates.iter().map(ends).collect(),
        sites: note.sites.iter().map(hit).collect(),
        flaps: note.flaps.map(|flaps| Turns {
            outages: flaps.outages,
            since: written(flaps.since),
        }),
        facts: note.facts.as_deref().map(|glimpse| said(&voice, glimpse)),
        items: note.items.iter().map(|told| item(&voice, told)).collect(),
        week: note.week.as_deref().map(week::figures),
    };
    // Plain data with text keys cannot fail to be written.
    let value = serde_json::to_string(&document).unwrap_or_else(|_| Value::Null.to_string());
    value + "\n"
}

fn item<'a>(voice: &Voice, told: &'a Notification) -> Item<'a> {
    Item {
        id: id(told),
        event: told.event.word(),
        at: written(told.at),
        incident: told.incident.as_ref().map(|incident| incident.as_str()),
        profile: told.profile.as_ref().map(|name| name.as_str()),
        host: told.host.as_ref().map(|name| name.as_str()),
        subject: mail::subject(voice, told),
    }
}

fn hit(site: &Affected) -> Hit<'_> {
    Hit {
        profile: site.profile.as_str(),
        state: site.state,
        cause: site.cause.map(|cause| cause.word()),
        since: written(site.since),
        until: site.until.map(written),
    }
}

/// What is the same in every try of one event, and in no other event.
#[must_use]
pub fn id(note: &Notification) -> String {
    match &note.incident {
        Some(incident) => format!("{incident}.{}.{}", note.event.word(), note.sequence),
        None => format!(
            "{}.{}.{:03}",
            note.event.word(),
            note.at.stamp(),
            note.at.0.rem_euclid(1000)
        ),
    }
}

fn written(at: Timestamp) -> String {
    at.to_string()
}

fn tried(attempt: &Attempt) -> Tried<'_> {
    let report = attempt.report.as_ref();
    Tried {
        number: attempt.number,
        command: &attempt.command,
        began: written(attempt.began),
        ended: attempt.ended.map(written),
        outcome: report.map(|report| report.outcome.word()),
        exit_status: report.and_then(|report| report.exit_status),
        duration_ms: report
            .map(|report| u64::try_from(report.duration.as_millis()).unwrap_or(u64::MAX)),
        reason: report.and_then(|report| report.reason.as_ref().map(ToString::to_string)),
        output: report.map(|report| report.output.as_str()),
    }
}

fn follows<'a>(voice: &Voice, note: &'a Notification) -> Follows<'a> {
    let text = mail::next(voice, note).unwrap_or_default();
    match &note.next {
        Next::Restart {
            command,
            number,
            of,
        } => Follows {
            kind: "restart",
            text,
            command: Some(command),
            number: Some(*number),
            of: Some(*of),
            ..Follows::default()
        },
        Next::Prove { from } => Follows {
            kind: "prove",
            text,
            from: Some(written(*from)),
            ..Follows::default()
        },
        Next::Held(hold) => Follows {
            kind: "held",
            text,
            hold: Some(hold.word()),
            until: hold.until().map(written),
            ..Follows::default()
        },
        Next::WatchOnly => Follows {
            kind: "watch_only",
            text,
            ..Follows::default()
        },
        Next::Nothing => Follows {
            kind: "nothing",
            ..Follows::default()
        },
    }
}

fn said(voice: &Voice, glimpse: &DatedFacts) -> Said {
    Said {
        at: written(glimpse.at),
        lines: facts::lines(voice, &glimpse.facts)
            .into_iter()
            .map(|line| format!("{}: {}", line.label, line.value))
            .collect(),
    }
}

fn learnt(lesson: Lesson) -> Learnt {
    Learnt {
        restarts: lesson.restarts,
        longest_seconds: lesson.longest.as_secs(),
    }
}

fn ends(ending: &Ending) -> Ends<'_> {
    Ends {
        fingerprint: &ending.fingerprint,
        names: &ending.names,
        subject: &ending.subject,
        issuer: &ending.issuer,
        ends: written(ending.ends),
        step_seconds: ending.step.as_secs(),
        places: &ending.places,
    }
}
