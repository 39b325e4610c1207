//! Spans of time as people say them at the terminal.

use std::time::Duration;

use super::words::Voice;

/// As the mails say it in English ([`Voice::span`]): `2m 10s`, `1h 5m`, `3d 4h`, `850ms`.
#[must_use]
pub fn span(duration: Duration) -> String {
    Voice::english().span(duration)
}
