//! What a configuration names outside of itself and this machine can check without a network: files, secrets, programs.

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
    /// A password or a token.
    Secret(SecretSource),
    /// An http or https address that is secret like one.
    Address(SecretSource),
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
    /// The same may be usable for the user and service manager that probe really runs under.
    pub only_here: bool,
}
