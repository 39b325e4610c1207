//! The certificate a peer showed in the handshake, and the chain it sent along.
//!
//! | file | is |
//! |---|---|
//! | `read` | what stands in a certificate, in time or not, and when it ends too soon |
//! | `refusal` | why one was refused, and what to do |

pub(super) mod read;
pub(super) mod refusal;

use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};

use crate::model::{Certificate, Shared};

/// What the peer showed in the handshake, and what the verifier said to it.
#[derive(Debug, Clone)]
pub(super) struct Shown {
    /// The peer's own certificate as it was read, with the names of what it sent along.
    pub(super) certificate: Option<Shared<Certificate>>,
    /// Of a chain that was refused the peer's own certificate, then what it sent along, as far as that is kept.
    pub(super) chain: Vec<CertificateDer<'static>>,
    /// Whom it should be for.
    pub(super) name: ServerName<'static>,
    /// Moment of the verdict.
    pub(super) at: UnixTime,
    /// The verdict, where it was bad.
    pub(super) refused: Option<rustls::Error>,
    /// Whether a bad verdict ends the handshake.
    pub(super) counts: bool,
    /// The profile's own roots, where it has some.
    pub(super) roots: Option<Arc<RootCertStore>>,
}
