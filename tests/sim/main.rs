//! The decision core in simulated worlds: no network, no real time.
//!
//! `scenarios` plays stories whose whole course is compared with a committed transcript; `worlds` plays seeded random
//! worlds and checks the invariants; `crashes` kills the prober after every effect of the founding story; `engine` runs
//! the real loop with fake ports, `writing` over a disk that takes its time.
#![allow(
    clippy::print_stdout,
    reason = "a failure shows the seeds that were played"
)]
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on should stop where it is"
)]
#![allow(
    clippy::disallowed_methods,
    reason = "tests read files and the environment"
)]
#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "a test names what it looks for"
)]

mod arithmetic;
mod asleep;
mod attempts;
mod blanks;
mod browsers;
mod course;
mod crashes;
mod decisions;
mod empty;
mod engine;
mod evidence;
mod failures;
mod flapping;
mod fresh;
mod gathering;
mod hand;
mod heartbeat;
mod independence;
mod invariants;
mod letters;
mod listeners;
mod mates;
mod pacing;
mod replayed;
mod scenarios;
mod setup;
mod stopping;
mod story;
mod stuck;
mod threads;
mod weekly;
mod world;
mod worlds;
mod writing;
