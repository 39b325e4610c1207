//! Spans of time as people write them on the command line, the same way as in the configuration: numbers with units,
//! largest first, `90s`, `5m`, `2h30m`, `1d`. A bare number is refused, because its unit is anybody's guess.

use std::time::Duration;

use crate::model::parse_span;

/// Why a text is not a span.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpanError {
    /// `5`.
    #[error("a bare number; write `{0}m` for minutes or `{0}s` for seconds")]
    Bare(u64),
    /// `0s`.
    #[error("must be longer than zero")]
    Zero,
    /// Anything else.
    #[error(
        "not a span of time up to 36500d; write a number with a unit, such as `90s`, `5m`, `2h30m` or `1d`"
    )]
    Malformed,
}

/// A century: nothing longer is meant, and arithmetic with it cannot overflow.
const LONGEST: Duration = Duration::from_secs(36_500 * 86_400);

/// Reads a span.
///
/// # Errors
/// When it is not one, with what to write instead.
pub fn span(text: &str) -> Result<Duration, SpanError> {
    if let Ok(number) = text.parse::<u64>() {
        // "write `0m`" would be poor advice.
        return Err(SpanError::Bare(number.max(1)));
    }
    let whole = parse_span(text).filter(|whole| *whole <= LONGEST);
    let whole = whole.ok_or(SpanError::Malformed)?;
    if whole.is_zero() {
        return Err(SpanError::Zero);
    }
    Ok(whole)
}
