//! Mail: what is written, and how it gets to a relay.

mod answers;
pub(crate) mod authority;
mod delivery;
mod dialogue;
mod secrets;
mod security;
pub(crate) mod server;
mod trust;
mod try_once;
