//! How a run on a host ended: outcome, exit status, reason.

use crate::model::{Reason, RecoveryOutcome, limits};

/// How a run on a host ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) outcome: RecoveryOutcome,
    pub(super) exit_status: Option<i32>,
    pub(super) reason: Option<Reason>,
}

impl Verdict {
    /// An end without an exit status always has a reason.
    pub(super) fn without_status(outcome: RecoveryOutcome, reason: Reason) -> Self {
        Self {
            outcome,
            exit_status: None,
            reason: Some(reason.cut(limits::DETAIL_CHARS)),
        }
    }
}
