//! How every command ends: the four exit codes that monitoring people know from plugins.
//!
//! `0` all well, `1` warning, `2` critical, `3` could not tell. Of several the worst wins, in the order critical, unknown,
//! warning, ok: a site that is down is never hidden by one we could not judge, and "could not tell" is never shown as
//! something milder. There is no fifth code: a usage error, a lock that is held and a panic are all 3.

use std::process::ExitCode;

use crate::render::report::Severity;

/// An exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Exit {
    /// All well, or the command did what it was told.
    Ok,
    /// Something is degraded.
    Warning,
    /// Something is down, a host gave up, or the command failed.
    Critical,
    /// Could not tell: bad usage, bad configuration, lock held, own network down, state unusable.
    Unknown,
}

impl Exit {
    /// The number the shell sees.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Warning => 1,
            Self::Critical => 2,
            Self::Unknown => 3,
        }
    }

    /// The worse of two: critical, then unknown, then warning, then ok.
    #[must_use]
    pub fn worst(self, other: Self) -> Self {
        if self.rank() >= other.rank() {
            self
        } else {
            other
        }
    }

    const fn rank(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Warning => 1,
            Self::Unknown => 2,
            Self::Critical => 3,
        }
    }
}

/// The worst of all; `Ok` of none.
impl FromIterator<Self> for Exit {
    fn from_iter<I: IntoIterator<Item = Self>>(exits: I) -> Self {
        exits.into_iter().fold(Self::Ok, Self::worst)
    }
}

impl From<Severity> for Exit {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::Ok => Self::Ok,
            Severity::Warning => Self::Warning,
            Severity::Unknown => Self::Unknown,
            Severity::Critical => Self::Critical,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
