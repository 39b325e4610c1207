//! The core alone, moved by hand and to the millisecond.

use std::time::Duration;

use probe::model::{
    BootId, Effect, Event, Fleet, Happened, Now, ProbeId, ProfileName, Settings, Timestamp,
};
use probe::policy;

use super::setup::{secs, seen_up};
use super::world::BEGIN;

/// The core and its two clocks.
pub struct Hand {
    pub settings: Settings,
    pub fleet: Fleet,
    pub ms: u64,
    /// By how much the wall clock was set forward.
    pub wall_ms: u64,
    /// Probes that were ordered; whoever answers one takes it out.
    pub under_way: Vec<(ProbeId, ProfileName)>,
    pub notes: Vec<Happened>,
    /// The last decision must be on the disk before anything is done.
    pub durable: bool,
}

impl Hand {
    pub fn new(settings: Settings) -> Self {
        Self {
            fleet: seen_up(&settings),
            settings,
            ms: 0,
            wall_ms: 0,
            under_way: Vec::new(),
            notes: Vec::new(),
            durable: false,
        }
    }

    pub fn step(&mut self, event: Event) -> Vec<Effect> {
        let now = Now {
            wall: Timestamp(BEGIN) + Duration::from_millis(self.ms + self.wall_ms),
            boot: BootId("boot".into()),
            since_boot: secs(1000) + Duration::from_millis(self.ms),
        };
        let fleet = std::mem::take(&mut self.fleet);
        let decision = policy::step(&self.settings, fleet, event, &now);
        self.fleet = decision.fleet;
        self.durable = decision.durable;
        assert!(self.fleet.is_indexed());
        self.notes.extend(decision.happened);
        let probes = decision.effects.iter().filter_map(|effect| match effect {
            Effect::Probe { probe, profile } => Some((*probe, profile.clone())),
            _ => None,
        });
        self.under_way.extend(probes);
        decision.effects
    }

    pub fn now(&self) -> Timestamp {
        self.fleet.now()
    }
}
