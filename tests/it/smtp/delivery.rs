//! Real sockets: what each behaviour of a relay leads to, and that nothing waits longer than its limit.

use std::time::{Duration, Instant};

use probe::adapters::smtp::{SmtpLimits, bytes};
use probe::model::{Delivery, Relay, RelaySecurity, Route, Stay};
use probe::render::mail::compose;

use super::server::{Act, Script, Server, Stage};
use super::try_once::{HASTY, PATIENT, SOON, assert_deferred, reason, send, send_plain, stay};
use crate::mail::entries::{down, english, entry};

#[tokio::test]
async fn a_relay_that_takes_it_has_the_composed_bytes() {
    let server = Server::start(Script::default()).await;
    let delivery = send(PATIENT, vec![server.relay(RelaySecurity::Plain)]).await;
    assert_eq!(
        delivery,
        Delivery::Sent {
            relay: server.address.to_string()
        }
    );
    let commands = server.commands();
    assert!(
        commands.contains(&"MAIL FROM:<probe@monitor.example.com>".to_owned()),
        "{commands:?}"
    );
    assert!(
        commands.contains(&"RCPT TO:<ops@example.com>".to_owned()),
        "{commands:?}"
    );
    assert_eq!(commands.last().map(String::as_str), Some("QUIT"));
    let sent = String::from_utf8(bytes(&compose(&entry(down()), &english())).unwrap()).unwrap();
    let wire = server.texts().remove(0).replace("\r\n..", "\r\n.");
    assert_eq!(wire.trim_end(), sent.trim_end());
}

/// M21: whatever is told, no mail program answers it, and what bounces goes to one fixed address, never to the recipient.
#[tokio::test]
async fn m21_a_mail_is_marked_as_a_machines_and_bounces_go_to_the_sender() {
    let server = Server::start(Script::default()).await;
    for note in crate::mail::entries::all() {
        let event = note.event.word();
        let made = bytes(&compose(&entry(note), &english())).unwrap();
        let made = String::from_utf8(made).unwrap();
        let (head, _) = made.split_once("\r\n\r\n").unwrap();
        let marks: Vec<&str> = head
            .split("\r\n")
            .filter(|line| line.starts_with("Auto-Submitted:"))
            .collect();
        assert_eq!(marks, ["Auto-Submitted: auto-generated"], "{event}");
        // Nothing that asks for an answer or a receipt.
        for header in [
            "Reply-To:",
            "Return-Receipt-To:",
            "Disposition-Notification-To:",
        ] {
            let asks = head.split("\r\n").any(|line| line.starts_with(header));
            assert!(!asks, "{event}: {header}");
        }
    }
    send(PATIENT, vec![server.relay(RelaySecurity::Plain)]).await;
    let commands = server.commands();
    let senders: Vec<&String> = commands
        .iter()
        .filter(|command| command.starts_with("MAIL FROM"))
        .collect();
    assert_eq!(senders, ["MAIL FROM:<probe@monitor.example.com>"]);
}

#[tokio::test]
async fn m1_nobody_listening_is_deferred() {
    let port = crate::ports::closed_port().port();
    let server = Server::start(Script::default()).await;
    for security in [
        RelaySecurity::Plain,
        RelaySecurity::StartTls,
        RelaySecurity::Implicit,
    ] {
        let dead = Relay {
            port,
            ..server.relay(security)
        };
        let delivery = send(PATIENT, vec![dead]).await;
        assert_deferred(&delivery, "refused");
        assert_deferred(&delivery, &format!("relay 127.0.0.1:{port}: "));
    }
}

#[tokio::test]
async fn m3_silence_ends_at_every_step() {
    for (stage, step) in [
        (Stage::Greeting, "greeting: no answer within 1s"),
        (Stage::Ehlo, "greeting: no answer within 1s"),
        (Stage::Mail, "MAIL: no answer within 1s"),
        (Stage::Rcpt, "RCPT: no answer within 1s"),
        (Stage::Data, "DATA: no answer within 1s"),
    ] {
        let begun = Instant::now();
        let (delivery, _server) = send_plain(HASTY, (stage, Act::Silent)).await;
        assert_deferred(&delivery, step);
        assert!(
            begun.elapsed() < SOON,
            "{stage:?} took {:?}",
            begun.elapsed()
        );
    }
}

#[tokio::test]
async fn m3_silence_after_the_text_is_unclear() {
    let begun = Instant::now();
    let (delivery, server) = send_plain(HASTY, (Stage::Text, Act::Silent)).await;
    assert!(matches!(delivery, Delivery::Unclear { .. }), "{delivery:?}");
    assert!(
        reason(&delivery).contains("after the text: no answer within 1s"),
        "{delivery:?}"
    );
    assert!(begun.elapsed() < SOON);
    assert_eq!(server.texts().len(), 1);
}

#[tokio::test]
async fn one_total_bounds_all_relays_and_leaves_time_for_the_last() {
    let silent = Script {
        at: Some((Stage::Greeting, Act::Silent)),
        ..Script::default()
    };
    let first = Server::start(silent.clone()).await;
    let second = Server::start(silent).await;
    let last = Server::start(Script::default()).await;
    let limits = SmtpLimits {
        total: Duration::from_secs(6),
        ..PATIENT
    };
    let relays = vec![
        first.relay(RelaySecurity::Plain),
        second.relay(RelaySecurity::Plain),
        last.relay(RelaySecurity::Plain),
    ];
    let begun = Instant::now();
    let delivery = send(limits, relays).await;
    assert!(matches!(delivery, Delivery::Sent { .. }), "{delivery:?}");
    assert!(
        begun.elapsed() < Duration::from_secs(7),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test]
async fn m4_a_temporary_answer_is_deferred_at_every_step() {
    for (stage, step) in [
        (Stage::Greeting, "greeting: 421 4.3.2 later"),
        (Stage::Mail, "MAIL: 421 4.3.2 later"),
        (Stage::Rcpt, "RCPT: 421 4.3.2 later"),
        (Stage::Data, "DATA: 421 4.3.2 later"),
        (Stage::Text, "after the text: 421 4.3.2 later"),
    ] {
        let (delivery, _server) = send_plain(PATIENT, (stage, Act::Say("421 4.3.2 later"))).await;
        assert_deferred(&delivery, step);
        assert_eq!(stay(&delivery), Stay::Later);
    }
}

#[tokio::test]
async fn m6_a_final_answer_about_the_mail_is_rejected_with_its_words() {
    for (stage, step) in [
        (Stage::Mail, "MAIL: 550 5.1.1 no such user"),
        (Stage::Rcpt, "RCPT: 550 5.1.1 no such user"),
        (Stage::Data, "DATA: 550 5.1.1 no such user"),
        (Stage::Text, "after the text: 550 5.1.1 no such user"),
    ] {
        let (delivery, server) =
            send_plain(PATIENT, (stage, Act::Say("550 5.1.1 no such user"))).await;
        let expected = format!("relay {}: {step}", server.address);
        assert_eq!(delivery, Delivery::Rejected { reason: expected });
        assert_eq!(server.commands().last().map(String::as_str), Some("QUIT"));
    }
}

#[tokio::test]
async fn what_a_person_can_mend_is_deferred() {
    for (stage, words) in [
        (Stage::Greeting, "554 no mail from you"),
        (Stage::Mail, "530 5.7.0 authentication required"),
    ] {
        let (delivery, _server) = send_plain(PATIENT, (stage, Act::Say(words))).await;
        assert_deferred(&delivery, words);
    }
}

#[tokio::test]
async fn a_connection_lost_before_the_text_is_deferred() {
    for stage in [
        Stage::Greeting,
        Stage::Ehlo,
        Stage::Mail,
        Stage::Rcpt,
        Stage::Data,
    ] {
        let (delivery, _server) = send_plain(PATIENT, (stage, Act::Drop)).await;
        assert_deferred(&delivery, "closed the connection");
    }
}

#[tokio::test]
async fn m11_a_connection_lost_after_the_final_dot_is_unclear_and_the_retry_is_identical() {
    let server = Server::start(Script {
        at: Some((Stage::Text, Act::Drop)),
        ..Script::default()
    })
    .await;
    let spare = Server::start(Script::default()).await;
    let relays = vec![
        server.relay(RelaySecurity::Plain),
        spare.relay(RelaySecurity::Plain),
    ];
    for _ in 0..2 {
        let delivery = send(PATIENT, relays.clone()).await;
        assert!(matches!(delivery, Delivery::Unclear { .. }), "{delivery:?}");
        assert!(reason(&delivery).contains("after the text"), "{delivery:?}");
    }
    let texts = server.texts();
    assert_eq!(texts.len(), 2);
    assert_eq!(texts[0], texts[1]);
    assert_eq!(
        spare.connections(),
        0,
        "an unclear message goes to no other relay"
    );
}

#[tokio::test]
async fn an_answer_that_does_not_belong_there_counts_for_nothing() {
    let (delivery, _server) = send_plain(PATIENT, (Stage::Data, Act::Say("250 ok"))).await;
    assert_deferred(&delivery, "DATA: unexpected answer 250");
    let (delivery, _server) = send_plain(PATIENT, (Stage::Text, Act::Say("354 more"))).await;
    assert!(matches!(delivery, Delivery::Unclear { .. }), "{delivery:?}");
    let (delivery, _server) = send_plain(
        PATIENT,
        (Stage::Greeting, Act::Say("HTTP/1.1 400 Bad Request")),
    )
    .await;
    assert_deferred(&delivery, "not SMTP");
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off() {
    let flood: &'static str = Box::leak("250-x".repeat(400_000).into_boxed_str());
    let (delivery, _server) = send_plain(PATIENT, (Stage::Mail, Act::Say(flood))).await;
    assert_deferred(&delivery, "sends without end");
}

#[tokio::test]
async fn relays_are_tried_in_order() {
    let refuses = Server::start(Script {
        at: Some((Stage::Rcpt, Act::Say("550 5.1.1 not here"))),
        ..Script::default()
    })
    .await;
    let busy = Server::start(Script {
        at: Some((Stage::Mail, Act::Say("451 later"))),
        ..Script::default()
    })
    .await;
    let takes = Server::start(Script::default()).await;
    let plain = |server: &Server| server.relay(RelaySecurity::Plain);

    let delivery = send(PATIENT, vec![plain(&refuses), plain(&busy), plain(&takes)]).await;
    assert_eq!(
        delivery,
        Delivery::Sent {
            relay: takes.address.to_string()
        }
    );
    assert_eq!((refuses.connections(), busy.connections()), (1, 1));

    let delivery = send(PATIENT, vec![plain(&refuses), plain(&busy)]).await;
    assert_deferred(&delivery, "MAIL: 451 later");

    let delivery = send(PATIENT, vec![plain(&refuses), plain(&refuses)]).await;
    assert!(
        matches!(delivery, Delivery::Rejected { .. }),
        "{delivery:?}"
    );

    let delivery = send(PATIENT, Vec::<Route>::new()).await;
    assert_deferred(&delivery, "alerts.email.smtp");
}

#[tokio::test]
async fn control_characters_of_a_relay_are_not_passed_on() {
    let words = "550 \u{1b}[31mno\u{7} such\tuser\u{202e}";
    let (delivery, _server) = send_plain(PATIENT, (Stage::Rcpt, Act::Say(words))).await;
    let told = reason(&delivery);
    assert!(
        !told.chars().any(|c| c.is_control() || c == '\u{202e}'),
        "{told:?}"
    );
    assert!(told.contains("550"), "{told}");
}
