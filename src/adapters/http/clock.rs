//! Dates and waits as HTTP writes them (RFC 9110 §5.6.7, §10.2.3), in all three forms that a reader must know, and whose clock
//! is wrong where a server's is not ours.
//!
//! Two clocks differ when it is by more than an hour ([`limits::CLOCK_SLACK`]): a remark, with whom the canaries' last `Date`
//! sides. Where a certificate was refused for its dates, which fit the server's clock, and the canaries side with the server, our
//! own clock is the fault (`monitor`). A site can say any time: where no canary has told one, the finding stays and the doubt is
//! said.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use reqwest::header::{self, HeaderMap};
use rustls::time_provider::{DefaultTimeProvider, TimeProvider};

use super::fault::Fault;
use crate::model::{Certificate, CertificateFault, Finding, Hours, Phase, Timestamp, limits};

/// The wait that is asked for, in seconds or until a date; a date counts from the response's own `Date`, so that
/// a wrong clock on either side does no harm. Of several, the longest.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let values = headers.get_all(header::RETRY_AFTER).iter();
    values
        .filter_map(|value| one(value.to_str().ok()?.trim(), headers))
        .max()
}

fn one(text: &str, headers: &HeaderMap) -> Option<Duration> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let seconds = if digits {
        text.parse::<u64>().unwrap_or(u64::MAX)
    } else {
        let from = told(headers).unwrap_or_else(now);
        u64::try_from(date(text)?.0.saturating_sub(from.0) / 1000).ok()?
    };
    Some(Duration::from_secs(seconds).min(limits::RETRY_AFTER)).filter(|wait| !wait.is_zero())
}

/// The server's own time.
pub(super) fn told(headers: &HeaderMap) -> Option<Timestamp> {
    date(headers.get(header::DATE)?.to_str().ok()?.trim())
}

fn date(text: &str) -> Option<Timestamp> {
    let since = httpdate::parse_http_date(text)
        .ok()?
        .duration_since(UNIX_EPOCH);
    let millis = i64::try_from(since.ok()?.as_millis()).ok()?;
    Some(Timestamp(millis))
}

/// The wall clock by which certificates are judged.
pub(super) fn now() -> Timestamp {
    let seconds = DefaultTimeProvider
        .current_time()
        .map_or(0, |t| t.as_secs());
    Timestamp(
        i64::try_from(seconds)
            .unwrap_or(i64::MAX)
            .saturating_mul(1000),
    )
}

const UNKNOWN: i64 = i64::MIN;

/// By how much the clocks of the HTTP canaries were ahead of ours when one last answered, in milliseconds.
#[derive(Debug)]
pub(super) struct CanaryClock(AtomicI64);

impl Default for CanaryClock {
    fn default() -> Self {
        Self(AtomicI64::new(UNKNOWN))
    }
}

impl CanaryClock {
    /// A canary answered.
    pub(super) fn learn(&self, headers: &HeaderMap) {
        if let Some(date) = told(headers) {
            let ahead = date.0.saturating_sub(now().0).max(UNKNOWN + 1);
            self.0.store(ahead, Ordering::Relaxed);
        }
    }

    fn ahead(&self) -> Option<i64> {
        Some(self.0.load(Ordering::Relaxed)).filter(|ahead| *ahead != UNKNOWN)
    }

    /// The remark on a response whose clock is not ours.
    pub(super) fn remark(&self, headers: &HeaderMap) -> Option<Finding> {
        let ahead = told(headers)?.0.saturating_sub(now().0);
        if !is_wrong(ahead) {
            return None;
        }
        let span = hours(ahead);
        let differs = if ahead > 0 {
            Finding::ClockAhead { span }
        } else {
            Finding::ClockBehind { span }
        };
        Some(match self.ahead() {
            Some(canary) if !is_wrong(canary) => differs.and(Finding::CanaryAgreesWithUs),
            Some(canary) if !is_wrong(canary.saturating_sub(ahead)) => {
                differs.and(Finding::CanaryAgreesWithIt)
            }
            Some(_) | None => differs,
        })
    }

    /// Whether the dates of a refused certificate fit the server's clock and not ours, and who is right by the canaries.
    pub(super) fn ours_is_wrong(
        &self,
        fault: &Fault,
        shown: &Certificate,
        date: Timestamp,
    ) -> Option<Doubt> {
        let by_date = matches!(
            fault.certificate,
            Some(CertificateFault::Expired | CertificateFault::NotYetValid)
        );
        let fits = shown.not_before <= date
            && date < shown.not_after
            && shown.chain.iter().all(|link| date < link.not_after);
        let ahead = date.0.saturating_sub(now().0);
        if !by_date || !fits || !is_wrong(ahead) {
            return None;
        }
        let canary = self.ahead();
        if canary.is_some_and(|canary| !is_wrong(canary) || is_wrong(canary.saturating_sub(ahead)))
        {
            return None;
        }
        let span = hours(ahead);
        Some(if canary.is_some() {
            Doubt::Ours(Fault::monitor(Finding::OwnClockWrong { span, date }).at(Phase::Tls))
        } else {
            Doubt::Either(Finding::ClockInDoubt { span })
        })
    }
}

/// Whose clock is wrong.
pub(super) enum Doubt {
    /// Ours, by the canaries.
    Ours(Fault),
    /// Nobody else was asked.
    Either(Finding),
}

fn is_wrong(difference: i64) -> bool {
    u128::from(difference.unsigned_abs()) > limits::CLOCK_SLACK.as_millis()
}

const fn hours(millis: i64) -> Hours {
    Hours(millis.unsigned_abs() / 3_600_000)
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
            ("Sunday, 22-Nov-26 06:02:00 GMT", Some(120)),
            ("Sun Nov 22 06:02:00 2026", Some(120)),
            (" 120 ", Some(120)),
            ("Sun, 22 Nov 2026 05:00:00 GMT", None),
            ("0", None),
            ("-5", None),
            ("soon", None),
            ("1.5", None),
            ("", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::DATE, now.parse().unwrap());
            headers.insert(header::RETRY_AFTER, value.parse().unwrap());
            let wait = retry_after(&headers);
            assert_eq!(wait, expected.map(Duration::from_secs), "{value}");
        }
    }

    #[test]
    fn a_date_in_each_form() {
        for text in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
        ] {
            assert_eq!(date(text), Some(Timestamp(784_111_777_000)), "{text}");
        }
        assert_eq!(date("yesterday"), None);
    }

    #[test]
    fn of_several_waits_the_longest() {
        let mut headers = HeaderMap::new();
        for value in ["0", "nonsense", "120", "30"] {
            headers.append(header::RETRY_AFTER, value.parse().unwrap());
        }
        assert_eq!(retry_after(&headers), Some(Duration::from_secs(120)));
    }
}
