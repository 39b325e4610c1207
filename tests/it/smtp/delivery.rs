//! Real sockets: what each behaviour of a relay leads to, and that nothing waits longer than its limit.

use std::sync::Arc;
use std::time::{Duration, Instant};

use probe::adapters::smtp::{Limits, SmtpNotifier, bytes};
use probe::model::{Delivery, Email, Relay, RelaySecurity};
use probe::ports::Notifier;
use probe::render::mail::compose;

use super::entries::{down, entry};
use super::server::{Act, Script, Server, Stage, base64};

/// Never reached unless something hangs.
const PATIENT: Limits = Limits {
    connect: Duration::from_secs(10),
    command: Duration::from_secs(20),
    text: Duration::from_secs(20),
    total: Duration::from_secs(60),
};

/// For relays that are silent on purpose.
const HASTY: Limits = Limits {
    connect: Duration::from_secs(1),
    command: Duration::from_secs(1),
    text: Duration::from_secs(1),
    total: Duration::from_secs(20),
};

/// What `HASTY` may take at most: several steps, and a machine that is busy with other tests.
const SOON: Duration = Duration::from_secs(15);

async fn send(limits: Limits, relays: Vec<Relay>) -> Delivery {
    let email = Email {
        from: "Probe <probe@monitor.example.com>".to_owned(),
        to: vec!["ops@example.com".to_owned()],
        relays,
        reminder_interval: None,
    };
    SmtpNotifier::with_limits(limits)
        .notify(Arc::new(email), entry(down()))
        .await
}

async fn send_plain(limits: Limits, at: (Stage, Act)) -> (Delivery, Server) {
    let server = Server::start(Script {
        at: Some(at),
        ..Script::default()
    })
    .await;
    let delivery = send(limits, vec![server.relay(RelaySecurity::Plain)]).await;
    (delivery, server)
}

fn reason(delivery: &Delivery) -> &str {
    match delivery {
        Delivery::Sent { relay } => relay,
        Delivery::Deferred { reason }
        | Delivery::Unclear { reason }
        | Delivery::Rejected { reason } => reason,
    }
}

#[track_caller]
fn assert_deferred(delivery: &Delivery, words: &str) {
    assert!(
        matches!(delivery, Delivery::Deferred { .. }),
        "{delivery:?}"
    );
    assert!(reason(delivery).contains(words), "{delivery:?}");
}

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
    let sent = String::from_utf8(bytes(&compose(&entry(down()))).unwrap()).unwrap();
    let wire = server.texts().remove(0).replace("\r\n..", "\r\n.");
    assert_eq!(wire.trim_end(), sent.trim_end());
}

#[tokio::test]
async fn nobody_listening_is_deferred() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
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
async fn a_name_that_does_not_resolve_is_named() {
    let server = Server::start(Script::default()).await;
    let lost = Relay {
        host: "relay.invalid".to_owned(),
        ..server.relay(RelaySecurity::Plain)
    };
    let delivery = send(PATIENT, vec![lost]).await;
    assert_deferred(&delivery, "relay.invalid");
}

#[tokio::test]
async fn silence_ends_at_every_step() {
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
async fn silence_after_the_text_is_unclear() {
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
async fn silence_in_the_handshake_ends_too() {
    let silent = Server::start(Script {
        at: Some((Stage::Greeting, Act::Silent)),
        ..Script::default()
    })
    .await;
    let begun = Instant::now();
    let delivery = send(HASTY, vec![silent.relay(RelaySecurity::Implicit)]).await;
    assert_deferred(&delivery, "TLS and greeting: no answer within 2s");
    let server = Server::start(Script {
        starttls: true,
        at: Some((Stage::StartTls, Act::Silent)),
        ..Script::default()
    })
    .await;
    let delivery = send(HASTY, vec![server.relay(RelaySecurity::StartTls)]).await;
    assert_deferred(&delivery, "STARTTLS: no answer within 1s");
    assert!(begun.elapsed() < SOON);
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
    let limits = Limits {
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
async fn a_temporary_answer_is_deferred_at_every_step() {
    for (stage, step) in [
        (Stage::Greeting, "greeting: 421 4.3.2 later"),
        (Stage::Mail, "MAIL: 421 4.3.2 later"),
        (Stage::Rcpt, "RCPT: 421 4.3.2 later"),
        (Stage::Data, "DATA: 421 4.3.2 later"),
        (Stage::Text, "after the text: 421 4.3.2 later"),
    ] {
        let (delivery, _server) = send_plain(PATIENT, (stage, Act::Say("421 4.3.2 later"))).await;
        assert_deferred(&delivery, step);
    }
    let (delivery, _server) =
        send_plain(PATIENT, (Stage::Rcpt, Act::Say("451 4.7.1 greylisted"))).await;
    assert_deferred(&delivery, "RCPT: 451 4.7.1 greylisted");
}

#[tokio::test]
async fn a_final_answer_about_the_mail_is_rejected_with_its_words() {
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
async fn a_connection_lost_after_the_final_dot_is_unclear_and_the_retry_is_identical() {
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
async fn starttls_and_implicit_tls_with_an_own_authority() {
    for security in [RelaySecurity::StartTls, RelaySecurity::Implicit] {
        for mechanisms in ["PLAIN LOGIN", "LOGIN"] {
            let server = Server::start(Script {
                starttls: security == RelaySecurity::StartTls,
                implicit: security == RelaySecurity::Implicit,
                auth: Some((mechanisms, "user", "hunter2")),
                ..Script::default()
            })
            .await;
            let relay = server.relay_with_login(security, "hunter2");
            let delivery = send(PATIENT, vec![relay]).await;
            assert!(matches!(delivery, Delivery::Sent { .. }), "{delivery:?}");
            assert_eq!(server.texts().len(), 1);
            let plain = server.plain();
            assert!(
                !plain.contains("AUTH") && !plain.contains("MAIL"),
                "{plain}"
            );
        }
    }
}

#[tokio::test]
async fn without_starttls_nothing_is_sent() {
    let server = Server::start(Script {
        auth: Some(("PLAIN LOGIN", "user", "hunter2")),
        ..Script::default()
    })
    .await;
    let relay = server.relay_with_login(RelaySecurity::StartTls, "hunter2");
    let delivery = send(PATIENT, vec![relay]).await;
    assert_deferred(&delivery, "STARTTLS: the relay does not offer it");
    let plain = server.plain();
    assert!(plain.starts_with("EHLO "), "{plain}");
    assert!(
        !plain.contains("AUTH") && !plain.contains("MAIL"),
        "{plain}"
    );
    assert!(!plain.contains(&base64(b"\0user\0hunter2")), "{plain}");
}

#[tokio::test]
async fn a_bad_certificate_ends_it_before_the_login() {
    for security in [RelaySecurity::StartTls, RelaySecurity::Implicit] {
        let script = Script {
            starttls: security == RelaySecurity::StartTls,
            implicit: security == RelaySecurity::Implicit,
            auth: Some(("PLAIN", "user", "hunter2")),
            ..Script::default()
        };
        let server = Server::start(script.clone()).await;
        // The machine's own roots do not know this authority.
        let stranger = Relay {
            ca_file: None,
            ..server.relay_with_login(security, "hunter2")
        };
        let delivery = send(PATIENT, vec![stranger]).await;
        assert_deferred(&delivery, "invalid peer certificate");
        assert_deferred(&delivery, "ca_file");
        let other = Server::start(Script {
            wrong_name: true,
            ..script
        })
        .await;
        let delivery = send(PATIENT, vec![other.relay_with_login(security, "hunter2")]).await;
        assert_deferred(&delivery, "invalid peer certificate");
        for seen in [server.commands(), other.commands()] {
            assert!(
                !seen.iter().any(|line| line.starts_with("AUTH")),
                "{seen:?}"
            );
        }
    }
}

#[tokio::test]
async fn answers_slipped_in_before_the_handshake_are_not_believed() {
    let server = Server::start(Script {
        starttls: true,
        injected: "250-evil\r\n250 AUTH PLAIN\r\n",
        auth: Some(("PLAIN", "user", "hunter2")),
        ..Script::default()
    })
    .await;
    let relay = server.relay_with_login(RelaySecurity::StartTls, "hunter2");
    let delivery = send(PATIENT, vec![relay]).await;
    assert_deferred(&delivery, "STARTTLS: ");
    assert!(server.texts().is_empty());
}

#[tokio::test]
async fn tls_towards_a_plain_port_says_which_url_to_use() {
    let server = Server::start(Script::default()).await;
    let delivery = send(PATIENT, vec![server.relay(RelaySecurity::Implicit)]).await;
    assert_deferred(&delivery, "smtp+starttls://");
}

#[tokio::test]
async fn a_refused_login_is_deferred_and_the_password_stays_unsaid() {
    for mechanisms in ["PLAIN", "LOGIN"] {
        let server = Server::start(Script {
            implicit: true,
            auth: Some((mechanisms, "user", "right")),
            ..Script::default()
        })
        .await;
        let relay = server.relay_with_login(RelaySecurity::Implicit, "hunter2");
        let delivery = send(PATIENT, vec![relay]).await;
        assert_deferred(&delivery, "AUTH: 535 5.7.8 authentication failed");
        let told = format!("{delivery:?}");
        for form in [
            "hunter2".to_owned(),
            base64(b"hunter2"),
            base64(b"\0user\0hunter2"),
        ] {
            assert!(!told.contains(&form), "{told}");
        }
        assert!(server.texts().is_empty());
    }
}

#[tokio::test]
async fn a_secret_that_cannot_be_read_is_deferred_with_advice() {
    let server = Server::start(Script {
        implicit: true,
        auth: Some(("PLAIN", "user", "hunter2")),
        ..Script::default()
    })
    .await;
    let mut relay = server.relay(RelaySecurity::Implicit);
    relay.user = Some("user".to_owned());
    relay.password = Some(probe::model::SecretSource::File(
        "/nonexistent/secret".into(),
    ));
    let delivery = send(PATIENT, vec![relay]).await;
    assert_deferred(&delivery, "cannot read the secret in `/nonexistent/secret`");
}

#[tokio::test]
async fn a_ca_file_that_is_none_is_deferred_with_its_name() {
    let server = Server::start(Script::default()).await;
    let empty = tempfile::NamedTempFile::new().unwrap();
    for path in ["/nonexistent/ca.pem".into(), empty.path().to_owned()] {
        let relay = Relay {
            ca_file: Some(path.clone()),
            ..server.relay(RelaySecurity::Implicit)
        };
        let delivery = send(PATIENT, vec![relay]).await;
        assert_deferred(&delivery, &path.display().to_string());
    }
}

#[tokio::test]
async fn relays_are_tried_in_order() {
    let refuses = Server::start(Script {
        at: Some((Stage::Rcpt, Act::Say("550 5.7.1 not here"))),
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

    let delivery = send(PATIENT, Vec::new()).await;
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
