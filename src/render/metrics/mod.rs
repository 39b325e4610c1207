//! The page of `/metrics`: Prometheus' text format, version 0.0.4.
//!
//! What a probe found carries blackbox_exporter's names and the labels `profile`, `host` (empty without one) and `url`; what the program knows of
//! itself begins with `prober_`. Names, labels and units are fixed: dashboards and alerts read them. Each name has one
//! `HELP` and one `TYPE`, and no series stands there twice: where a URL was checked at several addresses, the first that
//! failed speaks for it. What is not known is left out, never zero. Counters begin with the process.

mod ourselves;
mod paper;
mod sites;

use crate::model::{CheckResult, Fleet, Gauges, Profile, Settings};
use paper::Page;

/// What the page tells of.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    /// What is configured.
    pub settings: &'a Settings,
    /// What is remembered.
    pub fleet: &'a Fleet,
    /// What was measured.
    pub gauges: &'a Gauges,
    /// Whether the configuration that was read last is in force.
    pub reloaded: bool,
}

/// The page of `/probe`: what one probe found that somebody asked for.
#[must_use]
pub fn asked(profile: &Profile, checks: &[CheckResult]) -> String {
    let mut page = Page(String::new());
    sites::asked(&mut page, profile, checks);
    page.0
}

/// The page.
#[must_use]
pub fn page(scene: &Scene<'_>) -> String {
    let mut page = Page(String::new());
    sites::checks(&mut page, scene);
    sites::profiles(&mut page, scene);
    ourselves::hosts(&mut page, scene);
    ourselves::drills(&mut page, scene);
    ourselves::mail(&mut page, scene.fleet);
    ourselves::ourselves(&mut page, scene);
    page.0
}
