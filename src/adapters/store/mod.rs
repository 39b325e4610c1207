//! The state directory: what `probe` remembers from one run to the next, and the orders of people.
//!
//! ```text
//! /var/lib/probe/            0700, owned by the user probe runs as; never on a network file system
//!   lock                     held by the one run that may write; released with its process, so it is never stale
//!   state.db (-wal, -shm)    SQLite: one row for the core, one per profile, host and outbox entry; journal, pictures
//!   history.db               hours and days of sites, and all that happened; nothing is decided by it
//!   state.commit             how new it must be: the number of the last commit that acts may follow from
//!   state.db.vN              copy from before a migration from schema N
//!   state.db.corrupt-…Z      a damaged state, moved aside
//!   pause/NAME  rearm/NAME   orders of `probe pause` and `probe resume`, one file each
//!   drill/HOST  drill-mail/  what `probe drill` found last, one file each
//! ```
//!
//! *Durable means durable.* A commit is one transaction with `synchronous=FULL`. [`StateStore`] answers when it is on
//! the disk, or says why it is not. After a failed write the database is closed, and the next commit opens it anew. So
//! a handle whose `fsync` failed is never trusted again, and writing works again by itself when there is space.
//!
//! *Damage is never read as health.* The database is checked when it is opened, and rows carry checksums. A damaged
//! state is moved aside and a new one begins. The new one remembers that it replaced a damaged one until a commit holds
//! the quarantine that follows: after a kill in between, the next start tells of the damage again. A state of a newer
//! schema is refused and not changed by a byte; a run that only watches and tells uses a stand-in.
//!
//! *What was done is not forgotten.* A database that is older than what was done is damaged as well, although it is
//! complete: its log lost its end, an old copy was restored, or it was removed. `mark` keeps the number outside that
//! shows this.
//!
//! *A state that cannot be written is still read.* If the disk is full or read-only at the start, what is remembered is
//! loaded and only commits fail, so that watching goes on.
//!
//! The store reads no clock: whoever opens it passes the time.
#![expect(
    clippy::disallowed_methods,
    reason = "the door through which the state directory is written"
)]

mod aside;
mod beside;
mod courses;
mod database;
mod directory;
mod door;
mod error;
mod history;
mod lock;
mod mark;
mod order_thread;
mod orders;
mod rows;
mod snapshot;
mod trouble;
mod writer;

use std::path::{Path, PathBuf};

use rusqlite::Connection;

use crate::model::{Fleet, Timestamp, fnv1a};

pub use database::schema;
pub use door::Disk;
pub use error::StoreError;
pub use orders::{acknowledge, drilled, is_paused_now, pause, pauses, resume};
pub use snapshot::{journal, read_only};
pub use writer::StateStore;

use lock::RunLock;
use mark::Mark;
use trouble::Trouble;

/// The state directory, opened by the one run that may write to it.
#[derive(Debug)]
pub struct StateDir {
    path: PathBuf,
    lock: RunLock,
    /// `None` if the state could be read but not opened for writing; the first commit tries again.
    connection: Option<Connection>,
    fleet: Fleet,
    number: u64,
    damaged: Option<PathBuf>,
}

impl StateDir {
    /// Opens the directory, takes its lock and reads the state; makes what is missing. `wall` is the time of the wall
    /// clock, for the lock's holder and for the name of a state that is moved aside.
    ///
    /// # Errors
    /// When the directory is not safe to use, another run holds the lock, the state is of a newer schema, or it can
    /// be neither read nor made. Each message says what to do.
    pub fn open(path: &Path, wall: Timestamp) -> Result<Self, StoreError> {
        let path = directory::claim(path)?;
        let lock = RunLock::take(&path, wall)?;
        aside::finish(&path, wall)?;
        let db = path.join(database::FILE);
        let mark = mark::read(&path)?;
        if !db.exists() {
            if mark == Mark::Missing {
                database::create(&path, None, 0)?;
                database::put_in_place(&path)?;
            } else {
                tracing::error!(state = %db.display(), "the state is gone, and {} knows of one", mark::FILE);
                aside::replace(&path, wall, mark)?;
            }
        }
        let opened = match database::open(&db, mark::read(&path)?) {
            Err(Trouble::Damaged(what)) => {
                tracing::error!(state = %db.display(), "the state is damaged: {what}");
                aside::replace(&path, wall, mark)?;
                database::open(&db, mark::read(&path)?)
            }
            other => other,
        };
        let (connection, loaded) = match opened {
            Ok((connection, loaded)) => (Some(connection), loaded),
            Err(Trouble::Unwritable(failure)) => {
                let loaded =
                    snapshot::read_rows(&path).map_err(|_| Trouble::Unwritable(failure).at(&db))?;
                (None, loaded)
            }
            Err(trouble) => return Err(trouble.at(&db)),
        };
        Ok(Self {
            damaged: loaded.damaged.map(|name| snapshot::place(&path, &name)),
            fleet: loaded.fleet,
            number: loaded.number,
            path,
            lock,
            connection,
        })
    }

    /// Opens a stand-in for the state at `path`, for a run that must not touch that one: a state of its own below
    /// `temporary`, so that runs from cron know whom they told. It knows of no restart, so nothing may be restarted by
    /// it.
    ///
    /// # Errors
    /// As [`StateDir::open`].
    pub fn stand_in(path: &Path, temporary: &Path, wall: Timestamp) -> Result<Self, StoreError> {
        let user = rustix::process::geteuid().as_raw();
        let place = fnv1a([path.as_os_str().as_encoded_bytes()]);
        Self::open(&temporary.join(format!("probe-{user}-{place:016x}")), wall)
    }

    /// What is remembered, and the place of a damaged state that was moved aside and not handled by a run yet; an empty
    /// path if nothing was left of it. The agenda is empty, because it follows from the rest.
    #[must_use]
    pub fn load(&self) -> (Fleet, Option<PathBuf>) {
        (self.fleet.clone(), self.damaged.clone())
    }

    /// The directory itself, absolute and without symbolic links.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Starts the thread that writes. It ends with the returned store, and holds the lock until then.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn into_store(self) -> Result<StateStore, StoreError> {
        StateStore::begin(self.path, self.connection, self.number, self.lock)
    }
}
