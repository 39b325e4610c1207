//! A rung that runs on this machine, such as a call to the provider that owns the host.
//!
//! The program runs without a shell, with the same cleaned environment as the SSH client, and in a process group of its
//! own. The whole group is killed when the program ends or its limit is over (`timed_out`).
#![expect(
    clippy::disallowed_methods,
    reason = "a program that people named in a ladder is started here, with a cleaned environment"
)]

use std::time::Duration;

use tokio::process::Command;
use tokio::time::Instant;

use super::output::Output;
use super::verdict::Verdict;
use crate::model::{Reason, RecoveryOutcome, limits};
use crate::process::{End, Running, Terms};

/// Runs `words` within `limit`, and returns what it prints, cleaned and capped.
pub(super) async fn run(words: &[String], limit: Duration) -> (Verdict, String) {
    let nothing = |reason: Reason| {
        (
            Verdict::without_status(RecoveryOutcome::NotExecuted, reason),
            String::new(),
        )
    };
    let Some((program, arguments)) = words.split_first() else {
        return nothing(Reason::NoProgram);
    };
    let program = program.clone();
    let mut command = Command::new(&program);
    command.args(arguments).env_clear().env("LC_ALL", "C");
    for name in super::command::ENVIRONMENT {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    let running = match Running::start(command) {
        Ok(running) => running,
        Err(error) => {
            let said = error.to_string();
            return nothing(Reason::NotStarted { program, said });
        }
    };
    let mut output = Output::new(limits::OUTPUT_KEPT);
    let terms = Terms {
        input: Vec::new(),
        until: Instant::now() + limit,
        // No limit: what is too much is not kept.
        flood: u64::MAX,
        leaves: false,
    };
    let seen = running.watch(terms, |bytes| output.push(bytes)).await;
    let verdict = match seen.end {
        End::Late | End::Talkative => Verdict::without_status(
            RecoveryOutcome::TimedOut,
            Reason::EndedByUs {
                program,
                limit: format!("{limit:?}"),
            },
        ),
        End::Itself(Some(status)) => match status.code() {
            Some(0) => Verdict {
                outcome: RecoveryOutcome::Succeeded,
                exit_status: Some(0),
                reason: None,
            },
            Some(code) => Verdict {
                outcome: RecoveryOutcome::Failed,
                exit_status: Some(code),
                reason: None,
            },
            None => {
                Verdict::without_status(RecoveryOutcome::Unknown, Reason::KilledHere { program })
            }
        },
        End::Itself(None) => {
            Verdict::without_status(RecoveryOutcome::Unknown, Reason::EndUnseen { program })
        }
    };
    (verdict, output.text())
}
