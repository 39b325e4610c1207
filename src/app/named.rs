//! Looks into what a configuration names, as its users will: certificates, revocation lists, keys, secrets, programs of this
//! machine. No network is touched; what is secret is read and forgotten.
//!
//! What may be otherwise where probe runs, a variable of its environment or a credential of its unit, is wrong only here.

use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::adapters::http;
use crate::adapters::smtp::secret::{self, SecretError};
use crate::model::{Named, SecretSource, Unfit};

/// Whether it can be used.
///
/// # Errors
/// Why it cannot, and what to do.
pub fn open(named: &Named) -> Result<(), Unfit> {
    match named {
        Named::Roots(file) => http::roots_in(file).map_err(|why| {
            wrong(why.to_string()).act("name a file of `-----BEGIN CERTIFICATE-----` blocks; of DER `openssl x509 -inform DER -in FILE` makes one")
        }),
        Named::Lists(file) => http::lists_in(file).map_err(|why| wrong(why.to_string())),
        Named::Identity { chain, key } => http::identity_in(chain, key).map_err(|why| {
            wrong(why.to_string()).act("name the certificate and the key it was made for, both as PEM and the key without a passphrase")
        }),
        Named::Secret(source) => match secret::read(source) {
            Ok(_) => Ok(()),
            Err(error) => Err(hidden(source, &error)),
        },
        Named::Address(source) => match secret::read(source) {
            Ok(held) if http::address_in(held.expose()).is_some() => Ok(()),
            Ok(_) => Err(Unfit {
                only_here: !matches!(source, SecretSource::File(_)),
                ..wrong(format!("{} holds no http or https address", place(source)))
                    .act("write the address alone into it, as the service gave it to you")
            }),
            Err(error) => Err(hidden(source, &error)),
        },
        Named::Program(path) => program(path),
    }
}

fn wrong(message: String) -> Unfit {
    Unfit {
        message,
        act: None,
        only_here: false,
    }
}

impl Unfit {
    fn act(self, text: impl Into<String>) -> Self {
        Self {
            act: Some(text.into()),
            ..self
        }
    }
}

fn place(source: &SecretSource) -> String {
    match source {
        SecretSource::File(path) => path.display().to_string(),
        SecretSource::Environment(name) => format!("the environment variable `{name}`"),
        SecretSource::Credential(name) => format!("the credential `{name}`"),
    }
}

fn hidden(source: &SecretSource, error: &SecretError) -> Unfit {
    let found = match error {
        SecretError::Unset(name) => {
            wrong(format!("the environment variable `{name}` is not set here")).act(format!(
                "it must be where probe runs: `EnvironmentFile=` in its systemd unit, or a line `{name}=…` in the crontab"
            ))
        }
        SecretError::NoCredentials(name) => {
            wrong(format!("the credential `{name}` is not to be seen here")).act(format!(
                "it must be where probe runs: `LoadCredential={name}:FILE` in its systemd unit"
            ))
        }
        SecretError::Unreadable { path, source } => {
            wrong(format!("{} cannot be read: {source}", path.display()))
        }
        SecretError::Empty(place) => {
            wrong(format!("{place} is empty")).act("write the secret into it")
        }
        SecretError::NotAFile(_)
        | SecretError::Open { .. }
        | SecretError::TooLong(_)
        | SecretError::NotOneLine(_)
        | SecretError::NotAName(_) => wrong(error.to_string()),
    };
    Unfit {
        only_here: !matches!(source, SecretSource::File(_)),
        ..found
    }
}

fn program(path: &Path) -> Result<(), Unfit> {
    let shown = path.display();
    let metadata = std::fs::metadata(path).map_err(|error| {
        let why = if error.kind() == ErrorKind::NotFound {
            "no such file".to_owned()
        } else {
            error.to_string()
        };
        Unfit {
            only_here: error.kind() == ErrorKind::PermissionDenied,
            ..wrong(format!("{shown} cannot be run: {why}"))
                .act("install it, or write the whole path of one that is there")
        }
    })?;
    if !metadata.is_file() {
        return Err(
            wrong(format!("{shown} is not a file")).act("write the whole path of a program")
        );
    }
    if metadata.permissions().mode() & 0o111 == 0 {
        return Err(
            wrong(format!("{shown} is not executable")).act(format!("run `chmod 755 {shown}`"))
        );
    }
    Ok(())
}
