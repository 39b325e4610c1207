//! The safety invariants, each by its name, checked over what truly happened in a world. They are written against the
//! facts and from the specification, not from the code that is to keep them.

use std::collections::{BTreeMap, BTreeSet};

use probe::model::{AttemptId, Cause, HostName, Note, RecoveryOutcome};

use super::world::{Fact, World};

mod evidence;
mod told;

use evidence::Seen;

const HOUR: i64 = 3_600_000;

/// One order to restart and what became of it.
struct Attempt {
    id: AttemptId,
    host: HostName,
    ordered: i64,
    number: u32,
    /// When the prober took it to have ended, and how.
    ended: Option<(i64, RecoveryOutcome)>,
}

struct Course<'a> {
    world: &'a World,
    label: &'a str,
    facts: Vec<(i64, &'a Fact)>,
    attempts: Vec<Attempt>,
    seen: Seen<'a>,
}

/// Checks that everything was told; true only once all mail has left.
pub fn check_told(world: &World, label: &str) {
    course(world, label).s12_every_incident_is_named();
}

/// Checks every invariant.
pub fn check(world: &World, label: &str) {
    let course = course(world, label);
    course.all();
}

fn course<'a>(world: &'a World, label: &'a str) -> Course<'a> {
    let mut facts: Vec<(i64, &Fact)> = world.facts.iter().map(|(t, fact)| (*t, fact)).collect();
    facts.sort_by_key(|(t, _)| *t);
    let mut attempts = attempts(&facts);
    // An attempt whose answer never came ends at its deadline, whenever somebody notices.
    for attempt in &mut attempts {
        let limit = world
            .settings
            .hosts
            .get(&attempt.host)
            .map_or(0, |host| host.restart.timeout.as_millis() as i64 + 35_000);
        attempt.ended = attempt
            .ended
            .map(|(end, outcome)| (end.min(attempt.ordered + limit), outcome));
    }
    let seen = Seen::of(world, &facts);
    Course {
        world,
        label,
        seen,
        facts,
        attempts,
    }
}

impl Course<'_> {
    fn all(&self) {
        self.s1_budget();
        self.s2_write_ahead();
        self.s3_no_overlap_s4_one_at_a_time();
        self.s5_canary_s6_evidence_s7_class();
        self.s8_floor_s9_backoff();
        self.s10_reset();
        self.s11_give_up();
        self.s12_pairing_s14_identity_s15_duplicates();
        self.s17_windows();
        self.s21_boot_s22_resources();
        self.no_warning_twice();
        self.s23_proof();
        self.s26_big_red_button();
    }
}

fn attempts(facts: &[(i64, &Fact)]) -> Vec<Attempt> {
    let mut found: Vec<Attempt> = Vec::new();
    for (t, fact) in facts {
        match fact {
            Fact::Ordered {
                order, attempts, ..
            } => found.push(Attempt {
                id: order.attempt,
                host: order.host.clone(),
                ordered: *t,
                number: *attempts,
                ended: None,
            }),
            Fact::Noted(Note::RestartEnded { attempt, .. }) => {
                // The last word counts: an earlier one may have died with the process that noted it.
                if let Some(known) = found.iter_mut().find(|known| known.id == attempt.id) {
                    let outcome = attempt
                        .report
                        .as_ref()
                        .map_or(RecoveryOutcome::Unknown, |report| report.outcome);
                    known.ended = Some((*t, outcome));
                }
            }
            _ => {}
        }
    }
    found
}

impl Course<'_> {
    fn fail(&self, t: i64, what: &str) -> ! {
        panic!(
            "{what} [{}] at +{} s\n{}",
            self.label,
            (t - super::world::BEGIN) / 1000,
            super::story::transcript(self.world)
        )
    }

    /// What happened from one instant to another, both included.
    fn between(&self, from: i64, to: i64) -> &[(i64, &Fact)] {
        let first = self.facts.partition_point(|(t, _)| *t < from);
        let last = self.facts.partition_point(|(t, _)| *t <= to);
        self.facts.get(first..last).unwrap_or_default()
    }

    fn begun(&self) -> Vec<(i64, &HostName)> {
        let begun = |(t, fact): &(i64, &Fact)| match fact {
            Fact::RestartBegan { host } => Some((*t, host.clone())),
            _ => None,
        };
        let list: Vec<(i64, HostName)> = self.facts.iter().filter_map(begun).collect();
        list.into_iter()
            .filter_map(|(t, name)| Some((t, self.world.machines.get_key_value(&name)?.0)))
            .collect()
    }

    fn s1_budget(&self) {
        let begun = self.begun();
        for (t, host) in &begun {
            let Some(settings) = self.world.settings.hosts.get(*host) else {
                continue;
            };
            let budget = settings.restart.budget;
            let window = budget.per.as_millis() as i64;
            let spent = begun
                .iter()
                .filter(|(other, name)| name == host && *other > t - window && other <= t)
                .count();
            if spent > budget.restarts as usize {
                self.fail(
                    *t,
                    &format!("S1 budget: {spent} restarts of {host} in its window"),
                );
            }
            let all = begun
                .iter()
                .filter(|(other, _)| *other > t - HOUR && other <= t)
                .count();
            if all > 10 {
                self.fail(
                    *t,
                    &format!("S1 budget: {all} restarts of all hosts in an hour"),
                );
            }
        }
    }

    fn s2_write_ahead(&self) {
        let mut seen = BTreeSet::new();
        for (t, fact) in &self.facts {
            if let Fact::Ordered { order, durable, .. } = fact {
                if !durable {
                    self.fail(
                        *t,
                        &format!(
                            "S2 write-ahead: attempt {} left before its intent was durable",
                            order.attempt
                        ),
                    );
                }
                if !seen.insert(order.attempt) {
                    self.fail(
                        *t,
                        &format!(
                            "S2 write-ahead: attempt {} was ordered twice",
                            order.attempt
                        ),
                    );
                }
            }
        }
    }

    fn s3_no_overlap_s4_one_at_a_time(&self) {
        for pair in self.attempts.windows(2) {
            let [before, after] = pair else { continue };
            if before.ended.is_none_or(|(end, _)| end > after.ordered) {
                self.fail(
                    after.ordered,
                    &format!(
                        "S3/S4: {} ordered while {} is in restart",
                        after.host, before.host
                    ),
                );
            }
        }
        // A restart of the same host begins after the one before has truly ended, or its limit and settle have passed.
        let mut open: BTreeMap<&HostName, i64> = BTreeMap::new();
        for (t, fact) in &self.facts {
            match fact {
                Fact::RestartBegan { host } => {
                    let limit = self.world.settings.hosts.get(host).map_or(0, |h| {
                        (h.restart.timeout + h.restart.settle).as_millis() as i64
                    });
                    if open.insert(host, *t).is_some_and(|began| t - began < limit) {
                        self.fail(
                            *t,
                            &format!("S3 no overlap: {host} restarted while a restart runs"),
                        );
                    }
                }
                Fact::RestartEnded { host } => drop(open.remove(host)),
                _ => {}
            }
        }
    }

    fn s8_floor_s9_backoff(&self) {
        for after in &self.attempts {
            let before = self
                .attempts
                .iter()
                .rfind(|other| other.host == after.host && other.ordered < after.ordered);
            let Some((before, settings)) = before.zip(self.world.settings.hosts.get(&after.host))
            else {
                continue;
            };
            let Some((end, _)) = before.ended else {
                continue;
            };
            let least =
                (settings.restart.backoff.plain(before.number) * 80 / 100).as_millis() as i64;
            let gap = after.ordered - end;
            if gap < least.max(30_000) {
                self.fail(
                    after.ordered,
                    &format!(
                        "S8/S9: only {gap} ms after attempt {} of {}",
                        before.number, after.host
                    ),
                );
            }
        }
    }

    fn s10_reset(&self) {
        for after in self.attempts.iter().filter(|attempt| attempt.number == 1) {
            let before = self
                .attempts
                .iter()
                .rfind(|other| other.host == after.host && other.ordered < after.ordered);
            let Some(before) = before else { continue };
            let between = self.between(before.ordered, after.ordered);
            let rearmed = between.iter().any(|(_, fact)| {
                matches!(fact, Fact::Noted(Note::Rearmed { host }) if *host == after.host)
            });
            if rearmed {
                continue;
            }
            let Some(settings) = self.world.settings.hosts.get(&after.host) else {
                continue;
            };
            let healable = |cause: &Cause| settings.restart.causes.contains(cause);
            let mut failures: Vec<i64> = vec![before.ordered];
            for (name, _) in self.world.settings.profiles_of(&after.host) {
                let counted = self.seen.counted(name, after.ordered);
                let counted = counted.take_while(|(began, _)| *began > before.ordered);
                let counted = counted.filter(|(_, cause)| cause.as_ref().is_some_and(healable));
                failures.extend(counted.map(|(began, _)| began));
            }
            failures.sort_unstable();
            let longest = failures
                .windows(2)
                .map(|pair| pair[1] - pair[0])
                .max()
                .unwrap_or(0);
            if longest < 600_000 {
                self.fail(
                    after.ordered,
                    &format!(
                        "S10 reset: attempts of {} forgotten after {longest} ms of health",
                        after.host
                    ),
                );
            }
        }
    }

    fn s11_give_up(&self) {
        let mut suspended: BTreeSet<&HostName> = BTreeSet::new();
        for (t, fact) in &self.facts {
            match fact {
                Fact::Noted(Note::GaveUp { host, .. }) => drop(suspended.insert(host)),
                Fact::Noted(Note::Rearmed { host }) => drop(suspended.remove(host)),
                // What was noted and not written died with the process.
                Fact::Crashed => suspended.clear(),
                Fact::Ordered { order, .. } if suspended.contains(&order.host) => {
                    self.fail(*t, &format!("S11 give-up: {} restarted", order.host))
                }
                _ => {}
            }
        }
    }

    fn s26_big_red_button(&self) {
        let mut pauses = BTreeMap::new();
        for (t, fact) in &self.facts {
            match fact {
                Fact::Pauses(now) => pauses.clone_from(now),
                Fact::Ordered { order, wall, .. } => {
                    let holds = |target: &str| {
                        pauses
                            .get(target)
                            .is_some_and(|pause| pause.until.is_none_or(|until| until.0 > *wall))
                    };
                    if holds("all") || holds(order.host.as_str()) {
                        self.fail(
                            *t,
                            &format!("S26 big red button: {} restarted while paused", order.host),
                        );
                    }
                }
                _ => {}
            }
        }
    }
}
