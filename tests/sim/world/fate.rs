//! What befalls the watching machine and its configuration: sleep, power cuts, clocks that jump, hosts that are taken out
//! and come back.

use std::sync::Arc;
use std::time::Duration;

use probe::model::{Ailment, Event, Fleet, Host, HostName, Profile, ProfileName, Start};
use probe::policy;

use super::World;
use super::things::Fact;

/// A host that is not configured for the moment.
pub(super) struct Away {
    host: Arc<Host>,
    profiles: Vec<(ProfileName, Arc<Profile>)>,
}

impl World {
    /// The machine is suspended for so many milliseconds: nothing on it goes on, and its boot clock does.
    pub fn sleeps(&mut self, span: i64) {
        let until = self.t + span;
        if until <= self.asleep {
            return;
        }
        self.asleep = until;
        self.push(
            until,
            super::Due::Script(Box::new(move |world| world.fact(Fact::Woke(span)))),
        );
    }

    /// The wall clock shows something else from now on. Before anything was written since the machine is up
    /// nobody could know.
    pub fn jumps(&mut self, offset: i64) {
        if self.written_boot == self.boot {
            self.wall_offset = offset;
            self.fact(Fact::Jumped);
        }
    }

    /// The watching machine loses its power and comes back half a minute later, its clock as wrong as it was
    /// when the state was last written: more could not be known.
    pub fn power_cut(&mut self) {
        self.crash();
        self.boot += 1;
        self.booted = self.t + 30_000;
        self.wall_offset = self.written_offset;
    }

    /// The state file comes back damaged and is moved aside: nothing is remembered.
    pub fn damage(&mut self) {
        self.crash();
        self.begins_anew();
        self.facts.clear();
    }

    /// Somebody mends what befell a machine so long after the beginning, where it still is what it suffers from.
    pub fn mended(&mut self, name: &str, after: Duration) {
        let since = super::BEGIN + after.as_millis() as i64;
        let machine = &self.machines[&super::super::setup::host(name)];
        if machine.ill_since == Some(since) {
            self.ill(name, None);
        }
    }

    pub fn short(&mut self, name: &HostName, short: Option<Ailment>) {
        if let Some(machine) = self.machines.get_mut(name) {
            machine.short = short;
        }
    }

    /// Takes a host and its profiles out of the configuration.
    pub fn remove(&mut self, name: &HostName) {
        let Some(host) = self.settings.hosts.remove(name) else {
            return;
        };
        let of_host = |profile: &Arc<Profile>| profile.host.as_ref() == Some(name);
        let names: Vec<ProfileName> = self
            .settings
            .profiles
            .iter()
            .filter(|(_, profile)| of_host(profile))
            .map(|(name, _)| name.clone())
            .collect();
        let rows = names.iter();
        let profiles = rows
            .filter_map(|name| self.settings.profiles.remove_entry(name))
            .collect();
        self.removed.insert(name.clone(), Away { host, profiles });
        self.fact(Fact::Removed(name.clone(), names));
        if self.is_running() {
            self.reload();
        }
    }

    /// Configures it again.
    pub fn restore(&mut self, name: &HostName) {
        let Some(Away { host, profiles }) = self.removed.remove(name) else {
            return;
        };
        let names = profiles.iter().map(|(name, _)| name.clone()).collect();
        self.settings.hosts.insert(name.clone(), host);
        self.settings.profiles.extend(profiles);
        self.fact(Fact::Added(name.clone(), names));
        if self.is_running() {
            self.reload();
        }
    }

    pub fn restore_all(&mut self) {
        for name in self.removed.keys().cloned().collect::<Vec<_>>() {
            self.restore(&name);
        }
    }

    /// S18: an equal configuration read again changes nothing and orders nothing. What time brings about comes first, and a
    /// look at every host: why one rests may be told by an older reason, until something makes the rules look again.
    pub fn reload_equal(&mut self) {
        self.order();
        self.decide(Event::Ticked);
        let Some(fleet) = &self.fleet else { return };
        let now = self.now();
        let before = policy::step(&self.settings, fleet.clone(), Event::Ticked, &now);
        if !before.effects.is_empty() {
            return self.reload(); // not yet at rest
        }
        let reload = Event::Started(Start::Reload);
        let after = policy::step(&self.settings, before.fleet.clone(), reload, &now);
        let rows = |fleet: &Fleet| {
            let tables = (fleet.profiles.clone(), fleet.hosts.clone());
            (
                fleet.core.clone(),
                tables,
                fleet.outbox.clone(),
                fleet.agenda.clone(),
            )
        };
        assert_eq!(rows(&before.fleet), rows(&after.fleet), "S18 reload");
        assert_eq!(
            (&after.effects, &after.happened),
            (&vec![], &vec![]),
            "S18 reload"
        );
        self.reload();
    }
}
