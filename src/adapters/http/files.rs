//! The files of a profile's `tls`: certificates, revocation lists, keys. Why one cannot be used is said in words that begin with
//! its name; what stands in it never is.

use std::path::Path;

use rustls::RootCertStore;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::revocation;

/// The certificates of a file; why there are none.
pub(super) fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let unreadable =
        |error: pem::Error| refused(file, &format!("cannot be read: {}", told(&error)));
    let chain: Vec<_> = CertificateDer::pem_file_iter(file)
        .map_err(unreadable)?
        .collect::<Result<_, _>>()
        .map_err(unreadable)?;
    if chain.is_empty() {
        return Err(refused(file, "holds no PEM certificate"));
    }
    Ok(chain)
}

/// An error of the PEM reader, whose own words can hold what it read.
fn told(error: &pem::Error) -> String {
    if let pem::Error::Io(error) = error {
        error.to_string()
    } else if matches!(error, pem::Error::NoItemsFound) {
        "nothing of its kind in it".to_owned()
    } else {
        "broken PEM".to_owned()
    }
}

/// A file that cannot be used.
pub(super) fn refused(file: &Path, why: &str) -> String {
    format!("{} {why}", file.display())
}

pub(super) fn own_roots(
    file: &Path,
    named: &[CertificateDer<'static>],
) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(named.iter().cloned());
    if added == 0 {
        return Err(refused(file, "holds no certificate that can be a root"));
    }
    Ok(roots)
}

/// Whether a file holds roots; why it does not.
///
/// # Errors
/// In words that begin with the file's name.
pub fn roots_in(file: &Path) -> Result<(), String> {
    own_roots(file, &certificates(file)?).map(|_| ())
}

/// Whether a file holds revocation lists; why it does not.
///
/// # Errors
/// In words that begin with the file's name.
pub fn lists_in(file: &Path) -> Result<(), String> {
    revocation::read(file).map(|_| ())
}

/// Whether a certificate and a key can be shown together; why they cannot.
///
/// # Errors
/// In words that begin with a file's name.
pub fn identity_in(chain: &Path, key: &Path) -> Result<(), String> {
    let certificates = certificates(chain)?;
    let private = private_key(key)?;
    let pair = CertifiedKey::from_der(certificates, private, &aws_lc_rs::default_provider());
    pair.map(|_| ()).map_err(|error| {
        let why = format!("does not belong to the key in {} ({error})", key.display());
        refused(chain, &why)
    })
}

pub(super) fn private_key(file: &Path) -> Result<PrivateKeyDer<'static>, String> {
    PrivateKeyDer::from_pem_file(file)
        .map_err(|error| refused(file, &format!("cannot be read: {}", told(&error))))
}
