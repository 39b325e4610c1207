//! Whatever a certificate holds: never our own fault (`monitor`), and never more than a little text.

use std::sync::Arc;

use probe::adapters::http::HttpProber;
use probe::model::Addresses;
use proptest::prelude::*;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::crypto::aws_lc_rs::sign::any_supported_type;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;

use super::authority::{Authority, BOTH, LOCAL, NOW, serve_tls};
use super::foreign::{assert_theirs, many, number};
use super::profile;
use super::server::fine;

/// Shows one chain after another, whatever is in it.
#[derive(Debug)]
struct Chains {
    key: Vec<u8>,
    chains: Vec<Vec<CertificateDer<'static>>>,
}

impl ResolvesServerCert for Chains {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let chain = &self.chains[number(hello.server_name()?) % self.chains.len()];
        let key = self.key.clone().try_into().ok()?;
        let key = any_supported_type(&key).ok()?;
        Some(Arc::new(CertifiedKey::new(chain.clone(), key)))
    }
}

/// A certificate of ours, with bytes of it changed, cut off or put behind.
fn spoilt() -> impl Strategy<Value = Vec<(prop::sample::Index, u8, u8)>> {
    prop::collection::vec((any::<prop::sample::Index>(), 0u8..3, any::<u8>()), 0..4)
}

#[test]
fn nothing_of_a_certificate_is_our_own_fault() {
    let authority = Authority::new();
    let long = "x".repeat(9000);
    let identity = authority.certify(LOCAL, |params| {
        let name = &mut params.distinguished_name;
        name.push(rcgen::DnType::CommonName, long.as_str());
        name.push(rcgen::DnType::OrganizationName, "\u{202e}\u{1b}[2J…");
        for n in 0..200 {
            let name = format!("{n}.{}.example", "y".repeat(60))
                .try_into()
                .unwrap();
            params.subject_alt_names.push(rcgen::SanType::DnsName(name));
        }
    });
    let whole = &identity.chain[0];
    let chains: Vec<Vec<CertificateDer<'static>>> = many(&spoilt(), 96)
        .into_iter()
        .map(|changes| {
            let mut der = whole.to_vec();
            for (at, how, byte) in changes {
                let at = at.index(der.len());
                match how {
                    0 => der[at] = byte,
                    1 => der.truncate(at.max(1)),
                    _ => der.push(byte),
                }
            }
            vec![CertificateDer::from(der), whole.clone()]
        })
        .collect();
    let count = chains.len();
    let key = identity.key.clone();
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(BOTH)
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(Chains { key, chains }));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(async {
        let server = serve_tls(config, NOW, fine()).await;
        let prober = HttpProber::try_new().unwrap();
        for n in 0..count {
            let mut asked = profile(&format!("https://n{n}.example:{}/", server.address.port()));
            asked.addresses = Addresses::Pinned(vec![server.address.ip()]);
            asked.tls.verify = n % 4 != 0;
            asked.tls.ca_file = n.is_multiple_of(2).then(|| authority.file("ca.pem"));
            for result in super::probe_all(&prober, asked).await {
                assert_theirs(&result, &n);
            }
        }
    });
}
