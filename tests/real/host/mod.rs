//! A Debian host under real systemd, and every fault that concerns web server, host, network and SSH.
//!
//! The scripts beside this file boot it in namespaces of its own; `ctl.sh help` lists what can be done to it. A [`Bench`]
//! is one such host with the prober's own namespace and a mailbox. Benches are booted when they are first wanted, handed
//! from test to test, and taken down by their keeper when this process ends, however it ends.

mod bench;
mod deploy;
mod faults;
mod healers;
mod limits;
mod mailbox;
mod watch;
