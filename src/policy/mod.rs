//! First floor: the rules. [`step`] is the whole decision core: a pure, total, deterministic function from what is
//! remembered, what happened and what the clocks say, to what is remembered now and what is to be done.
//!
//! It performs no I/O, reads no clock and draws no random number. Orders that act (`Recover`, `Notify`) come with
//! `durable`: the engine carries them out only after the new state is on disk. If it cannot be written, the engine does
//! nothing and reports [`Event::TakenBack`].
//!
//! There are three rooms, and each knows only those before it: `site` says what a probe means, `host` what is done,
//! `tell` who hears what. They report to each other by [`Happened`](crate::model::Happened). A step first handles its
//! event, then does what the passing of time brings about: `site` ends suspicions, `host` holds, restarts, looks and
//! tries ports, canaries are asked, `tell` queues and sends, and last the probes that are due and the heartbeat leave.
//! The other files:
//!
//! | file | decides |
//! |---|---|
//! | `draft` | nothing: it holds the decision while it is made |
//! | `clock` | one line of time, made of a wall clock that may be wrong and a boot clock that is not |
//! | `reconcile` | what a start, a new configuration or a damaged state changes |
//! | `wakeup` | when the rules must be asked again, and when a run of `probe once` has nothing left to wait for |
//! | `account` | nothing: it answers what the rules say of a host now, and what they looked at |

mod account;
mod clock;
mod draft;
mod host;
mod reconcile;
mod site;
mod tell;
mod wakeup;

pub use account::account;
pub use host::rehearsal::forbids;
pub use host::release::{Release, release};
pub use wakeup::{settled, wakeup};

use crate::model::{Decision, Event, Fleet, Now, Settings, Start};
use draft::{Draft, Recheck};
use host::{attempt, boot, recovery, release as orders, sight};
use site::{browser, incident, network, schedule};
use tell::{heartbeat, outbox, report};

/// Advances the time of a state that was read to now, so that it can be shown. Nothing is decided.
pub fn tell_time(fleet: &mut Fleet, now: &Now) {
    clock::advance(&mut fleet.core.clock, now);
}

/// Decides what follows from an event.
#[must_use]
pub fn step(settings: &Settings, fleet: Fleet, event: Event, now: &Now) -> Decision {
    let seen = fleet.core.clock.now;
    let mut draft = Draft::new(settings, fleet, now);
    // Before a reload the run was running, even if it had nothing to watch.
    if !matches!(event, Event::Started(Start::Reload)) {
        report::passed(&mut draft, seen);
    }
    draft.recheck = match event {
        Event::Started(_)
        | Event::Damaged(_)
        | Event::Ordered(_)
        | Event::TakenBack { .. }
        | Event::Recorded => Recheck::All,
        Event::CanaryProbed { .. } => Recheck::Sight,
        Event::Ticked
        | Event::Probed { .. }
        | Event::ProbedAsBrowser { .. }
        | Event::Reached { .. }
        | Event::Diagnosed { .. }
        | Event::Recovered { .. }
        | Event::Outdated { .. }
        | Event::Notified { .. }
        | Event::Beaten { .. }
        | Event::Completed => Recheck::No,
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
            orders::outdated(&mut draft, &host, attempt, age);
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
            tell::taken_back(&mut draft, &entries, &attempts);
            attempt::taken_back(&mut draft, &attempts, unwritable);
        }
        Event::Recorded => attempt::recorded(&mut draft),
    }
    // What the passing of time brings about, in an order in which each step can enable the next.
    network::let_go(&mut draft);
    host::handle(&mut draft);
    recovery::move_on(&mut draft);
    sight::move_on(&mut draft);
    network::ask_ports(&mut draft);
    boot::move_on(&mut draft);
    network::ask_canaries(&mut draft);
    tell::handle(&mut draft);
    tell::move_on(&mut draft);
    schedule::move_on(&mut draft);
    heartbeat::move_on(&mut draft);
    draft.into_decision()
}
