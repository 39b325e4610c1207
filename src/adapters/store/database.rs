//! The database file: making, opening, checking and migrating it.
//!
//! A database is always made complete under another name and then renamed into place. So an empty `state.db`, or one
//! without a header, is damage and never a new beginning. `user_version` is the schema's number, `application_id` marks
//! it as ours.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::mark::{self, Mark};
use super::rows::{self, Loaded};
use super::trouble::Trouble;
use super::{StoreError, directory, error};

/// The database.
pub(super) const FILE: &str = "state.db";

/// A database that is made and not yet in place.
pub(super) const FRESH: &str = "state.db.new";

/// The steps from schema 1 to 2, from 2 to 3, and so on.
const STEPS: &[&str] = &[rows::COURSES, FINDINGS, TELLINGS, SLOTS];

/// Findings are kept as facts instead of sentences. Rows with sentences are still read, so nothing changes but the
/// number: it tells a release that cannot read facts.
const FINDINGS: &str = "";

/// What people were told is kept beside the incident. Earlier rows are still read, so nothing changes but the number.
const TELLINGS: &str = "";

/// The slot under way knows for how long the site was judged. Earlier rows are still read, so nothing changes but the
/// number.
const SLOTS: &str = "";

/// `prob`, in the header of every state.
const OURS: u32 = 0x7072_6f62;

/// A schema number this far above ours means a broken header, not a later release.
const FORESEEABLE: u32 = 1000;

/// Time to wait for a locked database. Another process holds its lock for milliseconds; one that holds it longer hangs.
const BUSY: Duration = Duration::from_secs(5);

/// The write-ahead log is truncated to this size after a burst.
const LOG_BYTES: u32 = 16 * 1024 * 1024;

/// The newest schema this program knows.
const fn newest(steps: &[&str]) -> u32 {
    // The list is written by hand and short.
    #[expect(clippy::cast_possible_truncation, reason = "a list in this file")]
    let steps = steps.len() as u32;
    1 + steps
}

/// The schema of the states that this program writes.
#[must_use]
pub const fn schema() -> u32 {
    newest(STEPS)
}

/// Makes `state.db.new`, durable and closed, which goes on counting from `number`. `damaged` names the file it replaces.
pub(super) fn create(dir: &Path, damaged: Option<&str>, number: u64) -> Result<(), StoreError> {
    let fresh = dir.join(FRESH);
    for end in ["", "-wal", "-shm"] {
        let left = dir.join(format!("{FRESH}{end}"));
        if left.exists() {
            fs::remove_file(&left).map_err(|e| StoreError::file("remove", &left, e))?;
        }
    }
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&fresh)
        .map_err(|e| StoreError::file("make", &fresh, e))?;
    fill(&fresh, damaged, number).map_err(|failure| StoreError::Database {
        words: error::words(&fresh, &failure),
    })?;
    File::open(&fresh)
        .and_then(|file| file.sync_all())
        .and_then(|()| directory::sync(dir))
        .map_err(|e| StoreError::file("sync", &fresh, e))
}

fn fill(fresh: &Path, damaged: Option<&str>, number: u64) -> rusqlite::Result<()> {
    let mut connection = connect(fresh)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(rows::SCHEMA)?;
    rows::begin(&transaction, damaged, number)?;
    for step in STEPS {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "application_id", OURS)?;
    transaction.pragma_update(None, "user_version", newest(STEPS))?;
    transaction.commit()?;
    connection.close().map_err(|(_, failure)| failure)
}

/// Makes `state.db.new` the state.
pub(super) fn put_in_place(dir: &Path) -> Result<(), StoreError> {
    let fresh = dir.join(FRESH);
    fs::rename(&fresh, dir.join(FILE))
        .and_then(|()| directory::sync(dir))
        .map_err(|e| StoreError::file("put in place", &fresh, e))
}

/// Opens an existing database for writing and checks nothing.
pub(super) fn connect(db: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(
        db,
        OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_NOFOLLOW,
    )?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "journal_size_limit", LOG_BYTES)?;
    Ok(connection)
}

/// Opens the state: checked, of the newest schema, not behind the mark, with all it holds.
pub(super) fn open(db: &Path, mark: Mark) -> Result<(Connection, Loaded), Trouble> {
    glance(db)?;
    let mut connection = connect(db)?;
    let found = examine(&connection)?;
    // Before anything is written: a state that is moved aside must stay as it was found.
    mark::judge(mark, rows::number(&connection)?)?;
    migrate(&mut connection, db, found, STEPS)?;
    connection.execute_batch(rows::MARK)?;
    let loaded = rows::load(&connection)?;
    Ok((connection, loaded))
}

/// Whether an open database is ours, by its own marks alone: for what is only shown. Returns its schema, which is not newer
/// than ours.
pub(super) fn recognise(connection: &Connection) -> Result<u32, Trouble> {
    let number = |name| connection.pragma_query_value(None, name, |row| row.get::<_, u32>(0));
    let found = number("user_version")?;
    judge(found)?;
    if number("application_id")? != OURS {
        return Err(Trouble::Damaged("it is not a state of probe".to_owned()));
    }
    Ok(found)
}

/// Checks an open database completely (`quick_check`), which reads all of it. Returns its schema, which is not newer than ours.
pub(super) fn examine(connection: &Connection) -> Result<u32, Trouble> {
    let found = recognise(connection)?;
    let verdict: String =
        connection.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0))?;
    if verdict == "ok" {
        Ok(found)
    } else {
        Err(Trouble::Damaged(verdict.replace('\n', " ")))
    }
}

fn judge(schema: u32) -> Result<(), Trouble> {
    let newest = newest(STEPS);
    if schema == 0 || schema > newest + FORESEEABLE {
        Err(Trouble::Damaged(format!("its schema number is {schema}")))
    } else if schema > newest {
        Err(Trouble::Newer {
            found: schema,
            known: newest,
        })
    } else {
        Ok(())
    }
}

/// Checks the header before SQLite opens the file. Opening a newer state would change it, and SQLite would take an
/// empty file for a new database and an unknown write format for a read-only disk.
fn glance(db: &Path) -> Result<(), Trouble> {
    let mut header = [0_u8; 100];
    let read = File::open(db).and_then(|mut file| file.read_exact(&mut header));
    match read {
        Ok(()) => {}
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => {
            return Err(Trouble::Damaged("it is empty or cut off".to_owned()));
        }
        Err(e) => return Err(Trouble::File(StoreError::file("read", db, e))),
    }
    let begins = header.starts_with(b"SQLite format 3\0");
    let [.., write_format, read_format] = header.first_chunk::<20>().unwrap_or(&[0; 20]);
    if !begins || !(1..=2).contains(write_format) || !(1..=2).contains(read_format) {
        return Err(Trouble::Damaged("its header is broken".to_owned()));
    }
    let schema = header[60..]
        .first_chunk()
        .map_or(0, |b| u32::from_be_bytes(*b));
    judge(schema)
}

/// Brings an older schema up to date in one transaction, after keeping a copy as `state.db.vN`.
fn migrate(
    connection: &mut Connection,
    db: &Path,
    found: u32,
    steps: &[&str],
) -> Result<(), Trouble> {
    if found >= newest(steps) {
        return Ok(());
    }
    keep_copy(connection, db, found)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for step in steps.iter().skip(found as usize - 1) {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "user_version", newest(steps))?;
    transaction.commit()?;
    // Puts the schema number into the header as well, which an older release checks first.
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    Ok(())
}

fn keep_copy(connection: &Connection, db: &Path, found: u32) -> Result<(), Trouble> {
    let copy = db.with_file_name(format!("{FILE}.v{found}"));
    let draft = db.with_file_name(format!("{FILE}.v{found}.part"));
    let failed = |e| Trouble::File(StoreError::file("keep a copy of the state as", &copy, e));
    match fs::remove_file(&draft) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(failed(e)),
        _ => {}
    }
    // SQLite makes the copy: if we opened and closed the file ourselves, its locks would be dropped.
    connection.execute("VACUUM INTO ?1", [draft.to_string_lossy()])?;
    File::open(&draft)
        .and_then(|file| file.sync_all())
        .and_then(|()| fs::rename(&draft, &copy))
        .and_then(|()| directory::sync(db.parent().unwrap_or(Path::new("."))))
        .map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ProfileName, ProfileTrack, Timestamp};

    #[test]
    fn an_older_schema_is_migrated_and_kept() {
        let dir = tempfile::tempdir().unwrap();
        create(dir.path(), Some("state.db.corrupt-x"), 0).unwrap();
        put_in_place(dir.path()).unwrap();
        let db = dir.path().join(FILE);
        let mut connection = connect(&db).unwrap();
        let mut steps = STEPS.to_vec();
        steps.push("ALTER TABLE aside ADD COLUMN why TEXT NOT NULL DEFAULT 'unknown'");
        let ours = newest(STEPS);

        migrate(&mut connection, &db, ours, &steps).unwrap();

        let columns: (String, String) = connection
            .query_row("SELECT path, why FROM aside", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .unwrap();
        assert_eq!(columns, ("state.db.corrupt-x".into(), "unknown".into()));
        drop(connection);
        assert!(
            matches!(open(&db, Mark::Missing), Err(Trouble::Newer { found, .. }) if found == ours + 1),
            "this release refuses it"
        );
        let copy = dir.path().join(format!("state.db.v{ours}"));
        let old = connect(&copy).unwrap();
        assert_eq!(examine(&old).unwrap(), ours);
        let loaded = rows::load(&old).unwrap();
        assert_eq!(loaded.damaged.as_deref(), Some("state.db.corrupt-x"));
    }

    #[test]
    fn a_state_of_schema_1_gets_room_for_pictures() {
        let dir = tempfile::tempdir().unwrap();
        create(dir.path(), None, 0).unwrap();
        put_in_place(dir.path()).unwrap();
        let db = dir.path().join(FILE);
        let connection = connect(&db).unwrap();
        connection
            .execute_batch("DROP TABLE course; DROP TABLE picture; PRAGMA user_version = 1; PRAGMA wal_checkpoint(TRUNCATE)")
            .unwrap();
        drop(connection);

        let (connection, _) = open(&db, Mark::Missing).unwrap();

        assert_eq!(examine(&connection).unwrap(), newest(STEPS));
        let rows: u32 = connection
            .query_row(
                "SELECT (SELECT count(*) FROM course) + (SELECT count(*) FROM picture)",
                [],
                |row| row.get(0),
            )
            .unwrap();
        assert_eq!(rows, 0);
        assert!(dir.path().join("state.db.v1").exists());
    }

    #[test]
    fn what_schema_3_knew_of_a_thread_is_read() {
        let dir = tempfile::tempdir().unwrap();
        create(dir.path(), None, 0).unwrap();
        put_in_place(dir.path()).unwrap();
        let db = dir.path().join(FILE);
        let connection = connect(&db).unwrap();
        let incident = |id: &str| {
            serde_json::json!({
                "id": id, "since": 1, "opened": 2, "cause": "refused", "attempts": [],
                "sequence": 3, "gave_up": true, "withheld": "budget", "told": 4, "news": 5,
            })
        };
        let mut led = incident("blog-2");
        led["thread"] = "shop-1".into();
        led["led"] = true.into();
        for (name, incident) in [("shop", incident("shop-1")), ("blog", led)] {
            let mut row = serde_json::to_value(ProfileTrack::default()).unwrap();
            row["incident"] = incident;
            let body = row.to_string();
            let sum = rows::sum("profile", name.as_bytes(), &body);
            let values = (name, &body, sum);
            connection
                .execute("INSERT INTO profile VALUES (?1, ?2, ?3)", values)
                .unwrap();
        }
        connection
            .execute_batch("PRAGMA user_version = 3; PRAGMA wal_checkpoint(TRUNCATE)")
            .unwrap();
        drop(connection);

        let (_, loaded) = open(&db, Mark::Missing).unwrap();

        let telling = |name: &str| {
            let name = ProfileName::try_new(name).unwrap();
            loaded.fleet.profiles[&name].telling.clone().unwrap()
        };
        let (shop, blog) = (telling("shop"), telling("blog"));
        let known = (
            shop.sequence,
            shop.gave_up,
            shop.withheld.first().map(String::as_str),
            shop.news,
        );
        assert_eq!(known, (3, true, Some("budget"), Some(Timestamp(5))));
        assert!(!shop.led && blog.led);
        for thread in [shop.thread, blog.thread] {
            assert_eq!(thread.to_string(), "shop-1");
        }
    }

    #[test]
    fn a_migration_that_fails_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        create(dir.path(), None, 0).unwrap();
        put_in_place(dir.path()).unwrap();
        let db = dir.path().join(FILE);
        let mut connection = connect(&db).unwrap();

        let mut steps = STEPS.to_vec();
        steps.push("CREATE TABLE half (x INTEGER) STRICT; SELECT nonsense");
        assert!(migrate(&mut connection, &db, newest(STEPS), &steps).is_err());
        drop(connection);

        let (connection, _) = open(&db, Mark::Missing).unwrap();
        let tables: u32 = connection
            .query_row(
                "SELECT count(*) FROM sqlite_schema WHERE name = 'half'",
                [],
                |row| row.get(0),
            )
            .unwrap();
        assert_eq!(tables, 0);
    }
}
