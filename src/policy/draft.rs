//! A decision being made: what the rooms of this floor pass from hand to hand.

use std::sync::Arc;

use crate::model::{
    Decision, Effect, Fleet, Host, HostName, Note, Now, Profile, ProfileName, Settings, Timestamp,
};

use super::clock;

/// The decision so far.
pub(super) struct Draft<'a> {
    pub(super) settings: &'a Settings,
    pub(super) fleet: Fleet,
    /// The fleet's line of time.
    pub(super) now: Timestamp,
    pub(super) effects: Vec<Effect>,
    pub(super) notes: Vec<Note>,
    pub(super) durable: bool,
    /// Profiles whose incident this decision opened; people hear of it once it is known what comes next.
    pub(super) opened: Vec<ProfileName>,
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
            opened: Vec::new(),
        }
    }

    pub(super) fn into_decision(self) -> Decision {
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

    /// The names of a host's profiles.
    pub(super) fn profiles_of(&self, host: &HostName) -> Vec<ProfileName> {
        self.settings
            .profiles_of(host)
            .map(|(name, _)| name.clone())
            .collect()
    }

    /// An instant of the fleet's line as people's clocks show it.
    pub(super) fn wall(&self, instant: Timestamp) -> Timestamp {
        self.fleet.wall(instant)
    }
}
