//! What goes into a decision and what comes out of it.
//!
//! [`Event`]s are all that the core learns (`Probed`), [`Effect`]s are what it orders (`Probe`), and [`Happened`] says
//! what happened (`Opened`): to the next room of rules and to observers. A [`Decision`] holds the new state with both
//! of these.

use std::time::Duration;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{
    Ack, Ailment, Approval, Attempt, AttemptId, Cause, CheckResult, Delivery, Diagnosis, Drills,
    EntryId, EventKind, Finding, Fleet, GivenUp, Hold, HostName, IncidentId, Observation, ProbeId,
    ProfileName, ProfileState, Reach, RecoveryReport, Rehearsal, Rung, Silence, Timestamp,
};

/// Whom an order of `probe pause` or `probe resume` concerns.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// Everything.
    All,
    /// The profile or host of this name.
    Named(String),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Named(name) => f.write_str(name),
        }
    }
}

/// A person's order to stop acting. Watching goes on.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Pause {
    /// Since when, on the wall clock.
    pub since: Option<Timestamp>,
    /// Until when, on the wall clock; `None`: until `probe resume`.
    pub until: Option<Timestamp>,
    /// Why.
    pub reason: Option<String>,
}

/// The run that may write the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holder {
    /// Its process number.
    pub pid: u32,
    /// Since when, on the wall clock.
    pub since: Timestamp,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let since = jiff::Timestamp::from_millisecond(self.since.0).unwrap_or_default();
        write!(
            f,
            "pid {}, since {}",
            self.pid,
            since.strftime("%Y-%m-%d %H:%M:%S UTC")
        )
    }
}

/// What people ordered, as it stands in the state directory.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Orders {
    /// By target (`all`, a profile, a host).
    pub pauses: BTreeMap<String, Pause>,
    /// Targets to re-arm.
    pub rearm: BTreeSet<String>,
    /// By host: the last word of a person that a proposed restart may begin.
    pub approvals: BTreeMap<String, Approval>,
    /// By host: the last word of a person that it is to be restarted for a rehearsal.
    pub rehearsals: BTreeMap<String, Rehearsal>,
    /// By thread: the last word of a person that somebody has what is told there.
    pub acks: BTreeMap<String, Ack>,
    /// What `probe drill` found last.
    pub drills: Drills,
}

/// How a run begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// `probe run`: every profile on its own interval.
    Daemon,
    /// `probe once`: what is due, with a slack of half an interval.
    Due,
    /// `probe once NAME…`: these, now.
    Named(BTreeSet<ProfileName>),
    /// The configuration was read again; nothing else changes.
    Reload,
}

/// What happened. Everything the core learns, it learns here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A run begins, or the configuration changed.
    Started(Start),
    /// The state was damaged and moved aside to this path (empty where nothing was left of it); its content is not
    /// known.
    Damaged(String),
    /// Time has passed, nothing else.
    Ticked,
    /// A profile's checks were run.
    Probed {
        /// Which run.
        probe: ProbeId,
        /// Of which profile.
        profile: ProfileName,
        /// One result per URL.
        checks: Vec<CheckResult>,
    },
    /// A profile's checks were run once more, with a browser's headers.
    ProbedAsBrowser {
        /// Which run.
        probe: ProbeId,
        /// Of which profile.
        profile: ProfileName,
        /// One result per URL.
        checks: Vec<CheckResult>,
    },
    /// The canaries were asked.
    CanaryProbed {
        /// Which run.
        probe: ProbeId,
        /// One of them answered.
        answered: bool,
        /// What was seen.
        detail: Finding,
    },
    /// A host's SSH port was tried.
    Reached {
        /// Which run.
        probe: ProbeId,
        /// Of which host.
        host: HostName,
        /// What it said.
        reach: Reach,
    },
    /// A host was looked at.
    Diagnosed {
        /// Which visit.
        probe: ProbeId,
        /// Of which host.
        host: HostName,
        /// What it found.
        diagnosis: Diagnosis,
    },
    /// An attempt ended.
    Recovered {
        /// On which host.
        host: HostName,
        /// Which attempt.
        attempt: AttemptId,
        /// How.
        report: RecoveryReport,
    },
    /// An order to restart was durable too late: its client was not started.
    Outdated {
        /// On which host.
        host: HostName,
        /// Which attempt.
        attempt: AttemptId,
        /// How old the order was.
        age: Duration,
    },
    /// A message was tried.
    Notified {
        /// Which.
        entry: EntryId,
        /// How it went.
        delivery: Delivery,
    },
    /// The outside watcher was told that we live.
    Beaten {
        /// `Ok` if it took the heartbeat, else what it said.
        heard: Result<(), String>,
    },
    /// A cycle of `probe once` has done all its work, or used up its time.
    Completed,
    /// The orders of people were read.
    Ordered(Orders),
    /// Orders of the last decision that were not carried out.
    TakenBack {
        /// Restarts that were ordered and not begun.
        attempts: Vec<(HostName, AttemptId)>,
        /// Messages that were ordered and not sent.
        entries: Vec<EntryId>,
        /// Whether the reason is that the decision could not be made durable; otherwise it is that the run ends.
        unwritable: bool,
    },
    /// A write succeeded again.
    Recorded,
}

/// An order to restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoverOrder {
    /// On which host.
    pub host: HostName,
    /// Which attempt.
    pub attempt: AttemptId,
    /// With which command.
    pub rung: Rung,
}

/// An order. Where `Decision::durable` says so, it is carried out only after the decision is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Run a profile's checks once.
    Probe {
        /// Which run.
        probe: ProbeId,
        /// Of which profile.
        profile: ProfileName,
    },
    /// Run a profile's checks once more, with a browser's headers.
    ProbeAsBrowser {
        /// Which run.
        probe: ProbeId,
        /// Of which profile.
        profile: ProfileName,
    },
    /// Ask the canaries.
    ProbeCanary {
        /// Which run.
        probe: ProbeId,
    },
    /// Try a TCP connect to a host's SSH port.
    Reach {
        /// Which run.
        probe: ProbeId,
        /// Of which host.
        host: HostName,
    },
    /// Look at a host: one read-only visit.
    Diagnose {
        /// Which visit.
        probe: ProbeId,
        /// To which host.
        host: HostName,
    },
    /// Restart.
    Recover(RecoverOrder),
    /// Try to deliver a message.
    Notify(EntryId),
    /// Tell the outside watcher that we live.
    Beat,
}

impl Effect {
    /// Whether it only looks, so that it need not wait for the decision to be durable.
    #[must_use]
    pub const fn looks(&self) -> bool {
        match self {
            Self::Probe { .. }
            | Self::ProbeAsBrowser { .. }
            | Self::ProbeCanary { .. }
            | Self::Reach { .. }
            | Self::Diagnose { .. } => true,
            Self::Recover(_) | Self::Notify(_) | Self::Beat => false,
        }
    }
}

/// What happened in a decision. The rules of one room tell it to those of the next, with times on the fleet's line;
/// observers (log, journal, terminal, metrics) get it with wall-clock times.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "note")]
pub enum Happened {
    /// A profile was probed and judged.
    Judged {
        /// Which.
        profile: ProfileName,
        /// What people see now.
        state: ProfileState,
        /// Failures in a row.
        failures: u32,
        /// What was found, if anything.
        cause: Option<Cause>,
        /// Whether it counted as well or as failed; `None` where it counted as neither.
        #[serde(skip)]
        well: Option<bool>,
    },
    /// Probes of a profile were due and not made: those before took too long, too many were in flight, or this machine
    /// was asleep.
    Skipped {
        /// Which.
        profile: ProfileName,
        /// How many since this was last said.
        count: u32,
    },
    /// A profile's state changed.
    Changed {
        /// Which.
        profile: ProfileName,
        /// From.
        from: ProfileState,
        /// To.
        to: ProfileState,
        /// What was found.
        cause: Option<Cause>,
        /// What was seen.
        seen: Vec<Observation>,
    },
    /// An incident was opened.
    Opened {
        /// Which.
        incident: IncidentId,
        /// Of which profile.
        profile: ProfileName,
        /// Since when it fails. Earlier versions did not record it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        since: Option<Timestamp>,
        /// What was found.
        cause: Cause,
    },
    /// An incident was closed.
    Closed {
        /// Which.
        incident: IncidentId,
        /// Of which profile.
        profile: ProfileName,
        /// Since when it had failed.
        since: Timestamp,
        /// Restarts in it.
        restarts: u32,
        /// All that was done in it; for the rules alone.
        #[serde(skip)]
        attempts: Vec<Attempt>,
    },
    /// A host was looked at.
    Diagnosed {
        /// Which.
        host: HostName,
        /// What is wrong, by the rule table; `None` where nothing was found out.
        ailment: Option<Ailment>,
        /// What was found.
        diagnosis: Diagnosis,
    },
    /// A restart was ordered.
    RestartBegan {
        /// On which host.
        host: HostName,
        /// Which.
        attempt: AttemptId,
        /// From 1.
        number: u32,
        /// The command.
        command: String,
        /// The profile on whose evidence.
        profile: ProfileName,
    },
    /// A message that nobody can have got was dropped, because another one tells the same.
    Merged {
        /// The one that was dropped.
        entry: EntryId,
        /// The one that tells the same.
        into: EntryId,
    },
    /// A restart ended.
    RestartEnded {
        /// On which host.
        host: HostName,
        /// How; `report` is there.
        attempt: Attempt,
        /// Probes count again from then on.
        counts_from: Option<Timestamp>,
    },
    /// A host is down and not restarted.
    Held {
        /// Which.
        host: HostName,
        /// Why.
        hold: Hold,
        /// Whether it was held for a reason of this kind before; for the rules alone.
        #[serde(skip)]
        again: bool,
        /// Whether it has now lasted for [`limits::HOLD_LASTS`](super::limits::HOLD_LASTS); for the rules alone.
        #[serde(skip)]
        lasts: bool,
    },
    /// We gave up on a host.
    GaveUp {
        /// Which.
        host: HostName,
        /// Why.
        reason: GivenUp,
    },
    /// A host was re-armed, by a person or by proven health.
    Rearmed {
        /// Which.
        host: HostName,
    },
    /// A message was queued.
    Queued {
        /// Which.
        entry: EntryId,
        /// What.
        event: EventKind,
        /// To whom.
        to: String,
    },
    /// A message was tried.
    Delivered {
        /// Which.
        entry: EntryId,
        /// What.
        event: EventKind,
        /// To whom.
        to: String,
        /// How it went.
        delivery: Delivery,
    },
    /// Our own network went down.
    NetworkDown {
        /// What the canaries said.
        detail: Finding,
    },
    /// Our own network is back.
    NetworkBack {
        /// Since when it was down.
        since: Timestamp,
        /// Whether some profile could not be judged meanwhile; for the rules alone.
        #[serde(skip)]
        blinded: bool,
    },
    /// A profile has not been judged for too long, through our own fault.
    Unjudged {
        /// Which.
        profile: ProfileName,
        /// Since when.
        since: Timestamp,
        /// Why.
        detail: Finding,
    },
    /// It is judged again.
    JudgedAgain {
        /// Which.
        profile: ProfileName,
        /// Since when it was not.
        since: Timestamp,
        /// The thread in which people were told of it, if they were; for the rules alone.
        #[serde(skip)]
        told: Option<IncidentId>,
        /// Whether it fails now; for the rules alone.
        #[serde(skip)]
        failed: bool,
    },
    /// The state was damaged and moved aside.
    Damaged {
        /// To where; empty where nothing was left of it.
        path: String,
    },
    /// The reason why the outside watcher does not hear from us has changed, or is gone.
    Heartbeat {
        /// Why.
        silence: Option<Silence>,
    },
    /// A decision could not be made durable.
    Unrecorded,
    /// Writing works again.
    Recorded,
}

impl Happened {
    /// Turns it into what observers get, with times as people's clocks showed them. Returns `false` for what only the
    /// rules need to know.
    pub fn for_observers(&mut self, wall: impl Fn(Timestamp) -> Timestamp) -> bool {
        match self {
            Self::Closed {
                since, attempts, ..
            } => {
                *since = wall(*since);
                attempts.clear();
            }
            Self::Opened { since, .. } => *since = since.map(wall),
            Self::Held { again: true, .. } | Self::JudgedAgain { told: None, .. } => return false,
            Self::Held { hold, .. } => *hold = hold.clone().shifted(wall),
            Self::RestartEnded {
                attempt,
                counts_from,
                ..
            } => {
                *attempt = attempt.shifted(&wall);
                *counts_from = counts_from.map(wall);
            }
            Self::NetworkBack { since, .. }
            | Self::Unjudged { since, .. }
            | Self::JudgedAgain { since, .. } => *since = wall(*since),
            Self::Judged { .. }
            | Self::Skipped { .. }
            | Self::Changed { .. }
            | Self::Diagnosed { .. }
            | Self::RestartBegan { .. }
            | Self::Merged { .. }
            | Self::GaveUp { .. }
            | Self::Rearmed { .. }
            | Self::Queued { .. }
            | Self::Delivered { .. }
            | Self::NetworkDown { .. }
            | Self::Damaged { .. }
            | Self::Heartbeat { .. }
            | Self::Unrecorded
            | Self::Recorded => {}
        }
        true
    }
}

/// What follows from an event.
#[derive(Debug, Clone)]
pub struct Decision {
    /// All we remember now.
    pub fleet: Fleet,
    /// What is to be done, in order.
    pub effects: Vec<Effect>,
    /// What happened, in order.
    pub happened: Vec<Happened>,
    /// Whether the fleet must be durable before the effects are carried out. Otherwise it may be written later.
    pub durable: bool,
}
