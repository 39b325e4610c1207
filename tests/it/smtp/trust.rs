//! Several relays: the one that works is found again, and the first has its place back in time.

use std::time::Duration;

use probe::adapters::smtp::{SmtpLimits, SmtpNotifier};
use probe::model::{Delivery, Relay, RelaySecurity, limits};
use probe::ports::Notifier;

use super::server::{Act, Script, Server, Stage};
use super::try_once::{HASTY, PATIENT, email, reason};
use crate::mail::entries::{down, english, entry};

async fn deliver(notifier: &SmtpNotifier, relays: &[Relay]) -> Delivery {
    notifier
        .notify(
            email(relays.to_vec()).into(),
            english().into(),
            entry(down()),
            None,
        )
        .await
}

fn plain(servers: &[&Server]) -> Vec<Relay> {
    let relay = |server: &&Server| server.relay(RelaySecurity::Plain);
    servers.iter().map(relay).collect()
}

async fn broken(stage: Stage, act: Act) -> Server {
    Server::start(Script {
        at: Some((stage, act)),
        ..Script::default()
    })
    .await
}

#[tokio::test]
async fn a_relay_that_does_not_work_is_asked_last_for_a_quarter_of_an_hour() {
    for (stage, act) in [
        (Stage::Greeting, Act::Drop),
        (Stage::Greeting, Act::Say("554 no mail from you")),
        (Stage::Mail, Act::Say("421 4.3.2 shutting down")),
        (Stage::Mail, Act::Drop),
        (Stage::Rcpt, Act::Drop),
    ] {
        let first = broken(stage, act).await;
        let second = Server::start(Script::default()).await;
        let relays = plain(&[&first, &second]);
        let notifier = SmtpNotifier::with_limits(PATIENT);
        for seen in [(1, 1), (1, 2), (1, 3)] {
            let delivery = deliver(&notifier, &relays).await;
            assert!(matches!(delivery, Delivery::Sent { .. }), "{delivery:?}");
            let connections = (first.connections(), second.connections());
            assert_eq!(connections, seen, "{stage:?}");
        }
        // A clone, as each delivery takes one, knows the same.
        deliver(&notifier.clone(), &relays).await;
        assert_eq!((first.connections(), second.connections()), (1, 4));
        tokio::time::pause();
        tokio::time::advance(limits::RELAY_DISTRUST - Duration::from_secs(30)).await;
        tokio::time::resume();
        deliver(&notifier, &relays).await;
        assert_eq!((first.connections(), second.connections()), (1, 5));
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(31)).await;
        tokio::time::resume();
        deliver(&notifier, &relays).await;
        assert_eq!((first.connections(), second.connections()), (2, 6));
    }
}

#[tokio::test]
async fn the_silence_of_a_dead_first_relay_is_waited_for_once() {
    let silent = broken(Stage::Greeting, Act::Silent).await;
    let second = Server::start(Script::default()).await;
    let relays = plain(&[&silent, &second]);
    let notifier = SmtpNotifier::with_limits(SmtpLimits { ..HASTY });
    for _ in 0..4 {
        let delivery = deliver(&notifier, &relays).await;
        assert!(matches!(delivery, Delivery::Sent { .. }), "{delivery:?}");
    }
    assert_eq!((silent.connections(), second.connections()), (1, 4));
}

#[tokio::test]
async fn an_answer_about_one_mail_costs_a_relay_nothing() {
    for words in ["451 4.7.1 greylisted", "550 5.1.1 no such user"] {
        let first = broken(Stage::Rcpt, Act::Say(words)).await;
        let second = Server::start(Script::default()).await;
        let notifier = SmtpNotifier::with_limits(PATIENT);
        for tries in 1..=2 {
            deliver(&notifier, &plain(&[&first, &second])).await;
            assert_eq!(first.connections(), tries, "{words}");
        }
    }
}

#[tokio::test]
async fn a_relay_that_failed_is_never_left_out_and_comes_back_when_it_works() {
    let first = broken(Stage::Greeting, Act::Drop).await;
    let second = broken(Stage::Greeting, Act::Drop).await;
    let notifier = SmtpNotifier::with_limits(PATIENT);
    for tries in 1..=3 {
        let delivery = deliver(&notifier, &plain(&[&first, &second])).await;
        let told = reason(&delivery);
        let (one, two) = (first.address.to_string(), second.address.to_string());
        let order = (told.find(&one), told.find(&two));
        assert!(order.0.is_some() && order.0 < order.1, "{told}");
        assert_eq!((first.connections(), second.connections()), (tries, tries));
    }
    // Both failed; the second works now and is the better one from then on.
    let third = Server::start(Script::default()).await;
    let relays = plain(&[&first, &third]);
    for _ in 0..2 {
        let delivery = deliver(&notifier, &relays).await;
        assert!(matches!(delivery, Delivery::Sent { .. }), "{delivery:?}");
    }
    assert_eq!((first.connections(), third.connections()), (3, 2));
}

/// A relay whose settings were mended is another one: it is asked at its place at once.
#[tokio::test]
async fn a_relay_that_was_configured_anew_is_not_distrusted() {
    let server = Server::start(Script {
        implicit: true,
        ..Script::default()
    })
    .await;
    let spare = Server::start(Script::default()).await;
    let wrong = server.relay(RelaySecurity::StartTls);
    let notifier = SmtpNotifier::with_limits(HASTY);
    let other = spare.relay(RelaySecurity::Plain);
    deliver(&notifier, &[wrong, other.clone()]).await;
    let mended = server.relay(RelaySecurity::Implicit);
    let delivery = deliver(&notifier, &[mended, other]).await;
    let name = server.address.to_string();
    assert_eq!(delivery, Delivery::Sent { relay: name });
}
