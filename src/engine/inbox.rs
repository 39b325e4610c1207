//! What people ordered: looked for once a beat beside the loop, because the disk it lies on may take its time.
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
    /// The look under way follows a re-arming: what it finds to re-arm could not be removed, and was carried out.
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

    /// Begins to look when it is time, however much else happens.
    pub(super) fn look(&mut self, writer: &mut dyn Writer) {
        if self.reading.is_none() && self.looked.elapsed() >= BEAT {
            self.looked = Instant::now();
            self.reading = Some(writer.orders());
        }
    }

    /// What was read, or pending for ever; may be dropped and asked again.
    pub(super) async fn read(&mut self) -> Orders {
        match &mut self.reading {
            Some(reading) => reading.await,
            None => std::future::pending().await,
        }
    }

    /// What was read, as an event.
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

    /// Orders to re-arm are durable.
    pub(super) fn rearmed(&mut self, orders: &Orders, writer: &mut dyn Writer) {
        if !orders.rearm.is_empty() {
            writer.rearmed(orders);
            self.reading = Some(writer.orders());
            self.carried_out = true;
        }
    }
}
