//! TLS settings: TLS 1.2 and 1.3 with aws-lc-rs, HTTP/2 and HTTP/1.1 offered, no resumption.
//!
//! No post-quantum key exchange is offered: its key share of 1.2 KiB makes a ClientHello of two segments, which some
//! middleboxes drop, and servers that prefer it answer with one round more. Ours fits into one segment.
//!
//! With `tls.crl_file` the roots go to the webpki verifier, which alone takes revocation lists; a certificate of which
//! no list says anything passes, and so does one on a list that has itself expired, with a remark.
//!
//! The machine's trust roots are read once; where an image carries none, Mozilla's list that is linked in stands in.
//! A profile with its own roots or client certificate gets settings of its own, read again whenever the
//! configuration or one of the files changed. A file that cannot be used is our fault, not the site's: `monitor`.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::SystemTime;

use reqwest::Client;
use rustls::client::danger::ServerCertVerifier;
use rustls::client::{Resumption, Tls12Resumption, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, NamedGroup, RootCertStore};
use tokio::sync::OnceCell;

use super::client;
use super::files::{self, certificates, own_roots, private_key};
use super::hooks::{Asked, NoSessions, Recording};
use super::suites;
use super::verified::Verified;
use crate::adapters::http::HttpError;
use crate::adapters::http::certificate::read::Known;
use crate::adapters::http::fault::Fault;
use crate::model::{Day, Finding, Profile, Quoted, Timestamp, Tls};

/// Profiles whose own settings are kept; beyond it they are made anew, which costs milliseconds.
const KEPT: usize = 4096;

/// Settings, and the clients made of them.
#[derive(Debug)]
pub(in crate::adapters::http) struct Base {
    config: ClientConfig,
    verifier: Arc<dyn ServerCertVerifier>,
    roots: Option<Arc<RootCertStore>>,
    named: Arc<[CertificateDer<'static>]>,
    lists_end: Option<Timestamp>,
    known: Arc<Known>,
    verified: Option<Arc<Verified>>,
    /// That which a bad certificate stops, and that which goes on.
    clients: [OnceLock<Client>; 2],
}

impl Base {
    /// The client with these settings and our hooks, made when it is first asked for.
    pub(in crate::adapters::http) fn client(
        &self,
        verify: bool,
    ) -> Result<&Client, reqwest::Error> {
        let place = &self.clients[usize::from(!verify)];
        if let Some(client) = place.get() {
            return Ok(client);
        }
        let made = client(self.hooked(verify))?;
        // Whoever else made one meanwhile made the same.
        Ok(place.get_or_init(|| made))
    }

    fn hooked(&self, verify: bool) -> ClientConfig {
        let mut config = self.config.clone();
        config.resumption =
            Resumption::store(Arc::new(NoSessions)).tls12_resumption(Tls12Resumption::Disabled);
        let recording = Recording {
            inner: Arc::clone(&self.verifier),
            verify,
            roots: self.roots.clone(),
            named: Arc::clone(&self.named),
            known: Arc::clone(&self.known),
            verified: self.verified.clone(),
        };
        config.client_auth_cert_resolver = Arc::new(Asked {
            inner: Arc::clone(&self.config.client_auth_cert_resolver),
        });
        config
            .dangerous()
            .set_certificate_verifier(Arc::new(recording));
        config
    }

    /// The same without offering a protocol, for servers that know none of ours by name.
    pub(in crate::adapters::http) fn without_alpn(&self) -> Self {
        self.offering(Vec::new())
    }

    /// The same with HTTP/1.1 alone.
    pub(in crate::adapters::http) fn http1_only(&self) -> Self {
        self.offering(vec![b"http/1.1".to_vec()])
    }

    fn offering(&self, protocols: Vec<Vec<u8>>) -> Self {
        let mut config = self.config.clone();
        config.alpn_protocols = protocols;
        Self {
            config,
            verifier: Arc::clone(&self.verifier),
            roots: self.roots.clone(),
            named: Arc::clone(&self.named),
            lists_end: self.lists_end,
            known: Arc::clone(&self.known),
            verified: self.verified.clone(),
            clients: Default::default(),
        }
    }

    /// What is to be said of the settings themselves.
    pub(in crate::adapters::http) fn remark(&self, now: Timestamp) -> Option<Finding> {
        let ended = self.lists_end.filter(|end| *end < now)?;
        Some(Finding::ListEnded { day: Day(ended) })
    }
}

type Stamp = (u64, Vec<Option<SystemTime>>);

/// The settings of every profile.
#[derive(Debug)]
pub(in crate::adapters::http) struct Bases {
    provider: Arc<CryptoProvider>,
    shared: Arc<Base>,
    own: Mutex<HashMap<String, (Stamp, Arc<Base>)>>,
}

impl Bases {
    pub(in crate::adapters::http) fn try_new() -> Result<Self, HttpError> {
        let mut provider = suites::provider();
        provider
            .kx_groups
            .retain(|group| group.name() != NamedGroup::X25519MLKEM768);
        let provider = Arc::new(provider);
        let verifier = machine_roots(&provider)?;
        let config = configured(&provider, &verifier, None).map_err(HttpError::Tls)?;
        Ok(Self {
            shared: Arc::new(Base {
                config,
                verifier,
                roots: None,
                named: Arc::from([]),
                lists_end: None,
                known: Arc::new(Known::new()),
                verified: Some(Arc::default()),
                clients: Default::default(),
            }),
            provider,
            own: Mutex::default(),
        })
    }

    /// The machine's roots, no client certificate.
    pub(in crate::adapters::http) fn shared(&self) -> Arc<Base> {
        Arc::clone(&self.shared)
    }

    /// The settings of a profile.
    pub(in crate::adapters::http) fn of(&self, profile: &Profile) -> Result<Arc<Base>, Fault> {
        let files = named_in(&profile.tls);
        if files.is_empty() {
            return Ok(self.shared());
        }
        let changed = |file: &&Path| file.metadata().and_then(|m| m.modified()).ok();
        let stamp: Stamp = (profile.fingerprint, files.iter().map(changed).collect());
        let key = profile.name.to_string();
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, base)) = own.get(&key)
            && *known == stamp
        {
            return Ok(Arc::clone(base));
        }
        let base = Arc::new(self.make(&profile.tls)?);
        if own.len() >= KEPT {
            own.clear();
        }
        own.insert(key, (stamp, Arc::clone(&base)));
        Ok(base)
    }

    fn make(&self, tls: &Tls) -> Result<Base, Fault> {
        let named = match &tls.ca_file {
            Some(file) => certificates(file).map_err(|fault| fault.of_key("tls.ca_file"))?,
            None => Vec::new(),
        };
        let roots = match &tls.ca_file {
            Some(file) => Some(Arc::new(
                own_roots(file, &named).map_err(|fault| fault.of_key("tls.ca_file"))?,
            )),
            None => None,
        };
        let lists = match &tls.crl_file {
            Some(file) => files::lists(file).map_err(|fault| fault.of_key("tls.crl_file"))?,
            None => Vec::new(),
        };
        let lists_end = files::first_end(&lists);
        let verified = match (&roots, lists.is_empty()) {
            (None, true) => self.shared.verified.clone(),
            (Some(_), true) => Some(Arc::default()),
            // What was revoked is looked up each time.
            (_, false) => None,
        };
        let verifier: Arc<dyn ServerCertVerifier> = if roots.is_none() && lists.is_empty() {
            Arc::clone(&self.shared.verifier)
        } else {
            let anchors = roots.clone().unwrap_or_else(native_roots);
            let built = WebPkiServerVerifier::builder_with_provider(anchors, self.provider.clone())
                .with_crls(lists)
                .allow_unknown_revocation_status()
                .build();
            built.map_err(|error| {
                let why = Quoted::new(&error.to_string());
                Fault::monitor(Finding::TlsFiles { why })
            })?
        };
        let shown = match &tls.client_certificate {
            Some(files) => Some(client_certificate(files)?),
            None => None,
        };
        let config = configured(&self.provider, &verifier, shown).map_err(|error| {
            let why = Quoted::new(&error.to_string());
            Fault::monitor(Finding::ClientFiles { why })
        })?;
        Ok(Base {
            config,
            verifier,
            roots,
            named: named.into(),
            lists_end,
            known: Arc::clone(&self.shared.known),
            verified,
            clients: Default::default(),
        })
    }
}

/// Awaits that the source of random numbers is ready. The first number of a process takes a tenth of a second and more, as the
/// source is filled and tested; that is no part of the first connection, and no other task waits for it.
pub(in crate::adapters::http) async fn ready() {
    static READY: OnceCell<()> = OnceCell::const_new();
    let fill = || {
        // What fails here fails again where it is needed, and is told there.
        let _ = aws_lc_rs::default_provider()
            .secure_random
            .fill(&mut [0; 32]);
    };
    let filled = || async {
        let _ = tokio::task::spawn_blocking(fill).await;
    };
    READY.get_or_init(filled).await;
}

fn named_in(tls: &Tls) -> Vec<&Path> {
    let mut files: Vec<&Path> = tls
        .ca_file
        .iter()
        .chain(&tls.crl_file)
        .map(PathBuf::as_path)
        .collect();
    if let Some((certificate, key)) = &tls.client_certificate {
        files.extend([certificate.as_path(), key.as_path()]);
    }
    files
}

type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn configured(
    provider: &Arc<CryptoProvider>,
    verifier: &Arc<dyn ServerCertVerifier>,
    identity: Option<Identity>,
) -> Result<ClientConfig, rustls::Error> {
    let builder = ClientConfig::builder_with_provider(Arc::clone(provider))
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(verifier));
    let mut config = match identity {
        Some((chain, key)) => builder.with_client_auth_cert(chain, key)?,
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn machine_roots(provider: &Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>, HttpError> {
    if let Ok(verifier) = rustls_platform_verifier::Verifier::new(Arc::clone(provider)) {
        return Ok(Arc::new(verifier));
    }
    tracing::warn!("this machine has no trusted certificates; using the list built in");
    let roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    let verifier =
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
            .build()?;
    Ok(verifier)
}

/// The machine's roots as a list, which the platform's verifier does not hand out.
fn native_roots() -> Arc<RootCertStore> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    Arc::new(roots)
}

fn client_certificate((chain, key): &(PathBuf, PathBuf)) -> Result<Identity, Fault> {
    let chain = certificates(chain).map_err(|fault| fault.of_key("tls.client_cert_file"))?;
    let key = private_key(key).map_err(|fault| fault.of_key("tls.client_key_file"))?;
    Ok((chain, key))
}
