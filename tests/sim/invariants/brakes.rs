//! S1 to S4, S8 to S11, S19, S20: how often and how soon a host is restarted.

use std::collections::{BTreeMap, BTreeSet};

use probe::model::{Cause, GivenUp, Happened, HostName, RecoveryOutcome, RecoveryReport};

use super::super::world::Fact;
use super::Course;

const HOUR: i64 = 3_600_000;

/// Nobody could log in, or our own machine was too late.
const fn is_unsent(outcome: RecoveryOutcome) -> bool {
    matches!(
        outcome,
        RecoveryOutcome::NotExecuted | RecoveryOutcome::Refused
    )
}

impl Course<'_> {
    pub(super) fn s1_budget_s19_memory(&self) {
        let begun = self.begun();
        let removed: Vec<(i64, &HostName)> = self
            .facts
            .iter()
            .filter_map(|(t, fact)| match fact {
                Fact::Removed(host, _) => Some((*t, host)),
                _ => None,
            })
            .collect();
        for (t, host) in &begun {
            let Some(settings) = self.world.settings.hosts.get(*host) else {
                continue;
            };
            let budget = settings.restart.budget;
            let from = t - budget.per.as_millis() as i64;
            let within = |other: &i64| *other > from && other <= t;
            let spent = begun
                .iter()
                .filter(|(other, name)| name == host && within(other))
                .count();
            if spent > budget.restarts as usize {
                let was_removed = |(at, name): &(i64, &HostName)| name == host && within(at);
                let broken = if removed.iter().any(was_removed) {
                    "S19 memory of the removed"
                } else {
                    "S1 budget"
                };
                self.fail(
                    *t,
                    &format!("{broken}: {spent} restarts of {host} in its window"),
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

    /// All profiles of a host share its count of attempts, whichever of them a restart rests on.
    pub(super) fn s20_one_brake(&self) {
        let mut last: BTreeMap<&HostName, u32> = BTreeMap::new();
        for (t, fact) in &self.facts {
            match fact {
                // What could not be sent does not count.
                Fact::Noted(Happened::RestartEnded { host, attempt, .. })
                    if attempt
                        .report
                        .as_ref()
                        .is_some_and(RecoveryReport::is_unsent) =>
                {
                    last.insert(host, attempt.number - 1);
                }
                // Also one that was written and, because the process died, never left.
                Fact::Noted(Happened::RestartEnded { host, attempt, .. }) => {
                    last.insert(host, attempt.number);
                }
                Fact::Ordered {
                    order, attempts, ..
                } => {
                    let before = last.insert(&order.host, *attempts);
                    let goes_on = before.is_none_or(|before| *attempts > before);
                    if !goes_on && *attempts != 1 {
                        let what = format!(
                            "S20 one brake: attempt {attempts} of {} comes after {before:?}",
                            order.host
                        );
                        self.fail(*t, &what);
                    }
                }
                _ => {}
            }
        }
    }

    pub(super) fn s2_write_ahead(&self) {
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

    pub(super) fn s3_no_overlap_s4_one_at_a_time(&self) {
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
                    let before = open.insert(host, *t);
                    if before.is_some_and(|began| t - began < limit) {
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

    pub(super) fn s8_floor_s9_backoff(&self) {
        for after in &self.attempts {
            let before = self
                .attempts
                .iter()
                .rfind(|other| other.host == after.host && other.ordered < after.ordered);
            let Some((before, settings)) = before.zip(self.world.settings.hosts.get(&after.host))
            else {
                continue;
            };
            let Some((end, outcome)) = before.ended else {
                continue;
            };
            // Logins that fail have their own pace.
            if is_unsent(outcome) {
                continue;
            }
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

    pub(super) fn s10_reset(&self) {
        for after in self.attempts.iter().filter(|attempt| attempt.number == 1) {
            let before = self
                .attempts
                .iter()
                .rfind(|other| other.host == after.host && other.ordered < after.ordered);
            let Some(before) = before else { continue };
            if before.ended.is_some_and(|(_, outcome)| is_unsent(outcome)) {
                continue;
            }
            let between = self.between(before.ordered, after.ordered);
            let rearmed = between.iter().any(|(_, fact)| {
                matches!(fact, Fact::Noted(Happened::Rearmed { host }) if *host == after.host)
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
                let counted = counted.take_while(|one| one.began > before.ordered);
                let counted =
                    counted.filter(|one| one.own && one.cause.as_ref().is_some_and(healable));
                failures.extend(counted.map(|one| one.began));
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

    pub(super) fn s11_give_up(&self) {
        let mut suspended: BTreeSet<&HostName> = BTreeSet::new();
        for (t, fact) in &self.facts {
            match fact {
                Fact::Noted(Happened::GaveUp { host, reason }) => {
                    self.s11_only_what_ran_counts(*t, host, reason);
                    suspended.insert(host);
                }
                Fact::Noted(Happened::Rearmed { host }) => drop(suspended.remove(host)),
                // What was noted and not written died with the process.
                Fact::Crashed | Fact::Ended { written: false } => suspended.clear(),
                Fact::Ordered { order, .. } if suspended.contains(&order.host) => {
                    self.fail(*t, &format!("S11 give-up: {} restarted", order.host))
                }
                _ => {}
            }
        }
    }

    fn s11_only_what_ran_counts(&self, t: i64, host: &HostName, reason: &GivenUp) {
        let (GivenUp::Spent { tries }
        | GivenUp::Relapsed { tries }
        | GivenUp::Unreached { tries, .. }) = reason
        else {
            return;
        };
        let mut ends = BTreeMap::new();
        for (_, fact) in self.facts.iter().take_while(|(at, _)| *at <= t) {
            if let Fact::Noted(Happened::RestartEnded {
                host: of, attempt, ..
            }) = fact
                && of == host
            {
                // The last word counts: an earlier one may have died with the process that noted it.
                ends.insert(
                    attempt.id,
                    attempt
                        .report
                        .as_ref()
                        .is_some_and(RecoveryReport::is_unsent),
                );
            }
        }
        if ends.values().filter(|unsent| !**unsent).count() < *tries as usize {
            self.fail(
                t,
                &format!(
                    "S11 give-up: {host} was given up after fewer than {tries} attempts that ran"
                ),
            );
        }
    }
}
