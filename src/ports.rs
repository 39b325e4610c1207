//! The doors: what the engine needs from the outside, as traits. No behaviour here.

use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::model::{
    Changes, CheckResult, Course, Delivery, Diagnosis, Email, Entry, EntryId, Finding, Happened,
    Heartbeat, Host, NetworkSettings, Now, Orders, Profile, Reach, RecoverOrder, RecoveryReport,
    Timestamp, Wording,
};

/// Something under way.
pub type Pending<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// The only reader of clocks.
pub trait Clock: Send + Sync {
    /// What the clocks say, read in one go.
    fn now(&self) -> Now;

    /// Time of processors that this program has used; zero where nobody counts it.
    fn cpu(&self) -> Duration {
        Duration::ZERO
    }
}

/// Looks at sites. What a site does wrong is data, never an error.
pub trait Prober: Send + Sync {
    /// Checks every URL of a profile once, on fresh connections, within the profile's `timeout` each: one result per URL, in
    /// order, and with [`Addresses::All`](crate::model::Addresses::All) one per address of each, ascending, the address that was
    /// asked being the result's. `known` holds the address
    /// that last answered each URL well; it is asked where a name does not resolve.
    fn probe(&self, profile: Arc<Profile>, known: Vec<Option<IpAddr>>)
    -> Pending<Vec<CheckResult>>;

    /// Asks the canaries, all at once: whether one answered, and what was seen.
    fn canary(&self, network: NetworkSettings) -> Pending<(bool, Finding)>;
}

/// Acts on a host.
pub trait Recoverer: Send + Sync {
    /// Runs the command once over SSH and says how it ended; no retry. Where `left` of true time, our own sleep included, is
    /// over before the client is started, nothing is done ([`RecoveryOutcome::NotExecuted`](crate::model::RecoveryOutcome)).
    fn recover(
        &self,
        host: Arc<Host>,
        order: RecoverOrder,
        left: Duration,
    ) -> Pending<RecoveryReport>;

    /// Looks at the host in one read-only visit over SSH: facts, and what the sites at these URLs say on the host itself.
    fn diagnose(&self, host: Arc<Host>, urls: Vec<String>) -> Pending<Diagnosis>;

    /// Tries one TCP connect to the host's SSH port, and sends nothing.
    fn reach(&self, host: Arc<Host>) -> Pending<Reach>;
}

/// Tells people.
pub trait Notifier: Send + Sync {
    /// Tries once to deliver one message to its one recipient, over the relays in order; `course` is how its site did.
    fn notify(
        &self,
        email: Arc<Email>,
        wording: Arc<Wording>,
        entry: Entry,
        course: Option<Course>,
    ) -> Pending<Delivery>;
}

/// Tells other programs.
pub trait Messenger: Send + Sync {
    /// Runs the program once with the event as one document on its standard input.
    fn hand(
        &self,
        command: Arc<Vec<String>>,
        wording: Arc<Wording>,
        entry: Entry,
    ) -> Pending<Delivery>;
}

/// Tells an outside watcher that we live.
pub trait Pulse: Send + Sync {
    /// Tells it once; what it said where it did not take that.
    fn beat(&self, heartbeat: Arc<Heartbeat>) -> Pending<Result<(), String>>;
}

/// Why something could not be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unwritable(pub String);

/// Remembers.
pub trait Store: Send {
    /// Makes the rows durable, all or none.
    fn commit(&mut self, changes: Changes) -> Pending<Result<(), Unwritable>>;

    /// How the site of a message did in the day before it was queued; the same whenever it is asked.
    fn course(&self, _: EntryId) -> Pending<Result<Option<Course>, Unwritable>> {
        Box::pin(std::future::ready(Ok(None)))
    }

    /// What people ordered, at this moment or later. What cannot be read counts as a pause.
    fn orders(&mut self) -> Pending<Orders>;

    /// The orders to re-arm were carried out and are durable; later looks do not find them any more.
    fn rearmed(&mut self, orders: &Orders);
}

/// Hears what happened; cannot fail the run.
pub trait Observer: Send {
    /// One remark, at this wall-clock time.
    fn note(&mut self, at: Timestamp, note: &Happened, fleet: &crate::model::Fleet);
}
