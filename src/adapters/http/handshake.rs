//! What a failed TLS handshake means.
//!
//! A certificate that was refused is `tls_certificate`; bytes that are no TLS before any certificate are `not_tls`;
//! the rest, alerts with their name, is `tls_handshake`.

use rustls::{AlertDescription, InvalidMessage};

use super::certificate;
use super::fault::Fault;
use super::trace::Trace;
use crate::model::Cause;

/// `host` is whom the certificate should be for.
pub(super) fn failure(error: &rustls::Error, trace: &Trace, host: &str) -> Fault {
    use rustls::Error as E;
    if let E::InvalidCertificate(refused) = error {
        let shown = trace.shown().as_ref().and_then(certificate::read);
        let (fault, detail) = certificate::fault(refused, shown.as_ref(), host);
        return Fault {
            certificate: Some(fault),
            ..Fault::new(Cause::TlsCertificate, detail)
        };
    }
    if let E::AlertReceived(alert) = error {
        return Fault::new(Cause::TlsHandshake, alert_detail(*alert));
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
        let detail = "the port does not speak TLS: plain HTTP or something else answers there";
        return Fault::new(Cause::NotTls, detail);
    }
    let detail = if matches!(error, E::PeerIncompatible(_)) {
        format!("the server offers no TLS version or cipher that is still safe ({error})")
    } else {
        format!("the TLS handshake failed ({error})")
    };
    Fault::new(Cause::TlsHandshake, detail)
}

fn alert_detail(alert: AlertDescription) -> String {
    let wants_ours = matches!(
        alert,
        AlertDescription::CertificateRequired | AlertDescription::BadCertificate
    );
    if wants_ours {
        return format!("the server asks for a client certificate (TLS alert {alert:?})");
    }
    format!("the server broke the TLS handshake off (TLS alert {alert:?})")
}
