//! Revocation lists: one or more in a file, PEM or DER. Whether a certificate stands on one of them, the verifier says.

use std::io::Read;
use std::path::Path;

use rustls::pki_types::CertificateRevocationListDer;
use rustls::pki_types::pem::PemObject;
use x509_parser::prelude::{CertificateRevocationList, FromDer};

use super::files::FileFault;
use crate::model::{Timestamp, limits};

/// The lists of a file; why there are none.
pub(super) fn read(file: &Path) -> Result<Vec<CertificateRevocationListDer<'static>>, FileFault> {
    let mut bytes = Vec::new();
    std::fs::File::open(file)
        .and_then(|open| open.take(limits::CRL_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|error| FileFault::unreadable(file, error))?;
    if bytes.len() as u64 > limits::CRL_BYTES {
        let most = limits::CRL_BYTES / (1024 * 1024);
        let file = file.to_owned();
        return Err(FileFault::TooLarge { file, most });
    }
    let lists: Vec<_> = if bytes.windows(10).any(|at| at == b"-----BEGIN") {
        CertificateRevocationListDer::pem_slice_iter(&bytes)
            .collect::<Result<_, _>>()
            .map_err(|_| FileFault::unreadable(file, "broken PEM"))?
    } else {
        vec![CertificateRevocationListDer::from(bytes)]
    };
    let readable = |der: &CertificateRevocationListDer<'_>| {
        CertificateRevocationList::from_der(der.as_ref()).is_ok()
    };
    if lists.is_empty() || !lists.iter().all(readable) {
        return Err(FileFault::NoList(file.to_owned()));
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

/// Whether a file holds revocation lists; why it does not.
///
/// # Errors
/// Why it does not.
pub fn lists_in(file: &Path) -> Result<(), FileFault> {
    read(file).map(|_| ())
}
