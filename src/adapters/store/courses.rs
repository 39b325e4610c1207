//! How sites did over the last day, and the day that each message's picture shows.
//!
//! The table `course` has one row per profile, rewritten when a slot of five minutes is finished. The table `picture`
//! has one row for each message with a picture: the day before it was queued. That row is written in the transaction in
//! which the message first becomes durable and never changed after that, so every try shows the same picture. A row
//! that cannot be read is an empty day.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension as _, Transaction, params};

use crate::model::{Changes, Course, Entry, EntryId, ProfileName};

/// Adds finished slots, and forgets profiles that were removed.
pub(super) fn write(transaction: &Transaction<'_>, changes: &Changes) -> rusqlite::Result<()> {
    for (name, slot) in &changes.slots {
        let mut course = read(transaction, name)?;
        course.add(*slot);
        transaction
            .prepare_cached("INSERT OR REPLACE INTO course (profile, body) VALUES (?1, ?2)")?
            .execute(params![name.as_str(), course.bytes()])?;
    }
    for (name, track) in &changes.profiles {
        if track.is_none() {
            transaction
                .prepare_cached("DELETE FROM course WHERE profile = ?1")?
                .execute([name.as_str()])?;
        }
    }
    Ok(())
}

fn read(connection: &Connection, name: &ProfileName) -> rusqlite::Result<Course> {
    let body: Option<Vec<u8>> = connection
        .prepare_cached("SELECT body FROM course WHERE profile = ?1")?
        .query_row([name.as_str()], |row| row.get(0))
        .optional()?;
    Ok(body.map_or_else(Course::default, |body| Course::from_bytes(&body)))
}

/// The day of each of these profiles of which one is kept.
pub(super) fn of_profiles(
    connection: &Connection,
    profiles: &[ProfileName],
) -> rusqlite::Result<BTreeMap<ProfileName, Course>> {
    let mut courses = BTreeMap::new();
    for name in profiles {
        let course = read(connection, name)?;
        if !course.slots().is_empty() {
            courses.insert(name.clone(), course);
        }
    }
    Ok(courses)
}

/// Fixes the day that a message's picture shows, when the message is written for the first time.
pub(super) fn fix(
    transaction: &Transaction<'_>,
    entry: &Entry,
    changes: &Changes,
) -> rusqlite::Result<()> {
    let (Some(name), true) = (&entry.notification.profile, entry.has_picture()) else {
        return Ok(());
    };
    let key = entry.id.0.cast_signed();
    let known = transaction
        .prepare_cached("SELECT 1 FROM outbox WHERE id = ?1")?
        .exists([key])?;
    if known {
        return Ok(());
    }
    let mut course = read(transaction, name)?;
    // With the slot under way.
    let tracks = changes.profiles.iter();
    let track = tracks
        .filter(|(of, _)| of == name)
        .find_map(|(_, track)| track.as_ref());
    if let Some(track) = track {
        course.add(track.slot);
    }
    transaction
        .prepare_cached("INSERT OR REPLACE INTO picture (entry, body) VALUES (?1, ?2)")?
        .execute(params![key, course.bytes()])?;
    Ok(())
}

/// Forgets the day of a message that was removed.
pub(super) fn drop_picture(transaction: &Transaction<'_>, entry: i64) -> rusqlite::Result<()> {
    transaction
        .prepare_cached("DELETE FROM picture WHERE entry = ?1")?
        .execute([entry])?;
    Ok(())
}

/// The day that a message's picture shows; `None` if a release without pictures wrote the message.
pub(super) fn of(connection: &Connection, entry: EntryId) -> rusqlite::Result<Option<Course>> {
    let body: Option<Vec<u8>> = connection
        .prepare_cached("SELECT body FROM picture WHERE entry = ?1")?
        .query_row([entry.0.cast_signed()], |row| row.get(0))
        .optional()?;
    Ok(body.map(|body| Course::from_bytes(&body)))
}
