//! What is asked of a site and what must come back: `urls`, `method`, `headers`, `expect`.
//!
//! A URL may carry credentials, so no message here ever quotes one.

use std::net::IpAddr;

use url::Url;

use crate::model::{Expect, StatusRange, limits};

use super::domain;
use super::fault::{Fault, Report, Spot, clip};
use super::keys::URLS;
use super::placeholder;
use super::section::Section;
use super::tree::{Kind, Node};
use super::value::{Found, list, text, texts};
use super::wrong::{expected, nearest};

/// Memory of one compiled `matches`.
const REGEX_BYTES: usize = 1 << 20;

const METHODS: &[&str] = &["GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE"];

/// Headers the HTTP client sets itself; a second one would make the request invalid.
const OWN_HEADERS: &[&str] = &["host", "content-length", "connection", "transfer-encoding"];

/// The addresses of a profile.
pub(super) fn urls(node: &Node, report: &mut Report) -> Vec<Found<Url>> {
    let Some(items) = list(node, true, report) else {
        return Vec::new();
    };
    if items.is_empty() || items.len() > URLS {
        report.fault(
            Fault::new(&node.spot, format!("must name 1 to {URLS} URLs"))
                .act("write the addresses to look at, like `[https://www.example.org/]`"),
        );
    }
    let mut urls: Vec<Found<Url>> = Vec::new();
    for item in items {
        let Some(found) = site(item, report) else {
            continue;
        };
        if urls.iter().any(|other| other.value == found.value) {
            report.fault(Fault::new(&found.spot, "the same URL twice").act("leave one out"));
        } else {
            urls.push(found);
        }
    }
    urls
}

/// One `http` or `https` URL.
pub(super) fn site(node: &Node, report: &mut Report) -> Option<Found<Url>> {
    let written = text(node, report)?;
    let fault = match Url::parse(&written.value) {
        Err(url::ParseError::RelativeUrlWithoutBase) => {
            Fault::new(&written.spot, "not a whole URL")
                .act("begin it with `https://` or `http://`")
        }
        Err(error) => Fault::new(&written.spot, format!("not a URL: {error}")),
        Ok(url) if !matches!(url.scheme(), "http" | "https") => {
            // `www.example.org:8080/` parses as the scheme `www.example.org`.
            Fault::new(&written.spot, "only `http://` and `https://` are watched")
                .act("begin it with one of them")
        }
        Ok(url) if url.host_str().is_none_or(str::is_empty) => {
            Fault::new(&written.spot, "a URL without a host")
        }
        Ok(url) if url.as_str().len() > limits::LOCATION_BYTES => {
            Fault::new(&written.spot, "longer than any web server takes (16 KiB)")
        }
        Ok(url) if domain::fault(&url).is_some() => {
            let fault = domain::fault(&url).unwrap_or_default();
            Fault::new(&written.spot, fault).act("no DNS can hold it; look for a slip")
        }
        Ok(url) if url.fragment().is_some() => {
            Fault::new(&written.spot, "`#…` is never sent to a server").act("leave it out")
        }
        Ok(_) if has_two_ats(&written.value) => {
            Fault::new(&written.spot, "holds `@` twice").act(ONE_AT)
        }
        Ok(value) => {
            placeholder::remark(value.host_str().unwrap_or_default(), &written.spot, report);
            return Some(Found {
                value,
                spot: written.spot,
            });
        }
    };
    report.fault(fault);
    None
}

/// What to write where `@` belongs to a name or password.
pub(super) const ONE_AT: &str =
    "one separates user and host; write `%40` for one that belongs to the user";

/// Whether it is left to guess where the user of a URL ends.
pub(super) fn has_two_ats(url: &str) -> bool {
    let authority = url.split_once("://").map_or("", |(_, rest)| rest);
    let authority = authority.split(['/', '?', '#']).next().unwrap_or_default();
    authority.matches('@').count() > 1
}

/// A request method.
pub(super) fn method(node: &Node, report: &mut Report) -> Option<Found<String>> {
    let written = text(node, report)?;
    let token = !written.value.is_empty()
        && written.value.len() <= 20
        && written
            .value
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte == b'-');
    let fault = Fault::new(
        &written.spot,
        format!("`{}` is not a request method", clip(&written.value)),
    );
    if !token {
        report.fault(
            fault
                .act("write `GET`, `HEAD`, `POST` or `OPTIONS`, in upper case")
                .meant(nearest(&written.value, METHODS)),
        );
        return None;
    }
    if matches!(written.value.as_str(), "CONNECT" | "TRACE") {
        let fault = Fault::new(
            &written.spot,
            format!("`{}` does not ask for a page", written.value),
        );
        report.fault(fault.act("write `GET`"));
        return None;
    }
    Some(written)
}

/// A mapping of header names to values, sorted by name. Request headers may not be those the client sets itself.
pub(super) fn headers(node: &Node, request: bool, report: &mut Report) -> Vec<(String, String)> {
    let Kind::Map(entries) = &node.kind else {
        report.fault(expected(node, "a mapping of header names to values"));
        return Vec::new();
    };
    let mut headers: Vec<(String, String)> = Vec::new();
    for entry in entries {
        let lower = entry.key.to_ascii_lowercase();
        if matches!(entry.value.kind, Kind::Null) {
            continue;
        }
        if !is_token(&entry.key) {
            report.fault(Fault::new(&entry.spot, "not the name of a header"));
        } else if request && OWN_HEADERS.contains(&lower.as_str()) {
            let fault = Fault::new(&entry.spot, "is set by the program itself");
            report.fault(fault.act("leave it out"));
        } else if headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case(&lower))
        {
            let fault = Fault::new(&entry.spot, "the same header twice, in other letters");
            report.fault(fault.act("leave one out"));
        } else if let Some(value) = text(&entry.value, report) {
            if value
                .value
                .bytes()
                .all(|b| b == b'\t' || (b' '..=b'~').contains(&b))
            {
                headers.push((entry.key.clone(), value.value));
            } else {
                report.fault(Fault::new(
                    &value.spot,
                    "not the value of a header: only printable ASCII on one line",
                ));
            }
        }
    }
    headers.sort_by_key(|(name, _)| name.to_ascii_lowercase());
    headers
}

fn is_token(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 128
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

/// `expect` as it is written.
#[derive(Debug, Default)]
pub(super) struct Expectation {
    status: Option<Found<Vec<StatusRange>>>,
    contains: Vec<Found<String>>,
    not_contains: Vec<Found<String>>,
    matches: Option<Found<regex::Regex>>,
    header: Vec<(String, String)>,
    json: Vec<Pointer>,
    min_size: Option<Found<u64>>,
    addresses: Vec<IpAddr>,
}

/// A JSON Pointer and the value that must stand there.
type Pointer = Found<(String, serde_json::Value)>;

impl Expectation {
    /// Reads the section; each value that is wrong goes to `report`.
    pub(super) fn read(section: &Section<'_>, report: &mut Report) -> Self {
        let words = |key: &str, report: &mut Report| {
            section
                .get(key)
                .and_then(|node| texts(node, report))
                .unwrap_or_default()
        };
        let contains = words("contains", report);
        let not_contains = words("not_contains", report);
        for (empty, always) in contains
            .iter()
            .map(|text| (text, "stands in every page"))
            .chain(
                not_contains
                    .iter()
                    .map(|text| (text, "stands in every page: this can never be met")),
            )
            .filter(|(text, _)| text.value.is_empty())
        {
            report.fault(
                Fault::new(&empty.spot, format!("the empty text {always}")).act("leave it out"),
            );
        }
        Self {
            status: section
                .get("status")
                .and_then(|node| statuses(node, report)),
            contains,
            not_contains,
            matches: section.get("matches").and_then(|node| regex(node, report)),
            header: section
                .get("header")
                .map(|node| headers(node, false, report))
                .unwrap_or_default(),
            json: section
                .get("json")
                .map(|node| pointers(node, report))
                .unwrap_or_default(),
            min_size: section.size("min_size", report),
            addresses: section
                .get("addresses")
                .map(|node| addresses(node, report))
                .unwrap_or_default(),
        }
    }

    /// What can never be met, or never fail.
    pub(super) fn check(&self, method: &str, max_body: u64, redirects: u32, report: &mut Report) {
        let status = self.status.as_ref().filter(|all| !all.value.is_empty());
        let all = |fits: fn(u16) -> bool| {
            status.filter(|all| {
                all.value
                    .iter()
                    .all(|range| (range.low..=range.high).all(fits))
            })
        };
        if let Some(status) = all(is_followed).filter(|_| redirects > 0) {
            report.fault(
                Fault::new(&status.spot, "can never be met: these redirects are followed, and what they lead to is judged")
                    .act("write `redirects: 0`, or the status of the page behind them"),
            );
        }
        if let Some(least) = self
            .min_size
            .as_ref()
            .filter(|least| least.value > max_body)
        {
            report.fault(
                Fault::new(&least.spot, "no more than `max_body` is ever read")
                    .act("raise `max_body`, or write less here"),
            );
        }
        self.check_texts(max_body, report);
        self.check_pointers(report);
        if method == "HEAD" {
            let forbidden = self.not_contains.iter().map(|text| &text.spot);
            for spot in self.of_a_body().chain(forbidden) {
                report.fault(
                    Fault::new(spot, "the answer to `HEAD` has no body to look into")
                        .act("write `method: GET`"),
                );
            }
        } else if all(is_bodiless).is_some() {
            for spot in self.of_a_body() {
                report.fault(
                    Fault::new(
                        spot,
                        "an answer of the expected `status` has no body to look into",
                    )
                    .act("leave one of the two out"),
                );
            }
        }
    }

    /// Where something stands that must be found in a body.
    fn of_a_body(&self) -> impl Iterator<Item = &Spot> {
        let least = self.min_size.as_ref().filter(|least| least.value > 0);
        self.contains
            .iter()
            .map(|text| &text.spot)
            .chain(self.matches.as_ref().map(|found| &found.spot))
            .chain(self.json.iter().map(|found| &found.spot))
            .chain(least.map(|found| &found.spot))
    }

    /// Texts that no page can have, or not without one that it must not have.
    fn check_texts(&self, max_body: u64, report: &mut Report) {
        for wanted in &self.contains {
            if wanted.value.len() as u64 > max_body {
                report.fault(
                    Fault::new(
                        &wanted.spot,
                        "longer than `max_body`, and no more is ever read",
                    )
                    .act("raise `max_body`, or write less here"),
                );
            }
            let mut forbidden = self
                .not_contains
                .iter()
                .filter(|text| !text.value.is_empty());
            if let Some(forbidden) = forbidden.find(|text| wanted.value.contains(&text.value)) {
                report.fault(
                    Fault::new(
                        &wanted.spot,
                        format!(
                            "can never be met: it holds what `not_contains` forbids, `{}`",
                            clip(&forbidden.value)
                        ),
                    )
                    .act("leave one of the two out"),
                );
            }
        }
    }

    /// A pointer that leads below a value, or into a value that is said otherwise.
    fn check_pointers(&self, report: &mut Report) {
        for outer in &self.json {
            let (above, value) = &outer.value;
            for inner in &self.json {
                let (below, _) = &inner.value;
                let Some(rest) = below
                    .strip_prefix(above.as_str())
                    .filter(|rest| rest.starts_with('/'))
                else {
                    continue;
                };
                if value.pointer(rest).is_none() {
                    report.fault(
                        Fault::new(
                            &inner.spot,
                            format!(
                                "can never be met: what `{}` is to be has no such part",
                                clip(above)
                            ),
                        )
                        .act("leave one of the two out"),
                    );
                }
            }
        }
    }

    /// Addresses that are asked and can never be the expected ones.
    pub(super) fn check_addresses(&self, pinned: &[IpAddr], spot: &Spot, report: &mut Report) {
        if !self.addresses.is_empty() && !pinned.iter().any(|ip| self.addresses.contains(ip)) {
            report.fault(
                Fault::new(spot, "none of these is among `expect.addresses`")
                    .act("leave one of the two out"),
            );
        }
    }

    /// With defaults.
    pub(super) fn settle(self) -> Expect {
        let plain = |texts: Vec<Found<String>>| texts.into_iter().map(|t| t.value).collect();
        let by_default = Expect::by_default();
        Expect {
            status: self.status.map_or(by_default.status, |found| found.value),
            contains: plain(self.contains),
            not_contains: plain(self.not_contains),
            matches: self.matches.map(|found| found.value),
            header: self
                .header
                .into_iter()
                .map(|(name, value)| (name.to_ascii_lowercase(), value))
                .collect(),
            json: self.json.into_iter().map(|found| found.value).collect(),
            min_size: self.min_size.map_or(0, |found| found.value),
            addresses: self.addresses,
        }
    }
}

/// Whether an answer of this status never has a body (RFC 9110 §6.4.1).
const fn is_bodiless(status: u16) -> bool {
    matches!(status, 204 | 304)
}

/// Whether an answer of this status is followed rather than judged.
const fn is_followed(status: u16) -> bool {
    matches!(status, 301 | 302 | 303 | 307 | 308)
}

/// A mapping of JSON Pointers (RFC 6901) to the values that must stand there.
fn pointers(node: &Node, report: &mut Report) -> Vec<Pointer> {
    let Kind::Map(entries) = &node.kind else {
        report.fault(expected(node, "a mapping of JSON Pointers to values"));
        return Vec::new();
    };
    let mut pointers = Vec::new();
    for entry in entries {
        let pointer = entry.key.as_str();
        if pointer.is_empty() || pointer.starts_with('/') {
            pointers.push(Found {
                value: (pointer.to_owned(), entry.value.to_json()),
                spot: entry.spot.clone(),
            });
        } else {
            report.fault(
                Fault::new(&entry.spot, "not a JSON Pointer (RFC 6901)")
                    .act("begin it with a slash, like `/status` or `/checks/0/ok`"),
            );
        }
    }
    pointers
}

/// Addresses of which the one that was asked must be.
fn addresses(node: &Node, report: &mut Report) -> Vec<IpAddr> {
    let written = texts(node, report).unwrap_or_default();
    let mut addresses = Vec::new();
    for text in written {
        match text.value.parse() {
            Ok(address) => addresses.push(address),
            Err(_) => report.fault(
                Fault::new(&text.spot, "not an IP address")
                    .act("write addresses, like `[192.0.2.10, \"2001:db8::10\"]`"),
            ),
        }
    }
    addresses
}

fn statuses(node: &Node, report: &mut Report) -> Option<Found<Vec<StatusRange>>> {
    let items = list(node, true, report)?;
    if items.is_empty() {
        report.fault(
            Fault::new(
                &node.spot,
                "accepts no status: the profile could never be up",
            )
            .act("write the good ones, like `[200-399]`"),
        );
    }
    let read = items.iter().filter_map(|item| status(item, report));
    Some(Found {
        value: read.collect(),
        spot: node.spot.clone(),
    })
}

fn status(node: &Node, report: &mut Report) -> Option<StatusRange> {
    let range = match &node.kind {
        Kind::Int(code) => u16::try_from(*code).ok().map(|code| (code, code)),
        Kind::Text(text) => text.split_once('-').map_or_else(
            || text.parse().ok().map(|code| (code, code)),
            |(low, high)| Some((low.trim().parse().ok()?, high.trim().parse().ok()?)),
        ),
        Kind::Null | Kind::Bool(_) | Kind::Float(_) | Kind::List(_) | Kind::Map(_) => None,
    };
    let range = range.filter(|(low, high)| *low >= 100 && *high <= 599 && low <= high);
    if range.is_none() {
        report.fault(
            Fault::new(&node.spot, "not a status or a range of them")
                .act("write `204` or `200-399`, from 100 to 599"),
        );
    }
    range.map(|(low, high)| StatusRange { low, high })
}

fn regex(node: &Node, report: &mut Report) -> Option<Found<regex::Regex>> {
    let written = text(node, report)?;
    let built = regex::RegexBuilder::new(&written.value)
        .size_limit(REGEX_BYTES)
        .build();
    match built {
        Ok(value) => Some(Found {
            value,
            spot: written.spot,
        }),
        Err(error) => {
            // The crate draws the pattern with a caret over several lines; the last one says it.
            let drawn = error.to_string();
            let said = drawn.lines().last().unwrap_or_default();
            let said = clip(said.trim_start_matches("error: ").trim_end_matches('.'));
            report.fault(Fault::new(
                &written.spot,
                format!("not a regular expression: {said}"),
            ));
            None
        }
    }
}
