//! The one reader of orders: a thread that looks into their directories, fed by a channel. A disk that takes its time
//! keeps it, and not the loop.

use std::path::Path;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::time::Duration;

use tokio::sync::oneshot;

use super::StoreError;
use super::orders::OrderBook;
use crate::model::{Orders, Pause};
use crate::ports::Pending;

/// What may wait behind a disk that hangs. The engine has one look under way, so few is the rule.
const WAITING: usize = 16;

enum Task {
    Read(oneshot::Sender<Orders>),
    Rearmed(Orders),
}

/// The order_thread. What it is told it does in order.
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
                        // Whoever asked may have given up.
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
            // One that finds no place is dropped: a look then counts as a pause, an order is carried out again.
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

    /// Waits until all it was told is done, at most this long.
    pub(super) fn end(&mut self, patience: Duration) {
        self.tasks = None;
        let _ = self.ended.recv_timeout(patience);
    }
}

/// Nobody could look.
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
