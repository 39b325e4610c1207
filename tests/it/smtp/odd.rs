//! Relays that speak SMTP as it is spoken: one misbehaving relay per kind takes its mail all the same, once; and what is not tried for them.

use probe::adapters::smtp::{Outcome, SmtpNotifier};
use probe::model::{Delivery, RelaySecurity, Stay};

use super::authority::base64;
use super::server::{Act, Script, Server, Stage};
use super::try_once::{PATIENT, assert_deferred, email, send, stay};
use crate::mail::entries::{down, english, entry};

const LOGIN: (&str, &str, &str) = ("PLAIN LOGIN", "user", "päss wörd");

fn saying(stage: Stage, words: &'static str) -> Script {
    Script {
        at: Some((stage, Act::Say(words))),
        ..Script::default()
    }
}

/// Offers in these words, and takes a login.
fn offering(words: &'static str) -> Script {
    Script {
        auth: Some(LOGIN),
        ..saying(Stage::Ehlo, words)
    }
}

/// Verbs of a session, AUTH with its mechanism; what is said within a login left out.
fn verbs(server: &Server) -> Vec<String> {
    const KNOWN: [&str; 9] = [
        "EHLO", "HELO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "RSET", "QUIT",
    ];
    let verb = |line: &String| {
        let mut words = line.split(' ');
        let verb = words.next().filter(|verb| KNOWN.contains(verb))?;
        let more = words.next().filter(|_| verb == "AUTH");
        Some(more.map_or_else(|| verb.to_owned(), |more| format!("AUTH {more}")))
    };
    server.commands().iter().filter_map(verb).collect()
}

#[tokio::test]
async fn every_odd_relay_takes_its_mail_once() {
    let plain = "EHLO MAIL RCPT DATA QUIT";
    let with_plain = "EHLO AUTH PLAIN MAIL RCPT DATA QUIT";
    let with_login = "EHLO AUTH LOGIN MAIL RCPT DATA QUIT";
    let second_choice = "EHLO AUTH PLAIN AUTH LOGIN MAIL RCPT DATA QUIT";
    let old = "EHLO HELO MAIL RCPT DATA QUIT";
    let lf_only = Script {
        lf_only: true,
        ..Script::default()
    };
    let wordless = Script {
        wordless: true,
        ..Script::default()
    };
    let refusing = |mechanism| Script {
        auth: Some(LOGIN),
        no_login: mechanism,
        ..Script::default()
    };
    let table = [
        (
            "a greeting whose last line has no text",
            saying(Stage::Greeting, "220-guarded by\r\n220-the devil\r\n220"),
            plain,
        ),
        (
            "a greeting whose last line has a blank",
            saying(Stage::Greeting, "220-guarded\r\n220 "),
            plain,
        ),
        (
            "a greeting that is not ASCII",
            saying(Stage::Greeting, "220-caf\u{e9}\r\n220 \u{3042}"),
            plain,
        ),
        ("no answer has text", wordless.clone(), plain),
        (
            "no answer has text, and lines end with LF",
            Script {
                lf_only: true,
                ..wordless.clone()
            },
            plain,
        ),
        ("lines end with LF", lf_only.clone(), plain),
        (
            "lines end with LF, a login",
            Script {
                auth: Some(LOGIN),
                ..lf_only.clone()
            },
            with_plain,
        ),
        (
            "no text, a login by LOGIN",
            Script {
                auth: Some(("LOGIN", LOGIN.1, LOGIN.2)),
                lf_only: true,
                ..Script::default()
            },
            with_login,
        ),
        (
            "a mixture",
            saying(Stage::Rcpt, "250-2.1.5 one\n250-2.1.5\r\n250 2.1.5 three"),
            plain,
        ),
        (
            "251, as good as 250",
            saying(Stage::Rcpt, "251 2.1.5 not here; will forward"),
            plain,
        ),
        ("text without words", saying(Stage::Text, "250"), plain),
        ("offers nothing", saying(Stage::Ehlo, "250"), plain),
        (
            "keywords in small letters",
            offering("250-test\r\n250-auth PLAIN\r\n250 size 1000"),
            with_plain,
        ),
        (
            "mechanisms in small letters",
            offering("250-test\r\n250 AUTH login plain"),
            with_plain,
        ),
        (
            "mixed letters, two blanks, a tab",
            offering("250-test\r\n250 Auth  Login\tcram-md5 "),
            with_login,
        ),
        (
            "AUTH= alone",
            offering("250-test\r\n250 AUTH=LOGIN"),
            with_login,
        ),
        (
            "AUTH= in small letters",
            offering("250-test\r\n250 auth=login PLAIN"),
            with_plain,
        ),
        (
            "AUTH= beside AUTH",
            offering("250-test\r\n250-AUTH LOGIN\r\n250 AUTH=LOGIN PLAIN"),
            with_plain,
        ),
        (
            "Exchange",
            offering("250-test\r\n250 AUTH GSSAPI NTLM LOGIN XOAUTH2"),
            with_login,
        ),
        (
            "PLAIN is offered and unknown",
            refusing("PLAIN"),
            second_choice,
        ),
        (
            "PLAIN is asked for in a line of its own",
            Script {
                asks_again: true,
                auth: Some(LOGIN),
                ..Script::default()
            },
            with_plain,
        ),
        ("EHLO is 500", saying(Stage::Ehlo, "500 5.5.2 what"), old),
        (
            "EHLO is 502",
            saying(Stage::Ehlo, "502 5.5.1 not implemented"),
            old,
        ),
        ("EHLO is 504", saying(Stage::Ehlo, "504"), old),
        (
            "EHLO is 502, LF alone",
            Script {
                lf_only: true,
                ..saying(Stage::Ehlo, "502 no")
            },
            old,
        ),
    ];
    for (name, script, said) in table {
        let secured = script.auth.is_some();
        let implicit = Script {
            implicit: true,
            ..script.clone()
        };
        for (script, security) in [
            (script, RelaySecurity::Plain),
            (implicit, RelaySecurity::Implicit),
        ] {
            let server = Server::start(script).await;
            let relay = if secured {
                server.relay_with_login(security, LOGIN.2)
            } else {
                server.relay(security)
            };
            let delivery = send(PATIENT, vec![relay]).await;
            let case = format!("{name}, {security:?}: {delivery:?}");
            assert!(matches!(delivery, Delivery::Sent { .. }), "{case}");
            assert_eq!(server.texts().len(), 1, "{case}");
            assert_eq!(server.connections(), 1, "{case}");
            assert_eq!(verbs(&server).join(" "), said, "{case}");
        }
    }
}

/// The same kinds before and after STARTTLS, where a filter below TLS could not reach.
#[tokio::test]
async fn odd_relays_are_understood_under_starttls_too() {
    for (lf_only, no_login, said) in [
        (
            true,
            "",
            "EHLO STARTTLS EHLO AUTH PLAIN MAIL RCPT DATA QUIT",
        ),
        (
            false,
            "PLAIN",
            "EHLO STARTTLS EHLO AUTH PLAIN AUTH LOGIN MAIL RCPT DATA QUIT",
        ),
        (
            true,
            "PLAIN",
            "EHLO STARTTLS EHLO AUTH PLAIN AUTH LOGIN MAIL RCPT DATA QUIT",
        ),
    ] {
        let server = Server::start(Script {
            starttls: true,
            auth: Some(LOGIN),
            lf_only,
            no_login,
            ..Script::default()
        })
        .await;
        let relay = server.relay_with_login(RelaySecurity::StartTls, LOGIN.2);
        let delivery = send(PATIENT, vec![relay]).await;
        assert!(matches!(delivery, Delivery::Sent { .. }), "{delivery:?}");
        assert_eq!(verbs(&server).join(" "), said);
        assert_eq!(server.texts().len(), 1);
        let plain = server.plain();
        assert!(
            !plain.contains("AUTH") && !plain.contains("MAIL"),
            "{plain}"
        );
    }
    let small = saying(Stage::Ehlo, "250-test\r\n250 starttls");
    let server = Server::start(Script {
        starttls: true,
        ..small
    })
    .await;
    let delivery = send(PATIENT, vec![server.relay(RelaySecurity::StartTls)]).await;
    assert!(matches!(delivery, Delivery::Sent { .. }), "{delivery:?}");
}

/// What a relay said no to is asked again in another way only where that way cannot be worse.
#[tokio::test]
async fn a_refusal_is_no_reason_to_try_harder() {
    let with = |auth, no_login| Script {
        auth: Some(auth),
        no_login,
        ..Script::default()
    };
    let both = "PLAIN LOGIN";
    let no_tls = "STARTTLS: the relay does not offer it";
    let table = [
        (
            "a wrong password goes out once",
            with((both, "user", "other"), ""),
            RelaySecurity::Plain,
            "AUTH: 535 5.7.8",
            "EHLO AUTH PLAIN QUIT",
            Stay::Login,
        ),
        (
            "PLAIN is unknown, and there is nothing else",
            with(("PLAIN", "user", "secret"), "PLAIN"),
            RelaySecurity::Plain,
            "AUTH: 504 5.5.4",
            "EHLO AUTH PLAIN QUIT",
            Stay::Login,
        ),
        (
            "LOGIN is unknown, and there is nothing else",
            with(("LOGIN", "user", "secret"), "LOGIN"),
            RelaySecurity::Plain,
            "AUTH: 504 5.5.4",
            "EHLO AUTH LOGIN QUIT",
            Stay::Login,
        ),
        (
            "no login that we know",
            with(("GSSAPI XOAUTH2", "user", "secret"), ""),
            RelaySecurity::Plain,
            "neither PLAIN nor LOGIN",
            "EHLO",
            Stay::Trouble,
        ),
        (
            "busy, not unknown",
            Script {
                at: Some((Stage::Auth, Act::Say("454 4.7.0 later"))),
                ..with((both, "user", "secret"), "")
            },
            RelaySecurity::Plain,
            "AUTH: 454",
            "EHLO AUTH PLAIN QUIT",
            Stay::Later,
        ),
        (
            "asked for more, and more is not understood",
            Script {
                at: Some((Stage::Auth, Act::Say("334 more"))),
                ..with(("PLAIN", "user", "secret"), "")
            },
            RelaySecurity::Plain,
            "AUTH: ",
            "EHLO AUTH PLAIN QUIT",
            Stay::Login,
        ),
        (
            "EHLO is refused, not unknown",
            saying(Stage::Ehlo, "550 5.7.1 who are you"),
            RelaySecurity::Plain,
            "greeting: 550 5.7.1",
            "EHLO QUIT",
            Stay::Trouble,
        ),
        (
            "an old relay has no TLS",
            saying(Stage::Ehlo, "502 no"),
            RelaySecurity::StartTls,
            no_tls,
            "EHLO HELO",
            Stay::Trouble,
        ),
        (
            "an old relay has no logins",
            Script {
                auth: Some(LOGIN),
                ..saying(Stage::Ehlo, "502 no")
            },
            RelaySecurity::Plain,
            "neither PLAIN nor LOGIN",
            "EHLO HELO",
            Stay::Trouble,
        ),
        (
            "a relay that greets with no",
            saying(Stage::Greeting, "554 no mail here"),
            RelaySecurity::Plain,
            "greeting: 554 no mail here",
            "QUIT",
            Stay::Trouble,
        ),
    ];
    for (name, script, security, reason, said, wanted) in table {
        let server = Server::start(script).await;
        let delivery = send(PATIENT, vec![server.relay_with_login(security, "secret")]).await;
        assert_deferred(&delivery, reason);
        assert_eq!(stay(&delivery), wanted, "{name}");
        assert_eq!(verbs(&server).join(" "), said, "{name}: {delivery:?}");
        assert!(server.texts().is_empty(), "{name}");
        assert!(
            !format!("{delivery:?}").contains(&base64(b"\0user\0secret")),
            "{name}"
        );
    }
}

/// A relay that knows no PLAIN may repeat what it was given; and what is shown is the way that was taken.
#[tokio::test]
async fn the_second_way_to_log_in_is_shown_and_no_secret_of_the_first() {
    let server = Server::start(Script {
        implicit: true,
        auth: Some(LOGIN),
        no_login: "PLAIN",
        ..Script::default()
    })
    .await;
    let relay = server.relay_with_login(RelaySecurity::Implicit, LOGIN.2);
    let told = SmtpNotifier::with_limits(PATIENT)
        .rehearse(&email(vec![relay]), &english(), &entry(down()))
        .await
        .unwrap();
    assert_eq!(told[0].outcome, Outcome::Taken);
    let said = format!("{:?}", told[0].lines);
    for line in [
        "Ours(\"AUTH PLAIN ****\")",
        "Theirs(\"504 5.5.4 what is AUTH PLAIN ****?\")",
        "Ours(\"AUTH LOGIN ****\")",
        "Theirs(\"235 ok\")",
    ] {
        assert!(said.contains(line), "{line} in {said}");
    }
    let both = format!("\0user\0{}", LOGIN.2);
    for form in [
        LOGIN.2.to_owned(),
        base64(LOGIN.2.as_bytes()),
        base64(both.as_bytes()),
    ] {
        assert!(!said.contains(&form), "{form} stands in {said}");
    }
}

/// Lines that never become a whole reply are no way around the cap.
#[tokio::test]
async fn a_reply_without_end_is_cut_off() {
    let endless: &'static str = Box::leak("250-x\r\n".repeat(100_000).into_boxed_str());
    for implicit in [false, true] {
        let server = Server::start(Script {
            implicit,
            ..saying(Stage::Rcpt, endless)
        })
        .await;
        let security = if implicit {
            RelaySecurity::Implicit
        } else {
            RelaySecurity::Plain
        };
        let delivery = send(PATIENT, vec![server.relay(security)]).await;
        assert_deferred(&delivery, "RCPT: the relay sends without end");
    }
}
