//! What a probe means.
//!
//! This room knows nothing of restarts and of mail; it says what happened.
//!
//! | file | decides |
//! |---|---|
//! | `schedule` | what is due |
//! | `spread` | when a starting daemon makes its first probes |
//! | `judge` | what a probe's results mean |
//! | `maintenance` | how long a site is taken at its word that it is in maintenance |
//! | `browser` | whether a browser is answered where we are not |
//! | `evidence` | which failures show that the host's own server is at fault |
//! | `incident` | streaks, thresholds, when a profile is down and when it is back |
//! | `course` | how a site does, five minutes at a time |
//! | `unjudged` | which sites cannot be judged by our own doing |
//! | `network` | whether we can see at all: canaries, and whether a silent site's host is silent altogether |
//! | `canary`, `port` | what canaries last said; whether a host's SSH port answers |

pub(in crate::policy) mod browser;
pub(in crate::policy) mod canary;
mod course;
pub(in crate::policy) mod evidence;
pub(in crate::policy) mod incident;
pub(in crate::policy) mod judge;
mod maintenance;
pub(in crate::policy) mod network;
pub(in crate::policy) mod port;
pub(in crate::policy) mod schedule;
pub(in crate::policy) mod spread;
pub(in crate::policy) mod unjudged;
