//! The program against what people really run: nginx, sshd, Monit with KUSANAGI's rules, and Postfix, all from Debian's
//! packages, in a temporary directory, on loopback addresses.
//!
//! [`host`] has a whole Debian host under systemd, and [`small`] a world cheap enough for hundreds of outages.
//!
//! A [`world::World`] starts the servers and stops them when it is dropped. A server that is not installed fails the test with
//! the name of its package; nothing is skipped.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "tests start servers, read clocks and write files, and a fixture that cannot be set up is a failure"
)]

mod crash;
mod ground;
mod host;
mod login;
mod mail;
mod monit;
mod outage;
mod post;
mod relay;
mod small;
mod web;
mod world;
