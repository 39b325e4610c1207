//! What a check saw that is not well, kept as facts, so that each language can word it.

use std::fmt;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::{Cause, Finding, Phase};

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
        /// What was seen.
        #[serde(rename = "detail")]
        finding: Box<Finding>,
        /// Where it was asked.
        address: Option<SocketAddr>,
        /// In which part of the exchange.
        phase: Option<Phase>,
    },
    /// Something that is no check's.
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
