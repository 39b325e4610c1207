//! Servers that stand in no table: odd redirects, odd certificates, odd words.

use std::sync::Arc;

use probe::model::{Addresses, Cause, CertificateFault, Phase};
use rcgen::{
    CertificateParams, CustomExtension, ExtendedKeyUsagePurpose, GeneralSubtree, KeyPair,
    NameConstraints, SanType,
};
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::crypto::aws_lc_rs::sign::any_supported_type;
use tokio_rustls::rustls::sign::{CertifiedKey, SingleCertAndKey};

use super::authority::{Authority, BOTH, Identity, LOCAL, NOW, config, serve_tls};
use super::chains::{authority_named, refused};
use super::odd::{PAGE, raw, then};
use super::server::{Act, fine, response, serve};
use super::{assert_found, assert_ok, probe, profile};
use crate::ports::closed_port;

#[tokio::test]
async fn locations() {
    let closed = closed_port();
    let server = serve(move |path| {
        let to = |location: &str| {
            let head =
                format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 100000");
            // The rest of the body never comes; nobody waits for it.
            then(raw(&head, b"x"), Act::Silence)
        };
        match path {
            "/fragment" => to("/there#part"),
            "/space" => to("/there with space"),
            "/letters" => to("/there/日本"),
            "/relative" => to("there"),
            "/query" => to("?there"),
            "/port" => to(&format!("http://{closed}/")),
            "/zone" => to("http://[fe80::1%25lo]/"),
            "/two" => to("/there\r\nLocation: /elsewhere"),
            "/300" => response("300 Multiple Choices", &["Location: /there"], PAGE),
            "/305" => response("305 Use Proxy", &["Location: http://192.0.2.1/"], PAGE),
            "/refresh" => response("200 OK", &["Refresh: 0; url=/there"], PAGE),
            _ => response("200 OK", &[], PAGE),
        }
    })
    .await;
    for (path, last) in [
        ("/fragment", "/there "),
        ("/space", "/there%20with%20space "),
        ("/letters", "/there/%E6%97%A5%E6%9C%AC "),
        ("/relative", "/there "),
        ("/query", "/query?there "),
        ("/two", "/there "),
        ("/300", "/300 "),
        ("/305", "/305 "),
        ("/refresh", "/refresh "),
    ] {
        let result = probe(profile(&server.url(path))).await;
        assert_ok(&result);
        let heads = server.heads();
        let asked = heads.last().unwrap();
        assert!(
            asked.starts_with(&format!("GET {last}HTTP/1.1")),
            "{path}: {asked}"
        );
    }
    let result = probe(profile(&server.url("/port"))).await;
    assert_found(&result, Cause::Refused, Phase::Connect);
    let result = probe(profile(&server.url("/zone"))).await;
    assert_found(&result, Cause::Redirect, Phase::FirstByte);
}

/// A page and a login go elsewhere: the user in a `Location` is dropped, a host with other letters is asked in its wire form.
#[tokio::test]
async fn locations_with_users_and_other_letters() {
    let server = serve(|path| {
        let to = |location: &str| response("302 Found", &[&format!("Location: {location}")], "");
        match path {
            "/letters" => to("http://bücher.invalid/"),
            "/slashes" => to("\\\\127.0.0.1:1\\there"),
            "/user" => to("//mallory:secret@127.0.0.1:1/there"),
            _ => response("200 OK", &[], PAGE),
        }
    })
    .await;
    for path in ["/slashes", "/user"] {
        let result = probe(profile(&server.url(path))).await;
        assert_found(&result, Cause::Refused, Phase::Connect);
        let told = format!("{result:?}");
        assert!(told.contains("http://127.0.0.1:1/there"), "{told}");
        assert!(
            !told.contains("mallory") && !told.contains("secret"),
            "{told}"
        );
    }
    let result = probe(profile(&server.url("/letters"))).await;
    assert!(
        result.detail().contains("http://xn--bcher-kva.invalid/"),
        "{result:?}"
    );
}

#[tokio::test]
async fn words_for_statuses_of_others() {
    for (status, words) in [
        (
            "511 Network Authentication Required",
            "a gateway on the way asks for a login",
        ),
        (
            "521 Web server is down",
            "Cloudflare's word for a server behind it",
        ),
        ("525 SSL handshake failed", "Cloudflare's word for bad TLS"),
    ] {
        let server = serve(move |_| response(status, &[], "")).await;
        let result = probe(profile(&server.url("/"))).await;
        assert_found(&result, Cause::ServerError, Phase::FirstByte);
        assert!(result.detail().contains(words), "{result:?}");
    }
}

/// Both of the old forms of a date (RFC 9110 §5.6.7).
#[tokio::test]
async fn a_wait_until_a_date_in_an_old_form() {
    for (date, until) in [
        (
            "Sunday, 22-Nov-26 06:00:00 GMT",
            "Sunday, 22-Nov-26 06:02:00 GMT",
        ),
        ("Sun Nov 22 06:00:00 2026", "Sun Nov 22 06:02:00 2026"),
    ] {
        let lines = [format!("Date: {date}"), format!("Retry-After: {until}")];
        let server = serve(move |_| {
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            response("503 Service Unavailable", &lines, "")
        })
        .await;
        let result = probe(profile(&server.url("/"))).await;
        assert_found(&result, Cause::Maintenance, Phase::FirstByte);
        assert!(result.detail().contains("Retry-After 120 s"), "{result:?}");
    }
}

/// What `openssl req -x509` makes: self-signed, and an authority. Named in `ca_file` it is taken, for its names and its days.
#[tokio::test]
async fn a_self_signed_certificate_that_ca_file_names() {
    let authority = Authority::new();
    let now = std::time::SystemTime::now();
    let hour = std::time::Duration::from_secs(3600);
    for (names, life, fault, words) in [
        (LOCAL, (-1, 1), None, ""),
        (
            &["other.example"][..],
            (-1, 1),
            Some(CertificateFault::WrongName),
            "is for other.example, not for 127.0.0.1",
        ),
        (LOCAL, (-2, -1), Some(CertificateFault::Expired), "renew it"),
    ] {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let at = |hours: i32| match u32::try_from(hours) {
            Ok(hours) => now + hour * hours,
            Err(_) => now - hour * hours.unsigned_abs(),
        };
        (params.not_before, params.not_after) = (at(life.0).into(), at(life.1).into());
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let identity = Identity {
            chain: vec![certificate.der().clone()],
            key: key.serialize_der(),
            pem: (certificate.pem(), key.serialize_pem()),
        };
        let server = serve_tls(config(&identity, BOTH), NOW, fine()).await;
        let mut named = authority.profile(&server);
        let result = probe(named.clone()).await;
        assert_eq!(result.cause(), Some(Cause::TlsCertificate), "{result:?}");
        let file = authority.file("self.pem");
        std::fs::write(&file, &identity.pem.0).unwrap();
        named.tls.ca_file = Some(file);
        let result = probe(named).await;
        match fault {
            None => assert_ok(&result),
            Some(fault) => refused(&result, fault, &[words]),
        }
    }
}

/// Why a certificate is refused, and in which words; `None` is one that is taken.
type Told = Option<(CertificateFault, &'static str)>;

/// Certificates of our own authority that are taken, or refused in words.
#[tokio::test]
async fn certificates_of_odd_kinds() {
    use CertificateFault::{Untrusted, WrongName};
    type Change = fn(&mut CertificateParams);
    let authority = Authority::new();
    let cases: [(&str, Change, Told); 6] = [
        // The stapled answer that it demands is not asked for by any client that does not know it.
        (
            "must staple",
            |params| {
                let der = vec![0x30, 3, 2, 1, 5];
                params.custom_extensions = vec![CustomExtension::from_oid_content(
                    &[1, 3, 6, 1, 5, 5, 7, 1, 24],
                    der,
                )];
            },
            None,
        ),
        (
            "a wildcard",
            |params| {
                params.subject_alt_names =
                    vec![SanType::DnsName("*.example.com".try_into().unwrap())];
            },
            None,
        ),
        (
            "a wildcard of a whole domain",
            |params| {
                params.subject_alt_names = vec![SanType::DnsName("*.com".try_into().unwrap())];
            },
            Some((WrongName, "is for *.com, not for shop.example.com")),
        ),
        (
            "a wildcard one level too low",
            |params| {
                params.subject_alt_names =
                    vec![SanType::DnsName("*.shop.example.com".try_into().unwrap())];
            },
            Some((
                WrongName,
                "is for *.shop.example.com, not for shop.example.com",
            )),
        ),
        (
            "for clients only",
            |params| {
                params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
            },
            Some((
                Untrusted,
                "does not allow extended key usage for server authentication",
            )),
        ),
        (
            "a critical extension nobody knows",
            |params| {
                let mut unknown = CustomExtension::from_oid_content(&[1, 2, 3, 4, 5], vec![5, 0]);
                unknown.set_criticality(true);
                params.custom_extensions = vec![unknown];
            },
            Some((Untrusted, "not acceptable (unsupported critical extension)")),
        ),
    ];
    for (name, change, expected) in cases {
        let identity = authority.certify(&["shop.example.com"], change);
        told(&authority, name, &identity, expected).await;
    }
    let constrained = authority_named("Constrained", Some(&authority.issuer), |params| {
        params.name_constraints = Some(NameConstraints {
            permitted_subtrees: vec![GeneralSubtree::DnsName("other.example".to_owned())],
            excluded_subtrees: vec![],
        });
    });
    let params = CertificateParams::new(vec!["shop.example.com".to_owned()]).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, &constrained).unwrap();
    let identity = Identity {
        chain: vec![certificate.der().clone(), constrained.der().clone()],
        key: key.serialize_der(),
        pem: (String::new(), String::new()),
    };
    let words = "not acceptable (name constraint violation)";
    told(
        &authority,
        "name constraints",
        &identity,
        Some((Untrusted, words)),
    )
    .await;
}

/// Two certificates of one intermediate, as after a change of roots: the one that has ended stands in nobody's way.
#[tokio::test]
async fn an_expired_way_beside_a_good_one() {
    let authority = Authority::new();
    let key = KeyPair::generate().unwrap();
    let middle = |ended: bool| {
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let name = &mut params.distinguished_name;
        name.push(rcgen::DnType::CommonName, "Middle");
        if ended {
            params.not_before = rcgen::date_time_ymd(2020, 1, 1);
            params.not_after = rcgen::date_time_ymd(2021, 1, 1);
        }
        let der = params
            .signed_by(&key, &authority.issuer)
            .unwrap()
            .der()
            .clone();
        (params, der)
    };
    let (_, expired) = middle(true);
    let (params, good) = middle(false);
    let issuer = rcgen::Issuer::from_params(&params, &key);
    let names = vec!["shop.example.com".to_owned()];
    let leaf_key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(names).unwrap();
    let leaf = leaf.signed_by(&leaf_key, &issuer).unwrap().der().clone();
    for middles in [[&expired, &good], [&good, &expired]] {
        let identity = Identity {
            chain: std::iter::once(&leaf).chain(middles).cloned().collect(),
            key: leaf_key.serialize_der(),
            pem: (String::new(), String::new()),
        };
        told(&authority, "an expired way", &identity, None).await;
    }
}

async fn told(authority: &Authority, name: &str, identity: &Identity, expected: Told) {
    // The server's own builder looks at what it shows.
    let key = any_supported_type(&identity.key()).unwrap();
    let shown = CertifiedKey::new(identity.chain.clone(), key);
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(BOTH)
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(shown)));
    let server = serve_tls(config, NOW, fine()).await;
    let mut pinned = authority.profile(&server);
    let url = format!("https://shop.example.com:{}/", server.address.port());
    pinned.urls = vec![url.parse().unwrap()];
    pinned.addresses = Addresses::Pinned(vec![server.address.ip()]);
    let result = probe(pinned).await;
    match expected {
        None => assert_eq!(result.cause(), None, "{name}: {result:?}"),
        Some((fault, words)) => refused(&result, fault, &[words]),
    }
}

/// An address that is written as a DNS name is no address to any client.
#[tokio::test]
async fn an_address_as_a_dns_name() {
    let authority = Authority::new();
    let identity = authority.certify(&["shop.example"], |params| {
        params.subject_alt_names = vec![SanType::DnsName("127.0.0.1".try_into().unwrap())];
    });
    let server = serve_tls(config(&identity, BOTH), NOW, fine()).await;
    let result = probe(authority.profile(&server)).await;
    let words = "the certificate has 127.0.0.1 as a DNS name only";
    refused(&result, CertificateFault::WrongName, &[words]);
}
