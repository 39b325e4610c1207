//! The orders of people (`probe pause`, `probe resume`), read once each [`BEAT`] beside the loop, because a disk may be
//! slow.
//!
//! Orders that did not change are no event. After orders to re-arm are durable, the store removes their files. A file
//! that cannot be removed is not carried out again until the orders change.
#![expect(
    clippy::disallowed_methods,
    reason = "orders are looked for at an interval; rules get their time from the clock port"
)]

use tokio::time::Instant;

use crate::model::{Event, Orders};
use crate::ports::{Pending, Writer};

use super::BEAT;

/// The orders as they were last read.
pub(super) struct Inbox {
    known: Orders,
    looked: Instant,
    reading: Option<Pending<Orders>>,
    /// The read under way follows a re-arming: orders to re-arm that it finds were carried out but could not be
    /// removed.
    carried_out: bool,
}

impl Inbox {
    pub(super) fn new(known: Orders) -> Self {
        Self {
            known,
            looked: Instant::now(),
            reading: None,
            carried_out: false,
        }
    }

    /// Begins to read when it is time, however many other events there are.
    pub(super) fn look(&mut self, writer: &mut dyn Writer) {
        if self.reading.is_none() && self.looked.elapsed() >= BEAT {
            self.looked = Instant::now();
            self.reading = Some(writer.orders());
        }
    }

    /// Waits for what is being read; without a read, for ever. May be dropped and called again.
    pub(super) async fn read(&mut self) -> Orders {
        match &mut self.reading {
            Some(reading) => reading.await,
            None => std::future::pending().await,
        }
    }

    /// Makes what was read an event, if it changed.
    pub(super) fn heard(&mut self, orders: Orders) -> Event {
        self.reading = None;
        if std::mem::take(&mut self.carried_out) {
            self.known.rearm.clone_from(&orders.rearm);
        }
        if orders == self.known {
            return Event::Ticked;
        }
        self.known = orders.clone();
        Event::Ordered(orders)
    }

    /// Orders to re-arm are durable: has their files removed.
    pub(super) fn rearmed(&mut self, orders: &Orders, writer: &mut dyn Writer) {
        if !orders.rearm.is_empty() {
            writer.rearmed(orders);
            self.reading = Some(writer.orders());
            self.carried_out = true;
        }
    }
}
