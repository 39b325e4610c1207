//! A private directory with one named pipe in it, into which the client writes its log.
//!
//! A pipe rather than a file: a host that makes the client talk without end cannot fill our disk, and we hear of the
//! login the moment it happens.
#![expect(
    clippy::disallowed_methods,
    reason = "a private directory for the log of one client"
)]

use std::fs::DirBuilder;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, mkfifoat};
use tokio::net::unix::pipe::{OpenOptions, Receiver, Sender};

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
        let directory = std::env::temp_dir().join(format!(
            "probe-ssh-{}-{:016x}",
            std::process::id(),
            RandomState::new().build_hasher().finish()
        ));
        DirBuilder::new().mode(0o700).create(&directory)?;
        let scratch = Self {
            pipe: directory.join("log"),
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
