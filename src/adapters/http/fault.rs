//! What was found, on its way to becoming a finding.

use crate::model::{Cause, CertificateFault, Finding, Phase};

/// What a socket call says of our own machine, as it seems.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Local {
    /// It has no way to this address; another family may have one.
    NoRoute,
    /// It may not connect there.
    Forbidden,
}

/// What was found, before it is put into words fit for a mail.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    pub(super) cause: Cause,
    pub(super) certificate: Option<CertificateFault>,
    pub(super) detail: String,
    pub(super) phase: Option<Phase>,
    /// What is with the way to this address.
    pub(super) local: Option<Local>,
    /// The server knows none of the protocols we offered in the handshake.
    pub(super) no_protocol: bool,
    /// The request was not taken up (HTTP/2 says so); a fresh connection may have more luck.
    pub(super) untaken: bool,
    /// What answers does not speak HTTP.
    pub(super) foreign: bool,
    /// The URL cannot be asked for: the fault of whoever wrote it.
    pub(super) unaskable: bool,
}

impl Fault {
    pub(super) fn new(cause: Cause, detail: impl Into<String>) -> Self {
        Self {
            cause,
            certificate: None,
            detail: detail.into(),
            phase: None,
            local: None,
            no_protocol: false,
            untaken: false,
            foreign: false,
            unaskable: false,
        }
    }

    /// Our own doing.
    pub(super) fn monitor(detail: impl Into<String>) -> Self {
        Self::new(Cause::Monitor, detail)
    }

    /// Ours where the configuration has the URL.
    pub(super) fn unaskable(detail: impl Into<String>) -> Self {
        Self {
            unaskable: true,
            ..Self::monitor(detail)
        }
    }

    /// The same behind a redirect: what cannot be asked for is what the site wrote.
    pub(super) fn of_a_redirect(self) -> Self {
        if self.unaskable {
            Self {
                cause: Cause::Redirect,
                ..self
            }
        } else {
            self
        }
    }

    /// Met on two connections in a row.
    pub(super) fn after_two(self) -> Self {
        Self {
            detail: format!("{}, on two connections in a row", self.detail),
            ..self
        }
    }

    /// In this phase.
    pub(super) fn at(self, phase: Phase) -> Self {
        Self {
            phase: Some(phase),
            ..self
        }
    }
}

impl From<Fault> for Finding {
    fn from(fault: Fault) -> Self {
        Self::Found {
            cause: fault.cause,
            certificate_fault: fault.certificate,
            detail: fault.detail,
            phase: fault.phase,
        }
    }
}
