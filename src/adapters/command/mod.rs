//! Hands an event to the program that people named in `alerts.command`; one try, no memory, no retry.
//!
//! The program is started without a shell, with its arguments as configured, in `/` and in a process group of its own. Of
//! our environment it sees `PATH`, `LANG` and `HOME` and nothing else: what else is there may be a secret of ours. The
//! event is one JSON document on its standard input, which is closed behind it; what it prints is read, and its last words
//! are kept.
//!
//! | what happened | result |
//! |---|---|
//! | exit status 0 | `Sent` |
//! | exit status 65 (`EX_DATAERR` of sysexits.h: this input will never do) | `Rejected`: kept for people to see, not tried again |
//! | any other exit status, not there, not executable | `Deferred`: time or a person can mend it |
//! | not done within its limit, ended by a signal, too talkative | `Unclear`: it may have passed the event on; repeated with the same `id` |
//!
//! Whatever ends a run (the program itself, a limit, or somebody who no longer waits) kills what is left of its group.
#![expect(
    clippy::disallowed_methods,
    reason = "the door through which the program of `alerts.command` is started, and its limit counted"
)]

mod tail;

use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt as _;
use std::sync::Arc;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::Instant;

use crate::model::{Delivery, Entry, Wording, limits};
use crate::ports::{Messenger, Pending};
use crate::process::{End, Running, Terms};
use crate::render::event;
use crate::render::mail::clean;

use tail::Tail;

/// `EX_DATAERR`: the one exit status that asks for no further try.
const REFUSED: i32 = 65;

/// Output beyond this is a loop, not a message.
const FLOOD: u64 = 1024 * 1024;

/// Where programs are looked for when there is no `PATH`.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What the program sees of our environment.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// `PATH`.
    pub path: Option<OsString>,
    /// `LANG`.
    pub lang: Option<OsString>,
    /// `HOME`.
    pub home: Option<OsString>,
}

/// Starts the program.
#[derive(Debug, Clone)]
pub struct CommandMessenger {
    environment: Environment,
    limit: Duration,
}

impl CommandMessenger {
    /// With the limit of [`crate::model::limits`].
    #[must_use]
    pub const fn new(environment: Environment) -> Self {
        Self::with_limit(environment, limits::COMMAND_TIMEOUT)
    }

    /// With another limit.
    #[must_use]
    pub const fn with_limit(environment: Environment, limit: Duration) -> Self {
        Self { environment, limit }
    }

    fn command(&self, program: &str, arguments: &[String]) -> Command {
        let mut command = Command::new(program);
        let Environment { path, lang, home } = &self.environment;
        let or = |value: &Option<OsString>, other: &str| value.clone().unwrap_or(other.into());
        command
            .args(arguments)
            .env_clear()
            .env("PATH", or(path, PATH))
            .env("LANG", or(lang, "C.UTF-8"))
            .env("HOME", or(home, "/"))
            .current_dir("/");
        command
    }

    async fn run(&self, command: &[String], wording: &Wording, entry: &Entry) -> Delivery {
        let Some((program, arguments)) = command.split_first() else {
            return deferred("`alerts.command` names no program");
        };
        let running = match Running::start(self.command(program, arguments)) {
            Ok(running) => running,
            Err(fault) => return deferred(&format!("{program} cannot be started: {fault}")),
        };
        let terms = Terms {
            input: event::document(entry, wording).into_bytes(),
            until: Instant::now() + self.limit,
            flood: FLOOD,
            leaves: false,
        };
        let mut tail = Tail::default();
        let seen = running.watch(terms, |bytes| tail.push(bytes)).await;
        let output = tail.text();
        let words = last_line(&output);
        tracing::debug!(program, output = %clean::line(&output, limits::COMMAND_OUTPUT), "alerts.command ended");
        let told = |what: &str| {
            let words = if words.is_empty() {
                String::new()
            } else {
                format!(": {words}")
            };
            clean::line(&format!("{program} {what}{words}"), limits::DETAIL_CHARS)
        };
        let unclear = |what: &str| Delivery::Unclear { reason: told(what) };
        match seen.end {
            End::Late => {
                let limit = crate::render::duration::span(self.limit);
                unclear(&format!("had not ended after {limit} and was stopped"))
            }
            End::Talkative => unclear("printed without end and was stopped"),
            End::Itself(None) => unclear("ended, how is not known"),
            End::Itself(Some(status)) => match (status.code(), status.signal()) {
                (Some(0), _) => Delivery::Sent {
                    relay: clean::line(program, limits::DETAIL_CHARS),
                },
                (Some(REFUSED), _) => Delivery::Rejected {
                    reason: told("refused it for good (exit status 65)"),
                },
                (Some(code), _) => {
                    Delivery::deferred(told(&format!("ended with exit status {code}")))
                }
                (None, signal) => unclear(&format!(
                    "was ended by signal {}",
                    signal.unwrap_or_default()
                )),
            },
        }
    }
}

impl Messenger for CommandMessenger {
    fn hand(
        &self,
        command: Arc<Vec<String>>,
        wording: Arc<Wording>,
        entry: Entry,
    ) -> Pending<Delivery> {
        let messenger = self.clone();
        Box::pin(async move { messenger.run(&command, &wording, &entry).await })
    }
}

fn deferred(what: &str) -> Delivery {
    Delivery::deferred(clean::line(what, limits::DETAIL_CHARS))
}

/// The last line that says something.
fn last_line(output: &str) -> &str {
    let mut lines = output.lines().map(str::trim);
    lines.rfind(|line| !line.is_empty()).unwrap_or_default()
}
