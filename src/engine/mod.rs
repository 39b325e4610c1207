//! Third floor: the loop that serves `once`, `run` and every rehearsal. It holds no rule.
//!
//! Await one event → [`step`](crate::policy::step) → commit → dispatch. Orders that look (a probe, a look at a host)
//! leave at once. Orders that act (a restart, a mail, a heartbeat) leave only after the decision that gave them is
//! durable. If it cannot be written, they are not carried out, and the core is told. The commit runs beside the loop:
//! while a disk is slow, results are judged and probes begin as usual.
//!
//! | file | is |
//! |---|---|
//! | `drive` | the loop |
//! | `commits` | what waits for which commit |
//! | `inbox` | the orders of people |
//! | `perform` | effects as tasks |
//! | `run` | what a run is given, and what it hands back |

mod commits;
mod drive;
mod inbox;
mod perform;
mod run;

pub use drive::drive;
pub use run::{Control, Ended, Ports, Run, Turn, Until};

use std::time::Duration;

/// How often the orders of people are read and the pulse is given, and the longest wait for an event.
const BEAT: Duration = Duration::from_secs(1);
