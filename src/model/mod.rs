//! Ground floor: plain data with its constructors and invariants. Imports nothing of ours.
//!
//! Everything here is a fact about the world or about what people configured; what follows from it is decided in
//! [`crate::policy`], carried out in the adapters and put into words in [`crate::render`].

mod account;
mod ack;
mod cause;
mod course;
mod email;
mod entry;
mod event;
mod evidence;
mod expect;
mod facts;
mod finding;
mod fleet;
mod flights;
mod gauges;
mod given_up;
mod hash;
mod heart;
mod hold;
mod ids;
mod incident;
mod index;
pub mod limits;
mod named;
mod notification;
mod observation;
mod outcome;
mod past;
mod pointer;
mod quoted;
mod reason;
mod recovery;
mod replayed;
mod rollup;
mod rows;
mod secret;
mod seen;
mod settings;
mod shared;
mod shown;
mod survey;
mod time;
mod track;
mod webhook;
mod week;
mod window;
mod wording;

pub use account::{Account, Allowance, Standpoint, Witness};
pub use ack::Ack;
pub use cause::{Blame, Cause, CertificateFault};
pub use course::{Course, SLOT_MS, SLOTS, Slot};
pub use email::{Detour, Email, Hello, Relay, RelaySecurity, Route};
pub use entry::{Channel, Delivery, Entry, Stay};
pub use event::{
    Decision, Effect, Event, Happened, Holder, Orders, Pause, RecoverOrder, Start, Target,
};
pub use evidence::{AsBrowser, CheckTrack, Evidence, NotEvidence};
pub use expect::{Excerpt, Expect, ResponseSeen, StatusRange, Unmet};
pub use facts::{
    Ailment, ConfigTest, Diagnosis, HostFacts, Inside, InsideAnswer, Room, Service, Unasked,
    UnitFacts, Unseen,
};
pub use finding::{Day, DaysAgo, FieldValue, Finding, Hours, Lasting, Phrase, Redirects, Seconds};
pub use fleet::{CoreRow, Fleet, FleetClock, NetworkState, Post};
pub use flights::Flights;
pub use gauges::{Gauges, LAG_BOUNDS_MS, Lag};
pub use given_up::GivenUp;
pub use hash::fnv1a;
pub use heart::{Heart, Silence};
pub use hold::Hold;
pub use ids::{AttemptId, EntryId, HostName, IncidentId, NameError, ProbeId, ProfileName};
pub use incident::{Flap, FlapTold, Incident, Telling, Unjudged};
pub use index::{Dirty, Index};
pub use named::{Named, Unfit};
pub use notification::{
    Affected, DatedFacts, Ending, EventKind, Flaps, Lesson, Next, Notification, Remark, SiteState,
};
pub use observation::Observation;
pub use outcome::{
    Certificate, ChainLink, CheckOutcome, CheckResult, Family, Hop, HttpVersion, Layer, Phase,
    Timings, TlsVersion,
};
pub use past::{Held, Past, uptime};
pub use quoted::{Piece, Quoted, misleads, one_line};
pub use reason::Reason;
pub use recovery::{
    Approval, Attempt, Backoff, Budget, LEFT_OUT, Mode, Proposal, RecoveryOutcome, RecoveryReport,
    Rehearsal, Rehearsed, Rung, When,
};
pub use replayed::{Comparison, Difference, Replayed, ReplayedIncident, ReplayedRestart, Trial};
pub use rollup::{ROLLUP_BYTES, Rollup, Rollups, Share, Span, date_of, day_of, hour_of};
pub use rows::Changes;
pub use secret::{Secret, SecretSource};
pub use seen::Seen;
pub use settings::{
    Addresses, CacheBypass, Canary, Guards, Heartbeat, Host, NetworkSettings, Profile, Restart,
    Settings, StatusPage, Tls, USER_AGENT, plain_url,
};
pub use shared::Shared;
pub use shown::{SECRET_CHARS, is_secret_name, secrets_of_query, shown_text, shown_url};
pub use survey::{Https, MonitStatement, Site, Survey};
pub use time::{BootId, Now, Timestamp, parse_span};
pub use track::{
    Away, HostTrack, LastingHold, Look, Maintenance, NoLogin, ProfileState, ProfileTrack, Reach,
    Skips, Stage, Standing, Suspicion, Warned,
};
pub use webhook::{Endpoint, Form, Preset, Webhook};
pub use week::{
    Drill, Drills, Period, Restarts, Tally, Week, WeekHost, WeekRestart, WeekSite, WeekSlow, monday,
};
pub use window::{Window, WindowError};
pub use wording::{Language, Template, Wording, Zone};
