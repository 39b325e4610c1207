//! What a notification means, told in the order in which somebody half asleep asks: what is so and since when, what
//! happens next, what was seen, what was done, what can I do.

use crate::model::{Cause, EventKind, Hold, Next, Notification, Timestamp, limits};
use crate::render::duration::span;
use crate::render::{explain, facts};

use super::advice;
use super::clean;
use super::deeds;
use super::ending;
use super::page::{Item, Page, Section, Tone};
use super::subject::{lasted, reached_nobody, restarts, site};

/// Checks shown; a profile rarely has more.
const SEEN: usize = 20;

/// The page of a notification.
pub(super) fn page(note: &Notification) -> Page {
    let mut sections = Vec::new();
    push(&mut sections, "What was seen", seen(note));
    push(&mut sections, "What was done", deeds::attempts(note));
    push(&mut sections, "What you can do", advice::advice(note));
    push(&mut sections, "What the host says", facts(note));
    Page {
        tone: tone(note),
        headline: headline(note),
        lead: lead(note),
        sections,
        footer: footer(note),
    }
}

fn push(sections: &mut Vec<Section>, title: &'static str, items: Vec<Item>) {
    if !items.is_empty() {
        sections.push(Section { title, items });
    }
}

const fn tone(note: &Notification) -> Tone {
    match note.event {
        EventKind::Down | EventKind::GaveUp | EventKind::Reminder => Tone::Bad,
        EventKind::Restarted
        | EventKind::Withheld
        | EventKind::Blind
        | EventKind::Damaged
        | EventKind::Certificate => Tone::Warn,
        EventKind::Up | EventKind::Back => Tone::Good,
        EventKind::Closed | EventKind::Test => Tone::Calm,
    }
}

/// A time of day; with its date where that is another one than the mail's.
pub(super) fn moment(note: &Notification, at: Timestamp) -> String {
    if explain::same_day(note.at, at) {
        explain::clock(at)
    } else {
        explain::day_clock(at)
    }
}

/// The machine, in a sentence.
pub(super) fn host(note: &Notification) -> &str {
    note.host.as_ref().map_or("the host", |host| host.as_str())
}

fn headline(note: &Notification) -> String {
    let site = site(note);
    let since = note.since.map_or_else(String::new, |since| {
        format!(" since {}", moment(note, since))
    });
    let after = lasted(note).map_or_else(String::new, |lasted| format!(" after {lasted}"));
    match note.event {
        EventKind::Down => format!("{site} is down{since}: {}.", phrase(note)),
        EventKind::Restarted => deeds::headline(note),
        EventKind::Up | EventKind::Back => format!("{site} is up again{after}."),
        EventKind::Withheld => format!("{site} is down{since} and is not being restarted."),
        EventKind::GaveUp => {
            let tried = match restarts(note) {
                0 => String::new(),
                count => format!(", {} did not help", explain::restarts_counted(count)),
            };
            format!("{site} is still down{since}{tried}. A person must look.")
        }
        EventKind::Reminder => format!("{site} is still down{since}: {}.", phrase(note)),
        EventKind::Closed => format!("{site} is no longer watched."),
        EventKind::Blind => blind(note),
        EventKind::Damaged => "The memory of probe was damaged; a new one was begun.".to_owned(),
        EventKind::Certificate => ending::headline(note),
        EventKind::Test => "This is a test: probe can reach you by mail.".to_owned(),
    }
}

fn phrase(note: &Notification) -> &'static str {
    note.cause.map_or("not as expected", Cause::phrase)
}

fn blind(note: &Notification) -> String {
    let from = moment(note, note.since.unwrap_or(note.at));
    match note.until {
        Some(until) => format!(
            "Probe could not see from {from} to {}: the network of its own machine was down.",
            moment(note, until)
        ),
        None => {
            format!("Probe cannot see since {from}: the network of its own machine is down.")
        }
    }
}

/// What it means and what happens next.
fn lead(note: &Notification) -> Vec<String> {
    let mut lead = Vec::new();
    match note.event {
        EventKind::Down | EventKind::Reminder | EventKind::GaveUp | EventKind::Withheld => {
            lead.extend(
                note.cause
                    .map(|cause| explain::cause_sentence(cause).to_owned()),
            );
        }
        EventKind::Up => lead.push(recovered(note)),
        EventKind::Closed => lead.push(
            "It is not in the configuration any more, so its incident is closed without knowing whether it came \
             back."
                .to_owned(),
        ),
        EventKind::Blind => lead.push(
            "What happened to the sites in that time is not known. Nothing was restarted on it, and no failure was \
             counted."
                .to_owned(),
        ),
        EventKind::Damaged => lead.push(
            "Watching goes on. Open incidents were forgotten: a site that is down is reported anew.".to_owned(),
        ),
        EventKind::Certificate => lead.push(ending::lead()),
        EventKind::Test => lead.push(
            "Nothing is wrong and nothing was restarted. Mails about your sites will look like this one.".to_owned(),
        ),
        EventKind::Restarted | EventKind::Back => {}
    }
    lead.extend(next(note));
    lead.extend(lesson(note));
    if let Some(remark) = &note.remark {
        lead.push(clean::line(remark, limits::DETAIL_CHARS));
    }
    lead
}

/// What the host's last restarts teach.
fn lesson(note: &Notification) -> Option<String> {
    let lesson = note.lesson?;
    let held = match lesson.longest {
        longest if longest.is_zero() => "none of them helped".to_owned(),
        longest => format!("the longest held for {}", span(longest)),
    };
    Some(format!(
        "{} was restarted {} times in 7 days, and {held}: this is not mended by restarting. Look for the cause; \
         `probe history` shows them.",
        host(note),
        lesson.restarts
    ))
}

fn recovered(note: &Notification) -> String {
    match (restarts(note), note.until) {
        (0, _) if note.host.is_some() => "It came back without a restart.".to_owned(),
        (0, _) => "It came back.".to_owned(),
        (count, Some(until)) => format!(
            "It was proven up at {} after {} of {}.",
            moment(note, until),
            explain::restarts_counted(count),
            host(note)
        ),
        (count, None) => format!(
            "It was proven up after {} of {}.",
            explain::restarts_counted(count),
            host(note)
        ),
    }
}

/// What comes next, as a sentence.
fn next(note: &Notification) -> Option<String> {
    let host = host(note);
    match &note.next {
        Next::Restart {
            command,
            number,
            of,
        } => Some(format!(
            "A restart of {host} begins now, attempt {number} of {of}: `{}`. The next mail says how it ended.",
            clean::line(&command.replace('`', "'"), limits::DETAIL_CHARS)
        )),
        Next::Prove { from } => Some(format!(
            "A good probe counts from now on, a failed one from {} on; so it is decided whether {} is back. You hear again when it is, or when a person must look.",
            moment(note, *from),
            site(note)
        )),
        Next::Held(Hold::GaveUp { .. })
            if matches!(note.event, EventKind::Up | EventKind::Back) =>
        {
            Some(format!(
                "Probe had given up on {host} and restarts it no more until `probe resume {host}` says so."
            ))
        }
        Next::Held(Hold::Backoff { until }) if reached_nobody(note) => Some(format!(
            "Probe could not log in to {host}, so nothing was restarted; the next attempt may begin at {}.",
            moment(note, *until)
        )),
        Next::Held(hold) => Some(clean::line(
            &explain::hold(hold, host, |at| at),
            2 * limits::DETAIL_CHARS,
        )),
        Next::WatchOnly => Some(format!(
            "{} has no host in the configuration, so nothing is restarted for it. You hear again when it is back.",
            site(note)
        )),
        Next::Nothing => None,
    }
}

fn seen(note: &Notification) -> Vec<Item> {
    if note.event == EventKind::Certificate {
        return ending::seen(note);
    }
    let mut items: Vec<Item> = note
        .seen
        .iter()
        .take(SEEN)
        .map(|seen| Item::Point(clean::line(seen, limits::DETAIL_CHARS)))
        .collect();
    let more = note.seen.len().saturating_sub(SEEN);
    if more > 0 {
        items.push(Item::Point(format!("and {more} more")));
    }
    items
}

/// What the host said of itself, as it came from there.
fn facts(note: &Notification) -> Vec<Item> {
    let Some(sighting) = &note.facts else {
        return Vec::new();
    };
    let lines = facts::lines(&sighting.facts);
    let clean = |line: &String| clean::output_line(line, limits::DETAIL_CHARS);
    vec![
        Item::Prose(format!("Looked at {}:", moment(note, sighting.at))),
        Item::Quote(lines.iter().map(clean).collect()),
    ]
}

fn footer(note: &Notification) -> String {
    let mut parts = vec![format!("probe, {}", explain::day_clock(note.at))];
    parts.extend(
        note.incident
            .as_ref()
            .map(|incident| format!("incident {}", clean::ascii(incident.as_str(), 200))),
    );
    parts.extend(note.host.as_ref().map(|host| format!("host {host}")));
    parts.join(" · ")
}
