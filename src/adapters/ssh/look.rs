//! A look at a host: one read-only visit with the same client and the same login as a restart.
//!
//! A host with the agent gets the order `probe-agent 1 diagnose`. Any other host gets the same script as one argument
//! of a shell, with the first [`URLS`] URLs of its sites, so nothing is installed or left behind there. That shell gets
//! nothing of the login's environment.

use super::facts;
use super::verdict::Verdict;
use crate::model::{Diagnosis, Host, Reason, RecoveryOutcome};

/// The agent. A host without it gets this script for the look.
const SCRIPT: &str = include_str!("../../../deploy/host/probe-agent");

/// URLs that are asked on the host itself; more would take too much of the look's time.
const URLS: usize = 9;

/// What is run on the host.
pub(super) fn command(host: &Host, urls: &[String]) -> String {
    if host.agent {
        return "probe-agent 1 diagnose".to_owned();
    }
    let mut command = format!(
        "exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin sh -c {} probe-agent 1 diagnose",
        quoted(SCRIPT)
    );
    for url in urls.iter().take(URLS) {
        command.push(' ');
        command.push_str(&quoted(url));
    }
    command.push_str(" 2>/dev/null");
    command
}

/// One word of a shell, whatever is in it.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// How the look ended.
pub(super) fn read(verdict: Verdict, output: &str) -> Diagnosis {
    let reason = |else_: Reason| verdict.reason.clone().unwrap_or(else_);
    match verdict.outcome {
        RecoveryOutcome::Succeeded => match facts::read(output) {
            Ok(facts) => Diagnosis::Facts(Box::new(facts)),
            Err(reason) => Diagnosis::Unreadable { reason },
        },
        RecoveryOutcome::Failed | RecoveryOutcome::Declined => match facts::read(output) {
            Ok(facts) => Diagnosis::Facts(Box::new(facts)),
            Err(_) => Diagnosis::Unreadable {
                reason: reason(verdict.exit_status.map_or(Reason::LookFailed, |status| {
                    Reason::LookStatus {
                        status: status.to_string(),
                    }
                })),
            },
        },
        RecoveryOutcome::TimedOut | RecoveryOutcome::Unknown => Diagnosis::Stuck {
            reason: reason(Reason::LookEndless),
        },
        outcome @ (RecoveryOutcome::NotExecuted | RecoveryOutcome::Refused) => Diagnosis::NotIn {
            reason: reason(Reason::NotIn),
            refused: outcome == RecoveryOutcome::Refused,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_one_word_whatever_is_in_it() {
        assert_eq!(quoted("a'b; $(c) `d`\n"), "'a'\\''b; $(c) `d`\n'");
    }

    #[test]
    fn the_script_fits_into_one_argument() {
        // MAX_ARG_STRLEN of Linux is 128 KiB, with what quoting adds.
        let longest = quoted(SCRIPT).len() + URLS * 2100 + 100;
        assert!(longest < 120 * 1024, "{longest}");
    }
}
