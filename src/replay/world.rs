//! The world around the rules in a replay: it answers orders with what was recorded.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::heard::Heard;
use super::record::{FRESH, Record, SAME_OUTAGE, Sight, nearest};
use crate::model::{
    BootId, CheckOutcome, CheckResult, Decision, Delivery, Diagnosis, Effect, Event, Finding,
    Fleet, Happened, HostName, Now, Orders, ProfileName, Reach, RecoverOrder, RecoveryOutcome,
    RecoveryReport, Replayed, Settings, Stage, Standing, Start, Timestamp, shown_url,
};
use crate::policy;

/// A site that came back by a restart which is not made now is taken to be mended by a person this much later.
pub(super) const UNTIL_A_PERSON: Duration = Duration::from_secs(3600);

/// How long before the first record the replay begins: every site is well then, and has been seen so.
const LEAD: Duration = Duration::from_secs(600);

/// Time that an answer takes of which nothing was recorded.
const AT_ONCE: Duration = Duration::from_millis(50);

/// When a site is probed of which nothing is to be found out.
const NEVER: Timestamp = Timestamp(i64::MAX / 4);

/// Longest wait for an answer that was recorded: the longest look.
const LONGEST: Duration = Duration::from_secs(60);

/// How far a probe of the replay may be from the recorded one that it is.
const SLACK: Duration = Duration::from_secs(5);

/// A site that was not probed for longer than this, or three of its intervals, was not watched.
const UNWATCHED: Duration = Duration::from_secs(15 * 60);

/// Steps in one replay at most, some minutes of work; one that needs more says where it was cut.
const STEPS: u64 = 20_000_000;

/// Replays a record under a configuration.
#[must_use]
pub fn replay(settings: &Settings, record: &Record) -> Replayed {
    let Some(from) = record.from() else {
        return Replayed::default();
    };
    let mut settings = settings.clone();
    settings.heartbeat = None;
    if let Some(email) = &mut settings.email {
        Arc::make_mut(email).report = false;
    }
    let mut world = World::new(&settings, record, from - LEAD);
    world.settle(from);
    while world.turn(record.until) {}
    for profile in std::mem::take(&mut world.assumed) {
        if let Some(incident) = world.heard.incident(&profile) {
            incident.assumed = true;
        }
    }
    world.heard.found.cut = (world.steps >= STEPS).then_some(world.now);
    world.heard.found
}

struct World<'a> {
    /// All profiles.
    all: &'a Settings,
    /// Without those that were not watched yet.
    settings: Settings,
    /// Those, by the first probe of each.
    late: Vec<(Timestamp, ProfileName)>,
    /// When a row of probes that found something began, of which profile; the next one last.
    onsets: Vec<(Timestamp, ProfileName)>,
    record: &'a Record,
    fleet: Fleet,
    now: Timestamp,
    began: Timestamp,
    due: BTreeMap<(Timestamp, u64), Event>,
    /// When time was last all that had passed.
    ticked: Option<Timestamp>,
    sequence: u64,
    /// The next recorded probe of each profile.
    cursor: BTreeMap<ProfileName, usize>,
    orders: usize,
    /// Recorded restarts of each host that were made again.
    made: BTreeMap<HostName, usize>,
    /// From when on a host's sites are well, by a restart that was not recorded, and up to when their record is not
    /// asked.
    mended: BTreeMap<HostName, (Timestamp, Timestamp)>,
    /// When each host was last restarted here.
    restarted: BTreeMap<HostName, Timestamp>,
    /// Profiles whose end rests on an assumption.
    assumed: BTreeSet<ProfileName>,
    heard: Heard,
    steps: u64,
}

impl<'a> World<'a> {
    fn new(all: &'a Settings, record: &'a Record, began: Timestamp) -> Self {
        let mut settings = all.clone();
        let mut late = Vec::new();
        for (name, sights) in &record.sights {
            if let Some(first) = sights.first().filter(|first| first.never)
                && settings.profiles.remove(name).is_some()
            {
                late.push((first.began, name.clone()));
            }
        }
        late.sort_unstable();
        late.reverse();
        let mut onsets = Vec::new();
        for (name, sights) in &record.sights {
            let mut well = true;
            for sight in sights {
                if well && !sight.is_clean() {
                    onsets.push((sight.began, name.clone()));
                }
                well = sight.is_clean();
            }
        }
        onsets.sort_unstable();
        onsets.reverse();
        Self {
            all,
            settings,
            late,
            onsets,
            record,
            fleet: Fleet::default(),
            now: began,
            began,
            due: BTreeMap::new(),
            ticked: None,
            sequence: 0,
            cursor: BTreeMap::new(),
            orders: 0,
            made: BTreeMap::new(),
            mended: BTreeMap::new(),
            restarted: BTreeMap::new(),
            assumed: BTreeSet::new(),
            heard: Heard::default(),
            steps: 0,
        }
    }

    /// Lets every site be seen well that was so before the record begins, then parks them all.
    fn settle(&mut self, from: Timestamp) {
        self.step(Event::Started(Start::Daemon));
        self.step(Event::Ordered(Orders::default()));
        let seen = |world: &Self| {
            let tracks = world.settings.profiles.keys();
            let mut tracks = tracks.map(|name| world.fleet.profiles.get(name));
            tracks.all(|track| track.is_some_and(|track| track.probed.is_some()))
        };
        while !seen(self) && self.now < from && self.turn(from) {}
        for name in self.all.profiles.keys() {
            self.park(name);
        }
    }

    /// Asks a site no more of which nothing is to be found out: one that is well and at rest, until its record says
    /// otherwise, and one that is not, while it was not watched.
    fn rest(&mut self, name: &ProfileName) {
        let Some(track) = self.fleet.profiles.get(name) else {
            return;
        };
        let place = self.cursor.get(name).copied().unwrap_or(0);
        let sights = self.record.sights.get(name);
        let last = place.checked_sub(1).and_then(|place| sights?.get(place));
        let clean = last.is_none_or(Sight::is_clean);
        let host = self
            .settings
            .profiles
            .get(name)
            .and_then(|p| p.host.as_ref());
        let host = host.and_then(|host| self.fleet.hosts.get(host));
        let idle = host.is_none_or(|host| matches!(host.stage, Stage::Idle) && host.hold.is_none());
        let well = matches!(track.standing, Standing::Up | Standing::Degraded);
        let over = well && track.incident.is_none() && track.unknown.is_none();
        let left = last.is_some_and(|last| self.now.since(last.began) > UNWATCHED);
        if over && clean && idle {
            self.park(name);
        } else if left && !clean && !self.assumed.contains(name) {
            let next = self.next_sight(name);
            self.set_due(name, next.unwrap_or(NEVER));
        }
    }

    /// Nothing more is asked of it.
    fn park(&mut self, name: &ProfileName) {
        self.set_due(name, NEVER);
    }

    fn set_due(&mut self, name: &ProfileName, due: Timestamp) {
        let Some(track) = self.fleet.profiles.get(name) else {
            return;
        };
        if track.in_flight.is_none() {
            let old = track.due;
            self.fleet.agenda.remove(&(old, name.clone()));
            self.fleet.agenda.insert((due, name.clone()));
        }
        self.fleet.profile_mut(name).due = due;
    }

    fn next_sight(&self, name: &ProfileName) -> Option<Timestamp> {
        let place = self.cursor.get(name).copied().unwrap_or(0);
        Some(self.record.sights.get(name)?.get(place)?.began)
    }

    /// The next thing that happens, if it happens before `limit`.
    fn turn(&mut self, limit: Timestamp) -> bool {
        self.steps += 1;
        let next = self.due.keys().next().map(|(at, _)| *at);
        let wake = policy::wakeup(&self.settings, &self.fleet);
        let wake = wake.map(|at| self.fleet.wall(at));
        let order = self.record.orders.get(self.orders).map(|(at, _)| *at);
        let late = self.late.last().map(|(at, _)| *at);
        let onset = self.onsets.last().map(|(at, _)| *at);
        let at = [next, wake, order, late, onset].into_iter().flatten().min();
        let Some(at) = at.filter(|at| *at <= limit && self.steps < STEPS) else {
            return false;
        };
        // What is due again at once has had its turn in this millisecond.
        let timer = ![next, order, late, onset].contains(&Some(at));
        let again = timer && self.ticked.is_some_and(|ticked| at <= ticked);
        self.now = self.now.max(at) + Duration::from_millis(u64::from(again));
        if late == Some(at) {
            if let Some((_, name)) = self.late.pop()
                && let Some(profile) = self.all.profiles.get(&name)
            {
                self.settings.profiles.insert(name, Arc::clone(profile));
                self.step(Event::Started(Start::Reload));
            }
        } else if onset == Some(at) {
            if let Some((at, name)) = self.onsets.pop() {
                self.begins_to_fail(&name, at);
            }
        } else if next == Some(at) {
            if let Some((_, event)) = self.due.pop_first() {
                self.step(event);
            }
        } else if order == Some(at) {
            let orders = self.record.orders.get(self.orders).map(|(_, o)| o.clone());
            self.orders += 1;
            if let Some(orders) = orders {
                self.step(Event::Ordered(orders));
            }
        } else {
            self.ticked = Some(self.now);
            self.step(Event::Ticked);
        }
        true
    }

    /// The first failure of a row is found when it was found: a site that is well and would be probed later is probed then.
    fn begins_to_fail(&mut self, name: &ProfileName, at: Timestamp) {
        let Some(track) = self.fleet.profiles.get(name) else {
            return;
        };
        let well = matches!(track.standing, Standing::Up | Standing::Degraded);
        let awaited = track.in_flight.is_some() || track.suspicion.is_some();
        let due = self.fleet.wall(track.due);
        if well && !awaited && due > at && self.next_sight(name) == Some(at) {
            self.set_due(name, at);
        }
    }

    fn step(&mut self, event: Event) {
        let now = Now {
            wall: self.now,
            boot: BootId("replay".to_owned()),
            since_boot: self.now.since(self.began),
        };
        let Decision {
            fleet,
            effects,
            happened,
            ..
        } = policy::step(&self.settings, std::mem::take(&mut self.fleet), event, &now);
        self.fleet = fleet;
        for note in &happened {
            if let Happened::Judged { profile, .. } = note {
                self.rest(profile);
            }
            if let Happened::Closed { profile, .. } = note
                && let Some(incident) = self.heard.incident(profile)
            {
                incident.assumed = self.assumed.remove(profile);
            }
            self.heard.take(self.now, note);
        }
        for effect in effects {
            self.carry_out(effect);
        }
    }

    fn later(&mut self, after: Duration, event: Event) {
        self.sequence += 1;
        let at = self.now + after.max(Duration::from_millis(1));
        self.due.insert((at, self.sequence), event);
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Probe { probe, profile } => {
                let (checks, took) = self.probed(&profile);
                let event = Event::Probed {
                    probe,
                    profile,
                    checks,
                };
                self.later(took, event);
            }
            Effect::ProbeAsBrowser { probe, profile } => {
                let seen = self.record.browsers.get(&profile);
                let seen = seen.and_then(|rows| nearest(rows, self.now, FRESH));
                let after = self.until(seen.map(|(then, _)| *then));
                let checks = match seen {
                    Some((_, checks)) => self.fit(&profile, checks),
                    None => self.state_of(&profile),
                };
                let event = Event::ProbedAsBrowser {
                    probe,
                    profile,
                    checks,
                };
                self.later(after, event);
            }
            Effect::ProbeCanary { probe } => {
                let near = nearest(&self.record.canaries, self.now, FRESH);
                let after = self.until(near.map(|(then, _)| *then));
                let near = near.map(|(_, answer)| answer.clone());
                let (answered, detail) = near.unwrap_or((true, Finding::default()));
                let event = Event::CanaryProbed {
                    probe,
                    answered,
                    detail,
                };
                self.later(after, event);
            }
            Effect::Reach { probe, host } => {
                let seen = self.record.reaches.get(&host);
                let reach = seen.and_then(|rows| nearest(rows, self.now, FRESH));
                let after = self.until(reach.map(|(then, _)| *then));
                let reach = reach.map_or(Reach::Answered, |(_, reach)| *reach);
                self.later(after, Event::Reached { probe, host, reach });
            }
            Effect::Diagnose { probe, host } => {
                let seen = self.record.looks.get(&host);
                let seen = seen.and_then(|rows| nearest(rows, self.now, SAME_OUTAGE));
                let after = self.until(seen.map(|(then, _)| *then));
                let diagnosis = seen
                    .map(|(_, diagnosis)| diagnosis.clone())
                    .unwrap_or_else(|| Diagnosis::Facts(Box::default()));
                let event = Event::Diagnosed {
                    probe,
                    host,
                    diagnosis,
                };
                self.later(after, event);
            }
            Effect::Recover(order) => self.recover(order),
            Effect::Notify(entry) => {
                let delivery = Delivery::Sent {
                    relay: String::new(),
                };
                self.later(AT_ONCE, Event::Notified { entry, delivery });
            }
            Effect::Beat => self.later(AT_ONCE, Event::Beaten { heard: Ok(()) }),
        }
    }

    /// How long an answer takes that was recorded then.
    fn until(&self, then: Option<Timestamp>) -> Duration {
        let wait = then.map_or(Duration::ZERO, |then| then.since(self.now));
        if wait.is_zero() || wait > LONGEST {
            AT_ONCE
        } else {
            wait
        }
    }

    /// What a probe that begins now finds, and how long it takes.
    fn probed(&mut self, name: &ProfileName) -> (Vec<CheckResult>, Duration) {
        let Some(profile) = self.settings.profiles.get(name) else {
            return (Vec::new(), AT_ONCE);
        };
        let failing = self
            .fleet
            .profiles
            .get(name)
            .is_some_and(|track| matches!(track.standing, Standing::Failing | Standing::Down));
        let pace = match failing {
            true => profile.retry_interval,
            false => profile.interval,
        };
        // A recorded probe that began so close to this one is this one.
        let slack = SLACK.min(pace / 2);
        let sights = self.record.sights.get(name).map_or(&[][..], Vec::as_slice);
        let place = self.cursor.entry(name.clone()).or_default();
        while sights
            .get(*place)
            .is_some_and(|sight| sight.began + slack < self.now)
        {
            *place += 1;
        }
        let here = sights
            .get(*place)
            .filter(|sight| sight.began <= self.now + slack);
        let took = here.map_or(AT_ONCE, |sight| sight.took);
        *place += usize::from(here.is_some());
        (self.state_of(name), took)
    }

    /// How a site is now: as its last recorded probe found it, unless what was done here is taken to have changed that.
    fn state_of(&mut self, name: &ProfileName) -> Vec<CheckResult> {
        let place = self.cursor.get(name).copied().unwrap_or(0);
        let sights = self.record.sights.get(name).map_or(&[][..], Vec::as_slice);
        let last = place.checked_sub(1).and_then(|place| sights.get(place));
        let Some(last) = last else {
            return self.fit(name, &[]);
        };
        if let Some(host) = self.record.hosts.get(name) {
            let mended = self.mended.get(host);
            if mended.is_some_and(|(from, until)| (*from..*until).contains(&self.now)) {
                self.assumed.insert(name.clone());
                return self.fit(name, &[]);
            }
            if last.is_well()
                && let Some(failure) = self.owed(host, sights, place - 1)
            {
                self.assumed.insert(name.clone());
                let checks = Arc::clone(&failure);
                return self.fit(name, &checks);
            }
        }
        let checks = Arc::clone(&last.checks);
        self.fit(name, &checks)
    }

    /// The failure before this recorded answer, if a restart that is not made here brought the site back.
    fn owed(
        &self,
        host: &HostName,
        sights: &[Sight],
        place: usize,
    ) -> Option<Arc<Vec<CheckResult>>> {
        let known = sights.get(..=place)?;
        let failed = known.iter().rposition(|sight| !sight.is_well())?;
        let (failure, well) = (known.get(failed)?, known.get(failed + 1)?);
        let row = known.get(..=failed)?.iter().rev();
        let since = row.take_while(|sight| !sight.is_well()).last()?.began;
        if self.now.since(well.began) >= UNTIL_A_PERSON {
            return None;
        }
        let restarts = self.record.restarts.get(host)?.iter();
        let mut during = restarts.filter(|restart| (since..=well.began).contains(&restart.ended));
        let helped = during.any(|restart| matches!(restart.helped, Some(Some(_))));
        let made = self.restarted.get(host).is_some_and(|at| *at >= since);
        (helped && !made).then(|| Arc::clone(&failure.checks))
    }

    /// These results for the URLs of a profile; what is not among them is well.
    fn fit(&self, name: &ProfileName, checks: &[CheckResult]) -> Vec<CheckResult> {
        let Some(profile) = self.settings.profiles.get(name) else {
            return Vec::new();
        };
        let of = |url: &url::Url| {
            let shown = shown_url(url);
            let known = checks.iter().find(|check| check.url == shown);
            known.cloned().unwrap_or_else(|| {
                let mut well = CheckResult::new(&shown, CheckOutcome::Ok);
                well.http_status = Some(200);
                well
            })
        };
        profile.urls.iter().map(of).collect()
    }

    fn recover(&mut self, order: RecoverOrder) {
        let RecoverOrder { host, attempt, .. } = order;
        self.restarted.insert(host.clone(), self.now);
        let recorded = self.record.restarts.get(&host);
        let recorded = recorded.map_or(&[][..], Vec::as_slice);
        let place = self.made.entry(host.clone()).or_default();
        let timeout = self
            .settings
            .hosts
            .get(&host)
            .map_or(Duration::ZERO, |host| host.restart.timeout);
        let patience = timeout + FRESH;
        while recorded
            .get(*place)
            .is_some_and(|restart| restart.ended < self.now)
        {
            *place += 1;
        }
        let same = recorded
            .get(*place)
            .filter(|restart| restart.ended.since(self.now) <= patience);
        let (report, took, assumed) = match same {
            Some(restart) => {
                *place += 1;
                let took = restart.ended.since(self.now);
                (restart.report.clone(), took, false)
            }
            None => {
                let took = Duration::from_secs(5);
                if let Some(back) = self.helps(&host) {
                    let from = self.now + took + back;
                    let until = self.outage_ends(&host);
                    self.mended.insert(host.clone(), (from, until));
                }
                (succeeded(took), took, true)
            }
        };
        if let Some(restart) = self.heard.found.restarts.last_mut() {
            restart.assumed = assumed;
        }
        let event = Event::Recovered {
            host,
            attempt,
            report,
        };
        self.later(took, event);
    }

    /// How soon the sites of a host are well after a restart that was not recorded; `None` if it is taken not to help.
    fn helps(&self, host: &HostName) -> Option<Duration> {
        let own = self.record.restarts.get(host).into_iter().flatten();
        let done = own.filter(|restart| restart.helped.is_some());
        let done: Vec<_> = done.collect();
        let near = done.iter().filter(|restart| {
            let away = restart
                .ended
                .since(self.now)
                .max(self.now.since(restart.ended));
            away <= SAME_OUTAGE
        });
        let near: Vec<Option<Duration>> = near.filter_map(|restart| restart.helped).collect();
        let of_host: Vec<Option<Duration>> = done.iter().filter_map(|r| r.helped).collect();
        let all = self.record.restarts.values().flatten();
        let all: Vec<Option<Duration>> = all.filter_map(|restart| restart.helped).collect();
        let known = [near, of_host, all]
            .into_iter()
            .find(|known| !known.is_empty());
        let Some(known) = known else {
            return Some(Duration::from_secs(10));
        };
        let mut helped: Vec<Duration> = known.iter().copied().flatten().collect();
        helped.sort_unstable();
        let often = helped.len() * 2 >= known.len();
        helped.get(helped.len() / 2).copied().filter(|_| often)
    }

    /// When the outage of a host that is under way ended, by the record.
    fn outage_ends(&self, host: &HostName) -> Timestamp {
        let sites = self.settings.profiles_of(host);
        let ends = sites.filter_map(|(name, _)| {
            let sights = self.record.sights.get(name)?;
            let from = sights.partition_point(|sight| sight.began <= self.now);
            let failing = sights.get(..from)?.last().is_some_and(|s| !s.is_well());
            let rest = sights.get(from..).filter(|_| failing)?;
            let well = rest.iter().find(|sight| sight.is_well());
            Some(well.map_or(Timestamp(i64::MAX), |sight| sight.began))
        });
        ends.max().unwrap_or(self.now)
    }
}

fn succeeded(took: Duration) -> RecoveryReport {
    RecoveryReport {
        outcome: RecoveryOutcome::Succeeded,
        exit_status: Some(0),
        duration: took,
        reason: None,
        output: String::new(),
        config_broken: false,
    }
}
