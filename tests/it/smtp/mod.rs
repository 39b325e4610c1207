//! Mail: what is written, and how it gets to a relay.

mod authority;
mod delivery;
mod endings;
pub(crate) mod entries;
mod hostile;
mod letters;
mod pictures;
mod secrets;
mod security;
mod sentences;
pub(crate) mod server;
mod truth;
mod try_once;
