//! From the tree of values to [`Settings`]: sections in turn, then the rules between them.
//!
//! - Something must be watched. A name means one thing: a profile and a host do not share one, `all` is neither.
//! - A profile's host must be there; a host that no profile refers to is remarked.
//! - `when: 3` needs three profiles on that host.
//! - Restarting needs to know whether our own network works: with hosts, `network.canaries` must be written, be it `[]`.
//! - A canary at the port of a watched site would fall silent together with it; that is remarked.
//! - Sites of which nobody would hear are remarked; `alerts: {}` says that this is meant.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::{Expect, HostName, ProfileName, Settings, Shared, Tls, When};

use super::fault::{Fault, Report, Spot};
use super::keys::ROOT;
use super::section::Section;
use super::tree::{Entry, Kind, Node};
use super::wrong::{expected, nearest};
use super::{effective, email, heartbeat, host, merge, network, placeholder, profile, status_page};

/// Reads the whole document; everything that is wrong goes to `report`. What comes back is complete only if nothing did.
pub(super) fn lower(root: &Node, report: &mut Report) -> Option<Settings> {
    let section = Section::open(root, ROOT, report)?;
    let hosts = Hosts::read(&section, report);
    let profiles = Profiles::read(&section, &hosts, report);
    let network = section
        .get("network")
        .and_then(|node| network::Draft::read(node, report));
    hosts.check(&profiles, report);
    check_network(&section, network.as_ref(), &hosts, &profiles, report);
    let alerts = section
        .get("alerts")
        .map(|node| email::read(node, report))
        .unwrap_or_default();
    let status_page = section
        .get("status_page")
        .and_then(|node| status_page::read(node, report));
    let heartbeat = section
        .get("heartbeat")
        .and_then(|node| heartbeat::read(node, report));
    let settings = effective::fingerprinted(Settings {
        profiles: profiles
            .read
            .into_iter()
            .map(|(name, profile)| (name, Arc::new(profile)))
            .collect(),
        hosts: hosts
            .read
            .into_iter()
            .map(|(name, draft)| (name, Arc::new(draft.host)))
            .collect(),
        network: network.map_or_else(
            || crate::model::NetworkSettings {
                canaries: Vec::new(),
            },
            network::Draft::settle,
        ),
        email: alerts.email.map(Arc::new),
        command: alerts.command.map(Arc::new),
        webhooks: alerts.webhooks,
        wording: Arc::new(alerts.wording),
        heartbeat: heartbeat.map(Arc::new),
        status_page,
    });
    let is_meant = section
        .get("alerts")
        .is_some_and(|node| matches!(&node.kind, Kind::Map(entries) if entries.is_empty()));
    if !settings.is_heard() && !is_meant {
        report.warn(
            Fault::new(
                &section.spot_of("alerts"),
                "nobody is told when a site goes down",
            )
            .act("write who is, like `alerts: {email: {…}}`, or `alerts: {}` if that is meant"),
        );
    }
    placeholder::variables(root, report);
    Some(settings)
}

/// The named entries of `profiles` or `hosts`.
fn entries<'a>(section: &Section<'a>, key: &str, report: &mut Report) -> &'a [Entry] {
    let Some(node) = section.get(key) else {
        return &[];
    };
    match &node.kind {
        Kind::Map(entries) => entries,
        Kind::Null
        | Kind::Bool(_)
        | Kind::Int(_)
        | Kind::Float(_)
        | Kind::Text(_)
        | Kind::List(_) => {
            report.fault(
                expected(node, "a mapping of names").act(format!("write `{key}: {{NAME: {{…}}}}`")),
            );
            &[]
        }
    }
}

/// The names of all profiles and hosts in a document, whatever else is wrong with it.
pub(super) fn names(root: &Node) -> Vec<String> {
    let below = |node: &Node| match &node.kind {
        Kind::Map(entries) => entries.clone(),
        Kind::Null
        | Kind::Bool(_)
        | Kind::Int(_)
        | Kind::Float(_)
        | Kind::Text(_)
        | Kind::List(_) => Vec::new(),
    };
    let named = below(root)
        .into_iter()
        .filter(|entry| matches!(entry.key.as_str(), "profiles" | "hosts"));
    let entries = named.flat_map(|entry| below(&entry.value));
    entries.map(|entry| entry.key).collect()
}

fn check_name(entry: &Entry, report: &mut Report) -> bool {
    if entry.key == "all" {
        let fault = Fault::new(
            &entry.spot,
            "`all` is reserved: it means every profile and host",
        );
        report.fault(fault.act("choose another name"));
        return false;
    }
    // Profiles and hosts have the same alphabet. The error quotes the name, and somebody may have written a URL there.
    match HostName::try_new(&super::fault::discreet(&entry.key)) {
        Ok(_) => true,
        Err(error) => {
            report.fault(Fault::new(
                &entry.spot,
                super::fault::one_line(&error.to_string()),
            ));
            false
        }
    }
}

struct Hosts {
    read: BTreeMap<HostName, host::Draft>,
    /// Every name that is written, with its place, be its host right or wrong.
    written: BTreeMap<String, Spot>,
}

impl Hosts {
    fn read(section: &Section<'_>, report: &mut Report) -> Self {
        let mut hosts = Self {
            read: BTreeMap::new(),
            written: BTreeMap::new(),
        };
        for entry in entries(section, "hosts", report) {
            hosts.written.insert(entry.key.clone(), entry.spot.clone());
            let name = HostName::try_new(&entry.key);
            let fits = check_name(entry, report);
            let placeholder = HostName::try_new("x");
            let Ok(name) = name.or(placeholder) else {
                continue;
            };
            if let Some(draft) = host::read(name.clone(), &entry.value, report).filter(|_| fits) {
                hosts.read.insert(name, draft);
            }
        }
        hosts
    }

    fn check(&self, profiles: &Profiles, report: &mut Report) {
        for (name, spot) in &self.written {
            if !profiles.referred.contains(name) {
                report.warn(
                    Fault::new(
                        spot,
                        "no profile refers to this host: it is never restarted",
                    )
                    .act(format!(
                        "write `host: {}` in a profile",
                        super::fault::clip(name)
                    )),
                );
            }
        }
        let mut destinations: BTreeMap<&str, &HostName> = BTreeMap::new();
        for (name, draft) in &self.read {
            // One machine under two names would have two budgets and no lock between them.
            if !draft.host.ssh.is_empty()
                && let Some(first) = destinations.insert(&draft.host.ssh, name)
                && let Some(spot) = self.written.get(name.as_str())
            {
                report.fault(
                    Fault::new(
                        spot,
                        format!("the same `ssh` destination as host `{first}`"),
                    )
                    .act("make them one host: lock, budget and backoff belong to the machine"),
                );
            }
            let watched = profiles.counted.get(name.as_str()).copied().unwrap_or(0);
            if let (When::Count(count), Some(spot)) = (draft.host.restart.when, &draft.when)
                && watched > 0
                && count as usize > watched
            {
                report.fault(
                    Fault::new(
                        spot,
                        format!(
                            "can never be met: profiles that refer to host `{name}`: {watched}"
                        ),
                    )
                    .act(format!("write at most `{watched}`, or `all`")),
                );
            }
        }
    }
}

struct Profiles {
    read: BTreeMap<ProfileName, crate::model::Profile>,
    /// Hosts that profiles refer to.
    referred: BTreeSet<String>,
    /// Profiles of each host.
    counted: BTreeMap<String, usize>,
    /// Compiled expressions by their text: ten thousand profiles that inherit one hold it once.
    patterns: BTreeMap<String, regex::Regex>,
    /// Expectations and TLS settings likewise.
    expectations: Known<Expect>,
    tls: Known<Tls>,
}

/// Equal values, each held once; equal is what shows equally.
struct Known<T>(BTreeMap<String, Shared<T>>);

impl<T: std::fmt::Debug> Known<T> {
    fn of(&mut self, value: Shared<T>) -> Shared<T> {
        let key = format!("{value:?}");
        self.0.entry(key).or_insert(value).clone()
    }
}

impl Profiles {
    fn read(section: &Section<'_>, hosts: &Hosts, report: &mut Report) -> Self {
        let mut profiles = Self {
            read: BTreeMap::new(),
            referred: BTreeSet::new(),
            counted: BTreeMap::new(),
            patterns: BTreeMap::new(),
            expectations: Known(BTreeMap::new()),
            tls: Known(BTreeMap::new()),
        };
        let defaults = section.get("defaults");
        if let Some(node) = defaults {
            // Also where every profile overrides it: a wrong value is wrong.
            profile::Draft::read(node, report);
        }
        let written = entries(section, "profiles", report);
        if written.is_empty() {
            report.fault(
                Fault::new(&section.spot_of("profiles"), "nothing to watch").act(
                    "write at least one, like `profiles: {shop: {urls: [https://shop.example.com/]}}`",
                ),
            );
        }
        for entry in written {
            profiles.read_one(entry, defaults, hosts, report);
        }
        profiles
    }

    fn read_one(
        &mut self,
        entry: &Entry,
        defaults: Option<&Node>,
        hosts: &Hosts,
        report: &mut Report,
    ) {
        let name = ProfileName::try_new(&entry.key);
        let fits = check_name(entry, report);
        if let Some(host) = hosts.written.get(&entry.key).filter(|_| fits) {
            report.fault(
                Fault::new(
                    &entry.spot,
                    format!("a host has the same name, at {}", host.position()),
                )
                .act("rename one: `probe pause` and `probe resume` take either"),
            );
        }
        let node = defaults.map_or_else(
            || entry.value.clone(),
            |defaults| merge::inherit(&entry.value, defaults),
        );
        let Some(draft) = profile::Draft::read(&node, report) else {
            return;
        };
        if let Some(host) = &draft.host {
            self.refer(&host.value, &host.spot, hosts, report);
        }
        let placeholder = ProfileName::try_new("x");
        if let Ok(name) = name.or(placeholder) {
            let mut profile = draft.settle(name.clone(), report);
            if let Some(regex) = profile.expect.matches.as_mut() {
                let known = self.patterns.entry(regex.as_str().to_owned());
                *regex = known.or_insert_with(|| regex.clone()).clone();
            }
            profile.expect = self.expectations.of(profile.expect);
            profile.tls = self.tls.of(profile.tls);
            let host = profile.host.as_ref().and_then(|host| hosts.read.get(host));
            profile.elsewhere = host.is_some_and(|draft| !draft.host.is_here());
            if fits {
                self.read.insert(name, profile);
            }
        }
    }

    fn refer(&mut self, host: &str, spot: &Spot, hosts: &Hosts, report: &mut Report) {
        self.referred.insert(host.to_owned());
        *self.counted.entry(host.to_owned()).or_default() += 1;
        if !hosts.written.contains_key(host) {
            let names: Vec<&str> = hosts.written.keys().map(String::as_str).collect();
            report.fault(
                Fault::new(spot, format!("no host `{}`", super::fault::clip(host)))
                    .act("write it under `hosts`, or leave `host` out to watch only")
                    .meant(nearest(host, &names)),
            );
        }
    }
}

fn check_network(
    section: &Section<'_>,
    network: Option<&network::Draft>,
    hosts: &Hosts,
    profiles: &Profiles,
    report: &mut Report,
) {
    let canaries = network.and_then(|network| network.canaries.as_ref());
    let Some(canaries) = canaries else {
        if !hosts.written.is_empty() {
            let beside = if section.names("network") {
                "network"
            } else {
                "hosts"
            };
            let spot = Spot {
                path: "network.canaries".into(),
                ..section.spot_of(beside)
            };
            report.fault(Fault::new(&spot, "missing").act(
                "name at least one site or tcp://address that answers whenever your own network works, or write `canaries: []` to restart without that safeguard",
            ));
        }
        return;
    };
    for canary in canaries {
        let watched = profiles.read.values().find(|profile| {
            let mut urls = profile.urls.iter();
            urls.any(|url| network::asks_where(&canary.value, url))
        });
        if let Some(profile) = watched {
            report.warn(
                Fault::new(
                    &canary.spot,
                    format!(
                        "is watched by profile `{}` too: when that site is down, nothing is restarted",
                        profile.name
                    ),
                )
                .act("name a canary that has nothing to do with your sites"),
            );
        }
    }
}
