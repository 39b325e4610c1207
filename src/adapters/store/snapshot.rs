//! Reading the state without the lock and without writing: for `probe status`, `why`, `history` and `--dry-run`, also
//! while a daemon writes, and on a read-only disk.
//!
//! - A database without a log beside it is read as an immutable file, which leaves no trace in the directory. If the
//!   files show afterwards that somebody wrote meanwhile, it is read again.
//! - With a log beside it, SQLite reads both through the shared index (`-shm`). For a log that a killed run left, this
//!   may rebuild the index.
//! - If even that is not allowed (a read-only disk without an index), the log is not read: the answer may lack up to
//!   the last few thousand writes. In all other cases a state that is behind its mark ([`super::mark`]) is damaged.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::mark::{self, Mark};
use super::rows::{self, Loaded};
use super::trouble::Trouble;
use super::{StoreError, lock, orders};
use super::{courses, database};
use crate::model::{Course, Fleet, Happened, ProfileName, Timestamp};
use crate::ports::Snapshot;

/// How often the state is read again because a writer began or ended meanwhile; a read takes milliseconds.
const TRIES: usize = 5;

/// Time that a reader waits for a lock. In WAL mode it waits only while the log's index is rebuilt.
const BUSY: Duration = Duration::from_secs(2);

/// Reads the state. A missing directory or database reads as an empty state.
///
/// # Errors
/// When the state is damaged, of a newer schema, or cannot be read.
pub fn read_only(path: &Path) -> Result<Snapshot, StoreError> {
    let db = path.join(database::FILE);
    let begun = exists(&db)? || mark::read(path)? != Mark::Missing;
    let mut loaded = if begun {
        read_rows(path).map_err(|trouble| trouble.at(&db))?
    } else {
        Loaded {
            fleet: Fleet::default(),
            damaged: None,
            number: 0,
        }
    };
    let orders = orders::OrderBook::new(path).read();
    let pauses = orders.pauses;
    loaded.fleet.drills = orders.drills;
    loaded.fleet.pauses.clone_from(&pauses);
    loaded.fleet.approvals = orders.approvals;
    loaded.fleet.acks = orders.acks;
    Ok(Snapshot {
        fleet: loaded.fleet,
        pauses,
        holder: lock::holder(path),
        damaged: loaded.damaged.map(|name| place(path, &name)),
        begun,
    })
}

/// Reads the journal from an instant on, oldest first, at most the newest `cap` rows. Rows this release cannot read
/// are left out.
///
/// # Errors
/// As [`read_only`].
pub fn journal(
    path: &Path,
    since: Timestamp,
    cap: u32,
) -> Result<Vec<(Timestamp, Happened)>, StoreError> {
    let db = path.join(database::FILE);
    if !exists(&db)? {
        return Ok(Vec::new());
    }
    let read = |connection: &Connection, _| -> Result<Vec<(Timestamp, Happened)>, Trouble> {
        database::examine(connection)?;
        let mut statement = connection
            .prepare("SELECT at, body FROM journal WHERE at >= ?1 ORDER BY seq DESC LIMIT ?2")?;
        let mut rows = statement.query((since.0, cap))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            if let Ok(happened) = serde_json::from_str(&row.get::<_, String>(1)?) {
                found.push((Timestamp(row.get(0)?), happened));
            }
        }
        found.reverse();
        Ok(found)
    };
    reading(&db, read).map_err(|trouble| trouble.at(&db))
}

/// How each site did over the last day.
///
/// # Errors
/// As [`read_only`].
pub(super) fn courses(path: &Path) -> Result<BTreeMap<ProfileName, Course>, StoreError> {
    let db = path.join(database::FILE);
    if !exists(&db)? {
        return Ok(BTreeMap::new());
    }
    let read =
        |connection: &Connection, _: bool| -> Result<BTreeMap<ProfileName, Course>, Trouble> {
            database::examine(connection)?;
            Ok(courses::all(connection)?)
        };
    reading(&db, read).map_err(|trouble| trouble.at(&db))
}

fn exists(db: &Path) -> Result<bool, StoreError> {
    db.try_exists().map_err(|e| StoreError::file("read", db, e))
}

/// The path of a state that was moved aside; empty if nothing was left of it.
pub(super) fn place(dir: &Path, name: &str) -> PathBuf {
    if name.is_empty() {
        PathBuf::new()
    } else {
        dir.join(name)
    }
}

/// Reads the rows of the database in this directory without writing.
pub(super) fn read_rows(dir: &Path) -> Result<Loaded, Trouble> {
    let mark = mark::read(dir).map_err(Trouble::File)?;
    let db = dir.join(database::FILE);
    if !db.exists() {
        return Err(Trouble::Damaged(format!(
            "it is gone, and {} knows of one",
            mark::FILE
        )));
    }
    reading(&db, |connection, is_whole| {
        database::examine(connection)?;
        let loaded = rows::load(connection)?;
        // If a run writes its first mark meanwhile, that is no damage.
        let is_new = mark == Mark::Missing && mark::read(dir).is_ok_and(|now| now != mark);
        if is_whole && !is_new {
            mark::judge(mark, loaded.number)?;
        }
        Ok(loaded)
    })
}

/// Reads. `read` is told whether the whole state is seen, including its log.
fn reading<T>(
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
    let log = db.with_file_name(format!("{}-wal", database::FILE));
    Marks {
        inode: found.as_ref().map_or(0, MetadataExt::ino),
        modified: found.map_or((0, 0), |found| (found.mtime(), found.mtime_nsec())),
        log_bytes: fs::metadata(log).map_or(0, |found| found.len()),
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
