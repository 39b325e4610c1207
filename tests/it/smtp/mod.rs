//! Mail: what is written, and how it gets to a relay.

mod answers;
pub(crate) mod authority;
mod delivery;
mod dialogue;
mod hello;
mod names;
mod odd;
mod secrets;
mod security;
mod sendmail;
pub(crate) mod server;
mod trust;
mod try_once;
