//! A world: sites, machines, a network, a mail server, a disk and clocks that may lie; and the prober in it, driven by the
//! same step → commit → dispatch that the engine follows, in virtual time. What truly happened is kept as facts.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque};
use std::time::Duration;

use probe::model::{
    Ack, Approval, AttemptId, BootId, Cause, Certificate, Effect, Entry, Event, EventKind, Fleet,
    Happened, HostName, Now, Orders, Pause, ProfileName, Rehearsal, Seen, Settings, Start,
    Timestamp,
};
use probe::policy;

/// Sunday 2026-11-22, 05:59:00 UTC: one minute before the outage this program was made for.
pub const BEGIN: i64 = 1_795_327_140_000;

mod disk;
mod fate;
mod looks;
mod outside;
mod prober;
mod things;

use disk::{Disk, Load, Writing};
use fate::Away;
pub use outside::MAINTENANCE;
use things::{Due, Item};
pub use things::{Fact, Heals, Machine, Mail, Ssh};

pub struct World {
    pub settings: Settings,
    /// True time, milliseconds.
    pub t: i64,
    pub wall_offset: i64,
    pub boot: u32,
    pub booted: i64,
    pub machines: BTreeMap<HostName, Machine>,
    /// What a site shows when its machine is well.
    pub sites: BTreeMap<ProfileName, Option<Cause>>,
    /// Sites that show browsers nothing of what they show us.
    pub browsers: BTreeSet<ProfileName>,
    /// What a single URL shows while its site is well.
    pub urls: BTreeMap<String, Cause>,
    /// Sites whose pages lead elsewhere: what their site shows, they show there.
    pub redirects: BTreeMap<ProfileName, String>,
    /// What a site shows over TLS.
    pub certificates: BTreeMap<ProfileName, Certificate>,
    pub network: bool,
    pub mail: Mail,
    pub disk_writable: bool,
    /// Commits take up to so many milliseconds and run beside the prober; 0: none takes any time.
    pub disk_takes: i64,
    pub pauses: BTreeMap<String, Pause>,
    pub rearm: BTreeSet<String>,
    /// What people approved, by host.
    pub approvals: BTreeMap<String, Approval>,
    /// Restarts of hosts that are well, as people ordered them.
    pub rehearsals: BTreeMap<String, Rehearsal>,
    pub acks: BTreeMap<String, Ack>,
    pub daemon: bool,
    pub cron: bool,
    pub facts: Vec<(i64, Fact)>,
    /// What the history would hold, by the wall clock: what was seen, and what happened.
    pub seen: Vec<(Timestamp, Seen)>,
    pub notes: Vec<(Timestamp, Happened)>,
    /// Kill the prober at the n-th boundary (before commit, after commit, after dispatch, …), counted down.
    pub crash_in: Option<u32>,
    pub crash_chance: f64,
    pub restart_after_crash: Option<i64>,
    pub rng: fastrand::Rng,
    /// Check at every step, not at one in 64, that it gives the same decision twice, and whatever else costs much.
    pub twice: bool,
    steps: u64,
    starts: u64,
    disk: Disk,
    writing: Option<Writing>,
    next: Load,
    released: Vec<Effect>,
    decided: BTreeMap<AttemptId, (i64, i64)>,
    /// The watching machine sleeps until then.
    asleep: i64,
    /// By how much the wall clock was wrong when the state was last written.
    written_offset: i64,
    /// And in which boot that was.
    written_boot: u32,
    /// And when the prober last decided something.
    stepped_offset: i64,
    removed: BTreeMap<HostName, Away>,
    /// The state was damaged, and the next start is told.
    damaged: bool,
    /// Beside the disk: the last commit that acts may have followed from.
    mark: u64,
    /// The disk before each of the last commits, where [`World::rolls_back`] is to be asked.
    pub keeps_old: bool,
    old: VecDeque<Disk>,
    /// With the next crash so many commits are lost.
    pub forgets: Option<usize>,
    fleet: Option<Fleet>,
    generation: u64,
    /// When the prober's timer ends next.
    wakes: Option<i64>,
    last_commit: i64,
    unsure: Vec<(i64, Fact)>,
    heap: BinaryHeap<Reverse<Item>>,
    serial: u64,
}

impl World {
    pub fn new(settings: Settings) -> Self {
        let well = |_: &_| Machine {
            cause: None,
            heals: Heals::Yes,
            ssh: Ssh::Ok,
            takes: 2300,
            busy: false,
            ill_since: None,
            short: None,
        };
        let machines = settings
            .hosts
            .keys()
            .map(|name| (name.clone(), well(name)))
            .collect();
        let sites = settings
            .profiles
            .keys()
            .map(|name| (name.clone(), None))
            .collect();
        Self {
            settings,
            t: BEGIN,
            wall_offset: 0,
            boot: 1,
            booted: BEGIN - 100_000_000,
            machines,
            sites,
            browsers: BTreeSet::new(),
            urls: BTreeMap::new(),
            redirects: BTreeMap::new(),
            certificates: BTreeMap::new(),
            network: true,
            mail: Mail::Up,
            disk_writable: true,
            disk_takes: 0,
            pauses: BTreeMap::new(),
            rearm: BTreeSet::new(),
            approvals: BTreeMap::new(),
            rehearsals: BTreeMap::new(),
            acks: BTreeMap::new(),
            daemon: false,
            cron: false,
            facts: Vec::new(),
            seen: Vec::new(),
            notes: Vec::new(),
            crash_in: None,
            crash_chance: 0.0,
            restart_after_crash: Some(5_000),
            rng: fastrand::Rng::with_seed(1),
            twice: true,
            steps: 0,
            starts: 0,
            disk: Disk::default(),
            writing: None,
            next: Load::default(),
            released: Vec::new(),
            decided: BTreeMap::new(),
            asleep: 0,
            written_offset: 0,
            written_boot: 0,
            stepped_offset: 0,
            removed: BTreeMap::new(),
            damaged: false,
            mark: 0,
            keeps_old: false,
            old: VecDeque::new(),
            forgets: None,
            fleet: None,
            generation: 0,
            wakes: None,
            last_commit: 0,
            unsure: Vec::new(),
            heap: BinaryHeap::new(),
            serial: 0,
        }
    }

    fn push(&mut self, at: i64, due: Due) {
        self.serial += 1;
        self.heap
            .push(Reverse(Item(at.max(self.t), self.serial, due)));
    }

    fn fact(&mut self, fact: Fact) {
        self.facts.push((self.t, fact));
    }

    pub fn say(&mut self, text: &str) {
        self.fact(Fact::Said(text.to_owned()));
    }

    /// Something the world does `after` the beginning.
    pub fn at(&mut self, after: Duration, script: impl FnOnce(&mut Self) + 'static) {
        self.push(
            BEGIN + after.as_millis() as i64,
            Due::Script(Box::new(script)),
        );
    }

    pub fn now(&self) -> Now {
        Now {
            wall: Timestamp(self.t + self.wall_offset),
            boot: BootId(format!("boot-{}", self.boot)),
            since_boot: Duration::from_millis((self.t - self.booted).max(0) as u64),
        }
    }

    pub fn run_daemon(&mut self) {
        self.daemon = true;
        self.start(Start::Daemon);
    }

    /// The same, with a state that is there already.
    pub fn run_daemon_with(&mut self, mut fleet: Fleet) {
        self.lands(fleet.changes(), Vec::new(), 0);
        self.run_daemon();
    }

    pub fn run_cron(&mut self) {
        self.cron = true;
        self.push(self.t, Due::Cron);
    }

    /// Until the watching machine is awake.
    pub fn wakes_up(&mut self) {
        let span = (self.asleep - self.t).max(0);
        self.go_on(Duration::from_millis(span as u64));
    }

    pub fn is_asleep(&self) -> bool {
        self.asleep > self.t
    }

    pub fn is_running(&self) -> bool {
        self.fleet.is_some()
    }

    pub fn fleet(&self) -> Fleet {
        self.fleet.clone().unwrap_or_else(|| self.disk.read())
    }

    pub fn ill(&mut self, name: &str, cause: Option<Cause>) {
        let t = self.t;
        let machine = self.machines.get_mut(&super::setup::host(name)).unwrap();
        machine.cause = cause;
        machine.ill_since = cause.map(|_| t);
    }

    /// The prober is started; what it remembers is what is on the disk.
    pub fn start(&mut self, start: Start) {
        self.generation += 1;
        self.wakes = None;
        // Through JSON costs more than all else that a run from cron does.
        self.starts += 1;
        let mut fleet = if self.twice || self.starts.is_multiple_of(16) {
            self.disk.read()
        } else {
            self.disk.copy()
        };
        fleet.pauses = self.pauses.clone();
        self.fleet = Some(fleet);
        self.last_commit = self.t;
        self.fact(Fact::Started);
        self.fact(Fact::Pauses(self.pauses.clone()));
        let orders = Orders {
            pauses: self.pauses.clone(),
            rearm: self.rearm.clone(),
            approvals: self.approvals.clone(),
            rehearsals: self.rehearsals.clone(),
            acks: self.acks.clone(),
            ..Orders::default()
        };
        let mut events = vec![Event::Ordered(orders), Event::Started(start)];
        if std::mem::take(&mut self.damaged) {
            events.push(Event::Damaged("/var/lib/probe/state.db.damaged".to_owned()));
        }
        self.decide_all(events);
    }

    /// Reads an equal or changed configuration again.
    pub fn reload(&mut self) {
        self.decide(Event::Started(Start::Reload));
    }

    pub fn order(&mut self) {
        self.fact(Fact::Pauses(self.pauses.clone()));
        let orders = Orders {
            pauses: self.pauses.clone(),
            rearm: self.rearm.clone(),
            approvals: self.approvals.clone(),
            rehearsals: self.rehearsals.clone(),
            acks: self.acks.clone(),
            ..Orders::default()
        };
        self.decide(Event::Ordered(orders));
    }

    /// SIGKILL.
    pub fn crash(&mut self) {
        if self.fleet.take().is_none() {
            return;
        }
        self.generation += 1;
        self.lost();
        self.fact(Fact::Crashed);
        if let Some(commits) = self.forgets.take() {
            self.rolls_back(commits);
        }
        if let (true, Some(after)) = (self.daemon, self.restart_after_crash) {
            self.starts_again(after);
        }
    }

    /// The service manager starts the daemon, once the machine is up.
    fn starts_again(&mut self, after: i64) {
        let again = move |world: &mut Self| {
            if world.t < world.booted {
                world.starts_again(world.booted - world.t + after);
            } else if world.fleet.is_none() {
                world.start(Start::Daemon);
            }
        };
        self.push(self.t + after, Due::Script(Box::new(again)));
    }

    /// An event from outside, now.
    pub fn decide_now(&mut self, event: Event) {
        self.decide(event);
    }

    /// Lets the world go on for so long.
    pub fn go_on(&mut self, span: Duration) {
        let end = self.t + span.as_millis() as i64;
        let mut steps = 0_u64;
        while let Some(Reverse(item)) = self.heap.peek() {
            if item.0 > end {
                break;
            }
            let Some(Reverse(Item(at, _, due))) = self.heap.pop() else {
                break;
            };
            self.t = self.t.max(at);
            steps += 1;
            assert!(
                steps < 5_000_000,
                "the world runs in a circle at {}",
                self.t
            );
            if at < self.asleep && due.is_ours() {
                self.push(self.asleep, due);
                continue;
            }
            match due {
                Due::Event(generation, event) if generation == self.generation => {
                    self.decide(event)
                }
                Due::Wake(generation) if generation == self.generation => self.wake(),
                Due::Written(generation) if generation == self.generation => self.written(),
                Due::Limit(generation) if generation == self.generation => {
                    if self.is_idle() {
                        self.finish()
                    } else {
                        self.push(self.t + 1_000, Due::Limit(generation)) // what is written is seen to its end
                    }
                }
                Due::Event(..) | Due::Wake(_) | Due::Limit(_) | Due::Written(_) => {}
                Due::Result(generation, event, fact) => self.result(generation, event, *fact),
                Due::Cron => {
                    self.push(self.t + 60_000, Due::Cron);
                    if self.fleet.is_none() && self.t >= self.booted {
                        self.start(Start::Due);
                        let generation = self.generation;
                        self.push(self.t + 300_000, Due::Limit(generation));
                    }
                }
                Due::Begins(generation, order) => self.begins(generation, order),
                Due::Finishes(host) => self.finishes(&host),
                Due::Delivers(generation, id) => self.delivers(generation, id),
                Due::Script(script) => script(self),
            }
        }
        self.t = end;
    }

    /// Now, on the prober's own line of time.
    fn known(&self, fleet: &Fleet) -> Timestamp {
        let since_boot = self.now().since_boot;
        fleet.now() + since_boot.saturating_sub(fleet.core.clock.since_boot)
    }

    /// Time has come for something, unless an earlier event has already seen to it.
    fn wake(&mut self) {
        let due = self.fleet.as_ref().and_then(|fleet| {
            let now = self.known(fleet);
            policy::wakeup(&self.settings, fleet).map(|at| at <= now)
        });
        if self.wakes.is_some_and(|wakes| wakes <= self.t) {
            self.wakes = None;
        }
        if due == Some(true) {
            self.decide(Event::Ticked);
        } else {
            self.sleep();
        }
    }

    /// Mails that a relay took, in the order in which it took them.
    pub fn mails(&self) -> Vec<&Entry> {
        self.facts
            .iter()
            .filter_map(|(_, fact)| match fact {
                Fact::Mailed { entry, taken: true } => Some(&**entry),
                _ => None,
            })
            .collect()
    }

    pub fn events(&self) -> Vec<EventKind> {
        self.mails()
            .iter()
            .map(|entry| entry.notification.event)
            .collect()
    }

    pub fn restarts(&self, host: &str) -> usize {
        self.facts.iter().filter(|(_, fact)| matches!(fact, Fact::RestartBegan { host: name } if name.as_str() == host)).count()
    }
}
