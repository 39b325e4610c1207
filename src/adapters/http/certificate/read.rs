//! Reading the certificate a peer showed and the chain it sent along: names, dates, issuers. They are read whether or not
//! they are acceptable, so an expired one still says since when; where `tls.verify` is off, what would have been refused
//! is a remark.
//!
//! Over several hops the certificate that ends first is kept; one that was refused stands before all others.
//! `certificate_expiring` begins below the largest `warn_before`, but never while more than a third of the
//! certificate's whole life is left: a certificate that lives six days would otherwise never be well.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustls::CertificateError;
use rustls::crypto::aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256;
use rustls::pki_types::{CertificateDer, UnixTime};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use super::{Shown, refusal};
use crate::model::{
    Certificate, ChainLink, CheckResult, Finding, Shared, Timestamp, limits, one_line,
};

const DAY_MILLIS: i64 = 24 * 3600 * 1000;

/// Takes the certificate of a hop into the result.
pub(in crate::adapters::http) fn absorb(result: &mut CheckResult, shown: Option<Shown>) {
    let Some(shown) = shown else { return };
    if let Some(rustls::Error::InvalidCertificate(refused)) = &shown.refused
        && !shown.counts
    {
        let host = shown.name.to_str();
        let (_, finding) = refusal::explain(refused, Some(&shown), &host);
        let finding = Box::new(finding);
        result.remarks.push(Finding::NotVerified { finding });
    }
    let Some(read) = shown.certificate else {
        return;
    };
    let first_to_end = result
        .certificate
        .as_ref()
        .is_none_or(|known| read.not_after < known.not_after);
    if shown.refused.is_some() || first_to_end {
        result.certificate = Some(read);
    }
}

/// What was read before, so that what a site shows day after day is read once and held once. Nothing is believed for it: only
/// reading is spared.
#[derive(Debug)]
pub(in crate::adapters::http) struct Known {
    hashers: [RandomState; 2],
    read: Mutex<HashMap<[u64; 2], Shared<Certificate>>>,
}

/// Certificates known, at which those are let go of for the first time that nobody shows any more.
const KNOWN: usize = 256;

impl Known {
    pub(in crate::adapters::http) fn new() -> Self {
        Self {
            hashers: [RandomState::new(), RandomState::new()],
            read: Mutex::default(),
        }
    }

    /// The certificate of a chain, the peer's own first; `None` when it cannot be read at all.
    pub(in crate::adapters::http) fn read(
        &self,
        chain: &[&CertificateDer<'_>],
        at: UnixTime,
    ) -> Option<Shared<Certificate>> {
        // Of keys nobody knows, so nobody can make two chains alike.
        let key = self.hashers.each_ref().map(|hasher| hasher.hash_one(chain));
        let mut known = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(read) = known.get_mut(&key) {
            let days_left = days_left(read.not_after, at);
            if read.days_left != days_left {
                read.days_left = days_left;
            }
            return Some(read.clone());
        }
        let read = Shared::from(read(chain, at)?);
        if known.len() >= KNOWN && known.len() == known.capacity() {
            known.retain(|_, read| !read.is_alone());
        }
        known.insert(key, read.clone());
        Some(read)
    }
}

fn days_left(not_after: Timestamp, at: UnixTime) -> i64 {
    let now = moment(i64::try_from(at.as_secs()).unwrap_or(i64::MAX));
    not_after.0.saturating_sub(now.0).div_euclid(DAY_MILLIS)
}

fn read(chain: &[&CertificateDer<'_>], at: UnixTime) -> Option<Certificate> {
    let (leaf, sent) = chain.split_first()?;
    let (_, x509) = X509Certificate::from_der(leaf).ok()?;
    let not_after = moment(x509.validity().not_after.timestamp());
    Some(Certificate {
        not_before: moment(x509.validity().not_before.timestamp()),
        not_after,
        days_left: days_left(not_after, at),
        subject: line(&x509.subject().to_string()),
        issuer: line(&x509.issuer().to_string()),
        names: names(&x509),
        fingerprint: fingerprint(leaf),
        chain: sent.iter().filter_map(|der| link(der)).collect(),
    })
}

/// From when until when it is valid, in seconds of Unix time; `None` when it cannot be read.
pub(in crate::adapters::http) fn dates(der: &[u8]) -> Option<(i64, i64)> {
    let (_, x509) = X509Certificate::from_der(der).ok()?;
    let dates = x509.validity();
    Some((dates.not_before.timestamp(), dates.not_after.timestamp()))
}

/// Whether its dates fit.
pub(in crate::adapters::http) fn in_time(
    der: &[u8],
    now: UnixTime,
) -> Result<(), CertificateError> {
    let (begins, ends) = dates(der).ok_or(CertificateError::BadEncoding)?;
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    if now < begins {
        Err(CertificateError::NotValidYet)
    } else if now > ends {
        Err(CertificateError::Expired)
    } else {
        Ok(())
    }
}

fn moment(seconds: i64) -> Timestamp {
    Timestamp(seconds.saturating_mul(1000))
}

fn link(der: &[u8]) -> Option<ChainLink> {
    let (_, x509) = X509Certificate::from_der(der).ok()?;
    Some(ChainLink {
        subject: line(&x509.subject().to_string()),
        issuer: line(&x509.issuer().to_string()),
        not_after: moment(x509.validity().not_after.timestamp()),
    })
}

/// A certificate may carry a name of any length; one line of it is enough.
fn line(text: &str) -> String {
    one_line(text, limits::DETAIL_CHARS)
}

fn names(x509: &X509Certificate<'_>) -> Vec<String> {
    let alternative = x509.subject_alternative_name().ok().flatten();
    let mut names: Vec<String> = alternative
        .iter()
        .flat_map(|extension| extension.value.general_names.iter())
        .filter_map(|name| {
            if let GeneralName::DNSName(name) = name {
                Some(line(name))
            } else if let GeneralName::IPAddress(bytes) = name {
                address(bytes).map(|ip| ip.to_string())
            } else {
                None
            }
        })
        .take(limits::CERTIFICATE_NAMES)
        .collect();
    if names.is_empty() {
        let common = x509.subject().iter_common_name().next();
        names.extend(common.and_then(|name| name.as_str().ok()).map(line));
    }
    names
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from))
        .ok()
}

fn fingerprint(der: &[u8]) -> String {
    let Some(suite) = TLS13_AES_128_GCM_SHA256.tls13() else {
        return String::new();
    };
    let hash = suite.common.hash_provider.hash(der);
    hash.as_ref().iter().map(|b| format!("{b:02x}")).collect()
}

/// The remark, when a certificate ends soon.
pub(in crate::adapters::http) fn expiring(
    certificate: &Certificate,
    warn_before: &[Duration],
    now: Timestamp,
) -> Option<Finding> {
    let warn = warn_before.iter().max()?;
    let life = certificate.not_after.since(certificate.not_before);
    let left = certificate.not_after.since(now);
    let at = certificate.not_after;
    if now > at {
        return Some(Finding::CertificateOver { at });
    }
    (left < *warn && left < life / 3).then(|| {
        let days = left.as_secs() / (24 * 3600);
        match days {
            0 => Finding::CertificateEndsToday { at },
            1 => Finding::CertificateEndsInADay { at },
            _ => Finding::CertificateEnds { days, at },
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate(life_hours: i64) -> Certificate {
        Certificate {
            not_before: Timestamp(0),
            not_after: Timestamp(life_hours * DAY_MILLIS / 24),
            days_left: 0,
            subject: "CN=a".to_owned(),
            issuer: "CN=b".to_owned(),
            names: vec![],
            fingerprint: String::new(),
            chain: vec![],
        }
    }

    #[test]
    fn what_is_shown_again_is_held_once_and_its_days_go_on() {
        let made = rcgen::generate_simple_self_signed(vec!["a.example".to_owned()]).unwrap();
        let (der, known) = (made.cert.der(), Known::new());
        let at = |day: u64| UnixTime::since_unix_epoch(Duration::from_secs(day * 86_400));
        let first = known.read(&[der], at(20_000)).unwrap();
        let again = known.read(&[der], at(20_000)).unwrap();
        assert!(std::ptr::eq(&raw const *first, &raw const *again));
        let later = known.read(&[der], at(20_001)).unwrap();
        assert_eq!(later.days_left, first.days_left - 1);
        assert_ne!(known.read(&[der, der], at(20_001)), Some(later));
        assert_eq!(known.read(&[], at(0)), None);
    }

    #[test]
    fn expiry_is_told_below_the_largest_step_and_a_third_of_the_life() {
        let days = |n: u64| Duration::from_secs(n * 24 * 3600);
        let warn = [days(21), days(7), days(1)];
        for (life, left, told) in [
            (90 * 24, 21 * 24, false),
            (90 * 24, 21 * 24 - 1, true),
            (90 * 24, -1, true),
            (6 * 24, 49, false),
            (6 * 24, 47, true),
            (24, 9, false),
            (24, 7, true),
        ] {
            let now = Timestamp((life - left) * DAY_MILLIS / 24);
            let remark = expiring(&certificate(life), &warn, now);
            assert_eq!(
                remark.is_some(),
                told,
                "life {life} h, left {left} h: {remark:?}"
            );
        }
        assert_eq!(expiring(&certificate(24), &[], Timestamp(0)), None);
    }
}
