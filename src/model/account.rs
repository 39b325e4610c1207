//! The answer of `probe why`: what the rules say of one host at one moment, and everything they looked at.

use std::time::Duration;

use super::{
    Cause, Finding, GivenUp, Hold, HostName, Look, NotEvidence, ProfileName, ProfileState,
    Timestamp,
};

/// What the rules say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standpoint {
    /// Nothing is down: there is nothing to do.
    Calm,
    /// Something is down, and this keeps the host from being restarted.
    Held(Hold),
    /// We give up on the host for this reason: a person must look.
    GivesUp(GivenUp),
    /// Nothing is in the way of a restart, on the evidence of this profile.
    Acts(ProfileName),
}

/// One profile of the host, as the rules see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    /// Which.
    pub profile: ProfileName,
    /// What people see.
    pub state: ProfileState,
    /// Since when it fails, when it does.
    pub failing_since: Option<Timestamp>,
    /// Failures in a row.
    pub failures: u32,
    /// Failures in a row that a restart may rest on.
    pub evidence: u32,
    /// How many are needed.
    pub threshold: u32,
    /// What the last one found.
    pub cause: Option<Cause>,
    /// That cause is among the host's `restart.causes`.
    pub listed: bool,
    /// Why its failure is no evidence, although its cause is listed.
    pub not_evidence: Option<NotEvidence>,
    /// The evidence is complete, and young enough.
    pub proven: bool,
    /// Why the last verdict was unknown.
    pub unknown: Option<Box<Finding>>,
    /// Since when it cannot be judged, through our own fault.
    pub unjudged_since: Option<Timestamp>,
    /// Its maintenance window is open until then.
    pub window: Option<Timestamp>,
    /// A person's pause covers it.
    pub paused: bool,
}

/// What is allowed and what is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// Used up.
    pub spent: u32,
    /// Allowed.
    pub of: u32,
    /// Within this window.
    pub per: Duration,
    /// When the next one is free, while none is.
    pub free_at: Option<Timestamp>,
}

/// The whole answer. Instants are on the fleet's line of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Of which host.
    pub host: HostName,
    /// What the rules say now.
    pub standpoint: Standpoint,
    /// Every profile watched on it.
    pub witnesses: Vec<Witness>,
    /// How many profiles with complete evidence a restart needs (`restart.when`).
    pub needed: usize,
    /// Its budget.
    pub budget: Allowance,
    /// The budget of all hosts together.
    pub fleet_budget: Allowance,
    /// Attempts since it was last proven healthy.
    pub attempts: u32,
    /// Attempts before giving up.
    pub give_up_after: u32,
    /// The command of the next attempt.
    pub command: String,
    /// The last look at it.
    pub look: Option<Look>,
    /// When the backoff after the last attempt ends.
    pub not_before: Option<Timestamp>,
    /// Failures that began before this do not count.
    pub evidence_from: Timestamp,
    /// When a canary last answered; `None`: never, or there are none.
    pub canary: Option<Timestamp>,
    /// Canaries are configured.
    pub has_canaries: bool,
    /// The first moment at which every wait with a known end is over; `None` where a wait has no known end.
    pub may_act_at: Option<Timestamp>,
}
