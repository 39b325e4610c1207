//! What a check saw that is not well, as people are told of it: kept as facts, so that each language can put it into
//! words.

use std::fmt;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::{Cause, Finding, Phase};

/// What one check saw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Observation {
    /// A check of a URL that is not well.
    Check {
        /// The URL, as it may be shown.
        #[serde(deserialize_with = "super::shown::read")]
        url: String,
        /// What was found.
        cause: Cause,
        /// What was seen.
        #[serde(rename = "detail")]
        finding: Box<Finding>,
        /// Where it was asked.
        address: Option<SocketAddr>,
        /// In which part of the exchange.
        phase: Option<Phase>,
    },
    /// A finding that belongs to no check.
    Alone(Finding),
}

/// One line, in English.
impl fmt::Display for Observation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Alone(finding) => f.write_str(&finding.detail()),
            Self::Check {
                url,
                cause,
                finding,
                address,
                phase: _,
            } => {
                let detail = finding.detail();
                if finding.names(*cause) {
                    write!(f, "{url}: {detail}")?;
                } else {
                    write!(f, "{url}: {}: {detail}", cause.phrase())?;
                }
                address.map_or(Ok(()), |address| write!(f, " (at {address})"))
            }
        }
    }
}
