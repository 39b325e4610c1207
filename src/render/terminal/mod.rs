//! What people read on a terminal: the answers of `once` and `status`, and the lines that come while a run is under way.
//!
//! First a table with one line per check (mark, profile, URL, status, address, phases), each fault in words below its line;
//! then what each host's recovery did, what holds it and what comes next; then the mails; last one line that says it all.
//! Profiles stand in the order of their names, those that are not well last, next to what is said about them.
//! Marks: `up`, `warn`, `FAIL` (not confirmed), `DOWN`, `?` (could not tell). Everything can be read without colour.
//!
//! `status --watch` shows the same with response times, what is not well first, in the lines that there are (`watched`).
//!
//! `once URL…` says all it knows of each URL, with its phases as bars (`exchange`, `waterfall`).
//!
//! The table drops what does not fit: first the addresses, then the phases in favour of the addresses, then both, then the
//! ends of long URLs. Times of day are UTC. Text from outside is cleaned before it gets here and here again.

mod exchange;
mod history;
mod hosts;
mod ink;
mod live;
mod mails;
mod profiles;
mod replay;
mod summary;
mod table;
mod watched;
mod waterfall;
mod why;
mod words;

pub mod pauses;

use std::collections::BTreeSet;

use self::ink::{Ink, Line, Sheet};
use super::history::PastView;
use super::record::{Record, waiting};
use super::why::Recorded;
use crate::model::{
    Account, CheckResult, Comparison, Fleet, Notification, ProfileName, Settings, Trial,
};

pub use live::line;
pub use watched::{Frame, Seen, frame, unreadable};

/// How it is to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// With escape sequences for colour.
    pub color: bool,
    /// Columns.
    pub width: usize,
    /// With what is ordinary: certificates, HTTP versions, sizes.
    pub verbose: bool,
    /// Nothing was written, sent or restarted.
    pub dry_run: bool,
    /// Bars of block characters; without, of ASCII ones.
    pub unicode: bool,
}

/// What `once` answers.
#[must_use]
pub fn once(
    settings: &Settings,
    fleet: &Fleet,
    selection: &BTreeSet<ProfileName>,
    record: &Record,
    look: Layout,
) -> String {
    let mut sheet = Sheet::new(look);
    banner(&mut sheet, fleet);
    if selection.is_empty() {
        sheet.line(&Line::new(
            Ink::Dim,
            "no profile is due; `probe once NAME` probes one now",
        ));
        return sheet.finish();
    }
    let rows = profiles::rows(settings, fleet, selection, profiles::Detail::Run, look);
    table::write(&mut sheet, &rows, look);
    hosts::write(&mut sheet, settings, fleet, selection, Some(record), look);
    let told: Vec<_> = record.told().cloned().collect();
    mails::write(&mut sheet, &told, look);
    sheet.gap();
    sheet.wrapped(&summary::run(fleet, selection, record, look), 0);
    sheet.finish()
}

/// What `status` answers. `subject` words a message's subject.
#[must_use]
pub fn status(
    settings: &Settings,
    fleet: &Fleet,
    selection: &BTreeSet<ProfileName>,
    subject: impl Fn(&Notification) -> String,
    look: Layout,
) -> String {
    let mut sheet = Sheet::new(look);
    banner(&mut sheet, fleet);
    let rows = profiles::rows(settings, fleet, selection, profiles::Detail::Standing, look);
    table::write(&mut sheet, &rows, look);
    hosts::write(&mut sheet, settings, fleet, selection, None, look);
    hosts::pauses(&mut sheet, fleet);
    hosts::acks(&mut sheet, fleet);
    hosts::drills(&mut sheet, settings, fleet);
    let outbox = waiting(fleet, subject);
    mails::write(&mut sheet, &outbox, look);
    sheet.gap();
    sheet.wrapped(&summary::standing(fleet, selection, &outbox), 0);
    sheet.finish()
}

/// What `why` answers about one host. `recorded` is what the journal says of it and of its profiles.
#[must_use]
pub fn why(
    settings: &Settings,
    fleet: &Fleet,
    account: &Account,
    recorded: &[Recorded],
    look: Layout,
) -> String {
    let mut sheet = Sheet::new(look);
    banner(&mut sheet, fleet);
    why::write(&mut sheet, settings, fleet, account, recorded, look);
    sheet.finish()
}

/// What `why` answers about a profile without a host: it is watched and reported, and nothing is restarted for it.
#[must_use]
pub fn why_not(
    settings: &Settings,
    fleet: &Fleet,
    name: &str,
    selection: &BTreeSet<ProfileName>,
    recorded: &[Recorded],
    look: Layout,
) -> String {
    let mut sheet = Sheet::new(look);
    banner(&mut sheet, fleet);
    let head = Line::new(Ink::Bold, name).then(
        Ink::Plain,
        "  has no `host`: it is watched and reported, and nothing is restarted for it",
    );
    sheet.wrapped(&head, 2);
    sheet.gap();
    let rows = profiles::rows(settings, fleet, selection, profiles::Detail::Standing, look);
    table::write(&mut sheet, &rows, look);
    sheet.gap();
    why::timeline(&mut sheet, recorded, fleet.wall(fleet.now()), look);
    sheet.finish()
}

/// What `history` answers.
#[must_use]
pub fn history(past: &PastView, look: Layout) -> String {
    let mut sheet = Sheet::new(look);
    history::write(&mut sheet, past);
    sheet.finish()
}

/// What `replay` answers.
#[must_use]
pub fn replay(comparison: &Comparison, look: Layout) -> String {
    let mut sheet = Sheet::new(look);
    replay::write(&mut sheet, comparison);
    sheet.finish()
}

/// What `replay --suggest` answers.
#[must_use]
pub fn suggestion(trials: &[Trial], best: Option<&Trial>, look: Layout) -> String {
    let mut sheet = Sheet::new(look);
    replay::suggestion(&mut sheet, trials, best);
    sheet.finish()
}

/// What `once URL…` answers: each URL in full.
#[must_use]
pub fn urls(checks: &[CheckResult], look: Layout) -> String {
    let mut sheet = Sheet::new(look);
    for check in checks {
        exchange::write(&mut sheet, check, look);
        sheet.gap();
    }
    if checks.len() > 1 {
        sheet.line(&summary::urls(checks));
    }
    sheet.finish().trim_end().to_owned() + "\n"
}

/// The same with one line for each URL.
#[must_use]
pub fn url_lines(checks: &[CheckResult], look: Layout) -> String {
    let mut sheet = Sheet::new(look);
    for check in checks {
        sheet.line(&exchange::line(check, look));
    }
    sheet.finish()
}

/// What concerns everything stands first.
fn banner(sheet: &mut Sheet, fleet: &Fleet) {
    let now = fleet.wall(fleet.now());
    let mut say = |text: String| {
        sheet.wrapped(&Line::new(Ink::Bad, "  !     ").then(Ink::Plain, &text), 8);
    };
    if let Some(down) = fleet.core.network.down_since {
        let since = words::since(fleet.wall(down), now);
        let detail = match words::said(&fleet.core.network.detail) {
            said if said.is_empty() => said,
            said => format!(" ({said})"),
        };
        say(format!(
            "our own network is down {since}: no canary answers{detail}. Nothing is judged or restarted until one does."
        ));
    }
    if fleet.stands_in {
        say("the state cannot be used: nothing is restarted until it can, and who was told is remembered elsewhere.".to_owned());
    } else if fleet.unwritable {
        say("the state cannot be written: nothing is restarted until it can. Check the disk of this machine.".to_owned());
    }
    if let Some(until) = fleet.core.quarantine.filter(|until| *until > fleet.now()) {
        say(format!(
            "the state was damaged and moved aside: restarts are possible again {}.",
            words::ahead(fleet.wall(until), now)
        ));
    }
    if fleet.core.latched.is_some() {
        say(format!(
            "restarts of {} hosts that failed together did not help: nothing is restarted before `probe resume all`.",
            crate::model::limits::BRAKE_LATCHES
        ));
    }
    if let Some(silence) = &fleet.core.heart.silence {
        say(format!(
            "the outside watcher (`heartbeat`) does not hear from us: {}.",
            silence.phrase()
        ));
    }
    sheet.gap();
}
