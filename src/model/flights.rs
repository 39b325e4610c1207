//! Probes under way, and the profiles that wait for them to end, by the machine they go to.
//!
//! At most [`limits::PROBES_PER_HOST`] go to one machine at a time. A profile that is due when its machine has no room
//! waits in that machine's own queue: it delays no other machine's probes, and nothing is computed for it until a probe
//! of its machine ends.

use std::collections::{BTreeMap, BTreeSet};

use super::{ProbeId, ProfileName, Timestamp, limits};

/// A profile and when it was due.
type Due = (Timestamp, ProfileName);

/// Probes under way in this process.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Flights {
    machines: BTreeMap<String, Machine>,
    under_way: BTreeMap<ProbeId, String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Machine {
    under_way: usize,
    waiting: BTreeSet<Due>,
}

impl Flights {
    /// Whether another probe may go to this machine.
    #[must_use]
    pub fn has_room(&self, machine: &str) -> bool {
        self.under_way_to(machine) < limits::PROBES_PER_HOST
    }

    /// Probes under way to a machine.
    #[must_use]
    pub fn under_way_to(&self, machine: &str) -> usize {
        self.machines
            .get(machine)
            .map_or(0, |machine| machine.under_way)
    }

    /// A probe leaves.
    pub fn begin(&mut self, probe: ProbeId, machine: &str) {
        self.machines
            .entry(machine.to_owned())
            .or_default()
            .under_way += 1;
        self.under_way.insert(probe, machine.to_owned());
    }

    /// A profile waits for room.
    pub fn wait(&mut self, machine: &str, due: Due) {
        self.machines
            .entry(machine.to_owned())
            .or_default()
            .waiting
            .insert(due);
    }

    /// A probe ended. Returns whether it was under way, and the profile that may be probed in its place.
    pub fn end(&mut self, probe: ProbeId) -> (bool, Option<Due>) {
        let Some(name) = self.under_way.remove(&probe) else {
            return (false, None);
        };
        let Some(machine) = self.machines.get_mut(&name) else {
            return (true, None);
        };
        machine.under_way = machine.under_way.saturating_sub(1);
        let next = machine.waiting.pop_first();
        if machine.under_way == 0 && machine.waiting.is_empty() {
            self.machines.remove(&name);
        }
        (true, next)
    }

    /// Empties all queues and returns who waited, for a new configuration in which profiles may be on other machines.
    pub fn disperse(&mut self) -> Vec<Due> {
        let mut due = Vec::new();
        for machine in self.machines.values_mut() {
            due.extend(std::mem::take(&mut machine.waiting));
        }
        self.machines.retain(|_, machine| machine.under_way > 0);
        due
    }
}
