//! Second looks: what more can be said of a hop that failed in TLS, inside the same deadline. None of them makes a site up
//! behind a certificate that was refused.
//!
//! - A refused certificate: the path is asked once more without verification, and the detail gets the status behind it.
//!   The query, credentials, client certificate, and every header that does not travel stay here.
//! - Dates that do not fit, while the server's `Date` says a time at which they would: our own clock may be wrong, and then is
//!   the fault (`clock`).
//! - No TLS on the port: the first bytes of a plain connection say what is there.
//! - A head that HTTP/2 does not allow: over HTTP/1.1 it shows what is wrong with it. The site is not up for that: some browsers refuse
//!   it, too. Only GET and HEAD are sent again.
//! - A server that knows none of the protocols we offer (ALPN) is asked once more without an offer; that answer counts.

use std::net::SocketAddr;
use std::time::Duration;

use reqwest::{Method, Response};
use tokio::time::timeout;

use super::exchange::{self, Aim, Means};
use super::listener;
use super::redirect::{Hop, Reach};
use crate::adapters::http::clock::{self, Doubt};
use crate::adapters::http::fault::Fault;
use crate::adapters::http::trace::Sight;
use crate::adapters::http::{World, redact};
use crate::model::{Cause, Finding, Profile, Quoted, limits};

/// One hop, with a second look where it failed in TLS.
pub(in crate::adapters::http) async fn exchange(
    world: &World,
    profile: &Profile,
    means: &Means<'_>,
    hop: &Hop,
    aim: Aim<'_>,
    reach: Reach,
    sight: &Sight,
) -> Result<Response, Fault> {
    let fault = match exchange::exchange(means, hop, aim, reach, sight).await {
        Ok(response) => return Ok(response),
        Err(fault) => fault,
    };
    // Apart: a probe of a site that is well has no room to carry about for it.
    Box::pin(look(world, profile, means, hop, aim, reach, sight, fault)).await
}

#[expect(clippy::too_many_arguments, reason = "the same hop, and what it met")]
async fn look(
    world: &World,
    profile: &Profile,
    means: &Means<'_>,
    hop: &Hop,
    aim: Aim<'_>,
    reach: Reach,
    sight: &Sight,
    fault: Fault,
) -> Result<Response, Fault> {
    let left = profile.timeout.saturating_sub(sight.elapsed());
    let limit = (left / 4 * 3).min(limits::SECOND_LOOK);
    let address = sight.address();
    if fault.certificate.is_some() {
        return Err(behind(world, means, hop, address, sight, fault, limit).await);
    }
    if fault.cause == Cause::NotTls {
        let found = match address {
            Some(address) => timeout(limit, listener::behind_no_tls(address))
                .await
                .ok()
                .flatten(),
            None => None,
        };
        return Err(Fault {
            finding: found.unwrap_or_else(|| fault.finding.clone()),
            ..fault
        });
    }
    if fault.forbidden_head && matches!(hop.method, Method::GET | Method::HEAD) {
        let aim = Aim {
            pin: address.map(|address| address.ip()),
            ..aim
        };
        let seen = timeout(limit, over_http1(means, hop, aim, reach)).await;
        let finding = match seen.ok().flatten() {
            Some(seen) => fault.finding.and(seen),
            None => fault.finding,
        };
        return Err(Fault { finding, ..fault });
    }
    if fault.no_protocol {
        let base = means.base.without_alpn();
        let plain = Means {
            base: &base,
            ..*means
        };
        let response = exchange::exchange(&plain, hop, aim, reach, sight).await?;
        sight.learn(|result| result.remarks.push(Finding::NoAlpnNeeded));
        return Ok(response);
    }
    Err(fault)
}

/// What of the head HTTP/2 does not allow: a server that speaks HTTP/1.1 as well shows it there. Usually it is `Upgrade: h2,h2c` of an
/// httpd behind nginx.
async fn over_http1(means: &Means<'_>, hop: &Hop, aim: Aim<'_>, reach: Reach) -> Option<Finding> {
    let base = means.base.http1_only();
    let older = Means {
        base: &base,
        ..*means
    };
    let aside = Sight::new("");
    let asked = exchange::exchange(&older, hop, aim, reach, &aside).await;
    let response = asked.ok()?;
    let status = response.status().as_u16().into();
    let headers = response.headers();
    let found = ["upgrade", "proxy-connection", "keep-alive"]
        .into_iter()
        .find_map(|name| Some((name, headers.get(name)?)));
    Some(match found {
        Some((name, value)) => {
            let value = String::from_utf8_lossy(value.as_bytes());
            let header = Quoted::new(&format!("{name}: {value}"));
            Finding::OverHttp1Sends { status, header }
        }
        None => Finding::OverHttp1Answers { status },
    })
}

async fn behind(
    world: &World,
    means: &Means<'_>,
    hop: &Hop,
    address: Option<SocketAddr>,
    sight: &Sight,
    fault: Fault,
    limit: Duration,
) -> Fault {
    let base = world.tls.shared();
    let lenient = Means {
        base: &base,
        verify: false,
        ..*means
    };
    let aim = Aim {
        pin: address.map(|address| address.ip()),
        ..Aim::default()
    };
    let aside = Sight::new("");
    let stripped = stripped(hop);
    let looking = exchange::exchange(&lenient, &stripped, aim, Reach::Anywhere, &aside);
    let looked = timeout(limit, looking).await;
    let version = aside.result().tls_version;
    sight.learn(|result| result.tls_version = version);
    let seen = match looked {
        Ok(Ok(response)) => {
            let date = clock::told(response.headers());
            let shown = sight.result().certificate;
            let doubt = date
                .zip(shown)
                .and_then(|(date, shown)| world.canary_clock.ours_is_wrong(&fault, &shown, date));
            let answers = Finding::BehindItAnswers {
                status: response.status().as_u16().into(),
            };
            match doubt {
                Some(Doubt::Ours(ours)) => return ours,
                Some(Doubt::Either(doubt)) => answers.and(doubt),
                None => answers,
            }
        }
        Ok(Err(second)) => Finding::BehindItFails {
            finding: Box::new(second.finding),
        },
        Err(_) => Finding::BehindItSilent,
    };
    Fault {
        finding: fault.finding.and(seen),
        ..fault
    }
}

/// The hop with nothing in it that only a server we know may see.
fn stripped(hop: &Hop) -> Hop {
    let mut url = hop.url.clone();
    url.set_query(None);
    // Both fail only for URLs without a host.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    let mut headers = hop.headers.clone();
    let private: Vec<_> = headers
        .keys()
        .filter(|name| !redact::travels(name))
        .cloned()
        .collect();
    for name in private {
        headers.remove(name);
    }
    let head = hop.method == Method::HEAD;
    Hop {
        url,
        method: if head { Method::HEAD } else { Method::GET },
        headers,
        body: None,
        cookies: None,
    }
}
