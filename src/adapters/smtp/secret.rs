//! Reads a secret from where the configuration says, at the moment it is needed; the secret itself never stands in an
//! error.
//!
//! - A file must be a regular one of at most 4 KiB that neither group nor others may read or write; a symbolic link to
//!   such a file is followed, because that is how container platforms hand out secrets.
//! - A credential is a file below `$CREDENTIALS_DIRECTORY`; systemd guards that directory, so its modes are left alone.
//! - An environment variable is taken as it is.
//!
//! One line ending at the end is not part of the secret; an empty secret is an error.
#![expect(
    clippy::disallowed_methods,
    reason = "secrets may come from the environment"
)]

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::model::{Secret, SecretSource};

/// Longest secret, in bytes: a long token fits, a file named by mistake does not.
const LENGTH: u64 = 4096;

/// Why a secret could not be read, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file cannot be opened or read.
    #[error("cannot read the secret in `{}`", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A directory, a pipe, a device.
    #[error("`{}` is not a regular file; put the secret alone into a file", .0.display())]
    NotAFile(PathBuf),
    /// Others may read or write the file.
    #[error("others than its owner can use the secret in `{}` (mode {mode:04o}); run `chmod 600 {}`", path.display(), path.display())]
    Open {
        /// Which file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// More than 4 KiB.
    #[error("`{0}` holds more than 4 KiB, which is no secret; is it the right one?")]
    TooLong(String),
    /// Not UTF-8, or with a line ending or another control character in it.
    #[error("the secret in `{0}` is not one line of UTF-8 text; write the secret alone into it")]
    NotOneLine(String),
    /// Nothing in it.
    #[error("the secret in `{0}` is empty; write the secret into it")]
    Empty(String),
    /// The environment variable is not there.
    #[error("the environment variable `{0}` is not set; set it for the service")]
    Unset(String),
    /// Not started by systemd with credentials.
    #[error(
        "the credential `{0}` cannot be found, because `CREDENTIALS_DIRECTORY` is not set; start it from a systemd \
         unit with `LoadCredential={0}:FILE`"
    )]
    NoCredentials(String),
    /// A credential's name is a file name, not a path.
    #[error("`{0}` is not the name of a credential; use the name that stands in `LoadCredential=`")]
    NotAName(String),
}

/// Reads a secret.
///
/// # Errors
/// See [`SecretError`]; its text says what to do and never holds the secret.
pub fn read(source: &SecretSource) -> Result<Secret, SecretError> {
    match source {
        SecretSource::File(path) => file(path, true),
        SecretSource::Environment(name) => environment(name),
        SecretSource::Credential(name) => credential(
            name,
            std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from),
        ),
    }
}

/// A credential below `directory`.
///
/// # Errors
/// As [`read`].
pub fn credential(name: &str, directory: Option<PathBuf>) -> Result<Secret, SecretError> {
    if name.is_empty() || name.contains('/') || name == "." || name == ".." {
        return Err(SecretError::NotAName(name.to_owned()));
    }
    let directory = directory.ok_or_else(|| SecretError::NoCredentials(name.to_owned()))?;
    file(&directory.join(name), false)
}

fn environment(name: &str) -> Result<Secret, SecretError> {
    let value = std::env::var_os(name).ok_or_else(|| SecretError::Unset(name.to_owned()))?;
    if value.len() as u64 > LENGTH {
        return Err(SecretError::TooLong(name.to_owned()));
    }
    let text = value
        .into_string()
        .map_err(|_| SecretError::NotOneLine(name.to_owned()))?;
    accept(text, name)
}

fn file(path: &Path, guarded: bool) -> Result<Secret, SecretError> {
    let unreadable = |source| SecretError::Unreadable {
        path: path.to_owned(),
        source,
    };
    // Asked before it is opened: opening a pipe would wait for a writer.
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(SecretError::NotAFile(path.to_owned()));
    }
    let opened = File::open(path).map_err(unreadable)?;
    let metadata = opened.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(SecretError::NotAFile(path.to_owned()));
    }
    let mode = metadata.permissions().mode() & 0o7777;
    if guarded && mode & 0o077 != 0 {
        return Err(SecretError::Open {
            path: path.to_owned(),
            mode,
        });
    }
    let shown = path.display().to_string();
    let mut bytes = Vec::new();
    opened
        .take(LENGTH + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() as u64 > LENGTH {
        return Err(SecretError::TooLong(shown));
    }
    // The error of a failed conversion would carry the bytes.
    let text = String::from_utf8(bytes).map_err(|_| SecretError::NotOneLine(shown.clone()))?;
    accept(text, &shown)
}

fn accept(mut text: String, shown: &str) -> Result<Secret, SecretError> {
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    if text.is_empty() {
        return Err(SecretError::Empty(shown.to_owned()));
    }
    if text.chars().any(char::is_control) {
        return Err(SecretError::NotOneLine(shown.to_owned()));
    }
    Ok(Secret::new(text))
}
