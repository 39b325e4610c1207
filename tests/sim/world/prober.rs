//! The prober in the world: step → commit → dispatch as the engine does it, and dying at any boundary.

use probe::model::{Decision, Effect, Event, Note};
use probe::policy;

use super::World;
use super::things::{Due, Fact};

impl World {
    /// One boundary at which a process may die, and lives on.
    pub(super) fn survives(&mut self) -> bool {
        let dies = self.dies();
        if dies {
            self.crash();
        }
        !dies
    }

    fn dies(&mut self) -> bool {
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
        planned || random
    }

    /// step → commit → dispatch, as the engine does it.
    pub(super) fn decide(&mut self, event: Event) {
        self.decide_all(vec![event]);
    }

    /// The last first.
    pub(super) fn decide_all(&mut self, mut pending: Vec<Event>) {
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
    pub(super) fn finish(&mut self) {
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

    pub(super) fn carry_out(&mut self, decision: Decision, rearmed: bool) -> Option<Event> {
        let Decision {
            mut fleet,
            effects,
            notes,
            durable,
        } = decision;
        self.steps += 1;
        if self.twice || self.steps.is_multiple_of(16) {
            let indexed = fleet.is_indexed();
            assert!(indexed, "an index says something else than the rows");
        }
        for note in notes {
            let kept = !matches!(note, Note::Judged { .. });
            if kept {
                self.fact(Fact::Noted(note));
            }
        }
        let (looks, acts): (Vec<Effect>, Vec<Effect>) =
            effects.into_iter().partition(Effect::looks);
        let lazy = self.t - self.last_commit >= 10_000 && (fleet.is_touched() || fleet.unwritable);
        let mut recorded = true;
        let mut recovered = None;
        if durable || lazy {
            if self.dies() {
                self.fleet = Some(fleet);
                self.crash();
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
}
