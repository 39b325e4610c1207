//! The files of a profile's `tls`: certificates, keys, and revocation lists, one or more in a file, PEM or DER. What stands in one
//! is never said. Whether a certificate stands on a list, the verifier says.

use std::io::Read;
use std::path::{Path, PathBuf};

use rustls::RootCertStore;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use x509_parser::prelude::{CertificateRevocationList, FromDer};

use crate::adapters::http::fault::Fault;
use crate::model::{Finding, Quoted, Timestamp, limits};

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FileFault {
    /// It cannot be read.
    #[error("{} cannot be read: {why}", file.display())]
    Unreadable {
        /// Which.
        file: PathBuf,
        /// Why.
        why: String,
    },
    /// It is longer than we read.
    #[error("{} is larger than {most} MiB", file.display())]
    TooLarge {
        /// Which.
        file: PathBuf,
        /// MiB that we read.
        most: u64,
    },
    /// There is no certificate in it.
    #[error("{} holds no PEM certificate", .0.display())]
    NoCertificate(PathBuf),
    /// There is none in it that can be a root.
    #[error("{} holds no certificate that can be a root", .0.display())]
    NoRoot(PathBuf),
    /// There is no revocation list in it.
    #[error("{} holds no revocation list that can be read (PEM or DER)", .0.display())]
    NoList(PathBuf),
    /// A certificate and a key that are no pair.
    #[error("{} does not belong to the key in {} ({why})", chain.display(), key.display())]
    NoPair {
        /// The certificate's file.
        chain: PathBuf,
        /// The key's.
        key: PathBuf,
        /// Why.
        why: String,
    },
}

impl FileFault {
    pub(super) fn unreadable(file: &Path, why: impl ToString) -> Self {
        Self::Unreadable {
            file: file.to_owned(),
            why: why.to_string(),
        }
    }

    /// As the finding of a check; `key` is the configuration's, by which the file was named.
    pub(super) fn of_key(self, key: &str) -> Fault {
        let key = key.to_owned();
        let name = |file: PathBuf| file.display().to_string();
        Fault::monitor(match self {
            Self::Unreadable { file, why } => Finding::FileUnreadable {
                key,
                file: name(file),
                why: Quoted::new(&why),
            },
            Self::TooLarge { file, most } => Finding::FileTooLarge {
                key,
                file: name(file),
                most,
            },
            Self::NoCertificate(file) => Finding::FileWithoutCertificate {
                key,
                file: name(file),
            },
            Self::NoRoot(file) => Finding::FileWithoutRoot {
                key,
                file: name(file),
            },
            Self::NoList(file) => Finding::FileWithoutList {
                key,
                file: name(file),
            },
            Self::NoPair { why, .. } => Finding::ClientFiles {
                why: Quoted::new(&why),
            },
        })
    }
}

/// The certificates of a file; why there are none.
pub(super) fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, FileFault> {
    let unreadable = |error: pem::Error| FileFault::unreadable(file, told(&error));
    let chain: Vec<_> = CertificateDer::pem_file_iter(file)
        .map_err(unreadable)?
        .collect::<Result<_, _>>()
        .map_err(unreadable)?;
    if chain.is_empty() {
        return Err(FileFault::NoCertificate(file.to_owned()));
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

pub(super) fn own_roots(
    file: &Path,
    named: &[CertificateDer<'static>],
) -> Result<RootCertStore, FileFault> {
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(named.iter().cloned());
    if added == 0 {
        return Err(FileFault::NoRoot(file.to_owned()));
    }
    Ok(roots)
}

/// Whether a file holds roots; why it does not.
///
/// # Errors
/// Why it does not.
pub fn roots_in(file: &Path) -> Result<(), FileFault> {
    own_roots(file, &certificates(file)?).map(|_| ())
}

/// Whether a certificate and a key can be shown together; why they cannot.
///
/// # Errors
/// Why they cannot.
pub fn identity_in(chain: &Path, key: &Path) -> Result<(), FileFault> {
    let certificates = certificates(chain)?;
    let private = private_key(key)?;
    let pair = CertifiedKey::from_der(certificates, private, &aws_lc_rs::default_provider());
    pair.map(|_| ()).map_err(|error| FileFault::NoPair {
        chain: chain.to_owned(),
        key: key.to_owned(),
        why: error.to_string(),
    })
}

pub(super) fn private_key(file: &Path) -> Result<PrivateKeyDer<'static>, FileFault> {
    PrivateKeyDer::from_pem_file(file).map_err(|error| FileFault::unreadable(file, told(&error)))
}

/// The lists of a file; why there are none.
pub(super) fn lists(file: &Path) -> Result<Vec<CertificateRevocationListDer<'static>>, FileFault> {
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
pub(super) fn first_end(lists: &[CertificateRevocationListDer<'_>]) -> Option<Timestamp> {
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
    lists(file).map(|_| ())
}
