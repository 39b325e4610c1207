//! `network`: sites and ports that answer whenever our own network works.

use url::Url;

use crate::model::{Canary, NetworkSettings};

use super::fault::{Fault, Report};
use super::keys::{CANARIES, NETWORK};
use super::placeholder;
use super::section::Section;
use super::tree::Node;
use super::value::{Found, list, text};

const LIKE: &str = "write `https://www.example.org/` or `tcp://192.0.2.1:53`";

/// `network` as it is written.
#[derive(Debug)]
pub(super) struct Draft {
    /// `None` when `canaries` is not given.
    pub(super) canaries: Option<Vec<Found<Canary>>>,
}

impl Draft {
    /// Reads the section; each value that is wrong goes to `report`.
    pub(super) fn read(node: &Node, report: &mut Report) -> Option<Self> {
        let section = Section::open(node, NETWORK, report)?;
        let canaries = section.get("canaries").map(|node| {
            let items = list(node, true, report).unwrap_or_default();
            if items.len() > CANARIES {
                let message = format!("must name at most {CANARIES} canaries");
                report.fault(Fault::new(&node.spot, message));
            }
            let canaries = items.iter().filter_map(|item| {
                let found = canary(item, report)?;
                placeholder::remark(&host_of(&found.value), &found.spot, report);
                Some(found)
            });
            canaries.collect()
        });
        Some(Self { canaries })
    }

    /// The settings.
    pub(super) fn settle(self) -> NetworkSettings {
        let canaries = self.canaries.unwrap_or_default();
        NetworkSettings {
            canaries: canaries.into_iter().map(|found| found.value).collect(),
        }
    }
}

/// The name or address a canary is asked at.
fn host_of(canary: &Canary) -> String {
    match canary {
        Canary::Http(url) => bare_host(url).unwrap_or_default(),
        Canary::Tcp { host, .. } => host.clone(),
    }
}

/// Whether a canary asks at the very port at which a URL is watched.
pub(super) fn asks_where(canary: &Canary, url: &Url) -> bool {
    let port = match canary {
        Canary::Http(url) => url.port_or_known_default(),
        Canary::Tcp { port, .. } => Some(*port),
    };
    bare_host(url).is_some_and(|host| host == host_of(canary))
        && url.port_or_known_default() == port
}

fn canary(node: &Node, report: &mut Report) -> Option<Found<Canary>> {
    let written = text(node, report)?;
    let bad = match Url::parse(&written.value) {
        Ok(url) if !url.username().is_empty() || url.password().is_some() => {
            "a canary needs no credentials"
        }
        Ok(url) if url.fragment().is_some() => "`#…` is never sent to a server",
        Ok(url) if matches!(url.scheme(), "http" | "https") => {
            return Some(Found {
                value: Canary::Http(url),
                spot: written.spot,
            });
        }
        Ok(url) if url.scheme() == "tcp" => match tcp(&url) {
            Ok(value) => {
                return Some(Found {
                    value,
                    spot: written.spot,
                });
            }
            Err(bad) => bad,
        },
        Ok(_) | Err(_) => "not a canary",
    };
    report.fault(Fault::new(&written.spot, bad).act(LIKE));
    None
}

fn tcp(url: &Url) -> Result<Canary, &'static str> {
    let host = bare_host(url).ok_or("a canary without a host")?;
    if !matches!(url.path(), "" | "/") || url.query().is_some() {
        return Err("`tcp://` takes a host and a port, no path");
    }
    match url.port() {
        None | Some(0) => Err("`tcp://` needs a port"),
        Some(port) => Ok(Canary::Tcp { host, port }),
    }
}

/// The host of a URL in lower case, without the brackets of an IPv6 address.
pub(super) fn bare_host(url: &Url) -> Option<String> {
    let host = url.host_str().filter(|host| !host.is_empty())?;
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    // Outside of http the crate leaves the host as it is written, percent signs included.
    let fits = bare
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b':'));
    fits.then(|| bare.to_ascii_lowercase())
}
