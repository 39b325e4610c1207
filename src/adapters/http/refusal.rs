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

use super::trace::Shown;
use crate::model::{Certificate, CertificateFault, Timestamp};

/// Characters of names in a sentence; beyond that they hide what it says.
const NAMES: usize = 120;

/// Characters of an issuer or a subject in a sentence.
const NAME: usize = 80;

/// `2026-12-01`.
pub(super) fn day(at: Timestamp) -> String {
    at.to_string().chars().take(10).collect()
}

/// What a bad verdict means, and in words; `host` is whom the certificate should be for.
pub(super) fn explain(
    refused: &CertificateError,
    shown: Option<&Shown>,
    host: &str,
) -> (CertificateFault, String) {
    use CertificateError as E;
    let read = shown.and_then(|shown| shown.certificate.clone());
    let Some((shown, leaf)) = shown.zip(read) else {
        let words = format!("the certificate cannot be read ({refused})");
        return (CertificateFault::Untrusted, words);
    };
    if matches!(refused, E::Expired | E::ExpiredContext { .. }) {
        let words = format!(
            "{}{}",
            expired(shown, &leaf),
            also_for_others(shown, &leaf, host)
        );
        (CertificateFault::Expired, words)
    } else if matches!(refused, E::NotValidYet | E::NotValidYetContext { .. }) {
        let words = format!(
            "the certificate is not valid before {}{}; install it when that day has come, or look at this machine's clock",
            day(leaf.not_before),
            also_for_others(shown, &leaf, host),
        );
        (CertificateFault::NotYetValid, words)
    } else if matches!(
        refused,
        E::NotValidForName | E::NotValidForNameContext { .. }
    ) {
        let words = format!(
            "{}; renew it with this name, or mend the name's server block",
            wrong(shown, &leaf, host)
        );
        (CertificateFault::WrongName, words)
    } else if matches!(refused, E::Revoked) {
        let words = format!(
            "the certificate was revoked by its issuer {} (by tls.crl_file); browsers may refuse it: replace it",
            short(&leaf.issuer)
        );
        (CertificateFault::Revoked, words)
    } else {
        untrusted(refused, shown, &leaf)
    }
}

fn short(text: &str) -> String {
    if text.chars().count() <= NAME {
        return text.to_owned();
    }
    text.chars().take(NAME - 1).chain(['…']).collect()
}

fn expired(shown: &Shown, leaf: &Certificate) -> String {
    let now = Timestamp(
        i64::try_from(shown.at.as_secs())
            .unwrap_or(i64::MAX)
            .saturating_mul(1000),
    );
    let ago = |end: Timestamp| match now.since(end).as_secs() / 86_400 {
        0 => "less than a day ago".to_owned(),
        1 => "1 day ago".to_owned(),
        days => format!("{days} days ago"),
    };
    if leaf.not_after < now {
        return format!(
            "the certificate expired on {}, {}; renew it and reload the web server",
            day(leaf.not_after),
            ago(leaf.not_after)
        );
    }
    let link = leaf.chain.iter().find(|link| link.not_after < now);
    link.map_or_else(
        || "a certificate of the chain has expired".to_owned(),
        |link| {
            format!(
                "the intermediate certificate {} expired on {}, {} (the site's own is valid until {}); put the issuer's present one into the server's chain",
                short(&link.subject),
                day(link.not_after),
                ago(link.not_after),
                day(leaf.not_after)
            )
        },
    )
}

fn also_for_others(shown: &Shown, leaf: &Certificate, host: &str) -> String {
    let fits = shown.chain.first().is_none_or(|der| {
        ParsedCertificate::try_from(der)
            .is_ok_and(|parsed| verify_server_name(&parsed, &shown.name).is_ok())
    });
    if fits {
        return String::new();
    }
    format!("; also, {}", wrong(shown, leaf, host))
}

fn wrong(shown: &Shown, leaf: &Certificate, host: &str) -> String {
    let alternative = shown.chain.first().map_or(0, |der| alternative_names(der));
    if alternative == 0 {
        return match leaf.names.first() {
            Some(name) => format!(
                "the certificate is not for {host}: it has no name but {} in its subject, which does not count",
                short(name)
            ),
            None => format!("the certificate is for no name at all, not for {host}"),
        };
    }
    if host.parse::<IpAddr>().is_ok() && leaf.names.iter().any(|name| name == host) {
        return format!(
            "the certificate has {host} as a DNS name only, which does not count for an address"
        );
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
        names.push_str(&short(name));
        told += 1;
    }
    match alternative.saturating_sub(told) {
        0 => {}
        more => names.push_str(&format!(" and {more} more")),
    }
    format!("the certificate is for {names}, not for {host}")
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
) -> (CertificateFault, String) {
    let untrusted = |words: String| (CertificateFault::Untrusted, words);
    if leaf.subject == leaf.issuer {
        return untrusted(format!(
            "the certificate is self-signed ({}): no authority vouches for it; get one that is signed, or name it in tls.ca_file",
            short(&leaf.subject)
        ));
    }
    if !matches!(refused, CertificateError::UnknownIssuer) {
        let why = if let CertificateError::Other(why) = refused {
            spaced(&why.to_string())
        } else {
            refused.to_string()
        };
        return untrusted(format!("the certificate is not acceptable ({why})"));
    }
    let Some(end) = Loose::of(shown) else {
        let root = leaf.chain.iter().find(|link| link.subject == link.issuer);
        let root = root.map_or(&leaf.issuer, |link| &link.subject);
        return untrusted(format!(
            "the certificate's issuer is not trusted: the chain ends in {}; if that is your own authority, name it in tls.ca_file",
            short(root)
        ));
    };
    if end.incomplete {
        return (
            CertificateFault::IncompleteChain,
            format!(
                "the server does not send the intermediate certificate {}; some clients have it, others fail: put the whole chain (fullchain.pem) into the server's certificate file",
                short(&end.issuer)
            ),
        );
    }
    untrusted(format!(
        "the certificate's issuer is not trusted: {}; if that is your own authority, name it in tls.ca_file",
        short(&end.issuer)
    ))
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
            issuer: super::text::clean(&last.issuer().to_string()),
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
