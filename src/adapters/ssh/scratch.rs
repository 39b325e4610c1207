//! A private directory with one named pipe in it, into which the client writes its log.
//!
//! A pipe rather than a file: a host that makes the client talk without end cannot fill our disk, and we hear of the
//! login the moment it happens.
//!
//! A program that was killed leaves its directory behind. Whoever makes a new one removes those of the same user whose
//! program no longer lives, once they are a minute old: a program in another container may live without our seeing it,
//! but by then its client has opened the pipe and does not miss the name. What cannot be removed stays.
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

/// Entries of the temporary directory that are read when a new one is made, and of those that may be left ones how
/// many are looked at: a crowded temporary directory must not delay a restart.
const READ: usize = 10_000;
const SWEPT: usize = 100;

/// Age from which on one is swept.
const AGE: Duration = Duration::from_secs(60);

/// Removed with everything in it when dropped.
#[derive(Debug)]
pub(super) struct Scratch {
    directory: PathBuf,
    pipe: PathBuf,
}

impl Scratch {
    /// Makes a directory for us alone (0700) below the machine's temporary directory. An existing one is never taken.
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

    /// Opens the reading end, and a writing end of our own: while that is held, the pipe does not end.
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
        // What cannot be removed lies in the temporary directory and is empty; there is nobody to tell.
        let _ = std::fs::remove_file(&self.pipe);
        let _ = std::fs::remove_dir(&self.directory);
    }
}

/// Removes what programs of this user that were killed left in `parent`.
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
        // Not through a link: the metadata is the entry's own.
        let ours = entry.metadata().is_ok_and(|seen| {
            let age = seen.modified().map(|at| at.elapsed().unwrap_or_default());
            seen.is_dir() && seen.uid() == geteuid().as_raw() && age.is_ok_and(|age| age > AGE)
        });
        if ours {
            // Only what such a directory can hold is removed; nobody waits for it.
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
    // Whatever else is said of it, also that it is another user's: it is there.
    test_kill_process(pid) != Err(rustix::io::Errno::SRCH)
}
