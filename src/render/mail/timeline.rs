//! The incident from its first failure to this mail, a line for each thing that happened.

use minijinja::context;

use crate::model::{EventKind, Notification, RecoveryOutcome, Timestamp};
use crate::render::explain;
use crate::render::words::{Voice, key};

use super::about::{awaits_after, held, host};
use super::deeds;
use super::page::Item;
use super::values::lasted;

/// Attempts told; of more, the newest.
const ATTEMPTS: usize = 10;

/// The lines, oldest first; nothing where there is no incident.
pub(super) fn timeline(voice: &Voice, note: &Notification) -> Vec<Item> {
    if note.incident.is_none() {
        return Vec::new();
    }
    let mut lines: Vec<(Timestamp, String)> = Vec::new();
    // The thread may have begun with another site, which is back.
    let sites = note.sites.iter().map(|site| site.since);
    if let Some(at) = note.since.into_iter().chain(sites).min() {
        let begins = if note.event == EventKind::Unjudged || note.judged {
            key!(Page, "timeline.unjudged")
        } else {
            key!(Page, "timeline.since")
        };
        lines.push((at, voice.word(begins)));
    }
    if let Some(at) = note.opened {
        lines.push((at, voice.word(key!(Page, "timeline.opened"))));
    }
    let skipped = note.attempts.len().saturating_sub(ATTEMPTS);
    for attempt in note.attempts.iter().skip(skipped) {
        let values = context! {
            host => host(note),
            number => attempt.number,
        };
        lines.push((
            attempt.began,
            voice.say(key!(Page, "timeline.began"), values),
        ));
        if let Some(at) = attempt.ended {
            let values = context! {
                number => attempt.number,
                ended => deeds::ended(voice, note, attempt, true),
            };
            lines.push((at, voice.say(key!(Page, "timeline.ended"), values)));
        }
    }
    lines.extend(present(voice, note));
    // What happened at the same moment stays in the order of cause and effect.
    lines.sort_by_key(|(at, _)| *at);
    let one_day = lines.iter().all(|(at, _)| voice.same_day(*at, note.at));
    let time = |at| match one_day {
        true => voice.clock(at),
        false => voice.day_clock(at),
    };
    lines
        .into_iter()
        .map(|(at, value)| Item::Fact {
            label: time(at),
            value,
        })
        .collect()
}

/// What this mail itself tells.
fn present(voice: &Voice, note: &Notification) -> Option<(Timestamp, String)> {
    let at = note.until.unwrap_or(note.at);
    let lasted = lasted(voice, note);
    let line = match note.event {
        EventKind::Up | EventKind::Closed if note.judged => {
            voice.say(key!(Page, "timeline.judged"), context! { lasted })
        }
        EventKind::Up | EventKind::Back => {
            voice.say(key!(Page, "timeline.back"), context! { lasted })
        }
        EventKind::Withheld if awaits_after(note, RecoveryOutcome::NotExecuted) => {
            voice.word(key!(Page, "timeline.no_way_in"))
        }
        EventKind::Withheld if awaits_after(note, RecoveryOutcome::Declined) => {
            voice.word(key!(Page, "timeline.declined"))
        }
        EventKind::Withheld => {
            let held = held(note).map(|hold| explain::hold_phrase(voice, hold));
            voice.say(key!(Page, "timeline.withheld"), context! { held })
        }
        EventKind::Proposed => voice.word(key!(Page, "timeline.proposed")),
        EventKind::GaveUp => voice.word(key!(Page, "timeline.gave_up")),
        EventKind::Reminder => voice.say(key!(Page, "timeline.reminder"), context! { lasted }),
        EventKind::Flapping => voice.word(key!(Page, "timeline.flapping")),
        EventKind::Closed => voice.word(key!(Page, "timeline.closed")),
        EventKind::Down
        | EventKind::Restarted
        | EventKind::Blind
        | EventKind::Unjudged
        | EventKind::Damaged
        | EventKind::Certificate
        | EventKind::Digest
        | EventKind::Report
        | EventKind::Test => return None,
    };
    Some((at, line))
}
