//! All that happened, and what was seen: the table `event`, in order.
//!
//! Rows are kept for [`limits::EVENTS_KEPT`], and at most [`limits::EVENT_ROWS`] of them. Each write removes a few of
//! those that are too old, so there is never much to remove at once.

use std::time::Duration;

use rusqlite::{Connection, Transaction, params};
use serde::de::DeserializeOwned;

use crate::model::{Changes, Happened, Seen, Timestamp, limits};

/// Schema 1.
pub(super) const SCHEMA: &str = "
    CREATE TABLE event (
        seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL
    ) STRICT;
    CREATE TABLE orders (id INTEGER PRIMARY KEY CHECK (id = 1), body TEXT NOT NULL) STRICT;
";

/// Rows that one write removes at most, beyond those that it adds.
const REMOVED_AT_ONCE: usize = 1_000;

/// The kind of a row that holds a [`Happened`].
const NOTE: &str = "note";

/// The kind of a row that holds a [`Seen`].
const SEEN: &str = "seen";

/// Adds what happened and what was seen, and removes what is too old.
pub(super) fn write(transaction: &Transaction<'_>, changes: &Changes) -> rusqlite::Result<()> {
    let mut newest = None;
    let mut put = |at: Timestamp, kind: &str, body: serde_json::Result<String>| {
        let body =
            body.map_err(|failure| rusqlite::Error::ToSqlConversionFailure(Box::new(failure)))?;
        transaction
            .prepare_cached("INSERT INTO event (at, kind, body) VALUES (?1, ?2, ?3)")?
            .execute(params![at.0, kind, body])?;
        newest = Some((at, transaction.last_insert_rowid()));
        Ok::<(), rusqlite::Error>(())
    };
    for (at, seen) in &changes.seen {
        if !is_known(transaction, seen)? {
            put(*at, SEEN, serde_json::to_string(seen))?;
        }
    }
    for (at, note) in &changes.journal {
        put(*at, NOTE, serde_json::to_string(note))?;
    }
    let Some((at, last)) = newest else {
        return Ok(());
    };
    let kept = i64::try_from(Duration::as_millis(&limits::EVENTS_KEPT)).unwrap_or(i64::MAX);
    let added = changes.journal.len() + changes.seen.len();
    let most = i64::try_from(REMOVED_AT_ONCE + added).unwrap_or(i64::MAX);
    transaction
        .prepare_cached(
            "DELETE FROM event WHERE seq < (SELECT min(seq) + ?1 FROM event) AND (at < ?2 OR seq <= ?3)",
        )?
        .execute([most, at.0.saturating_sub(kept), last - limits::EVENT_ROWS])?;
    Ok(())
}

/// Whether these are orders that were noted before, and none since: every run from cron notes them.
fn is_known(transaction: &Transaction<'_>, seen: &Seen) -> rusqlite::Result<bool> {
    let Seen::Ordered { .. } = seen else {
        return Ok(false);
    };
    let body = serde_json::to_string(seen)
        .map_err(|failure| rusqlite::Error::ToSqlConversionFailure(Box::new(failure)))?;
    let changed = transaction
        .prepare_cached(
            "INSERT INTO orders (id, body) VALUES (1, ?1)
             ON CONFLICT (id) DO UPDATE SET body = excluded.body WHERE body <> excluded.body",
        )?
        .execute([body])?;
    Ok(changed == 0)
}

/// What happened from `since` on and before `before`, oldest first, at most the newest `cap`.
pub(super) fn notes(
    connection: &Connection,
    since: Timestamp,
    before: Timestamp,
    cap: u32,
) -> rusqlite::Result<Vec<(Timestamp, Happened)>> {
    of_kind(connection, NOTE, since, before, cap)
}

/// What was seen from `since` on, oldest first, at most the newest `cap`.
pub(super) fn seen(
    connection: &Connection,
    since: Timestamp,
    cap: u32,
) -> rusqlite::Result<Vec<(Timestamp, Seen)>> {
    of_kind(connection, SEEN, since, Timestamp(i64::MAX), cap)
}

fn of_kind<T: DeserializeOwned>(
    connection: &Connection,
    kind: &str,
    since: Timestamp,
    before: Timestamp,
    cap: u32,
) -> rusqlite::Result<Vec<(Timestamp, T)>> {
    let mut statement = connection.prepare(
        "SELECT at, body FROM event WHERE kind = ?1 AND at >= ?2 AND at < ?3 ORDER BY seq DESC LIMIT ?4",
    )?;
    let mut rows = statement.query(params![kind, since.0, before.0, cap])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        if let Ok(body) = serde_json::from_str(&row.get::<_, String>(1)?) {
            found.push((Timestamp(row.get(0)?), body));
        }
    }
    found.reverse();
    Ok(found)
}
