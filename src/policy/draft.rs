//! A decision being made: what the rooms of this floor pass from hand to hand.

use std::sync::Arc;

use crate::model::{
    Decision, Effect, Fleet, Host, HostName, Note, Now, Profile, ProfileName, Settings, Timestamp,
};

use super::clock;

/// What befell all hosts alike in this decision, so that their holds may no longer be true.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Shaken {
    /// Nothing.
    No,
    /// A canary was asked.
    Sight,
    /// Orders of people, a new configuration, a state that can be written or no longer can.
    All,
}

/// The decision so far.
pub(super) struct Draft<'a> {
    pub(super) settings: &'a Settings,
    pub(super) fleet: Fleet,
    /// The fleet's line of time.
    pub(super) now: Timestamp,
    pub(super) effects: Vec<Effect>,
    pub(super) notes: Vec<Note>,
    pub(super) durable: bool,
    /// What befell all hosts alike.
    pub(super) shaken: Shaken,
}

impl<'a> Draft<'a> {
    pub(super) fn new(settings: &'a Settings, mut fleet: Fleet, now: &Now) -> Self {
        let now = clock::advance(&mut fleet.core.clock, now);
        Self {
            settings,
            fleet,
            now,
            effects: Vec::new(),
            notes: Vec::new(),
            durable: false,
            shaken: Shaken::No,
        }
    }

    pub(super) fn into_decision(mut self) -> Decision {
        self.fleet.reindex();
        Decision {
            fleet: self.fleet,
            effects: self.effects,
            notes: self.notes,
            durable: self.durable,
        }
    }

    pub(super) fn profile(&self, name: &ProfileName) -> Option<Arc<Profile>> {
        self.settings.profiles.get(name).cloned()
    }

    pub(super) fn host(&self, name: &HostName) -> Option<Arc<Host>> {
        self.settings.hosts.get(name).cloned()
    }

    /// The host of a profile, where it is one we know.
    pub(super) fn host_of(&self, profile: &ProfileName) -> Option<HostName> {
        let host = self.settings.profiles.get(profile)?.host.clone()?;
        self.settings.hosts.contains_key(&host).then_some(host)
    }

    /// The names of a host's profiles.
    pub(super) fn profiles_of(&self, host: &HostName) -> Vec<ProfileName> {
        self.watched(host).map(|(name, _)| name.clone()).collect()
    }

    /// A host's profiles, in name order.
    pub(super) fn watched(
        &self,
        host: &HostName,
    ) -> impl Iterator<Item = (&ProfileName, &Arc<Profile>)> {
        let members = self.fleet.index.members.get(host).into_iter().flatten();
        members.filter_map(|name| self.settings.profiles.get_key_value(name))
    }

    /// When the maintenance window of a profile ends that is open at this instant of the fleet's line; on that line, too.
    pub(super) fn window(&self, name: &ProfileName, at: Timestamp) -> Option<Timestamp> {
        let until = self.settings.profiles.get(name)?.window(self.wall(at))?;
        Some(Timestamp(until.0 - self.fleet.core.clock.skew_ms))
    }

    /// An instant of the fleet's line as people's clocks show it.
    pub(super) fn wall(&self, instant: Timestamp) -> Timestamp {
        self.fleet.wall(instant)
    }
}
