//! A world: sites, machines, a network, a mail server, a disk and clocks that may lie; and the prober in it, driven by the
//! same step → commit → dispatch that the engine follows, in virtual time. What truly happened is kept as facts.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::time::Duration;

use probe::model::{
    BootId, Cause, Changes, CheckResult, CoreRow, Decision, Delivery, Effect, Entry, EntryId,
    Event, EventKind, Finding, Fleet, HostName, HostTrack, Note, Now, Orders, Pause, ProfileName,
    ProfileTrack, RecoverOrder, RecoveryOutcome, RecoveryReport, Settings, Start, Timestamp,
};
use probe::policy;

/// Sunday 2026-11-22, 05:59:00 UTC: one minute before the outage this program was made for.
pub const BEGIN: i64 = 1_795_327_140_000;

/// What a restart does to a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heals {
    Yes,
    No,
    /// For so many milliseconds.
    For(i64),
}

/// What becomes of an SSH login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ssh {
    Ok,
    /// The connection is lost in the middle; the machine finishes.
    Lost,
    /// Refused: nothing is executed.
    Closed,
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
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mail {
    Up,
    Down,
    /// Takes the message and breaks before saying so.
    Unclear,
}

/// What truly happened.
#[derive(Debug, Clone)]
pub enum Fact {
    Said(String),
    Started,
    Ended,
    Crashed,
    /// A result that the prober will not forget: when the probe began, and what it found.
    Result {
        profile: ProfileName,
        began: i64,
        cause: Option<Cause>,
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
    /// An order left the prober, resting on this durable fleet.
    Ordered {
        /// Attempts since proven health, this one included.
        attempts: u32,
        order: RecoverOrder,
        durable: bool,
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
    Noted(Note),
    Mailed {
        entry: Entry,
        taken: bool,
    },
}

enum Due {
    Event(u64, Event),
    Wake(u64),
    Limit(u64),
    Cron,
    Begins(u64, RecoverOrder),
    Finishes(HostName),
    Delivers(u64, EntryId),
    Script(Box<dyn FnOnce(&mut World)>),
}

struct Item(i64, u64, Due);
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

#[derive(Default, Clone)]
struct Disk {
    core: CoreRow,
    profiles: BTreeMap<ProfileName, ProfileTrack>,
    hosts: BTreeMap<HostName, HostTrack>,
    outbox: BTreeMap<EntryId, Entry>,
}

fn put<K: Ord, V>(table: &mut BTreeMap<K, V>, rows: Vec<(K, Option<V>)>) {
    for (key, row) in rows {
        match row {
            Some(row) => drop(table.insert(key, row)),
            None => drop(table.remove(&key)),
        }
    }
}

impl Disk {
    fn write(&mut self, changes: Changes) {
        self.core = changes.core;
        put(&mut self.profiles, changes.profiles);
        put(&mut self.hosts, changes.hosts);
        put(&mut self.outbox, changes.outbox);
    }

    /// Through JSON, as the real store keeps it: what is not written is not read.
    fn read(&self) -> Fleet {
        fn again<T: serde::Serialize + serde::de::DeserializeOwned>(value: &T) -> T {
            serde_json::from_str(&serde_json::to_string(value).unwrap()).unwrap()
        }
        let mut fleet = Fleet::default();
        fleet.core = again(&self.core);
        fleet.profiles = self
            .profiles
            .iter()
            .map(|(name, row)| (name.clone(), again(row)))
            .collect();
        fleet.hosts = self
            .hosts
            .iter()
            .map(|(name, row)| (name.clone(), again(row)))
            .collect();
        fleet.outbox = self
            .outbox
            .iter()
            .map(|(id, row)| (*id, again(row)))
            .collect();
        fleet
    }
}

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
    pub network: bool,
    pub mail: Mail,
    pub disk_writable: bool,
    pub pauses: BTreeMap<String, Pause>,
    pub rearm: BTreeSet<String>,
    pub daemon: bool,
    pub cron: bool,
    pub facts: Vec<(i64, Fact)>,
    /// Kill the prober at the n-th boundary (before commit, after commit, after dispatch, …), counted down.
    pub crash_in: Option<u32>,
    pub crash_chance: f64,
    pub restart_after_crash: Option<i64>,
    pub rng: fastrand::Rng,
    /// Check that every step gives the same decision twice.
    pub twice: bool,
    disk: Disk,
    fleet: Option<Fleet>,
    generation: u64,
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
            network: true,
            mail: Mail::Up,
            disk_writable: true,
            pauses: BTreeMap::new(),
            rearm: BTreeSet::new(),
            daemon: false,
            cron: false,
            facts: Vec::new(),
            crash_in: None,
            crash_chance: 0.0,
            restart_after_crash: Some(5_000),
            rng: fastrand::Rng::with_seed(1),
            twice: true,
            disk: Disk::default(),
            fleet: None,
            generation: 0,
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

    pub fn run_cron(&mut self) {
        self.cron = true;
        self.push(self.t, Due::Cron);
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
        let mut fleet = self.disk.read();
        fleet.pauses = self.pauses.clone();
        self.fleet = Some(fleet);
        self.last_commit = self.t;
        self.fact(Fact::Started);
        self.fact(Fact::Pauses(self.pauses.clone()));
        let orders = Orders {
            pauses: self.pauses.clone(),
            rearm: self.rearm.clone(),
        };
        self.decide_all(vec![Event::Ordered(orders), Event::Started(start)]);
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
        };
        self.decide(Event::Ordered(orders));
    }

    /// SIGKILL.
    pub fn crash(&mut self) {
        if self.fleet.take().is_none() {
            return;
        }
        self.generation += 1;
        self.unsure.clear();
        self.fact(Fact::Crashed);
        if let (true, Some(after)) = (self.daemon, self.restart_after_crash) {
            self.push(
                self.t + after,
                Due::Script(Box::new(|world| {
                    if world.fleet.is_none() {
                        world.start(Start::Daemon)
                    }
                })),
            );
        }
    }

    /// One boundary at which a process may die.
    fn survives(&mut self) -> bool {
        let planned = match &mut self.crash_in {
            Some(0) => false,
            Some(left) => {
                *left -= 1;
                *left == 0
            }
            None => false,
        };
        if planned {
            self.crash_in = Some(0);
        }
        let random = self.crash_chance > 0.0 && self.rng.f64() < self.crash_chance;
        if planned || random {
            self.crash();
            return false;
        }
        true
    }

    /// An event from outside, now.
    pub fn decide_now(&mut self, event: Event) {
        self.decide(event);
    }

    /// step → commit → dispatch, as the engine does it.
    fn decide(&mut self, event: Event) {
        self.decide_all(vec![event]);
    }

    /// The last first.
    fn decide_all(&mut self, mut pending: Vec<Event>) {
        while let Some(event) = pending.pop() {
            let Some(fleet) = self.fleet.take() else {
                return;
            };
            let now = self.now();
            let rearmed = matches!(&event, Event::Ordered(orders) if !orders.rearm.is_empty());
            if self.twice {
                let again = policy::step(&self.settings, fleet.clone(), event.clone(), &now);
                let decision = policy::step(&self.settings, fleet, event, &now);
                assert_eq!(
                    (&again.fleet, &again.effects, &again.notes),
                    (&decision.fleet, &decision.effects, &decision.notes),
                    "S25"
                );
                pending.extend(self.carry_out(decision, rearmed));
            } else {
                let decision = policy::step(&self.settings, fleet, event, &now);
                pending.extend(self.carry_out(decision, rearmed));
            }
        }
        let Some(fleet) = &self.fleet else { return };
        let generation = self.generation;
        if self.cron && !self.daemon && policy::settled(&self.settings, fleet) {
            self.finish();
        } else if let Some(at) = policy::wakeup(&self.settings, fleet) {
            let wait = at.since(fleet.now()).as_millis() as i64;
            assert!(wait >= 0);
            self.push(self.t + wait.max(1), Due::Wake(generation));
        }
    }

    /// A cron run ends well: what is left is written.
    fn finish(&mut self) {
        let Some(mut fleet) = self.fleet.take() else {
            return;
        };
        if self.disk_writable {
            self.disk.write(fleet.changes());
            fleet.written();
            let unsure = std::mem::take(&mut self.unsure);
            self.facts.extend(unsure);
        }
        self.unsure.clear();
        self.generation += 1;
        self.fact(Fact::Ended);
    }

    fn carry_out(&mut self, decision: Decision, rearmed: bool) -> Option<Event> {
        let Decision {
            mut fleet,
            effects,
            notes,
            durable,
        } = decision;
        for note in notes {
            let kept = !matches!(note, Note::Judged { .. });
            if kept {
                self.fact(Fact::Noted(note));
            }
        }
        let (looks, acts): (Vec<Effect>, Vec<Effect>) = effects.into_iter().partition(|effect| {
            matches!(effect, Effect::Probe { .. } | Effect::ProbeCanary { .. })
        });
        let lazy = self.t - self.last_commit >= 10_000 && (fleet.is_touched() || fleet.unwritable);
        let mut recorded = true;
        let mut recovered = None;
        if durable || lazy {
            self.fleet = Some(fleet.clone());
            if !self.survives() {
                return None;
            }
            self.last_commit = self.t;
            recorded = self.disk_writable;
            if recorded {
                self.disk.write(fleet.changes());
                fleet.written();
                let unsure = std::mem::take(&mut self.unsure);
                self.facts.extend(unsure);
                if fleet.unwritable {
                    recovered = Some(Event::Recorded);
                }
                if rearmed {
                    self.rearm.clear();
                }
            }
        }
        self.fleet = Some(fleet);
        if !self.survives() {
            return None;
        }
        for effect in looks {
            self.dispatch(effect);
        }
        if !recorded {
            let (mut attempts, mut entries) = (Vec::new(), Vec::new());
            for effect in acts {
                match effect {
                    Effect::Recover(order) => attempts.push((order.host, order.attempt)),
                    Effect::Notify(entry) => entries.push(entry),
                    _ => {}
                }
            }
            return Some(Event::TakenBack {
                attempts,
                entries,
                unwritable: true,
            });
        }
        for effect in acts {
            self.dispatch(effect);
            if !self.survives() {
                return None;
            }
        }
        recovered
    }

    fn shown(&self, profile: &ProfileName) -> Option<Cause> {
        if !self.network {
            return Some(Cause::ConnectTimeout);
        }
        let machine = self
            .settings
            .profiles
            .get(profile)
            .and_then(|p| p.host.as_ref())
            .and_then(|host| self.machines.get(host));
        match machine {
            Some(machine) if machine.busy => Some(Cause::Refused),
            Some(machine) if machine.cause.is_some() => machine.cause,
            _ => self.sites.get(profile).copied().flatten(),
        }
    }

    fn dispatch(&mut self, effect: Effect) {
        let generation = self.generation;
        match effect {
            Effect::Probe { probe, profile } => {
                let cause = self.shown(&profile);
                let Some(settings) = self.settings.profiles.get(&profile) else {
                    return;
                };
                let takes = match cause {
                    Some(Cause::ConnectTimeout) => settings.connect_timeout.as_millis() as i64,
                    Some(Cause::ResponseTimeout | Cause::TlsTimeout) => {
                        settings.timeout.as_millis() as i64
                    }
                    _ => 30,
                };
                let url = format!("https://{profile}.example.com/");
                let finding = cause.map_or(Finding::Ok, |cause| Finding::Found {
                    cause,
                    certificate_fault: None,
                    detail: cause.phrase().to_owned(),
                    phase: None,
                });
                let checks = vec![CheckResult::new(&url, finding)];
                let began = self.t;
                let event = Event::Probed {
                    probe,
                    profile: profile.clone(),
                    checks,
                };
                self.push(
                    self.t + takes,
                    Due::Script(Box::new(move |world| {
                        world.result(
                            generation,
                            event,
                            Fact::Result {
                                profile,
                                began,
                                cause,
                            },
                        )
                    })),
                );
            }
            Effect::ProbeCanary { probe } => {
                let (answered, began) = (self.network, self.t);
                let event = Event::CanaryProbed {
                    probe,
                    answered,
                    detail: "192.0.2.1:53".to_owned(),
                };
                let takes = if answered { 10 } else { 5000 };
                self.push(
                    self.t + takes,
                    Due::Script(Box::new(move |world| {
                        world.result(generation, event, Fact::Canary { began, answered })
                    })),
                );
            }
            Effect::Recover(order) => {
                let durable = self
                    .disk
                    .hosts
                    .get(&order.host)
                    .and_then(|row| row.last.as_ref())
                    .is_some_and(|last| last.id == order.attempt);
                let wall = self.t + self.wall_offset;
                let attempts = self.fleet().hosts[&order.host].attempts;
                self.fact(Fact::Ordered {
                    attempts,
                    order: order.clone(),
                    durable,
                    wall,
                });
                self.push(self.t + 200, Due::Begins(generation, order));
            }
            Effect::Notify(entry) => self.push(self.t + 100, Due::Delivers(generation, entry)),
        }
    }

    /// A result arrives: it counts as known once the decision that used it is durable, or the process lives on.
    fn result(&mut self, generation: u64, event: Event, fact: Fact) {
        if generation != self.generation {
            return;
        }
        if let Fact::Result { profile, cause, .. } = &fact {
            self.fact(Fact::Arrived {
                profile: profile.clone(),
                cause: *cause,
            });
        }
        self.unsure.push((self.t, fact));
        self.decide(event);
    }

    fn begins(&mut self, generation: u64, order: RecoverOrder) {
        if generation != self.generation {
            return; // the client died before it had logged in
        }
        let report = |outcome, reason: &str| Event::Recovered {
            host: order.host.clone(),
            attempt: order.attempt,
            report: RecoveryReport {
                outcome,
                exit_status: (outcome == RecoveryOutcome::Succeeded).then_some(0),
                duration: Duration::from_millis(2300),
                reason: (!reason.is_empty()).then(|| reason.to_owned()),
                output: String::new(),
            },
        };
        let Some(machine) = self.machines.get_mut(&order.host) else {
            return;
        };
        let (ssh, takes) = (machine.ssh, machine.takes);
        let answer = match ssh {
            Ssh::Closed => Some(report(
                RecoveryOutcome::NotExecuted,
                "ssh: connection refused",
            )),
            Ssh::KeyChanged => Some(report(RecoveryOutcome::Refused, "host key has changed")),
            Ssh::Ok | Ssh::Lost => None,
        };
        if let Some(event) = answer {
            self.push(self.t + 100, Due::Event(generation, event));
            return;
        }
        machine.busy = true;
        self.fact(Fact::RestartBegan {
            host: order.host.clone(),
        });
        self.push(self.t + takes, Due::Finishes(order.host.clone()));
        let limit = self
            .settings
            .hosts
            .get(&order.host)
            .map_or(120_000, |h| h.restart.timeout.as_millis() as i64);
        let event = match ssh {
            Ssh::Lost => report(RecoveryOutcome::Unknown, "connection lost"),
            _ if takes > limit => {
                report(RecoveryOutcome::TimedOut, "the command did not end in time")
            }
            _ => report(RecoveryOutcome::Succeeded, ""),
        };
        let after = if ssh == Ssh::Lost {
            takes / 2
        } else {
            takes.min(limit)
        };
        self.push(self.t + after, Due::Event(generation, event));
    }

    fn finishes(&mut self, host: &HostName) {
        let t = self.t;
        let Some(machine) = self.machines.get_mut(host) else {
            return;
        };
        machine.busy = false;
        let relapse = match machine.heals {
            Heals::Yes => None,
            Heals::No => {
                self.fact(Fact::RestartEnded { host: host.clone() });
                return;
            }
            Heals::For(span) => machine.cause.map(|cause| (span, cause)),
        };
        machine.cause = None;
        machine.ill_since = None;
        self.fact(Fact::RestartEnded { host: host.clone() });
        if let Some((span, cause)) = relapse {
            let name = host.as_str().to_owned();
            self.push(
                t + span,
                Due::Script(Box::new(move |world| world.ill(&name, Some(cause)))),
            );
        }
    }

    fn delivers(&mut self, generation: u64, id: EntryId) {
        let Some(entry) = self
            .fleet
            .as_ref()
            .filter(|_| generation == self.generation)
            .and_then(|fleet| fleet.outbox.get(&id).cloned())
        else {
            return;
        };
        let delivery = match self.mail {
            Mail::Up => Delivery::Sent {
                relay: "mail.example.com:465".into(),
            },
            Mail::Down => Delivery::Deferred {
                reason: "connection refused".into(),
            },
            Mail::Unclear => Delivery::Unclear {
                reason: "connection lost after the final dot".into(),
            },
        };
        self.fact(Fact::Mailed {
            entry,
            taken: self.mail != Mail::Down,
        });
        if self.survives() {
            self.decide(Event::Notified {
                entry: id,
                delivery,
            });
        }
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
            match due {
                Due::Event(generation, event) if generation == self.generation => {
                    self.decide(event)
                }
                Due::Wake(generation) if generation == self.generation => self.wake(),
                Due::Limit(generation) if generation == self.generation => self.finish(),
                Due::Event(..) | Due::Wake(_) | Due::Limit(_) => {}
                Due::Cron => {
                    self.push(self.t + 60_000, Due::Cron);
                    if self.fleet.is_none() {
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

    /// Time has come for something, unless an earlier event has already seen to it.
    fn wake(&mut self) {
        let due = self.fleet.as_ref().and_then(|fleet| {
            let elapsed = self
                .now()
                .since_boot
                .saturating_sub(fleet.core.clock.since_boot);
            policy::wakeup(&self.settings, fleet).map(|at| at <= fleet.now() + elapsed)
        });
        if due == Some(true) {
            self.decide(Event::Ticked);
        }
    }

    /// Mails that a relay took, in the order in which it took them.
    pub fn mails(&self) -> Vec<&Entry> {
        self.facts
            .iter()
            .filter_map(|(_, fact)| match fact {
                Fact::Mailed { entry, taken: true } => Some(entry),
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
