//! The loop.
#![expect(
    clippy::disallowed_methods,
    reason = "the loop waits, so it needs a clock to wait by; rules get their time from the clock port"
)]

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::model::{
    Decision, Effect, Event, Fleet, Note, Orders, RecoverOrder, Settings, Start, Timestamp, limits,
};
use crate::policy;
use crate::ports::{Clock, Notifier, Observer, Prober, Recoverer, Store};

use super::perform::Tasks;

/// How often people's orders are looked for, and the pulse is given when nothing else happens.
const BEAT: Duration = Duration::from_secs(1);

/// The outside.
pub struct Ports {
    /// Clocks.
    pub clock: Arc<dyn Clock>,
    /// Sites.
    pub prober: Arc<dyn Prober>,
    /// Hosts.
    pub recoverer: Arc<dyn Recoverer>,
    /// People.
    pub notifier: Arc<dyn Notifier>,
    /// Memory.
    pub store: Box<dyn Store>,
    /// Log, terminal, metrics.
    pub observer: Box<dyn Observer>,
    /// Called whenever the loop made progress, at least once a second.
    pub pulse: Box<dyn FnMut(&Fleet) + Send>,
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
    /// Something could not be written to the very end.
    pub unwritten: bool,
}

struct Loop<'a> {
    ports: &'a mut Ports,
    settings: Arc<Settings>,
    fleet: Fleet,
    tasks: Tasks,
    pending: VecDeque<Event>,
    journal: Vec<(Timestamp, Note)>,
    orders: Orders,
    written: Instant,
    dry: bool,
    would: Vec<RecoverOrder>,
    stopping: Option<Instant>,
}

/// Runs until settled or told to stop. Never fails: what cannot be done is an event, a note, or a hold.
pub async fn drive(ports: &mut Ports, run: Run, control: &mut mpsc::Receiver<Control>) -> Ended {
    let orders = ports.store.orders();
    // A pause holds from the first decision on.
    let mut fleet = run.fleet;
    fleet.pauses.clone_from(&orders.pauses);
    let mut pending = VecDeque::from([Event::Started(run.start)]);
    pending.extend(run.damaged.map(Event::Damaged));
    pending.push_back(Event::Ordered(orders.clone()));
    let limit = match run.until {
        Until::Settled(max) => Some(Instant::now() + max),
        Until::Shutdown => None,
    };
    let mut state = Loop {
        ports,
        settings: run.settings,
        fleet,
        tasks: Tasks::default(),
        pending,
        journal: Vec::new(),
        orders: Orders::default(),
        // The first results are written soon, so that `probe status` has something to show.
        written: Instant::now()
            .checked_sub(limits::LAZY_COMMIT - BEAT)
            .unwrap_or_else(Instant::now),
        dry: run.dry,
        would: Vec::new(),
        stopping: None,
    };
    state.orders = orders;
    loop {
        let event = state.await_event(control).await;
        state.decide(event).await;
        (state.ports.pulse)(&state.fleet);
        if state.is_over(limit) {
            break;
        }
    }
    state.end().await
}

impl Loop<'_> {
    /// The next thing that happens; nothing but time where nothing else does.
    async fn await_event(&mut self, control: &mut mpsc::Receiver<Control>) -> Event {
        if let Some(event) = self.pending.pop_front() {
            return event;
        }
        let wake = policy::wakeup(&self.settings, &self.fleet)
            .map_or(BEAT, |at| at.since(self.fleet.now()).min(BEAT));
        tokio::select! {
            biased;
            order = control.recv(), if self.stopping.is_none() => self.control(order),
            event = self.tasks.next() => event,
            () = tokio::time::sleep(wake) => self.look_for_orders(),
        }
    }

    fn control(&mut self, order: Option<Control>) -> Event {
        match order {
            Some(Control::Reload(settings)) => {
                self.settings = settings;
                Event::Started(Start::Reload)
            }
            Some(Control::Stop) | None => {
                self.stopping
                    .get_or_insert_with(|| Instant::now() + limits::STOP_GRACE);
                Event::Ticked
            }
        }
    }

    fn look_for_orders(&mut self) -> Event {
        let orders = self.ports.store.orders();
        if orders == self.orders {
            return Event::Ticked;
        }
        self.orders = orders.clone();
        Event::Ordered(orders)
    }

    async fn decide(&mut self, event: Event) {
        let ordered = if let Event::Ordered(orders) = &event {
            Some(orders.clone()).filter(|orders| !orders.rearm.is_empty())
        } else {
            None
        };
        let now = self.ports.clock.now();
        let decision = policy::step(&self.settings, std::mem::take(&mut self.fleet), event, &now);
        let Decision {
            fleet,
            effects,
            notes,
            durable,
        } = decision;
        self.fleet = fleet;
        for note in notes {
            self.ports.observer.note(now.wall, &note, &self.fleet);
            if !matches!(note, Note::Judged { .. }) {
                self.journal.push((now.wall, note));
            }
        }
        let (looks, acts): (Vec<Effect>, Vec<Effect>) = effects.into_iter().partition(|effect| {
            matches!(effect, Effect::Probe { .. } | Effect::ProbeCanary { .. })
        });
        if self.stopping.is_none() {
            for effect in looks {
                self.tasks
                    .begin(self.ports, &self.settings, &self.fleet, effect);
            }
        }
        if self.dry {
            self.rehearse(acts);
        } else {
            self.commit_then_act(acts, durable, ordered).await;
        }
    }

    /// Commit before act: what cannot be made durable is not done.
    async fn commit_then_act(&mut self, acts: Vec<Effect>, durable: bool, ordered: Option<Orders>) {
        let lazy = self.written.elapsed() >= limits::LAZY_COMMIT
            && (self.fleet.is_touched() || self.fleet.unwritable);
        let recorded = if durable || lazy {
            self.commit().await
        } else {
            true
        };
        if let Some(orders) = ordered.filter(|_| recorded) {
            self.ports.store.rearmed(&orders);
            self.orders = self.ports.store.orders();
        }
        if !recorded {
            self.pending.push_back(take_back(acts, true));
        } else if self.stopping.is_none() {
            for effect in acts {
                self.tasks
                    .begin(self.ports, &self.settings, &self.fleet, effect);
            }
        } else if acts.iter().any(|act| matches!(act, Effect::Recover(_))) {
            // The run ends: a restart is taken back, a mail stays in the outbox for the next run.
            let restarts = acts
                .into_iter()
                .filter(|act| matches!(act, Effect::Recover(_)))
                .collect();
            self.pending.push_back(take_back(restarts, false));
        }
    }

    /// Writes what changed; says whether it is durable.
    async fn commit(&mut self) -> bool {
        self.written = Instant::now();
        let mut changes = self.fleet.changes();
        changes.journal = std::mem::take(&mut self.journal);
        let journal = changes.journal.clone();
        match self.ports.store.commit(changes).await {
            Ok(()) => {
                self.fleet.written();
                if self.fleet.unwritable {
                    self.pending.push_back(Event::Recorded);
                }
                true
            }
            Err(error) => {
                tracing::error!(%error, "the state could not be written: nothing is restarted and no mail is sent until it can");
                self.journal = journal;
                let surplus = self.journal.len().saturating_sub(limits::JOURNAL_WAITING);
                self.journal.drain(..surplus);
                false
            }
        }
    }

    /// A dry run notes what it would do.
    fn rehearse(&mut self, acts: Vec<Effect>) {
        for effect in acts {
            match effect {
                Effect::Recover(order) => self.would.push(order),
                Effect::Notify(id) => {
                    self.fleet.in_transit.remove(&id);
                    self.fleet.forget_entry(id);
                }
                Effect::Probe { .. } | Effect::ProbeCanary { .. } => {}
            }
        }
    }

    fn is_over(&mut self, limit: Option<Instant>) -> bool {
        if !self.pending.is_empty() {
            return false;
        }
        let now = Instant::now();
        if limit.is_some_and(|limit| now >= limit) {
            self.stopping
                .get_or_insert_with(|| now + limits::STOP_GRACE);
        }
        if let Some(deadline) = self.stopping {
            return self.tasks.recovering == 0 || now >= deadline;
        }
        let rehearsed = !self.would.is_empty() && self.tasks.is_empty() && self.fleet.suspects == 0;
        limit.is_some() && (rehearsed || policy::settled(&self.settings, &self.fleet))
    }

    /// Writes what is left and hands back what is remembered.
    async fn end(mut self) -> Ended {
        let unwritten =
            !self.dry && (self.fleet.is_touched() || self.fleet.unwritable) && !self.commit().await;
        Ended {
            fleet: self.fleet,
            settings: self.settings,
            would: self.would,
            unwritten,
        }
    }
}

/// The event that takes back orders which were not carried out.
fn take_back(acts: Vec<Effect>, unwritable: bool) -> Event {
    let (mut attempts, mut entries) = (Vec::new(), Vec::new());
    for effect in acts {
        match effect {
            Effect::Recover(order) => attempts.push((order.host, order.attempt)),
            Effect::Notify(entry) => entries.push(entry),
            Effect::Probe { .. } | Effect::ProbeCanary { .. } => {}
        }
    }
    Event::TakenBack {
        attempts,
        entries,
        unwritable,
    }
}
