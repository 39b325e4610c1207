//! Spans of time as people write them on the command line, the same way as in the configuration: numbers with units,
//! largest first, `90s`, `5m`, `2h30m`, `1d`. A bare number is refused, because its unit is anybody's guess.

use std::time::Duration;

/// Why a text is not a span.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpanError {
    /// `5`.
    #[error("a bare number; write `{0}m` for minutes or `{0}s` for seconds")]
    Bare(u64),
    /// `0s`.
    #[error("must be longer than zero")]
    Zero,
    /// Longer than the program can count, or than a century.
    #[error("too long; at most 36500d")]
    TooLong,
    /// Anything else.
    #[error("not a span of time; write a number with a unit, such as `90s`, `5m`, `2h30m` or `1d`")]
    Malformed,
}

/// Units, largest first, in milliseconds.
const UNITS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

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
    let mut rest = text;
    let mut total: u64 = 0;
    let mut units = UNITS.iter();
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, tail) = rest.split_at(digits);
        let letters = tail.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (word, tail) = tail.split_at(letters);
        // The iterator only moves on: each unit at most once, and in order.
        let (_, size) = units
            .find(|(unit, _)| *unit == word)
            .ok_or(SpanError::Malformed)?;
        if digits == 0 {
            return Err(SpanError::Malformed);
        }
        total = number
            .parse::<u64>()
            .ok()
            .and_then(|number| number.checked_mul(*size))
            .and_then(|part| part.checked_add(total))
            .ok_or(SpanError::TooLong)?;
        rest = tail;
    }
    let whole = Duration::from_millis(total);
    if text.is_empty() {
        Err(SpanError::Malformed)
    } else if whole.is_zero() {
        Err(SpanError::Zero)
    } else if whole > LONGEST {
        Err(SpanError::TooLong)
    } else {
        Ok(whole)
    }
}
