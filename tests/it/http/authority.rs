//! An authority of our own and TLS servers under it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use probe::model::Profile;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ServerConfig, SupportedProtocolVersion, version};

use super::profile;
use super::server::{Act, Server, fine, head, listen, loopback, play};

/// An authority of our own, and the file where a profile finds it.
pub(super) struct Authority {
    pub(super) issuer: CertifiedIssuer<'static, KeyPair>,
    dir: TempDir,
}

impl Authority {
    pub(super) fn new() -> Self {
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, "Our authority");
        let key = KeyPair::generate().unwrap();
        let issuer = CertifiedIssuer::self_signed(params, key).unwrap();
        let dir = TempDir::new().unwrap();
        std::fs::write(dir.path().join("ca.pem"), issuer.pem()).unwrap();
        Self { issuer, dir }
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A certificate for these names, changed by `change`.
    pub(super) fn certify(
        &self,
        names: &[&str],
        change: impl FnOnce(&mut CertificateParams),
    ) -> Identity {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Identity {
            chain: vec![certificate.der().clone()],
            key: key.serialize_der(),
            pem: (certificate.pem(), key.serialize_pem()),
        }
    }

    /// A profile that trusts this authority.
    pub(super) fn profile(&self, server: &Server) -> Profile {
        let mut profile = profile(&format!("https://{}/", server.address));
        profile.tls.ca_file = Some(self.file("ca.pem"));
        profile
    }
}

/// A certificate and its key.
pub(super) struct Identity {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: Vec<u8>,
    pub(super) pem: (String, String),
}

impl Identity {
    pub(super) fn key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::try_from(self.key.clone()).unwrap()
    }
}

pub(super) const BOTH: &[&SupportedProtocolVersion] = &[&version::TLS13, &version::TLS12];

/// TLS settings of a server.
pub(super) fn config(
    identity: &Identity,
    versions: &[&'static SupportedProtocolVersion],
) -> ServerConfig {
    ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(identity.chain.clone(), identity.key())
        .unwrap()
}

/// Serves a script over TLS, `before` the handshake.
pub(super) async fn serve_tls(config: ServerConfig, before: Duration, script: Vec<Act>) -> Server {
    let acceptor = TlsAcceptor::from(Arc::new(config));
    listen(loopback().await, move |stream, heads| {
        let (acceptor, script) = (acceptor.clone(), script.clone());
        async move {
            tokio::time::sleep(before).await;
            let Ok(mut stream) = acceptor.accept(stream).await else {
                return;
            };
            let Some(head) = head(&mut stream).await else {
                return;
            };
            heads.lock().unwrap().push(head);
            let _ = play(&mut stream, script).await;
        }
    })
    .await
}

pub(super) const NOW: Duration = Duration::ZERO;
pub(super) const LOCAL: &[&str] = &["127.0.0.1", "shop.example"];

pub(super) async fn serve_with(
    authority: &Authority,
    names: &[&str],
    change: impl FnOnce(&mut CertificateParams),
) -> Server {
    let identity = authority.certify(names, change);
    serve_tls(config(&identity, BOTH), NOW, fine()).await
}
