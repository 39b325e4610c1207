//! What was found, on its way to becoming a finding.

use crate::model::{Cause, CertificateFault, Finding, Phase};

/// What was found, before it is put into words fit for a mail.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    pub(super) cause: Cause,
    pub(super) certificate: Option<CertificateFault>,
    pub(super) detail: String,
    pub(super) phase: Option<Phase>,
    /// Our machine has no way to this address; another family may have one.
    pub(super) no_route: bool,
    /// The server knows none of the protocols we offered in the handshake.
    pub(super) no_protocol: bool,
    /// The request was not taken up (HTTP/2 says so); a fresh connection may have more luck.
    pub(super) untaken: bool,
    /// What answers does not speak HTTP.
    pub(super) foreign: bool,
}

impl Fault {
    pub(super) fn new(cause: Cause, detail: impl Into<String>) -> Self {
        Self {
            cause,
            certificate: None,
            detail: detail.into(),
            phase: None,
            no_route: false,
            no_protocol: false,
            untaken: false,
            foreign: false,
        }
    }

    /// Our own doing.
    pub(super) fn monitor(detail: impl Into<String>) -> Self {
        Self::new(Cause::Monitor, detail)
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
