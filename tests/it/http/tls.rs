//! TLS: certificates of every kind, handshakes of every kind.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use probe::model::{Cause, CertificateFault, CheckResult, Finding, Phase, Profile};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use tempfile::TempDir;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion, version};

use super::server::{Act, Server, fine, head, listen, loopback, play, send, serve, serve_blind};
use super::{SHORT, assert_found, assert_ok, probe, profile};

/// An authority of our own, and the file where a profile finds it.
pub(super) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
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

    fn file(&self, name: &str) -> PathBuf {
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
    chain: Vec<CertificateDer<'static>>,
    key: Vec<u8>,
    pem: (String, String),
}

impl Identity {
    fn key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::try_from(self.key.clone()).unwrap()
    }
}

const BOTH: &[&SupportedProtocolVersion] = &[&version::TLS13, &version::TLS12];

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

const NOW: Duration = Duration::ZERO;
const LOCAL: &[&str] = &["127.0.0.1", "shop.example"];

async fn serve_with(
    authority: &Authority,
    names: &[&str],
    change: impl FnOnce(&mut CertificateParams),
) -> Server {
    let identity = authority.certify(names, change);
    serve_tls(config(&identity, BOTH), NOW, fine()).await
}

#[track_caller]
fn assert_certificate(result: &CheckResult, expected: CertificateFault, words: &str) {
    assert_found(result, Cause::TlsCertificate, Phase::Tls);
    let Finding::Found {
        certificate_fault, ..
    } = &result.finding
    else {
        panic!("{result:?}");
    };
    assert_eq!(*certificate_fault, Some(expected), "{result:?}");
    assert!(result.detail().contains(words), "{result:?}");
    assert!(result.certificate.is_some(), "{result:?}");
}

#[tokio::test]
async fn both_versions_are_spoken_and_the_certificate_is_read() {
    let authority = Authority::new();
    for versions in [&BOTH[..1], &BOTH[1..]] {
        let identity = authority.certify(LOCAL, |params| {
            params.not_before = date_time_ymd(2020, 1, 1);
            params.not_after = date_time_ymd(2090, 1, 2);
        });
        let server = serve_tls(config(&identity, versions), NOW, fine()).await;
        let result = probe(authority.profile(&server)).await;
        assert_ok(&result);
        assert_eq!(result.http_version.as_deref(), Some("1.1"));
        let certificate = result.certificate.unwrap();
        assert_eq!(certificate.names, ["127.0.0.1", "shop.example"]);
        assert_eq!(
            certificate.not_after.to_string(),
            "2090-01-02T00:00:00.000Z"
        );
        assert!(certificate.days_left > 20_000, "{certificate:?}");
        assert_eq!(certificate.fingerprint.len(), 64);
        assert!(
            certificate.issuer.contains("Our authority"),
            "{certificate:?}"
        );
    }
}

#[tokio::test]
async fn expired() {
    let authority = Authority::new();
    let server = serve_with(&authority, LOCAL, |params| {
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2021, 2, 3);
    })
    .await;
    let result = probe(authority.profile(&server)).await;
    assert_certificate(&result, CertificateFault::Expired, "2021-02-03");
    assert!(result.certificate.unwrap().days_left < -1000);
    assert_eq!(server.heads().len(), 0, "nothing is asked behind it");
}

#[tokio::test]
async fn not_yet_valid() {
    let authority = Authority::new();
    let server = serve_with(&authority, LOCAL, |params| {
        params.not_before = date_time_ymd(2089, 1, 1);
        params.not_after = date_time_ymd(2090, 1, 1);
    })
    .await;
    let result = probe(authority.profile(&server)).await;
    assert_certificate(&result, CertificateFault::NotYetValid, "2089-01-01");
}

#[tokio::test]
async fn wrong_name() {
    let authority = Authority::new();
    let names: Vec<String> = (0..40).map(|n| format!("n{n}.example")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let server = serve_with(&authority, &names, |_| ()).await;
    let result = probe(authority.profile(&server)).await;
    assert_certificate(&result, CertificateFault::WrongName, "n9.example");
    assert!(!result.detail().contains("n10.example"), "{result:?}");
    assert_eq!(result.certificate.unwrap().names.len(), 10);
}

#[tokio::test]
async fn untrusted() {
    let authority = Authority::new();
    let server = serve_with(&authority, LOCAL, |_| ()).await;
    let mut public = authority.profile(&server);
    public.tls.ca_file = None;
    let result = probe(public).await;
    assert_certificate(
        &result,
        CertificateFault::Untrusted,
        "issuer is not trusted",
    );
}

#[tokio::test]
async fn self_signed_and_let_pass_without_verify() {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["other.example".to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let identity = Identity {
        chain: vec![certificate.der().clone()],
        key: key.serialize_der(),
        pem: (String::new(), String::new()),
    };
    let server = serve_tls(config(&identity, BOTH), NOW, fine()).await;
    let url = format!("https://{}/", server.address);
    let result = probe(profile(&url)).await;
    assert_certificate(&result, CertificateFault::Untrusted, "self-signed");
    let mut lenient = profile(&url);
    lenient.tls.verify = false;
    let result = probe(lenient).await;
    assert_ok(&result);
    assert_eq!(result.certificate.unwrap().names, ["other.example"]);
}

#[tokio::test]
async fn expiring_is_a_remark_before_slow() {
    let authority = Authority::new();
    let now = std::time::SystemTime::now();
    let days = |n: u64| Duration::from_secs(n * 24 * 3600);
    let server = serve_with(&authority, LOCAL, |params| {
        params.not_before = (now - days(80)).into();
        params.not_after = (now + days(5) + Duration::from_secs(3600)).into();
    })
    .await;
    let mut warned = authority.profile(&server);
    warned.tls.warn_before = vec![days(21), days(7)];
    warned.slow = Some(Duration::ZERO);
    let result = probe(warned.clone()).await;
    assert_found(&result, Cause::CertificateExpiring, Phase::Tls);
    assert!(result.detail().contains("in 5 days"), "{result:?}");
    assert!(result.is_ok());
    warned.tls.warn_before = vec![days(3)];
    assert_eq!(probe(warned).await.cause(), Some(Cause::Slow));
}

#[tokio::test]
async fn a_name_is_sent_along_to_a_pinned_address() {
    let authority = Authority::new();
    let server = serve_with(&authority, &["shop.example"], |_| ()).await;
    let mut pinned = authority.profile(&server);
    let url = format!("https://shop.example:{}/", server.address.port());
    pinned.urls = vec![url.parse().unwrap()];
    pinned.addresses = probe::model::Addresses::Pinned(vec![server.address.ip()]);
    assert_ok(&probe(pinned).await);
    let head = server.heads()[0].to_ascii_lowercase();
    assert!(head.contains("host: shop.example:"), "{head}");
}

#[tokio::test]
async fn plain_http_on_the_tls_port() {
    let bad = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
    let server = serve_blind(vec![send(bad), Act::Silence]).await;
    let result = probe(profile(&format!("https://{}/", server.address))).await;
    assert_found(&result, Cause::NotTls, Phase::Tls);
}

#[tokio::test]
async fn ssh_on_the_tls_port() {
    let server = serve_blind(vec![send("SSH-2.0-OpenSSH_9.2p1\r\n"), Act::Silence]).await;
    let result = probe(profile(&format!("https://{}/", server.address))).await;
    assert_found(&result, Cause::NotTls, Phase::Tls);
}

#[tokio::test]
async fn tls_on_the_plain_port() {
    let authority = Authority::new();
    let server = serve_with(&authority, LOCAL, |_| ()).await;
    let result = probe(profile(&server.url("/"))).await;
    assert_found(&result, Cause::Protocol, Phase::FirstByte);
}

#[tokio::test]
async fn handshake_that_stalls() {
    let server = serve_blind(vec![Act::Silence]).await;
    let mut stalled = profile(&format!("https://{}/", server.address));
    stalled.timeout = SHORT;
    stalled.connect_timeout = SHORT / 4;
    let result = probe(stalled).await;
    assert_found(&result, Cause::TlsTimeout, Phase::Tls);
    assert!(result.timings.connect.is_some(), "{result:?}");
}

#[tokio::test]
async fn handshake_that_is_reset_or_closed() {
    for (script, cause) in [
        (vec![Act::Wait(SHORT / 8), Act::Reset], Cause::Reset),
        (vec![send("\x15"), Act::Wait(SHORT / 8)], Cause::Closed),
    ] {
        // The request line of a TLS client never ends, so the hello is not read; what is unread makes a close a reset.
        let server = listen(loopback().await, move |mut stream, _| {
            let script = script.clone();
            async move {
                let mut hello = vec![0; 8192];
                let _ = tokio::io::AsyncReadExt::read(&mut stream, &mut hello).await;
                let _ = play(&mut stream, script).await;
            }
        })
        .await;
        let result = probe(profile(&format!("https://{}/", server.address))).await;
        assert_found(&result, cause, Phase::Tls);
    }
}

#[tokio::test]
async fn an_alert_is_named() {
    // A record of type alert: fatal, handshake_failure.
    let alert = vec![0x15, 3, 3, 0, 2, 2, 40];
    let server = serve_blind(vec![Act::Send(alert), Act::Silence]).await;
    let result = probe(profile(&format!("https://{}/", server.address))).await;
    assert_found(&result, Cause::TlsHandshake, Phase::Tls);
    assert!(result.detail().contains("HandshakeFailure"), "{result:?}");
}

fn demanding(
    authority: &Authority,
    versions: &[&'static SupportedProtocolVersion],
) -> ServerConfig {
    let identity = authority.certify(LOCAL, |_| ());
    let mut roots = RootCertStore::empty();
    roots.add(authority.issuer.der().clone()).unwrap();
    let provider = Arc::new(default_provider());
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .build()
            .unwrap();
    ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(identity.chain.clone(), identity.key())
        .unwrap()
}

fn write(file: &Path, text: &str) -> PathBuf {
    std::fs::write(file, text).unwrap();
    file.to_owned()
}

#[tokio::test]
async fn a_client_certificate_is_shown_or_said_to_be_missing() {
    let authority = Authority::new();
    let ours = authority.certify(&["monitor.example"], |_| ());
    let files = (
        write(&authority.file("client.pem"), &ours.pem.0),
        write(&authority.file("client.key"), &ours.pem.1),
    );
    for versions in [&BOTH[..1], &BOTH[1..]] {
        let server = serve_tls(demanding(&authority, versions), NOW, fine()).await;
        let mut known = authority.profile(&server);
        let result = probe(known.clone()).await;
        assert_eq!(result.cause(), Some(Cause::TlsHandshake), "{result:?}");
        assert!(result.detail().contains("client certificate"), "{result:?}");
        known.tls.client_certificate = Some(files.clone());
        assert_ok(&probe(known).await);
    }
}

#[tokio::test]
async fn files_that_cannot_be_used_are_our_fault() {
    let authority = Authority::new();
    let server = serve_with(&authority, LOCAL, |_| ()).await;
    let mut missing = authority.profile(&server);
    missing.tls.ca_file = Some(authority.file("missing.pem"));
    let mut empty = authority.profile(&server);
    empty.tls.ca_file = Some(write(&authority.file("empty.pem"), "nothing"));
    let mut unkeyed = authority.profile(&server);
    unkeyed.tls.client_certificate = Some((authority.file("ca.pem"), authority.file("ca.pem")));
    for (profile, words) in [
        (missing, "tls.ca_file"),
        (empty, "holds no PEM certificate"),
        (unkeyed, "tls.client_key_file"),
    ] {
        let result = probe(profile).await;
        assert_eq!(result.cause(), Some(Cause::Monitor), "{result:?}");
        assert!(result.detail().contains(words), "{result:?}");
    }
    assert_eq!(server.accepted(), 0);
}

#[tokio::test]
async fn a_renewed_ca_file_is_read_again() {
    let (old, new) = (Authority::new(), Authority::new());
    let server = serve_with(&new, LOCAL, |_| ()).await;
    let prober = probe::adapters::http::HttpProber::try_new().unwrap();
    let before = super::probe_with(&prober, old.profile(&server)).await;
    assert_eq!(before.cause(), Some(Cause::TlsCertificate), "{before:?}");
    let file = old.file("ca.pem");
    std::fs::copy(new.file("ca.pem"), &file).unwrap();
    let later = std::time::SystemTime::now() + Duration::from_secs(5);
    let touched = std::fs::File::options().append(true).open(&file).unwrap();
    touched.set_modified(later).unwrap();
    assert_ok(&super::probe_with(&prober, old.profile(&server)).await);
}

/// An HTTP/2 server that answers every request with `answer`.
async fn serve_h2(
    identity: &Identity,
    answer: impl Fn(h2::server::SendResponse<h2_bytes::Bytes>) + Clone + Send + Sync + 'static,
) -> Server {
    let mut config = config(identity, BOTH);
    config.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    listen(loopback().await, move |stream, _| {
        let (acceptor, answer) = (acceptor.clone(), answer.clone());
        async move {
            let Ok(stream) = acceptor.accept(stream).await else {
                return;
            };
            let Ok(mut connection) = h2::server::handshake(stream).await else {
                return;
            };
            while let Some(Ok((_, respond))) = connection.accept().await {
                answer(respond);
            }
        }
    })
    .await
}

mod h2_bytes {
    pub(super) use hyper::body::Bytes;
}

#[tokio::test]
async fn http2_is_spoken() {
    let authority = Authority::new();
    let server = serve_h2(&authority.certify(LOCAL, |_| ()), |mut respond| {
        let response = hyper::Response::builder().status(200).body(()).unwrap();
        let mut body = respond.send_response(response, false).unwrap();
        body.send_data("<html>two</html>".into(), true).unwrap();
    })
    .await;
    let mut wanting = authority.profile(&server);
    wanting.expect.contains = vec!["two".to_owned()];
    let result = probe(wanting).await;
    assert_ok(&result);
    assert_eq!(result.http_version.as_deref(), Some("2"));
}

#[tokio::test]
async fn http2_streams_that_are_reset() {
    let authority = Authority::new();
    for (reason, cause) in [
        (h2::Reason::REFUSED_STREAM, Cause::Closed),
        (h2::Reason::INTERNAL_ERROR, Cause::Reset),
        (h2::Reason::PROTOCOL_ERROR, Cause::Protocol),
    ] {
        let server = serve_h2(&authority.certify(LOCAL, |_| ()), move |mut respond| {
            respond.send_reset(reason);
        })
        .await;
        let result = probe(authority.profile(&server)).await;
        assert_found(&result, cause, Phase::FirstByte);
        assert_eq!(server.accepted(), 1, "no retry");
    }
    let server = serve_h2(&authority.certify(LOCAL, |_| ()), |mut respond| {
        let response = hyper::Response::builder().status(200).body(()).unwrap();
        let mut body = respond.send_response(response, false).unwrap();
        body.send_data("<html>".into(), false).unwrap();
        // A reset at once would overtake the head.
        tokio::spawn(async move {
            tokio::time::sleep(SHORT / 8).await;
            body.send_reset(h2::Reason::INTERNAL_ERROR);
        });
    })
    .await;
    let result = probe(authority.profile(&server)).await;
    assert_found(&result, Cause::Truncated, Phase::Transfer);
}

#[tokio::test]
async fn http2_headers_have_the_same_limits() {
    let authority = Authority::new();
    for (count, length) in [(300, 1), (160, 2048)] {
        let server = serve_h2(&authority.certify(LOCAL, |_| ()), move |mut respond| {
            let mut response = hyper::Response::builder().status(200);
            for n in 0..count {
                response = response.header(format!("x-line-{n}"), "v".repeat(length));
            }
            let _ = respond.send_response(response.body(()).unwrap(), true);
        })
        .await;
        let result = probe(authority.profile(&server)).await;
        assert_found(&result, Cause::HeadersTooLarge, Phase::FirstByte);
    }
}

#[tokio::test]
async fn https_to_http_is_refused() {
    let authority = Authority::new();
    let plain = serve(|_| fine()).await;
    let script = vec![send(&format!(
        "HTTP/1.1 301 Moved\r\nLocation: {}\r\nContent-Length: 0\r\n\r\n",
        plain.url("/")
    ))];
    let server = serve_tls(config(&authority.certify(LOCAL, |_| ()), BOTH), NOW, script).await;
    let result = probe(authority.profile(&server)).await;
    assert_found(&result, Cause::Redirect, Phase::FirstByte);
    assert!(result.detail().contains("https back to http"), "{result:?}");
    assert_eq!(plain.accepted(), 0);
}
