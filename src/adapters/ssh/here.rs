//! A rung that runs on this machine: the call to a provider that owns the host. No shell, the same cleaned environment as
//! the SSH client's, a process group of its own that is ended with it.
#![expect(
    clippy::disallowed_methods,
    reason = "a program that people named in a ladder is started here, with a cleaned environment"
)]

use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::AsyncReadExt;
use tokio::process::Command;
use tokio::time::timeout;

use super::output::Output;
use super::report::Verdict;
use crate::model::{Reason, RecoveryOutcome, limits};

/// For what is still in the pipe once the program has ended.
const DRAIN: Duration = Duration::from_secs(2);

/// Runs `words` within `limit`; what it prints is returned cleaned and capped.
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
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => {
            let said = error.to_string();
            return nothing(Reason::NotStarted { program, said });
        }
    };
    let group = child
        .id()
        .and_then(|id| i32::try_from(id).ok())
        .and_then(Pid::from_raw);
    let mut output = Output::new(limits::OUTPUT_KEPT);
    let (mut out, mut err) = (child.stdout.take(), child.stderr.take());
    let (mut first, mut second) = (vec![0; 16 * 1024], vec![0; 16 * 1024]);
    let running = async {
        let mut status = None;
        while status.is_none() {
            tokio::select! {
                n = read(&mut out, &mut first) => output.push(&first[..n]),
                n = read(&mut err, &mut second) => output.push(&second[..n]),
                ended = child.wait() => status = Some(ended),
            }
        }
        let rest = async {
            while out.is_some() || err.is_some() {
                tokio::select! {
                    n = read(&mut out, &mut first) => output.push(&first[..n]),
                    n = read(&mut err, &mut second) => output.push(&second[..n]),
                }
            }
        };
        // Whoever left the group may hold a pipe open for ever.
        let _ = timeout(DRAIN, rest).await;
        status
    };
    let ended = timeout(limit, running).await;
    if let Some(group) = group {
        // Nothing is left to be killed when this fails.
        let _ = kill_process_group(group, Signal::KILL);
    }
    let verdict = match ended {
        Err(_) => Verdict::without_status(
            RecoveryOutcome::TimedOut,
            Reason::EndedByUs {
                program,
                limit: format!("{limit:?}"),
            },
        ),
        Ok(Some(Ok(status))) => match status.code() {
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
        Ok(Some(Err(_)) | None) => {
            Verdict::without_status(RecoveryOutcome::Unknown, Reason::EndUnseen { program })
        }
    };
    (verdict, output.text())
}

/// Reads what is there; an ended pipe is closed, and a closed one never answers.
async fn read(pipe: &mut Option<impl AsyncReadExt + Unpin>, buffer: &mut [u8]) -> usize {
    let Some(open) = pipe else {
        return std::future::pending().await;
    };
    let n = open.read(buffer).await.unwrap_or(0);
    if n == 0 {
        *pipe = None;
    }
    n
}
