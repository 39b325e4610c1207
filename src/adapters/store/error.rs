//! What can be wrong with the state directory, and what the reader can do about it.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

use crate::model::Holder;

/// Why the state directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The path is a symbolic link.
    #[error(
        "state directory {} is a symbolic link: give the directory itself with --state-dir",
        path.display()
    )]
    Symlink {
        /// The path as given.
        path: PathBuf,
    },
    /// The path is not a directory.
    #[error(
        "{} is not a directory: move it away, or choose another with --state-dir",
        path.display()
    )]
    NotADirectory {
        /// The path as given.
        path: PathBuf,
    },
    /// Another user owns it.
    #[error(
        "state directory {} belongs to user {owner} and this is user {us}: run as that user (sudo -u '#{owner}' probe …), \
         or hand it over with: chown -R {us} {}",
        path.display(), path.display()
    )]
    Owner {
        /// Which directory.
        path: PathBuf,
        /// Its owner's number.
        owner: u32,
        /// Ours.
        us: u32,
    },
    /// It holds a file of another user that this one cannot write.
    #[error(
        "{} belongs to user {owner} and this is user {us}: hand the state over with: chown -R {us} {}",
        file.display(), path.display()
    )]
    Files {
        /// The directory.
        path: PathBuf,
        /// The file.
        file: PathBuf,
        /// Its owner's number.
        owner: u32,
        /// Ours.
        us: u32,
    },
    /// Others may write to it.
    #[error(
        "state directory {} may be written by others (mode {mode:04o}): chmod go-w {}",
        path.display(), path.display()
    )]
    Writable {
        /// Which directory.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It lies on a network file system, where neither the lock nor the database can be trusted.
    #[error(
        "state directory {} lies on {kind}, where locks cannot be trusted: choose one on a local disk with --state-dir",
        path.display()
    )]
    Network {
        /// Which directory.
        path: PathBuf,
        /// The file system's name.
        kind: &'static str,
    },
    /// A file operation failed.
    #[error("cannot {action} {}; {remedy}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// With what.
        path: PathBuf,
        /// What the reader can do.
        remedy: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// Another run is writing.
    #[error(
        "another probe{} holds the lock of {}: let it end, or stop it; `probe status` works meanwhile",
        holder.map(|holder| format!(" ({holder})")).unwrap_or_default(), path.display()
    )]
    Locked {
        /// Which directory.
        path: PathBuf,
        /// Who, if its file says so.
        holder: Option<Holder>,
    },
    /// A newer `probe` wrote the state.
    #[error(
        "{} was written by a newer probe (schema {found}, this one knows {known}) and is left as it is: \
         upgrade this probe, or move its directory away to begin anew",
        path.display()
    )]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its schema.
        found: u32,
        /// The newest we know.
        known: u32,
    },
    /// The database is damaged, and the reader may not repair it.
    #[error(
        "{} is damaged ({what}): the next `probe once` or `probe run` moves it aside and begins anew",
        path.display()
    )]
    Damaged {
        /// The database.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// The database cannot be used.
    #[error("{words}")]
    Database {
        /// What failed and what to do.
        words: String,
    },
    /// A target that cannot be a file name.
    #[error(
        "`{name}` is not a target: give `all`, or the name of a profile or host of probes.yaml"
    )]
    Target {
        /// As given.
        name: String,
    },
}

impl StoreError {
    /// A failed file operation, with the usual remedy.
    pub(super) fn file(action: &'static str, path: &Path, source: io::Error) -> Self {
        let kind = source.kind();
        let remedy = if matches!(
            kind,
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
        ) {
            "make space on that disk"
        } else if kind == io::ErrorKind::ReadOnlyFilesystem {
            "make the file system writable, or choose another with --state-dir"
        } else {
            "run as the user who owns it, or choose another with --state-dir"
        };
        Self::File {
            action,
            path: path.to_owned(),
            remedy,
            source,
        }
    }
}

/// Why the database could not be used, with what to do, as one line.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "SQLite's list of codes is long and grows; the rest speak for themselves"
)]
pub(super) fn words(db: &Path, failure: &rusqlite::Error) -> String {
    let place = db.display();
    let Some(code) = failure.sqlite_error_code() else {
        return format!("cannot use {place}: {failure}");
    };
    if let Some(shortage) = shortage(db) {
        return format!("cannot write {place}: {shortage}");
    }
    match code {
        ErrorCode::DiskFull => {
            format!("cannot write {place}: the disk is full; make space, writing goes on by itself")
        }
        ErrorCode::ReadOnly => {
            format!("cannot write {place}: it is read-only; look at the mount and the permissions")
        }
        ErrorCode::SystemIoFailure => {
            format!("cannot write {place}: {failure}; look at the disk (dmesg) and its limits")
        }
        ErrorCode::CannotOpen | ErrorCode::PermissionDenied => {
            format!("cannot open {place}: {failure}; it must be there and belong to this user")
        }
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => {
            format!("cannot write {place}: another program keeps it locked; end that program")
        }
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => format!(
            "{place} is damaged ({failure}): restart probe, which moves it aside and begins anew"
        ),
        _ => format!("cannot use {place}: {failure}"),
    }
}

/// What the file system lacks: SQLite has several error codes for a full disk.
fn shortage(db: &Path) -> Option<&'static str> {
    let space = rustix::fs::statvfs(db.parent()?).ok()?;
    if space.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY) {
        Some("the file system is read-only; make it writable, writing goes on by itself")
    } else if space.f_blocks > 0 && space.f_bavail == 0 {
        Some("the disk is full; make space, writing goes on by itself")
    } else if space.f_files > 0 && space.f_favail == 0 {
        Some("the disk has no inodes left; remove files, writing goes on by itself")
    } else {
        None
    }
}
