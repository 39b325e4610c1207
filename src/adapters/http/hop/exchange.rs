//! One hop: from a URL to the head of its response, on a fresh connection to one address.
//!
//! A request that HTTP/2 says was not taken up (GOAWAY, REFUSED_STREAM) is sent once more, on a connection of its own.
//! No proxy, no other retry, no referer, no resumption. The host of the URL stays in Host and SNI, also where the
//! address is pinned; a URL that names an address is its own pin. An address that the profile does not expect is not asked, nor
//! one at which no site can be (`destination`).
//!
//! What cannot be requested is our fault where the configuration names it, and the site's where a redirect does.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, Request, Response, Version};
use url::Host;

use super::classify;
use super::cookies;
use super::redirect::{Hop, Reach};
use crate::adapters::http::client::hooks::Way;
use crate::adapters::http::client::tls::{self, Base};
use crate::adapters::http::dns::destination::{self, Source};
use crate::adapters::http::dns::{Found, Names};
use crate::adapters::http::fault::{Fault, Local};
use crate::adapters::http::trace::{Mark, Sight, Trace};
use crate::model::{Cause, Family, Finding, HttpVersion, Phase, Quoted, limits};

/// What a hop needs beside its request.
#[derive(Clone, Copy)]
pub(in crate::adapters::http) struct Means<'a> {
    pub(in crate::adapters::http) names: &'a Names,
    pub(in crate::adapters::http) base: &'a Base,
    pub(in crate::adapters::http) verify: bool,
    pub(in crate::adapters::http) connect_timeout: Duration,
    /// The site's host is another machine than ours.
    pub(in crate::adapters::http) elsewhere: bool,
}

/// Where a request to the profile's own host goes.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::adapters::http) struct Aim<'a> {
    /// In place of what the name says.
    pub(in crate::adapters::http) pin: Option<IpAddr>,
    /// Who says so.
    pub(in crate::adapters::http) source: Source,
    /// What last answered well.
    pub(in crate::adapters::http) known: Option<IpAddr>,
    /// The only acceptable addresses; empty: any.
    pub(in crate::adapters::http) expected: &'a [IpAddr],
}

impl Aim<'_> {
    fn check(self, host: &str, ip: IpAddr) -> Result<(), Fault> {
        if self.expected.is_empty() || self.expected.contains(&ip) {
            return Ok(());
        }
        let expected: Vec<String> = self.expected.iter().map(IpAddr::to_string).collect();
        let finding = Finding::LeadsElsewhere {
            host: Quoted::new(host),
            address: ip,
            expected: expected.join(" or "),
        };
        Err(Fault::new(Cause::Dns, finding).at(Phase::Dns))
    }

    /// The name leads elsewhere than it did. One of several addresses in turn is no change.
    fn changed(self, found: &Found) -> Option<Finding> {
        let before = self.known?;
        let now = *found.addresses.first()?;
        let moved = !found.addresses.contains(&before) && before.is_ipv4() == now.is_ipv4();
        moved.then_some(Finding::AddressChanged { before, now })
    }
}

/// Sends the hop's request and waits for the head of the response.
pub(in crate::adapters::http) async fn exchange(
    means: &Means<'_>,
    hop: &Hop,
    aim: Aim<'_>,
    reach: Reach,
    sight: &Sight,
) -> Result<Response, Fault> {
    let secure = hop.url.scheme() == "https";
    if secure {
        tls::ready().await;
    }
    let trace = sight.hop(secure);
    let mut missing = false;
    let (ip, source, name) = match hop.url.host() {
        Some(Host::Ipv4(ip)) => (IpAddr::V4(ip), Source::Given, None),
        Some(Host::Ipv6(ip)) => (IpAddr::V6(ip), Source::Given, None),
        Some(Host::Domain(name)) => match aim.pin {
            Some(ip) => (ip, aim.source, None),
            None => {
                let found = Box::pin(means.names.first(name, &trace)).await?;
                let changed = aim.changed(&found);
                let first = found.addresses.first().copied();
                let source = found.source();
                missing = found.missing;
                sight.learn(|result| {
                    result.remarks.extend(found.remarks);
                    result.remarks.extend(changed);
                });
                let none = || Fault::monitor(Finding::NoAddressFound);
                (first.ok_or_else(none)?, source, Some(name))
            }
        },
        None => return Err(Fault::monitor(Finding::NoHost)),
    };
    let may_ask = |ip, source| {
        let host = hop.url.host_str().unwrap_or_default();
        reach.check(ip)?;
        destination::check(host, ip, source, means.elsewhere)?;
        aim.check(host, ip)
    };
    may_ask(ip, source)?;
    match send(means, hop, ip, &trace, sight).await {
        Err(fault) if fault.local == Some(Local::NoRoute) => {
            let other = match name {
                Some(name) => Box::pin(other_family(means, name, ip)).await,
                None => return Err(fault),
            };
            let (ip, source) = match other {
                Ok(other) => other,
                // The name system kept from us the family to which there is a way.
                Err(unknown) if missing => return Err(unknown),
                Err(_) => return Err(fault),
            };
            may_ask(ip, source)?;
            trace.restart();
            Box::pin(send(means, hop, ip, &trace, sight)).await
        }
        Err(first) if first.untaken => {
            trace.restart();
            let second = Box::pin(send(means, hop, ip, &trace, sight)).await;
            match second {
                Ok(response) => {
                    let first = Box::new(first.finding);
                    let remark = Finding::SecondAnswered { first };
                    sight.learn(|result| result.remarks.push(remark));
                    Ok(response)
                }
                Err(fault) => Err(fault.after_two()),
            }
        }
        sent => sent,
    }
}

async fn other_family(
    means: &Means<'_>,
    name: &str,
    ip: IpAddr,
) -> Result<(IpAddr, Source), Fault> {
    let other = match Family::of(SocketAddr::new(ip, 0)) {
        Family::Ipv4 => Family::Ipv6,
        Family::Ipv6 => Family::Ipv4,
    };
    let found = means.names.of_family(name, other).await?;
    let first = found.addresses.first().copied();
    let none = || Fault::monitor(Finding::NoAddressFound);
    Ok((first.ok_or_else(none)?, found.source()))
}

async fn send(
    means: &Means<'_>,
    hop: &Hop,
    ip: IpAddr,
    trace: &Arc<Trace>,
    sight: &Sight,
) -> Result<Response, Fault> {
    let port = hop.url.port_or_known_default().unwrap_or(80);
    let address = SocketAddr::new(ip, port);
    sight.going_to(address);
    let client = means.base.client(means.verify).map_err(|error| {
        let why = Quoted::new(&error.to_string());
        Fault::monitor(Finding::NoClient { why })
    })?;
    let way = Way {
        trace: Arc::clone(trace),
        address,
        limit: means.connect_timeout,
        meter: Arc::default(),
    };
    let response = way
        .along(request(client, hop))
        .await
        .map_err(|error| destination::told(refused(error, trace, hop), ip))?;
    trace.mark(Mark::Head);
    sight.learn(|result| {
        result.http_status = Some(response.status().as_u16());
        let length = response.headers().get(reqwest::header::CONTENT_LENGTH);
        result.content_length = length.and_then(|length| length.to_str().ok()?.parse().ok());
        result.http_version = version(response.version());
    });
    within_header_limits(&response)?;
    Ok(response)
}

fn refused(error: reqwest::Error, trace: &Trace, hop: &Hop) -> Fault {
    let error = error.without_url();
    if error.is_builder() {
        return Fault::unaskable(Finding::Unrequestable).at(Phase::Connect);
    }
    classify::failure(&error, trace, hop.url.host_str().unwrap_or_default())
}

/// Begins the hop's request.
fn request(
    client: &Client,
    hop: &Hop,
) -> impl Future<Output = Result<Response, reqwest::Error>> + use<> {
    let mut headers = hop.headers.clone();
    if let Some(brought) = &hop.cookies {
        cookies::put(&mut headers, brought);
    }
    // A builder makes a header of the URL's credentials; where there are none, the headers need not be put in one by one.
    let request = if hop.url.username().is_empty() && hop.url.password().is_none() {
        let mut request = Request::new(hop.method.clone(), hop.url.clone());
        *request.headers_mut() = headers;
        Ok(request)
    } else {
        let builder = client.request(hop.method.clone(), hop.url.clone());
        builder.headers(headers).build()
    };
    let sending = request.map(|mut request| {
        *request.body_mut() = hop.body.clone().map(Into::into);
        client.execute(request)
    });
    async { sending?.await }
}

fn version(version: Version) -> Option<HttpVersion> {
    [
        (Version::HTTP_09, HttpVersion::Http09),
        (Version::HTTP_10, HttpVersion::Http10),
        (Version::HTTP_11, HttpVersion::Http11),
        (Version::HTTP_2, HttpVersion::Http2),
    ]
    .into_iter()
    .find_map(|(theirs, ours)| (theirs == version).then_some(ours))
}

fn within_header_limits(response: &Response) -> Result<(), Fault> {
    let headers = response.headers();
    let bytes: usize = headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum();
    if headers.len() > limits::HEADER_LINES || bytes > limits::HEADER_BYTES {
        return Err(classify::headers_too_large().at(crate::model::Phase::FirstByte));
    }
    Ok(())
}
