//! Makes a [`Verdict`] of what was seen of a run: how the attempt ended, with a reason on which people can act.

use std::time::Duration;

use super::SshLimits;
use super::log::{ClientLog, Reached};
use super::session::{Ended, Seen};
use super::verdict::Verdict;
use super::{login, remote};
use crate::model::{Host, Reason, RecoveryOutcome};

/// What was to be run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Order<'a> {
    /// The command.
    pub(super) command: &'a str,
    /// Its limit.
    pub(super) limit: Duration,
}

/// Judges a run. `output` is its cleaned output.
pub(super) fn judge(
    seen: &Seen,
    output: &str,
    host: &Host,
    order: Order<'_>,
    limits: SshLimits,
) -> Verdict {
    let log = &seen.log;
    if let Some(status) = log.exit {
        if let Some(reason) = remote::kept_out(status, output) {
            return Verdict::without_status(RecoveryOutcome::NotExecuted, reason);
        }
        return Verdict {
            outcome: match status {
                0 => RecoveryOutcome::Succeeded,
                70..=73 if remote::is_agents(order.command) => RecoveryOutcome::Declined,
                _ => RecoveryOutcome::Failed,
            },
            exit_status: Some(status),
            reason: remote::exit(status, output, log.user.as_deref(), order.command),
        };
    }
    if log.reached == Reached::Command {
        return sent(seen, order.limit);
    }
    match seen.ended {
        Ended::CommandLimit => Verdict::without_status(
            RecoveryOutcome::NotExecuted,
            Reason::NoRoom {
                limit: span(order.limit),
            },
        ),
        Ended::LoginLimit => Verdict::without_status(
            RecoveryOutcome::NotExecuted,
            stuck(log.reached, span(limits.login)),
        ),
        Ended::Itself => not_sent(seen, output, host),
    }
}

/// The command was sent, and its exit status was not seen.
fn sent(seen: &Seen, limit: Duration) -> Verdict {
    let log = &seen.log;
    let lost = |reason: Reason| Verdict::without_status(RecoveryOutcome::Unknown, reason);
    match seen.ended {
        Ended::CommandLimit => Verdict::without_status(
            RecoveryOutcome::TimedOut,
            if log.status_sent {
                Reason::OutputHeld { limit: span(limit) }
            } else {
                Reason::NoEnd {
                    limit: span(limit),
                    seconds: limit.as_secs().saturating_sub(5).max(1).to_string(),
                }
            },
        ),
        Ended::LoginLimit | Ended::Itself => {
            if log.signalled {
                return lost(Reason::KilledThere);
            }
            if let Some(signal) = local_signal(seen) {
                return lost(Reason::ClientKilledLate {
                    signal: signal.to_string(),
                });
            }
            let how = log
                .complaints
                .iter()
                .rfind(|line| line.contains("not responding") || line.contains("Connection"));
            lost(match how {
                Some(line) => Reason::Lost { said: line.clone() },
                None => Reason::LostMute,
            })
        }
    }
}

fn local_signal(seen: &Seen) -> Option<i32> {
    use std::os::unix::process::ExitStatusExt;
    seen.status.as_ref().and_then(ExitStatusExt::signal)
}

fn stuck(reached: Reached, limit: String) -> Reason {
    match reached {
        Reached::Nothing => Reason::NoConnection { limit },
        Reached::Connection => Reason::NoGreeting { limit },
        Reached::Banner => Reason::NoKeys { limit },
        Reached::Authentication => Reason::NoAnswer { limit },
        Reached::Login | Reached::Command => Reason::NoSession { limit },
    }
}

/// `25s`.
fn span(span: Duration) -> String {
    format!("{span:?}")
}

/// The client ended before the command was sent: nothing happened on the host.
fn not_sent(seen: &Seen, output: &str, host: &Host) -> Verdict {
    let log = &seen.log;
    // Before the login all of stderr comes from the client, or from the client of its jump host.
    let lines: Vec<&str> = log
        .complaints
        .iter()
        .map(String::as_str)
        .chain(output.lines())
        .collect();
    if let Some(reason) = login::refused(&lines, log, host) {
        return Verdict::without_status(RecoveryOutcome::Refused, reason);
    }
    let reason = login::unreachable(&lines, log).unwrap_or_else(|| {
        if let Some(signal) = local_signal(seen) {
            return Reason::ClientKilled {
                signal: signal.to_string(),
            };
        }
        last_words(&lines, log)
    });
    Verdict::without_status(RecoveryOutcome::NotExecuted, reason)
}

fn last_words(lines: &[&str], log: &ClientLog) -> Reason {
    let said = lines.last().map(|line| (*line).to_owned());
    match (log.reached >= Reached::Login, said) {
        (false, Some(said)) => Reason::ClientEnded { said },
        (false, None) => Reason::ClientMute,
        (true, Some(said)) => Reason::ClientEndedLate { said },
        (true, None) => Reason::ClientMuteLate,
    }
}
