//! What a failed TLS handshake means.
//!
//! A certificate that was refused is `tls_certificate`; bytes that are no TLS before any certificate are `not_tls`;
//! the rest, alerts with their name, is `tls_handshake`: also `InternalError`, which may heal by itself but says nothing
//! of a server that is gone. `close_notify` is no alert to rustls but the end of the connection: it is told as `closed`, or as
//! `tls_timeout` where the connection stays. Whether the server asked for a client certificate is known, not guessed from the alert.

use rustls::{AlertDescription, InvalidMessage, PeerMisbehaved};

use crate::adapters::http::certificate::refusal;
use crate::adapters::http::fault::Fault;
use crate::adapters::http::trace::Trace;
use crate::model::{Cause, Finding, Quoted};

/// `host` is whom the certificate should be for.
pub(super) fn failure(error: &rustls::Error, trace: &Trace, host: &str) -> Fault {
    use rustls::Error as E;
    if let E::InvalidCertificate(refused) = error {
        let (fault, finding) = refusal::explain(refused, trace.shown().as_ref(), host);
        return Fault {
            certificate: Some(fault),
            ..Fault::new(Cause::TlsCertificate, finding)
        };
    }
    if let E::AlertReceived(alert) = error {
        return Fault {
            no_protocol: *alert == AlertDescription::NoApplicationProtocol,
            ..Fault::new(Cause::TlsHandshake, alerted(*alert, trace))
        };
    }
    if matches!(
        error,
        E::PeerMisbehaved(PeerMisbehaved::SelectedUnofferedApplicationProtocol)
    ) {
        return Fault {
            no_protocol: true,
            ..Fault::new(Cause::TlsHandshake, Finding::AlpnNotOffered)
        };
    }
    if matches!(
        error,
        E::InvalidMessage(
            InvalidMessage::HandshakePayloadTooLarge | InvalidMessage::CertificatePayloadTooLarge
        )
    ) {
        return Fault::new(Cause::TlsHandshake, Finding::CertificatesTooLarge);
    }
    let not_tls = matches!(
        error,
        E::InvalidMessage(
            InvalidMessage::InvalidContentType
                | InvalidMessage::InvalidEmptyPayload
                | InvalidMessage::MessageTooLarge
                | InvalidMessage::MessageTooShort
                | InvalidMessage::UnknownProtocolVersion
        )
    );
    if not_tls && trace.shown().is_none() {
        return Fault::new(Cause::NotTls, Finding::NotTls);
    }
    let why = Quoted::new(&error.to_string());
    let finding = if matches!(error, E::PeerIncompatible(_)) {
        Finding::NoSafeTls { why }
    } else {
        Finding::HandshakeFailed { why }
    };
    Fault::new(Cause::TlsHandshake, finding)
}

fn alerted(alert: AlertDescription, trace: &Trace) -> Finding {
    use AlertDescription as A;
    let named = format!("{alert:?}");
    if trace.asked_for_ours() || alert == A::CertificateRequired {
        return Finding::AlertClientCertificate { alert: named };
    }
    let known: [(A, Alerted); 7] = [
        (A::ProtocolVersion, |alert| Finding::AlertOldTls { alert }),
        (A::HandshakeFailure, |alert| Finding::AlertNoCommon {
            alert,
        }),
        (A::InsufficientSecurity, |alert| Finding::AlertTooWeak {
            alert,
        }),
        (A::UnrecognisedName, |alert| Finding::AlertNoSite { alert }),
        (A::InternalError, |alert| Finding::AlertInternal { alert }),
        (A::NoApplicationProtocol, |alert| Finding::AlertNoAlpn {
            alert,
        }),
        (A::UserCanceled, |alert| Finding::AlertCanceled { alert }),
    ];
    match known.iter().find(|(known, _)| *known == alert) {
        Some((_, finding)) => finding(named),
        None => Finding::AlertOther { alert: named },
    }
}

/// The finding of an alert of this name.
type Alerted = fn(String) -> Finding;
