//! What a run is waiting for, in a few words, for the line that moves while it waits.

use std::time::Duration;

use super::duration::span;
use super::text::{clean, cut, plural};
use crate::model::{Fleet, Stage, Timestamp};

/// Something awaited.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Awaited {
    /// In words: `restarting web1 (attempt 1)`; empty when nothing is.
    pub text: String,
    /// How long until it ends, where that is known.
    pub left: Option<Duration>,
}

/// What is awaited now, the most telling first: a restart, probes under way, mail in transit, a host that settles, the next
/// probe; nothing when nothing is.
#[must_use]
pub fn awaited(fleet: &Fleet) -> Option<Awaited> {
    let now = fleet.now();
    let restarting = fleet
        .hosts
        .iter()
        .find_map(|(name, track)| match track.stage {
            Stage::Restarting { .. } => Some((name, track.attempts.max(1))),
            Stage::Idle | Stage::Settling { .. } | Stage::GaveUp { .. } => None,
        });
    if let Some((name, number)) = restarting {
        return Some(open(format!("restarting {name} (attempt {number})")));
    }
    if fleet.probing > 0 {
        return Some(open(format!(
            "probing {}",
            plural(fleet.probing, "profile")
        )));
    }
    if !fleet.in_transit.is_empty() {
        return Some(open(format!(
            "sending {}",
            plural(fleet.in_transit.len(), "mail")
        )));
    }
    let settling = fleet
        .hosts
        .iter()
        .find_map(|(name, track)| match track.stage {
            Stage::Settling { until, .. } if until > now => Some((name, until)),
            Stage::Idle
            | Stage::Restarting { .. }
            | Stage::Settling { .. }
            | Stage::GaveUp { .. } => None,
        });
    if let Some((name, until)) = settling {
        return Some(closed(
            format!("{name} is settling: probes count again"),
            until,
            now,
        ));
    }
    fleet
        .agenda
        .first()
        .map(|(due, name)| closed(format!("next probe of {name}"), *due, now))
}

/// A wait shorter than this is not worth counting.
const COUNT_FROM: Duration = Duration::from_secs(2);

/// A longer line would wrap on a narrow terminal and leave its beginning behind.
const LINE: usize = 76;

/// `restarting web1 (attempt 1)… 12s`, `web1 is settling: probes count again in 33s`: the line, so long after it was first
/// shown. It changes once a second.
#[must_use]
pub fn line(awaited: &Awaited, elapsed: Duration) -> String {
    let text = clean(&awaited.text);
    let whole = |duration: Duration| Duration::from_secs(duration.as_secs());
    let line = match awaited.left.map(|left| whole(left.saturating_sub(elapsed))) {
        Some(left) if !left.is_zero() => format!("{text} in {}", span(left)),
        None if elapsed >= COUNT_FROM => format!("{text}… {}", span(whole(elapsed))),
        Some(_) | None => format!("{text}…"),
    };
    cut(&line, LINE)
}

fn open(text: String) -> Awaited {
    Awaited { text, left: None }
}

fn closed(text: String, until: Timestamp, now: Timestamp) -> Awaited {
    Awaited {
        text,
        left: Some(until.since(now)),
    }
}
