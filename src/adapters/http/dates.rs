//! Dates and waits as HTTP writes them (RFC 9110 §5.6.7, §10.2.3), in all three forms that a reader must know.

use std::time::{Duration, UNIX_EPOCH};

use reqwest::header::{self, HeaderMap};

use super::tls;
use crate::model::{Timestamp, limits};

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
        let from = told(headers).unwrap_or_else(tls::now);
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
