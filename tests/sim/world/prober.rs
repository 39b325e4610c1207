//! The prober in the world: step → commit → dispatch as the engine does it, and dying at any boundary.

use probe::model::{Decision, Effect, Event, Happened, Seen};
use probe::policy;

use super::super::invariants::moment;
use super::World;
use super::disk::take_back;
use super::things::{Due, Fact};

impl World {
    /// Whether this step is checked in every way.
    const fn is_thorough(&self) -> bool {
        self.twice || self.steps.is_multiple_of(64)
    }

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
            self.stepped_offset = self.wall_offset;
            if let Some(seen) = Seen::of(&fleet, &event) {
                self.seen.push((now.wall, seen));
            }
            let rearmed = matches!(&event, Event::Ordered(orders) if !orders.rearm.is_empty());
            self.steps += 1;
            if self.is_thorough() {
                let again = policy::step(&self.settings, fleet.clone(), event.clone(), &now);
                let decision = policy::step(&self.settings, fleet, event, &now);
                assert_eq!(
                    (&again.fleet, &again.effects, &again.happened),
                    (&decision.fleet, &decision.effects, &decision.happened),
                    "S25"
                );
                pending.extend(self.carry_out(decision, rearmed));
            } else {
                let decision = policy::step(&self.settings, fleet, event, &now);
                pending.extend(self.carry_out(decision, rearmed));
            }
        }
        let settled = |fleet| self.is_idle() && policy::settled(&self.settings, fleet);
        if self.cron && !self.daemon && self.fleet.as_ref().is_some_and(settled) {
            self.finish();
        } else {
            self.sleep();
        }
    }

    /// Sets the timer to when the core wants to be asked again.
    pub(super) fn sleep(&mut self) {
        let Some(fleet) = &self.fleet else { return };
        let Some(at) = policy::wakeup(&self.settings, fleet) else {
            return;
        };
        let wait = at.since(self.known(fleet)).as_millis() as i64;
        let at = self.t + wait.max(1);
        // One that is to end earlier asks again when it has ended.
        if self.wakes.is_none_or(|wakes| at < wakes || wakes <= self.t) {
            self.wakes = Some(at);
            self.push(at, Due::Wake(self.generation));
        }
    }

    /// A cron run ends well: what is left is written.
    pub(super) fn finish(&mut self) {
        let Some(mut fleet) = self.fleet.take() else {
            return;
        };
        if self.disk_writable {
            let unsure = std::mem::take(&mut self.unsure);
            self.lands(fleet.changes(), unsure, self.stepped_offset);
            fleet.written();
        }
        self.unsure.clear();
        self.generation += 1;
        self.fact(Fact::Ended {
            written: self.disk_writable,
        });
    }

    pub(super) fn carry_out(&mut self, decision: Decision, rearmed: bool) -> Option<Event> {
        let Decision {
            mut fleet,
            effects,
            happened,
            durable,
        } = decision;
        if self.is_thorough() {
            let indexed = fleet.is_indexed();
            assert!(indexed, "an index says something else than the rows");
        }
        for note in happened {
            if let Happened::Queued { entry, .. } = &note
                && let Some(entry) = fleet.outbox.get(entry)
            {
                let told = &entry.notification;
                if let Some(what) = moment::contradiction(&self.settings, &fleet, told) {
                    panic!("one moment: {what}: {told:#?}");
                }
            }
            if let Happened::Closed {
                incident, profile, ..
            } = &note
            {
                let over = Fact::Closed(incident.clone(), profile.clone());
                self.unsure.push((self.t, over));
            }
            let kept = !matches!(note, Happened::Judged { .. });
            if kept {
                self.notes.push((self.now().wall, note.clone()));
                self.fact(Fact::Noted(note));
            }
        }
        let (looks, acts): (Vec<Effect>, Vec<Effect>) =
            effects.into_iter().partition(Effect::looks);
        for effect in &acts {
            match effect {
                Effect::Recover(order) => {
                    let decided = (self.t, self.t + self.wall_offset);
                    self.decided.insert(order.attempt, decided);
                }
                Effect::Notify(entry) => self.fact(Fact::Leaves(*entry)),
                _ => {}
            }
        }
        if self.disk_takes > 0 {
            self.fleet = Some(fleet);
            if self.survives() {
                for effect in looks {
                    self.dispatch(effect);
                }
                self.joins(acts, durable, rearmed);
                self.release();
            }
            return None;
        }
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
                let unsure = std::mem::take(&mut self.unsure);
                let mut changes = fleet.changes();
                changes.durable = durable;
                self.lands(changes, unsure, self.stepped_offset);
                fleet.written();
                if self.keeps_old && self.dies() {
                    // Before the mark is raised.
                    self.fleet = Some(fleet);
                    self.crash();
                    return None;
                }
                self.marked();
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
            return Some(take_back(acts, true));
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
