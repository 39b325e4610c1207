//! What was decided, read from what the rules said: those of a replay, or those of the time, from the journal.

use std::collections::BTreeMap;

use crate::model::{
    EventKind, Happened, ProfileName, Replayed, ReplayedIncident, ReplayedRestart, Timestamp,
};

/// Reads one remark after the other, with times of the wall clock.
#[derive(Debug, Default)]
pub(super) struct Heard {
    pub(super) found: Replayed,
    /// Open incidents, as places in `found.incidents`.
    open: BTreeMap<ProfileName, usize>,
    /// Failures in a row.
    rows: BTreeMap<ProfileName, u32>,
}

impl Heard {
    pub(super) fn take(&mut self, at: Timestamp, note: &Happened) {
        match note {
            Happened::Judged {
                profile,
                failures,
                well,
                ..
            } => {
                let row = self.rows.entry(profile.clone()).or_default();
                let is_open = self.open.contains_key(profile);
                if *well == Some(true) && *row > 0 && !is_open {
                    self.found.passed.push((at, profile.clone(), *row));
                }
                *row = *failures;
            }
            Happened::Opened {
                profile,
                since,
                cause,
                ..
            } => {
                let place = self.found.incidents.len();
                self.open.insert(profile.clone(), place);
                self.found.incidents.push(ReplayedIncident {
                    profile: profile.clone(),
                    since: since.unwrap_or(at),
                    opened: at,
                    closed: None,
                    cause: *cause,
                    assumed: false,
                });
            }
            Happened::Closed { profile, .. } => {
                let place = self.open.remove(profile);
                let incident = place.and_then(|place| self.found.incidents.get_mut(place));
                if let Some(incident) = incident {
                    incident.closed = Some(at);
                }
            }
            Happened::RestartBegan {
                host,
                command,
                profile,
                ..
            } => self.found.restarts.push(ReplayedRestart {
                host: host.clone(),
                profile: profile.clone(),
                at,
                command: command.clone(),
                assumed: false,
            }),
            // A rehearsal is nobody's decision.
            Happened::RestartEnded { host, attempt, .. } if attempt.drill => {
                let restarts = &mut self.found.restarts;
                if let Some(place) = restarts.iter().rposition(|own| own.host == *host) {
                    restarts.remove(place);
                }
            }
            Happened::Held { host, hold, .. } => {
                self.found.holds.push((at, host.clone(), hold.clone()));
            }
            Happened::GaveUp { host, .. } => self.found.given_up.push((at, host.clone())),
            Happened::Queued { event, .. } if is_replayed(*event) => self.found.mail(*event),
            Happened::Queued { .. }
            | Happened::Skipped { .. }
            | Happened::Changed { .. }
            | Happened::Diagnosed { .. }
            | Happened::Merged { .. }
            | Happened::RestartEnded { .. }
            | Happened::Rearmed { .. }
            | Happened::Delivered { .. }
            | Happened::NetworkDown { .. }
            | Happened::NetworkBack { .. }
            | Happened::Unjudged { .. }
            | Happened::JudgedAgain { .. }
            | Happened::Damaged { .. }
            | Happened::Heartbeat { .. }
            | Happened::Unrecorded
            | Happened::Recorded => {}
        }
    }

    /// The incident of a profile that is open.
    pub(super) fn incident(&mut self, profile: &ProfileName) -> Option<&mut ReplayedIncident> {
        let place = self.open.get(profile)?;
        self.found.incidents.get_mut(*place)
    }
}

/// Whether messages of this kind follow from what is recorded.
const fn is_replayed(event: EventKind) -> bool {
    !matches!(
        event,
        EventKind::Certificate | EventKind::Report | EventKind::Test
    )
}

/// What was decided at the time, by the journal.
#[must_use]
pub fn recorded(notes: &[(Timestamp, Happened)]) -> Replayed {
    let mut heard = Heard::default();
    for (at, note) in notes {
        heard.take(*at, note);
    }
    heard.found
}
