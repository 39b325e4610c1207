//! The places where the HTTP client lets us look in: connector, resolver, TLS session store, certificate verifier.
//!
//! - The connector layer marks the start of the connect and the end of TCP and TLS together, and ends the attempt when
//!   TCP is not connected within `connect_timeout`; the handshake has the rest of the check's time.
//! - The session store is asked for a hint when the TLS session is made, that is when TCP is connected. It remembers
//!   nothing, so that each probe makes a full handshake.
//! - The resolver answers with the one address that was chosen: no second address, no race of families.
//! - The verifier keeps the chain and the verdict, also when the verdict is bad or does not count. The version is known
//!   when the handshake's signature is verified, so behind a bad verdict only a second look tells it.
//! - The resolver of client certificates notes that the server asked for one.

use std::error::Error;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::client::{
    ClientSessionStore, ResolvesClientCert, Tls12ClientSessionValue, Tls13ClientSessionValue,
};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;
use rustls::{DigitallySignedStruct, NamedGroup, RootCertStore, SignatureScheme};
use tower::{Layer, Service};

use super::certificate::{self, Known};
use super::trace::{Mark, Shown, Trace};
use crate::model::{TlsVersion, limits};

type BoxError = Box<dyn Error + Send + Sync>;

/// TCP was not connected in time.
#[derive(Debug, thiserror::Error)]
#[error("no answer to the connection attempt")]
pub(super) struct ConnectTimedOut;

/// Marks the connect and limits it.
#[derive(Clone)]
pub(super) struct Timed {
    pub(super) trace: Arc<Trace>,
    pub(super) limit: Duration,
}

impl<S> Layer<S> for Timed {
    type Service = TimedConnect<S>;

    fn layer(&self, inner: S) -> Self::Service {
        TimedConnect {
            inner,
            timed: self.clone(),
        }
    }
}

/// A connector inside [`Timed`].
#[derive(Clone)]
pub(super) struct TimedConnect<S> {
    inner: S,
    timed: Timed,
}

impl<S, R> Service<R> for TimedConnect<S>
where
    S: Service<R, Error = BoxError>,
    S::Future: Send + 'static,
    S::Response: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let Timed { trace, limit } = self.timed.clone();
        trace.mark(Mark::Connecting);
        let connecting = self.inner.call(request);
        Box::pin(async move {
            let mut connecting = pin!(connecting);
            let made = tokio::select! {
                made = &mut connecting => made,
                () = tokio::time::sleep(limit) => {
                    if !trace.has(Mark::Connected) {
                        return Err(ConnectTimedOut.into());
                    }
                    connecting.await
                }
            };
            if made.is_ok() {
                trace.mark(Mark::Connected);
                trace.mark(Mark::Ready);
            }
            made
        })
    }
}

/// Answers every name with one address.
pub(super) struct Chosen(pub(super) SocketAddr);

impl Resolve for Chosen {
    fn resolve(&self, _: Name) -> Resolving {
        let address = self.0;
        Box::pin(async move { Ok(Box::new(std::iter::once(address)) as Addrs) })
    }
}

/// A session store that remembers nothing and marks the moment it is asked.
#[derive(Debug)]
pub(super) struct NoSessions(pub(super) Arc<Trace>);

impl ClientSessionStore for NoSessions {
    fn set_kx_hint(&self, _: ServerName<'static>, _: NamedGroup) {}

    fn kx_hint(&self, _: &ServerName<'_>) -> Option<NamedGroup> {
        self.0.mark(Mark::Connected);
        None
    }

    fn set_tls12_session(&self, _: ServerName<'static>, _: Tls12ClientSessionValue) {}

    fn tls12_session(&self, _: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        None
    }

    fn remove_tls12_session(&self, _: &ServerName<'static>) {}

    fn insert_tls13_ticket(&self, _: ServerName<'static>, _: Tls13ClientSessionValue) {}

    fn take_tls13_ticket(&self, _: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        None
    }
}

/// A verifier that keeps what it saw.
#[derive(Debug)]
pub(super) struct Recording {
    pub(super) inner: Arc<dyn ServerCertVerifier>,
    pub(super) trace: Arc<Trace>,
    /// Whether a bad verdict ends the handshake.
    pub(super) verify: bool,
    /// The profile's own roots, where it has some.
    pub(super) roots: Option<Arc<RootCertStore>>,
    /// The certificates of its `ca_file`.
    pub(super) named: Arc<[CertificateDer<'static>]>,
    pub(super) known: Arc<Known>,
}

impl Recording {
    /// Of a certificate that `tls.ca_file` names itself, only name and dates count: nobody else vouches for one that is
    /// self-signed, and openssl's default makes it an authority, which the verifier takes from no server.
    fn again(
        &self,
        verdict: Result<ServerCertVerified, rustls::Error>,
        shown: &CertificateDer<'_>,
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if verdict.is_ok() || !self.named.contains(shown) {
            return verdict;
        }
        certificate::in_time(shown, now)?;
        let parsed = ParsedCertificate::try_from(shown)?;
        verify_server_name(&parsed, name)?;
        Ok(ServerCertVerified::assertion())
    }
}

impl ServerCertVerifier for Recording {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verdict =
            self.inner
                .verify_server_cert(end_entity, intermediates, server_name, ocsp, now);
        let verdict = self.again(verdict, end_entity, server_name, now);
        let sent = std::iter::once(end_entity).chain(intermediates);
        let sent: Vec<&CertificateDer<'_>> = sent.take(1 + limits::CHAIN_LINKS).collect();
        let kept = sent.iter().filter(|_| verdict.is_err());
        self.trace.show(Shown {
            certificate: self.known.read(&sent, now),
            chain: kept.map(|der| (*der).clone().into_owned()).collect(),
            name: server_name.to_owned(),
            at: now,
            refused: verdict.as_ref().err().cloned(),
            counts: self.verify,
            roots: self.roots.clone(),
        });
        if self.verify {
            verdict
        } else {
            Ok(ServerCertVerified::assertion())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.trace.speaks(TlsVersion::Tls12);
        if self.verify {
            self.inner.verify_tls12_signature(message, cert, dss)
        } else {
            Ok(HandshakeSignatureValid::assertion())
        }
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.trace.speaks(TlsVersion::Tls13);
        if self.verify {
            self.inner.verify_tls13_signature(message, cert, dss)
        } else {
            Ok(HandshakeSignatureValid::assertion())
        }
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

/// Shows what `inner` has, and notes that it was asked for.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) inner: Arc<dyn ResolvesClientCert>,
    pub(super) trace: Arc<Trace>,
}

impl ResolvesClientCert for Asked {
    fn resolve(&self, issuers: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.trace.ask_for_ours();
        self.inner.resolve(issuers, schemes)
    }

    fn has_certs(&self) -> bool {
        self.inner.has_certs()
    }
}
