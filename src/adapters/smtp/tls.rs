//! TLS towards a relay: the machine's trust store, or the relay's own `ca_file` and nothing else.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, ProtocolVersion, RootCertStore};
use tokio_rustls::TlsConnector;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use crate::model::{Relay, Timestamp};

/// Longest file of certificates; the whole public trust store has a quarter of that.
const CA_FILE: u64 = 1024 * 1024;

/// The name a certificate must be for, and what is connected to: an IPv6 address without its brackets.
pub(super) fn host(relay: &Relay) -> &str {
    relay
        .host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(&relay.host)
}

fn pem(path: &Path) -> Result<Vec<u8>, String> {
    let mut pem = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(CA_FILE).read_to_end(&mut pem))
        .map_err(|fault| format!("cannot read the `ca_file` {}: {fault}", path.display()))?;
    if pem.windows(17).any(|at| at == b"BEGIN CERTIFICATE") {
        Ok(pem)
    } else {
        Err(unfit(path))
    }
}

fn unfit(path: &Path) -> String {
    let shown = path.display();
    format!("the `ca_file` {shown} holds no PEM certificate that can be used")
}

/// What makes TLS, and the name it is for; or what is wrong with the `ca_file`.
pub(super) fn connector(relay: &Relay) -> Result<(TlsConnector, ServerName<'static>), String> {
    let name = ServerName::try_from(host(relay).to_owned())
        .map_err(|_| format!("{} is no name a certificate can be for", relay.host))?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|fault| fault.to_string())?;
    let config = match &relay.ca_file {
        Some(path) => {
            let mut roots = RootCertStore::empty();
            for found in CertificateDer::pem_slice_iter(&pem(path)?) {
                let added = found.map(|root| roots.add(root));
                added.map_err(|_| unfit(path))?.map_err(|_| unfit(path))?;
            }
            builder.with_root_certificates(roots)
        }
        None => {
            let verifier = rustls_platform_verifier::Verifier::new(provider).map_err(|fault| {
                format!("{fault}; install the package ca-certificates or name a `ca_file`")
            })?;
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(verifier))
        }
    };
    let config = config.with_no_client_auth();
    Ok((TlsConnector::from(Arc::new(config)), name))
}

/// `TLS 1.3, certificate for …`.
pub(super) fn agreed(connection: &ClientConnection) -> String {
    let version = match connection.protocol_version() {
        Some(ProtocolVersion::TLSv1_2) => "TLS 1.2",
        Some(ProtocolVersion::TLSv1_3) => "TLS 1.3",
        Some(_) | None => "TLS",
    };
    let chain = connection.peer_certificates().unwrap_or_default();
    let certificate = chain
        .first()
        .map_or_else(|| "no certificate".to_owned(), |der| shown(der));
    format!("{version}, {certificate}")
}

/// `certificate for mail.example.com, issued by CN=…, valid until 2027-01-31`.
fn shown(der: &[u8]) -> String {
    let Ok((_, certificate)) = X509Certificate::from_der(der) else {
        return "a certificate that cannot be read".to_owned();
    };
    let names = certificate.subject_alternative_name().ok().flatten();
    let names: Vec<String> = names
        .iter()
        .flat_map(|names| &names.value.general_names)
        .filter_map(|name| {
            if let GeneralName::DNSName(name) = name {
                Some((*name).to_owned())
            } else if let GeneralName::IPAddress(bytes) = name {
                address(bytes)
            } else {
                None
            }
        })
        .collect();
    let ends = certificate.validity().not_after.timestamp();
    let until = Timestamp(ends.saturating_mul(1000)).written("%Y-%m-%d");
    format!(
        "certificate for {}, issued by {}, valid until {until}",
        if names.is_empty() {
            certificate.subject().to_string()
        } else {
            names.join(" ")
        },
        certificate.issuer(),
    )
}

fn address(bytes: &[u8]) -> Option<String> {
    let four = <[u8; 4]>::try_from(bytes).map(|four| std::net::IpAddr::from(four).to_string());
    let sixteen = <[u8; 16]>::try_from(bytes).map(|all| std::net::IpAddr::from(all).to_string());
    four.ok().or(sixteen.ok())
}
