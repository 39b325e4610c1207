//! A person's word that somebody has an outage (`probe ack`): people are not reminded of it. All else goes on: watching, restarts, and the
//! news of it.
//!
//! It is about one thread as it was then. It holds no more when its time is over, another cause is found, a further site went down in
//! that thread, or its host was given up since. A new outage is a new thread.

use serde::{Deserialize, Serialize};

use super::{Cause, Fleet, IncidentId, Telling, Timestamp};

/// That word, with what it was given about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ack {
    /// When it was given, by the wall clock.
    pub at: Timestamp,
    /// Until when it holds, by the wall clock; `None`: until something changes.
    pub until: Option<Timestamp>,
    /// Who has it, or what is waited for.
    pub reason: Option<String>,
    /// What was found last by then.
    pub cause: Cause,
    /// Whether the host had been given up by then.
    pub gave_up: bool,
}

impl Ack {
    /// That somebody has what is told in this thread, as it stands.
    #[must_use]
    pub fn of(
        telling: &Telling,
        at: Timestamp,
        until: Option<Timestamp>,
        reason: Option<String>,
    ) -> Self {
        Self {
            at,
            until,
            reason,
            cause: telling.latest.unwrap_or(telling.cause),
            gave_up: telling.gave_up,
        }
    }

    /// Whether it holds for this thread now.
    #[must_use]
    pub fn holds(&self, fleet: &Fleet, thread: &IncidentId) -> bool {
        let now = fleet.wall(fleet.now());
        if self.until.is_some_and(|until| until <= now) {
            return false;
        }
        let mut is_open = false;
        for track in fleet.profiles.values() {
            let (Some(incident), Some(telling)) = (&track.incident, &track.telling) else {
                continue;
            };
            if telling.thread != *thread {
                continue;
            }
            let as_it_was = telling.led
                || telling.gave_up == self.gave_up
                    && telling.latest.unwrap_or(telling.cause) == self.cause;
            if fleet.wall(incident.opened) > self.at || !as_it_was {
                return false;
            }
            is_open = true;
        }
        is_open
    }
}
