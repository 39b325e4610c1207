//! One run at a time: `flock` on the file `lock` in the state directory.
//!
//! The kernel releases the lock when its process ends, however it ends. The content of the file (process number, time
//! of taking, start of the process in clock ticks) is only for messages and never decides.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use super::{StoreError, directory};
use crate::model::{Holder, Timestamp};

const FILE: &str = "lock";

/// The lock. It is held until this is dropped.
#[derive(Debug)]
pub(super) struct RunLock {
    file: File,
}

impl Drop for RunLock {
    fn drop(&mut self) {
        // Closing alone is not enough: a child between its fork and its exec holds the same open file.
        let _ = self.file.unlock();
    }
}

impl RunLock {
    /// Takes the lock, or says at once who holds it.
    ///
    /// # Errors
    /// [`StoreError::Locked`], or what the system said.
    pub(super) fn take(dir: &Path, wall: Timestamp) -> Result<Self, StoreError> {
        let path = dir.join(FILE);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(directory::no_follow())
            .open(&path)
            // On a full or read-only disk the file of an earlier run can still be locked.
            .or_else(|refused| File::open(&path).map_err(|_| refused))
            .map_err(|e| StoreError::file("open the lock", &path, e))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(StoreError::Locked {
                    path: dir.to_owned(),
                    holder: written(dir).map(|(holder, _)| holder),
                });
            }
            Err(TryLockError::Error(e)) => {
                return Err(StoreError::file("lock", &path, e));
            }
        }
        let pid = std::process::id();
        let text = format!("{pid} {} {}\n", wall.0, started(pid).unwrap_or_default());
        // A failure is ignored: the content is only for messages, and a full disk must not stop the watching. The text
        // is written before the file is truncated, so that a reader never finds it empty.
        let _ = file
            .write_all_at(text.as_bytes(), 0)
            .and_then(|()| file.set_len(text.len() as u64));
        Ok(Self { file })
    }
}

/// Who holds the lock, found without touching it: the process named in the file, if it still runs.
pub(super) fn holder(dir: &Path) -> Option<Holder> {
    let (holder, ticks) = written(dir)?;
    (started(holder.pid)? == ticks).then_some(holder)
}

fn written(dir: &Path) -> Option<(Holder, u64)> {
    let text = fs::read_to_string(dir.join(FILE)).ok()?;
    let mut words = text.lines().next()?.split(' ');
    let pid = words.next()?.parse().ok()?;
    let since = Timestamp(words.next()?.parse().ok()?);
    let ticks = words.next()?.parse().ok()?;
    Some((Holder { pid, since }, ticks))
}

/// When a process started, in clock ticks since boot (field 22 of `/proc/PID/stat`). Together with its number it is
/// unique.
fn started(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold spaces; the fields after it do not.
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_whitespace().nth(19)?.parse().ok()
}
