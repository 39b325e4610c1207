//! What a failed TLS handshake means.
//!
//! A certificate that was refused is `tls_certificate`; bytes that are no TLS before any certificate are `not_tls`;
//! the rest, alerts with their name, is `tls_handshake`: also `InternalError`, which may heal by itself but says nothing
//! of a server that is gone. `close_notify` is no alert to rustls but the end of the connection: it is told as `closed`, or as
//! `tls_timeout` where the connection stays. Whether the server asked for a client certificate is known, not guessed from the alert.

use rustls::{AlertDescription, InvalidMessage, PeerMisbehaved};

use super::fault::Fault;
use super::refusal;
use super::trace::Trace;
use crate::model::Cause;

/// `host` is whom the certificate should be for.
pub(super) fn failure(error: &rustls::Error, trace: &Trace, host: &str) -> Fault {
    use rustls::Error as E;
    if let E::InvalidCertificate(refused) = error {
        let (fault, detail) = refusal::explain(refused, trace.shown().as_ref(), host);
        return Fault {
            certificate: Some(fault),
            ..Fault::new(Cause::TlsCertificate, detail)
        };
    }
    if let E::AlertReceived(alert) = error {
        return Fault {
            no_protocol: *alert == AlertDescription::NoApplicationProtocol,
            ..Fault::new(Cause::TlsHandshake, alert_detail(*alert, trace))
        };
    }
    if matches!(
        error,
        E::PeerMisbehaved(PeerMisbehaved::SelectedUnofferedApplicationProtocol)
    ) {
        let detail = "the server chose a protocol that was not offered (ALPN)";
        return Fault {
            no_protocol: true,
            ..Fault::new(Cause::TlsHandshake, detail)
        };
    }
    if matches!(
        error,
        E::InvalidMessage(
            InvalidMessage::HandshakePayloadTooLarge | InvalidMessage::CertificatePayloadTooLarge
        )
    ) {
        let detail = "the certificates that the server sends are larger than 64 KiB, which no client takes; send fewer, or with fewer names";
        return Fault::new(Cause::TlsHandshake, detail);
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

fn alert_detail(alert: AlertDescription, trace: &Trace) -> String {
    use AlertDescription as A;
    let named = format!("(TLS alert {alert:?})");
    if trace.asked_for_ours() || alert == A::CertificateRequired {
        return format!(
            "the server asks for a client certificate and does not take what it got {named}; set tls.client_cert_file and tls.client_key_file"
        );
    }
    let known = [
        (
            A::ProtocolVersion,
            "the server speaks only versions of TLS older than 1.2, which are not safe any more",
        ),
        (
            A::HandshakeFailure,
            "the server found no cipher or signature that it has in common with us: it may know only old ones",
        ),
        (
            A::InsufficientSecurity,
            "the server demands stronger ciphers than we offer",
        ),
        (A::UnrecognisedName, "the server has no site of this name"),
        (
            A::InternalError,
            "the server failed inside its own TLS; its error log says more",
        ),
        (
            A::NoApplicationProtocol,
            "the server speaks neither HTTP/2 nor HTTP/1.1 (ALPN)",
        ),
        (A::UserCanceled, "the server gave the handshake up"),
    ];
    let words = known.iter().find(|(known, _)| *known == alert);
    let words = words.map_or("the server broke the TLS handshake off", |(_, words)| words);
    format!("{words} {named}")
}
