//! One run of a program: fed, read, watched against its limit, ended as a whole group.

use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};

use super::{Group, read};

/// How often the program is looked at.
const TICK: Duration = Duration::from_millis(20);

/// For what is still in the pipes once the program has ended.
const DRAIN: Duration = Duration::from_secs(1);

/// What a program is given, and how far it may go.
#[derive(Debug)]
pub struct Terms {
    /// Its standard input, closed behind it; may be empty.
    pub input: Vec<u8>,
    /// Until when it may run.
    pub until: Instant,
    /// Bytes of output from which on it is a loop, not a message.
    pub flood: u64,
    /// What it left running when it ended by itself is its own business.
    pub leaves: bool,
}

/// How a run ended.
#[derive(Debug)]
pub enum End {
    /// The program ended, with this status where it could be collected.
    Itself(Option<ExitStatus>),
    /// Not within its limit.
    Late,
    /// It printed too much.
    Talkative,
}

/// What was seen of a run.
#[derive(Debug)]
pub struct RunSeen {
    /// How it ended.
    pub end: End,
    /// Its whole input was handed over.
    pub fed: bool,
}

/// A program that runs. The group comes first: it is killed before the child is let go of.
#[derive(Debug)]
pub struct Running {
    group: Group,
    child: Child,
}

impl Running {
    /// Starts it in a group of its own.
    ///
    /// # Errors
    /// When this machine cannot start it.
    pub fn start(command: Command) -> io::Result<Self> {
        let (group, child) = super::start(command, Stdio::piped())?;
        Ok(Self { group, child })
    }

    /// Watches it to its end or to a limit; what it prints is given to `heard` as it comes.
    pub async fn watch(mut self, terms: Terms, mut heard: impl FnMut(&[u8])) -> RunSeen {
        let (mut out, mut err) = (self.child.stdout.take(), self.child.stderr.take());
        let stdin = self.child.stdin.take();
        let input = terms.input;
        let feed = async move {
            match stdin {
                // One that has read enough closes its end; its exit status says what it thought.
                Some(mut stdin) => {
                    stdin.write_all(&input).await.is_ok() && stdin.shutdown().await.is_ok()
                }
                None => false,
            }
        };
        let mut feed = Some(Box::pin(feed));
        let [mut out_buffer, mut err_buffer] = [(); 2].map(|()| vec![0_u8; 16 * 1024]);
        let (mut count, mut fed) = (0_u64, false);
        let mut hear = |bytes: &[u8]| {
            count = count.saturating_add(bytes.len() as u64);
            heard(bytes);
            count > terms.flood
        };
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut end = loop {
            let flooded = tokio::select! {
                done = fully(&mut feed) => {
                    (feed, fed) = (None, done);
                    false
                }
                n = read(&mut out, &mut out_buffer) => hear(&out_buffer[..n]),
                n = read(&mut err, &mut err_buffer) => hear(&err_buffer[..n]),
                _ = tick.tick() => {
                    if self.group.ended() { break End::Itself(None) }
                    false
                }
                () = sleep_until(terms.until) => break End::Late,
            };
            if flooded {
                break End::Talkative;
            }
        };
        if let Some(feed) = feed {
            // It may have read all of it and ended within the same moment.
            fed = timeout(Duration::ZERO, feed).await.unwrap_or(false);
        }
        if terms.leaves && matches!(end, End::Itself(_)) {
            self.group.leave();
        } else {
            self.group.kill();
        }
        // Whoever left the group, or was left, may hold a pipe open for ever.
        let rest = async {
            let mut flooded = matches!(end, End::Talkative);
            while (out.is_some() || err.is_some()) && !flooded {
                flooded = tokio::select! {
                    n = read(&mut out, &mut out_buffer) => hear(&out_buffer[..n]),
                    n = read(&mut err, &mut err_buffer) => hear(&err_buffer[..n]),
                };
            }
        };
        let _ = timeout(DRAIN, rest).await;
        let status = timeout(DRAIN, self.child.wait()).await;
        if let End::Itself(found) = &mut end {
            *found = status.ok().and_then(Result::ok);
        }
        RunSeen { end, fed }
    }
}

/// Feeding, or pending for ever once it is done.
async fn fully(feed: &mut Option<std::pin::Pin<Box<impl Future<Output = bool>>>>) -> bool {
    match feed {
        Some(feed) => feed.as_mut().await,
        None => std::future::pending().await,
    }
}
