//! Commands that order something: `pause`, `resume`.
//!
//! A pause is a file in the state directory. It needs neither the lock nor the database, a running daemon sees it within
//! a second, and it is looked at once more in the last moment before a connection is opened.

use crate::adapters::clock::SystemClock;
use crate::adapters::store;
use crate::cli::{self, Cli};
use crate::exit::Exit;
use crate::model::Pause;
use crate::ports::Clock as _;
use crate::render::duration::span;
use crate::render::words::Voice;

use super::surroundings::Surroundings;
use super::{answer, complain, settings, watch};

/// `probe pause`.
pub(super) fn pause(cli: &Cli, around: &Surroundings, order: &cli::Pause) -> Exit {
    let paused = || {
        let settings = settings(cli, around)?;
        watch::known(&settings, &order.target)?;
        let path = around.state_dir(cli).map_err(|error| complain(&error))?;
        let now = SystemClock::new().now().wall;
        let until = order.span.map(|span| now + span);
        let pause = Pause {
            since: Some(now),
            until,
            reason: order.reason.clone(),
        };
        store::pause(&path, &order.target, &pause).map_err(|error| complain(&error))?;
        if !cli.global.quiet {
            let end = match (until, order.span) {
                (Some(until), Some(length)) => {
                    format!(
                        "for {}, until {}",
                        span(length),
                        Voice::english().clock(until)
                    )
                }
                _ => "until you say otherwise".to_owned(),
            };
            let target = &order.target;
            answer(&format!(
                "{target}: nothing is restarted {end}; watching goes on. `probe resume {target}` ends it."
            ));
        }
        Ok(Exit::Ok)
    };
    paused().unwrap_or_else(|exit| exit)
}

/// `probe resume`.
pub(super) fn resume(cli: &Cli, around: &Surroundings, order: &cli::Resume) -> Exit {
    let resumed = || {
        let settings = settings(cli, around)?;
        watch::known(&settings, &order.target)?;
        let path = around.state_dir(cli).map_err(|error| complain(&error))?;
        store::resume(&path, &order.target).map_err(|error| complain(&error))?;
        if !cli.global.quiet {
            let snapshot = store::read_only(&path).map_err(|error| complain(&error))?;
            let when = if snapshot.holder.is_some() {
                "at once: a run is watching"
            } else {
                "with the next run"
            };
            answer(&format!(
                "{}: may be restarted again, {when}.",
                order.target
            ));
            for left in snapshot.pauses.keys().filter(|left| left.as_str() == "all") {
                answer(&format!(
                    "A pause of `{left}` is still in force; `probe resume {left}` ends it."
                ));
            }
        }
        Ok(Exit::Ok)
    };
    resumed().unwrap_or_else(|exit| exit)
}
