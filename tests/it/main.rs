//! Real sockets and processes on loopback.
#![allow(
    clippy::disallowed_methods,
    reason = "tests start processes, read clocks and write files as they need"
)]
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on should stop where it is"
)]

mod cli;
mod command;
mod config;
mod http;
mod mail;
mod ports;
mod smtp;
mod ssh;
mod store;
mod webhook;
