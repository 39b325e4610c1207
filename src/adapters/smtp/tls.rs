//! TLS towards a relay: the machine's trust store, or the relay's own `ca_file` and nothing else.

use std::io::Read;
use std::path::Path;

use lettre::transport::smtp::client::{Certificate, CertificateStore, TlsParameters};

use crate::model::Relay;

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

/// The TLS parameters for a relay, or what is wrong with its `ca_file`.
pub(super) fn parameters(relay: &Relay) -> Result<TlsParameters, String> {
    let mut builder = TlsParameters::builder(host(relay).to_owned());
    if let Some(path) = &relay.ca_file {
        builder = builder
            .certificate_store(CertificateStore::None)
            .add_root_certificate(authority(path)?);
    }
    builder.build().map_err(|fault| {
        format!("{fault}; install the package ca-certificates or name a `ca_file`")
    })
}

fn authority(path: &Path) -> Result<Certificate, String> {
    let shown = path.display();
    let mut pem = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(CA_FILE).read_to_end(&mut pem))
        .map_err(|fault| format!("cannot read the `ca_file` {shown}: {fault}"))?;
    let unfit = || format!("the `ca_file` {shown} holds no PEM certificate that can be used");
    if !pem.windows(17).any(|at| at == b"BEGIN CERTIFICATE") {
        return Err(unfit());
    }
    Certificate::from_pem(&pem).map_err(|_| unfit())
}
