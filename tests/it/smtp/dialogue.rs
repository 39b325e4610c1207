//! A rehearsal: what is said with each relay is shown line by line, and no secret stands in it.

use probe::adapters::smtp::{Outcome, Rehearsed, SmtpNotifier, TapeLine};
use probe::model::{Relay, RelaySecurity};

use super::authority::base64;
use super::server::{Act, Script, Server, Stage};
use super::try_once::{PATIENT, email};
use crate::mail::entries::{down, english, entry};

async fn rehearse(relays: Vec<Relay>) -> Vec<Rehearsed> {
    SmtpNotifier::with_limits(PATIENT)
        .rehearse(&email(relays), &english(), &entry(down()))
        .await
        .unwrap()
}

fn lines(one: &Rehearsed) -> Vec<String> {
    let marked = one.lines.iter().map(|line| match line {
        TapeLine::Ours(words) => format!("> {words}"),
        TapeLine::Theirs(words) => format!("< {words}"),
        TapeLine::Happened(words) => format!("* {words}"),
    });
    marked.collect()
}

#[track_caller]
fn no_secret(told: &str) {
    for form in [
        "hunter2".to_owned(),
        base64(b"hunter2"),
        base64(b"\0user\0hunter2"),
    ] {
        assert!(!told.contains(&form), "{form} stands in {told}");
    }
}

#[tokio::test]
async fn every_line_of_a_session_with_tls_and_login_is_shown() {
    for (security, mechanisms, login) in [
        (RelaySecurity::StartTls, "LOGIN PLAIN", "PLAIN"),
        (RelaySecurity::StartTls, "LOGIN", "LOGIN"),
        (RelaySecurity::Implicit, "PLAIN", "PLAIN"),
    ] {
        let starttls = security == RelaySecurity::StartTls;
        let server = Server::start(Script {
            starttls,
            implicit: !starttls,
            auth: Some((mechanisms, "user", "hunter2")),
            ..Script::default()
        })
        .await;
        let told = rehearse(vec![server.relay_with_login(security, "hunter2")]).await;
        assert_eq!(told[0].outcome, Outcome::Taken);
        assert_eq!(told[0].relay, server.address.to_string());
        no_secret(&format!("{told:?}"));
        let said = lines(&told[0]);
        let mut expected = vec![format!("* connected to {}", server.address)];
        let hello = said
            .iter()
            .find(|line| line.starts_with("> EHLO "))
            .unwrap();
        if starttls {
            expected.push(hello.clone());
            expected.push("< 250 test".to_owned());
            expected.push(format!("* the relay offers STARTTLS, AUTH {mechanisms}"));
            expected.push("> STARTTLS".to_owned());
        }
        let certificate = said
            .iter()
            .find(|line| line.contains("certificate"))
            .unwrap();
        let known = "* TLS 1.3, certificate for 127.0.0.1 localhost, issued by CN=rcgen self signed cert, valid until ";
        assert!(certificate.starts_with(known), "{certificate}");
        expected.push(certificate.clone());
        expected.push(hello.clone());
        expected.push("< 250 test".to_owned());
        expected.push(format!("* the relay offers AUTH {mechanisms}"));
        expected.extend(
            [
                &*format!("> AUTH {login} ****"),
                "< 235 ok",
                "> MAIL FROM:<probe@monitor.example.com>",
                "< 250 ok",
                "> RCPT TO:<ops@example.com>",
                "< 250 ok",
                "> DATA",
                "< 354 go ahead",
            ]
            .map(str::to_owned),
        );
        let size = said.iter().find(|line| line.contains("bytes)")).unwrap();
        expected.push(size.clone());
        expected.push("< 250 taken".to_owned());
        assert_eq!(said, expected);
        assert_eq!(server.texts().len(), 1);
    }
}

#[tokio::test]
async fn the_tls_version_is_the_one_on_the_wire() {
    for security in [RelaySecurity::StartTls, RelaySecurity::Implicit] {
        let server = Server::start(Script {
            starttls: security == RelaySecurity::StartTls,
            implicit: security == RelaySecurity::Implicit,
            old_tls: true,
            ..Script::default()
        })
        .await;
        let told = rehearse(vec![server.relay(security)]).await;
        assert_eq!(told[0].outcome, Outcome::Taken);
        let said = lines(&told[0]).join("\n");
        assert!(said.contains("* TLS 1.2, certificate for"), "{said}");
    }
}

#[tokio::test]
async fn a_secret_that_the_relay_repeats_is_taken_out_of_every_line() {
    // In the answer to the login, which is refused.
    for mechanisms in ["PLAIN", "LOGIN"] {
        let server = Server::start(Script {
            implicit: true,
            auth: Some((mechanisms, "user", "right")),
            ..Script::default()
        })
        .await;
        let relay = server.relay_with_login(RelaySecurity::Implicit, "hunter2");
        let told = rehearse(vec![relay]).await;
        let said = lines(&told[0]).join("\n");
        assert!(
            said.contains("< 535 5.7.8 authentication failed: "),
            "{said}"
        );
        assert!(said.contains("****"), "{said}");
        no_secret(&format!("{told:?}"));
    }
    // And long after it.
    let server = Server::start(Script {
        implicit: true,
        auth: Some(("PLAIN", "user", "hunter2")),
        at: Some((Stage::Rcpt, Act::Say("550 you are user with hunter2"))),
        ..Script::default()
    })
    .await;
    let relay = server.relay_with_login(RelaySecurity::Implicit, "hunter2");
    let told = rehearse(vec![relay]).await;
    let reason = "RCPT: 550 you are user with ****".to_owned();
    assert_eq!(told[0].outcome, Outcome::Refused(reason));
    no_secret(&format!("{told:?}"));
}

#[tokio::test]
async fn one_relay_has_the_mail_and_the_others_are_asked_whether_they_would_take_it() {
    let away = {
        let gone = Server::start(Script::default()).await;
        let relay = gone.relay(RelaySecurity::Plain);
        drop(gone);
        Relay {
            port: crate::ports::closed_port().port(),
            ..relay
        }
    };
    let first = Server::start(Script::default()).await;
    let spare = Server::start(Script::default()).await;
    let strict = Server::start(Script {
        at: Some((Stage::Rcpt, Act::Say("554 5.7.1 relay access denied"))),
        ..Script::default()
    })
    .await;
    let plain = |server: &Server| server.relay(RelaySecurity::Plain);
    let told = rehearse(vec![away, plain(&first), plain(&spare), plain(&strict)]).await;
    let outcomes: Vec<_> = told.iter().map(|one| &one.outcome).collect();
    assert!(
        matches!(
            outcomes[..],
            [
                Outcome::Deferred(_),
                Outcome::Taken,
                Outcome::Ready,
                Outcome::Refused(_)
            ]
        ),
        "{outcomes:?}"
    );
    assert_eq!((first.texts().len(), spare.texts().len()), (1, 0));
    assert!(!spare.commands().contains(&"DATA".to_owned()));
    let end = |server: &Server| server.commands().last().cloned();
    assert_eq!(end(&spare).as_deref(), Some("QUIT"));
    assert!(
        lines(&told[0])
            .concat()
            .contains("connect: connection refused"),
        "{told:?}"
    );
}
