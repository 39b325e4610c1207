//! What went wrong, on its way to becoming the outcome of a check.

use crate::model::{Cause, CertificateFault, CheckOutcome, Finding, Phase};

/// What a socket call says of our own machine, as it seems.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Local {
    /// It has no way to this address; another family may have one.
    NoRoute,
    /// It may not connect there.
    Forbidden,
}

/// What went wrong, and what that means for whatever else is tried.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    pub(super) cause: Cause,
    pub(super) certificate: Option<CertificateFault>,
    pub(super) finding: Finding,
    pub(super) phase: Option<Phase>,
    /// What is with the way to this address.
    pub(super) local: Option<Local>,
    /// The server knows none of the protocols we offered in the handshake.
    pub(super) no_protocol: bool,
    /// The request was not taken up (HTTP/2 says so); a fresh connection may have more luck.
    pub(super) untaken: bool,
    /// What answers does not speak HTTP.
    pub(super) foreign: bool,
    /// The head of a response is not allowed in HTTP/2; over HTTP/1.1 it may show why.
    pub(super) forbidden_head: bool,
    /// The URL cannot be asked for: the fault of whoever wrote it.
    pub(super) unaskable: bool,
}

impl Fault {
    pub(super) const fn new(cause: Cause, finding: Finding) -> Self {
        Self {
            cause,
            certificate: None,
            finding,
            phase: None,
            local: None,
            no_protocol: false,
            untaken: false,
            foreign: false,
            forbidden_head: false,
            unaskable: false,
        }
    }

    /// Our own doing.
    pub(super) const fn monitor(finding: Finding) -> Self {
        Self::new(Cause::Monitor, finding)
    }

    /// Ours where the configuration has the URL.
    pub(super) fn unaskable(finding: Finding) -> Self {
        Self {
            unaskable: true,
            ..Self::monitor(finding)
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
            finding: Finding::Twice {
                finding: Box::new(self.finding),
            },
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

impl From<Fault> for CheckOutcome {
    fn from(fault: Fault) -> Self {
        Self::Found {
            cause: fault.cause,
            certificate_fault: fault.certificate,
            finding: Box::new(fault.finding),
            phase: fault.phase,
        }
    }
}
