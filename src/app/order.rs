//! Commands that order something: `pause`, `resume`, `drill`.
//!
//! A pause is a file in the state directory. It needs neither the lock nor the database, a running daemon sees it within
//! a second, and it is looked at once more in the last moment before a connection is opened.

use std::sync::Arc;

use crate::adapters::clock::SystemClock;
use crate::adapters::smtp::SmtpNotifier;
use crate::adapters::store;
use crate::cli::{self, Cli};
use crate::exit::Exit;
use crate::model::{
    Channel, Delivery, Email, Entry, EntryId, EventKind, Notification, Pause, Timestamp,
};
use crate::ports::{Clock as _, Notifier as _};
use crate::render::duration::span;
use crate::render::text::clean;
use crate::render::words::Voice;

use super::surroundings::Surroundings;
use super::{answer, complain, runtime, say_error, settings, watch};

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

/// `probe drill --mail`: a test mail to every recipient, past the outbox, and what each relay answered.
pub(super) fn drill(cli: &Cli, around: &Surroundings) -> Exit {
    let drilled = || {
        let settings = settings(cli, around)?;
        let Some(email) = settings.email.clone() else {
            say_error(
                "probe: no mail is configured; add `alerts.email` with `from`, `to` and `smtp`",
            );
            return Err(Exit::Unknown);
        };
        let runtime = runtime()?;
        let at = SystemClock::new().now().wall;
        let exit = runtime.block_on(test_mails(&email, at, cli.global.quiet));
        runtime.shutdown_background();
        Ok(exit)
    };
    drilled().unwrap_or_else(|exit| exit)
}

async fn test_mails(email: &Arc<Email>, at: Timestamp, quiet: bool) -> Exit {
    let mut exit = Exit::Ok;
    for to in &email.to {
        let (told, went) = match SmtpNotifier::new()
            .notify(Arc::clone(email), test_mail(email, to, at), None)
            .await
        {
            Delivery::Sent { relay } => (format!("taken by {relay}"), Exit::Ok),
            Delivery::Deferred { reason } => (format!("not taken: {reason}"), Exit::Critical),
            Delivery::Unclear { reason } => {
                (format!("unclear, it may arrive: {reason}"), Exit::Critical)
            }
            Delivery::Rejected { reason } => (format!("refused: {reason}"), Exit::Critical),
        };
        exit = exit.worst(went);
        if !quiet || went != Exit::Ok {
            answer(&clean(&format!("{to}: {told}")));
        }
    }
    exit
}

fn test_mail(email: &Email, to: &str, at: Timestamp) -> Entry {
    let notification = Notification::blank(EventKind::Test, at);
    Entry {
        id: EntryId(0),
        notification,
        from: email.from.clone(),
        channel: Channel::Mail,
        to: to.to_owned(),
        queued: at,
        tries: 0,
        due: at,
        last: None,
    }
}
