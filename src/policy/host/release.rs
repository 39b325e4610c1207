//! Orders to restart that are not carried out after all.
//!
//! An order that is [`limits::ORDER_FRESH`] old when it is durable is not begun. That says nothing of the host.

use std::time::Duration;

use crate::model::{
    AttemptId, Event, Fleet, HostName, Reason, RecoverOrder, RecoveryOutcome, RecoveryReport,
    Stage, limits,
};

use crate::policy::draft::Draft;
use crate::policy::host::attempt::{ended, lost};

/// What may become of an order once it is durable.
#[derive(Debug)]
pub enum Release {
    /// It is carried out if its client starts within this time.
    Within(Duration),
    /// It is too old: nothing is begun, and the rules get this event instead.
    Late(Event),
    /// Its host no longer waits for it.
    Overtaken,
}

/// Whether an order that is durable may still be carried out, at the time of the last step.
#[must_use]
pub fn release(fleet: &Fleet, order: &RecoverOrder) -> Release {
    let track = fleet.hosts.get(&order.host);
    let awaited = track.filter(|track| {
        matches!(track.stage, Stage::Restarting { attempt, .. } if attempt == order.attempt)
    });
    let last = awaited.and_then(|track| track.last.as_ref());
    let Some(attempt) = last.filter(|attempt| attempt.id == order.attempt) else {
        return Release::Overtaken;
    };
    let age = fleet.now().since(attempt.began);
    match limits::ORDER_FRESH.checked_sub(age) {
        Some(left) if !left.is_zero() => Release::Within(left),
        Some(_) | None => Release::Late(Event::Outdated {
            host: order.host.clone(),
            attempt: order.attempt,
            age,
        }),
    }
}

/// An attempt was not begun, because its order was durable too late.
pub(in crate::policy) fn outdated(
    draft: &mut Draft<'_>,
    name: &HostName,
    attempt: AttemptId,
    age: Duration,
) {
    let reason = Reason::WrittenLate {
        seconds: age.as_secs().to_string(),
    };
    let report = RecoveryReport {
        outcome: RecoveryOutcome::NotExecuted,
        ..lost(reason)
    };
    ended(draft, name, attempt, report);
}
