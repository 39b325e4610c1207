//! Revocation lists: one or more in a file, PEM or DER. Whether a certificate stands on one of them, the verifier says.

use std::io::Read;
use std::path::Path;

use rustls::pki_types::CertificateRevocationListDer;
use rustls::pki_types::pem::PemObject;
use x509_parser::prelude::{CertificateRevocationList, FromDer};

use super::fault::Fault;
use super::tls::unusable;
use crate::model::{Timestamp, limits};

const KEY: &str = "tls.crl_file";

/// The lists of a file.
pub(super) fn read(file: &Path) -> Result<Vec<CertificateRevocationListDer<'static>>, Fault> {
    let mut bytes = Vec::new();
    std::fs::File::open(file)
        .and_then(|open| open.take(limits::CRL_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|error| unusable(KEY, file, &format!("cannot be read: {error}")))?;
    if bytes.len() as u64 > limits::CRL_BYTES {
        let most = limits::CRL_BYTES / (1024 * 1024);
        return Err(unusable(KEY, file, &format!("is larger than {most} MiB")));
    }
    let lists: Vec<_> = if bytes.windows(10).any(|at| at == b"-----BEGIN") {
        CertificateRevocationListDer::pem_slice_iter(&bytes)
            .collect::<Result<_, _>>()
            .map_err(|error| unusable(KEY, file, &format!("cannot be read: {error}")))?
    } else {
        vec![CertificateRevocationListDer::from(bytes)]
    };
    let readable = |der: &CertificateRevocationListDer<'_>| {
        CertificateRevocationList::from_der(der.as_ref()).is_ok()
    };
    if lists.is_empty() || !lists.iter().all(readable) {
        let why = "holds no revocation list that can be read (PEM or DER)";
        return Err(unusable(KEY, file, why));
    }
    Ok(lists)
}

/// When the first of the lists is due to be replaced.
pub(super) fn end(lists: &[CertificateRevocationListDer<'_>]) -> Option<Timestamp> {
    let ends = lists.iter().filter_map(|der| {
        let (_, list) = CertificateRevocationList::from_der(der.as_ref()).ok()?;
        let seconds = list.next_update()?.timestamp();
        Some(Timestamp(seconds.saturating_mul(1000)))
    });
    ends.min()
}
