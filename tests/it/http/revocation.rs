//! Revoked certificates, by the lists of a file.

use std::time::{Duration, SystemTime};

use probe::adapters::http::HttpProber;
use probe::model::{Cause, CertificateFault};
use rcgen::{
    CertificateRevocationListParams, KeyIdMethod, RevokedCertParams, SerialNumber, date_time_ymd,
};

use super::authority::{Authority, LOCAL};
use super::chains::{Issuer, authority_named, fault, public, refused, served};
use super::table::record;
use super::{assert_ok, probe, probe_with, remarks};

#[tokio::test]
async fn t05_revoked_by_a_list_in_a_file() {
    let authority = Authority::new();
    let revoked = authority.certify(LOCAL, |params| {
        params.serial_number = Some(SerialNumber::from(4711_u64));
    });
    let good = authority.certify(LOCAL, |params| {
        params.serial_number = Some(SerialNumber::from(4712_u64));
    });
    let list = |issuer: &Issuer, until| {
        CertificateRevocationListParams {
            this_update: date_time_ymd(2020, 1, 1),
            next_update: until,
            crl_number: SerialNumber::from(1_u64),
            issuing_distribution_point: None,
            revoked_certs: vec![RevokedCertParams {
                serial_number: SerialNumber::from(4711_u64),
                revocation_time: date_time_ymd(2020, 1, 1),
                reason_code: None,
                invalidity_date: None,
            }],
            key_identifier_method: KeyIdMethod::Sha256,
        }
        .signed_by(issuer)
        .unwrap()
    };
    let present = list(&authority.issuer, date_time_ymd(2090, 1, 1));
    let old = list(&authority.issuer, date_time_ymd(2021, 1, 1));
    let foreign = list(
        &authority_named("Elsewhere", None, |_| ()),
        date_time_ymd(2090, 1, 1),
    );
    let write = |name: &str, bytes: &[u8]| {
        let file = authority.file(name);
        std::fs::write(&file, bytes).unwrap();
        file
    };
    let both = format!("{}{}", foreign.pem().unwrap(), present.pem().unwrap());
    let files = [
        (
            write("one.pem", present.pem().unwrap().as_bytes()),
            true,
            false,
        ),
        (write("two.pem", both.as_bytes()), true, false),
        (write("one.der", present.der()), true, false),
        (write("old.der", old.der()), true, true),
        (
            write("foreign.pem", foreign.pem().unwrap().as_bytes()),
            false,
            false,
        ),
    ];
    for (file, seen, stale) in files {
        for (identity, bad) in [(&revoked, seen), (&good, false)] {
            let server = served(identity).await;
            let mut profile = authority.profile(&server);
            profile.tls.crl_file = Some(file.clone());
            let result = probe(profile).await;
            if bad {
                refused(
                    &result,
                    CertificateFault::Revoked,
                    &["revoked by its issuer"],
                );
                record("T5", "revoked", &result);
            } else {
                assert_ok(&result);
            }
            let said = remarks(&result)
                .iter()
                .any(|remark| remark.contains("ended on 2021-01-01"));
            assert_eq!(said, stale, "{file:?}: {result:?}");
        }
    }
    // With the machine's roots the lists are read as well; what cannot be read is our fault.
    let server = served(&good).await;
    let mut profile = public(&authority, &server);
    profile.tls.crl_file = Some(authority.file("one.pem"));
    assert_eq!(
        fault(&probe(profile.clone()).await),
        Some(CertificateFault::Untrusted)
    );
    profile.tls.crl_file = Some(write("nothing.pem", b"nothing"));
    let result = probe(profile).await;
    assert_eq!(result.cause(), Some(Cause::Monitor), "{result:?}");
    assert!(result.detail().contains("tls.crl_file"), "{result:?}");
}

/// That a chain was good a moment ago hides nothing: neither a list that is named now, nor one that says more than it did.
#[tokio::test]
async fn revoked_after_it_was_seen_to_be_good() {
    let (authority, prober) = (Authority::new(), HttpProber::try_new().unwrap());
    let identity = authority.certify(LOCAL, |params| {
        params.serial_number = Some(SerialNumber::from(4711_u64));
    });
    let server = served(&identity).await;
    let file = authority.file("list.pem");
    let write = |serial: u64, second: u64| {
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(2020, 1, 1),
            next_update: date_time_ymd(2090, 1, 1),
            crl_number: SerialNumber::from(second),
            issuing_distribution_point: None,
            revoked_certs: vec![RevokedCertParams {
                serial_number: SerialNumber::from(serial),
                revocation_time: date_time_ymd(2020, 1, 1),
                reason_code: None,
                invalidity_date: None,
            }],
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let list = list.signed_by(&authority.issuer).unwrap();
        std::fs::write(&file, list.pem().unwrap()).unwrap();
        let written = SystemTime::now() + Duration::from_secs(second);
        let opened = std::fs::File::options().write(true).open(&file).unwrap();
        opened.set_modified(written).unwrap();
    };
    let words = &["revoked by its issuer"];
    let mut profile = authority.profile(&server);
    for _ in 0..2 {
        assert_ok(&probe_with(&prober, profile.clone()).await);
    }
    write(4711, 0);
    profile.tls.crl_file = Some(file.clone());
    profile.fingerprint += 1;
    let result = probe_with(&prober, profile.clone()).await;
    refused(&result, CertificateFault::Revoked, words);

    write(4712, 1);
    for _ in 0..2 {
        assert_ok(&probe_with(&prober, profile.clone()).await);
    }
    write(4711, 2);
    let result = probe_with(&prober, profile).await;
    refused(&result, CertificateFault::Revoked, words);
}
