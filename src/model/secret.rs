//! Secrets: where they are read from, and a type that is never printed.

use std::fmt;
use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};

/// Where a secret is read from, at the moment it is needed. There is no inline form.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum SecretSource {
    /// `x_file`: a file of ours that nobody else can read.
    File(PathBuf),
    /// `x_env`: an environment variable.
    Environment(String),
    /// `x_credential`: a file in the directory systemd names in `CREDENTIALS_DIRECTORY`.
    Credential(String),
}

/// A secret in memory: shown as `***`, wiped when dropped.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes the secret.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(SecretString::from(text))
    }

    /// The secret itself, for the one call that sends it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;
    use crate::model::plain_url;

    #[test]
    fn a_host_is_asked_about_urls_without_credentials() {
        let url = "https://user:s3cr3t-canary@shop.example.com/a?b=c#d";
        let plain = plain_url(&url.parse().unwrap());
        assert_eq!(plain, "https://shop.example.com/a?b=c");
    }

    #[test]
    fn a_secret_is_shown_as_stars() {
        let secret = Secret::new("s3cr3t-canary".to_owned());
        assert_eq!(
            format!("{secret:?} {:#?}", Some(&secret))
                .matches("***")
                .count(),
            2
        );
        assert!(!format!("{secret:?}").contains("canary"));
        assert_eq!(secret.expose(), "s3cr3t-canary");
    }
}
