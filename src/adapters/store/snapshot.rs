//! Reading the state without the lock and without writing: for `probe status`, `why`, `history` and `--dry-run`, also
//! while a daemon writes, and on a read-only disk.
//!
//! How it is read, `beside` says. If the log was read, a state that is behind its mark ([`super::mark`]) is damaged.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension as _};

use super::beside::reading;
use super::history::{self, Grain};
use super::mark::{self, Mark};
use super::rows::{self, Loaded};
use super::trouble::Trouble;
use super::{StoreError, lock, orders};
use super::{courses, database};
use crate::model::{Course, Fleet, Happened, ProfileName, Rollup, Seen, Timestamp};
use crate::ports::Snapshot;

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
    loaded.fleet.rehearsals = orders.rehearsals;
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
/// are left out. What the state no longer has is read from the history.
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
    type Notes = Vec<(Timestamp, Happened)>;
    let read = |connection: &Connection, _| -> Result<(Notes, Option<Timestamp>), Trouble> {
        database::recognise(connection)?;
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
        let oldest = connection
            .prepare("SELECT at FROM journal ORDER BY seq LIMIT 1")?
            .query_row([], |row| row.get(0).map(Timestamp))
            .optional()?;
        Ok((found, oldest))
    };
    let (newer, oldest) = reading(&db, read).map_err(|trouble| trouble.at(&db))?;
    let wanted = cap.saturating_sub(u32::try_from(newer.len()).unwrap_or(cap));
    let before = oldest.unwrap_or(Timestamp(i64::MAX));
    if wanted == 0 || before <= since {
        return Ok(newer);
    }
    let older = history::notes(path, since, before, wanted);
    let mut all = older.unwrap_or_else(|trouble| unread(path, trouble));
    all.extend(newer);
    Ok(all)
}

/// A history that cannot be read is told and counts as empty.
fn unread<T: Default>(path: &Path, trouble: Trouble) -> T {
    let error = trouble.at(&path.join(history::FILE));
    tracing::warn!(%error, "the history cannot be read");
    T::default()
}

/// What was seen from an instant on, oldest first, at most the newest `cap` rows.
pub(super) fn seen(path: &Path, since: Timestamp, cap: u32) -> Vec<(Timestamp, Seen)> {
    history::seen(path, since, cap).unwrap_or_else(|trouble| unread(path, trouble))
}

/// Hours or days of these profiles from a number on, oldest first.
pub(super) fn rollups(
    path: &Path,
    grain: Grain,
    profiles: &[ProfileName],
    since: u32,
) -> BTreeMap<ProfileName, Vec<(u32, Rollup)>> {
    history::rollups(path, grain, profiles, since).unwrap_or_else(|trouble| unread(path, trouble))
}

/// How these sites did over the last day.
///
/// # Errors
/// As [`read_only`].
pub(super) fn courses(
    path: &Path,
    profiles: &[ProfileName],
) -> Result<BTreeMap<ProfileName, Course>, StoreError> {
    let db = path.join(database::FILE);
    if !exists(&db)? {
        return Ok(BTreeMap::new());
    }
    let read =
        |connection: &Connection, _: bool| -> Result<BTreeMap<ProfileName, Course>, Trouble> {
            database::recognise(connection)?;
            Ok(courses::of_profiles(connection, profiles)?)
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
