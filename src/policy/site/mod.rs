//! What a probe means.
//!
//! This room orders no restart and knows nothing of mail. It reads of a host only whether a restart is under way and
//! from when failures count again, and reports what happened ([`Happened`](crate::model::Happened)).
//!
//! | file | decides |
//! |---|---|
//! | `schedule` | what is due |
//! | `spread` | when a starting daemon makes its first probes |
//! | `judge` | the verdict: what a probe's results mean |
//! | `maintenance` | how long a site is believed that it is in maintenance |
//! | `browser` | whether a site answers browsers but not us |
//! | `evidence` | which failures show that the host's own server is at fault |
//! | `incident` | streaks, thresholds, when a profile is down and when it is back |
//! | `course` | how a site did, in slots of five minutes |
//! | `unjudged` | which sites cannot be judged through our own fault |
//! | `network` | whether our own network works: canaries, and whether the host behind a silent site is silent as well |
//! | `canary`, `port` | what the canaries last said; whether a host's SSH port answers |

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
