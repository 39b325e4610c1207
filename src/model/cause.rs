//! The causes: the classes to which what a probe finds belongs, and whose fault each of them is.
//!
//! Their words (`refused`, `server_error`) are fixed: people's scripts, filters and dashboards depend on them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Whose fault a cause is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Blame {
    /// The web server, or what stands behind it.
    Server,
    /// Something between us and the host.
    Network,
    /// The name system.
    Name,
    /// The site's certificate or TLS set-up.
    Certificate,
    /// What the application answers.
    Application,
    /// Nobody: a remark, not a fault.
    Nobody,
    /// Our own machine.
    Ourselves,
}

/// What is wrong with a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CertificateFault {
    /// Its last day has passed.
    Expired,
    /// Its first day has not come.
    NotYetValid,
    /// It is for other names.
    WrongName,
    /// No chain to a root we trust.
    Untrusted,
    /// The server does not send the intermediate certificate.
    IncompleteChain,
    /// Withdrawn by its issuer.
    Revoked,
}

macro_rules! causes {
    ($($(#[$doc:meta])* $Variant:ident = $word:literal, $blame:ident, restarts $restarts:literal;)*) => {
        /// A cause in the contract's words.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Cause { $($(#[$doc])* $Variant,)* }

        impl Cause {
            /// Every cause, in the contract's order.
            pub const ALL: &'static [Self] = &[$(Self::$Variant),*];

            /// The stable word.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$Variant => $word,)* }
            }

            /// Whose fault it is.
            #[must_use]
            pub const fn blame(self) -> Blame {
                match self { $(Self::$Variant => Blame::$blame,)* }
            }

            /// Whether a restart follows where the configuration says nothing.
            #[must_use]
            pub const fn restarts_by_default(self) -> bool {
                match self { $(Self::$Variant => $restarts,)* }
            }
        }
    };
}

causes! {
    /// The host answers that nothing listens there.
    Refused = "refused", Server, restarts true;
    /// No answer to the connection attempt.
    ConnectTimeout = "connect_timeout", Server, restarts true;
    /// The connection was reset.
    Reset = "reset", Server, restarts true;
    /// The connection was closed without an answer.
    Closed = "closed", Server, restarts true;
    /// Connected, asked, and no whole answer in time.
    ResponseTimeout = "response_timeout", Server, restarts true;
    /// The answer broke off.
    Truncated = "truncated", Server, restarts true;
    /// The TLS handshake did not end in time.
    TlsTimeout = "tls_timeout", Server, restarts true;
    /// 5xx without `Retry-After`.
    ServerError = "server_error", Server, restarts true;
    /// ICMP says the address cannot be reached.
    Unreachable = "unreachable", Network, restarts false;
    /// Site and SSH both silent.
    HostUnreachable = "host_unreachable", Network, restarts false;
    /// The name could not be resolved.
    Dns = "dns", Name, restarts false;
    /// The certificate is not acceptable.
    TlsCertificate = "tls_certificate", Certificate, restarts false;
    /// The handshake failed for another reason.
    TlsHandshake = "tls_handshake", Certificate, restarts false;
    /// Something else than TLS answers on the TLS port.
    NotTls = "not_tls", Certificate, restarts false;
    /// The answer is not HTTP as we know it.
    Protocol = "protocol", Server, restarts false;
    /// The body's encoding is broken.
    Encoding = "encoding", Server, restarts false;
    /// More headers than we take.
    HeadersTooLarge = "headers_too_large", Server, restarts false;
    /// An unexpected status that is not 5xx.
    Status = "status", Application, restarts false;
    /// The body or a header is not as expected.
    Content = "content", Application, restarts false;
    /// A redirect we do not follow.
    Redirect = "redirect", Application, restarts false;
    /// 503 with `Retry-After`.
    Maintenance = "maintenance", Nobody, restarts false;
    /// Right, but slower than `slow`.
    Slow = "slow", Nobody, restarts false;
    /// One address family is dead, the other answers.
    FamilyDown = "family_down", Nobody, restarts false;
    /// The certificate ends soon.
    CertificateExpiring = "certificate_expiring", Nobody, restarts false;
    /// Our own network, DNS, limits or load.
    Monitor = "monitor", Ourselves, restarts false;
}

impl Cause {
    /// Whether the server itself is gone, rather than answering wrongly: with `when: auto` one such profile is enough.
    #[must_use]
    pub const fn server_gone(self) -> bool {
        matches!(
            self,
            Self::Refused | Self::ConnectTimeout | Self::Reset | Self::Closed | Self::TlsTimeout
        )
    }

    /// Whether the server was reached, and its answer may depend on the headers it was sent.
    #[must_use]
    pub const fn was_reached(self) -> bool {
        matches!(
            self,
            Self::Reset
                | Self::Closed
                | Self::ResponseTimeout
                | Self::Truncated
                | Self::ServerError
        )
    }

    /// Its words in a subject: `connection refused`.
    #[must_use]
    pub const fn phrase(self) -> &'static str {
        match self {
            Self::Refused => "connection refused",
            Self::ConnectTimeout => "no answer to the connection",
            Self::Reset => "connection reset",
            Self::Closed => "connection closed without an answer",
            Self::ResponseTimeout => "no response in time",
            Self::Truncated => "response broke off",
            Self::TlsTimeout => "TLS handshake did not end",
            Self::ServerError => "server error",
            Self::Unreachable => "network unreachable",
            Self::HostUnreachable => "host unreachable",
            Self::Dns => "name does not resolve",
            Self::TlsCertificate => "certificate not valid",
            Self::TlsHandshake => "TLS handshake failed",
            Self::NotTls => "not TLS",
            Self::Protocol => "not valid HTTP",
            Self::Encoding => "body encoding broken",
            Self::HeadersTooLarge => "headers too large",
            Self::Status => "unexpected status",
            Self::Content => "content not as expected",
            Self::Redirect => "redirect not followed",
            Self::Maintenance => "maintenance",
            Self::Slow => "slow",
            Self::FamilyDown => "one address family down",
            Self::CertificateExpiring => "certificate expires soon",
            Self::Monitor => "could not tell",
        }
    }

    /// The cause of a word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|cause| cause.word() == word)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}
