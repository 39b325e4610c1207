//! What a run is given, and what it hands back.

use std::sync::Arc;
use std::time::Duration;

use crate::model::{Fleet, Gauges, RecoverOrder, Settings, Start};
use crate::ports::{
    Clock, Messenger, Notifier, Observer, Poster, Prober, Pulse, Recoverer, Writer,
};

/// The ports: all that is outside of the core.
pub struct Ports {
    /// Clocks.
    pub clock: Arc<dyn Clock>,
    /// Sites.
    pub prober: Arc<dyn Prober>,
    /// Hosts.
    pub recoverer: Arc<dyn Recoverer>,
    /// People.
    pub notifier: Arc<dyn Notifier>,
    /// Other programs.
    pub messenger: Arc<dyn Messenger>,
    /// Services.
    pub poster: Arc<dyn Poster>,
    /// The outside watcher.
    pub watcher: Arc<dyn Pulse>,
    /// Memory.
    pub writer: Box<dyn Writer>,
    /// Log, terminal, metrics.
    pub observer: Box<dyn Observer>,
    /// Called about once a second while the loop makes progress, and after the first decision.
    pub pulse: Box<dyn FnMut(Turn<'_>) + Send>,
}

/// Where the loop stands.
pub struct Turn<'a> {
    /// What is remembered. Mutable only for [`Fleet::news`]; nothing else may be changed.
    pub fleet: &'a mut Fleet,
    /// The configuration in force.
    pub settings: &'a Arc<Settings>,
    /// What was measured.
    pub gauges: &'a Gauges,
}

/// How long to go on.
#[derive(Debug, Clone, Copy)]
pub enum Until {
    /// Until nothing is left to follow, at most this long (`probe once`).
    Settled(Duration),
    /// Until told to stop (`probe run`).
    Shutdown,
}

/// What people and signals order while the loop runs.
#[derive(Debug)]
pub enum Control {
    /// A new configuration.
    Reload(Arc<Settings>),
    /// End.
    Stop,
}

/// One run.
pub struct Run {
    /// The configuration.
    pub settings: Arc<Settings>,
    /// What was remembered.
    pub fleet: Fleet,
    /// How it begins.
    pub start: Start,
    /// Where a damaged state was moved to.
    pub damaged: Option<String>,
    /// How long it goes on.
    pub until: Until,
    /// Carry out no restart and no mail, write nothing.
    pub dry: bool,
}

/// How a run ended.
#[derive(Debug)]
pub struct Ended {
    /// What is remembered.
    pub fleet: Fleet,
    /// The configuration at the end.
    pub settings: Arc<Settings>,
    /// Restarts a dry run would have ordered.
    pub would: Vec<RecoverOrder>,
    /// The last commit failed: some changes are not written.
    pub unwritten: bool,
}
