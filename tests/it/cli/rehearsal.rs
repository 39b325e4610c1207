//! `probe drill --mail`: the dialogue with each relay stands on stdout, the password nowhere.

use std::os::unix::fs::PermissionsExt as _;

use super::ground::{Answer, Ground};
use super::outside::Mailbox;
use crate::smtp::authority::base64;
use crate::smtp::server::{Act, Script, Stage};

const PASSWORD: &str = "correct horse";

/// A configuration with these relays, `(scheme, mailbox)`; each one is logged in to as `user`.
fn configure(ground: &Ground, relays: &[(&str, &Mailbox)]) {
    let secret = ground.path("smtp-password");
    std::fs::write(&secret, format!("{PASSWORD}\n")).unwrap();
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
    let mut smtp = String::new();
    for (scheme, mailbox) in relays {
        let (port, ca) = (mailbox.port(), mailbox.ca_file());
        smtp += &format!(
            "      - {{url: \"{scheme}://user@127.0.0.1:{port}\", password_file: {}, ca_file: {}}}\n",
            secret.display(),
            ca.display()
        );
    }
    ground.configure(&format!(
        "profiles:\n  shop: {{urls: [\"http://127.0.0.1:9/\"]}}\nalerts:\n  email:\n    from: probe@monitor.test\n    \
         to: [ops@example.test]\n    smtp:\n{smtp}"
    ));
}

#[track_caller]
fn no_secret(answer: &Answer) {
    let all = format!("{}{}", answer.stdout, answer.stderr);
    for form in [
        PASSWORD.to_owned(),
        base64(PASSWORD.as_bytes()),
        base64(format!("\0user\0{PASSWORD}").as_bytes()),
    ] {
        assert!(!all.contains(&form), "{form} stands in {all}");
    }
}

fn secure(auth: &'static str) -> Script {
    Script {
        starttls: true,
        auth: Some((auth, "user", PASSWORD)),
        ..Script::default()
    }
}

#[test]
fn the_dialogue_is_on_stdout_and_the_password_nowhere() {
    let ground = Ground::start();
    let first = Mailbox::start(secure("PLAIN"));
    let second = Mailbox::start(Script {
        starttls: false,
        implicit: true,
        ..secure("LOGIN")
    });
    configure(&ground, &[("smtp+starttls", &first), ("smtps", &second)]);
    let answer = ground.probe(&["-v", "-v", "drill", "--mail"]);
    no_secret(&answer);
    assert_eq!(answer.code, Some(0), "{answer:#?}");
    let lines: Vec<&str> = answer.stdout.lines().collect();
    let (one, two) = (first.port(), second.port());
    assert_eq!(
        lines[0],
        format!("ops@example.test: taken by 127.0.0.1:{one}")
    );
    let place = lines
        .iter()
        .position(|line| {
            *line == format!("ops@example.test: 127.0.0.1:{two} would take it as well")
        })
        .unwrap_or_else(|| panic!("{answer:#?}"));
    let (said, other) = (lines[1..place].join("\n"), lines[place + 1..].join("\n"));
    for words in [
        &*format!("  * connected to 127.0.0.1:{one}"),
        "  > STARTTLS",
        "  * TLS 1.3, certificate for 127.0.0.1",
        "  > AUTH PLAIN ****",
        "  < 235 ok",
        "  > RCPT TO:<ops@example.test>",
        "  < 250 taken",
    ] {
        assert!(said.contains(words), "{words} is not in\n{said}");
    }
    assert!(other.contains("  > AUTH LOGIN ****\n  < 235 ok"), "{other}");
    assert!(other.ends_with("  > RSET\n  < 250 ok"), "{other}");
    assert_eq!((first.texts().len(), second.texts().len()), (1, 0));
    // Quiet: nothing where all is well.
    let quiet = ground.probe(&["drill", "--mail", "-q"]);
    assert_eq!((quiet.code, &*quiet.stdout), (Some(0), ""), "{quiet:#?}");
}

#[test]
fn a_wrong_password_is_named_and_never_shown() {
    let ground = Ground::start();
    // It repeats what it was given.
    let strict = Mailbox::start(Script {
        auth: Some(("PLAIN", "user", "another")),
        ..secure("PLAIN")
    });
    configure(&ground, &[("smtp+starttls", &strict)]);
    let answer = ground.probe(&["-v", "-v", "drill", "--mail"]);
    no_secret(&answer);
    answer.expect(2, &["not taken: relay 127.0.0.1:", "AUTH: 535 5.7.8"]);
    assert!(
        answer.stdout.contains("  > AUTH PLAIN ****\n  < 535 5.7.8"),
        "{answer:#?}"
    );
}

#[test]
fn a_second_relay_that_would_not_take_it_is_a_warning() {
    let ground = Ground::start();
    let first = Mailbox::start(secure("PLAIN"));
    let second = Mailbox::start(Script {
        at: Some((Stage::Rcpt, Act::Say("554 5.7.1 relay access denied"))),
        ..secure("PLAIN")
    });
    configure(&ground, &[("smtp+starttls", &first), ("smtp", &second)]);
    for quiet in [&[][..], &["-q"]] {
        let answer = ground.probe(&[&["drill", "--mail"], quiet].concat());
        answer.expect(
            1,
            &["refused: relay 127.0.0.1:", "554 5.7.1 relay access denied"],
        );
        assert_eq!(
            answer.stdout.contains("taken by"),
            quiet.is_empty(),
            "{answer:#?}"
        );
    }
}
