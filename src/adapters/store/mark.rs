//! The mark: the number of the last commit that acts may follow from. It is kept outside the database, in
//! `state.commit`.
//!
//! A database cannot tell that it is old: SQLite drops the part of its log that it cannot read, and a database that was
//! restored from a copy is complete. So a commit for which acts wait carries the next number. When it is on the disk,
//! the mark is raised to that number and made durable as well; only then the acts leave. The database may be ahead of
//! the mark (after a kill in between, when nothing was done yet) but never behind it: then it has lost something that
//! was done, and is damaged. Commits of ordinary results carry the number before them, and do not touch the mark.
//!
//! The file has two slots, each on a page of its own and with a checksum, which are written in turn. A write that is
//! cut off destroys only the older number. The higher number counts.
//!
//! - A mark without a readable slot, or a missing mark beside a database with a number, was not left by us. It is not
//!   known whether the database is the last one, so it is damaged.
//! - A database without a number, of an earlier release, begins to count. If there is a mark, it is an old copy and
//!   damaged.
//!
//! What this cannot see: a state directory that was restored as a whole, with its mark.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use super::trouble::Trouble;
use super::{StoreError, directory};
use crate::model::fnv1a;

/// The mark.
pub(super) const FILE: &str = "state.commit";

/// A mark that is made and not yet in place.
const FRESH: &str = "state.commit.new";

/// What one write of a disk may destroy.
const PAGE: usize = 4096;

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// No file: nothing was ever done from this state, or somebody removed it.
    Missing,
    /// The last commit that acts may have followed from.
    At(u64),
    /// A file without a readable slot.
    Broken,
}

/// Reads the mark. It must be read before the database, because a run that writes meanwhile raises the mark last.
///
/// # Errors
/// When the file exists and the system does not allow reading it.
pub(super) fn read(dir: &Path) -> Result<Mark, StoreError> {
    let path = dir.join(FILE);
    let bytes = match look(&path) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return Ok(Mark::Broken),
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Mark::Missing),
        Err(e) => return Err(StoreError::file("read", &path, e)),
    };
    let slots = [0, PAGE].into_iter();
    let numbers = slots.filter_map(|at| number(bytes.get(at..)?));
    Ok(numbers.max().map_or(Mark::Broken, Mark::At))
}

/// The beginning of a plain file; `None` if it is no plain file.
fn look(path: &Path) -> io::Result<Option<Vec<u8>>> {
    if !path.symlink_metadata()?.is_file() {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    let file = File::open(path)?;
    file.take(2 * PAGE as u64).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// Whether a database with this number may be the last one.
pub(super) fn judge(mark: Mark, number: u64) -> Result<(), Trouble> {
    let what = match mark {
        Mark::Missing if number > 0 => {
            format!("{FILE}, which says how new it must be, is missing")
        }
        Mark::Broken => format!("{FILE}, which says how new it must be, cannot be read"),
        Mark::At(done) if done > number => {
            format!("it is older than what was done: it ends with commit {number} of {done}")
        }
        Mark::Missing | Mark::At(_) => return Ok(()),
    };
    Err(Trouble::Damaged(what))
}

/// Makes a mark if there is none, for a database whose last commit has this number.
pub(super) fn begin(dir: &Path, number: u64) -> io::Result<()> {
    if dir.join(FILE).symlink_metadata().is_ok() {
        return Ok(());
    }
    let fresh = dir.join(FRESH);
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .custom_flags(directory::no_follow())
        .open(&fresh)?;
    let mut page = slot(number).into_bytes();
    page.resize(PAGE - 1, b' ');
    page.push(b'\n');
    file.write_all_at(&page, 0)?;
    file.write_all_at(&page, PAGE as u64)?;
    file.sync_all()?;
    fs::rename(&fresh, dir.join(FILE))?;
    directory::sync(dir)
}

/// Raises the mark; durable when this returns.
pub(super) fn raise(dir: &Path, number: u64) -> io::Result<()> {
    let file = OpenOptions::new()
        .write(true)
        .custom_flags(directory::no_follow())
        .open(dir.join(FILE))?;
    let at = (number % 2) * PAGE as u64;
    file.write_all_at(slot(number).as_bytes(), at)?;
    file.sync_data()
}

/// One slot, which people can read as well.
fn slot(number: u64) -> String {
    format!("commit {number:020} {:016x}\n", sum(number))
}

fn sum(number: u64) -> u64 {
    fnv1a([FILE.as_bytes(), &number.to_be_bytes()])
}

fn number(bytes: &[u8]) -> Option<u64> {
    let line = bytes.get(..slot(0).len())?;
    let text = std::str::from_utf8(line).ok()?;
    let number = text.strip_prefix("commit ")?.get(..20)?.parse().ok()?;
    (slot(number) == text).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_that_is_cut_off_leaves_the_number_before() {
        let dir = tempfile::tempdir().unwrap();
        begin(dir.path(), 6).unwrap();
        raise(dir.path(), 7).unwrap();
        let before = fs::read(dir.path().join(FILE)).unwrap();
        raise(dir.path(), 8).unwrap();
        let after = fs::read(dir.path().join(FILE)).unwrap();
        assert_eq!((before.len(), after.len()), (2 * PAGE, 2 * PAGE));
        let changed: Vec<usize> = (0..after.len())
            .filter(|at| before[*at] != after[*at])
            .collect();
        // Any mixture of old and new bytes: some of what was to be written is there, some is not.
        let mut rng = fastrand::Rng::with_seed(1);
        for _ in 0..200 {
            let mut torn = before.clone();
            for at in &changed {
                if rng.bool() {
                    torn[*at] = after[*at];
                }
            }
            fs::write(dir.path().join(FILE), &torn).unwrap();
            let whole = torn == after;
            let expected = Mark::At(if whole { 8 } else { 7 });
            assert_eq!(read(dir.path()).unwrap(), expected);
        }
    }

    #[test]
    fn a_flipped_bit_is_never_a_higher_number() {
        let dir = tempfile::tempdir().unwrap();
        begin(dir.path(), 6).unwrap();
        raise(dir.path(), 7).unwrap();
        let whole = fs::read(dir.path().join(FILE)).unwrap();
        for place in (0..slot(0).len()).chain(PAGE..PAGE + slot(0).len()) {
            for bit in 0..8 {
                let mut flipped = whole.clone();
                flipped[place] ^= 1 << bit;
                fs::write(dir.path().join(FILE), &flipped).unwrap();
                let expected = if place < PAGE { 7 } else { 6 };
                assert_eq!(read(dir.path()).unwrap(), Mark::At(expected));
            }
        }
    }

    #[test]
    fn what_is_no_mark_is_broken() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read(dir.path()).unwrap(), Mark::Missing);
        let path = dir.path().join(FILE);
        for content in ["", "commit 5", "\0\0\0\0", "commit"] {
            fs::write(&path, content).unwrap();
            assert_eq!(read(dir.path()).unwrap(), Mark::Broken, "{content:?}");
        }
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert_eq!(read(dir.path()).unwrap(), Mark::Broken);
    }

    #[test]
    fn only_a_database_that_is_not_behind_is_the_last() {
        let well = [(Mark::Missing, 0), (Mark::At(5), 5), (Mark::At(5), 6)];
        for (mark, number) in well {
            assert!(judge(mark, number).is_ok(), "{mark:?} {number}");
        }
        let behind = [
            (Mark::Missing, 1),
            (Mark::Broken, 0),
            (Mark::Broken, 9),
            (Mark::At(5), 4),
            (Mark::At(5), 0),
        ];
        for (mark, number) in behind {
            assert!(
                matches!(judge(mark, number), Err(Trouble::Damaged(_))),
                "{mark:?} {number}"
            );
        }
    }
}
