//! Neighbours on the third floor: each translates between one piece of the outside and the model. No decisions, no retries.

pub mod clock;
pub mod command;
pub mod http;
pub mod observe;
pub mod progress;
pub mod screen;
pub mod smtp;
pub mod ssh;
pub mod status;
pub mod store;
pub mod survey;

use std::path::PathBuf;
use std::sync::Arc;

/// Where the state lies that this path names. Which store it is, is known here alone.
#[must_use]
pub fn state_at(path: PathBuf) -> Arc<dyn crate::ports::Store> {
    Arc::new(store::Disk::at(path))
}

/// The version of what this release writes into a state.
#[must_use]
pub fn state_schema() -> u32 {
    store::schema()
}
