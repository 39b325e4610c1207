//! One try of a delivery, and what is said about it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use probe::adapters::smtp::{SmtpLimits, SmtpNotifier};
use probe::model::{Delivery, Email, Entry, Relay, RelaySecurity, Route, Stay};
use probe::ports::Notifier;

use super::server::{Act, Script, Server, Stage};
use crate::mail::entries::{down, english, entry};

/// Never reached unless something hangs.
pub(crate) const PATIENT: SmtpLimits = SmtpLimits {
    connect: Duration::from_secs(10),
    command: Duration::from_secs(20),
    text: Duration::from_secs(20),
    total: Duration::from_secs(60),
};

/// For relays that are silent on purpose.
pub(crate) const HASTY: SmtpLimits = SmtpLimits {
    connect: Duration::from_secs(1),
    command: Duration::from_secs(1),
    text: Duration::from_secs(1),
    total: Duration::from_secs(20),
};

/// What `HASTY` may take at most: several steps, and a machine that is busy with other tests.
pub(crate) const SOON: Duration = Duration::from_secs(15);

pub(crate) fn email(routes: Vec<impl Into<Route>>) -> Email {
    Email {
        from: "Probe <probe@monitor.example.com>".to_owned(),
        to: vec!["ops@example.com".to_owned()],
        routes: routes.into_iter().map(Into::into).collect(),
        report: false,
        hello: None,
        reminder_interval: None,
    }
}

pub(crate) async fn send(limits: SmtpLimits, routes: Vec<impl Into<Route>>) -> Delivery {
    send_entry(limits, routes, entry(down())).await
}

pub(crate) async fn send_entry(
    limits: SmtpLimits,
    routes: Vec<impl Into<Route>>,
    entry: Entry,
) -> Delivery {
    SmtpNotifier::with_limits(limits)
        .notify(Arc::new(email(routes)), Arc::new(english()), entry, None)
        .await
}

/// Sends over this relay, asking this name server for it.
pub(crate) async fn send_asking(limits: SmtpLimits, server: SocketAddr, relay: Relay) -> Delivery {
    SmtpNotifier::with_limits(limits)
        .asking(server)
        .notify(
            Arc::new(email(vec![relay])),
            Arc::new(english()),
            entry(down()),
            None,
        )
        .await
}

pub(crate) async fn send_plain(limits: SmtpLimits, at: (Stage, Act)) -> (Delivery, Server) {
    let server = Server::start(Script {
        at: Some(at),
        ..Script::default()
    })
    .await;
    let delivery = send(limits, vec![server.relay(RelaySecurity::Plain)]).await;
    (delivery, server)
}

pub(crate) fn reason(delivery: &Delivery) -> &str {
    match delivery {
        Delivery::Sent { relay } => relay,
        Delivery::Deferred { reason, .. }
        | Delivery::Unclear { reason }
        | Delivery::Rejected { reason } => reason,
    }
}

#[track_caller]
pub(crate) fn assert_deferred(delivery: &Delivery, words: &str) {
    assert!(
        matches!(delivery, Delivery::Deferred { .. }),
        "{delivery:?}"
    );
    assert!(reason(delivery).contains(words), "{delivery:?}");
}

/// What the next try depends on.
#[track_caller]
pub(crate) fn stay(delivery: &Delivery) -> Stay {
    match delivery {
        Delivery::Deferred { stay, .. } => *stay,
        Delivery::Sent { .. } | Delivery::Unclear { .. } | Delivery::Rejected { .. } => {
            panic!("{delivery:?}")
        }
    }
}
