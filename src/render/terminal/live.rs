//! One line per event worth a person's attention, while a run is under way.

use super::Layout;
use super::ink::{Ink, Line, Sheet};
use super::words::{ended, found, hold_sentence, observed, said, time};
use crate::model::{
    Ailment, Cause, Delivery, Diagnosis, Happened, Hold, HostName, Observation, ProfileName,
    ProfileState, RecoveryOutcome, Timestamp,
};
use crate::render::ailment::phrase;
use crate::render::duration::span;
use crate::render::record::{Action, Record};
use crate::render::text::{cut, plural};
use crate::render::words::Voice;

/// A detail longer than this is cut; the table has the whole.
const DETAIL: usize = 160;

/// What does not fit goes on below the words, not below the time.
const HANG: usize = "06:01:23  ".len();

/// The line of a note at this wall-clock time; nothing for what is only a step of the way. `record` has taken the note in
/// already and knows the subjects of messages.
#[must_use]
pub fn line(at: Timestamp, note: &Happened, record: &Record, look: Layout) -> Option<String> {
    let (ink, text) = words(at, note, record, look)?;
    let line = Line::new(Ink::Dim, &time(at))
        .then(Ink::Plain, "  ")
        .then(ink, &text);
    let mut sheet = Sheet::new(look);
    sheet.wrapped(&line, HANG);
    Some(sheet.finish().trim_end().to_owned())
}

pub(super) fn words(
    at: Timestamp,
    note: &Happened,
    record: &Record,
    look: Layout,
) -> Option<(Ink, String)> {
    match note {
        Happened::Changed {
            profile,
            from,
            to,
            cause,
            seen,
        } => changed(profile, (*from, *to), *cause, seen),
        Happened::Closed {
            profile,
            since,
            restarts,
            ..
        } => {
            let after = span(at.since(*since));
            let restarts = match restarts {
                0 => "without a restart".to_owned(),
                count => plural(usize::try_from(*count).unwrap_or(usize::MAX), "restart"),
            };
            Some((
                Ink::Good,
                format!("{profile} is back after {after}, {restarts}"),
            ))
        }
        Happened::Diagnosed {
            host,
            ailment,
            diagnosis,
        } => Some(diagnosed(host, *ailment, diagnosis)),
        Happened::RestartBegan {
            host,
            number,
            command,
            ..
        } => {
            let verb = if look.dry_run {
                "would restart"
            } else {
                "restarting"
            };
            Some((
                Ink::Bad,
                format!("{verb} {host}: {command} (attempt {number})"),
            ))
        }
        Happened::RestartEnded {
            host,
            attempt,
            counts_from,
        } => Some(restarted(&Action::ended(host, attempt), *counts_from)),
        Happened::Held { host, hold, .. } => held(host, hold, at).map(|text| (Ink::Warn, text)),
        Happened::GaveUp { host, reason } => Some((
            Ink::Bad,
            format!("gave up on {host}: {reason}; once it is mended: probe resume {host}"),
        )),
        Happened::Rearmed { host } => Some((Ink::Good, format!("{host} may be restarted again"))),
        Happened::Delivered {
            entry,
            event,
            to,
            delivery,
        } => {
            let subject = record.subject(*entry).unwrap_or(event.word());
            Some(delivered(subject, to, delivery))
        }
        Happened::Unjudged {
            profile,
            since,
            detail,
        } => Some((
            Ink::Bad,
            format!(
                "{profile} cannot be judged for {} now: {}",
                span(at.since(*since)),
                said(detail)
            ),
        )),
        Happened::JudgedAgain { profile, since, .. } => Some((
            Ink::Good,
            format!("{profile} is judged again after {}", span(at.since(*since))),
        )),
        Happened::NetworkDown { detail } => Some((
            Ink::Bad,
            format!(
                "our own network is down ({}): nothing is judged or restarted",
                said(detail)
            ),
        )),
        Happened::NetworkBack { since, .. } => Some((
            Ink::Good,
            format!("our own network is back after {}", span(at.since(*since))),
        )),
        Happened::Damaged { path } if path.is_empty() => Some((
            Ink::Bad,
            "the state is gone: what was restarted before is not known, and restarts wait"
                .to_owned(),
        )),
        Happened::Damaged { path } => Some((
            Ink::Bad,
            format!("the state was damaged; it was moved to {path}, and restarts wait"),
        )),
        Happened::Unrecorded => Some((
            Ink::Bad,
            "the state cannot be written: nothing is restarted or sent until it can".to_owned(),
        )),
        Happened::Heartbeat { silence: None } => Some((
            Ink::Good,
            "the outside watcher hears from us again".to_owned(),
        )),
        Happened::Heartbeat {
            silence: Some(silence),
        } => Some((
            Ink::Warn,
            format!(
                "the outside watcher does not hear from us: {}",
                silence.phrase()
            ),
        )),
        Happened::Recorded => Some((Ink::Good, "the state can be written again".to_owned())),
        Happened::Skipped { profile, count } => Some((
            Ink::Bad,
            format!(
                "{profile}: {} not made in time",
                plural(usize::try_from(*count).unwrap_or(usize::MAX), "probe")
            ),
        )),
        Happened::Judged { .. }
        | Happened::Opened { .. }
        | Happened::Queued { .. }
        | Happened::Merged { .. } => None,
    }
}

fn diagnosed(host: &HostName, ailment: Option<Ailment>, diagnosis: &Diagnosis) -> (Ink, String) {
    match diagnosis {
        Diagnosis::Facts(_) => {
            let found = ailment.map_or_else(
                || "nothing fails any more".to_owned(),
                |ailment| phrase(&Voice::english(), ailment),
            );
            (Ink::Plain, format!("looked at {host}: {found}"))
        }
        Diagnosis::NotIn { reason, .. } => (Ink::Bad, format!("no way into {host}: {reason}")),
        Diagnosis::Stuck { reason } => {
            (Ink::Bad, format!("{host} could not be looked at: {reason}"))
        }
        Diagnosis::Unreadable { reason } => (
            Ink::Warn,
            format!("what {host} says of itself is not understood: {reason}"),
        ),
    }
}

fn changed(
    profile: &ProfileName,
    (from, to): (ProfileState, ProfileState),
    cause: Option<Cause>,
    seen: &[Observation],
) -> Option<(Ink, String)> {
    let line = |seen: &Observation| match (seen, cause) {
        (Observation::Alone(finding), Some(cause)) => found(cause, finding),
        (seen, _) => observed(seen),
    };
    let lines: Vec<String> = seen.iter().map(line).collect();
    let found = match cause {
        Some(cause) if lines.is_empty() => cause.phrase().to_owned(),
        Some(_) | None => lines.join("; "),
    };
    let found = match cut(&found, DETAIL) {
        found if found.is_empty() => found,
        found => format!(": {found}"),
    };
    match (from, to) {
        // Told by the incident's end, or no news.
        (ProfileState::Down | ProfileState::Unknown | ProfileState::Up, ProfileState::Up) => None,
        (ProfileState::Failing, ProfileState::Up) => Some((
            Ink::Good,
            format!("{profile} is well again; it was not confirmed as down"),
        )),
        (ProfileState::Degraded, ProfileState::Up) => {
            Some((Ink::Good, format!("{profile} is well again")))
        }
        (_, ProfileState::Failing) => Some((
            Ink::Bad,
            format!("{profile} is failing{found} (not confirmed yet)"),
        )),
        (_, ProfileState::Down) => Some((Ink::Bad, format!("{profile} is down{found}"))),
        (_, ProfileState::Degraded) => Some((Ink::Warn, format!("{profile} is degraded{found}"))),
        (_, ProfileState::Unknown) => {
            let found = found.replacen("could not tell: ", "", 1);
            Some((Ink::Unsure, format!("{profile}: could not tell{found}")))
        }
    }
}

fn restarted(action: &Action, counts_from: Option<Timestamp>) -> (Ink, String) {
    let ink = match action.outcome {
        RecoveryOutcome::Succeeded => Ink::Plain,
        RecoveryOutcome::Failed
        | RecoveryOutcome::TimedOut
        | RecoveryOutcome::NotExecuted
        | RecoveryOutcome::Unknown
        | RecoveryOutcome::Declined
        | RecoveryOutcome::Refused => Ink::Bad,
    };
    let next = counts_from.map_or_else(String::new, |at| {
        format!("; counting probes again from {}", time(at))
    });
    (
        ink,
        format!("{}: command {}{next}", action.host, ended(action)),
    )
}

/// Steps of the way are not worth a line; giving up has its own.
fn held(host: &HostName, hold: &Hold, at: Timestamp) -> Option<String> {
    if hold.is_step() || matches!(hold, Hold::GaveUp { .. }) {
        return None;
    }
    let sentence = hold_sentence(hold, host, at, |instant| instant);
    Some(format!("{host} is not restarted: {sentence}"))
}

fn delivered(subject: &str, to: &str, delivery: &Delivery) -> (Ink, String) {
    match delivery {
        Delivery::Sent { .. } => (Ink::Plain, format!("mail sent: {subject}")),
        Delivery::Deferred { reason, .. } => (
            Ink::Bad,
            format!("mail to {to} waits for another try: {subject}: {reason}"),
        ),
        Delivery::Unclear { reason } => (
            Ink::Bad,
            format!("mail to {to} may have arrived and is tried again: {subject}: {reason}"),
        ),
        Delivery::Rejected { reason } => (
            Ink::Bad,
            format!("mail to {to} was REJECTED for good: {subject}: {reason}"),
        ),
    }
}
