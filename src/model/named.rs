//! What a configuration names outside of itself, and a machine can look into without a network.

use std::path::PathBuf;

use super::SecretSource;

/// Something that a configuration names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Named {
    /// PEM certificates that are trusted.
    Roots(PathBuf),
    /// Revocation lists.
    Lists(PathBuf),
    /// A certificate that we show, and its key.
    Identity {
        /// PEM, the own certificate first.
        chain: PathBuf,
        /// PEM.
        key: PathBuf,
    },
    /// A password, or an address that is one.
    Secret(SecretSource),
    /// A program of this machine.
    Program(PathBuf),
}

/// Why it cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfit {
    /// What is wrong, a lower-case fragment.
    pub message: String,
    /// What to write or to run.
    pub act: Option<String>,
    /// It may be otherwise for the user and the service manager that probe runs under.
    pub only_here: bool,
}
