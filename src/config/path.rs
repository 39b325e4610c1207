//! Files that a configuration names.
//!
//! A path is relative to the directory of the file it is written in; `~` is not expanded, because it would mean another
//! directory under cron than at the prompt. A file must be there and readable when the configuration is read: a missing
//! key is found by `probe check`, not in the night. What is secret must not be open to others.

use std::path::{Path, PathBuf};

use super::fault::{Fault, Report};
use super::tree::Node;
use super::value::{Found, text};

/// Who else may be able to read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Privacy {
    /// Everybody.
    Public,
    /// Only its owner: a secret.
    Owner,
    /// Its owner and its group: a key that a group of services shares.
    Group,
}

/// A file that exists and that we can read, as an absolute path.
pub(super) fn file(node: &Node, privacy: Privacy, report: &mut Report) -> Option<Found<PathBuf>> {
    let written = text(node, report)?;
    match check_file(&written, privacy) {
        Ok(value) => Some(Found {
            value,
            spot: node.spot.clone(),
        }),
        Err(fault) => {
            report.fault(fault);
            None
        }
    }
}

/// A directory as an absolute path; what is in it is for others to read.
pub(super) fn directory(node: &Node, report: &mut Report) -> Option<Found<PathBuf>> {
    let written = text(node, report)?;
    match named(&written) {
        Ok(value) => Some(Found {
            value,
            spot: written.spot,
        }),
        Err(fault) => {
            report.fault(fault);
            None
        }
    }
}

/// The path that is written, made absolute.
fn named(written: &Found<String>) -> Result<PathBuf, Fault> {
    let fault = |message: &str| Fault::new(&written.spot, message);
    if written.value.is_empty() || written.value.chars().any(char::is_control) {
        return Err(fault("not the name of a file"));
    }
    if written.value.starts_with('~') {
        return Err(fault("`~` is not expanded").act("write the whole path"));
    }
    Ok(resolve(&written.spot.file, &written.value))
}

fn check_file(written: &Found<String>, privacy: Privacy) -> Result<PathBuf, Fault> {
    use std::os::unix::fs::PermissionsExt;
    let fault = |message: String| Fault::new(&written.spot, message);
    let path = named(written)?;
    let shown = path.display();
    let unreadable = |error: std::io::Error| {
        let found = fault(format!("{shown} cannot be read: {}", plain(&error)));
        if error.kind() == std::io::ErrorKind::PermissionDenied {
            found.act("ask as the user that probe runs as, like `sudo -u probe probe check`")
        } else {
            found
        }
    };
    let metadata = std::fs::metadata(&path).map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(fault(format!("{shown} is not a file")));
    }
    std::fs::File::open(&path).map_err(unreadable)?;
    let mode = metadata.permissions().mode();
    let (forbidden, who, instead) = match privacy {
        Privacy::Public => (0, "", ""),
        Privacy::Owner => (0o077, "others than its owner", "600"),
        Privacy::Group => (0o007, "everybody", "640"),
    };
    if mode & forbidden != 0 {
        return Err(fault(format!(
            "{shown} is open to {who} (mode {:04o})",
            mode & 0o7777
        ))
        .act(format!("run `chmod {instead} {shown}`")));
    }
    Ok(path)
}

/// A path as written in `file`, made absolute.
fn resolve(file: &Path, written: &str) -> PathBuf {
    let beside = file.parent().unwrap_or(Path::new("")).join(written);
    std::path::absolute(&beside).unwrap_or(beside)
}

/// An error of the operating system without its number.
pub(super) fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error") {
        Some((said, _)) => said.to_lowercase(),
        None => text.to_lowercase(),
    }
}
