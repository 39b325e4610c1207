//! Which relay did not work lately: it is asked after the others for [`limits::RELAY_DISTRUST`], and never left out.
//!
//! A relay fails when there is no session with it: no connection, no TLS, no login, silence, or 421, with which it says so
//! itself. An answer about one mail, be it greylisting or a refusal, is no failure. A relay that works again stands at its
//! place at once. The memory is the process's own, and a relay whose settings change is a new one.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::model::Route;

/// Relays that are remembered; more than one configuration may name.
const KEPT: usize = 32;

/// What is remembered of relays.
#[derive(Debug, Clone)]
pub(super) struct Trust {
    distrust: Duration,
    failed: Arc<Mutex<Vec<(Route, Instant)>>>,
}

impl Trust {
    /// Nothing remembered; a failure counts so long.
    pub(super) fn new(distrust: Duration) -> Self {
        Self {
            distrust,
            failed: Arc::default(),
        }
    }

    /// The relays as they are to be asked: in their order, those that failed lately last.
    pub(super) fn order<'a>(&self, routes: &'a [Route], now: Instant) -> Vec<&'a Route> {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.retain(|(_, at)| now.saturating_duration_since(*at) < self.distrust);
        let doubtful = |route: &&Route| failed.iter().any(|(known, _)| known == *route);
        let (last, first): (Vec<_>, Vec<_>) = routes.iter().partition(doubtful);
        first.into_iter().chain(last).collect()
    }

    /// Remembers how a session went.
    pub(super) fn learn(&self, route: &Route, worked: bool, now: Instant) {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.retain(|(known, _)| known != route);
        if !worked {
            failed.truncate(KEPT - 1);
            failed.insert(0, (route.clone(), now));
        }
    }
}
