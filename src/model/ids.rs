//! Names that people chose and numbers that we gave. A name is an identity: reordering a configuration changes nothing.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Why a text is not a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not a name: use 1 to 64 letters, digits, `.`, `_` or `-`, beginning with a letter or digit"
)]
pub struct NameError {
    text: String,
}

/// A name is used in file names, mail headers and metric labels, so it may hold only what all of these accept.
fn check(text: &str) -> Result<(), NameError> {
    let begins = text
        .bytes()
        .next()
        .is_some_and(|b| b.is_ascii_alphanumeric());
    let fits = text.len() <= 64
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
    if begins && fits {
        Ok(())
    } else {
        Err(NameError {
            text: text.chars().take(80).collect(),
        })
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $Name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $Name(Arc<str>);

        impl $Name {
            /// Takes a name as configured.
            ///
            /// # Errors
            /// When the text is empty, longer than 64 bytes or holds a character outside `A-Za-z0-9._-`.
            pub fn try_new(text: &str) -> Result<Self, NameError> {
                check(text).map(|()| Self(text.into()))
            }

            /// The name as people wrote it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $Name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl TryFrom<String> for $Name {
            type Error = NameError;
            fn try_from(text: String) -> Result<Self, NameError> {
                Self::try_new(&text)
            }
        }

        impl From<$Name> for String {
            fn from(name: $Name) -> Self {
                name.0.as_ref().to_owned()
            }
        }
    };
}

name! {
    /// A site we watch.
    ProfileName
}
name! {
    /// A machine on which actions run.
    HostName
}

impl ProfileName {
    /// Whether both share one text in memory. Faster than `==`; equal names need not share it.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// The name of a profile that is in no configuration.
    #[must_use]
    pub fn of_urls() -> Self {
        Self("url".into())
    }
}

macro_rules! number {
    ($(#[$doc:meta])* $Name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $Name(pub u64);

        impl fmt::Display for $Name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number! {
    /// One restart that was ordered. A number is given once in the life of the state and never reused.
    AttemptId
}
number! {
    /// One run of a profile's checks, or of the canaries.
    ProbeId
}
number! {
    /// One message to one recipient in the outbox. Ascending ids are the order of events.
    EntryId
}

/// One time a profile was down, from the first confirmed failure to the proof that it is back.
///
/// Written `PROFILE-YYYYMMDDTHHMMSSZ`; it stands in mail headers and JSON.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IncidentId(String);

impl IncidentId {
    /// The incident of `subject` that was opened at `stamp` (`YYYYMMDDTHHMMSSZ`).
    #[must_use]
    pub fn new(subject: &str, stamp: &str) -> Self {
        Self(format!("{subject}-{stamp}"))
    }

    /// As it stands in headers and JSON.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for IncidentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
