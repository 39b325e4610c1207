//! The fault table's TLS cases that concern certificates: each told apart, each with its words.

use std::sync::Arc;
use std::time::Duration;

use probe::model::{
    Cause, CertificateFault, CheckOutcome, CheckResult, Phase, Profile, TlsVersion,
};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CustomExtension, DnType, IsCa, KeyPair,
    date_time_ymd,
};

use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::crypto::aws_lc_rs::sign::any_supported_type;
use tokio_rustls::rustls::sign::{CertifiedKey, SingleCertAndKey};

use super::authority::{Authority, BOTH, Identity, LOCAL, NOW, config, serve_tls};
use super::server::{Server, fine};
use super::table::record;
use super::{assert_found, assert_ok, probe, remarks};

pub(super) fn fault(result: &CheckResult) -> Option<CertificateFault> {
    match &result.outcome {
        CheckOutcome::Found {
            certificate_fault, ..
        } => *certificate_fault,
        CheckOutcome::Ok => None,
    }
}

#[track_caller]
pub(super) fn refused(result: &CheckResult, expected: CertificateFault, words: &[&str]) {
    assert_found(result, Cause::TlsCertificate, Phase::Tls);
    assert_eq!(fault(result), Some(expected), "{result:?}");
    for words in words {
        assert!(result.detail().contains(words), "{words}: {result:?}");
    }
    assert!(result.certificate.is_some(), "{result:?}");
}

pub(super) type Issuer = CertifiedIssuer<'static, KeyPair>;

/// An authority under `above`, or one of its own.
pub(super) fn authority_named(
    name: &str,
    above: Option<&Issuer>,
    change: impl FnOnce(&mut CertificateParams),
) -> Issuer {
    let mut params = CertificateParams::new(vec![]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    change(&mut params);
    let key = KeyPair::generate().unwrap();
    match above {
        Some(above) => CertifiedIssuer::signed_by(params, key, above).unwrap(),
        None => CertifiedIssuer::self_signed(params, key).unwrap(),
    }
}

fn leaf(issuer: &Issuer, change: impl FnOnce(&mut CertificateParams)) -> Identity {
    let names = LOCAL
        .iter()
        .map(|&name| name.to_owned())
        .collect::<Vec<_>>();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name.push(DnType::CommonName, "shop");
    change(&mut params);
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, issuer).unwrap();
    Identity {
        chain: vec![certificate.der().clone()],
        key: key.serialize_der(),
        pem: (certificate.pem(), key.serialize_pem()),
    }
}

pub(super) async fn served(identity: &Identity) -> Server {
    serve_tls(config(identity, BOTH), NOW, fine()).await
}

pub(super) fn public(authority: &Authority, server: &Server) -> Profile {
    let mut profile = authority.profile(server);
    profile.tls.ca_file = None;
    profile
}

#[tokio::test]
async fn t01_expired_and_what_is_behind_it() {
    let authority = Authority::new();
    for version in BOTH {
        let identity = authority.certify(LOCAL, |params| {
            params.not_before = date_time_ymd(2020, 1, 1);
            params.not_after = date_time_ymd(2021, 2, 3);
        });
        let server = serve_tls(config(&identity, &[version]), NOW, fine()).await;
        let mut profile = authority.profile(&server);
        let url = format!("https://user:word@{}/path?key=sesame", server.address);
        profile.urls = vec![url.parse().unwrap()];
        profile.headers = vec![
            ("Authorization".to_owned(), "Bearer sesame".to_owned()),
            ("Cookie".to_owned(), "session=sesame".to_owned()),
            ("X-Key".to_owned(), "sesame".to_owned()),
        ];
        let result = probe(profile).await;
        refused(
            &result,
            CertificateFault::Expired,
            &[
                "expired on 2021-02-03",
                "days ago",
                "behind it the site answers (HTTP status 200)",
            ],
        );
        assert!(result.tls_version.is_some(), "{result:?}");
        assert_eq!(result.http_status, None, "a second look is no answer");
        let heads = server.heads();
        assert_eq!(heads.len(), 1);
        assert!(heads[0].starts_with("GET /path HTTP/1.1"), "{heads:?}");
        let heads = heads[0].to_ascii_lowercase();
        for secret in ["sesame", "authorization", "cookie", "x-key"] {
            assert!(!heads.contains(secret), "{heads}");
        }
        record("T1", "expired", &result);
    }
}

#[tokio::test]
async fn t01_an_expired_intermediate_is_named() {
    let authority = Authority::new();
    let middle = authority_named("Middle", Some(&authority.issuer), |params| {
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2021, 2, 3);
    });
    let mut identity = leaf(&middle, |_| ());
    identity.chain.push(middle.der().clone());
    let server = served(&identity).await;
    let result = probe(authority.profile(&server)).await;
    refused(
        &result,
        CertificateFault::Expired,
        &["intermediate certificate", "Middle", "2021-02-03"],
    );
    let certificate = result.certificate.as_ref().unwrap();
    assert_eq!(certificate.chain.len(), 1, "{certificate:?}");
    assert!(certificate.chain[0].issuer.contains("Our authority"));
    record("T1-intermediate", "expired intermediate", &result);
}

#[tokio::test]
async fn t03_wrong_name_only_a_common_name_no_name() {
    let authority = Authority::new();
    let many: Vec<String> = (0..1000).map(|n| format!("n{n}.example")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let named = authority.certify(&many, |_| ());
    let common = authority.certify(&[], |params| {
        params
            .distinguished_name
            .push(DnType::CommonName, "shop.example");
    });
    let nameless = authority.certify(&[], |params| {
        params.distinguished_name = rcgen::DistinguishedName::new();
    });
    let old = authority.certify(&["other.example"], |params| {
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2021, 2, 3);
    });
    for (identity, expected, words) in [
        (
            named,
            CertificateFault::WrongName,
            "n9.example and 990 more, not for 127.0.0.1",
        ),
        (
            common,
            CertificateFault::WrongName,
            "in its subject, which does not count",
        ),
        (nameless, CertificateFault::WrongName, "not for 127.0.0.1"),
        (
            old,
            CertificateFault::Expired,
            "also, the certificate is for other.example, not for",
        ),
    ] {
        let server = served(&identity).await;
        let result = probe(authority.profile(&server)).await;
        refused(&result, expected, &[words]);
        record("T3", "wrong name", &result);
    }
}

/// AIA with one caIssuers URL.
fn fetchable(params: &mut CertificateParams) {
    let url = b"http://ca.example/i.crt";
    let mut access = vec![0x30, 12 + url.len() as u8, 0x30, 10 + url.len() as u8];
    access.extend([0x06, 8, 0x2b, 6, 1, 5, 5, 7, 0x30, 2, 0x86, url.len() as u8]);
    access[1] += 2;
    access[3] += 2;
    access.extend(url);
    let oid = &[1, 3, 6, 1, 5, 5, 7, 1, 1];
    params.custom_extensions = vec![CustomExtension::from_oid_content(oid, access)];
}

#[tokio::test]
async fn t04_untrusted_and_incomplete_are_told_apart() {
    let authority = Authority::new();
    let middle = authority_named("Middle", Some(&authority.issuer), |_| ());
    let alone = leaf(&middle, |_| ());
    let with_aia = leaf(&middle, fetchable);
    let mut whole = leaf(&middle, fetchable);
    whole.chain.push(middle.der().clone());
    let mut rooted = leaf(&authority.issuer, fetchable);
    rooted.chain.push(authority.issuer.der().clone());
    let private = leaf(&authority.issuer, |_| ());
    let other = authority_named("Our authority", None, |_| ());
    let namesake = leaf(&other, |_| ());
    use CertificateFault::{IncompleteChain, Untrusted};
    for (what, identity, ours, expected, words) in [
        (
            "incomplete, own roots",
            &alone,
            true,
            Some(IncompleteChain),
            "does not send the intermediate certificate CN=Middle",
        ),
        (
            "incomplete, public",
            &with_aia,
            false,
            Some(IncompleteChain),
            "fullchain.pem",
        ),
        ("whole", &whole, true, None, ""),
        (
            "root sent",
            &rooted,
            false,
            Some(Untrusted),
            "the chain ends in CN=Our authority",
        ),
        (
            "private authority",
            &private,
            false,
            Some(Untrusted),
            "issuer is not trusted: CN=Our authority",
        ),
        ("own authority", &private, true, None, ""),
        (
            "another authority of that name",
            &namesake,
            true,
            Some(Untrusted),
            "",
        ),
    ] {
        let server = served(identity).await;
        let profile = if ours {
            authority.profile(&server)
        } else {
            public(&authority, &server)
        };
        let result = probe(profile).await;
        assert_eq!(fault(&result), expected, "{what}: {result:?}");
        assert!(result.detail().contains(words), "{what}: {result:?}");
        record(
            &format!("T4-{}", what.replace([' ', ','], "-")),
            what,
            &result,
        );
    }
}

#[tokio::test]
async fn t06_expiring_is_a_remark_scaled_to_the_life() {
    let authority = Authority::new();
    let now = std::time::SystemTime::now();
    let hours = |hours: u64| Duration::from_secs(hours * 3600);
    for (lived, left, told) in [
        (80 * 24, 121, true),
        (4 * 24, 49, false),
        (5 * 24, 25, true),
    ] {
        let identity = authority.certify(LOCAL, |params| {
            params.not_before = (now - hours(lived)).into();
            params.not_after = (now + hours(left)).into();
        });
        let server = served(&identity).await;
        let mut profile = authority.profile(&server);
        profile.tls.warn_before = vec![hours(21 * 24), hours(7 * 24), hours(24)];
        let result = probe(profile).await;
        let expected = told.then_some(Cause::CertificateExpiring);
        assert_eq!(result.cause(), expected, "{result:?}");
        assert!(result.is_ok());
        record("T6", "expiring", &result);
    }
}

#[tokio::test]
async fn t04_without_verify_the_verdict_is_a_remark() {
    let authority = Authority::new();
    let server = served(&leaf(&authority.issuer, |_| ())).await;
    let mut profile = public(&authority, &server);
    profile.tls.verify = false;
    let result = probe(profile).await;
    assert_ok(&result);
    assert_eq!(result.tls_version, Some(TlsVersion::Tls13));
    assert_eq!(result.remarks.len(), 1, "{result:?}");
    assert!(
        remarks(&result)[0].contains("issuer is not trusted"),
        "{result:?}"
    );
}

#[tokio::test]
async fn t13_certificates_of_any_size_are_bounded() {
    let authority = Authority::new();
    for (count, cause) in [(1_000, None), (10_000, Some(Cause::TlsHandshake))] {
        let mut names: Vec<String> = (0..count).map(|n| format!("n{n}.example")).collect();
        names.push("127.0.0.1".to_owned());
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let identity = authority.certify(&names, |_| ());
        // The server's own builder refuses a certificate that large.
        let key = any_supported_type(&identity.key()).unwrap();
        let certified = CertifiedKey::new(identity.chain.clone(), key);
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_protocol_versions(BOTH)
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
        let server = serve_tls(config, NOW, fine()).await;
        let result = probe(authority.profile(&server)).await;
        assert_eq!(result.cause(), cause, "{result:?}");
        match cause {
            None => assert_eq!(result.certificate.as_ref().unwrap().names.len(), 10),
            Some(_) => assert!(result.detail().contains("64 KiB"), "{result:?}"),
        }
        record(&format!("T13-{count}"), "names", &result);
    }
    let mut long = authority.certify(LOCAL, |_| ());
    let middle = authority_named("Middle", None, |_| ());
    long.chain.extend((0..40).map(|_| middle.der().clone()));
    let server = served(&long).await;
    let result = probe(authority.profile(&server)).await;
    assert_ok(&result);
    assert_eq!(result.certificate.unwrap().chain.len(), 6);
}
