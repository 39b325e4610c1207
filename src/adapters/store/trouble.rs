//! Why a database cannot be opened. What SQLite says of the disk or of permissions means [`Trouble::Unwritable`]; any
//! other error means that the content is damaged.

use std::path::Path;

use rusqlite::ErrorCode;

use super::error::{self, StoreError};

/// Why a database cannot be opened.
#[derive(Debug)]
pub(super) enum Trouble {
    /// Its content cannot be trusted.
    Damaged(String),
    /// It is of a later schema.
    Newer {
        /// Which.
        found: u32,
        /// The newest that is known here.
        known: u32,
    },
    /// The disk or the system does not allow it; the content may be fine.
    Unwritable(rusqlite::Error),
    /// A file operation failed.
    File(StoreError),
}

impl From<rusqlite::Error> for Trouble {
    fn from(failure: rusqlite::Error) -> Self {
        match failure.sqlite_error_code() {
            Some(
                ErrorCode::DiskFull
                | ErrorCode::ReadOnly
                | ErrorCode::SystemIoFailure
                | ErrorCode::CannotOpen
                | ErrorCode::PermissionDenied
                | ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::OutOfMemory,
            ) => Self::Unwritable(failure),
            // Our statements are fixed, so any other error means that the file is not as we left it.
            _ => Self::Damaged(failure.to_string()),
        }
    }
}

impl Trouble {
    /// As an error about this database.
    pub(super) fn at(self, db: &Path) -> StoreError {
        let path = db.to_owned();
        match self {
            Self::Damaged(what) => StoreError::Damaged { path, what },
            Self::Newer { found, known } => StoreError::Newer { path, found, known },
            Self::Unwritable(failure) => StoreError::Database {
                words: error::words(db, &failure),
            },
            Self::File(error) => error,
        }
    }
}
