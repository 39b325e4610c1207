//! Places for connections, of which there are [`limits::PAGE_CONNECTIONS`]. Who waits for a request holds up nobody: where all places
//! are taken, the connection that has waited longest is closed for the one that comes. So clients that say nothing, however many, cost
//! others no time. A connection whose answer is being made is closed for nobody; from then on it waits again, as the last.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use crate::model::limits;

/// All places.
pub(super) struct Places {
    free: Arc<Semaphore>,
    waiting: Mutex<Waiting>,
    /// Somebody began to wait.
    began: Notify,
}

/// Who waits for a request, the longest first, by the number of its turn.
#[derive(Default)]
struct Waiting {
    turns: u64,
    seats: BTreeMap<u64, Arc<Notify>>,
}

/// A place that is taken, until it is dropped.
pub(super) struct Place {
    places: Arc<Places>,
    leave: Arc<Notify>,
    turn: Mutex<Option<u64>>,
    _permit: OwnedSemaphorePermit,
}

impl Places {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            free: Arc::new(Semaphore::new(limits::PAGE_CONNECTIONS)),
            waiting: Mutex::default(),
            began: Notify::new(),
        })
    }

    /// A place for a connection that is there; `None` where there are none any more.
    pub(super) async fn take(self: &Arc<Self>) -> Option<Place> {
        let permit = loop {
            if let Ok(permit) = Arc::clone(&self.free).try_acquire_owned() {
                break permit;
            }
            let began = self.began.notified();
            if let Some((_, leave)) = self.waiting().seats.pop_first() {
                leave.notify_one();
            }
            // The place of whoever was told to leave, of whoever is done, or the next one who waits.
            tokio::select! {
                permit = Arc::clone(&self.free).acquire_owned() => break permit.ok()?,
                () = began => {}
            }
        };
        let place = Place {
            places: Arc::clone(self),
            leave: Arc::default(),
            turn: Mutex::default(),
            _permit: permit,
        };
        place.waits();
        Some(place)
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    fn turn(&self) -> MutexGuard<'_, Option<u64>> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a request from now on.
    pub(super) fn waits(&self) {
        let mut waiting = self.places.waiting();
        waiting.turns += 1;
        let turn = waiting.turns;
        waiting.seats.insert(turn, Arc::clone(&self.leave));
        *self.turn() = Some(turn);
        drop(waiting);
        self.places.began.notify_one();
    }

    /// A request is here.
    pub(super) fn is_asked(&self) {
        if let Some(turn) = self.turn().take() {
            self.places.waiting().seats.remove(&turn);
        }
    }

    /// Another needs the place.
    pub(super) async fn left(&self) {
        self.leave.notified().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.is_asked();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_has_waited_longest_leaves_for_the_next() {
        let places = Places::new();
        let mut taken = Vec::new();
        for _ in 0..limits::PAGE_CONNECTIONS {
            taken.push(places.take().await.unwrap());
        }
        // The first has a request, and the second waits again, behind all others.
        taken[0].is_asked();
        taken[1].is_asked();
        taken[1].waits();
        let third = taken.remove(2);
        let leaving = async {
            third.left().await;
            drop(third);
        };
        let (next, ()) = tokio::join!(places.take(), leaving);
        assert!(next.is_some());
    }

    #[tokio::test]
    async fn who_is_being_answered_is_waited_for() {
        let places = Places::new();
        let mut taken = Vec::new();
        for _ in 0..limits::PAGE_CONNECTIONS {
            let place = places.take().await.unwrap();
            place.is_asked();
            taken.push(place);
        }
        let mut next = std::pin::pin!(places.take());
        assert!(by_now(next.as_mut()).await.is_none());
        // One that keeps its connection waits again, and leaves.
        taken[7].waits();
        assert!(by_now(next.as_mut()).await.is_none());
        taken[7].left().await;
        taken.remove(7);
        assert!(next.await.is_some());
    }

    /// What it has come to by now.
    async fn by_now<F: Future>(mut future: std::pin::Pin<&mut F>) -> Option<F::Output> {
        std::future::poll_fn(|cx| {
            std::task::Poll::Ready(match future.as_mut().poll(cx) {
                std::task::Poll::Ready(output) => Some(output),
                std::task::Poll::Pending => None,
            })
        })
        .await
    }
}
