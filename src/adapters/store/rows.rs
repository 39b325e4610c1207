//! The fleet as rows of the database. Bodies are JSON.
//!
//! The rows of core, profiles, hosts, outbox and mark carry a checksum over table, key and body, because a flipped bit
//! in a number is still valid JSON, and a budget must not be read wrongly. A row that does not match is damage of the
//! whole state, except for an outbox entry: that becomes a dead letter.

use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::courses;
use super::trouble::Trouble;
use crate::model::{
    Changes, CoreRow, Entry, EntryId, Fleet, Happened, HostName, ProfileName, Timestamp, fnv1a,
    limits,
};

/// Schema 1.
pub(super) const SCHEMA: &str = "
    CREATE TABLE core (id INTEGER PRIMARY KEY CHECK (id = 1), body TEXT NOT NULL, sum INTEGER NOT NULL) STRICT;
    CREATE TABLE profile (name TEXT PRIMARY KEY, body TEXT NOT NULL, sum INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE host (name TEXT PRIMARY KEY, body TEXT NOT NULL, sum INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE outbox (id INTEGER PRIMARY KEY, body TEXT NOT NULL, sum INTEGER NOT NULL) STRICT;
    CREATE TABLE journal (
        seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL,
        profile TEXT, host TEXT, body TEXT NOT NULL
    ) STRICT;
    CREATE TABLE aside (id INTEGER PRIMARY KEY CHECK (id = 1), path TEXT NOT NULL) STRICT;
";

/// From schema 1 to 2.
pub(super) const COURSES: &str = "
    CREATE TABLE course (profile TEXT PRIMARY KEY, body BLOB NOT NULL) STRICT;
    CREATE TABLE picture (entry INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;
";

/// The number of the last commit that acts may follow from. Earlier releases ignore this table, so it needs no new
/// schema: it is made if it is missing.
pub(super) const MARK: &str = "
    CREATE TABLE IF NOT EXISTS mark (id INTEGER PRIMARY KEY CHECK (id = 1), number INTEGER NOT NULL, sum INTEGER NOT NULL) STRICT;
";

/// The journal is trimmed whenever its numbering passes a multiple of this: not for every row, but soon enough.
const TRIM_EVERY: i64 = 256;

/// What a database holds.
#[derive(Debug)]
pub(super) struct Loaded {
    /// All that is remembered.
    pub(super) fleet: Fleet,
    /// The name of the damaged file that this state replaced, until a commit holds the quarantine.
    pub(super) damaged: Option<String>,
    /// The number of its last commit that acts may follow from.
    pub(super) number: u64,
}

/// Fills a new database, which goes on counting from `number`.
pub(super) fn begin(
    transaction: &Transaction<'_>,
    damaged: Option<&str>,
    number: u64,
) -> rusqlite::Result<()> {
    write_core(transaction, &CoreRow::default())?;
    transaction.execute_batch(MARK)?;
    write_number(transaction, number)?;
    if let Some(path) = damaged {
        transaction.execute("INSERT INTO aside (id, path) VALUES (1, ?1)", [path])?;
    }
    Ok(())
}

pub(super) fn sum(table: &str, key: &[u8], body: &str) -> i64 {
    fnv1a([table.as_bytes(), key, body.as_bytes()]).cast_signed()
}

/// Reads everything but the journal. A row that is not as it was written is damage, except for an outbox entry.
pub(super) fn load(connection: &Connection) -> Result<Loaded, Trouble> {
    let mut fleet = Fleet::default();
    let mut core = None;
    each(connection, "core", "id", |key: i64, body: CoreRow| {
        core = Some(body);
        (key == 1).then_some(())
    })?;
    // A new database has the row from its first moment.
    fleet.core = core.ok_or_else(|| Trouble::Damaged("its core row is missing".to_owned()))?;
    // A map that is made of all rows at once has full nodes.
    let mut profiles = Vec::new();
    each(connection, "profile", "name", |key: String, body| {
        profiles.push((ProfileName::try_new(&key).ok()?, body));
        Some(())
    })?;
    fleet.profiles = profiles.into_iter().collect();
    each(connection, "host", "name", |key: String, body| {
        fleet.hosts.insert(HostName::try_new(&key).ok()?, body);
        Some(())
    })?;
    load_tellings(connection, &mut fleet)?;
    load_outbox(connection, &mut fleet)?;
    let damaged = connection
        .prepare("SELECT path FROM aside")?
        .query_map([], |row| row.get(0))?
        .next()
        .transpose()?;
    Ok(Loaded {
        fleet,
        damaged,
        number: number(connection)?,
    })
}

/// Reads what people were told from rows of up to schema 3, where the incident held it.
fn load_tellings(connection: &Connection, fleet: &mut Fleet) -> Result<(), Trouble> {
    let mut statement = connection.prepare("SELECT body FROM profile WHERE name = ?1")?;
    for (name, track) in &mut fleet.profiles {
        if track.incident.is_none() || track.telling.is_some() {
            continue;
        }
        let body: String = statement.query_row([name.as_str()], |row| row.get(0))?;
        let telling = serde_json::from_str(&body).and_then(|mut row: Value| {
            let mut told = row["incident"].take();
            if told["thread"].is_null() {
                told["thread"] = told["id"].clone();
            }
            serde_json::from_value(told)
        });
        let damage = format!("row {name} of profile does not say what was told");
        track.telling = Some(telling.map_err(|_| Trouble::Damaged(damage))?);
    }
    Ok(())
}

/// Reads the outbox. A damaged entry becomes a dead letter, and the others leave.
fn load_outbox(connection: &Connection, fleet: &mut Fleet) -> Result<(), Trouble> {
    let mut statement = connection.prepare("SELECT id, body, sum FROM outbox")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (key, expected): (i64, i64) = (row.get(0)?, row.get(2)?);
        let id = EntryId(key.cast_unsigned());
        let bytes = row.get_ref(1)?.as_bytes().map_err(rusqlite::Error::from)?;
        let body = String::from_utf8_lossy(bytes);
        let whole = sum("outbox", &key.bytes(), &body) == expected;
        match serde_json::from_str(&body) {
            Ok(entry) if whole => _ = fleet.outbox.insert(id, entry),
            Ok(_) | Err(_) => {
                let now = fleet.now();
                let dead = Entry::unreadable(id, body.into_owned(), now, fleet.wall(now));
                // The next commit writes it in this form.
                fleet.queue(dead);
            }
        }
    }
    Ok(())
}

/// The number of the last commit that acts may follow from; zero for a state that never counted.
pub(super) fn number(connection: &Connection) -> Result<u64, Trouble> {
    let counts = connection
        .prepare_cached("SELECT 1 FROM sqlite_schema WHERE name = 'mark'")?
        .exists([])?;
    if !counts {
        return Ok(0);
    }
    let found: Option<(i64, i64)> = connection
        .prepare_cached("SELECT number, sum FROM mark")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    match found {
        None => Ok(0),
        Some((number, expected)) if number_sum(number) == expected => Ok(number.cast_unsigned()),
        Some(_) => Err(Trouble::Damaged(
            "the number of its last commit is not as it was written".to_owned(),
        )),
    }
}

/// Writes that number. The transaction is the caller's.
pub(super) fn write_number(transaction: &Transaction<'_>, number: u64) -> rusqlite::Result<()> {
    let number = number.cast_signed();
    transaction
        .prepare_cached("INSERT OR REPLACE INTO mark (id, number, sum) VALUES (1, ?1, ?2)")?
        .execute([number, number_sum(number)])?;
    Ok(())
}

fn number_sum(number: i64) -> i64 {
    sum("mark", &1_i64.bytes(), &number.to_string())
}

/// A key as it enters the checksum.
trait Key: rusqlite::types::FromSql + std::fmt::Display {
    fn bytes(&self) -> Vec<u8>;
}

impl Key for String {
    fn bytes(&self) -> Vec<u8> {
        self.as_bytes().to_vec()
    }
}

impl Key for i64 {
    fn bytes(&self) -> Vec<u8> {
        self.to_be_bytes().to_vec()
    }
}

fn each<K: Key, B: DeserializeOwned>(
    connection: &Connection,
    table: &str,
    key: &str,
    mut take: impl FnMut(K, B) -> Option<()>,
) -> Result<(), Trouble> {
    let mut statement = connection.prepare(&format!("SELECT {key}, body, sum FROM {table}"))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (key, body) = read(row, table)?;
        let damage = || Trouble::Damaged(format!("row {key} of {table} is not as it was written"));
        let value = serde_json::from_str(&body).map_err(|_| damage())?;
        let named = damage();
        take(key, value).ok_or(named)?;
    }
    Ok(())
}

fn read<K: Key>(row: &Row<'_>, table: &str) -> Result<(K, String), Trouble> {
    let (key, body, expected): (K, String, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
    if sum(table, &key.bytes(), &body) == expected {
        Ok((key, body))
    } else {
        Err(Trouble::Damaged(format!(
            "row {key} of {table} is not as it was written"
        )))
    }
}

/// Writes what changed. The transaction is the caller's.
pub(super) fn write(transaction: &Transaction<'_>, changes: &Changes) -> rusqlite::Result<()> {
    write_core(transaction, &changes.core)?;
    if changes.core.quarantine.is_some() {
        // From here on the quarantine remembers the damage.
        transaction
            .prepare_cached("DELETE FROM aside")?
            .execute([])?;
    }
    courses::write(transaction, changes)?;
    let profiles = changes.profiles.iter();
    let profiles = profiles.map(|(name, track)| (name.as_str(), track.as_ref()));
    write_named(transaction, "profile", profiles)?;
    let hosts = changes.hosts.iter();
    let hosts = hosts.map(|(name, track)| (name.as_str(), track.as_ref()));
    write_named(transaction, "host", hosts)?;
    for (id, entry) in &changes.outbox {
        let key = id.0.cast_signed();
        match entry {
            Some(entry) => {
                courses::fix(transaction, entry, changes)?;
                let body = json(entry)?;
                transaction
                    .prepare_cached(
                        "INSERT OR REPLACE INTO outbox (id, body, sum) VALUES (?1, ?2, ?3)",
                    )?
                    .execute(params![key, body, sum("outbox", &key.bytes(), &body)])?;
            }
            None => {
                courses::drop_picture(transaction, key)?;
                transaction
                    .prepare_cached("DELETE FROM outbox WHERE id = ?1")?
                    .execute([key])?;
            }
        }
    }
    write_journal(transaction, &changes.journal)
}

fn write_core(transaction: &Transaction<'_>, core: &CoreRow) -> rusqlite::Result<()> {
    let body = json(core)?;
    transaction
        .prepare_cached("INSERT OR REPLACE INTO core (id, body, sum) VALUES (1, ?1, ?2)")?
        .execute(params![body, sum("core", &1_i64.bytes(), &body)])?;
    Ok(())
}

/// Writes rows of a table whose key is a name. There may be ten thousand, so each statement is prepared once.
fn write_named<'r, B: Serialize + 'r>(
    transaction: &Transaction<'_>,
    table: &str,
    rows: impl Iterator<Item = (&'r str, Option<&'r B>)>,
) -> rusqlite::Result<()> {
    let sql = format!("INSERT OR REPLACE INTO {table} (name, body, sum) VALUES (?1, ?2, ?3)");
    let mut put = transaction.prepare_cached(&sql)?;
    let mut take = transaction.prepare_cached(&format!("DELETE FROM {table} WHERE name = ?1"))?;
    let mut body = Vec::new();
    for (name, track) in rows {
        let Some(track) = track else {
            take.execute([name])?;
            continue;
        };
        body.clear();
        serde_json::to_writer(&mut body, track).map_err(unspeakable)?;
        let body = std::str::from_utf8(&body)?;
        put.execute(params![name, body, sum(table, name.as_bytes(), body)])?;
    }
    Ok(())
}

fn write_journal(
    transaction: &Transaction<'_>,
    notes: &[(Timestamp, Happened)],
) -> rusqlite::Result<()> {
    let (mut first, mut last) = (None, 0);
    for (at, note) in notes {
        let body = serde_json::to_value(note).map_err(unspeakable)?;
        let word = |key: &str| body.get(key).and_then(serde_json::Value::as_str);
        transaction
            .prepare_cached(
                "INSERT INTO journal (at, kind, profile, host, body) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![
                at.0,
                word("note").unwrap_or_default(),
                word("profile"),
                word("host"),
                body.to_string()
            ])?;
        last = transaction.last_insert_rowid();
        first.get_or_insert(last);
    }
    if first.is_some_and(|first| (first - 1) / TRIM_EVERY != last / TRIM_EVERY) {
        transaction
            .prepare_cached("DELETE FROM journal WHERE seq <= ?1")?
            .execute([last - limits::JOURNAL_ROWS])?;
    }
    Ok(())
}

fn json(value: &impl Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(unspeakable)
}

fn unspeakable(failure: serde_json::Error) -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure(Box::new(failure))
}
