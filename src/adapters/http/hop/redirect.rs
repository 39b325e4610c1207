//! Redirects: which are followed, and what goes along.
//!
//! 301, 302, 303, 307 and 308 are followed, at most `redirects` of them; with `redirects: 0` such a response is the
//! answer and `expect.status` judges it. Refused, as cause `redirect`: no or an unusable `Location`, another scheme than
//! http and https, https back to http, the same request again (URL, method and cookies), one redirect too many, a URL that is too long for any web server
//! ([`limits::LOCATION_BYTES`]) or cannot be asked for, and a way from a public host to an address inside (loopback, link-local,
//! private, metadata), or from any to one where nobody is. Each hop is a fresh connection. Another public host needs no
//! leave of the profile: visitors are led there as well, and what fails there is told with its place.
//!
//! What a redirect sets as cookies goes along where it belongs (`cookies`). To another origin only the headers of [`redact::travels`] go along: no credentials, no cookies of the profile, none that it
//! invented, as those may be keys. Credentials in a `Location` are dropped.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use reqwest::header::{self, HeaderMap};
use reqwest::{Method, StatusCode};
use url::Url;

use super::cookies::Jar;
use crate::adapters::http::dns::destination;
use crate::adapters::http::fault::Fault;
use crate::adapters::http::redact;
use crate::model::{Cause, Finding, Phase, Quoted, limits};

/// One request of a check.
#[derive(Debug, Clone)]
pub(in crate::adapters::http) struct Hop {
    pub(in crate::adapters::http) url: Url,
    pub(in crate::adapters::http) method: Method,
    pub(in crate::adapters::http) headers: HeaderMap,
    /// What is sent behind the head; only a webhook's post has one.
    pub(in crate::adapters::http) body: Option<String>,
    /// What earlier responses of the check set for this URL.
    pub(in crate::adapters::http) cookies: Option<String>,
}

impl Hop {
    /// The very request again, which would bring the very response.
    fn is_again(&self, before: &Self) -> bool {
        self.url == before.url && self.method == before.method && self.cookies == before.cookies
    }
}

fn refused(finding: Finding) -> Fault {
    Fault::new(Cause::Redirect, finding).at(Phase::FirstByte)
}

/// Whether a status asks us to go elsewhere.
fn asks(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// Where a response sends us: `None` when it is the answer. `visited` holds every hop before this one; `jar` gets what it sets.
pub(in crate::adapters::http) fn next(
    hop: &Hop,
    status: StatusCode,
    headers: &HeaderMap,
    most: u8,
    visited: &[Hop],
    jar: &mut Jar,
) -> Result<Option<Hop>, Fault> {
    if !asks(status) || most == 0 {
        return Ok(None);
    }
    jar.take(&hop.url, headers);
    let url = target(hop, status, headers)?;
    let shown = || Quoted::new(&redact::shown_foreign(&url));
    let get = status == StatusCode::SEE_OTHER && hop.method != Method::HEAD
        || matches!(status.as_u16(), 301 | 302) && hop.method == Method::POST;
    let mut next = Hop {
        method: if get { Method::GET } else { hop.method.clone() },
        headers: HeaderMap::new(),
        body: None,
        cookies: jar.brings(&url),
        url: url.clone(),
    };
    if visited
        .iter()
        .chain([hop])
        .any(|before| next.is_again(before))
    {
        return Err(refused(Finding::RedirectCircle { url: shown() }));
    }
    if visited.len() >= usize::from(most) {
        return Err(refused(Finding::RedirectsTooMany {
            most: most.into(),
            url: shown(),
        }));
    }
    if hop.url.scheme() == "https" && url.scheme() == "http" {
        return Err(refused(Finding::RedirectToPlain { url: shown() }));
    }
    next.headers = hop.headers.clone();
    if url.origin() != hop.url.origin() {
        next.headers = std::mem::take(&mut next.headers)
            .into_iter()
            .filter_map(|(name, value)| Some((name?, value)))
            .filter(|(name, _)| redact::travels(name))
            .collect();
    }
    Ok(Some(next))
}

fn target(hop: &Hop, status: StatusCode, headers: &HeaderMap) -> Result<Url, Fault> {
    let status = u64::from(status.as_u16());
    let Some(location) = headers.get(header::LOCATION) else {
        return Err(refused(Finding::NoLocation { status }));
    };
    let location = ascii(location.as_bytes());
    let Ok(mut url) = hop.url.join(&location) else {
        return Err(refused(Finding::LocationNoUrl { status }));
    };
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(refused(Finding::RedirectScheme {
            scheme: Quoted::new(&format!("{}:", url.scheme())),
        }));
    }
    url.set_fragment(None);
    if url.as_str().len() > limits::LOCATION_BYTES {
        return Err(refused(Finding::LocationTooLong {
            status,
            kib: url.as_str().len() as u64 / 1024,
            most: limits::LOCATION_BYTES as u64 / 1024,
        }));
    }
    let own = url.origin() == hop.url.origin();
    let (user, password) = if own {
        (hop.url.username(), hop.url.password())
    } else {
        ("", None)
    };
    // Both fail only for URLs without a host.
    let _ = url.set_username(user);
    let _ = url.set_password(password);
    Ok(url)
}

/// The text of a `Location`, its raw bytes beyond ASCII percent-encoded one by one: as browsers do it, whatever character set the
/// server had in mind.
fn ascii(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for &byte in bytes {
        if byte.is_ascii() {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

/// Which addresses a redirect may lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::adapters::http) enum Reach {
    /// Any: the profile's own host.
    Anywhere,
    /// Any at which somebody can be: the profile's host is inside already, and this is another host.
    Somewhere,
    /// Public ones: the profile's host is public, and this is another host.
    PublicOnly,
}

impl Reach {
    /// `own`: the address of the profile's host; the hosts are the profile's and the redirect's.
    pub(in crate::adapters::http) fn of(
        own: Option<IpAddr>,
        own_host: Option<&str>,
        host: Option<&str>,
    ) -> Self {
        if own_host == host {
            Self::Anywhere
        } else if own.is_some_and(is_inside) {
            Self::Somewhere
        } else {
            Self::PublicOnly
        }
    }

    pub(super) fn check(self, ip: IpAddr) -> Result<(), Fault> {
        if self == Self::PublicOnly && is_inside(ip) {
            return Err(refused(Finding::RedirectInside { address: ip }));
        }
        if self == Self::Somewhere && destination::is_nowhere(ip) {
            return Err(refused(Finding::RedirectNowhere { address: ip }));
        }
        Ok(())
    }
}

/// Addresses that mean another machine to everyone who uses them.
fn is_inside(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_inside_v4(ip),
        IpAddr::V6(ip) => is_inside_v6(ip),
    }
}

fn is_inside_v4(ip: Ipv4Addr) -> bool {
    let [a, b, ..] = ip.octets();
    ip.is_loopback()
        || ip.is_private()
        || ip.is_link_local()
        || ip.is_multicast()
        || ip.is_broadcast()
        || a == 0
        // Shared by carriers (RFC 6598), and one cloud's metadata address; benchmarks (RFC 2544).
        || (a == 100 && (64..128).contains(&b))
        || (a == 198 && (b == 18 || b == 19))
}

fn is_inside_v6(ip: Ipv6Addr) -> bool {
    let embedded = match ip.segments() {
        // An IPv4 address behind NAT64 (RFC 6052).
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            Some(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low)))
        }
        _ => ip.to_ipv4_mapped(),
    };
    embedded.map_or_else(
        || {
            ip.is_loopback()
                || ip.is_unspecified()
                || ip.is_unique_local()
                || ip.is_unicast_link_local()
                || ip.is_multicast()
        },
        is_inside_v4,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_host_may_not_send_us_inside() {
        let public: IpAddr = "203.0.113.7".parse().unwrap();
        let reach = Reach::of(Some(public), Some("shop.example"), Some("evil.example"));
        for inside in [
            "127.0.0.1",
            "10.1.2.3",
            "192.168.0.1",
            "169.254.169.254",
            "100.100.100.200",
            "0.0.0.0",
            "::1",
            "fd00:ec2::254",
            "fe80::1",
            "::ffff:127.0.0.1",
            "64:ff9b::7f00:1",
        ] {
            let fault = reach.check(inside.parse().unwrap()).unwrap_err();
            assert_eq!(fault.cause, Cause::Redirect, "{inside}");
        }
        for outside in ["198.51.100.1", "2001:db8::1", "64:ff9b::c633:6401"] {
            assert!(reach.check(outside.parse().unwrap()).is_ok(), "{outside}");
        }
    }

    #[test]
    fn an_inside_host_and_the_own_host_may() {
        let loopback: IpAddr = "127.0.0.1".parse().unwrap();
        let public: IpAddr = "203.0.113.7".parse().unwrap();
        for reach in [
            Reach::of(Some(loopback), Some("a.example"), Some("b.example")),
            Reach::of(Some(public), Some("a.example"), Some("a.example")),
        ] {
            assert!(reach.check(loopback).is_ok());
        }
        let reach = Reach::of(Some(loopback), Some("a.example"), Some("b.example"));
        for nowhere in ["0.0.0.0", "224.0.0.1", "255.255.255.255", "::", "fe80::1"] {
            let fault = reach.check(nowhere.parse().unwrap()).unwrap_err();
            assert_eq!(fault.cause, Cause::Redirect, "{nowhere}");
        }
    }
}
