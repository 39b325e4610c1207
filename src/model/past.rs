//! How restarts held, and the share of time in which a site was up: the arithmetic that mails, the weekly report and
//! `probe history` share.
//!
//! A restart holds from the end of the first incident that closes after it until the host's next incident begins. One
//! that was not carried out is no restart and has no [`Past`].

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Ailment, Timestamp};

/// How a restart held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Held {
    /// Not at all: the site did not come back.
    No,
    /// For so long, until something failed again.
    For(Duration),
    /// For so long until now, and it still holds.
    Still(Duration),
}

/// How one restart of a host went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Past {
    /// When it was ordered.
    pub began: Timestamp,
    /// What the facts said was wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ailment: Option<Ailment>,
    /// When the first incident after it was over.
    pub back: Option<Timestamp>,
    /// When the next one began.
    pub again: Option<Timestamp>,
}

impl Past {
    /// A restart that begins.
    #[must_use]
    pub const fn new(began: Timestamp, ailment: Option<Ailment>) -> Self {
        Self {
            began,
            ailment,
            back: None,
            again: None,
        }
    }

    /// An incident of one of the host's profiles is over.
    pub fn ended(&mut self, now: Timestamp) {
        self.back.get_or_insert(now);
    }

    /// An incident of one of the host's profiles was opened; it fails since `since`.
    pub fn relapsed(&mut self, since: Timestamp) {
        if self.back.is_some() {
            self.again.get_or_insert(since);
        }
    }

    /// How it held, up to now.
    #[must_use]
    pub fn held(&self, now: Timestamp) -> Held {
        match (self.back, self.again) {
            (None, _) => Held::No,
            (Some(back), Some(again)) => Held::For(again.since(back)),
            (Some(back), None) => Held::Still(now.since(back)),
        }
    }

    /// Whether it was needed, by the facts and by what came of it; `None` where nobody can say.
    #[must_use]
    pub fn needed(&self, now: Timestamp) -> Option<bool> {
        self.ailment?.needed_restart(self.held(now) != Held::No)
    }
}

/// The share of the judged time in which a site was not down, in hundredths of a per cent. It is rounded down, so a site
/// that was down never shows 100 %. `None` if it was never judged.
#[must_use]
pub fn uptime(judged: Duration, down: Duration) -> Option<u32> {
    let (judged, down) = (judged.as_millis(), down.as_millis());
    let up = judged.saturating_sub(down).saturating_mul(10_000);
    // A site also counts as down while probe does not run, so `down` can exceed `judged`.
    let whole = judged.max(down);
    up.checked_div(whole)
        .and_then(|share| u32::try_from(share).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_down_was_not_up_for_all_the_time() {
        let week = Duration::from_secs(7 * 86_400);
        assert_eq!(uptime(week, Duration::ZERO), Some(10_000));
        assert_eq!(uptime(week, Duration::from_secs(1)), Some(9_999));
        assert_eq!(uptime(week, week), Some(0));
        assert_eq!(uptime(Duration::ZERO, week), Some(0));
        assert_eq!(uptime(Duration::ZERO, Duration::ZERO), None, "never judged");
    }

    #[test]
    fn a_restart_holds_from_an_end_to_the_next_beginning() {
        let at = |minutes: i64| Timestamp(minutes * 60_000);
        let minutes = |n: u64| Duration::from_secs(60 * n);
        let mut past = Past::new(at(1), Some(Ailment::ApplicationError));
        past.relapsed(at(2));
        assert_eq!(
            (past.held(at(9)), past.needed(at(9))),
            (Held::No, Some(false))
        );
        past.ended(at(3));
        past.ended(at(4));
        assert_eq!(past.held(at(9)), Held::Still(minutes(6)));
        past.relapsed(at(5));
        past.relapsed(at(6));
        assert_eq!(past.held(at(9)), Held::For(minutes(2)));
        assert_eq!(past.needed(at(9)), Some(true));
    }
}
