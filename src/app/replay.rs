//! `probe replay`: what another configuration would have decided on what was recorded. Reads the state without its lock;
//! touches no network.

use std::collections::{BTreeMap, BTreeSet};

use super::surroundings::Surroundings;
use super::{answer, complain, settings};
use crate::adapters::clock::SystemClock;
use crate::cli::{self, Cli};
use crate::exit::Exit;
use crate::model::{Happened, HostName, ProfileName, Settings, Timestamp};
use crate::ports::Clock as _;
use crate::render::{history, replay as told, terminal};
use crate::replay::{self, Record};

/// Rows of what was seen and of what was decided that are read at most, the newest.
const ROWS: u32 = 2_000_000;

/// `probe replay`.
pub(super) fn replay(cli: &Cli, around: &Surroundings, order: &cli::Replay) -> Exit {
    ask(cli, around, order).unwrap_or_else(|exit| exit)
}

/// On which host a profile is: as configured, else as it was when a restart was made for it.
fn hosts(
    settings: &Settings,
    notes: &[(Timestamp, Happened)],
) -> impl Fn(&ProfileName) -> Option<HostName> {
    let mut hosts = BTreeMap::new();
    for (_, note) in notes {
        if let Happened::RestartBegan { host, profile, .. } = note {
            hosts.insert(profile.clone(), host.clone());
        }
    }
    for (name, profile) in &settings.profiles {
        if let Some(host) = &profile.host {
            hosts.insert(name.clone(), host.clone());
        }
    }
    move |name| hosts.get(name).cloned()
}

fn ask(cli: &Cli, around: &Surroundings, order: &cli::Replay) -> Result<Exit, Exit> {
    let settings = settings(cli, around)?;
    let store = around.store(cli).map_err(|error| complain(&error))?;
    let mut fleet = store.read().map_err(|error| complain(&*error))?.fleet;
    crate::policy::tell_time(&mut fleet, &SystemClock::new().now());
    let until = fleet.wall(fleet.now());
    let since = until - order.since;
    let rows = store.seen(since, ROWS);
    let notes = store.journal(since, ROWS);
    let mut notes = notes.map_err(|error| complain(&*error))?;
    // Rows are kept up to a number, so the record may begin later than what is asked for.
    let first = rows.iter().map(|(at, _)| *at).min();
    let from = first.map_or(since, |first| first.max(since));
    // What was decided before anything was recorded cannot be decided again.
    notes.retain(|(at, _)| first.is_some() && *at >= from);
    let record = Record::new(rows, until, hosts(&settings, &notes));
    let look = around.look(cli, false);
    if order.suggest {
        let all: BTreeSet<ProfileName> = settings.profiles.keys().cloned().collect();
        let past = history::past(&settings, &fleet, &all, since, &notes);
        let needless = past.restarts.iter();
        let needless = needless.filter(|restart| restart.needed(until) == Some(false));
        let needless: Vec<Timestamp> = needless.map(|restart| restart.past.began).collect();
        let trials = replay::suggest(&settings, &record, &needless);
        let best = replay::best(&trials);
        match order.json {
            true => answer(&format!("{:#}", told::suggestion(&trials, best))),
            false => answer(&terminal::suggestion(&trials, best, look)),
        }
        return Ok(Exit::Ok);
    }
    let recorded = replay::recorded(&notes);
    let replayed = replay::replay(&settings, &record);
    let comparison = replay::compare(&settings, (from, until), recorded, replayed);
    match order.json {
        true => answer(&format!("{:#}", told::document(&comparison))),
        false => answer(&terminal::replay(&comparison, look)),
    }
    Ok(Exit::Ok)
}
