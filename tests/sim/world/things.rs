//! What a world is made of, and what is remembered of its course.

use std::collections::BTreeMap;

use probe::model::{
    Ailment, Cause, Entry, EntryId, Event, EventKind, Happened, HostName, IncidentId, Pause,
    ProfileName, Reach, RecoverOrder,
};

use super::World;

/// What a restart does to a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heals {
    Yes,
    No,
    /// For so many milliseconds.
    For(i64),
    /// It makes things worse: another fault, or one more.
    Worse,
}

/// What becomes of an SSH login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ssh {
    Ok,
    /// The connection is lost in the middle; the machine finishes.
    Lost,
    /// Refused: nothing is executed.
    Closed,
    /// The port is as silent as a machine that is off.
    Silent,
    /// The host key changed.
    KeyChanged,
}

#[derive(Debug, Clone)]
pub struct Machine {
    /// What every site on it shows; `None`: well.
    pub cause: Option<Cause>,
    pub heals: Heals,
    pub ssh: Ssh,
    /// Milliseconds.
    pub takes: i64,
    pub busy: bool,
    /// Since when it is ill, in true time.
    pub ill_since: Option<i64>,
    /// What it says of itself beside that, to whoever looks.
    pub short: Option<Ailment>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mail {
    Up,
    Down,
    /// Takes the message and breaks before saying so.
    Unclear,
    /// Refuses it for good.
    Refuses,
}

/// What truly happened.
#[derive(Debug, Clone)]
pub enum Fact {
    Said(String),
    Started,
    /// A run ended well; what it had not written is lost where it could not be.
    Ended {
        written: bool,
    },
    Crashed,
    /// The watching machine was asleep for so many milliseconds.
    Woke(i64),
    /// The wall clock jumped.
    Jumped,
    /// A host and its profiles were taken out of the configuration.
    Removed(HostName, Vec<ProfileName>),
    /// They are configured again.
    Added(HostName, Vec<ProfileName>),
    /// A probe began.
    Probing(ProfileName),
    /// An incident is over, and that is on the disk.
    Closed(IncidentId, ProfileName),
    /// A commit is on the disk.
    Wrote {
        /// Messages of incidents that are durable for the first time.
        queued: Vec<(EntryId, IncidentId, u32, EventKind)>,
        /// Entries that are no longer there; true where they were dead letters with a reason.
        left: Vec<(EntryId, bool)>,
        /// Threads of mails that go on, and how many messages each has.
        threads: BTreeMap<IncidentId, u32>,
    },
    /// A result that the prober will not forget: when the probe began, and what it found.
    Result {
        profile: ProfileName,
        began: i64,
        cause: Option<Cause>,
        /// What was found is the doing of the profile's own server.
        own: bool,
        /// It would be, but a browser is shown a well site at this moment.
        shut: bool,
        /// One of its URLs at least is well.
        well: bool,
    },
    /// What a browser was shown: when it was asked, and whether all of it was well.
    Browsed {
        profile: ProfileName,
        began: i64,
        answered: bool,
    },
    /// A result reached a running prober, whatever became of it.
    Arrived {
        profile: ProfileName,
        cause: Option<Cause>,
    },
    Canary {
        began: i64,
        answered: bool,
    },
    /// A host's SSH port was tried.
    Reached {
        host: HostName,
        began: i64,
        reach: Reach,
    },
    /// A host was looked at, and this is what speaks against restarting it; `None` where nobody got facts.
    Looked {
        host: HostName,
        began: i64,
        facts: Option<Option<Ailment>>,
        stuck: bool,
    },
    /// An order left the prober, resting on this durable fleet.
    Ordered {
        /// Attempts since proven health, this one included.
        attempts: u32,
        order: RecoverOrder,
        durable: bool,
        /// When it was decided, in true time, and as the wall clock showed it.
        decided: i64,
        wall: i64,
    },
    /// What people had ordered from then on, as far as a running prober had read it.
    Pauses(BTreeMap<String, Pause>),
    RestartBegan {
        host: HostName,
    },
    RestartEnded {
        host: HostName,
    },
    Noted(Happened),
    /// A canary that did not answer, as the prober heard of it, recorded or not.
    Alone,
    /// It was decided to send this message now.
    Leaves(EntryId),
    Mailed {
        entry: Box<Entry>,
        taken: bool,
    },
}

pub(super) enum Due {
    Event(u64, Event),
    /// What was found, and when that was truly so.
    Result(u64, Event, Box<Fact>),
    /// A commit ends.
    Written(u64),
    Wake(u64),
    Limit(u64),
    Cron,
    Begins(u64, RecoverOrder),
    Finishes(HostName),
    Delivers(u64, EntryId),
    Script(Box<dyn FnOnce(&mut World)>),
}

impl Due {
    /// Whether it happens on the watching machine, or may reach into it.
    pub(super) const fn is_ours(&self) -> bool {
        !matches!(self, Self::Finishes(_))
    }
}

pub(super) struct Item(pub(super) i64, pub(super) u64, pub(super) Due);
impl PartialEq for Item {
    fn eq(&self, other: &Self) -> bool {
        (self.0, self.1) == (other.0, other.1)
    }
}
impl Eq for Item {}
impl PartialOrd for Item {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Item {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.0, self.1).cmp(&(other.0, other.1))
    }
}
