//! First floor: the rules. [`step`] is the whole decision core: a pure, total, deterministic function from what we
//! remember, what happened and what the clocks say, to what we remember now and what is to be done.
//!
//! It performs no I/O, reads no clock and draws no random number. Orders that act (`Recover`, `Notify`) come with
//! `durable`: the engine carries them out only after the new state is on disk, and reports [`Event::TakenBack`] when it
//! could not be written; then nothing was done.
//!
//! | room | decides |
//! |---|---|
//! | `clock` | one line of time out of a wall clock that may lie and a boot clock that does not |
//! | `course` | how a site does, for the picture of a mail |
//! | `reconcile` | what a start or a new configuration changes: nothing by itself |
//! | `spread` | when a starting daemon makes its first probes |
//! | `schedule` | what is due, and when a run of `probe once` has nothing left to follow |
//! | `judge` | what a probe's results mean |
//! | `maintenance` | how long a site is taken at its word that it is in maintenance |
//! | `browser` | whether a browser is answered where we are not |
//! | `evidence` | which failures show that the host's own server is at fault |
//! | `incident` | streaks, thresholds, when a profile is down and when it is back |
//! | `network` | whether we can see at all: canaries, and whether a silent site's host is silent altogether |
//! | `sight` | when a host is looked at before it is acted on, and how long that holds |
//! | `triage` | what the host says of itself, as a table: what is wrong, and what may be done |
//! | `boot` | what a host whose SSH port was away as well is spared |
//! | `guard` | may this host be restarted, and if not, why not |
//! | `recovery` | what a host does next: hold, restart, give up, re-arm after proven health |
//! | `rounds` | which hosts the rules look at now |
//! | `attempt` | one restart: ladder, backoff, settling, what its end leaves behind |
//! | `release` | which orders to restart are not carried out after all |
//! | `account` | why: what the rules say of a host now, and what they looked at |
//! | `lesson` | how long restarts held, and what that teaches |
//! | `certificates` | which certificates people are warned of, once per step |
//! | `heartbeat` | whether an outside watcher may hear that we live |
//! | `reminders` | who is reminded of an outage that lasts, and when |
//! | `thread` | which sites of a host are told of together |
//! | `telling` | what is said of an incident, and when it is first said |
//! | `flap` | which sites go down and come back so often that the single times are not told |
//! | `post` | how many mails one recipient gets, and what is gathered into a digest |
//! | `report` | the weekly report: when it is due, and what it says |
//! | `retry` | when a message that nobody took is tried again, and when it is given up |
//! | `unjudged` | which sites cannot be judged by our own doing, and when that is told |
//! | `outbox` | what people must hear, and when a message is tried again |

mod account;
mod attempt;
mod boot;
mod browser;
mod certificates;
mod clock;
mod course;
mod digest;
mod draft;
mod evidence;
mod flap;
mod guard;
mod heartbeat;
mod incident;
mod judge;
mod lesson;
mod maintenance;
mod network;
mod outbox;
mod post;
mod reconcile;
mod recovery;
mod release;
mod reminders;
mod report;
mod retry;
mod rounds;
mod schedule;
mod sight;
mod spread;
mod telling;
mod thread;
mod triage;
mod unjudged;

pub use account::account;
pub use release::{Release, release};
pub use schedule::{settled, wakeup};

use crate::model::{Decision, Event, Fleet, Now, Settings, Start};
use draft::{Draft, Shaken};

/// Moves what was read from the state on to this moment, for showing it: nothing is decided.
pub fn tell_time(fleet: &mut Fleet, now: &Now) {
    clock::advance(&mut fleet.core.clock, now);
}

/// Decides what follows from an event.
#[must_use]
pub fn step(settings: &Settings, fleet: Fleet, event: Event, now: &Now) -> Decision {
    let seen = fleet.core.clock.now;
    let mut draft = Draft::new(settings, fleet, now);
    // Between two configurations of one run it was running, with nothing to watch perhaps.
    if !matches!(event, Event::Started(Start::Reload)) {
        report::passed(&mut draft, seen);
    }
    draft.shaken = match event {
        Event::Started(_)
        | Event::Damaged(_)
        | Event::Ordered(_)
        | Event::TakenBack { .. }
        | Event::Recorded => Shaken::All,
        Event::CanaryProbed { .. } => Shaken::Sight,
        Event::Ticked
        | Event::Probed { .. }
        | Event::ProbedAsBrowser { .. }
        | Event::Reached { .. }
        | Event::Diagnosed { .. }
        | Event::Recovered { .. }
        | Event::Outdated { .. }
        | Event::Notified { .. }
        | Event::Beaten { .. }
        | Event::Completed => Shaken::No,
    };
    match event {
        Event::Started(start) => {
            reconcile::start(&mut draft, &start);
            heartbeat::start(&mut draft, &start);
            report::started(&mut draft);
        }
        Event::Damaged(path) => reconcile::damaged(&mut draft, path),
        Event::Ticked => {}
        Event::Probed {
            probe,
            profile,
            checks,
        } => incident::probed(&mut draft, probe, &profile, checks),
        Event::ProbedAsBrowser {
            probe,
            profile,
            checks,
        } => browser::probed(&mut draft, probe, &profile, checks),
        Event::CanaryProbed {
            probe,
            answered,
            detail,
        } => network::probed(&mut draft, probe, answered, detail),
        Event::Reached { probe, host, reach } => network::reached(&mut draft, probe, &host, reach),
        Event::Diagnosed {
            probe,
            host,
            diagnosis,
        } => sight::diagnosed(&mut draft, probe, &host, diagnosis),
        Event::Recovered {
            host,
            attempt,
            report,
        } => attempt::ended(&mut draft, &host, attempt, report),
        Event::Outdated { host, attempt, age } => {
            release::outdated(&mut draft, &host, attempt, age);
        }
        Event::Notified { entry, delivery } => outbox::tried(&mut draft, entry, delivery),
        Event::Beaten { heard } => heartbeat::beaten(&mut draft, heard),
        Event::Completed => heartbeat::completed(&mut draft),
        Event::Ordered(orders) => recovery::ordered(&mut draft, orders),
        Event::TakenBack {
            attempts,
            entries,
            unwritable,
        } => {
            attempt::taken_back(&mut draft, &attempts, &entries, unwritable);
        }
        Event::Recorded => attempt::recorded(&mut draft),
    }
    // What time alone brings about, in the order in which one enables the next.
    network::let_go(&mut draft);
    recovery::move_on(&mut draft);
    sight::move_on(&mut draft);
    network::move_on(&mut draft);
    unjudged::move_on(&mut draft);
    certificates::move_on(&mut draft);
    report::move_on(&mut draft);
    outbox::move_on(&mut draft);
    schedule::move_on(&mut draft);
    heartbeat::move_on(&mut draft);
    draft.into_decision()
}
