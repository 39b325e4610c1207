//! Ground floor: plain data with its constructors and invariants. Imports nothing of ours.
//!
//! Everything here is a fact about the world or about what people configured; what follows from it is decided in
//! [`crate::policy`], carried out in the adapters and put into words in [`crate::render`].

mod cause;
mod event;
mod expect;
mod fleet;
mod hash;
mod hold;
mod ids;
pub mod limits;
mod notification;
mod outcome;
mod recovery;
mod secret;
mod settings;
mod time;
mod track;

pub use cause::{Blame, Cause, CertificateFault};
pub use event::{Decision, Effect, Event, Note, Orders, Pause, RecoverOrder, Start, Target};
pub use expect::{Expect, Seen, StatusRange, Unmet};
pub use fleet::{Changes, CoreRow, Fleet, FleetClock, Network};
pub use hash::fnv1a;
pub use hold::Hold;
pub use ids::{AttemptId, EntryId, HostName, IncidentId, NameError, ProbeId, ProfileName};
pub use notification::{Delivery, Entry, EventKind, Next, Notification};
pub use outcome::{Certificate, CheckResult, Family, Finding, Phase, Timings};
pub use recovery::{Attempt, Backoff, Budget, RecoveryOutcome, RecoveryReport, When};
pub use secret::{Secret, SecretSource};
pub use settings::{
    Addresses, CacheBypass, Canary, Email, Host, Network as NetworkSettings, Profile, Relay,
    RelaySecurity, Restart, Settings, Tls,
};
pub use time::{BootId, Now, Timestamp};
pub use track::{
    Evidence, HostTrack, Incident, ProfileState, ProfileTrack, Stage, Standing, Suspicion,
};
