//! Mail: what is written, and how it gets to a relay.

mod delivery;
mod entries;
mod letters;
mod secrets;
mod server;
