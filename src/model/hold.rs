//! Why a host that is down is not restarted now. Not acting always has a reason, and the reason is shown.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Ailment, Cause, GivenUp, HostName, NotEvidence, ProfileName, Reason, Timestamp};

/// A reason not to act. Instants are on the fleet's own line of time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "hold")]
pub enum Hold {
    /// No profile of the host has enough failures in a row yet.
    NotConfirmed {
        /// Most failures in a row that count for a restart.
        failures: u32,
        /// How many are needed.
        threshold: u32,
    },
    /// The cause is not among those the host is restarted for.
    CauseExcluded {
        /// What was found.
        cause: Cause,
    },
    /// What fails does not show that this host's own server is at fault.
    NotEvidence {
        /// The profile that fails so.
        profile: ProfileName,
        /// Why not.
        why: NotEvidence,
    },
    /// `restart.when`: other sites of the host still answer.
    NotEnoughDown {
        /// Down.
        down: usize,
        /// Needed.
        needed: usize,
        /// Watched on this host.
        watched: usize,
    },
    /// A person paused it.
    Paused {
        /// Until when, on the wall clock; `None`: until `probe resume`.
        until: Option<Timestamp>,
        /// Why.
        reason: Option<String>,
    },
    /// People work on a site of this host: its maintenance window is open.
    Window {
        /// Whose.
        profile: ProfileName,
        /// Until when.
        until: Timestamp,
    },
    /// The state was damaged and moved aside: how much of the budget is spent is not known.
    Quarantine {
        /// Until when.
        until: Timestamp,
    },
    /// The order could not be made durable.
    StateUnwritable,
    /// No canary answers: our own network is down.
    NetworkDown,
    /// A canary is being asked.
    AwaitingCanary,
    /// The wait is over, but a probe of the site is in flight: its result comes first.
    AwaitingProbe,
    /// A restart of this host is under way.
    Restarting,
    /// A restart ended; its effect is awaited.
    Settling {
        /// Until when.
        until: Timestamp,
    },
    /// Too soon after the last attempt.
    Backoff {
        /// Until when.
        until: Timestamp,
    },
    /// The host's budget is spent.
    Budget {
        /// Allowed restarts.
        restarts: u32,
        /// In this window.
        per: Duration,
        /// Until when.
        until: Timestamp,
    },
    /// Another host is in restart.
    FleetBusy {
        /// Which.
        host: HostName,
    },
    /// All hosts together were restarted too often.
    FleetBudget {
        /// Allowed restarts.
        #[serde(default)]
        restarts: usize,
        /// Until when.
        until: Timestamp,
    },
    /// So many hosts failing together points at something they share, perhaps at us.
    MassFailure {
        /// Failing.
        failing: usize,
        /// Of so many.
        hosts: usize,
    },
    /// Restarts of several hosts that failed together did not help; `probe resume all` lets restarts happen again.
    BrakeLatched,
    /// The host is being looked at first.
    AwaitingFacts,
    /// Nobody can log in, so nothing can be sent.
    SshUnreachable {
        /// What was seen.
        reason: Reason,
        /// When it is tried again.
        until: Timestamp,
    },
    /// The login was refused.
    LoginRefused {
        /// What was seen.
        reason: Reason,
        /// When it is tried again.
        until: Timestamp,
    },
    /// The look at the host failed in a way that speaks against a restart.
    Unseen {
        /// What was seen.
        reason: Reason,
        /// When it is looked at again.
        until: Timestamp,
    },
    /// What the host says of itself speaks against a restart.
    Ailing {
        /// What is wrong.
        ailment: Ailment,
        /// The facts that say so, as `key=value`.
        because: Vec<String>,
        /// When it is looked at again.
        until: Timestamp,
    },
    /// Everything speaks for a restart, and `mode: ask` leaves it to a person.
    Proposed {
        /// What would be run.
        command: String,
        /// Until when it may be approved as it is.
        until: Timestamp,
    },
    /// A person must look; `probe resume` re-arms.
    GaveUp {
        /// Why.
        reason: GivenUp,
    },
}

impl Hold {
    /// The stable word of `reason` in JSON and of the metric's label.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::NotConfirmed { .. } => "not_confirmed",
            Self::CauseExcluded { .. } => "cause_excluded",
            Self::NotEvidence { why, .. } => why.word(),
            Self::NotEnoughDown { .. } => "not_enough_down",
            Self::Paused { .. } => "paused",
            Self::Window { .. } => "maintenance_window",
            Self::Quarantine { .. } => "quarantine",
            Self::StateUnwritable => "state_unwritable",
            Self::NetworkDown => "network_down",
            Self::AwaitingCanary => "awaiting_canary",
            Self::AwaitingProbe => "awaiting_probe",
            Self::Restarting => "restarting",
            Self::Settling { .. } => "settling",
            Self::Backoff { .. } => "backoff",
            Self::Budget { .. } => "budget",
            Self::FleetBusy { .. } => "fleet_busy",
            Self::FleetBudget { .. } => "fleet_budget",
            Self::MassFailure { .. } => "mass_failure",
            Self::BrakeLatched => "brake_latched",
            Self::AwaitingFacts => "awaiting_facts",
            Self::SshUnreachable { .. } => "ssh_unreachable",
            Self::LoginRefused { .. } => "login_refused",
            Self::Unseen { .. } => "host_unseen",
            Self::Ailing { ailment, .. } => ailment.word(),
            Self::Proposed { .. } => "proposed",
            Self::GaveUp { .. } => "gave_up",
        }
    }

    /// Whether it is a step before or in a restart, rather than the refusal of a restart that was due.
    #[must_use]
    pub const fn is_step(&self) -> bool {
        match self {
            Self::NotConfirmed { .. }
            | Self::AwaitingCanary
            | Self::AwaitingProbe
            | Self::AwaitingFacts
            | Self::Restarting
            | Self::Settling { .. } => true,
            Self::CauseExcluded { .. }
            | Self::NotEvidence { .. }
            | Self::NotEnoughDown { .. }
            | Self::Paused { .. }
            | Self::Window { .. }
            | Self::Quarantine { .. }
            | Self::StateUnwritable
            | Self::NetworkDown
            | Self::Backoff { .. }
            | Self::Budget { .. }
            | Self::FleetBusy { .. }
            | Self::FleetBudget { .. }
            | Self::MassFailure { .. }
            | Self::BrakeLatched
            | Self::SshUnreachable { .. }
            | Self::LoginRefused { .. }
            | Self::Unseen { .. }
            | Self::Ailing { .. }
            | Self::Proposed { .. }
            | Self::GaveUp { .. } => false,
        }
    }

    /// Whether people get a `withheld` mail: a restart was due, and the hold does not end in a moment.
    #[must_use]
    pub const fn is_told(&self) -> bool {
        match self {
            Self::Paused { .. }
            | Self::Quarantine { .. }
            | Self::Budget { .. }
            | Self::FleetBudget { .. }
            | Self::SshUnreachable { .. }
            | Self::LoginRefused { .. }
            | Self::Unseen { .. }
            | Self::MassFailure { .. }
            | Self::BrakeLatched
            | Self::Proposed { .. } => true,
            Self::Ailing { ailment, .. } => !ailment.passes(),
            Self::NotConfirmed { .. }
            | Self::CauseExcluded { .. }
            | Self::NotEvidence { .. }
            | Self::NotEnoughDown { .. }
            | Self::Window { .. }
            | Self::StateUnwritable
            | Self::NetworkDown
            | Self::AwaitingCanary
            | Self::AwaitingProbe
            | Self::AwaitingFacts
            | Self::Restarting
            | Self::Settling { .. }
            | Self::Backoff { .. }
            | Self::FleetBusy { .. }
            | Self::GaveUp { .. } => false,
        }
    }

    /// Whether it waits for an answer that comes within seconds.
    #[must_use]
    pub const fn is_question(&self) -> bool {
        matches!(
            self,
            Self::AwaitingFacts | Self::AwaitingCanary | Self::AwaitingProbe
        )
    }

    /// Whether the host is to be looked at: before a restart, and already one failure before it is due, so that the
    /// restart does not wait for the look.
    #[must_use]
    pub const fn asks_for_facts(&self) -> bool {
        match self {
            Self::AwaitingFacts => true,
            Self::NotConfirmed {
                failures,
                threshold,
            } => *failures > 0 && *failures + 1 >= *threshold,
            Self::CauseExcluded { .. }
            | Self::NotEvidence { .. }
            | Self::NotEnoughDown { .. }
            | Self::Paused { .. }
            | Self::Window { .. }
            | Self::Quarantine { .. }
            | Self::StateUnwritable
            | Self::NetworkDown
            | Self::AwaitingCanary
            | Self::AwaitingProbe
            | Self::Restarting
            | Self::Settling { .. }
            | Self::Backoff { .. }
            | Self::Budget { .. }
            | Self::FleetBusy { .. }
            | Self::FleetBudget { .. }
            | Self::MassFailure { .. }
            | Self::BrakeLatched
            | Self::SshUnreachable { .. }
            | Self::LoginRefused { .. }
            | Self::Unseen { .. }
            | Self::Ailing { .. }
            | Self::Proposed { .. }
            | Self::GaveUp { .. } => false,
        }
    }

    /// When it ends by itself, on the fleet's line of time, where that is known.
    #[must_use]
    pub const fn until(&self) -> Option<Timestamp> {
        match self {
            Self::Window { until, .. }
            | Self::Quarantine { until }
            | Self::Settling { until }
            | Self::Backoff { until }
            | Self::Budget { until, .. }
            | Self::SshUnreachable { until, .. }
            | Self::LoginRefused { until, .. }
            | Self::Unseen { until, .. }
            | Self::Ailing { until, .. }
            | Self::Proposed { until, .. }
            | Self::FleetBudget { until, .. } => Some(*until),
            Self::NotConfirmed { .. }
            | Self::CauseExcluded { .. }
            | Self::NotEvidence { .. }
            | Self::NotEnoughDown { .. }
            | Self::Paused { .. }
            | Self::StateUnwritable
            | Self::NetworkDown
            | Self::AwaitingCanary
            | Self::AwaitingProbe
            | Self::AwaitingFacts
            | Self::Restarting
            | Self::FleetBusy { .. }
            | Self::MassFailure { .. }
            | Self::BrakeLatched
            | Self::GaveUp { .. } => None,
        }
    }

    /// The same hold with its end moved to another line of time; a pause's end is on the wall clock already.
    #[must_use]
    pub fn shifted(mut self, to: impl Fn(Timestamp) -> Timestamp) -> Self {
        match &mut self {
            Self::Window { until, .. }
            | Self::Quarantine { until }
            | Self::Settling { until }
            | Self::Backoff { until }
            | Self::Budget { until, .. }
            | Self::SshUnreachable { until, .. }
            | Self::LoginRefused { until, .. }
            | Self::Unseen { until, .. }
            | Self::Ailing { until, .. }
            | Self::Proposed { until, .. }
            | Self::FleetBudget { until, .. } => *until = to(*until),
            Self::NotConfirmed { .. }
            | Self::CauseExcluded { .. }
            | Self::NotEvidence { .. }
            | Self::NotEnoughDown { .. }
            | Self::Paused { .. }
            | Self::StateUnwritable
            | Self::NetworkDown
            | Self::AwaitingCanary
            | Self::AwaitingProbe
            | Self::AwaitingFacts
            | Self::Restarting
            | Self::FleetBusy { .. }
            | Self::MassFailure { .. }
            | Self::BrakeLatched
            | Self::GaveUp { .. } => {}
        }
        self
    }
}
