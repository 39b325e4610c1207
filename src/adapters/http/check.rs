//! One URL checked once: hop after hop under one deadline, then judged.
//!
//! The deadline is the profile's `timeout` and nothing outlives it. When it strikes, the phase in which the check was
//! stuck names the cause: `dns`, `connect_timeout`, `tls_timeout`, or `response_timeout` for head and body.
//!
//! Of several remarks the first of these is told: a fault, `maintenance`, `certificate_expiring`, `slow`. A status
//! that is not expected is told even when the body behind it breaks. A `Retry-After` counts when it asks to wait at
//! all; it is capped at 15 minutes. A final 1xx is never an answer.

use std::net::IpAddr;
use std::time::Duration;

use reqwest::header::{self, HeaderMap};
use reqwest::{Response, StatusCode};
use url::Url;

use super::World;
use super::body::{self, Body};
use super::classify::{self, Fault};
use super::exchange::{Means, exchange};
use super::follow::{self, Hop, Reach};
use super::request;
use super::text::{self, Secrets};
use super::trace::{Mark, Sight, Trace};
use super::{certificate, tls};
use crate::model::{Cause, CheckResult, Finding, Phase, Profile, Seen};

/// Longest wait that a `Retry-After` can ask for.
const RETRY_AFTER_CAP: Duration = Duration::from_secs(15 * 60);

/// Kept of a body that no expectation reads: enough for an excerpt.
const EXCERPT_BYTES: u64 = 4096;

/// Time for the excerpt of a response whose status has decided already.
const EXCERPT_WAIT: Duration = Duration::from_secs(1);

/// Checks `url`; `pin` in place of what its name says.
pub(super) async fn check(
    world: &World,
    profile: &Profile,
    url: &Url,
    pin: Option<IpAddr>,
) -> CheckResult {
    let sight = Sight::new(&text::shown(url));
    let (found, secrets) = match request::first(profile, url, world.nonce()) {
        Err(fault) => (Err(fault), Secrets::default()),
        Ok(hop) => {
            let secrets = Secrets::of(url, &hop.headers);
            let walk = walk(world, profile, hop, pin, &sight);
            let found = match tokio::time::timeout(profile.timeout, walk).await {
                Ok(found) => found,
                Err(_) => Err(stuck(&sight, profile.timeout)),
            };
            (found, secrets)
        }
    };
    let mut result = sight.result();
    result.finding = match found {
        Err(fault) => told(fault, &result),
        Ok(()) => remark(profile, &result),
    };
    if let Finding::Found { detail, .. } = &mut result.finding {
        *detail = secrets.redact(detail);
    }
    result
}

/// A fault as a finding; behind redirects, with the place where it is.
fn told(mut fault: Fault, result: &CheckResult) -> Finding {
    if let Some(url) = &result.final_url {
        fault.detail = format!(
            "{} (at {url}, after {} redirects)",
            fault.detail, result.redirects
        );
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

/// Goes from hop to hop and judges the last.
async fn walk(
    world: &World,
    profile: &Profile,
    first: Hop,
    pin: Option<IpAddr>,
    sight: &Sight,
) -> Result<(), Fault> {
    let base = world.tls.of(profile)?;
    let means = Means {
        names: &world.names,
        base: &base,
        verify: profile.tls.verify,
        connect_timeout: profile.connect_timeout,
    };
    let own_host = first.url.host_str().map(str::to_owned);
    let mut own_address = None;
    let mut visited = vec![];
    let mut hop = first;
    loop {
        let host = hop.url.host_str();
        let at_home = host == own_host.as_deref();
        let reach = Reach::of(own_address, own_host.as_deref(), host);
        let pin = pin.filter(|_| at_home);
        visited.push(hop.url.clone());
        let response = exchange(&means, &hop, pin, reach, sight).await?;
        own_address = own_address.or(sight.result().address.map(|a| a.ip()));
        let (status, headers) = (response.status(), response.headers());
        let next = follow::next(&hop, status, headers, profile.redirects, &visited)?;
        let Some(mut next) = next else {
            return judge(profile, response, &hop.url, sight).await;
        };
        if next.url.host_str() == own_host.as_deref() {
            request::bypass(&mut next.headers, profile.cache_bypass);
        }
        sight.learn(|result| {
            result.redirects = result.redirects.saturating_add(1);
            result.final_url = Some(text::shown_foreign(&next.url));
        });
        hop = next;
    }
}

/// Reads the body and compares with what is expected.
async fn judge(
    profile: &Profile,
    mut response: Response,
    url: &Url,
    sight: &Sight,
) -> Result<(), Fault> {
    let trace = sight.trace();
    let status = response.status();
    let headers = response.headers().clone();
    let wait = retry_after(status, &headers);
    sight.learn(|result| result.retry_after = wait);
    if status.is_informational() {
        let detail = format!("HTTP status {} is not an answer", status.as_u16());
        return Err(Fault::new(Cause::Status, detail).at(Phase::FirstByte));
    }
    let body = if profile.expect.accepts(status.as_u16()) {
        whole(profile, &mut response, url, sight, &trace).await?
    } else {
        let reading = body::read(&mut response, EXCERPT_BYTES, EXCERPT_BYTES, sight);
        let read = tokio::time::timeout(EXCERPT_WAIT, reading).await;
        read.ok().and_then(Result::ok).unwrap_or_default()
    };
    trace.mark(Mark::End);
    unmet(profile, status, &headers, &body, wait)
}

async fn whole(
    profile: &Profile,
    response: &mut Response,
    url: &Url,
    sight: &Sight,
    trace: &Trace,
) -> Result<Body, Fault> {
    let keep = if profile.expect.reads_body() {
        profile.max_body
    } else {
        EXCERPT_BYTES
    };
    let read = body::read(response, profile.max_body, keep, sight).await;
    read.map_err(|error| {
        let host = url.host_str().unwrap_or_default();
        classify::failure(&error.without_url(), trace, host)
    })
}

fn unmet(
    profile: &Profile,
    status: StatusCode,
    headers: &HeaderMap,
    body: &Body,
    wait: Option<Duration>,
) -> Result<(), Fault> {
    let text = body::text(&body.bytes, headers);
    let pairs: Vec<(String, String)> = headers
        .iter()
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.as_str().to_owned(), value)
        })
        .collect();
    let seen = Seen {
        status: status.as_u16(),
        headers: &pairs,
        retry_after: wait.is_some(),
        body: &text,
        capped: body.capped,
    };
    let Some(unmet) = profile.expect.unmet(&seen) else {
        return Ok(());
    };
    let mut detail = unmet.detail;
    if let Some(wait) = wait {
        detail = format!("{detail}; Retry-After {} s", wait.as_secs());
    }
    let excerpt = text::excerpt(&text);
    if !excerpt.is_empty() {
        detail = format!("{detail}; the body begins: {excerpt}");
    }
    let phase = match unmet.cause {
        Cause::Content => Phase::Transfer,
        _ => Phase::FirstByte,
    };
    Err(Fault::new(unmet.cause, detail).at(phase))
}

/// The wait a 503 or 429 asks for, in seconds or until a date; a date counts from the response's own `Date`, so that
/// a wrong clock on either side does no harm.
fn retry_after(status: StatusCode, headers: &HeaderMap) -> Option<Duration> {
    if !matches!(status.as_u16(), 429 | 503) {
        return None;
    }
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    let seconds = match text.parse::<u64>() {
        Ok(seconds) => seconds,
        Err(_) if text.bytes().all(|b| b.is_ascii_digit()) => u64::MAX,
        Err(_) => {
            let from = headers.get(header::DATE).and_then(|d| d.to_str().ok());
            let from = from.and_then(date).unwrap_or(tls::now().0 / 1000);
            u64::try_from(date(text)?.saturating_sub(from)).ok()?
        }
    };
    Some(Duration::from_secs(seconds).min(RETRY_AFTER_CAP)).filter(|wait| !wait.is_zero())
}

/// Seconds since 1970 of an HTTP date.
fn date(text: &str) -> Option<i64> {
    let instant = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text.trim());
    instant.ok().map(|instant| instant.as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date_and_asks_to_wait() {
        let now = "Sun, 22 Nov 2026 06:00:00 GMT";
        for (value, expected) in [
            ("120", Some(120)),
            ("99999", Some(900)),
            ("99999999999999999999999", Some(900)),
            ("Sun, 22 Nov 2026 06:02:00 GMT", Some(120)),
            ("Sun, 22 Nov 2026 05:00:00 GMT", None),
            ("0", None),
            ("-5", None),
            ("soon", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::DATE, now.parse().unwrap());
            headers.insert(header::RETRY_AFTER, value.parse().unwrap());
            let wait = retry_after(StatusCode::SERVICE_UNAVAILABLE, &headers);
            assert_eq!(wait, expected.map(Duration::from_secs), "{value}");
            assert_eq!(retry_after(StatusCode::OK, &headers), None);
        }
    }
}
