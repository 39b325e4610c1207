//! The history: what is kept of the past that nothing is decided by.
//!
//! It is a database of its own, `history.db`, because it may be large and its loss is no damage of the state: hours and
//! days of every site (`rollups`), and all that was seen and decided (`events`). It is written after the commit that
//! holds the same decision was answered, in the same thread, so it delays no probe and no act; a run that is killed in
//! between lacks the last seconds of it.
//!
//! A history that is damaged is moved aside as `history.db.corrupt` and a new one begins. One of a newer release is
//! left as it is, and nothing is added. What cannot be written waits in memory, up to
//! [`limits::HISTORY_WAITING`] commits, and the log says so once.

mod events;
mod rollups;

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use super::beside::reading;
use super::trouble::Trouble;
use crate::model::{Changes, Happened, ProfileName, Rollup, Seen, Timestamp, limits};

pub(in crate::adapters::store) use rollups::Grain;

/// The database.
pub(super) const FILE: &str = "history.db";

/// Where a damaged one goes; the one before it is overwritten.
const ASIDE: &str = "history.db.corrupt";

/// The schema that this release writes.
const VERSION: u32 = 1;

/// Time to wait for a reader that holds a lock.
const BUSY: Duration = Duration::from_secs(5);

/// Writes the history; owned by the thread that writes the state.
#[derive(Debug)]
pub(super) struct History {
    path: PathBuf,
    connection: Option<Connection>,
    waiting: VecDeque<Changes>,
    complained: bool,
}

impl History {
    pub(super) fn of(dir: &Path) -> Self {
        Self {
            path: dir.join(FILE),
            connection: None,
            waiting: VecDeque::new(),
            complained: false,
        }
    }

    /// Adds what a commit brought.
    pub(super) fn add(&mut self, changes: Changes) {
        let forgets = changes.profiles.iter().any(|(_, track)| track.is_none());
        let silent = changes.journal.is_empty() && changes.seen.is_empty();
        let news = !changes.shares.is_empty() || !silent;
        if news || forgets {
            self.waiting.push_back(Changes {
                profiles: forgotten(changes.profiles),
                hosts: Vec::new(),
                outbox: Vec::new(),
                ..changes
            });
        }
        while let Some(next) = self.waiting.pop_front() {
            if let Err(failure) = self.write(&next) {
                self.failed(&failure);
                self.waiting.push_front(next);
                let surplus = self.waiting.len().saturating_sub(limits::HISTORY_WAITING);
                self.waiting.drain(..surplus);
                return;
            }
            if std::mem::take(&mut self.complained) {
                tracing::info!(history = %self.path.display(), "the history is written again");
            }
        }
    }

    fn failed(&mut self, failure: &rusqlite::Error) {
        self.connection = None;
        if !std::mem::replace(&mut self.complained, true) {
            tracing::warn!(
                history = %self.path.display(), %failure,
                "the history cannot be written; watching and restarting go on without it"
            );
        }
        let broken = matches!(
            failure.sqlite_error_code(),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
        );
        if broken {
            move_aside(&self.path);
        }
    }

    fn write(&mut self, changes: &Changes) -> rusqlite::Result<()> {
        // SQLite would go on writing into a file that was removed.
        if !self.path.exists() {
            self.connection = None;
        }
        let connection = match self.connection.take() {
            Some(connection) => self.connection.insert(connection),
            None => self.connection.insert(open(&self.path)?),
        };
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        rollups::write(&transaction, changes)?;
        events::write(&transaction, changes)?;
        transaction.commit()
    }
}

/// The names of profiles that were removed.
fn forgotten<T>(profiles: Vec<(ProfileName, Option<T>)>) -> Vec<(ProfileName, Option<T>)> {
    let removed = |(_, track): &(ProfileName, Option<T>)| track.is_none();
    profiles.into_iter().filter(removed).collect()
}

fn move_aside(path: &Path) {
    for end in ["", "-wal", "-shm"] {
        let name = |file: &str| path.with_file_name(format!("{file}{end}"));
        let _ = fs::rename(name(FILE), name(ASIDE));
    }
}

fn open(path: &Path) -> rusqlite::Result<Connection> {
    // With our own mode; SQLite would follow the umask.
    let made = fs::OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path);
    drop(made);
    let mut connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_NOFOLLOW,
    )?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    // The last seconds may be lost with the machine, never the database.
    connection.pragma_update(None, "synchronous", "normal")?;
    if version(&connection)? == 0 {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(rollups::SCHEMA)?;
        transaction.execute_batch(events::SCHEMA)?;
        transaction.pragma_update(None, "user_version", VERSION)?;
        transaction.commit()?;
    }
    Ok(connection)
}

/// The schema; zero for a new file. One that is newer than ours is an error.
fn version(connection: &Connection) -> rusqlite::Result<u32> {
    let found = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found > VERSION {
        let words = "a newer probe wrote it; it is left as it is";
        let error = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_ERROR);
        return Err(rusqlite::Error::SqliteFailure(
            error,
            Some(words.to_owned()),
        ));
    }
    Ok(found)
}

/// Hours or days of these profiles from a number on, oldest first.
///
/// # Errors
/// When the history is there and cannot be read.
pub(super) fn rollups(
    dir: &Path,
    grain: Grain,
    profiles: &[ProfileName],
    since: u32,
) -> Result<BTreeMap<ProfileName, Vec<(u32, Rollup)>>, Trouble> {
    read(dir, |connection| {
        rollups::of(connection, grain, profiles, since)
    })
}

/// What happened between two instants, oldest first, at most the newest `cap` rows. What this release cannot read is
/// left out.
///
/// # Errors
/// As [`rollups`].
pub(super) fn notes(
    dir: &Path,
    since: Timestamp,
    before: Timestamp,
    cap: u32,
) -> Result<Vec<(Timestamp, Happened)>, Trouble> {
    read(dir, |connection| {
        events::notes(connection, since, before, cap)
    })
}

/// What was seen from an instant on, oldest first, at most the newest `cap` rows. What this release cannot read is left
/// out.
///
/// # Errors
/// As [`rollups`].
pub(super) fn seen(
    dir: &Path,
    since: Timestamp,
    cap: u32,
) -> Result<Vec<(Timestamp, Seen)>, Trouble> {
    read(dir, |connection| events::seen(connection, since, cap))
}

/// Reads; a history that is not there, or is of a newer release, is empty.
fn read<T: Default>(
    dir: &Path,
    read: impl Fn(&Connection) -> rusqlite::Result<T>,
) -> Result<T, Trouble> {
    let path = dir.join(FILE);
    if !path.exists() {
        return Ok(T::default());
    }
    reading(&path, |connection, _| match version(connection) {
        Ok(VERSION) => Ok(read(connection)?),
        _ => Ok(T::default()),
    })
}
