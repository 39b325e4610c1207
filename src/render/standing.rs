//! What a host's recovery is doing, in one word that people and machines share.

use crate::model::{Fleet, Hold, HostName, HostTrack, Stage, Timestamp};

/// What a host's recovery is doing, in the contract's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct HostStanding {
    /// `idle`, `holding`, `restarting`, `settling`, `gave_up` or `paused`.
    pub(super) word: &'static str,
    /// The hold's word, for those that do nothing.
    pub(super) reason: Option<&'static str>,
    /// The next moment something may be done, on the wall clock, where it is known.
    pub(super) next: Option<Timestamp>,
}

impl HostStanding {
    pub(super) fn of(name: &HostName, track: &HostTrack, fleet: &Fleet) -> Self {
        let paused = pause_until(name, track, fleet);
        let (word, reason, next) = match (&track.stage, paused, &track.hold) {
            (Stage::Restarting { .. }, ..) => ("restarting", None, None),
            (Stage::Settling { until, .. }, ..) => ("settling", None, Some(fleet.wall(*until))),
            (Stage::GaveUp { .. }, ..) => ("gave_up", Some("gave_up"), None),
            (Stage::Idle, Some(until), _) => ("paused", Some("paused"), until),
            (Stage::Idle, None, Some(hold)) => {
                let next = hold.until().or(track.not_before);
                let next = next.filter(|at| *at > fleet.now());
                ("holding", Some(hold.word()), next.map(|at| fleet.wall(at)))
            }
            (Stage::Idle, None, None) => ("idle", None, None),
        };
        Self { word, reason, next }
    }
}

/// Whether people paused the host, and until when (wall clock; `None`: until `probe resume`).
fn pause_until(name: &HostName, track: &HostTrack, fleet: &Fleet) -> Option<Option<Timestamp>> {
    let now = fleet.wall(fleet.now());
    let ordered = ["all", name.as_str()]
        .iter()
        .filter_map(|target| fleet.pauses.get(*target))
        .map(|pause| pause.until)
        .filter(|until| until.is_none_or(|until| until > now))
        // Of two pauses the longer one counts, and the one without an end is the longest.
        .max_by_key(|until| until.map_or(i64::MAX, |until| until.0));
    if ordered.is_some() {
        return ordered;
    }
    if let Some(Hold::Paused { until, .. }) = &track.hold {
        return Some(*until);
    }
    None
}
