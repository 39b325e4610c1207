//! A private directory with one named pipe in it, into which the client writes its log.
//!
//! It is a pipe and not a file, so that a host that makes the client write without end cannot fill our disk, and so
//! that we know of the login at once.
//!
//! A program that was killed leaves its directory behind. Whoever makes a new directory removes those of the same user
//! whose program no longer runs and that are older than [`AGE`]. A program in another container may run although we do
//! not see it; but after that time its client has opened the pipe and no longer needs the name. What cannot be removed
//! stays.
#![expect(
    clippy::disallowed_methods,
    reason = "a private directory for the log of one client"
)]

use std::ffi::OsStr;
use std::fs::DirBuilder;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{CWD, Mode, mkfifoat};
use rustix::process::{Pid, geteuid, test_kill_process};
use tokio::net::unix::pipe::{OpenOptions, Receiver, Sender};

/// What the name of every directory begins with; the id of the process and a random number follow.
const PREFIX: &str = "probe-ssh-";

/// The only thing in it.
const PIPE: &str = "log";

/// Most entries of the temporary directory that are read ([`READ`]), and most of the directories left behind that are
/// checked ([`SWEPT`]), each time one is made: a crowded temporary directory must not delay a restart.
const READ: usize = 10_000;
const SWEPT: usize = 100;

/// Age from which a directory that was left behind is removed.
const AGE: Duration = Duration::from_secs(60);

/// The directory. It is removed with its pipe when this is dropped.
#[derive(Debug)]
pub(super) struct Scratch {
    directory: PathBuf,
    pipe: PathBuf,
}

impl Scratch {
    /// Makes a directory for us alone (0700) below the machine's temporary directory. An existing one is never used.
    ///
    /// # Errors
    /// When the directory or the pipe cannot be made.
    pub(super) fn new() -> io::Result<Self> {
        let parent = std::env::temp_dir();
        sweep(&parent);
        let directory = parent.join(format!(
            "{PREFIX}{}-{:016x}",
            std::process::id(),
            RandomState::new().build_hasher().finish()
        ));
        DirBuilder::new().mode(0o700).create(&directory)?;
        let scratch = Self {
            pipe: directory.join(PIPE),
            directory,
        };
        mkfifoat(CWD, &scratch.pipe, Mode::RUSR | Mode::WUSR)?;
        Ok(scratch)
    }

    /// Where the pipe is.
    pub(super) fn pipe(&self) -> &Path {
        &self.pipe
    }

    /// Opens the reading end, and a writing end of our own, so that reading does not end while we hold that.
    ///
    /// # Errors
    /// When the pipe cannot be opened.
    pub(super) fn open(&self) -> io::Result<(Receiver, Sender)> {
        let receiver = OpenOptions::new().open_receiver(&self.pipe)?;
        let sender = OpenOptions::new().open_sender(&self.pipe)?;
        Ok((receiver, sender))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A failure is ignored: what stays is empty and in the temporary directory.
        let _ = std::fs::remove_file(&self.pipe);
        let _ = std::fs::remove_dir(&self.directory);
    }
}

/// Removes the directories that killed programs of this user left in `parent`.
fn sweep(parent: &Path) {
    let Ok(entries) = std::fs::read_dir(parent) else {
        return;
    };
    let left = entries
        .take(READ)
        .flatten()
        .filter(|entry| owner(&entry.file_name()).is_some_and(|pid| !lives(pid)))
        .take(SWEPT);
    for entry in left {
        // This follows no symbolic link: it is the metadata of the entry itself.
        let ours = entry.metadata().is_ok_and(|seen| {
            let age = seen.modified().map(|at| at.elapsed().unwrap_or_default());
            seen.is_dir() && seen.uid() == geteuid().as_raw() && age.is_ok_and(|age| age > AGE)
        });
        if ours {
            // Only what such a directory can hold is removed, and a failure is ignored.
            let _ = std::fs::remove_file(entry.path().join(PIPE));
            let _ = std::fs::remove_dir(entry.path());
        }
    }
}

/// The process that made the directory of this name.
fn owner(name: &OsStr) -> Option<Pid> {
    let (pid, random) = name.to_str()?.strip_prefix(PREFIX)?.split_once('-')?;
    let whole = random.len() == 16 && random.bytes().all(|byte| byte.is_ascii_hexdigit());
    Pid::from_raw(pid.parse().ok()?).filter(|pid| whole && !pid.is_init())
}

fn lives(pid: Pid) -> bool {
    // Any other answer, such as that it belongs to another user, means that it runs.
    test_kill_process(pid) != Err(rustix::io::Errno::SRCH)
}
