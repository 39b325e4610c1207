//! What is asked of a site and what must come back: `urls`, `method`, `headers`, `expect`.
//!
//! A URL may carry credentials, so no message here ever quotes one.

use std::net::IpAddr;

use url::Url;

use crate::model::{Expect, StatusRange, limits};

use super::domain;
use super::fault::{Fault, Report, clip};
use super::keys::URLS;
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
        Ok(value) => {
            return Some(Found {
                value,
                spot: written.spot,
            });
        }
    };
    report.fault(fault);
    None
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
    status: Option<Vec<StatusRange>>,
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
    pub(super) fn check(&self, method: &str, max_body: u64, report: &mut Report) {
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
        if method != "HEAD" {
            return;
        }
        let texts = self.contains.iter().chain(&self.not_contains);
        let spots = texts
            .map(|text| &text.spot)
            .chain(self.matches.as_ref().map(|found| &found.spot))
            .chain(self.json.iter().map(|found| &found.spot))
            .chain(self.min_size.as_ref().map(|found| &found.spot));
        for spot in spots {
            report.fault(
                Fault::new(spot, "the answer to `HEAD` has no body to look into")
                    .act("write `method: GET`"),
            );
        }
    }

    /// With defaults.
    pub(super) fn settle(self) -> Expect {
        let plain = |texts: Vec<Found<String>>| texts.into_iter().map(|t| t.value).collect();
        let by_default = Expect::by_default();
        Expect {
            status: self.status.unwrap_or(by_default.status),
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

fn statuses(node: &Node, report: &mut Report) -> Option<Vec<StatusRange>> {
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
    Some(
        items
            .iter()
            .filter_map(|item| status(item, report))
            .collect(),
    )
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
