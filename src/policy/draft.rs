//! [`Draft`]: a decision while it is being made. The rooms of rules pass it on to one another and fill it.

use std::sync::Arc;

use crate::model::{
    Decision, Effect, EventKind, Fleet, Happened, Host, HostName, Notification, Now, Profile,
    ProfileName, Settings, Timestamp,
};

use crate::policy::clock;

/// Which holds may have ended by what happened in this decision, on all hosts alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::policy) enum Recheck {
    /// None.
    No,
    /// Those that wait for a canary: one was asked.
    Sight,
    /// All: people gave orders, the configuration is new, or the state can be written again or no longer.
    All,
}

/// How many entries of `happened` each room has handled.
#[derive(Debug, Default)]
pub(in crate::policy) struct Handled {
    pub(in crate::policy) by_hosts: usize,
    pub(in crate::policy) by_telling: usize,
}

/// The decision so far.
pub(in crate::policy) struct Draft<'a> {
    pub(in crate::policy) settings: &'a Settings,
    pub(in crate::policy) fleet: Fleet,
    /// The fleet's line of time.
    pub(in crate::policy) now: Timestamp,
    pub(in crate::policy) effects: Vec<Effect>,
    /// What happened so far, in order.
    pub(in crate::policy) happened: Vec<Happened>,
    /// How many of them the rooms `host` and `tell` have handled.
    pub(in crate::policy) handled: Handled,
    pub(in crate::policy) durable: bool,
    /// Which holds of all hosts to ask the rules about again.
    pub(in crate::policy) recheck: Recheck,
}

impl<'a> Draft<'a> {
    pub(in crate::policy) fn new(settings: &'a Settings, mut fleet: Fleet, now: &Now) -> Self {
        let now = clock::advance(&mut fleet.core.clock, now);
        Self {
            settings,
            fleet,
            now,
            effects: Vec::new(),
            happened: Vec::new(),
            handled: Handled::default(),
            durable: false,
            recheck: Recheck::No,
        }
    }

    pub(in crate::policy) fn into_decision(mut self) -> Decision {
        self.fleet.reindex();
        let fleet = &self.fleet;
        self.happened
            .retain_mut(|one| one.for_observers(|at| fleet.wall(at)));
        Decision {
            happened: self.happened,
            fleet: self.fleet,
            effects: self.effects,
            durable: self.durable,
        }
    }

    pub(in crate::policy) fn profile(&self, name: &ProfileName) -> Option<Arc<Profile>> {
        self.settings.profiles.get(name).cloned()
    }

    pub(in crate::policy) fn host(&self, name: &HostName) -> Option<Arc<Host>> {
        self.settings.hosts.get(name).cloned()
    }

    /// The host of a profile, if it is configured.
    pub(in crate::policy) fn host_of(&self, profile: &ProfileName) -> Option<HostName> {
        let host = self.settings.profiles.get(profile)?.host.clone()?;
        self.settings.hosts.contains_key(&host).then_some(host)
    }

    /// A restart of this host is under way in this process.
    pub(in crate::policy) fn is_acting(&self, host: &HostName) -> bool {
        let track = self.fleet.hosts.get(host);
        track.is_some_and(|track| track.acting)
    }

    /// The names of a host's profiles.
    pub(in crate::policy) fn profiles_of(&self, host: &HostName) -> Vec<ProfileName> {
        self.watched(host).map(|(name, _)| name.clone()).collect()
    }

    /// The host's profiles with an open incident.
    pub(in crate::policy) fn down_profiles(&self, host: &HostName) -> Vec<ProfileName> {
        let mut names = self.profiles_of(host);
        names.retain(|name| {
            let track = self.fleet.profiles.get(name);
            track.is_some_and(|track| track.incident.is_some())
        });
        names
    }

    /// A host's profiles, in name order.
    pub(in crate::policy) fn watched(
        &self,
        host: &HostName,
    ) -> impl Iterator<Item = (&ProfileName, &Arc<Profile>)> {
        let members = self.fleet.index.members.get(host).into_iter().flatten();
        members.filter_map(|name| self.settings.profiles.get_key_value(name))
    }

    /// When the maintenance window of a profile that is open at `at` ends; both are on the fleet's line of time.
    pub(in crate::policy) fn window(&self, name: &ProfileName, at: Timestamp) -> Option<Timestamp> {
        let until = self.settings.profiles.get(name)?.window(self.wall(at))?;
        Some(Timestamp(until.0 - self.fleet.core.clock.skew_ms))
    }

    /// A notification with this event and the present time, and nothing else.
    pub(in crate::policy) fn blank(&self, event: EventKind) -> Notification {
        Notification::blank(event, self.wall(self.now))
    }

    /// An instant of the fleet's line as people's clocks show it.
    pub(in crate::policy) fn wall(&self, instant: Timestamp) -> Timestamp {
        self.fleet.wall(instant)
    }
}
