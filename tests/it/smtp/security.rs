//! TLS and logins: nothing leaves before TLS stands, and secrets stay unsaid.

use std::time::Instant;

use probe::model::{Delivery, Relay, RelaySecurity, Stay};

use super::authority::base64;
use super::server::{Act, Script, Server, Stage};
use super::try_once::{HASTY, PATIENT, SOON, assert_deferred, send, stay};

#[tokio::test]
async fn silence_in_the_handshake_ends_too() {
    let silent = Server::start(Script {
        at: Some((Stage::Greeting, Act::Silent)),
        ..Script::default()
    })
    .await;
    let begun = Instant::now();
    let delivery = send(HASTY, vec![silent.relay(RelaySecurity::Implicit)]).await;
    assert_deferred(&delivery, "TLS: no answer within 1s");
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
async fn m7_without_starttls_nothing_is_sent() {
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
async fn m9_a_bad_certificate_ends_it_before_the_login() {
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
async fn m8_answers_slipped_in_before_the_handshake_are_not_believed() {
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
async fn m10_a_refused_login_is_deferred_and_the_password_stays_unsaid() {
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
        assert_eq!(stay(&delivery), Stay::Login);
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
