//! Programs of this machine: each is started in a process group of its own, watched without being reaped, and ended with all
//! that it started. Whose program it is, what it is given and what its end means is the adapters' business.

mod run;

pub use run::{End, RunSeen, Running, Terms};

use std::io;
use std::process::Stdio;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};

/// Starts a program in a group of its own, with its output to be read.
///
/// # Errors
/// When this machine cannot start it.
pub fn start(mut command: Command, stdin: Stdio) -> io::Result<(Group, Child)> {
    let child = command
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()?;
    let id = child.id().and_then(|id| i32::try_from(id).ok());
    Ok((Group(id.and_then(Pid::from_raw)), child))
}

/// The process group of a program that has not been reaped; killed when dropped. While its leader is not reaped, the group
/// cannot be anybody else's.
#[derive(Debug)]
pub struct Group(Option<Pid>);

impl Group {
    /// Whether the leader has ended. It is not reaped by that.
    #[must_use]
    pub fn ended(&self) -> bool {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        self.0
            .is_none_or(|leader| !matches!(waitid(WaitId::Pid(leader), options), Ok(None)))
    }

    /// Ends everything that is in it.
    pub fn kill(&mut self) {
        if let Some(leader) = self.0.take() {
            // Nothing is left to be killed when this fails.
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }

    /// Lets what is in it go on.
    pub const fn leave(&mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Reads what is there; an ended pipe is closed, and a closed one never answers.
pub async fn read(pipe: &mut Option<impl AsyncRead + Unpin>, buffer: &mut [u8]) -> usize {
    let Some(open) = pipe else {
        return std::future::pending().await;
    };
    let n = open.read(buffer).await.unwrap_or(0);
    if n == 0 {
        *pipe = None;
    }
    n
}
