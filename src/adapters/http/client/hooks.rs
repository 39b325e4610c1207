//! The places where the HTTP client lets us look in: connector, resolver, TLS session store, certificate verifier.
//!
//! - One client serves many probes at once, so its hooks belong to no probe. Each request is sent inside [`Way::along`], which
//!   says whose marks are set and which address is meant, for as long as the client works for it. The client connects inside
//!   the request's own future, as it has no pool; a connection that is begun anywhere else is refused ([`Astray`]), so no
//!   probe can be measured or sent on another's way.
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
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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

use super::verified::{self, Verified};
use crate::adapters::http::certificate::Shown;
use crate::adapters::http::certificate::read::{self, Known};
use crate::adapters::http::meter::Meter;
use crate::adapters::http::trace::{Mark, Trace};
use crate::model::{TlsVersion, limits};

type BoxError = Box<dyn Error + Send + Sync>;

/// TCP was not connected in time.
#[derive(Debug, thiserror::Error)]
#[error("no answer to the connection attempt")]
pub(in crate::adapters::http) struct ConnectTimedOut;

/// The client connects for no probe that we know of: our own fault.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client connects outside of any probe")]
pub(in crate::adapters::http) struct Astray;

/// The one connection that a request may have, and who is told of it.
#[derive(Debug, Clone)]
pub(in crate::adapters::http) struct Way {
    pub(in crate::adapters::http) trace: Arc<Trace>,
    pub(in crate::adapters::http) address: SocketAddr,
    /// How long TCP may take to connect.
    pub(in crate::adapters::http) limit: Duration,
    /// What comes in over it.
    pub(in crate::adapters::http) meter: Arc<Mutex<Meter>>,
}

tokio::task_local! {
    static WAY: Way;
}

impl Way {
    /// Lets the hooks find this way while `sending` is polled.
    pub(in crate::adapters::http) fn along<F: Future>(
        self,
        sending: F,
    ) -> impl Future<Output = F::Output> {
        WAY.scope(self, sending)
    }

    pub(super) fn under_way() -> Result<Self, Astray> {
        WAY.try_with(Clone::clone).map_err(|_| Astray)
    }
}

/// Tells whoever is under way.
fn tell(what: impl FnOnce(&Trace)) {
    // Without one the connector has refused to connect.
    let _ = WAY.try_with(|way| what(&way.trace));
}

/// Marks the connect and limits it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timed;

impl<S> Layer<S> for Timed {
    type Service = TimedConnect<S>;

    fn layer(&self, inner: S) -> Self::Service {
        TimedConnect(Arc::new(Mutex::new(inner)))
    }
}

/// A connector inside [`Timed`]. Held once: the client clones it several times for each request, and each would be a copy of
/// all that is in it.
#[derive(Debug)]
pub(super) struct TimedConnect<S>(Arc<Mutex<S>>);

impl<S> Clone for TimedConnect<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S> TimedConnect<S> {
    fn inner(&self) -> MutexGuard<'_, S> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
        self.inner().poll_ready(cx)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let (trace, limit) = match Way::under_way() {
            Ok(way) => (way.trace, way.limit),
            Err(astray) => return Box::pin(async { Err(astray.into()) }),
        };
        trace.mark(Mark::Connecting);
        let connecting = self.inner().call(request);
        Box::pin(async move {
            let mut connecting = pin!(connecting);
            let made = tokio::select! {
                biased;
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

/// Answers every name with the address that is meant.
pub(super) struct Chosen;

impl Resolve for Chosen {
    fn resolve(&self, _: Name) -> Resolving {
        let way = Way::under_way();
        Box::pin(async move { Ok(Box::new(std::iter::once(way?.address)) as Addrs) })
    }
}

/// A session store that remembers nothing and marks the moment it is asked.
#[derive(Debug)]
pub(super) struct NoSessions;

impl ClientSessionStore for NoSessions {
    fn set_kx_hint(&self, _: ServerName<'static>, _: NamedGroup) {}

    fn kx_hint(&self, _: &ServerName<'_>) -> Option<NamedGroup> {
        tell(|trace| trace.mark(Mark::Connected));
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
    /// Whether a bad verdict ends the handshake.
    pub(super) verify: bool,
    /// The profile's own roots, where it has some.
    pub(super) roots: Option<Arc<RootCertStore>>,
    /// The certificates of its `ca_file`.
    pub(super) named: Arc<[CertificateDer<'static>]>,
    pub(super) known: Arc<Known>,
    /// What `inner` has vouched for; `None` where nothing may be kept.
    pub(super) verified: Option<Arc<Verified>>,
}

impl Recording {
    /// The verifier's verdict, or what it said of the very same before.
    fn verdict(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verified = self.verified.as_ref();
        let kept = verified.zip(verified::key(end_entity, intermediates, name, ocsp));
        if let Some((verified, key)) = &kept
            && verified.holds(key, now)
        {
            return Ok(ServerCertVerified::assertion());
        }
        let inner = &self.inner;
        let said = inner.verify_server_cert(end_entity, intermediates, name, ocsp, now)?;
        if let Some((verified, key)) = kept {
            verified.keep(key, end_entity, intermediates, now);
        }
        Ok(said)
    }

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
        read::in_time(shown, now)?;
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
        let verdict = self.verdict(end_entity, intermediates, server_name, ocsp, now);
        let verdict = self.again(verdict, end_entity, server_name, now);
        let sent = std::iter::once(end_entity).chain(intermediates);
        let sent: Vec<&CertificateDer<'_>> = sent.take(1 + limits::CHAIN_LINKS).collect();
        let kept = sent.iter().filter(|_| verdict.is_err());
        let shown = Shown {
            certificate: self.known.read(&sent, now),
            chain: kept.map(|der| (*der).clone().into_owned()).collect(),
            name: server_name.to_owned(),
            at: now,
            refused: verdict.as_ref().err().cloned(),
            counts: self.verify,
            roots: self.roots.clone(),
        };
        tell(|trace| trace.show(shown));
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
        tell(|trace| trace.speaks(TlsVersion::Tls12));
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
        tell(|trace| trace.speaks(TlsVersion::Tls13));
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
}

impl ResolvesClientCert for Asked {
    fn resolve(&self, issuers: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        tell(Trace::ask_for_ours);
        self.inner.resolve(issuers, schemes)
    }

    fn has_certs(&self) -> bool {
        self.inner.has_certs()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::http::client::tls;
    use crate::adapters::http::hop::classify;
    use crate::model::Cause;

    /// A client that connected for nobody would be measured and sent on somebody else's way.
    #[tokio::test]
    async fn a_connection_for_no_probe_is_refused_and_is_our_fault() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let base = tls::Bases::try_new().unwrap().shared();
        let client = base.client(true).unwrap();
        for scheme in ["http", "https"] {
            let url = format!("{scheme}://localhost:{}/", address.port());
            let trace = Trace::new(scheme == "https");
            let error = client.get(url).send().await.unwrap_err();
            let fault = classify::failure(&error, &trace, "localhost");
            assert_eq!(fault.cause, Cause::Monitor, "{fault:?}");
            assert_eq!(
                fault.finding,
                crate::model::Finding::OutsideOfProbes,
                "{fault:?}"
            );
            assert!(!trace.has(Mark::Connecting));
        }
        let none = tokio::time::timeout(Duration::from_millis(50), listener.accept()).await;
        assert!(none.is_err(), "it was connected");
    }
}
