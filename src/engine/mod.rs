//! Third floor: the loop that serves `once`, `run` and every rehearsal. It holds no rule.
//!
//! Await one event → [`step`](crate::policy::step) → commit → dispatch. Probes leave at once; what acts (a restart, a
//! mail) leaves only after the decision that orders it is durable. When that fails, nothing is done, and the core is told.

mod drive;
mod perform;

pub use drive::{Control, Ended, Ports, Run, Until, drive};
