//! One run of the program: fed, read, watched against its limit, ended as a whole group.
#![expect(
    clippy::disallowed_methods,
    reason = "the limit of one run is counted here"
)]

use std::collections::VecDeque;
use std::io;
use std::process::ExitStatus;
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};

use crate::model::limits;

/// How often the program is looked at. Its end is seen without reaping it: while it is not reaped, its process group
/// cannot be anybody else's.
const TICK: Duration = Duration::from_millis(20);

/// For what is still in the pipes once every process of the group is dead.
const DRAIN: Duration = Duration::from_secs(1);

/// Output beyond this is a loop, not a message.
const FLOOD: u64 = 1024 * 1024;

/// How a run ended.
#[derive(Debug)]
pub(super) enum End {
    /// The program ended, with this status where it could be collected.
    Itself(Option<ExitStatus>),
    /// Not within its limit.
    Late,
    /// It printed too much.
    Talkative,
}

/// What was seen of a run.
#[derive(Debug)]
pub(super) struct Seen {
    /// How it ended.
    pub(super) end: End,
    /// The end of what it printed.
    pub(super) output: String,
}

/// The process group of a program that has not been reaped; killed when dropped.
struct Group(Option<Pid>);

impl Group {
    /// Whether the leader has ended.
    fn ended(&self) -> bool {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        self.0
            .is_none_or(|leader| !matches!(waitid(WaitId::Pid(leader), options), Ok(None)))
    }

    fn kill(&mut self) {
        if let Some(leader) = self.0.take() {
            // Nothing is left to be killed when this fails.
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The last bytes of what was printed.
#[derive(Default)]
struct Tail {
    bytes: VecDeque<u8>,
    count: u64,
}

impl Tail {
    fn push(&mut self, bytes: &[u8]) {
        self.count = self.count.saturating_add(bytes.len() as u64);
        let fits = bytes.len().saturating_sub(limits::COMMAND_OUTPUT);
        self.bytes.extend(bytes.get(fits..).unwrap_or_default());
        let surplus = self.bytes.len().saturating_sub(limits::COMMAND_OUTPUT);
        self.bytes.drain(..surplus);
    }

    fn text(self) -> String {
        String::from_utf8_lossy(&Vec::from(self.bytes)).into_owned()
    }
}

/// A program that runs. The group comes first: it is killed before the child is let go of.
pub(super) struct Child {
    group: Group,
    child: tokio::process::Child,
}

impl Child {
    /// Starts it.
    ///
    /// # Errors
    /// When our machine cannot start it.
    pub(super) fn start(mut command: Command) -> io::Result<Self> {
        let child = command.spawn()?;
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Ok(Self {
            group: Group(id.and_then(Pid::from_raw)),
            child,
        })
    }

    /// Hands it the document and watches it to its end or to the limit.
    pub(super) async fn watch(mut self, document: String, limit: Duration) -> Seen {
        let (mut out, mut err) = (self.child.stdout.take(), self.child.stderr.take());
        let stdin = self.child.stdin.take();
        let feed = async move {
            if let Some(mut stdin) = stdin {
                // A program may end without reading to the end; its exit status says what that means.
                let _ = stdin.write_all(document.as_bytes()).await;
            }
        };
        let mut feed = Some(Box::pin(feed));
        let [mut out_buffer, mut err_buffer] = [(); 2].map(|()| vec![0_u8; 8 * 1024]);
        let mut tail = Tail::default();
        let end = Instant::now() + limit;
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut ended = loop {
            tokio::select! {
                () = fed(&mut feed) => feed = None,
                n = read(&mut out, &mut out_buffer) => tail.push(&out_buffer[..n]),
                n = read(&mut err, &mut err_buffer) => tail.push(&err_buffer[..n]),
                _ = tick.tick() => if self.group.ended() { break End::Itself(None) },
                () = sleep_until(end) => break End::Late,
            }
            if tail.count > FLOOD {
                break End::Talkative;
            }
        };
        self.group.kill();
        // Whoever left the group may hold a pipe open for ever.
        let rest = async {
            while (out.is_some() || err.is_some()) && tail.count <= FLOOD {
                tokio::select! {
                    n = read(&mut out, &mut out_buffer) => tail.push(&out_buffer[..n]),
                    n = read(&mut err, &mut err_buffer) => tail.push(&err_buffer[..n]),
                }
            }
        };
        let _ = timeout(DRAIN, rest).await;
        let status = timeout(DRAIN, self.child.wait())
            .await
            .ok()
            .and_then(Result::ok);
        if let End::Itself(found) = &mut ended {
            *found = status;
        }
        Seen {
            end: ended,
            output: tail.text(),
        }
    }
}

/// Feeding, or pending for ever once it is done.
async fn fed(feed: &mut Option<std::pin::Pin<Box<impl Future<Output = ()>>>>) {
    match feed {
        Some(feed) => feed.as_mut().await,
        None => std::future::pending().await,
    }
}

/// Reads what is there; an ended pipe is closed, and a closed one never answers.
async fn read(pipe: &mut Option<impl AsyncRead + Unpin>, buffer: &mut [u8]) -> usize {
    let Some(open) = pipe else {
        return std::future::pending().await;
    };
    let n = open.read(buffer).await.unwrap_or(0);
    if n == 0 {
        *pipe = None;
    }
    n
}
