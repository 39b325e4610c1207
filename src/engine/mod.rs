//! Third floor: the loop that serves `once`, `run` and every rehearsal. It holds no rule.
//!
//! Await one event → [`step`](crate::policy::step) → commit → dispatch. Probes leave at once; what acts (a restart, a
//! mail) leaves only after the decision that orders it is durable. When that fails, nothing is done, and the core is told.
//! The commit runs beside the loop: while a disk takes its time, results are judged and probes begin as ever.

mod commits;
mod drive;
mod inbox;
mod perform;
mod run;

pub use drive::drive;
pub use run::{Control, Ended, Ports, Run, Turn, Until};

use std::time::Duration;

/// How often people's orders are looked for, and the pulse is given when nothing else happens.
const BEAT: Duration = Duration::from_secs(1);
