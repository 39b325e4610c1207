//! A look at a host: one read-only visit with the same client and the same login as a restart.
//!
//! A host with the agent gets the order `probe-agent 1 diagnose`. Any other host gets the same script sent along, with
//! the first [`URLS`] URLs of its sites, so nothing is installed or left behind there. A login shell is whatever people
//! like (fish, tcsh), and no two of them quote alike; so the script travels in base64, which is one plain word to each
//! of them, and a POSIX shell that gets nothing of the login's environment decodes and runs it.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::facts;
use super::verdict::Verdict;
use crate::model::{Diagnosis, Host, Reason, RecoveryOutcome};

/// The agent. A host without it gets this script for the look.
const SCRIPT: &str = include_str!("../../../deploy/host/probe-agent");

/// URLs that are asked on the host itself; more would take too much of the look's time.
const URLS: usize = 9;

/// What the POSIX shell is told. Between single quotes, and without `!`, `\` and `'`, so that every login shell passes
/// it on as it is.
const DECODES: &str = r#"exec 2>/dev/null; echo begins=1; eval "$(printf %s "$1" | base64 -d)""#;

/// What is run on the host.
pub(super) fn command(host: &Host, urls: &[String]) -> String {
    if host.agent {
        return "probe-agent 1 diagnose".to_owned();
    }
    let mut script = "set -- 1 diagnose".to_owned();
    for url in urls.iter().take(URLS) {
        script.push(' ');
        script.push_str(&quoted(url));
    }
    script.push('\n');
    script.push_str(SCRIPT);
    format!(
        "exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin sh -c '{DECODES}' probe-agent {}",
        BASE64_STANDARD.encode(script)
    )
}

/// One word of a POSIX shell, whatever is in it.
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
            Err(_) => {
                let status = verdict.exit_status;
                let reason =
                    reason(
                        status.map_or(Reason::LookFailed, |status| Reason::LookStatus {
                            status: status.to_string(),
                        }),
                    );
                // It began and broke off, as where no process can be made.
                if output.lines().any(|line| line.ends_with("begins=1")) {
                    Diagnosis::Stuck { reason }
                } else {
                    Diagnosis::Unreadable { reason }
                }
            }
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
        // MAX_ARG_STRLEN of Linux is 128 KiB; base64 writes four bytes for three.
        let longest = (SCRIPT.len() + URLS * 2100) * 4 / 3 + 300;
        assert!(longest < 120 * 1024, "{longest}");
    }
}
