//! A profile: its keys, its defaults, and the rules between them.
//!
//! What a profile does not say is taken from `defaults`, key by key, also inside `headers`, `expect`, `expect.header` and
//! `tls`; `null` in a profile takes a default away. What neither says stands in [`keys`](super::keys).
//!
//! Probes of one profile never overlap: `timeout` and `retry_interval` are at most `interval`.

use std::net::IpAddr;
use std::time::Duration;

use crate::model::{
    Addresses, CacheBypass, HostName, Profile, ProfileName, Tls, Window, parse_span,
};

use super::fault::{Fault, Report, Spot};
use super::keys::{PINNED, PROFILE, default_of};
use super::section::Section;
use super::tree::{Kind, Node};
use super::value::{Found, parse_size, show_duration, text};
use super::wrong::{expected, nearest};
use super::{placeholder, request, tls, windows};

/// A profile as it is written, read value by value.
#[derive(Debug)]
pub(super) struct Draft {
    /// The host it refers to.
    pub(super) host: Option<Found<String>>,
    /// Where `urls` stands.
    urls_spot: Spot,
    urls: Option<Vec<Found<url::Url>>>,
    method: Option<Found<String>>,
    contact: Option<Found<url::Url>>,
    headers: Vec<(String, String)>,
    interval: Option<Found<Duration>>,
    retry_interval: Option<Found<Duration>>,
    timeout: Option<Found<Duration>>,
    connect_timeout: Option<Found<Duration>>,
    failure_threshold: Option<Found<u32>>,
    success_threshold: Option<Found<u32>>,
    expect: request::Expectation,
    slow: Option<Found<Duration>>,
    redirects: Option<Found<u32>>,
    max_body: Option<Found<u64>>,
    addresses: Option<Found<Addresses>>,
    tls: Tls,
    cache_bypass: Option<CacheBypass>,
    maintenance: Vec<Window>,
}

impl Draft {
    /// Reads the values; each that is wrong goes to `report`.
    pub(super) fn read(node: &Node, report: &mut Report) -> Option<Self> {
        let section = Section::open(node, PROFILE, report)?;
        Some(Self {
            host: section.get("host").and_then(|node| text(node, report)),
            urls_spot: section.spot_of("urls"),
            urls: section.get("urls").map(|node| request::urls(node, report)),
            method: section
                .get("method")
                .and_then(|node| request::method(node, report)),
            contact: section
                .get("contact")
                .and_then(|node| request::site(node, report)),
            headers: section
                .get("headers")
                .map(|node| request::headers(node, true, report))
                .unwrap_or_default(),
            interval: section.span("interval", report),
            retry_interval: section.span("retry_interval", report),
            timeout: section.span("timeout", report),
            connect_timeout: section.span("connect_timeout", report),
            failure_threshold: section.whole("failure_threshold", report),
            success_threshold: section.whole("success_threshold", report),
            expect: request::Expectation::read(&section.below_or_nothing("expect", report), report),
            slow: section.span("slow", report),
            redirects: section.whole("redirects", report),
            max_body: section.size("max_body", report),
            addresses: section
                .get("addresses")
                .and_then(|node| addresses(node, report)),
            tls: tls::read(&section.below_or_nothing("tls", report), report),
            cache_bypass: section
                .get("cache_bypass")
                .and_then(|node| cache_bypass(node, report)),
            maintenance: section
                .get("maintenance")
                .map(|node| windows::read(node, report))
                .unwrap_or_default(),
        })
    }

    /// Fills in the defaults and checks the rules between values.
    pub(super) fn settle(self, name: ProfileName, report: &mut Report) -> Profile {
        let spans = |name| parse_span(default_of(PROFILE, name)).unwrap_or_default();
        let interval = value_or(&self.interval, spans("interval"));
        let retry_interval = value_or(&self.retry_interval, spans("retry_interval").min(interval));
        let timeout = value_or(&self.timeout, spans("timeout").min(interval));
        let connect_timeout =
            value_or(&self.connect_timeout, spans("connect_timeout").min(timeout));
        let wholes = |name| default_of(PROFILE, name).parse().unwrap_or_default();
        self.check_times(interval, timeout, report);
        let method = value_or(&self.method, default_of(PROFILE, "method").to_owned());
        let max_body = value_or(
            &self.max_body,
            parse_size(default_of(PROFILE, "max_body")).unwrap_or_default(),
        );
        let redirects = value_or(&self.redirects, wholes("redirects"));
        self.expect.check(&method, max_body, redirects, report);
        if let Some(Found {
            value: Addresses::Pinned(pinned),
            spot,
        }) = &self.addresses
        {
            self.expect.check_addresses(pinned, spot, report);
        }
        if self.urls.is_none() {
            report
                .fault(Fault::new(&self.urls_spot, "missing").act(
                    "write the addresses to look at, like `urls: [https://www.example.org/]`",
                ));
        }
        let expect = self.expect.settle().into();
        Profile {
            name,
            host: self
                .host
                .and_then(|host| HostName::try_new(&host.value).ok()),
            elsewhere: false,
            urls: exact(self.urls.unwrap_or_default()),
            method,
            contact: self.contact.map(|contact| contact.value),
            headers: self.headers,
            interval,
            retry_interval,
            timeout,
            connect_timeout,
            failure_threshold: value_or(&self.failure_threshold, wholes("failure_threshold")),
            success_threshold: value_or(&self.success_threshold, wholes("success_threshold")),
            expect,
            slow: self.slow.map(|slow| slow.value),
            redirects: u8::try_from(redirects).unwrap_or(u8::MAX),
            max_body,
            addresses: value_or(&self.addresses, Addresses::Any),
            tls: self.tls.into(),
            maintenance: self.maintenance,
            cache_bypass: self.cache_bypass.unwrap_or(CacheBypass::Off),
            expectation: 0,
            fingerprint: 0,
        }
    }

    fn check_times(&self, interval: Duration, timeout: Duration, report: &mut Report) {
        let bounds = [
            (
                "retry_interval",
                &self.retry_interval,
                "interval",
                &self.interval,
                interval,
            ),
            (
                "timeout",
                &self.timeout,
                "interval",
                &self.interval,
                interval,
            ),
            (
                "connect_timeout",
                &self.connect_timeout,
                "timeout",
                &self.timeout,
                timeout,
            ),
        ];
        for (name, given, bound, bound_given, limit) in bounds {
            let Some(given) = given.as_ref().filter(|given| given.value > limit) else {
                continue;
            };
            report.fault(
                Fault::new(
                    nearer(given, bound_given.as_ref()),
                    format!(
                        "`{name}` ({}) is longer than `{bound}` ({})",
                        show_duration(given.value),
                        show_duration(limit)
                    ),
                )
                .act(format!(
                    "write `{name}: {}`, or a longer `{bound}`",
                    show_duration(limit)
                )),
            );
        }
        if let Some(slow) = self.slow.as_ref().filter(|slow| slow.value >= timeout) {
            report.fault(
                Fault::new(
                    nearer(slow, self.timeout.as_ref()),
                    format!(
                        "`slow` ({}) can never be seen: `timeout` ({}) ends the probe before",
                        show_duration(slow.value),
                        show_duration(timeout)
                    ),
                )
                .act("write less than `timeout`"),
            );
        }
    }
}

/// Where a rule between two values is broken: in the profile, when only one of them comes from `defaults`.
fn nearer<'a, T>(value: &'a Found<T>, bound: Option<&'a Found<T>>) -> &'a Spot {
    let inherited = |spot: &Spot| spot.path.starts_with("defaults.");
    match bound {
        Some(bound) if inherited(&value.spot) && !inherited(&bound.spot) => &bound.spot,
        Some(_) | None => &value.spot,
    }
}

pub(super) fn value_or<T: Clone>(given: &Option<Found<T>>, default: T) -> T {
    given.as_ref().map_or(default, |found| found.value.clone())
}

fn addresses(node: &Node, report: &mut Report) -> Option<Found<Addresses>> {
    const LIKE: &str =
        "write `any`, `all`, or the addresses to use, like `[192.0.2.10, \"2001:db8::10\"]`";
    let found = |value| Found {
        value,
        spot: node.spot.clone(),
    };
    let items = match &node.kind {
        Kind::Text(word) if word == "any" => return Some(found(Addresses::Any)),
        Kind::Text(word) if word == "all" => return Some(found(Addresses::All)),
        Kind::List(items) => items,
        Kind::Null
        | Kind::Bool(_)
        | Kind::Int(_)
        | Kind::Float(_)
        | Kind::Text(_)
        | Kind::Map(_) => {
            report.fault(expected(node, "`any`, `all` or a list of addresses").act(LIKE));
            return None;
        }
    };
    if items.is_empty() || items.len() > PINNED {
        let fault = Fault::new(&node.spot, format!("must name 1 to {PINNED} addresses"));
        report.fault(fault.act(LIKE));
        return None;
    }
    let mut pinned: Vec<IpAddr> = Vec::new();
    for item in items {
        let Some(written) = text(item, report) else {
            continue;
        };
        match written.value.parse() {
            Ok(address) if pinned.contains(&address) => {
                report.fault(Fault::new(&written.spot, "the same address twice"));
            }
            Ok(address) => {
                placeholder::remark(&written.value, &written.spot, report);
                pinned.push(address);
            }
            Err(_) => report.fault(Fault::new(&written.spot, "not an IP address").act(LIKE)),
        }
    }
    Some(found(Addresses::Pinned(pinned)))
}

fn cache_bypass(node: &Node, report: &mut Report) -> Option<CacheBypass> {
    let written = text(node, report)?;
    match written.value.as_str() {
        "off" => Some(CacheBypass::Off),
        "wordpress" => Some(CacheBypass::WordPress),
        other => {
            report.fault(
                Fault::new(&written.spot, "unknown word")
                    .act("write `off` or `wordpress`")
                    .meant(nearest(other, &["off", "wordpress"])),
            );
            None
        }
    }
}
/// The values, in no more room than they need: they stay for as long as the program runs.
fn exact(found: Vec<Found<url::Url>>) -> Vec<url::Url> {
    let mut urls: Vec<url::Url> = found.into_iter().map(|url| url.value).collect();
    urls.shrink_to_fit();
    urls
}
