//! One URL checked once: hop after hop under one deadline, then judged.
//!
//! The deadline is the profile's `timeout` and nothing outlives it. When it strikes, the phase in which the check was
//! stuck names the cause: `dns`, `connect_timeout`, `tls_timeout`, or `response_timeout` for head and body.
//! Of several remarks the first of these is told: a fault, `maintenance`, `certificate_expiring`, `slow`.

use std::pin::pin;
use std::time::Duration;

use url::Url;

use super::certificate::read;
use super::fault::Fault;
use super::hop::cookies::Jar;
use super::hop::{Aim, Hop, Means, Reach, listener, redirect, request, second_look};
use super::judge::judge;
use super::redact::{self, Secrets};
use super::trace::Sight;
use super::{World, clock};
use crate::model::{
    Cause, CheckOutcome, CheckResult, Finding, Phase, Profile, Quoted, Redirects, Seconds,
};

/// Checks `url` at what `aim` says of its host.
pub(super) async fn check(
    world: &World,
    profile: &Profile,
    url: &Url,
    aim: Aim<'_>,
) -> CheckResult {
    let sight = Sight::new(&profile.shown(url));
    let (found, secrets) = match request::first(profile, url, world.nonce()) {
        Err(fault) => (Err(fault), Secrets::default()),
        Ok(hop) => {
            let secrets = Secrets::of(url, &hop.headers);
            let mut jar = Jar::default();
            let found = {
                // In its place: what is large is not moved about.
                let walk = pin!(walk(world, profile, url, hop, aim, &sight, &mut jar));
                match tokio::time::timeout(profile.timeout, walk).await {
                    Ok(found) => found,
                    Err(_) => Err(stuck(&sight, profile.timeout)),
                }
            };
            (found, secrets.with(jar.values()))
        }
    };
    let mut result = sight.into_result();
    result.outcome = match found {
        Err(fault) => told(fault, &result),
        Ok(()) => remark(profile, &result),
    };
    let found = match &mut result.outcome {
        CheckOutcome::Found { finding, .. } => Some(&mut **finding),
        CheckOutcome::Ok => None,
    };
    for finding in found.into_iter().chain(&mut result.remarks) {
        finding.change_texts(&mut |text| secrets.redact(text));
    }
    result
}

/// How a check with a fault came out; behind redirects, with the place where the fault is.
fn told(mut fault: Fault, result: &CheckResult) -> CheckOutcome {
    if let Some(url) = &result.final_url {
        fault.finding = Finding::Behind {
            finding: Box::new(fault.finding),
            url: Quoted::new(url),
            redirects: Redirects(result.redirects.into()),
        };
    }
    fault.into()
}

fn remark(profile: &Profile, result: &CheckResult) -> CheckOutcome {
    let expiring = result
        .certificate
        .as_ref()
        .and_then(|shown| read::expiring(shown, &profile.tls.warn_before, clock::now()));
    if let Some(finding) = expiring {
        return Fault::new(Cause::CertificateExpiring, finding)
            .at(Phase::Tls)
            .into();
    }
    let total = result.timings.total;
    match profile.slow {
        Some(limit) if total > limit => {
            let finding = Finding::TookLonger {
                total: Seconds(total),
                limit: Seconds(limit),
            };
            Fault::new(Cause::Slow, finding).into()
        }
        _ => CheckOutcome::Ok,
    }
}

fn stuck(sight: &Sight, timeout: Duration) -> Fault {
    let limit = Seconds(timeout);
    let phase = sight.trace().phase();
    let so_far = sight.result();
    let (cause, finding) = match phase {
        Phase::Dns => (Cause::Dns, Finding::NoNameServerWithin { limit }),
        Phase::Connect => (
            Cause::ConnectTimeout,
            Finding::ConnectSilentWithin { limit },
        ),
        Phase::Tls => (Cause::TlsTimeout, Finding::HandshakeWithin { limit }),
        Phase::FirstByte => (Cause::ResponseTimeout, Finding::HeadWithin { limit }),
        Phase::Transfer => {
            let finding = Finding::BodyWithin {
                status: so_far.http_status.unwrap_or_default().into(),
                limit,
                bytes: so_far.body_bytes,
            };
            (Cause::ResponseTimeout, finding)
        }
    };
    Fault::new(cause, finding).at(phase)
}

/// Goes from hop to hop, beginning at the host of `url`, and judges the last.
async fn walk(
    world: &World,
    profile: &Profile,
    url: &Url,
    first: Hop,
    aim: Aim<'_>,
    sight: &Sight,
    jar: &mut Jar,
) -> Result<(), Fault> {
    let base = world.tls.of(profile)?;
    sight.learn(|result| result.remarks.extend(base.remark(clock::now())));
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
        let asked = second_look::exchange(world, profile, &means, &hop, aim, reach, sight).await;
        let response = match asked {
            Err(fault) if fault.foreign && hop.url.scheme() == "http" => {
                let left = profile.timeout.saturating_sub(sight.result().timings.total);
                return Err(Box::pin(listener::named(fault, sight.address(), left)).await);
            }
            Err(fault) if !visited.is_empty() => return Err(fault.of_a_redirect()),
            response => response?,
        };
        own_address = own_address.or(sight.address().map(|a| a.ip()));
        let (status, headers) = (response.status(), response.headers());
        let next = redirect::next(&hop, status, headers, profile.redirects, &visited, jar)?;
        let Some(mut next) = next else {
            let remark = world.canary_clock.remark(headers);
            sight.learn(|result| result.remarks.extend(remark));
            return judge(profile, response, &hop.url, sight).await;
        };
        if next.url.host_str() == own_host {
            request::bypass(&mut next.headers, profile.cache_bypass);
        }
        sight.redirected(redact::shown_foreign(&next.url));
        visited.push(std::mem::replace(&mut hop, next));
    }
}
