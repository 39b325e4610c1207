//! Commands that order something: `pause`, `resume`, `ack`, `approve`.
//!
//! A pause is a file in the state directory. It needs neither the lock nor the database, a running daemon sees it within
//! a second, and it is looked at once more in the last moment before a connection is opened.
//!
//! `resume all` lifts every pause. Whatever stays paused after a `resume` is said, also where nothing else is (`-q`), and of a target
//! that another pause still covers it is not said that it may be restarted.
//!
//! An order in a state that no run has ever used may be one that nobody sees: that is said, and where the system's own watch keeps its
//! state elsewhere, the command ends with 1.
//!
//! `ack` says that somebody has what people were told of a profile, or of the profiles of a host. Where nothing is open there, it says so
//! and ends with 2: no later outage is acknowledged before anybody knows of it.
//!
//! `approve` allows the one restart that is proposed at this moment, and where none is, says so and ends with 2.
//!
//! `resume` does not shorten the hour after a damaged state: the order may have been given before anybody knew of the damage, and
//! says nothing of the restarts that were forgotten. That is said, too.

use std::collections::{BTreeMap, BTreeSet};

use crate::adapters::clock::SystemClock;
use crate::cli::{self, Cli};
use crate::exit::Exit;
use crate::model::{
    Ack, Approval, Hold, IncidentId, Pause, ProfileName, Settings, Target, Timestamp,
};
use crate::policy;
use crate::ports::{Clock as _, Store};
use crate::render::duration::span;
use crate::render::terminal::pauses;
use crate::render::words::Voice;

use super::surroundings::Surroundings;
use super::{answer, complain, say_error, settings, watch};

/// Pauses that are named one by one.
const NAMED: usize = 20;

/// `probe pause`.
pub(super) fn pause(cli: &Cli, around: &Surroundings, order: &cli::PauseArgs) -> Exit {
    let paused = || {
        let settings = settings(cli, around)?;
        watch::known(&settings, &order.target)?;
        let store = around.store(cli).map_err(|error| complain(&error))?;
        let now = SystemClock::new().now().wall;
        let until = order.span.map(|span| now + span);
        let pause = Pause {
            since: Some(now),
            until,
            reason: order.reason.clone(),
        };
        let paused = store.pause(&order.target, &pause);
        paused.map_err(|error| complain(&*error))?;
        if !cli.global.quiet {
            let end = pauses::end(until, now);
            let end = order.span.map_or_else(
                || end.clone(),
                |length| format!("for {}, {end}", span(length)),
            );
            let target = &order.target;
            answer(&format!(
                "{target}: nothing is restarted {end}; watching goes on. `probe resume {target}` ends it."
            ));
            let mut others = in_force(store.pauses(), now);
            others.retain(|name, _| name != &target.to_string() && covers(&settings, name, target));
            say(&others, "Paused as well", now);
        }
        Ok(seen(cli, around, &*store))
    };
    paused().unwrap_or_else(|exit| exit)
}

/// Says how long nothing is restarted because the state was damaged.
fn say_quarantine(store: &dyn Store) {
    // One that cannot be read is told elsewhere.
    let Ok(snapshot) = store.read() else {
        return;
    };
    let mut fleet = snapshot.fleet;
    policy::tell_time(&mut fleet, &SystemClock::new().now());
    let quarantine = fleet.core.quarantine;
    if let Some(until) = quarantine.filter(|until| *until > fleet.now()) {
        let until = Voice::english().clock(fleet.wall(until));
        answer(&format!(
            "The state was damaged, so earlier restarts are not known: nothing is restarted until {until}, and no order shortens that."
        ));
    }
}

/// `probe resume`.
pub(super) fn resume(cli: &Cli, around: &Surroundings, order: &cli::Resume) -> Exit {
    let resumed = || {
        let (settings, target) = (settings(cli, around)?, &order.target);
        watch::known(&settings, target)?;
        let store = around.store(cli).map_err(|error| complain(&error))?;
        let lifted = store.resume(target);
        let now = SystemClock::new().now().wall;
        let left = in_force(store.pauses(), now);
        let is_covered = left.keys().any(|name| covers(&settings, name, target));
        if lifted.is_ok() && !cli.global.quiet {
            answer(&if is_covered {
                format!("{target}: is paused no more by itself, and is not restarted yet.")
            } else {
                let snapshot = store.read().map_err(|error| complain(&*error))?;
                let when = if snapshot.holder.is_some() {
                    "at once: a run is watching"
                } else {
                    "with the next run"
                };
                format!("{target}: may be restarted again, {when}.")
            });
        }
        say(&left, "Still paused", now);
        say_quarantine(&*store);
        lifted.map_err(|error| complain(&*error))?;
        Ok(seen(cli, around, &*store))
    };
    resumed().unwrap_or_else(|exit| exit)
}

/// `probe ack`.
pub(super) fn ack(cli: &Cli, around: &Surroundings, order: &cli::AckArgs) -> Exit {
    let known = || {
        let (settings, name) = (settings(cli, around)?, order.name.as_str());
        let target = Target::Named(name.to_owned());
        watch::known(&settings, &target)?;
        let store = around.store(cli).map_err(|error| complain(&error))?;
        let mut fleet = store.read().map_err(|error| complain(&*error))?.fleet;
        let clock = SystemClock::new().now();
        policy::tell_time(&mut fleet, &clock);
        let until = order.span.map(|span| clock.wall + span);
        let tellings = || {
            let tracks = fleet.profiles.iter();
            tracks.filter_map(|(name, track)| Some((name, track.telling.as_deref()?)))
        };
        let open: BTreeSet<IncidentId> =
            tellings().map(|(_, known)| known.thread.clone()).collect();
        let meant = tellings().filter(|(profile, _)| is_of(&settings, profile, name));
        let meant: BTreeSet<&IncidentId> = meant.map(|(_, known)| &known.thread).collect();
        if meant.is_empty() {
            say_error(&format!(
                "{name}: no outage is open there at this moment, so nothing was acknowledged; `probe status` says what is down"
            ));
            return Err(Exit::Critical);
        }
        // What is told in a thread stands with the site that speaks there.
        let spoken = tellings().filter(|(_, known)| !known.led && meant.contains(&known.thread));
        let acks: BTreeMap<IncidentId, Ack> = spoken
            .map(|(_, known)| {
                let ack = Ack::of(known, clock.wall, until, order.reason.clone());
                (known.thread.clone(), ack)
            })
            .collect();
        store
            .acknowledge(&acks, &open)
            .map_err(|error| complain(&*error))?;
        if !cli.global.quiet {
            let sites = tellings().filter(|(_, known)| meant.contains(&known.thread));
            let sites: Vec<&str> = sites.map(|(name, _)| name.as_str()).collect();
            let until = until.map_or_else(String::new, |until| {
                format!(", {} at most", pauses::end(Some(until), clock.wall))
            });
            answer(&format!(
                "{}: no reminders until it changes (another cause, a further site, giving up){until}. Watching and restarts go on; \
                 `probe pause {name}` stops restarts.",
                pauses::named(&sites)
            ));
        }
        Ok(seen(cli, around, &*store))
    };
    known().unwrap_or_else(|exit| exit)
}

/// Whether a name means this profile: its own, or its host's.
fn is_of(settings: &Settings, profile: &ProfileName, name: &str) -> bool {
    let host = settings
        .profiles
        .get(profile)
        .and_then(|profile| profile.host.as_ref());
    profile.as_str() == name || host.is_some_and(|host| host.as_str() == name)
}

/// `probe approve`.
pub(super) fn approve(cli: &Cli, around: &Surroundings, order: &cli::Approve) -> Exit {
    let approved = || {
        let settings = settings(cli, around)?;
        let host = settings
            .hosts
            .keys()
            .find(|name| name.as_str() == order.host);
        let Some(name) = host else {
            let hosts: Vec<&str> = settings.hosts.keys().map(|name| name.as_str()).collect();
            say_error(&format!(
                "probe: no host is called {}; hosts: {}",
                order.host,
                hosts.join(", ")
            ));
            return Err(Exit::Unknown);
        };
        let store = around.store(cli).map_err(|error| complain(&error))?;
        let snapshot = store.read().map_err(|error| complain(&*error))?;
        let watched = snapshot.holder.is_some();
        let mut fleet = snapshot.fleet;
        let clock = SystemClock::new();
        policy::tell_time(&mut fleet, &clock.now());
        let track = fleet.hosts.get(name);
        let proposed = track.and_then(|track| match (&track.hold, track.proposal) {
            (Some(Hold::Proposed { command, .. }), Some(proposal)) => Some((command, proposal)),
            _ => None,
        });
        let Some((command, proposal)) = proposed.filter(|(_, known)| known.until > fleet.now())
        else {
            say_error(&format!(
                "{name}: no restart is proposed at this moment, so nothing was approved; `probe why {name}` says what it waits for"
            ));
            return Err(Exit::Critical);
        };
        let approval = Approval {
            id: proposal.id,
            at: clock.now().wall,
        };
        store
            .approve(name, &approval)
            .map_err(|error| complain(&*error))?;
        if !cli.global.quiet {
            let until = Voice::english().clock(fleet.wall(proposal.until));
            let when = if watched {
                "at once: a run is watching".to_owned()
            } else {
                format!("by a run that begins before {until}")
            };
            answer(&format!(
                "{name}: one restart may begin with `{command}`, {when}. What speaks against it by then still holds it."
            ));
        }
        Ok(seen(cli, around, &*store))
    };
    approved().unwrap_or_else(|exit| exit)
}

/// Whether a run will see what was ordered here, as far as can be known; the doubt is told.
fn seen(cli: &Cli, around: &Surroundings, store: &dyn Store) -> Exit {
    // A state that cannot be read is one that somebody made.
    let begun = store.read().map_or(true, |snapshot| snapshot.begun);
    let Ok(place) = around.state_path(cli).map_err(|error| complain(&error)) else {
        return Exit::Unknown;
    };
    if begun {
        return Exit::Ok;
    }
    say_error(&format!(
        "warning: no run has ever used the state in {}: the watch sees this order only if that is its state. Give the order as the user who watches, or name the directory with --state-dir",
        place.display()
    ));
    if around.other_state(cli).is_some() {
        Exit::Warning
    } else {
        Exit::Ok
    }
}

fn in_force(mut pauses: BTreeMap<String, Pause>, now: Timestamp) -> BTreeMap<String, Pause> {
    pauses.retain(|_, pause| pause.until.is_none_or(|until| until > now));
    pauses
}

/// Whether a pause of this name keeps a target from being restarted: its own, its host's, that of everything.
fn covers(settings: &Settings, name: &str, target: &Target) -> bool {
    let Target::Named(target) = target else {
        return name == "all";
    };
    let mut profiles = settings.profiles.values();
    let profile = profiles.find(|profile| profile.name.as_str() == target);
    let host = profile.and_then(|profile| profile.host.as_ref());
    name == target || name == "all" || host.is_some_and(|host| host.as_str() == name)
}

fn say(listed: &BTreeMap<String, Pause>, how: &str, now: Timestamp) {
    for (name, pause) in listed.iter().take(NAMED) {
        answer(&format!("{how}: {}", pauses::line(name, pause, now)));
    }
    let more = listed.len().saturating_sub(NAMED);
    if more > 0 {
        answer(&format!(
            "{how}: {more} more; `probe resume all` ends them."
        ));
    }
}
