//! Moving a damaged state aside. A kill at any point loses neither the damaged files nor the knowledge of the damage.
//!
//! The order is:
//!
//! 1. A mark that cannot be read is moved aside as `…-commit`; the next commit that counts makes a new one.
//! 2. The new database is made durable as `state.db.new`. It names the place where the old one goes, and goes on
//!    counting from the mark, so the two agree at every step.
//! 3. `state.db`, then its `-wal` and `-shm`, are renamed to `state.db.corrupt-…Z`.
//! 4. `state.db.new` becomes `state.db`. Of the damaged states the newest [`KEPT`] stay.
//!
//! A start that finds `state.db.new` and no `state.db` goes on from there. One that finds both removes the new one and
//! checks the state itself.

use std::fs;
use std::path::Path;

use super::mark::{self, Mark};
use super::{StoreError, database, directory};
use crate::model::Timestamp;

/// Damaged states that are kept; a failing disk must not fill up with them.
const KEPT: usize = 5;

const PREFIX: &str = "state.db.corrupt-";

/// What belongs to a state besides the file itself.
const COMPANIONS: [&str; 3] = ["-wal", "-shm", "-commit"];

/// Finishes what a killed run had begun.
pub(super) fn finish(dir: &Path, wall: Timestamp) -> Result<(), StoreError> {
    let fresh = dir.join(database::FRESH);
    let has_state = dir.join(database::FILE).exists();
    if fresh.exists() && has_state {
        return fs::remove_file(&fresh)
            .map_err(|e| StoreError::file("remove the unused", &fresh, e));
    }
    if !has_state {
        // A log without its database belongs to one that was moved or removed; a new database must not find it.
        move_companions(dir, &free_name(dir, wall))?;
    }
    if fresh.exists() {
        database::put_in_place(dir)?;
    }
    Ok(())
}

/// Moves the state aside and puts a new one in its place. If the state is missing although there is a mark, the new one
/// names no place.
pub(super) fn replace(dir: &Path, wall: Timestamp, mark: Mark) -> Result<(), StoreError> {
    let name = free_name(dir, wall);
    let number = match mark {
        Mark::At(number) => number,
        Mark::Missing => 0,
        Mark::Broken => {
            let path = dir.join(mark::FILE);
            fs::rename(&path, dir.join(format!("{name}-commit")))
                .map_err(|e| StoreError::file("move aside", &path, e))?;
            0
        }
    };
    let db = dir.join(database::FILE);
    let is_there = db.exists();
    database::create(dir, Some(if is_there { &name } else { "" }), number)?;
    if is_there {
        fs::rename(&db, dir.join(&name))
            .map_err(|e| StoreError::file("move the damaged state aside from", &db, e))?;
    }
    move_companions(dir, &name)?;
    database::put_in_place(dir)?;
    prune(dir);
    Ok(())
}

fn move_companions(dir: &Path, name: &str) -> Result<(), StoreError> {
    for end in ["-wal", "-shm"] {
        let from = dir.join(format!("{}{end}", database::FILE));
        if from.exists() {
            fs::rename(&from, dir.join(format!("{name}{end}")))
                .map_err(|e| StoreError::file("move aside", &from, e))?;
        }
    }
    directory::sync(dir).map_err(|e| StoreError::file("sync", dir, e))
}

/// `state.db.corrupt-YYYYMMDDTHHMMSSZ`, followed by a number if that is taken.
fn free_name(dir: &Path, wall: Timestamp) -> String {
    let plain = format!("{PREFIX}{}", wall.stamp());
    let taken = |name: &str| {
        std::iter::once("")
            .chain(COMPANIONS)
            .any(|end| dir.join(format!("{name}{end}")).exists())
    };
    let numbered = (2..1000).map(|number| format!("{plain}.{number}"));
    std::iter::once(plain.clone())
        .chain(numbered)
        .find(|name| !taken(name))
        .unwrap_or(plain)
}

/// Removes the oldest damaged states. A failure is ignored.
fn prune(dir: &Path) {
    let Ok(entries) = fs::read_dir(dir) else {
        return;
    };
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.starts_with(PREFIX))
        .map(|name| {
            let bare = COMPANIONS.iter().find_map(|end| name.strip_suffix(end));
            bare.map(str::to_owned).unwrap_or(name)
        })
        .collect();
    names.sort_unstable();
    names.dedup();
    let surplus = names.len().saturating_sub(KEPT);
    for name in names.iter().take(surplus) {
        for end in std::iter::once("").chain(COMPANIONS) {
            let _ = fs::remove_file(dir.join(format!("{name}{end}")));
        }
    }
}
