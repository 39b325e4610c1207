//! One URL checked once: hop after hop under one deadline, then judged.
//!
//! The deadline is the profile's `timeout` and nothing outlives it. When it strikes, the phase in which the check was
//! stuck names the cause: `dns`, `connect_timeout`, `tls_timeout`, or `response_timeout` for head and body.
//! Of several remarks the first of these is told: a fault, `maintenance`, `certificate_expiring`, `slow`.

use std::pin::pin;
use std::time::Duration;

use url::Url;

use super::World;
use super::exchange::{Aim, Means};
use super::fault::Fault;
use super::follow::{self, Hop, Reach};
use super::judge::judge;
use super::text::{self, Secrets};
use super::trace::Sight;
use super::{banner, certificate, request, second, tls};
use crate::model::{Cause, CheckResult, Finding, Phase, Profile};

/// Checks `url` at what `aim` says of its host.
pub(super) async fn check(
    world: &World,
    profile: &Profile,
    url: &Url,
    aim: Aim<'_>,
) -> CheckResult {
    let sight = Sight::new(&text::shown(url));
    let (found, secrets) = match request::first(profile, url, world.nonce()) {
        Err(fault) => (Err(fault), Secrets::default()),
        Ok(hop) => {
            let secrets = Secrets::of(url, &hop.headers);
            // In its place: what is large is not moved about.
            let walk = pin!(walk(world, profile, url, hop, aim, &sight));
            let found = match tokio::time::timeout(profile.timeout, walk).await {
                Ok(found) => found,
                Err(_) => Err(stuck(&sight, profile.timeout)),
            };
            (found, secrets)
        }
    };
    let mut result = sight.into_result();
    result.finding = match found {
        Err(fault) => told(fault, &result),
        Ok(()) => remark(profile, &result),
    };
    if let Finding::Found { detail, .. } = &mut result.finding {
        *detail = secrets.redact(detail);
    }
    for remark in &mut result.remarks {
        *remark = secrets.redact(remark);
    }
    result
}

/// A fault as a finding; behind redirects, with the place where it is.
fn told(mut fault: Fault, result: &CheckResult) -> Finding {
    if let Some(url) = &result.final_url {
        let count = match result.redirects {
            1 => "1 redirect".to_owned(),
            more => format!("{more} redirects"),
        };
        fault.detail = format!("{} (at {url}, after {count})", fault.detail);
    }
    fault.into()
}

fn remark(profile: &Profile, result: &CheckResult) -> Finding {
    let expiring = result
        .certificate
        .as_ref()
        .and_then(|shown| certificate::expiring(shown, &profile.tls.warn_before, tls::now()));
    if let Some(detail) = expiring {
        return Fault::new(Cause::CertificateExpiring, detail)
            .at(Phase::Tls)
            .into();
    }
    let total = result.timings.total;
    match profile.slow {
        Some(limit) if total > limit => {
            let detail = format!("took {}, slower than {}", seconds(total), seconds(limit));
            Fault::new(Cause::Slow, detail).into()
        }
        _ => Finding::Ok,
    }
}

fn seconds(span: Duration) -> String {
    format!("{:.1} s", span.as_secs_f64())
}

fn stuck(sight: &Sight, timeout: Duration) -> Fault {
    let limit = seconds(timeout);
    let phase = sight.trace().phase();
    let so_far = sight.result();
    let (cause, detail) = match phase {
        Phase::Dns => (
            Cause::Dns,
            format!("no name server answered within {limit}"),
        ),
        Phase::Connect => (
            Cause::ConnectTimeout,
            format!("no answer to the connection attempt within {limit}"),
        ),
        Phase::Tls => (
            Cause::TlsTimeout,
            format!("connected, but the TLS handshake did not end within {limit}"),
        ),
        Phase::FirstByte => (
            Cause::ResponseTimeout,
            format!("connected and asked, but no whole response head came within {limit}"),
        ),
        Phase::Transfer => (
            Cause::ResponseTimeout,
            format!(
                "HTTP status {} came, but the body did not end within {limit} ({} bytes until then)",
                so_far.http_status.unwrap_or_default(),
                so_far.body_bytes
            ),
        ),
    };
    Fault::new(cause, detail).at(phase)
}

/// Goes from hop to hop, beginning at the host of `url`, and judges the last.
async fn walk(
    world: &World,
    profile: &Profile,
    url: &Url,
    first: Hop,
    aim: Aim<'_>,
    sight: &Sight,
) -> Result<(), Fault> {
    let base = world.tls.of(profile)?;
    sight.learn(|result| result.remarks.extend(base.remark(tls::now())));
    let means = Means {
        names: &world.names,
        base: &base,
        verify: profile.tls.verify,
        connect_timeout: profile.connect_timeout,
        elsewhere: profile.elsewhere,
    };
    let own_host = url.host_str();
    let mut own_address = None;
    let mut visited = vec![];
    let mut hop = first;
    loop {
        let host = hop.url.host_str();
        let at_home = host == own_host;
        let reach = Reach::of(own_address, own_host, host);
        let aim = if at_home { aim } else { Aim::default() };
        let asked = second::exchange(world, profile, &means, &hop, aim, reach, sight).await;
        let response = match asked {
            Err(fault) if fault.foreign && hop.url.scheme() == "http" => {
                let left = profile.timeout.saturating_sub(sight.result().timings.total);
                return Err(Box::pin(banner::named(fault, sight.address(), left)).await);
            }
            Err(fault) if !visited.is_empty() => return Err(fault.of_a_redirect()),
            response => response?,
        };
        own_address = own_address.or(sight.address().map(|a| a.ip()));
        let (status, headers) = (response.status(), response.headers());
        let next = follow::next(&hop, status, headers, profile.redirects, &visited)?;
        let Some(mut next) = next else {
            let remark = world.canary_clock.remark(headers);
            sight.learn(|result| result.remarks.extend(remark));
            return judge(profile, response, &hop.url, sight).await;
        };
        if next.url.host_str() == own_host {
            request::bypass(&mut next.headers, profile.cache_bypass);
        }
        sight.redirected(text::shown_foreign(&next.url));
        visited.push(std::mem::replace(&mut hop, next).url);
    }
}
