//! Reading a database without writing: also while another process writes it, and on a read-only disk.
//!
//! - A database without a log beside it is read as an immutable file, which leaves no trace in the directory. If the
//!   files show afterwards that somebody wrote meanwhile, it is read again.
//! - With a log beside it, SQLite reads both through the shared index (`-shm`). For a log that a killed run left, this
//!   may rebuild the index.
//! - If even that is not allowed (a read-only disk without an index), the log is not read: the answer may lack up to
//!   the last few thousand writes.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::trouble::Trouble;

/// How often the state is read again because a writer began or ended meanwhile; a read takes milliseconds.
const TRIES: usize = 5;

/// Time that a reader waits for a lock. In WAL mode it waits only while the log's index is rebuilt.
const BUSY: Duration = Duration::from_secs(2);

/// Reads. `read` is told whether the whole state is seen, including its log.
pub(super) fn reading<T>(
    db: &Path,
    read: impl Fn(&Connection, bool) -> Result<T, Trouble>,
) -> Result<T, Trouble> {
    // In one transaction: otherwise several statements would see several states beside a writer.
    let read = |connection: rusqlite::Result<Connection>, is_whole| -> Result<T, Trouble> {
        let connection = connection?;
        let transaction = connection.unchecked_transaction()?;
        read(&transaction, is_whole)
    };
    for _ in 0..TRIES {
        let before = marks(db);
        if before.log_bytes > 0 {
            match read(shared(db), true) {
                Err(Trouble::Unwritable(_)) => {}
                other => return other,
            }
        }
        let answer = read(immutable(db), before.log_bytes == 0);
        if marks(db) == before {
            return answer;
        }
    }
    // With so busy a writer there is a log, so the shared way works.
    read(shared(db), true)
}

/// What changes in the files when somebody writes.
#[derive(PartialEq, Eq)]
struct Marks {
    inode: u64,
    modified: (i64, i64),
    log_bytes: u64,
}

fn marks(db: &Path) -> Marks {
    let found = fs::metadata(db).ok();
    let mut log = db.as_os_str().to_owned();
    log.push("-wal");
    Marks {
        inode: found.as_ref().map_or(0, MetadataExt::ino),
        modified: found.map_or((0, 0), |found| (found.mtime(), found.mtime_nsec())),
        log_bytes: fs::metadata(PathBuf::from(log)).map_or(0, |found| found.len()),
    }
}

fn shared(db: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(
        db,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(BUSY)?;
    Ok(connection)
}

fn immutable(db: &Path) -> rusqlite::Result<Connection> {
    let mut uri = "file:".to_owned();
    let absolute = std::path::absolute(db).unwrap_or_else(|_| db.to_owned());
    for byte in absolute.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || b"/._-".contains(byte) {
            uri.push(char::from(*byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri.push_str("?immutable=1");
    Connection::open_with_flags(
        uri,
        OpenFlags::SQLITE_OPEN_READ_ONLY
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_URI,
    )
}
