//! What text from outside cannot do to a mail.

use probe::adapters::smtp::bytes;
use probe::model::{
    Entry, Finding, GivenUp, Hold, IncidentId, Next, Notification, Observation, Reason,
    RecoveryOutcome, Remark,
};
use probe::render::mail::{compose, subject};

use super::entries::{self, NIGHT, english, entry, voice};
use super::letters::mail;

#[test]
fn an_id_is_a_dot_atom_whatever_the_names_are() {
    for (incident, from) in [
        ("a..b.-20261122T060041Z", "probe@monitor.example.com"),
        (".x y<z>@-1", "Probe <probe@Monitor.Example.COM>"),
        ("", "nonsense"),
        ("日本", "a@..b"),
        ("x\r\nBcc: y", "a@b\r\nc"),
    ] {
        let made = Entry {
            from: from.to_owned(),
            ..entry(Notification {
                incident: Some(IncidentId::new(incident, "20261122T060041Z")),
                ..entries::up()
            })
        };
        let id = compose(&made, &english()).message_id;
        let inner = id.strip_prefix('<').unwrap().strip_suffix('>').unwrap();
        let (left, right) = inner.split_once('@').unwrap();
        for atom in left.split('.').chain(right.split('.')) {
            assert!(
                !atom.is_empty()
                    && atom
                        .bytes()
                        .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'),
                "{id}"
            );
        }
    }
}

#[test]
fn m17_japanese_and_emoji_arrive_whole_in_seven_bits() {
    let note = Notification {
        seen: vec![Observation::Alone(Finding::Missing {
            text: "データベース接続確立エラー 🍣 ".repeat(400),
        })],
        ..entries::down()
    };
    let made = mail(&Entry {
        from: "監視 🛎 <probe@monitor.example.com>".to_owned(),
        ..entry(note)
    });
    assert!(made.is_ascii());
    assert!(made.contains("From: =?utf-8?b?"), "{made}");
    for line in made.split("\r\n") {
        assert!(line.len() <= 78, "{line}");
        assert!(!line.contains(['\r', '\n']));
    }
    // "データベース" in quoted-printable, possibly broken at any place by a soft line end.
    let joined = made.replace("=\r\n", "");
    assert!(joined.contains("=E3=83=87=E3=83=BC=E3=82=BF"), "{joined}");
}

#[test]
fn a_subject_stays_short_and_on_one_line() {
    let long = Notification {
        attempts: vec![{
            let mut attempt = entries::attempt(1, NIGHT, RecoveryOutcome::Refused);
            attempt.report.as_mut().unwrap().reason = Some(Reason::Other(format!(
                "鍵\r\nBcc:evil@example.com {}",
                "と".repeat(500)
            )));
            attempt
        }],
        ..entries::restarted(RecoveryOutcome::Refused)
    };
    let said = subject(&voice(), &long);
    assert_eq!(said.chars().count(), 119);
    assert!(said.ends_with('…'));
    assert!(!said.chars().any(char::is_control));
    let made = mail(&entry(long));
    assert!(!headers(&made).contains(&"Bcc".to_owned()));
}

/// Header names of a mail, and of its parts.
fn headers(made: &str) -> Vec<String> {
    made.split("\r\n\r\n")
        .next()
        .unwrap()
        .split("\r\n")
        .filter(|line| !line.starts_with([' ', '\t']))
        .map(|line| line.split(':').next().unwrap().to_owned())
        .collect()
}

#[test]
fn m16_no_text_from_outside_becomes_a_header_or_markup() {
    let usual = headers(&mail(&entry(entries::restarted(RecoveryOutcome::Failed))));
    let mut random = fastrand::Rng::with_seed(20_261_122);
    let parts = [
        "\r\n",
        "\n",
        "\r",
        "\0",
        "\r\n\r\n",
        "Bcc: evil@example.com",
        "\r\n.\r\n",
        "\u{2028}",
        "<script>alert(1)</script>",
        "=?utf-8?q?x?=",
        "🍣",
        "日本",
        "\"",
        "'",
        "`",
        "&amp;",
        " ",
        "\u{202e}",
        "--=_probe_",
        "From ",
        ".",
        "\u{1b}[31m",
        "x",
    ];
    for _ in 0..400 {
        let mut nasty = || {
            (0..random.usize(1..12))
                .map(|_| parts[random.usize(..parts.len())])
                .collect::<String>()
        };
        let mut note = entries::restarted(RecoveryOutcome::Failed);
        (note.ssh, note.operator_ssh) = (Some(nasty()), Some(nasty()));
        note.seen = vec![
            Observation::Alone(nasty().as_str().into()),
            Observation::Alone(nasty().as_str().into()),
        ];
        note.remark = Some(Remark::Finding(nasty().as_str().into()));
        note.incident = Some(IncidentId::new(&nasty(), "20261122T060041Z"));
        for attempt in &mut note.attempts {
            attempt.command = nasty();
            if let Some(report) = &mut attempt.report {
                report.reason = Some(Reason::LoginRefused {
                    said: nasty(),
                    key: nasty(),
                });
                report.output = nasty();
            }
        }
        note.next = Next::Held(Hold::GaveUp {
            reason: GivenUp::LoginRefused {
                said: Some(Reason::Other(nasty())),
            },
        });
        let letter = compose(&entry(note), &english());
        assert!(!letter.html.contains("<script"), "{}", letter.html);
        assert!(!letter.html.chars().any(|c| c.is_control() && c != '\n'));
        assert!(!letter.text.chars().any(|c| c.is_control() && c != '\n'));
        let made = String::from_utf8(bytes(&letter).unwrap()).unwrap();
        assert_eq!(headers(&made), usual, "{made}");
        assert!(made.is_ascii());
        assert!(!made.replace("\r\n", "").contains(['\r', '\n']));
    }
}

#[test]
fn m18_addresses_that_are_none_are_refused_and_never_injected() {
    let mut random = fastrand::Rng::with_seed(7);
    for bad in [
        "ops@example.com\r\nBcc: evil@example.com",
        "ops@example.com, evil@example.com",
        "nobody",
        "",
        "運用@example.com",
        "ops@例え.jp",
    ] {
        let made = Entry {
            to: bad.to_owned(),
            ..entry(entries::down())
        };
        let fault = bytes(&compose(&made, &english())).unwrap_err().to_string();
        assert!(fault.contains("alerts.email"), "{fault}");
    }
    for _ in 0..200 {
        let name: String = (0..8)
            .map(|_| {
                ["\r\n", "Bcc: x@y.example", "\"", "日", ",", "<", "\\", "a"][random.usize(..8)]
            })
            .collect();
        let made = Entry {
            from: format!("{name} <probe@monitor.example.com>"),
            ..entry(entries::down())
        };
        if let Ok(made) = bytes(&compose(&made, &english())) {
            let made = String::from_utf8(made).unwrap();
            assert_eq!(
                headers(&made),
                headers(&mail(&entry(entries::down()))),
                "{made}"
            );
        }
    }
}

#[test]
fn long_output_is_cut_to_its_end() {
    let mut note = entries::restarted(RecoveryOutcome::Failed);
    let output: String = (1..=40).map(|n| format!("line {n}\n")).collect();
    note.attempts[0].report.as_mut().unwrap().output = output;
    let text = compose(&entry(note), &english()).text;
    assert!(text.contains("| … 25 lines before"), "{text}");
    assert!(text.contains("| line 40"), "{text}");
    assert!(!text.contains("| line 25\n"), "{text}");
}
