//! Acts on a host: runs one command over SSH with the system's OpenSSH client and says how it ended.
//!
//! It is OpenSSH's client, so that everything people have set up for it works as they know it: known hosts, aliases,
//! jump hosts, agents, certificates, hardware keys. It runs without a terminal and asks no questions. A host whose key
//! is not known is refused, never trusted on first use. The first `ssh` on the `PATH` is taken; it must be OpenSSH 7.6
//! or newer.
//!
//! There are three limits: for connecting ([`SshLimits::connect`]), for being logged in ([`SshLimits::login`], from the
//! start of the client, connecting included) and for the command (the host's `restart.timeout`, from the login on). Of
//! the output the first and the last [`limits::OUTPUT_KEPT`] bytes are kept, cleaned of everything that steers a
//! terminal. After a limit, and when nobody waits any more, all local processes of the run are killed. The remote
//! command cannot be killed and may go on.
//!
//! How an attempt ended is read from the client's own log, not from its exit status, which is 255 for too many things:
//!
//! | seen | outcome |
//! |---|---|
//! | the command's exit status, 255 included | `succeeded` (0) or `failed` |
//! | command sent, its end not seen: connection lost, killed by a signal, client gone | `unknown` |
//! | command sent, no end within its limit | `timed_out` |
//! | host key unknown, changed or revoked; no key of ours accepted; a key file that cannot be used; no common algorithm; a faulty ssh configuration | `refused` |
//! | the agent on the host refuses (70 to 73) | `refused`, and nothing was restarted |
//! | paused by a person; too old to be begun; no `ssh`; name not resolved; connection refused, lost or silent before the command was sent | `not_executed` |
#![expect(
    clippy::disallowed_methods,
    reason = "the one door through which the client is started, with a cleaned environment"
)]

mod clean;
mod command;
mod destination;
pub mod facts;
mod here;
mod log;
mod login;
mod look;
mod output;
mod reach;
mod remote;
mod report;
mod scratch;
mod session;
mod verdict;

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::Instant;

use crate::model::{
    Diagnosis, Host, Reach, Reason, RecoverOrder, RecoveryOutcome, RecoveryReport, Rung, limits,
};
use crate::ports::{Clock, Pending, Recoverer};
use scratch::Scratch;
use session::Session;
use verdict::Verdict;

/// How long the parts of a login may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SshLimits {
    /// The TCP connect and the server's greeting; whole seconds, rounded up.
    pub connect: Duration,
    /// From the start of the client to the login.
    pub login: Duration,
    /// The time of a look at a host, from the login on.
    pub look: Duration,
}

impl Default for SshLimits {
    fn default() -> Self {
        Self {
            connect: limits::SSH_CONNECT,
            login: limits::SSH_LOGIN,
            look: limits::LOOK,
        }
    }
}

/// Restarts over SSH.
#[derive(Clone)]
pub struct SshRecoverer {
    paused: Arc<dyn Fn(&Host) -> bool + Send + Sync>,
    limits: SshLimits,
    search: Option<OsString>,
    clock: Arc<dyn Clock>,
}

impl SshRecoverer {
    /// `pause_check` is asked in the last moment before the client is started; `true` means that a person paused the
    /// host, and nothing is executed. `clock` goes on while our machine sleeps, and so shows which orders became too
    /// old.
    #[must_use]
    pub fn new(
        pause_check: Arc<dyn Fn(&Host) -> bool + Send + Sync>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            paused: pause_check,
            limits: SshLimits::default(),
            search: std::env::var_os("PATH"),
            clock,
        }
    }

    /// With other limits for the login.
    #[must_use]
    pub fn with_limits(mut self, limits: SshLimits) -> Self {
        self.limits = limits;
        self
    }

    /// With another search path for `ssh` than our own `PATH`.
    #[must_use]
    pub fn with_path(mut self, search: OsString) -> Self {
        self.search = Some(search);
        self
    }

    /// Runs a word that changes nothing there, as a look does: pauses and ages do not hold it.
    pub async fn ask(&self, host: &Host, words: &str) -> Asked {
        let (verdict, said) = self.run(host, words, self.limits.look, None).await;
        Asked {
            outcome: verdict.outcome,
            exit_status: verdict.exit_status,
            reason: verdict.reason,
            said,
        }
    }

    /// Why an act that must begin before `until` is not begun now. Asked in the last moment.
    fn held_back(&self, host: &Host, until: Duration) -> Option<Reason> {
        if (self.paused)(host) {
            return Some(Reason::Paused);
        }
        (self.clock.now().since_boot >= until).then_some(Reason::TooOld)
    }

    /// Runs `command` on the host within `limit` from the login on. A command that acts has `until`: it begins before
    /// that time and without a pause, or not at all.
    async fn run(
        &self,
        host: &Host,
        command: &str,
        limit: Duration,
        until: Option<Duration>,
    ) -> (Verdict, String) {
        let fails =
            |outcome, reason: Reason| (Verdict::without_status(outcome, reason), String::new());
        if let Err(reason) = usable(host).await {
            return fails(RecoveryOutcome::Refused, reason);
        }
        let Some(program) = command::find(self.search.as_deref()) else {
            return fails(RecoveryOutcome::NotExecuted, Reason::NoClient);
        };
        match self
            .start(host, &program, command, limit, until, true)
            .await
        {
            Started::Ended(verdict, output) => (verdict, output),
            // It ended over its arguments, before it went anywhere.
            Started::TooOld => match self
                .start(host, &program, command, limit, until, false)
                .await
            {
                Started::Ended(verdict, output) => (verdict, output),
                Started::TooOld => fails(RecoveryOutcome::NotExecuted, Reason::NoClient),
            },
        }
    }

    /// Starts `program` and awaits its end. `newer`: with options that clients before OpenSSH 8.7 do not know.
    async fn start(
        &self,
        host: &Host,
        program: &Path,
        command: &str,
        limit: Duration,
        until: Option<Duration>,
        newer: bool,
    ) -> Started {
        let fails = |outcome, reason: Reason| {
            Started::Ended(Verdict::without_status(outcome, reason), String::new())
        };
        let scratch = Scratch::new().and_then(|scratch| Ok((scratch.open()?, scratch)));
        let (log, scratch) = match scratch {
            Ok(made) => made,
            Err(error) => {
                return fails(
                    RecoveryOutcome::NotExecuted,
                    Reason::NoScratch {
                        place: std::env::temp_dir().display().to_string(),
                        said: error.to_string(),
                    },
                );
            }
        };
        let connect = self.limits.connect;
        let arguments = match command::arguments(host, command, scratch.pipe(), connect, newer) {
            Ok(arguments) => arguments,
            Err(reason) => return fails(RecoveryOutcome::Refused, reason),
        };
        let mut client = clean_client(program);
        client.args(arguments);
        if let Some(reason) = until.and_then(|until| self.held_back(host, until)) {
            return fails(RecoveryOutcome::NotExecuted, reason);
        }
        let session = match Session::start(client, log) {
            Ok(session) => session,
            Err(error) => {
                return fails(
                    RecoveryOutcome::NotExecuted,
                    Reason::ClientNotStarted {
                        program: program.display().to_string(),
                        said: error.to_string(),
                    },
                );
            }
        };
        let seen = session.watch(self.limits.login, limit, &*self.clock).await;
        let output = seen.output.text();
        let nowhere = seen.log.reached == log::Reached::Nothing;
        if newer && nowhere && output.contains(command::TOO_OLD) {
            return Started::TooOld;
        }
        let order = report::Order { command, limit };
        let verdict = report::judge(&seen, &output, host, order, self.limits);
        // Facts stand on standard output, and what a login says beside may come at any moment.
        let is_look = until.is_none();
        Started::Ended(verdict, if is_look { seen.stdout.text() } else { output })
    }
}

/// What came of a harmless word that was sent to a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// How it ended.
    pub outcome: RecoveryOutcome,
    /// The exit status, where one came back.
    pub exit_status: Option<i32>,
    /// Why it ended so, where that is known.
    pub reason: Option<Reason>,
    /// What it printed on its standard output.
    pub said: String,
}

/// What became of a client that was started.
enum Started {
    Ended(Verdict, String),
    /// It does not know our newer options, and has done nothing.
    TooOld,
}

/// The client without arguments, with only the environment that it needs.
fn clean_client(program: &Path) -> Command {
    let mut client = Command::new(program);
    client.env_clear().env("LC_ALL", "C");
    for name in command::ENVIRONMENT {
        if let Some(value) = std::env::var_os(name) {
            client.env(name, value);
        }
    }
    client
}

impl Recoverer for SshRecoverer {
    fn reach(&self, host: Arc<Host>) -> Pending<Reach> {
        let program = command::find(self.search.as_deref());
        let client = program.as_deref().map(clean_client);
        Box::pin(async move { reach::reach(&host, client).await })
    }

    fn diagnose(&self, host: Arc<Host>, urls: Vec<String>) -> Pending<Diagnosis> {
        let this = self.clone();
        Box::pin(async move {
            let command = look::command(&host, &urls);
            let (verdict, output) = this.run(&host, &command, this.limits.look, None).await;
            look::read(verdict, &output)
        })
    }

    fn recover(
        &self,
        host: Arc<Host>,
        order: RecoverOrder,
        left: Duration,
    ) -> Pending<RecoveryReport> {
        let this = self.clone();
        let until = self.clock.now().since_boot + left;
        Box::pin(async move {
            let began = Instant::now();
            let limit = host.restart.timeout;
            let (verdict, output) = match &order.rung {
                Rung::Remote(command) => this.run(&host, command, limit, Some(until)).await,
                Rung::Local(words) => match this.held_back(&host, until) {
                    Some(reason) => (
                        Verdict::without_status(RecoveryOutcome::NotExecuted, reason),
                        String::new(),
                    ),
                    None => here::run(words, limit).await,
                },
            };
            RecoveryReport {
                config_broken: remote::config_broken(&verdict, &output),
                outcome: verdict.outcome,
                exit_status: verdict.exit_status,
                duration: began.elapsed(),
                reason: verdict.reason,
                output,
            }
        })
    }
}

/// Checks what the client does not report clearly: it ignores a key file or known-hosts file that it cannot read, then
/// logs in with another key or calls the host unknown.
async fn usable(host: &Host) -> Result<(), Reason> {
    if host.ssh.starts_with('-') || host.ssh.is_empty() {
        return Err(Reason::NoDestination {
            destination: host.ssh.escape_debug().to_string(),
        });
    }
    if let Some(file) = &host.identity_file {
        readable("identity_file", file).await?;
    }
    if let Some(file) = &host.known_hosts_file {
        readable("known_hosts_file", file).await?;
    }
    Ok(())
}

async fn readable(key: &str, file: &Path) -> Result<(), Reason> {
    match tokio::fs::File::open(file).await {
        Ok(_) => Ok(()),
        Err(error) => Err(Reason::FileUnreadable {
            key: key.to_owned(),
            file: file.display().to_string(),
            said: error.to_string(),
        }),
    }
}
