//! The parts of a restart: backoff, budget, the rungs of the ladder, and one attempt with its outcome.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Ailment, AttemptId, Hold, HostName, Reason, Timestamp, fnv1a, limits};

/// Exponential backoff between restarts of one host.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Backoff {
    /// After the first attempt.
    pub initial: Duration,
    /// Each further attempt waits this many times longer.
    pub factor: f64,
    /// Never longer than this, before jitter.
    pub max: Duration,
}

impl Backoff {
    /// The wait after `attempts` attempts (at least one) without jitter: monotone in `attempts`, never above `max`.
    #[must_use]
    pub fn plain(&self, attempts: u32) -> Duration {
        let exponent = i32::try_from(attempts.saturating_sub(1)).unwrap_or(i32::MAX);
        let seconds =
            (self.initial.as_secs_f64() * self.factor.powi(exponent)).min(self.max.as_secs_f64());
        Duration::try_from_secs_f64(seconds)
            .unwrap_or(self.max)
            .min(self.max)
    }

    /// The wait with jitter of ±20 %, never below [`limits::RESTART_FLOOR`].
    ///
    /// The jitter is a hash of host and attempt, not a random number: the same state decides the same, in every process.
    #[must_use]
    pub fn wait(&self, host: &HostName, attempt: AttemptId, attempts: u32) -> Duration {
        let hash = fnv1a([host.as_str().as_bytes(), &attempt.0.to_be_bytes()]);
        let share = 80 + u32::try_from(hash % 41).unwrap_or(20);
        (self.plain(attempts) * share / 100).max(limits::RESTART_FLOOR)
    }
}

/// How many restarts of one host a window of time allows, counted over every process that shares the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// How many.
    pub restarts: u32,
    /// In how much time.
    pub per: Duration,
}

impl Budget {
    /// Restarts begun within the window that ends now.
    #[must_use]
    pub fn spent(&self, starts: &[Timestamp], now: Timestamp) -> u32 {
        u32::try_from(
            starts
                .iter()
                .filter(|start| now.since(**start) < self.per)
                .count(),
        )
        .unwrap_or(u32::MAX)
    }

    /// When a spent budget allows the next restart; `None` while the budget is not spent.
    #[must_use]
    pub fn free_at(&self, starts: &[Timestamp], now: Timestamp) -> Option<Timestamp> {
        let mut counted: Vec<Timestamp> = starts
            .iter()
            .copied()
            .filter(|start| now.since(*start) < self.per)
            .collect();
        counted.sort_unstable();
        let surplus = counted.len().checked_sub(self.restarts as usize)?;
        counted.get(surplus).map(|start| *start + self.per)
    }
}

/// One rung of the ladder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rung {
    /// A command, run on the host over SSH.
    Remote(String),
    /// A program, run on the watching machine without a shell: a call to the provider that owns the machine.
    Local(Vec<String>),
}

impl Default for Rung {
    fn default() -> Self {
        Self::Remote(String::new())
    }
}

impl fmt::Display for Rung {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Remote(command) => f.write_str(command),
            Self::Local(words) => write!(f, "here: {}", words.join(" ")),
        }
    }
}

impl Rung {
    /// Whether it may take the whole machine down: a local program, or a command with a word such as `reboot`.
    #[must_use]
    pub fn reboots(&self) -> bool {
        const WORDS: [&str; 7] = [
            "reboot",
            "shutdown",
            "poweroff",
            "halt",
            "kexec",
            "init 6",
            "sysrq-trigger",
        ];
        match self {
            Self::Remote(command) => WORDS.iter().any(|word| command.contains(word)),
            Self::Local(_) => true,
        }
    }
}

/// Who starts a restart that the rules permit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// `probe` itself.
    #[default]
    Auto,
    /// A person, by `probe approve`.
    Ask,
}

/// A restart that waits for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// Which: an approval names it, so that it allows no other one.
    pub id: AttemptId,
    /// Until when it may be approved.
    pub until: Timestamp,
}

/// A person's word that a proposed restart may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// The proposal.
    pub id: AttemptId,
    /// When it was given, by the wall clock.
    pub at: Timestamp,
}

/// A person's order to restart a host that is well, to see that it comes back (`probe drill --restart`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rehearsal {
    /// When it was given, by the wall clock: it names the order, which is answered once.
    pub at: Timestamp,
}

/// What became of such an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rehearsed {
    /// When the order was given.
    pub at: Timestamp,
    /// The restart that it led to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<AttemptId>,
    /// Why it led to none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<Hold>,
}

/// How many of a host's profiles must be down before it is restarted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// One, if the server itself is gone; if it still answers some, all that have a vote.
    Auto,
    /// One.
    Any,
    /// All.
    All,
    /// So many.
    Count(u32),
    /// So many per cent, 1 to 100, rounded up.
    Percent(u8),
}

impl When {
    /// How many of `watched` profiles must be down; `auto` is what [`When::Auto`] needs now.
    #[must_use]
    pub fn needed(self, watched: usize, auto: usize) -> usize {
        match self {
            Self::Any => 1,
            Self::Auto => auto,
            Self::All => watched,
            Self::Count(count) => count as usize,
            Self::Percent(share) => (watched * usize::from(share)).div_ceil(100).max(1),
        }
    }
}

/// Marks the place where the middle of an output was left out; the number of missing bytes stands before it.
pub const LEFT_OUT: &str = "bytes left out …";

/// How an attempt ended. Exit 0 is `Succeeded`, but only probes decide that the site is back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecoveryOutcome {
    /// The command exited 0.
    Succeeded,
    /// The command exited with another status.
    Failed,
    /// The command did not end within its limit; it may still be running.
    TimedOut,
    /// The command was never sent: refused, no login, no `ssh`. Nothing happened on the host.
    NotExecuted,
    /// The command was sent and its end was not seen: connection lost, killed by a signal, our own crash.
    Unknown,
    /// The command was not sent, and will not be before a person has acted: host key unknown or changed, key not
    /// accepted.
    Refused,
    /// The agent on the host refused: too many restarts, out of resources, a restart is running. Nothing was restarted.
    Declined,
}

impl RecoveryOutcome {
    /// The stable word of the JSON key.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::TimedOut => "timed_out",
            Self::NotExecuted => "not_executed",
            Self::Unknown => "unknown",
            Self::Refused | Self::Declined => "refused",
        }
    }

    /// Whether something may have happened on the host.
    #[must_use]
    pub const fn touched_host(self) -> bool {
        match self {
            Self::Succeeded | Self::Failed | Self::TimedOut | Self::Unknown => true,
            Self::NotExecuted | Self::Refused | Self::Declined => false,
        }
    }
}

/// What came back from an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryReport {
    /// How it ended.
    pub outcome: RecoveryOutcome,
    /// Exit status of the remote command, 255 included, when it was seen.
    pub exit_status: Option<i32>,
    /// From the start of the client to its end.
    pub duration: Duration,
    /// Why. Empty after a plain exit.
    pub reason: Option<Reason>,
    /// The command's output, cleaned of control characters and capped.
    pub output: String,
    /// The server said that its own configuration is broken.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub config_broken: bool,
}

/// One restart that was ordered: written before the connection is opened, completed afterwards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Its number.
    pub id: AttemptId,
    /// Which attempt since the host was last proven healthy, from 1.
    pub number: u32,
    /// The command.
    pub command: String,
    /// What the facts said was wrong, when it was ordered on facts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ailment: Option<Ailment>,
    /// It was ordered although most hosts failed together: a look had shown that the server does not run.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub braked: bool,
    /// A person ordered it while the host was well, to see that it comes back: it counts for the budget, and neither towards giving up
    /// nor for what restarts of the host teach.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub drill: bool,
    /// When it was ordered.
    pub began: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// What came back.
    pub report: Option<RecoveryReport>,
}

impl Attempt {
    /// Drops the oldest beyond [`limits::ATTEMPTS_KEPT`], and the output of all but the last [`limits::OUTPUTS_KEPT`].
    pub fn keep_within_limits(attempts: &mut Vec<Self>) {
        let surplus = attempts.len().saturating_sub(limits::ATTEMPTS_KEPT);
        attempts.drain(..surplus);
        let older = attempts.len().saturating_sub(limits::OUTPUTS_KEPT);
        for old in attempts.iter_mut().take(older) {
            if let Some(report) = &mut old.report {
                report.output.clear();
            }
        }
    }

    /// Whether something may have happened on the host. While its end is not known, it may.
    #[must_use]
    pub fn touched_host(&self) -> bool {
        let report = self.report.as_ref();
        report.is_none_or(|report| report.outcome.touched_host())
    }

    /// How many of these attempts were restarts: those that may have touched the host.
    #[must_use]
    pub fn restarts(attempts: &[Self]) -> u32 {
        let touched = attempts.iter().filter(|attempt| attempt.touched_host());
        u32::try_from(touched.count()).unwrap_or(u32::MAX)
    }

    /// The same on another line of time.
    #[must_use]
    pub fn shifted(&self, to: impl Fn(Timestamp) -> Timestamp) -> Self {
        Self {
            began: to(self.began),
            ended: self.ended.map(to),
            ..self.clone()
        }
    }
}

impl RecoveryReport {
    /// Whether the order could not be sent, so that nothing can be said of the command.
    #[must_use]
    pub fn is_unsent(&self) -> bool {
        match self.outcome {
            RecoveryOutcome::Refused => true,
            RecoveryOutcome::NotExecuted => {
                !self.reason.as_ref().is_some_and(Reason::is_of_command)
            }
            RecoveryOutcome::Succeeded
            | RecoveryOutcome::Failed
            | RecoveryOutcome::TimedOut
            | RecoveryOutcome::Unknown
            | RecoveryOutcome::Declined => false,
        }
    }

    /// Why nobody could log in, if that is why it could not be sent.
    #[must_use]
    pub fn no_login(&self) -> Option<Reason> {
        let reason = self.reason.clone().unwrap_or(Reason::NotIn);
        (self.is_unsent() && !reason.is_ours()).then_some(reason)
    }
}
