//! One run of the client: started in a process group of its own, watched against its limits, ended as a whole.
//!
//! The login limit counts from the start of the client. When the client's log says that we are logged in, the command
//! limit replaces it. Whatever ends a run (the client itself, a limit, or a caller that no longer waits) also kills the
//! rest of the group, so that no proxy command outlives it. The remote command cannot be killed and may go on.
#![expect(
    clippy::disallowed_methods,
    reason = "the limits of one session are counted here"
)]

use std::io;
use std::os::fd::AsFd as _;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe::{Receiver, Sender};
use tokio::process::{Child, Command};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};

use super::log::{ClientLog, Reached};
use super::output::Output;
use crate::model::limits;
use crate::ports::Clock;
use crate::process::{self, Group, read};

/// How often it is checked whether the client has ended. This does not reap the client: while it is not reaped, the
/// number of its process group cannot be given to another one.
const TICK: Duration = Duration::from_millis(50);

/// Time to read what is still in the pipes after all processes of the group are killed.
const DRAIN: Duration = Duration::from_secs(2);

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// The client ended.
    Itself,
    /// It was not logged in within the login limit.
    LoginLimit,
    /// It was logged in, but did not end within the command limit.
    CommandLimit,
}

/// What was seen of a run.
#[derive(Debug)]
pub(super) struct Seen {
    /// How it ended.
    pub(super) ended: Ended,
    /// The client's own exit status, if it could be read.
    pub(super) status: Option<ExitStatus>,
    /// The client's log.
    pub(super) log: ClientLog,
    /// What the command printed, and before the login what the client printed.
    pub(super) output: Output,
    /// What of it went to standard output.
    pub(super) stdout: Output,
}

/// A client that runs. The group is the first field, so that it is killed before the child is dropped.
pub(super) struct Session {
    group: Group,
    child: Child,
    log: Receiver,
    keep_open: Sender,
}

impl Session {
    /// Starts the client.
    ///
    /// # Errors
    /// When our machine cannot start it.
    pub(super) fn start(command: Command, log: (Receiver, Sender)) -> io::Result<Self> {
        // The client gets a reading end of its own log as standard input. Otherwise, if we are killed before it opens
        // the log, it would wait for a reader, and a process that opens the pipe much later would start the restart.
        // With `-n` the client does not read from it.
        let reader = log.0.as_fd().try_clone_to_owned()?;
        let (group, child) = process::start(command, Stdio::from(reader))?;
        Ok(Self {
            group,
            child,
            log: log.0,
            keep_open: log.1,
        })
    }

    /// Watches the client until it ends or a limit is over. The login limit is also checked by `clock`, which goes on
    /// while our machine sleeps: a client that wakes up after the limit is killed before it can log in.
    pub(super) async fn watch(
        mut self,
        login: Duration,
        command: Duration,
        clock: &dyn Clock,
    ) -> Seen {
        let by = clock.now().since_boot + login;
        let (mut out, mut err) = (self.child.stdout.take(), self.child.stderr.take());
        let [mut out_buffer, mut err_buffer, mut log_buffer] =
            [(); 3].map(|()| vec![0_u8; 16 * 1024]);
        let mut seen = Seen {
            ended: Ended::Itself,
            status: None,
            log: ClientLog::default(),
            output: Output::new(limits::OUTPUT_KEPT),
            stdout: Output::new(limits::OUTPUT_KEPT),
        };
        let mut limit = (Ended::LoginLimit, Instant::now() + login);
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        seen.ended = loop {
            tokio::select! {
                n = read(&mut out, &mut out_buffer) => {
                    seen.output.push(&out_buffer[..n]);
                    seen.stdout.push(&out_buffer[..n]);
                }
                n = read(&mut err, &mut err_buffer) => seen.output.push(&err_buffer[..n]),
                n = self.log.read(&mut log_buffer) => {
                    seen.log.feed(&log_buffer[..n.unwrap_or(0)]);
                    if limit.0 == Ended::LoginLimit && seen.log.reached >= Reached::Login {
                        limit = (Ended::CommandLimit, Instant::now() + command);
                    }
                }
                _ = tick.tick() => {
                    if limit.0 == Ended::LoginLimit && clock.now().since_boot >= by { break Ended::LoginLimit }
                    if self.group.ended() { break Ended::Itself }
                }
                () = sleep_until(limit.1) => break limit.0,
            }
        };
        self.group.kill();
        // A process that left the group may hold a pipe open for ever.
        let rest = async {
            while out.is_some() || err.is_some() {
                tokio::select! {
                    n = read(&mut out, &mut out_buffer) => {
                    seen.output.push(&out_buffer[..n]);
                    seen.stdout.push(&out_buffer[..n]);
                }
                    n = read(&mut err, &mut err_buffer) => seen.output.push(&err_buffer[..n]),
                }
            }
        };
        let _ = timeout(DRAIN, rest).await;
        drop(self.keep_open);
        let mut log = Some(self.log);
        let rest = async {
            while log.is_some() {
                let n = read(&mut log, &mut log_buffer).await;
                seen.log.feed(&log_buffer[..n]);
            }
        };
        let _ = timeout(DRAIN, rest).await;
        seen.status = timeout(DRAIN, self.child.wait())
            .await
            .ok()
            .and_then(Result::ok);
        seen
    }
}
