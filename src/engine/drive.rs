//! The loop: it awaits one event, lets the rules decide, begins the orders that look, and hands the others to the next
//! commit.
//!
//! Of several events that are ready, the first in this order is taken: what an earlier turn left, a reload or stop, the
//! end of a commit, orders of people, the end of a task. If none is ready when the rules want to be asked again, or
//! after [`BEAT`], the event is that time has passed (`Ticked`). Acts whose commit has ended leave after the step that
//! follows it, if the rules still allow it ([`policy::release`]).
//!
//! A run ends when it is told to stop, or when the rules are settled or its time is up (`probe once`). A complete cycle
//! of `probe once` is an event first, so that its heartbeat can leave. After a stop nothing new begins: restarts that
//! did not begin are taken back, mails stay in the outbox, and restarts under way and commits have
//! [`limits::STOP_GRACE`] to end. Last, all that changed is written.
//!
//! A dry run probes and looks, but writes nothing, sends nothing, and only collects the restarts that it would order.
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
    Decision, Effect, Event, Fleet, Gauges, Happened, ProbeId, ProfileName, RecoverOrder, Seen,
    Settings, Start, Timestamp, limits,
};
use crate::policy::{self, Release};
use crate::ports::Unwritable;

use super::BEAT;
use super::commits::Commits;
use super::inbox::Inbox;
use super::perform::Tasks;
use super::run::{Control, Ended, Ports, Run, Turn, Until};

struct Loop<'a> {
    ports: &'a mut Ports,
    settings: Arc<Settings>,
    fleet: Fleet,
    tasks: Tasks,
    pending: VecDeque<Event>,
    commits: Commits,
    /// Acts whose commit is durable.
    released: Vec<Effect>,
    inbox: Inbox,
    beat: Option<Instant>,
    gauges: Gauges,
    begun: Timestamp,
    dry: bool,
    would: Vec<RecoverOrder>,
    stopping: Option<Instant>,
    /// This is a cycle of `probe once` whose completion is still to be an event.
    completes: bool,
    /// Until when to wait for what follows from that event.
    closing: Option<Instant>,
}

/// Runs until settled or told to stop. Never fails: what cannot be done becomes an event, a line in the log, or a hold.
pub async fn drive(ports: &mut Ports, run: Run, control: &mut mpsc::Receiver<Control>) -> Ended {
    let orders = ports.writer.orders().await;
    // A pause holds from the first decision on.
    let mut fleet = run.fleet;
    fleet.pauses.clone_from(&orders.pauses);
    fleet.drills.clone_from(&orders.drills);
    fleet.approvals.clone_from(&orders.approvals);
    fleet.rehearsals.clone_from(&orders.rehearsals);
    fleet.acks.clone_from(&orders.acks);
    let completes = !run.dry && run.start == Start::Due;
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
        commits: Commits::new(),
        released: Vec::new(),
        inbox: Inbox::new(orders),
        beat: None,
        gauges: Gauges::default(),
        begun: Timestamp(i64::MAX),
        dry: run.dry,
        would: Vec::new(),
        stopping: None,
        completes,
        closing: None,
    };
    loop {
        let event = state.await_event(control).await;
        state.decide(event);
        state.beat();
        if state.is_over(limit) {
            break;
        }
    }
    state.end().await
}

impl Loop<'_> {
    /// The next event; if nothing else happens, that time has passed.
    async fn await_event(&mut self, control: &mut mpsc::Receiver<Control>) -> Event {
        if let Some(event) = self.pending.pop_front() {
            return event;
        }
        self.inbox.look(self.ports.writer.as_mut());
        let wake = policy::wakeup(&self.settings, &self.fleet)
            .map_or(BEAT, |at| at.since(self.fleet.now()).min(BEAT));
        tokio::select! {
            biased;
            order = control.recv(), if self.stopping.is_none() => self.control(order),
            end = self.commits.ended() => self.recorded(end),
            orders = self.inbox.read() => self.inbox.heard(orders),
            (event, late) = self.tasks.next() => self.ended(event, late),
            () = tokio::time::sleep(wake) => Event::Ticked,
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

    /// A task ended.
    fn ended(&mut self, event: Event, late: Option<Duration>) -> Event {
        if matches!(event, Event::Probed { .. }) {
            self.gauges.probes += 1;
        }
        if let Some(late) = late {
            self.gauges.lag.record(late, self.fleet.now());
        }
        event
    }

    /// A commit ended: its acts leave after the next step, or are taken back.
    fn recorded(&mut self, end: Result<(), Unwritable>) -> Event {
        let load = self.commits.settle(&mut self.fleet, end.is_ok());
        match end {
            Ok(()) => {
                self.gauges.commits.0 += 1;
                self.inbox.rearmed(&load.rearm, self.ports.writer.as_mut());
                self.released.extend(load.acts);
                if self.fleet.unwritable {
                    Event::Recorded
                } else {
                    Event::Ticked
                }
            }
            Err(error) => {
                self.gauges.commits.1 += 1;
                tracing::error!(%error, "the state could not be written: nothing is restarted and no mail is sent until it can");
                take_back(load.acts, true)
            }
        }
    }

    fn decide(&mut self, event: Event) {
        let rearm = if let Event::Ordered(orders) = &event {
            Some(orders.clone()).filter(|orders| !orders.rearm.is_empty())
        } else {
            None
        };
        let released = std::mem::take(&mut self.released);
        let now = self.ports.clock.now();
        if let Some(seen) = Seen::of(&self.fleet, &event) {
            self.commits.saw(now.wall, seen);
        }
        let decision = policy::step(&self.settings, std::mem::take(&mut self.fleet), event, &now);
        let Decision {
            fleet,
            effects,
            happened,
            durable,
        } = decision;
        self.fleet = fleet;
        self.begun = self.begun.min(self.fleet.now());
        for note in happened {
            self.ports.observer.note(now.wall, &note, &self.fleet);
            self.gauges.note(&note);
            if !matches!(note, Happened::Judged { .. }) {
                self.commits.note(now.wall, note);
            }
        }
        let (looks, acts): (Vec<Effect>, Vec<Effect>) =
            effects.into_iter().partition(Effect::looks);
        if self.stopping.is_none() {
            for effect in looks {
                if let Effect::Probe { probe, profile } = effect {
                    self.probe(probe, &profile);
                } else {
                    self.tasks
                        .begin(self.ports, &self.settings, &self.fleet, effect);
                }
            }
        }
        if self.dry {
            self.rehearse(acts);
            return;
        }
        self.commits.join(acts, rearm, durable);
        self.commits
            .move_on(self.ports.writer.as_mut(), &mut self.fleet);
        self.release(released);
    }

    /// Begins a probe, and measures how late it is. A due time before this run counts as its beginning.
    fn probe(&mut self, probe: ProbeId, name: &ProfileName) {
        let Some(profile) = self.settings.profiles.get(name) else {
            return;
        };
        let track = self.fleet.profiles.get(name);
        let late = track.map(|track| self.fleet.now().since(track.due.max(self.begun)));
        if let Some(late) = late {
            let skipped = late.as_millis().checked_div(profile.interval.as_millis());
            self.gauges.skipped += u64::try_from(skipped.unwrap_or(0)).unwrap_or(u64::MAX);
        }
        let known = track.map(|track| track.known.clone()).unwrap_or_default();
        self.tasks
            .probe(self.ports, probe, Arc::clone(profile), known, late);
    }

    /// Carries out acts that are durable, except those that are too old or no longer configured.
    fn release(&mut self, acts: Vec<Effect>) {
        let mut back = Vec::new();
        for act in acts {
            let begins = if self.stopping.is_some() {
                false
            } else if let Effect::Recover(order) = &act {
                match policy::release(&self.fleet, order) {
                    Release::Within(left) => {
                        let order = order.clone();
                        self.tasks.recover(self.ports, &self.settings, order, left)
                    }
                    Release::Late(event) => {
                        self.pending.push_back(event);
                        continue;
                    }
                    Release::Overtaken => {
                        tracing::warn!(host = %order.host, "writing took so long that the restart counts as lost: it was not begun");
                        continue;
                    }
                }
            } else {
                self.tasks
                    .begin(self.ports, &self.settings, &self.fleet, act.clone())
            };
            // When the run ends, a restart is taken back and a mail stays in the outbox for the next run.
            let stays = self.stopping.is_some() && matches!(act, Effect::Notify(_));
            if !begins && !stays {
                back.push(act);
            }
        }
        if !back.is_empty() {
            self.pending.push_back(take_back(back, false));
        }
    }

    /// Gives the pulse, at most once each [`BEAT`].
    fn beat(&mut self) {
        let now = Instant::now();
        if self.beat.is_some_and(|beat| now < beat) {
            return;
        }
        self.beat = Some(now + BEAT);
        self.gauges.cpu = self.ports.clock.cpu();
        (self.ports.pulse)(Turn {
            fleet: &mut self.fleet,
            settings: &self.settings,
            gauges: &self.gauges,
        });
    }

    /// A dry run collects the restarts and drops the mails.
    fn rehearse(&mut self, acts: Vec<Effect>) {
        for effect in acts {
            match effect {
                Effect::Recover(order) => self.would.push(order),
                Effect::Notify(id) => {
                    self.fleet.in_transit.remove(&id);
                    self.fleet.forget_entry(id);
                }
                Effect::Probe { .. }
                | Effect::ProbeAsBrowser { .. }
                | Effect::ProbeCanary { .. }
                | Effect::Reach { .. }
                | Effect::Diagnose { .. }
                | Effect::Beat => {}
            }
        }
    }

    fn is_over(&mut self, limit: Option<Instant>) -> bool {
        if !self.pending.is_empty() || !self.released.is_empty() {
            return false;
        }
        let now = Instant::now();
        let late = limit.is_some_and(|limit| now >= limit);
        let settled = limit.is_some() && self.stopping.is_none() && self.is_settled();
        if self.stopping.is_none() && (late || settled) {
            if std::mem::take(&mut self.completes) {
                self.closing = Some(now + limits::STOP_GRACE);
                self.pending.push_back(Event::Completed);
                return false;
            }
            let closes = !self.commits.is_idle() || self.tasks.beating > 0;
            if closes && self.closing.is_some_and(|end| now < end) {
                return false;
            }
        }
        if late {
            self.stopping
                .get_or_insert_with(|| now + limits::STOP_GRACE);
        }
        if let Some(deadline) = self.stopping {
            let done = self.tasks.recovering == 0 && self.commits.is_idle();
            return done || now >= deadline;
        }
        settled
    }

    /// Whether nothing is left to wait for.
    fn is_settled(&self) -> bool {
        let rehearsed =
            !self.would.is_empty() && self.tasks.is_empty() && self.fleet.suspects.is_empty();
        self.commits.is_idle() && (rehearsed || policy::settled(&self.settings, &self.fleet))
    }

    /// Writes what has changed and returns what is remembered.
    async fn end(mut self) -> Ended {
        // The last commit may still be under way; acts that wait for it do not begin any more.
        while self.commits.is_under_way() {
            let end = self.commits.ended().await;
            let event = self.recorded(end);
            self.decide(event);
            while let Some(event) = self.pending.pop_front() {
                self.decide(event);
            }
        }
        let mut unwritten = false;
        if !self.dry && (self.fleet.is_touched() || self.fleet.unwritable) {
            self.commits
                .begin(self.ports.writer.as_mut(), &mut self.fleet);
            let end = self.commits.ended().await;
            unwritten = end.is_err();
            let event = self.recorded(end);
            // Nothing is decided any more.
            drop(event);
        }
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
            Effect::Probe { .. }
            | Effect::ProbeAsBrowser { .. }
            | Effect::ProbeCanary { .. }
            | Effect::Reach { .. }
            | Effect::Diagnose { .. }
            | Effect::Beat => {}
        }
    }
    Event::TakenBack {
        attempts,
        entries,
        unwritable,
    }
}
