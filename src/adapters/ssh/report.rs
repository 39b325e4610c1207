//! From what was seen of a run to how the attempt ended, with the reason in words people can act on.

use std::time::Duration;

use super::Limits;
use super::log::{ClientLog, Reached};
use super::session::{Ended, Seen};
use super::{login, remote};
use crate::model::{Host, RecoveryOutcome, limits};

/// How an attempt ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) outcome: RecoveryOutcome,
    pub(super) exit_status: Option<i32>,
    pub(super) reason: Option<String>,
}

impl Verdict {
    /// An end without an exit status always has a reason.
    pub(super) fn without_status(outcome: RecoveryOutcome, reason: String) -> Self {
        Self {
            outcome,
            exit_status: None,
            reason: Some(reason.chars().take(REASON).collect()),
        }
    }
}

/// Longest reason: a full instruction fits, a hostile line does not.
const REASON: usize = 2 * limits::DETAIL_CHARS;

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
    limits: Limits,
) -> Verdict {
    let log = &seen.log;
    if let Some(status) = log.exit {
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
            format!(
                "logged in, but the host opened no session within {:?}: it may be out of memory or processes",
                order.limit
            ),
        ),
        Ended::LoginLimit => Verdict::without_status(
            RecoveryOutcome::NotExecuted,
            format!("no login within {:?}: {}", limits.login, stuck(log.reached)),
        ),
        Ended::Itself => not_sent(seen, output, host),
    }
}

/// The command was sent, and its exit status was not seen.
fn sent(seen: &Seen, limit: Duration) -> Verdict {
    let log = &seen.log;
    let lost = |reason: String| Verdict::without_status(RecoveryOutcome::Unknown, reason);
    match seen.ended {
        Ended::CommandLimit => Verdict::without_status(
            RecoveryOutcome::TimedOut,
            if log.status_sent {
                format!(
                    "the command ended, but something it started held its output open for {limit:?}: start that with `</dev/null >/dev/null 2>&1`"
                )
            } else {
                format!(
                    "no end within {limit:?}; it may still be running on the host (`timeout {}` before the command would end it there)",
                    limit.as_secs().saturating_sub(5).max(1)
                )
            },
        ),
        Ended::LoginLimit | Ended::Itself => {
            if log.signalled {
                return lost("the command was killed by a signal on the host".to_owned());
            }
            if let Some(signal) = local_signal(seen) {
                return lost(format!(
                    "the ssh client was killed by signal {signal} on this machine after the command was sent"
                ));
            }
            let how = log
                .complaints
                .iter()
                .rfind(|line| line.contains("not responding") || line.contains("Connection"));
            lost(match how {
                Some(line) => format!("connection lost after the command was sent: {line}"),
                None => "connection lost after the command was sent".to_owned(),
            })
        }
    }
}

fn local_signal(seen: &Seen) -> Option<i32> {
    use std::os::unix::process::ExitStatusExt;
    seen.status.as_ref().and_then(ExitStatusExt::signal)
}

fn stuck(reached: Reached) -> &'static str {
    match reached {
        Reached::Nothing => "no connection was made",
        Reached::Connection => {
            "the connection was made, but no SSH server spoke; sshd may be frozen"
        }
        Reached::Banner => "the key exchange did not end; the host may be short of CPU or memory",
        Reached::Authentication => {
            "the host did not answer the authentication; it may be short of memory, or waits for a name service"
        }
        Reached::Login | Reached::Command => "the session did not begin",
    }
}

/// The client ended before the command was sent: nothing happened on the host.
fn not_sent(seen: &Seen, output: &str, host: &Host) -> Verdict {
    let log = &seen.log;
    // Before the login nothing on stderr is the remote command's: it is the client's, or its jump host's client's.
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
            return format!("the ssh client was killed by signal {signal} on this machine");
        }
        last_words(&lines, log)
    });
    Verdict::without_status(RecoveryOutcome::NotExecuted, reason)
}

fn last_words(lines: &[&str], log: &ClientLog) -> String {
    let point = if log.reached >= Reached::Login {
        "before the command was sent"
    } else {
        "before the login"
    };
    match lines.last() {
        Some(line) => format!("ssh ended {point}: {line}"),
        None => format!("ssh ended {point} without a word"),
    }
}
