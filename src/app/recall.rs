//! Commands that look back: `why` and `history`. They read what was recorded, without the lock and without the network.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::adapters::clock::SystemClock;
use crate::cli::{self, Cli};
use crate::exit::Exit;
use crate::model::{Fleet, Happened, HostName, ProfileName, Settings, Target};
use crate::policy;
use crate::ports::Clock as _;
use crate::render::why::Recorded;
use crate::render::{history as told, report, terminal, why as account};

use super::surroundings::Surroundings;
use super::{answer, complain, settings, watch};

/// Rows of the journal that are read at most.
const ROWS: u32 = 50_000;

/// Rows that `why` shows at most, the newest.
const SHOWN: usize = 40;

/// `probe why`.
pub(super) fn why(cli: &Cli, around: &Surroundings, why: &cli::Why) -> Exit {
    explain(cli, around, why).unwrap_or_else(|exit| exit)
}

fn explain(cli: &Cli, around: &Surroundings, why: &cli::Why) -> Result<Exit, Exit> {
    let settings = settings(cli, around)?;
    let target = Target::Named(why.name.clone());
    watch::known(&settings, &target)?;
    let (fleet, rows) = recalled(cli, around, why.since)?;
    let now = SystemClock::new().now();
    let (host, profile) = subject(&settings, &why.name);
    let concerns: BTreeSet<ProfileName> = match &host {
        Some(host) => settings.profiles_of(host).map(|(n, _)| n.clone()).collect(),
        None => profile.iter().cloned().collect(),
    };
    let mut recorded: Vec<Recorded> = rows
        .into_iter()
        .filter(|(_, note)| is_about(note, host.as_ref(), &concerns))
        .collect();
    recorded.drain(..recorded.len().saturating_sub(SHOWN));
    let found = host
        .as_ref()
        .and_then(|host| policy::account(&settings, fleet.clone(), host, &now));
    match (found, why.json) {
        (Some(found), true) => {
            answer(&format!(
                "{:#}",
                account::document(&found, &fleet, &recorded)
            ));
        }
        (Some(found), false) => {
            let look = around.look(cli, false);
            answer(&terminal::why(&settings, &fleet, &found, &recorded, look));
        }
        (None, true) => {
            let document = account::watch_only(&why.name, &fleet, &concerns, &recorded);
            answer(&format!("{document:#}"));
        }
        (None, false) => {
            let look = around.look(cli, false);
            let name = why.name.as_str();
            answer(&terminal::why_not(
                &settings, &fleet, name, &concerns, &recorded, look,
            ));
        }
    }
    Ok(Exit::from(report::severity(&settings, &fleet, &concerns)))
}

/// The host a name stands for, and the profile where it is one.
fn subject(settings: &Settings, name: &str) -> (Option<HostName>, Option<ProfileName>) {
    let profile = settings.profiles.keys().find(|p| p.as_str() == name);
    let host = settings.hosts.keys().find(|h| h.as_str() == name);
    let host = host
        .cloned()
        .or_else(|| settings.profiles.get(profile?)?.host.clone());
    (host, profile.cloned())
}

/// Whether a remark concerns a host or one of its profiles.
fn is_about(note: &Happened, host: Option<&HostName>, profiles: &BTreeSet<ProfileName>) -> bool {
    match note {
        Happened::Judged { profile, .. }
        | Happened::Skipped { profile, .. }
        | Happened::Changed { profile, .. }
        | Happened::Opened { profile, .. }
        | Happened::Unjudged { profile, .. }
        | Happened::JudgedAgain { profile, .. }
        | Happened::Closed { profile, .. } => profiles.contains(profile),
        Happened::RestartBegan { host: of, .. }
        | Happened::RestartEnded { host: of, .. }
        | Happened::Diagnosed { host: of, .. }
        | Happened::Held { host: of, .. }
        | Happened::GaveUp { host: of, .. }
        | Happened::Rearmed { host: of } => host == Some(of),
        Happened::NetworkDown { .. }
        | Happened::NetworkBack { .. }
        | Happened::Damaged { .. }
        | Happened::Unrecorded
        | Happened::Recorded => true,
        Happened::Queued { .. }
        | Happened::Merged { .. }
        | Happened::Delivered { .. }
        | Happened::Heartbeat { .. } => false,
    }
}

/// `probe history`.
pub(super) fn history(cli: &Cli, around: &Surroundings, history: &cli::History) -> Exit {
    past(cli, around, history).unwrap_or_else(|exit| exit)
}

fn past(cli: &Cli, around: &Surroundings, history: &cli::History) -> Result<Exit, Exit> {
    let settings = settings(cli, around)?;
    let selection: BTreeSet<ProfileName> = if history.profiles.is_empty() {
        settings.profiles.keys().cloned().collect()
    } else {
        watch::named(&settings, &history.profiles)?
    };
    let (fleet, rows) = recalled(cli, around, history.since)?;
    let from = fleet.wall(fleet.now()) - history.since;
    let past = told::past(&settings, &fleet, &selection, from, &rows);
    if history.json {
        let store = around.store(cli).map_err(|error| complain(&error))?;
        let zone = &settings.wording.zone.rules;
        let names: Vec<ProfileName> = selection.iter().cloned().collect();
        let rollups = store.rollups(&fleet, &names, zone);
        answer(&format!("{:#}", told::document(&past, &rollups, zone)));
    } else {
        answer(&terminal::history(&past, around.look(cli, false)));
    }
    Ok(Exit::Ok)
}

/// What is remembered, and what was recorded since.
fn recalled(
    cli: &Cli,
    around: &Surroundings,
    since: Duration,
) -> Result<(Fleet, Vec<Recorded>), Exit> {
    let store = around.store(cli).map_err(|error| complain(&error))?;
    let mut fleet = store.read().map_err(|error| complain(&*error))?.fleet;
    policy::tell_time(&mut fleet, &SystemClock::new().now());
    let from = fleet.wall(fleet.now()) - since;
    let rows = store.journal(from, ROWS);
    Ok((fleet, rows.map_err(|error| complain(&*error))?))
}
