//! Certificates of every kind, and the files a profile names for TLS.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use probe::adapters::http::HttpProber;
use probe::model::{Cause, CertificateFault, CheckOutcome, CheckResult, Phase};
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use tokio_rustls::rustls::crypto::aws_lc_rs::sign::any_supported_type;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;

use super::authority::{Authority, BOTH, Identity, LOCAL, NOW, config, serve_tls, serve_with};
use super::server::fine;
use super::{assert_found, assert_ok, probe, probe_with, profile};

#[track_caller]
fn assert_certificate(result: &CheckResult, expected: CertificateFault, words: &str) {
    assert_found(result, Cause::TlsCertificate, Phase::Tls);
    let CheckOutcome::Found {
        certificate_fault, ..
    } = &result.outcome
    else {
        panic!("{result:?}");
    };
    assert_eq!(*certificate_fault, Some(expected), "{result:?}");
    assert!(result.detail().contains(words), "{result:?}");
    assert!(result.certificate.is_some(), "{result:?}");
}

/// RFC 5280 4.1.2.5: a certificate without an end is good until the last second that a date can say.
#[tokio::test]
async fn a_certificate_that_never_ends_has_a_date() {
    let authority = Authority::new();
    let identity = authority.certify(LOCAL, |params| {
        let last = std::time::UNIX_EPOCH + Duration::from_secs(253_402_300_799);
        params.not_after = last.into();
    });
    let server = serve_tls(config(&identity, BOTH), NOW, fine()).await;
    let mut warned = authority.profile(&server);
    warned.tls.warn_before = vec![Duration::from_secs(21 * 24 * 3600)];
    let result = probe(warned).await;
    assert_ok(&result);
    let certificate = result.certificate.unwrap();
    let until = certificate.not_after.to_string();
    assert_eq!(until, "9999-12-31T23:59:59.000Z");
    assert!(certificate.days_left > 2_900_000, "{certificate:?}");
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
        assert_eq!(result.http_version, Some(probe::model::HttpVersion::Http11));
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
    assert_eq!(server.heads().len(), 1, "what is behind it was looked at");
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

fn write(file: &Path, text: &str) -> PathBuf {
    std::fs::write(file, text).unwrap();
    file.to_owned()
}

/// Shows a chain whose key is somebody else's.
#[derive(Debug)]
struct Borrowed(Arc<CertifiedKey>);

impl ResolvesServerCert for Borrowed {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

/// A chain that was found good is no proof that whoever shows it has its key; and the authority that a file names now counts.
#[tokio::test]
async fn a_chain_seen_before_proves_nothing_by_itself() {
    let (authority, prober) = (Authority::new(), HttpProber::try_new().unwrap());
    let identity = authority.certify(LOCAL, |_| ());
    let good = serve_tls(config(&identity, BOTH), NOW, fine()).await;
    for _ in 0..2 {
        assert_ok(&probe_with(&prober, authority.profile(&good)).await);
    }
    let other = KeyPair::generate().unwrap().serialize_der();
    let key = any_supported_type(&PrivateKeyDer::try_from(other).unwrap()).unwrap();
    for version in BOTH {
        let mut borrowed = config(&identity, &[*version]);
        let shown = CertifiedKey::new(identity.chain.clone(), Arc::clone(&key));
        borrowed.cert_resolver = Arc::new(Borrowed(Arc::new(shown)));
        let server = serve_tls(borrowed, NOW, fine()).await;
        let result = probe_with(&prober, authority.profile(&server)).await;
        assert_certificate(&result, CertificateFault::Untrusted, "BadSignature");
    }
    // The same name in the configuration and the same file name, with another authority in it.
    std::fs::write(authority.file("ca.pem"), Authority::new().issuer.pem()).unwrap();
    let written = SystemTime::now() + Duration::from_secs(5);
    let file = File::options().write(true).open(authority.file("ca.pem"));
    file.unwrap().set_modified(written).unwrap();
    let result = probe_with(&prober, authority.profile(&good)).await;
    assert_found(&result, Cause::TlsCertificate, Phase::Tls);
}
