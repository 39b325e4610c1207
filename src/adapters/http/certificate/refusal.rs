//! Why a certificate was refused, for somebody half asleep: what, since when, for which names, and what to do.
//!
//! Dates come before names, and names before trust, as the verifier looks; an expired certificate that is also for other
//! names says both. Where the peer's own certificate is still valid, the expired one of its chain is named.
//!
//! No issuer that is known means `incomplete_chain` by these facts: the last certificate sent is not its own issuer, none
//! that was sent has its issuer's name, no root of the profile's own has it either, and the certificate says where its
//! issuer can be fetched (AIA), or the profile names the roots it expects. All else is `untrusted`. Nothing is fetched.

use std::net::IpAddr;

use rustls::CertificateError;
use rustls::RootCertStore;
use rustls::client::verify_server_name;
use rustls::server::ParsedCertificate;
use x509_parser::prelude::{FromDer, GeneralName, ParsedExtension, X509Certificate};

use super::Shown;
use crate::model::{
    Certificate, CertificateFault, Day, DaysAgo, Finding, Quoted, Timestamp, limits, one_line,
};

/// Characters of names in a sentence; beyond that they hide what it says.
const NAMES: usize = 120;

/// Characters of an issuer or a subject in a sentence.
const NAME: usize = 80;

/// What a bad verdict means, and how it is said; `host` is whom the certificate should be for.
pub(in crate::adapters::http) fn explain(
    refused: &CertificateError,
    shown: Option<&Shown>,
    host: &str,
) -> (CertificateFault, Finding) {
    use CertificateError as E;
    let read = shown.and_then(|shown| shown.certificate.clone());
    let Some((shown, leaf)) = shown.zip(read) else {
        let why = Quoted::new(&refused.to_string());
        return (
            CertificateFault::Untrusted,
            Finding::CertificateUnreadable { why },
        );
    };
    if matches!(refused, E::Expired | E::ExpiredContext { .. }) {
        let finding = also_for_others(expired(shown, &leaf), shown, &leaf, host);
        (CertificateFault::Expired, finding)
    } else if matches!(refused, E::NotValidYet | E::NotValidYetContext { .. }) {
        let day = Day(leaf.not_before);
        let finding = also_for_others(Finding::NotValidBefore { day }, shown, &leaf, host);
        (
            CertificateFault::NotYetValid,
            finding.and(Finding::InstallThen),
        )
    } else if matches!(
        refused,
        E::NotValidForName | E::NotValidForNameContext { .. }
    ) {
        let finding = wrong(shown, &leaf, host).and(Finding::RenewOrMend);
        (CertificateFault::WrongName, finding)
    } else if matches!(refused, E::Revoked) {
        let issuer = short(&leaf.issuer);
        (CertificateFault::Revoked, Finding::Revoked { issuer })
    } else {
        untrusted(refused, shown, &leaf)
    }
}

fn short(text: &str) -> Quoted {
    if text.chars().count() <= NAME {
        return Quoted::new(text);
    }
    let begin: String = text.chars().take(NAME - 1).chain(['…']).collect();
    Quoted::new(&begin)
}

fn expired(shown: &Shown, leaf: &Certificate) -> Finding {
    let now = Timestamp(
        i64::try_from(shown.at.as_secs())
            .unwrap_or(i64::MAX)
            .saturating_mul(1000),
    );
    let ago = |end: Timestamp| DaysAgo(now.since(end).as_secs() / 86_400);
    if leaf.not_after < now {
        return Finding::CertificateExpired {
            day: Day(leaf.not_after),
            ago: ago(leaf.not_after),
        };
    }
    let link = leaf.chain.iter().find(|link| link.not_after < now);
    link.map_or(Finding::ChainExpired, |link| Finding::IntermediateExpired {
        subject: short(&link.subject),
        day: Day(link.not_after),
        ago: ago(link.not_after),
        valid: Day(leaf.not_after),
    })
}

fn also_for_others(finding: Finding, shown: &Shown, leaf: &Certificate, host: &str) -> Finding {
    let fits = shown.chain.first().is_none_or(|der| {
        ParsedCertificate::try_from(der)
            .is_ok_and(|parsed| verify_server_name(&parsed, &shown.name).is_ok())
    });
    if fits {
        return finding;
    }
    finding.and(Finding::Also {
        finding: Box::new(wrong(shown, leaf, host)),
    })
}

fn wrong(shown: &Shown, leaf: &Certificate, name: &str) -> Finding {
    let alternative = shown.chain.first().map_or(0, |der| alternative_names(der));
    let host = Quoted::new(name);
    if alternative == 0 {
        return match leaf.names.first() {
            Some(name) => Finding::NoNameBut {
                host,
                name: short(name),
            },
            None => Finding::NoNameAtAll { host },
        };
    }
    if name.parse::<IpAddr>().is_ok() && leaf.names.iter().any(|known| known == name) {
        return Finding::DnsNameOnly { host };
    }
    let mut names = String::new();
    let mut told = 0;
    for name in &leaf.names {
        if told > 0 && names.chars().count() + name.chars().count() > NAMES {
            break;
        }
        if told > 0 {
            names.push_str(", ");
        }
        names.push_str(short(name).as_str());
        told += 1;
    }
    let names = Quoted::new(&names);
    match alternative.saturating_sub(told) as u64 {
        0 => Finding::ForOthers { names, host },
        more => Finding::ForOthersAndMore { names, more, host },
    }
}

fn alternative_names(der: &[u8]) -> usize {
    let Ok((_, x509)) = X509Certificate::from_der(der) else {
        return 0;
    };
    let names = x509.subject_alternative_name().ok().flatten();
    names.map_or(0, |extension| {
        let names = extension.value.general_names.iter();
        names
            .filter(|name| matches!(name, GeneralName::DNSName(_) | GeneralName::IPAddress(_)))
            .count()
    })
}

fn untrusted(
    refused: &CertificateError,
    shown: &Shown,
    leaf: &Certificate,
) -> (CertificateFault, Finding) {
    let untrusted = |finding: Finding| (CertificateFault::Untrusted, finding);
    if leaf.subject == leaf.issuer {
        let subject = short(&leaf.subject);
        return untrusted(Finding::SelfSigned { subject });
    }
    if !matches!(refused, CertificateError::UnknownIssuer) {
        let why = if let CertificateError::Other(why) = refused {
            spaced(&why.to_string())
        } else {
            refused.to_string()
        };
        let why = Quoted::new(&why);
        return untrusted(Finding::NotAcceptable { why });
    }
    let Some(end) = Loose::of(shown) else {
        let root = leaf.chain.iter().find(|link| link.subject == link.issuer);
        let root = short(root.map_or(&leaf.issuer, |link| &link.subject));
        return untrusted(Finding::ChainEndsIn { root });
    };
    let issuer = short(&end.issuer);
    if end.incomplete {
        return (
            CertificateFault::IncompleteChain,
            Finding::IntermediateMissing { issuer },
        );
    }
    untrusted(Finding::IssuerNotTrusted { issuer })
}

/// `NameConstraintViolation` in words.
fn spaced(name: &str) -> String {
    let mut words = String::new();
    for c in name.chars() {
        if c.is_uppercase() && words.ends_with(char::is_lowercase) {
            words.push(' ');
        }
        words.extend(c.to_lowercase());
    }
    words
}

/// The last certificate on the way up whose issuer was not sent.
struct Loose {
    issuer: String,
    incomplete: bool,
}

impl Loose {
    /// `None` when the way ends in a certificate that is its own issuer.
    fn of(shown: &Shown) -> Option<Self> {
        let sent: Vec<X509Certificate<'_>> = shown
            .chain
            .iter()
            .filter_map(|der| Some(X509Certificate::from_der(der).ok()?.1))
            .collect();
        let mut last = sent.first()?;
        for _ in 0..sent.len() {
            if last.subject().as_raw() == last.issuer().as_raw() {
                return None;
            }
            let above = sent
                .iter()
                .find(|up| up.subject().as_raw() == last.issuer().as_raw());
            match above {
                Some(above) => last = above,
                None => break,
            }
        }
        let by_name = |roots: &RootCertStore| {
            // An anchor's subject comes without the header of its sequence.
            let issuer = last.issuer().as_raw();
            let is =
                |subject: &[u8]| issuer.ends_with(subject) && issuer.len() <= subject.len() + 4;
            roots.roots.iter().any(|root| is(root.subject.as_ref()))
        };
        let incomplete = match &shown.roots {
            Some(roots) => !by_name(roots),
            None => fetchable(last),
        };
        Some(Self {
            issuer: one_line(&last.issuer().to_string(), limits::DETAIL_CHARS),
            incomplete,
        })
    }
}

/// Whether the certificate says where its issuer can be fetched (AIA caIssuers, 1.3.6.1.5.5.7.48.2).
fn fetchable(x509: &X509Certificate<'_>) -> bool {
    x509.extensions().iter().any(|extension| {
        let ParsedExtension::AuthorityInfoAccess(access) = extension.parsed_extension() else {
            return false;
        };
        let mut places = access.accessdescs.iter();
        places.any(|place| place.access_method.to_id_string() == "1.3.6.1.5.5.7.48.2")
    })
}
