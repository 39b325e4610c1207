//! Signals in, service-manager messages out.
//!
//! HUP reads the configuration again; a bad one is told and changes nothing. TERM and INT end the run as soon as a
//! restart under way has been written down; a second one ends the program at once. Towards systemd: READY when the first
//! decision is made, RELOADING, STOPPING, STATUS, and WATCHDOG only while the loop makes progress.
#![expect(
    clippy::disallowed_methods,
    reason = "a second signal ends the program where it stands"
)]

use std::path::PathBuf;
use std::sync::Arc;

use sd_notify::NotifyState;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::Sender;

use crate::adapters::status::{News, Reports};
use crate::config;
use crate::engine::{Control, Turn};
use crate::exit::Exit;
use crate::model::{Fleet, ProfileState, limits};

/// Where a daemon reads its configuration again.
pub(super) enum Reload {
    Never,
    From(PathBuf),
}

/// Signals are being listened to.
pub(super) struct Listening {
    daemon: bool,
    reports: Option<Reports>,
}

/// Begins to listen.
pub(super) fn listen(
    orders: Sender<Control>,
    reload: Reload,
    reports: Option<Reports>,
) -> std::io::Result<Listening> {
    let daemon = matches!(reload, Reload::From(_));
    let (hangup, term, int) = (
        signal(SignalKind::hangup())?,
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    );
    tokio::spawn(obey(hangup, term, int, orders, reload, reports.clone()));
    Ok(Listening { daemon, reports })
}

async fn obey(
    mut hangup: Signal,
    mut term: Signal,
    mut int: Signal,
    orders: Sender<Control>,
    reload: Reload,
    reports: Option<Reports>,
) {
    let mut stopping = false;
    loop {
        tokio::select! {
            Some(()) = hangup.recv() => match &reload {
                Reload::From(path) => {
                    let order = read_again(path);
                    if let Some(reports) = &reports {
                        reports.reloaded(order.is_some());
                    }
                    if let Some(order) = order && orders.send(order).await.is_err() {
                        return;
                    }
                }
                // A single cycle whose terminal has gone has nobody to answer to.
                Reload::Never => stop(&orders, &mut stopping).await,
            },
            Some(()) = term.recv() => stop(&orders, &mut stopping).await,
            Some(()) = int.recv() => stop(&orders, &mut stopping).await,
            else => return,
        }
    }
}

async fn stop(orders: &Sender<Control>, stopping: &mut bool) {
    if *stopping {
        std::process::exit(i32::from(Exit::Unknown.code()));
    }
    *stopping = true;
    say(&[NotifyState::Stopping]);
    // Where the loop has ended already there is nothing to stop.
    let _ = orders.send(Control::Stop).await;
}

fn read_again(path: &std::path::Path) -> Option<Control> {
    match NotifyState::monotonic_usec_now() {
        Ok(at) => say(&[NotifyState::Reloading, at]),
        Err(_) => say(&[NotifyState::Reloading]),
    }
    let order = match config::load_opening(path, &super::named::open) {
        Ok(loaded) => {
            for warning in loaded
                .warnings
                .iter()
                .chain(&super::misworded(&loaded.settings))
            {
                tracing::warn!("{warning}");
            }
            tracing::info!(
                profiles = loaded.settings.profiles.len(),
                "configuration read again"
            );
            Some(Control::Reload(Arc::new(loaded.settings)))
        }
        Err(faults) => {
            for fault in &faults.faults {
                tracing::error!("{fault}");
            }
            tracing::error!("the configuration was not read again; the one before stays in force");
            None
        }
    };
    say(&[NotifyState::Ready]);
    order
}

/// Without a service manager nobody listens, which is no error.
fn say(states: &[NotifyState<'_>]) {
    let _ = sd_notify::notify(states);
}

impl Listening {
    /// What the loop calls whenever it made progress.
    pub(super) fn pulse(&self) -> Box<dyn FnMut(Turn<'_>) + Send> {
        if !self.daemon {
            return Box::new(|_| {});
        }
        let mut ready = false;
        let mut status = String::new();
        let reports = self.reports.clone();
        let mut shown = false;
        Box::new(move |turn| {
            if !ready {
                ready = true;
                say(&[NotifyState::Ready]);
            }
            say(&[NotifyState::Watchdog]);
            let now = summary(turn.fleet);
            if now != status {
                say(&[NotifyState::Status(&now)]);
                status = now;
            }
            if let Some(reports) = &reports {
                shown = report(reports, turn, shown);
            }
        })
    }
}

/// Hands what is new over to the status page; says whether there is one.
fn report(reports: &Reports, turn: Turn<'_>, shown: bool) -> bool {
    let wanted = turn.settings.status_page.is_some();
    if !wanted && !shown {
        return false;
    }
    // Where the page is taken out of the configuration, it is told so once.
    let mut told = false;
    reports.publish(|| {
        told = true;
        let news = turn.fleet.news(if wanted { limits::NEWS_ROWS } else { 0 });
        News {
            settings: Arc::clone(turn.settings),
            changes: news,
            pauses: turn.fleet.pauses.clone(),
            drills: turn.fleet.drills.clone(),
            acks: turn.fleet.acks.clone(),
            unwritable: turn.fleet.may_forget(),
            gauges: turn.gauges.clone(),
        }
    });
    if !wanted && told {
        turn.fleet.keep_to_itself();
        return false;
    }
    true
}

/// One line for `systemctl status`.
fn summary(fleet: &Fleet) -> String {
    let watched = fleet
        .profiles
        .values()
        .filter(|track| track.removed.is_none());
    let (mut up, mut down, mut other) = (0, 0, 0);
    for track in watched {
        match track.state() {
            ProfileState::Up | ProfileState::Degraded => up += 1,
            ProfileState::Down => down += 1,
            ProfileState::Failing | ProfileState::Unknown => other += 1,
        }
    }
    let mail = fleet.outbox.len();
    format!("{up} up, {down} down, {other} undecided, {mail} mails waiting")
}
