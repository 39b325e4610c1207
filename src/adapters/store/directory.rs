//! Whether a directory is safe to keep state in, and how files get into it.
//!
//! Whoever can write there can forge budgets and orders. So it must belong to the user probe runs as, or to root, no
//! one else may write to it, and it must be no symbolic link and on no network file system. A directory of root's, or one that
//! holds files of root's, that this user cannot write (root ran `probe` there once) is another user's, too.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD, OFlags, accessat};
use rustix::io::Errno;

use super::StoreError;

/// Files of the directory that are looked at: it holds a dozen.
const FILES: usize = 1_000;

/// The flag to open a file only if it is no symbolic link.
pub(super) fn no_follow() -> i32 {
    i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or_default()
}

/// Makes the directory if it is missing, and checks it. Returns its path without symbolic links.
///
/// # Errors
/// When it is not safe, or cannot be made.
pub(super) fn claim(path: &Path) -> Result<PathBuf, StoreError> {
    make(path)?;
    let found = inspect(path)?;
    let us = rustix::process::geteuid().as_raw();
    if found.uid() != us && (found.uid() != 0 || is_closed(path)) {
        return Err(StoreError::Owner {
            path: path.to_owned(),
            owner: found.uid(),
            us,
        });
    }
    if let Some((file, owner)) = foreign(path, us) {
        return Err(StoreError::Files {
            path: path.to_owned(),
            file,
            owner,
            us,
        });
    }
    if let Some(kind) = network(path) {
        return Err(StoreError::Network {
            path: path.to_owned(),
            kind,
        });
    }
    path.canonicalize()
        .map_err(|e| StoreError::file("find the state directory", path, e))
}

/// As [`claim`], to leave an order. Root may do that in a directory of any owner.
pub(super) fn visit(path: &Path) -> Result<PathBuf, StoreError> {
    if rustix::process::geteuid().is_root() {
        make(path)?;
        inspect(path)?;
        Ok(path.to_owned())
    } else {
        claim(path)
    }
}

fn make(path: &Path) -> Result<(), StoreError> {
    if path.symlink_metadata().is_ok() {
        return Ok(());
    }
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|e| StoreError::file("make the state directory", path, e))
}

fn inspect(path: &Path) -> Result<fs::Metadata, StoreError> {
    let found = path
        .symlink_metadata()
        .map_err(|e| StoreError::file("look at the state directory", path, e))?;
    let path = path.to_owned();
    if found.is_symlink() {
        return Err(StoreError::Symlink { path });
    }
    if !found.is_dir() {
        return Err(StoreError::NotADirectory { path });
    }
    let mode = found.mode() & 0o7777;
    if mode & 0o022 != 0 {
        return Err(StoreError::Writable { path, mode });
    }
    Ok(found)
}

/// Whether this user may not write there. A disk that is read-only is closed to nobody.
fn is_closed(path: &Path) -> bool {
    let asked = accessat(CWD, path, Access::WRITE_OK, AtFlags::EACCESS);
    matches!(asked, Err(Errno::ACCESS | Errno::PERM))
}

/// A file in the directory that belongs to another user and is closed to us, with its owner.
fn foreign(path: &Path, us: u32) -> Option<(PathBuf, u32)> {
    let files = fs::read_dir(path).ok()?.filter_map(Result::ok);
    files.take(FILES).find_map(|file| {
        let found = file.metadata().ok()?;
        let is_theirs = found.uid() != us && !found.is_symlink() && is_closed(&file.path());
        is_theirs.then(|| (file.path(), found.uid()))
    })
}

/// The name of the network file system that a path is on (`statfs(2)`), if it is on one.
fn network(path: &Path) -> Option<&'static str> {
    let kind = rustix::fs::statfs(path).ok()?.f_type;
    // The type of the field differs between targets; the numbers fit into 32 bits on all of them.
    match u32::try_from(i128::from(kind) & 0xffff_ffff).ok()? {
        0x6969 => Some("NFS"),
        0x517b | 0xff53_4d42 | 0xfe53_4d42 => Some("SMB"),
        0x5346_414f => Some("AFS"),
        0x0102_1997 => Some("9P"),
        0x00c3_6400 => Some("Ceph"),
        _ => None,
    }
}

/// Makes a directory's entries durable.
pub(super) fn sync(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Writes a file with this content to `dir/sub/name`, completely or not at all, with the owner of `dir`.
pub(super) fn place(dir: &Path, sub: &str, name: &str, content: &[u8]) -> io::Result<()> {
    let owner = fs::metadata(dir)?;
    let give = |file: &File| {
        if rustix::process::geteuid().is_root() {
            fchown(file, Some(owner.uid()), Some(owner.gid()))
        } else {
            Ok(())
        }
    };
    let folder = dir.join(sub);
    match DirBuilder::new().mode(0o700).create(&folder) {
        Ok(()) => {
            give(&File::open(&folder)?)?;
            sync(dir)?;
        }
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
            if !folder.symlink_metadata()?.is_dir() {
                return Err(io::ErrorKind::NotADirectory.into());
            }
        }
        Err(e) => return Err(e),
    }
    let draft = folder.join(format!(".{name}.{}", std::process::id()));
    // A killed process with the same number may have left one.
    let _ = fs::remove_file(&draft);
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .custom_flags(no_follow())
        .open(&draft)
        .and_then(|mut file| {
            file.write_all(content)?;
            give(&file)?;
            file.sync_all()
        })
        .and_then(|()| fs::rename(&draft, folder.join(name)));
    if written.is_err() {
        let _ = fs::remove_file(&draft);
    }
    written?;
    sync(&folder)
}
