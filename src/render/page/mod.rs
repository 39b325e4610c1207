//! The status page for people: `/`, a page for each profile and each host, the feed of outages, and a badge for each profile.
//!
//! All of it is written here and works without a script: what stands on a page is text, links, buttons that show what they
//! are named after while they have the focus, and drawings. It asks no other server for anything, has one style sheet
//! ([`STYLE`]) and no style of its own in any element, so the strictest policy of content fits.
//!
//! - The worst comes first: down, failing, not judged, degraded, up. A state is a word and a sign, and a colour beside it.
//! - Each site has its last 90 days as a strip, a button for each day, named after the minutes it was down and the minutes
//!   it could not be judged. A day of which nothing is recorded is neither good nor bad.
//! - Of a share of uptime it says for how long the site was not judged: that time is neither up nor down.
//! - A list has [`visit::SHOWN`] sites, so that ten thousand profiles stay a page below 200 KB. It can be narrowed by a text
//!   and by a state.
//! - It speaks English or Japanese, as the visitor's browser or `?lang=` says, by the clock of `alerts.timezone`. What came
//!   from outside stands in quotation marks, and nothing in it is markup.

mod badge;
mod chart;
mod days;
mod feed;
mod frame;
mod incident;
mod list;
mod machine;
mod markup;
mod site;
mod state;
mod uptime;
mod visit;
mod why;

use std::collections::BTreeMap;
use std::time::Duration;

use super::why::Recorded;
use super::words::Voice;
use crate::model::{Course, Fleet, ProfileName, Rollups, Settings, Timestamp};

pub use badge::badge;
pub use feed::feed;
pub use frame::{missing, starting};
pub use list::index;
pub use machine::host;
pub use site::profile;
pub use visit::{Picked, SHOWN, Visit, pick};

/// The style sheet of all pages.
pub const STYLE: &str = include_str!("style.css");

/// The sign of the tab.
pub const ICON: &str = include_str!("icon.svg");

/// What a page tells of.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    /// What is configured.
    pub settings: &'a Settings,
    /// What is remembered.
    pub fleet: &'a Fleet,
    /// What is recorded of those whom the page shows.
    pub kept: &'a Kept,
    /// How long ago the loop was heard.
    pub silence: Duration,
    /// Whether the configuration that was read last is in force.
    pub reloaded: bool,
}

/// What the store has recorded, as far as a page needs it.
#[derive(Debug, Clone, Default)]
pub struct Kept {
    /// The last day in slots of five minutes.
    pub courses: BTreeMap<ProfileName, Course>,
    /// The hours and days.
    pub rollups: BTreeMap<ProfileName, Rollups>,
    /// What happened, oldest first, from [`Kept::from`] on.
    pub recorded: Vec<Recorded>,
    /// From when on that was asked for.
    pub from: Timestamp,
    /// It could not be read.
    pub unread: bool,
}

impl Scene<'_> {
    /// The moment that the page shows, on the wall clock.
    fn now(&self) -> Timestamp {
        self.fleet.wall(self.fleet.now())
    }

    fn voice(&self, visit: &Visit) -> Voice {
        Voice::speaking(visit.language, &self.settings.wording)
    }
}
