//! Asks the rules again what they decide about what was recorded, under any configuration: `probe replay`.
//!
//! The rules are those of [`crate::policy`]; around them stands a small world that answers each order with what was
//! recorded at that time ([`record`], [`world`]). What nothing was recorded of is answered as follows:
//!
//! - The first failure of a row is found when it was found, whatever `interval` says.
//! - A site is well where no failure was recorded, and fails on as long as no later result was.
//! - A canary answers, unless the last recorded one within [`record::FRESH`] did not.
//! - A look finds what the nearest recorded look of the host found, within [`record::SAME_OUTAGE`].
//! - A restart that was recorded ends as recorded. One that was not is *assumed*: it is taken to help as the recorded
//!   ones did, first those of the same outage, then those of the host, then all. With none at all, it is taken to help.
//! - Where the site came back after a recorded restart that is not made now, it is taken to stay down for
//!   [`world::UNTIL_A_PERSON`] more, and its end is *assumed*.
//! - Every message is delivered.
//!
//! Not replayed: warnings of certificates and the weekly report, for which well probes would be needed.
//!
//! A site that is well and at rest is not probed, so a year takes seconds.

mod compare;
mod heard;
mod record;
mod suggest;
mod world;

pub use compare::compare;
pub use heard::recorded;
pub use record::Record;
pub use suggest::{best, suggest};
pub use world::replay;
