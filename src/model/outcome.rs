//! What one check of one URL found, as the prober saw it; nothing is judged here beyond naming the cause.

use std::net::SocketAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Blame, Cause, CertificateFault, Timestamp};

/// An address family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// IPv4.
    Ipv4,
    /// IPv6.
    Ipv6,
}

impl Family {
    /// The family of an address.
    #[must_use]
    pub const fn of(address: SocketAddr) -> Self {
        if address.is_ipv4() {
            Self::Ipv4
        } else {
            Self::Ipv6
        }
    }

    /// `ipv4` or `ipv6`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ipv4 => "ipv4",
            Self::Ipv6 => "ipv6",
        }
    }
}

/// The part of an exchange in which something happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Resolving the name.
    Dns,
    /// TCP connect.
    Connect,
    /// TLS handshake.
    Tls,
    /// From the request being sent to the response's head.
    FirstByte,
    /// The response's body.
    Transfer,
}

impl Phase {
    /// The word of the JSON key.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::FirstByte => "first_byte",
            Self::Transfer => "transfer",
        }
    }
}

/// How long each phase of the last hop took; `None` is a phase that did not end or did not take place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Timings {
    /// Resolving the name.
    pub dns: Option<Duration>,
    /// TCP connect.
    pub connect: Option<Duration>,
    /// TLS handshake.
    pub tls: Option<Duration>,
    /// From the request being sent to the response's head.
    pub first_byte: Option<Duration>,
    /// The response's body.
    pub transfer: Option<Duration>,
    /// All hops together.
    pub total: Duration,
}

/// The certificate the peer showed, whether or not it was acceptable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// First moment it is valid.
    pub not_before: Timestamp,
    /// Last moment it is valid.
    pub not_after: Timestamp,
    /// Whole days from the probe to `not_after`; negative when it has passed.
    pub days_left: i64,
    /// Subject, as one line.
    pub subject: String,
    /// Issuer, as one line.
    pub issuer: String,
    /// The names it is for, at most [`super::limits::CERTIFICATE_NAMES`].
    pub names: Vec<String>,
    /// SHA-256 of the certificate, hexadecimal.
    pub fingerprint: String,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// All as expected.
    Ok,
    /// Not as expected, or a remark (`slow`, `maintenance`, `certificate_expiring`).
    Found {
        /// What.
        cause: Cause,
        /// For `tls_certificate`: which fault.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        certificate_fault: Option<CertificateFault>,
        /// What was seen, in words an operator understands; cleaned of control characters, at most
        /// [`super::limits::DETAIL_CHARS`] characters, without credentials.
        detail: String,
        /// Where it happened.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        phase: Option<Phase>,
    },
}

/// One URL checked once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckResult {
    /// The URL as configured, without credentials.
    pub url: String,
    /// What was found.
    pub finding: Finding,
    /// The address of the last hop, when a connection was attempted.
    pub address: Option<SocketAddr>,
    /// Status of the last response.
    pub http_status: Option<u16>,
    /// `1.0`, `1.1` or `2`.
    pub http_version: Option<String>,
    /// Redirects followed.
    pub redirects: u8,
    /// The URL the last hop went to, when redirects were followed; without credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub final_url: Option<String>,
    /// Decoded body bytes that were read.
    pub body_bytes: u64,
    /// `Retry-After` of a 503 or 429, as a span from the probe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<Duration>,
    /// Phase timings.
    pub timings: Timings,
    /// What the peer showed.
    pub certificate: Option<Certificate>,
}

impl CheckResult {
    /// A result that says only what was found; the prober fills in the rest as it learns it.
    #[must_use]
    pub fn new(url: &str, finding: Finding) -> Self {
        Self {
            url: url.to_owned(),
            finding,
            address: None,
            http_status: None,
            http_version: None,
            redirects: 0,
            final_url: None,
            body_bytes: 0,
            retry_after: None,
            timings: Timings::default(),
            certificate: None,
        }
    }

    /// The cause, if something was found.
    #[must_use]
    pub const fn cause(&self) -> Option<Cause> {
        match &self.finding {
            Finding::Ok => None,
            Finding::Found { cause, .. } => Some(*cause),
        }
    }

    /// What was seen, or nothing when all is well.
    #[must_use]
    pub fn detail(&self) -> &str {
        match &self.finding {
            Finding::Ok => "",
            Finding::Found { detail, .. } => detail,
        }
    }

    /// Neither a fault nor our own doing: `Ok`, or a remark that nobody is to blame for.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.cause()
            .is_none_or(|cause| cause.blame() == Blame::Nobody)
    }
}
