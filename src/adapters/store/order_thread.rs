//! The one reader of orders: a thread that reads their directories, fed by a channel. A slow disk delays this thread
//! and not the loop. If it cannot be asked, that counts as a pause of everything.

use std::path::Path;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::time::Duration;

use tokio::sync::oneshot;

use super::StoreError;
use super::orders::OrderBook;
use crate::model::{Orders, Pause};
use crate::ports::Pending;

/// Tasks that may wait for a disk that hangs. The engine has one read under way, so there are rarely more than a few.
const WAITING: usize = 16;

enum Task {
    Read(oneshot::Sender<Orders>),
    Rearmed(Orders),
}

/// The thread. It does its tasks in the order in which they come.
#[derive(Debug)]
pub(super) struct OrderThread {
    tasks: Option<SyncSender<Task>>,
    ended: Receiver<()>,
}

impl OrderThread {
    pub(super) fn begin(dir: &Path) -> Result<Self, StoreError> {
        let (tasks, queue) = mpsc::sync_channel(WAITING);
        let (farewell, ended) = mpsc::sync_channel(1);
        let mut book = OrderBook::new(dir);
        std::thread::Builder::new()
            .name("orders".to_owned())
            .spawn(move || {
                for task in queue {
                    match task {
                        // The asker may have given up.
                        Task::Read(answer) => drop(answer.send(book.read())),
                        Task::Rearmed(orders) => book.rearmed(&orders),
                    }
                }
                let _ = farewell.send(());
            })
            .map_err(|e| StoreError::file("start the thread that reads orders in", dir, e))?;
        Ok(Self {
            tasks: Some(tasks),
            ended,
        })
    }

    fn tell(&self, task: Task) {
        if let Some(tasks) = &self.tasks {
            // A task that finds no place is dropped: a read then counts as a pause, and a re-arming is carried out
            // again.
            let _ = tasks.try_send(task);
        }
    }

    pub(super) fn read(&self) -> Pending<Orders> {
        let (answer, orders) = oneshot::channel();
        self.tell(Task::Read(answer));
        Box::pin(async move { orders.await.unwrap_or_else(|_| unread()) })
    }

    pub(super) fn rearmed(&self, orders: &Orders) {
        self.tell(Task::Rearmed(orders.clone()));
    }

    /// Waits until its tasks are done, at most this long.
    pub(super) fn end(&mut self, patience: Duration) {
        self.tasks = None;
        let _ = self.ended.recv_timeout(patience);
    }
}

/// The orders if they could not be read: a pause of everything.
fn unread() -> Orders {
    let pause = Pause {
        reason: Some("orders cannot be read: the disk does not answer".to_owned()),
        ..Pause::default()
    };
    Orders {
        pauses: [("all".to_owned(), pause)].into(),
        ..Orders::default()
    }
}
