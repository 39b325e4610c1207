//! Whether a response is what the profile expects.
//!
//! A status that is not expected is told even when the body behind it breaks. A final 1xx is never an answer. A
//! `Retry-After` counts when it asks to wait at all; it is capped at 15 minutes. The beginning of the body is quoted
//! only where an expectation is not met.

use std::time::Duration;

use reqwest::header::{self, HeaderMap};
use reqwest::{Response, StatusCode};
use url::Url;

use super::body::{self, Body, Broken};
use super::classify;
use super::fault::Fault;
use super::trace::{Mark, Sight, Trace};
use super::{text, tls};
use crate::model::{Cause, Phase, Profile, Seen};

/// Longest wait that a `Retry-After` can ask for.
const RETRY_AFTER_CAP: Duration = Duration::from_secs(15 * 60);

/// Kept of a body that no expectation reads: enough for an excerpt.
const EXCERPT_BYTES: u64 = 4096;

/// Time for the excerpt of a response whose status has decided already.
const EXCERPT_WAIT: Duration = Duration::from_secs(1);

/// Reads the body and compares with what is expected.
pub(super) async fn judge(
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
    read.map_err(|broken| match broken {
        Broken::Encoding(words) => Fault::new(Cause::Encoding, words).at(Phase::Transfer),
        Broken::Wire(error) => {
            let host = url.host_str().unwrap_or_default();
            classify::failure(&error.without_url(), trace, host)
        }
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
    let phase = if unmet.cause == Cause::Content {
        Phase::Transfer
    } else {
        Phase::FirstByte
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
