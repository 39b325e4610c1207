//! The one writer: a thread that owns the database and the lock, fed by a channel.
//!
//! SQLite blocks and a disk may be slow, so the loop does not write itself. A commit that is not answered within
//! [`PATIENCE`] counts as not written. If it is written later after all, the rows of the next commit replace it,
//! because writes keep their order.
//!
//! What belongs to the history is written after the commit was answered ([`super::history`]).
//!
//! A durable commit raises the mark before it is answered ([`super::mark`]). If the file was removed or replaced, or a
//! database that is opened anew has a number that does not fit, it is not the state that was read at the start, and is
//! not written to.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender, TrySendError};
use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::oneshot;

use super::history::History;
use super::lock::RunLock;
use super::order_thread::OrderThread;
use super::{StoreError, courses, database, error, mark, rows};
use crate::model::{Changes, Course, EntryId, Orders, limits};
use crate::ports::{Pending, Unwritable, Writer};

/// Longest wait for a commit. A healthy disk answers within milliseconds, one under a backup within seconds; after this
/// it hangs.
const PATIENCE: Duration = Duration::from_secs(30);

/// Jobs that wait behind one that hangs. The engine has at most one commit under way, so more come only after it gave
/// up on one.
const WAITING: usize = 4 + limits::MAILS_IN_FLIGHT;

/// Time for the last commit and for closing the database when the store is dropped.
const FAREWELL: Duration = Duration::from_secs(10);

enum Job {
    Commit(Box<Changes>, oneshot::Sender<Result<(), Unwritable>>),
    Course(EntryId, oneshot::Sender<Result<Option<Course>, Unwritable>>),
}

/// The state, open for writing. Dropping it closes the database and releases the lock.
#[derive(Debug)]
pub struct StateStore {
    jobs: Option<SyncSender<Job>>,
    ended: Receiver<()>,
    order_thread: OrderThread,
}

impl StateStore {
    pub(super) fn begin(
        dir: PathBuf,
        connection: Option<Connection>,
        number: u64,
        lock: RunLock,
    ) -> Result<Self, StoreError> {
        let order_thread = OrderThread::begin(&dir)?;
        let (jobs, queue) = mpsc::sync_channel::<Job>(WAITING);
        let (farewell, ended) = mpsc::sync_channel(1);
        let db = dir.join(database::FILE);
        let mut rows = Rows {
            identity: identity(&db),
            dir: dir.clone(),
            db,
            connection,
            number,
            tried: number,
        };
        let mut history = History::of(&dir);
        std::thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || {
                for job in queue {
                    match job {
                        Job::Commit(changes, answer) => {
                            let written = rows.commit(&changes);
                            let is_written = written.is_ok();
                            // The asker may have given up; what was written stays written.
                            drop(answer.send(written));
                            if is_written {
                                history.add(*changes);
                            }
                        }
                        Job::Course(entry, answer) => drop(answer.send(rows.course(entry))),
                    }
                }
                drop((rows, history));
                drop(lock);
                let _ = farewell.send(());
            })
            .map_err(|e| StoreError::file("start the thread that writes", &dir, e))?;
        Ok(Self {
            jobs: Some(jobs),
            ended,
            order_thread,
        })
    }
}

impl StateStore {
    fn ask<T: Send + 'static>(
        &self,
        job: Job,
        outcome: oneshot::Receiver<Result<T, Unwritable>>,
    ) -> Pending<Result<T, Unwritable>> {
        let handed = match &self.jobs {
            Some(jobs) => jobs.try_send(job).map_err(|refused| match refused {
                TrySendError::Full(_) => hangs(),
                TrySendError::Disconnected(_) => ended(),
            }),
            None => Err(ended()),
        };
        Box::pin(async move {
            handed?;
            match tokio::time::timeout(PATIENCE, outcome).await {
                Ok(Ok(answer)) => answer,
                Ok(Err(_)) => Err(ended()),
                Err(_) => Err(hangs()),
            }
        })
    }
}

impl Writer for StateStore {
    fn commit(&mut self, changes: Changes) -> Pending<Result<(), Unwritable>> {
        let (answer, outcome) = oneshot::channel();
        self.ask(Job::Commit(Box::new(changes), answer), outcome)
    }

    fn course(&self, entry: EntryId) -> Pending<Result<Option<Course>, Unwritable>> {
        let (answer, outcome) = oneshot::channel();
        self.ask(Job::Course(entry, answer), outcome)
    }

    fn orders(&mut self) -> Pending<Orders> {
        self.order_thread.read()
    }

    fn rearmed(&mut self, orders: &Orders) {
        self.order_thread.rearmed(orders);
    }
}

impl Drop for StateStore {
    fn drop(&mut self) {
        self.jobs = None;
        // A disk that hangs must not keep the program from ending; the kernel releases the lock.
        match self.ended.recv_timeout(FAREWELL) {
            Ok(()) | Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
        }
        self.order_thread.end(Duration::from_secs(1));
    }
}

fn hangs() -> Unwritable {
    Unwritable(format!(
        "the disk has not answered for {} s: look at it (dmesg)",
        PATIENCE.as_secs()
    ))
}

fn ended() -> Unwritable {
    Unwritable("the thread that writes the state has ended: restart probe".to_owned())
}

struct Rows {
    dir: PathBuf,
    db: PathBuf,
    connection: Option<Connection>,
    identity: Option<(u64, u64)>,
    /// The number of the last commit that is known to be written.
    number: u64,
    /// The number of the last commit that was tried; it may be written without an answer.
    tried: u64,
}

impl Rows {
    fn commit(&mut self, changes: &Changes) -> Result<(), Unwritable> {
        // SQLite would go on writing into a deleted file and report success.
        if identity(&self.db) != self.identity {
            self.connection = None;
            return Err(Unwritable(format!(
                "{} was removed or replaced while in use: restart probe, which reads what is there now",
                self.db.display()
            )));
        }
        if changes.durable {
            // Before the first number is written: a number without a mark is damage.
            mark::begin(&self.dir, self.number).map_err(|e| self.unmarked(&e))?;
        }
        let written = self.transact(changes);
        if written.is_err() {
            // After a failed write or fsync this handle cannot be trusted.
            self.connection = None;
        }
        self.number = written?;
        if changes.durable {
            mark::raise(&self.dir, self.number).map_err(|e| self.unmarked(&e))?;
        }
        Ok(())
    }

    fn unmarked(&self, failure: &io::Error) -> Unwritable {
        let mark = self.dir.join(mark::FILE);
        Unwritable(format!(
            "cannot write {}: {failure}; make room, or look at the disk and the permissions",
            mark.display()
        ))
    }

    fn course(&mut self, entry: EntryId) -> Result<Option<Course>, Unwritable> {
        let opened = match self.connection.take() {
            Some(connection) => Ok(self.connection.insert(connection)),
            None => database::connect(&self.db).map(|fresh| self.connection.insert(fresh)),
        };
        let found = opened.and_then(|connection| courses::of(connection, entry));
        found.map_err(|failure| Unwritable(error::words(&self.db, &failure)))
    }

    /// Writes, and returns the number that the database has then.
    fn transact(&mut self, changes: &Changes) -> Result<u64, Unwritable> {
        let db = &self.db;
        let failed = |failure| Unwritable(error::words(db, &failure));
        let connection = match self.connection.take() {
            Some(connection) => self.connection.insert(connection),
            None => {
                let fresh = database::connect(db).map_err(failed)?;
                fresh.execute_batch(rows::MARK).map_err(failed)?;
                self.connection.insert(fresh)
            }
        };
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(failed)?;
        let mut number =
            rows::number(&transaction).map_err(|trouble| Unwritable(trouble.at(db).to_string()))?;
        if !(self.number..=self.tried).contains(&number) {
            return Err(Unwritable(format!(
                "{} is not the state that was read at the start: restart probe, which reads what is there now",
                db.display()
            )));
        }
        rows::write(&transaction, changes).map_err(failed)?;
        if changes.durable {
            number += 1;
            self.tried = number;
            rows::write_number(&transaction, number).map_err(failed)?;
        }
        transaction.commit().map_err(failed)?;
        Ok(number)
    }
}

fn identity(db: &Path) -> Option<(u64, u64)> {
    let found = db.metadata().ok()?;
    Some((found.dev(), found.ino()))
}
