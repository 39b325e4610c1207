//! Mail: what is written, and how it gets to a relay.

mod authority;
mod delivery;
mod secrets;
mod security;
pub(crate) mod server;
mod try_once;
