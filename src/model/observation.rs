//! What a check saw that is not well, kept as facts, so that each language can word it.

use std::fmt;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::{Cause, Phase};

/// What one check saw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Observation {
    /// That something is not well.
    Check {
        /// The URL, without credentials.
        url: String,
        /// What was found.
        cause: Cause,
        /// In the prober's words.
        detail: String,
        /// Where it was asked.
        address: Option<SocketAddr>,
        /// In which part of the exchange.
        phase: Option<Phase>,
    },
    /// A line of words.
    Line(String),
}

impl From<&str> for Observation {
    fn from(line: &str) -> Self {
        Self::Line(line.to_owned())
    }
}

/// One line, in English.
impl fmt::Display for Observation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => f.write_str(line),
            Self::Check {
                url,
                cause,
                detail,
                address,
                phase: _,
            } => {
                let cause = cause.phrase();
                // Many a detail begins with the phrase itself; nobody wants to read it twice.
                match detail.as_str() {
                    "" => write!(f, "{url}: {cause}")?,
                    detail if detail.starts_with(cause) => write!(f, "{url}: {detail}")?,
                    detail => write!(f, "{url}: {cause}: {detail}")?,
                }
                address.map_or(Ok(()), |address| write!(f, " (at {address})"))
            }
        }
    }
}
