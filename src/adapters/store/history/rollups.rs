//! Hours and days of sites: the tables `hour` and `day`, one row for each that something is known of.
//!
//! A commit adds to rows. The first row of a new hour or day removes what is older than is kept of that profile, so
//! there is never much to remove at once. A row that cannot be read counts as empty: nothing is decided by it.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension as _, Transaction, params};

use crate::model::{Changes, ProfileName, Rollup, limits};

/// Schema 1.
pub(super) const SCHEMA: &str = "
    CREATE TABLE hour (
        profile TEXT NOT NULL, number INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (profile, number)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE day (
        profile TEXT NOT NULL, number INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (profile, number)
    ) STRICT, WITHOUT ROWID;
";

/// One of the two tables.
#[derive(Debug, Clone, Copy)]
pub(in crate::adapters::store) enum Grain {
    Hour,
    Day,
}

impl Grain {
    const fn table(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }

    const fn kept(self) -> u32 {
        match self {
            Self::Hour => limits::HOURS_KEPT,
            Self::Day => limits::DAYS_KEPT,
        }
    }
}

/// Adds to hours and days, and forgets profiles that were removed.
pub(super) fn write(transaction: &Transaction<'_>, changes: &Changes) -> rusqlite::Result<()> {
    for (name, share) in &changes.shares {
        add(transaction, Grain::Hour, name, share.hour, &share.rollup)?;
        add(transaction, Grain::Day, name, share.day, &share.rollup)?;
    }
    for (name, track) in &changes.profiles {
        if track.is_none() {
            for table in [Grain::Hour, Grain::Day].map(Grain::table) {
                transaction
                    .prepare_cached(&format!("DELETE FROM {table} WHERE profile = ?1"))?
                    .execute([name.as_str()])?;
            }
        }
    }
    Ok(())
}

fn add(
    transaction: &Transaction<'_>,
    grain: Grain,
    name: &ProfileName,
    number: u32,
    part: &Rollup,
) -> rusqlite::Result<()> {
    let (table, name) = (grain.table(), name.as_str());
    let known: Option<Vec<u8>> = transaction
        .prepare_cached(&format!(
            "SELECT body FROM {table} WHERE profile = ?1 AND number = ?2"
        ))?
        .query_row(params![name, number], |row| row.get(0))
        .optional()?;
    let mut rollup = known.as_deref().map(Rollup::from_bytes);
    if rollup.is_none() {
        let newest: Option<u32> = transaction
            .prepare_cached(&format!(
                "SELECT max(number) FROM {table} WHERE profile = ?1"
            ))?
            .query_row([name], |row| row.get(0))?;
        let oldest = newest.map_or(number, |newest| newest.max(number));
        let oldest = oldest.saturating_sub(grain.kept() - 1);
        if number < oldest {
            return Ok(());
        }
        transaction
            .prepare_cached(&format!(
                "DELETE FROM {table} WHERE profile = ?1 AND number < ?2"
            ))?
            .execute(params![name, oldest])?;
    }
    let rollup = rollup.get_or_insert_default();
    rollup.add(part);
    transaction
        .prepare_cached(&format!(
            "INSERT OR REPLACE INTO {table} (profile, number, body) VALUES (?1, ?2, ?3)"
        ))?
        .execute(params![name, number, rollup.bytes()])?;
    Ok(())
}

/// The rows of these profiles from a number on, oldest first.
pub(super) fn of(
    connection: &Connection,
    grain: Grain,
    profiles: &[ProfileName],
    since: u32,
) -> rusqlite::Result<BTreeMap<ProfileName, Vec<(u32, Rollup)>>> {
    let table = grain.table();
    let mut found = BTreeMap::new();
    let mut statement = connection.prepare(&format!(
        "SELECT number, body FROM {table} WHERE profile = ?1 AND number >= ?2 ORDER BY number"
    ))?;
    for name in profiles {
        let rows = statement.query_map(params![name.as_str(), since], |row| {
            Ok((row.get(0)?, Rollup::from_bytes(&row.get::<_, Vec<u8>>(1)?)))
        })?;
        found.insert(name.clone(), rows.collect::<rusqlite::Result<_>>()?);
    }
    Ok(found)
}
