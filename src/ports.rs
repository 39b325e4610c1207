//! The doors: what the engine needs from the outside, as traits. No behaviour here.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::future::Future;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;

use crate::model::{
    Ack, Approval, Changes, CheckResult, Course, Delivery, Diagnosis, Email, Entry, EntryId,
    Finding, Fleet, Happened, Heartbeat, Holder, Host, HostName, IncidentId, NetworkSettings, Now,
    Orders, Pause, Profile, ProfileName, Reach, RecoverOrder, RecoveryReport, Rehearsal, Rollup,
    Rollups, Seen, Target, Timestamp, Webhook, Wording,
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

/// Tells services.
pub trait Poster: Send + Sync {
    /// Posts the event once, in the form that the service understands.
    fn post(&self, webhook: Arc<Webhook>, wording: Arc<Wording>, entry: Entry)
    -> Pending<Delivery>;
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

/// Why a store did not do what was asked: what failed, and what the reader can do.
pub type Failed = Box<dyn Error + Send + Sync>;

/// Why a run that acts did not get its state.
#[derive(Debug, thiserror::Error)]
pub enum NotOpened {
    /// Another run has it.
    #[error(transparent)]
    Locked(Failed),
    /// It is whole and not for this run: a newer release or another user wrote it. It is left as it is.
    #[error(transparent)]
    Foreign(Failed),
    /// It cannot be used.
    #[error(transparent)]
    Unusable(Failed),
}

/// The state, opened by the one run that may write it.
pub struct Opened {
    /// What is remembered. The agenda is empty: it follows from the rest.
    pub fleet: Fleet,
    /// Where a damaged state was moved to whose loss nobody has answered for yet; empty where nothing was left of it.
    pub damaged: Option<PathBuf>,
    /// Where the state lies, for messages.
    pub place: PathBuf,
    /// Writes it, and holds it until it is dropped.
    pub writer: Box<dyn Writer>,
}

/// The state as it stands, read beside whoever writes it.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// What is remembered; `fleet.pauses` is filled, the agenda is not.
    pub fleet: Fleet,
    /// What people ordered, by target; expired orders stay listed.
    pub pauses: BTreeMap<String, Pause>,
    /// The run that is writing now. Known only on the same machine and in the same process namespace.
    pub holder: Option<Holder>,
    /// A damaged state was moved there, and no run has answered for it yet; empty where nothing was left of it.
    pub damaged: Option<PathBuf>,
    /// A run has used this state at least once.
    pub begun: bool,
}

/// Where the state lies: opened by the one run that acts, read by everybody, and told what people order.
/// The program reaches its state by this door alone.
pub trait Store: Send + Sync {
    /// Opens the state for the one run that may write it; makes what is missing, and moves aside what is damaged. `wall` is what the
    /// wall clock says, for the holder's name and for the name of a state that is moved aside.
    ///
    /// # Errors
    /// When another run has it, it is somebody else's, or it can be neither read nor made.
    fn open(&self, wall: Timestamp) -> Result<Opened, NotOpened>;

    /// Opens what stands in for a state that must be left alone: one of its own below `temporary`, so that runs from cron know
    /// whom they told. It knows of no restart, so none may be made from it.
    ///
    /// # Errors
    /// As [`Store::open`].
    fn stand_in(&self, temporary: &Path, wall: Timestamp) -> Result<Opened, NotOpened>;

    /// Reads the state without writing. A missing one is empty.
    ///
    /// # Errors
    /// When it is damaged, of a newer schema, or cannot be read.
    fn read(&self) -> Result<Snapshot, Failed>;

    /// Reads what happened from an instant on, oldest first, at most the newest `cap` entries. What this release cannot read
    /// is left out.
    ///
    /// # Errors
    /// As [`Store::read`].
    fn journal(&self, since: Timestamp, cap: u32) -> Result<Vec<(Timestamp, Happened)>, Failed>;

    /// How these sites did over the last day, the five minutes under way left out.
    ///
    /// # Errors
    /// As [`Store::read`].
    fn courses(&self, profiles: &[ProfileName]) -> Result<BTreeMap<ProfileName, Course>, Failed>;

    /// What the hours of these profiles came to, from this one on ([`hour_of`](crate::model::hour_of)), oldest first; an
    /// incident that is open and the five minutes under way left out. Nothing where the history cannot be read.
    fn hours(
        &self,
        profiles: &[ProfileName],
        since: u32,
    ) -> BTreeMap<ProfileName, Vec<(u32, Rollup)>>;

    /// The same of days ([`day_of`](crate::model::day_of)).
    fn days(
        &self,
        profiles: &[ProfileName],
        since: u32,
    ) -> BTreeMap<ProfileName, Vec<(u32, Rollup)>>;

    /// What came from outside from an instant on, oldest first, at most the newest `cap` of it. Nothing where the history
    /// cannot be read.
    fn seen(&self, since: Timestamp, cap: u32) -> Vec<(Timestamp, Seen)>;

    /// Both for as long as they are kept, with the open incident and the five minutes under way of this fleet.
    fn rollups(
        &self,
        fleet: &Fleet,
        profiles: &[ProfileName],
        zone: &TimeZone,
    ) -> BTreeMap<ProfileName, Rollups> {
        let (mut hours, mut days) = (self.hours(profiles, 0), self.days(profiles, 0));
        let of = |name: &ProfileName| {
            let hours = hours.remove(name).unwrap_or_default();
            let days = days.remove(name).unwrap_or_default();
            (name.clone(), Rollups::of(fleet, name, hours, days, zone))
        };
        profiles.iter().map(of).collect()
    }

    /// Orders that nothing is done about a target; in place of an earlier pause of it. A run that is watching sees it within a second.
    ///
    /// # Errors
    /// When the name can be none, or the order cannot be written.
    fn pause(&self, target: &Target, pause: &Pause) -> Result<(), Failed>;

    /// Lifts the pause of a target (of everything: every pause), and orders that a host that was given up is acted on again.
    ///
    /// # Errors
    /// When the name can be none, or the orders cannot be changed; of several pauses the others are lifted all the same.
    fn resume(&self, target: &Target) -> Result<(), Failed>;

    /// Allows the restart of a host that was proposed.
    ///
    /// # Errors
    /// When the order cannot be written.
    fn approve(&self, host: &HostName, approval: &Approval) -> Result<(), Failed>;

    /// Orders one restart of a host that is well. It is answered once, in [`HostTrack::rehearsed`](crate::model::HostTrack), or goes stale.
    ///
    /// # Errors
    /// When the order cannot be written.
    fn rehearse(&self, host: &HostName, order: &Rehearsal) -> Result<(), Failed>;

    /// Says that somebody has what is told in these threads; what was said of threads that are not `open` any more is removed.
    ///
    /// # Errors
    /// When the order cannot be written.
    fn acknowledge(
        &self,
        acks: &BTreeMap<IncidentId, Ack>,
        open: &BTreeSet<IncidentId>,
    ) -> Result<(), Failed>;

    /// The pauses by target; those whose time is over stay listed. What cannot be read counts as a pause.
    fn pauses(&self) -> BTreeMap<String, Pause>;

    /// The last look before acting: whether everything, or this host, is paused at this wall-clock time.
    fn is_paused(&self, host: &HostName, wall: Timestamp) -> bool;

    /// Notes a rehearsal of a host, or of mail where no host is named. When it last went well is kept from the note before.
    ///
    /// # Errors
    /// When it cannot be written.
    fn drilled(&self, host: Option<&HostName>, at: Timestamp, well: bool) -> Result<(), Failed>;
}

/// Remembers.
pub trait Writer: Send {
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
    fn note(&mut self, at: Timestamp, note: &Happened, fleet: &Fleet);
}
