//! The result of one check of one URL, as the prober saw it. The prober names the cause; the rules decide what it
//! means.

use std::net::SocketAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Blame, Cause, CertificateFault, Finding, Shared, Timestamp};

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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns: Option<Duration>,
    /// TCP connect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connect: Option<Duration>,
    /// TLS handshake.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Duration>,
    /// From the request being sent to the response's head.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_byte: Option<Duration>,
    /// The response's body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transfer: Option<Duration>,
    /// All hops together.
    pub total: Duration,
}

/// A version of HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum HttpVersion {
    /// HTTP/0.9: no head at all.
    #[serde(rename = "0.9")]
    Http09,
    /// HTTP/1.0.
    #[serde(rename = "1.0")]
    Http10,
    /// HTTP/1.1.
    #[serde(rename = "1.1")]
    Http11,
    /// HTTP/2.
    #[serde(rename = "2")]
    Http2,
}

impl HttpVersion {
    /// `1.1`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Http09 => "0.9",
            Self::Http10 => "1.0",
            Self::Http11 => "1.1",
            Self::Http2 => "2",
        }
    }
}

/// A version of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum TlsVersion {
    /// TLS 1.2.
    #[serde(rename = "1.2")]
    Tls12,
    /// TLS 1.3.
    #[serde(rename = "1.3")]
    Tls13,
}

impl TlsVersion {
    /// `1.3`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Tls12 => "1.2",
            Self::Tls13 => "1.3",
        }
    }
}

/// What made the answer, as far as the answer shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    /// The web server itself: an error page of its own, or a redirect it makes without PHP.
    WebServer,
    /// A cache: the answer does not show whether what stands behind it works.
    Cache,
    /// PHP, without proof of the database.
    Php,
    /// PHP and the database.
    Database,
}

impl Layer {
    /// The word of the JSON key `layer`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::WebServer => "web_server",
            Self::Cache => "cache",
            Self::Php => "php",
            Self::Database => "database",
        }
    }
}

/// A hop that ended in a redirect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hop {
    /// Where it went; without credentials.
    pub url: String,
    /// The address it was asked at.
    pub address: Option<SocketAddr>,
    /// Its status.
    pub http_status: Option<u16>,
    /// Its protocol.
    pub http_version: Option<HttpVersion>,
    /// Its phases; `total` is the whole hop.
    pub timings: Timings,
}

/// One certificate of the chain that a peer sent, after its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainLink {
    /// Subject, as one line.
    pub subject: String,
    /// Issuer, as one line.
    pub issuer: String,
    /// Last moment it is valid.
    pub not_after: Timestamp,
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
    /// What was sent along, at most [`super::limits::CHAIN_LINKS`].
    #[serde(default)]
    pub chain: Vec<ChainLink>,
}

/// How a check came out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckOutcome {
    /// All as expected.
    Ok,
    /// Not as expected, or a remark (`slow`, `maintenance`, `certificate_expiring`).
    Found {
        /// What.
        cause: Cause,
        /// For `tls_certificate`: which fault.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        certificate_fault: Option<CertificateFault>,
        /// What was seen; without credentials.
        #[serde(rename = "detail")]
        finding: Box<Finding>,
        /// Where it happened.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        phase: Option<Phase>,
    },
}

impl CheckOutcome {
    /// Something was found, in an unknown phase.
    #[must_use]
    pub fn found(cause: Cause, finding: Finding) -> Self {
        Self::Found {
            cause,
            certificate_fault: None,
            finding: Box::new(finding),
            phase: None,
        }
    }
}

/// One URL checked once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckResult {
    /// The URL as configured, as it may be shown.
    #[serde(deserialize_with = "super::shown::read")]
    pub url: String,
    /// How it came out.
    #[serde(rename = "finding")]
    pub outcome: CheckOutcome,
    /// The address of the last hop, when a connection was attempted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<SocketAddr>,
    /// Status of the last response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_status: Option<u16>,
    /// Protocol of the last response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_version: Option<HttpVersion>,
    /// TLS of the last hop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_version: Option<TlsVersion>,
    /// The hops before the last, in order; empty without redirects.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hops: Vec<Hop>,
    /// Who made the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer: Option<Layer>,
    /// What else is worth knowing and is no fault; without credentials.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<Finding>,
    /// Redirects followed.
    pub redirects: u8,
    /// The URL the last hop went to, when redirects were followed; without credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub final_url: Option<String>,
    /// Decoded body bytes that were read.
    pub body_bytes: u64,
    /// The length that the last response said of its body, as it is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_length: Option<u64>,
    /// `Retry-After` of a 503 or 429, as a span from the probe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<Duration>,
    /// Phase timings.
    pub timings: Timings,
    /// The certificate of the peer; kept once in memory for all results with the same one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Shared<Certificate>>,
}

impl CheckResult {
    /// A result that says only what was found; the prober fills in the rest as it learns it.
    #[must_use]
    pub fn new(url: &str, outcome: CheckOutcome) -> Self {
        Self {
            url: url.to_owned(),
            outcome,
            address: None,
            http_status: None,
            http_version: None,
            tls_version: None,
            hops: Vec::new(),
            layer: None,
            remarks: Vec::new(),
            redirects: 0,
            final_url: None,
            body_bytes: 0,
            content_length: None,
            retry_after: None,
            timings: Timings::default(),
            certificate: None,
        }
    }

    /// The cause, if something was found.
    #[must_use]
    pub const fn cause(&self) -> Option<Cause> {
        match &self.outcome {
            CheckOutcome::Ok => None,
            CheckOutcome::Found { cause, .. } => Some(*cause),
        }
    }

    /// What was seen, or nothing when all is well.
    #[must_use]
    pub const fn finding(&self) -> Option<&Finding> {
        match &self.outcome {
            CheckOutcome::Ok => None,
            CheckOutcome::Found { finding, .. } => Some(&**finding),
        }
    }

    /// The same in the English of the JSON documents.
    #[must_use]
    pub fn detail(&self) -> String {
        self.finding().map(Finding::detail).unwrap_or_default()
    }

    /// Whether it is well: `Ok`, or a remark for which nobody is to blame.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.cause()
            .is_none_or(|cause| cause.blame() == Blame::Nobody)
    }
}
