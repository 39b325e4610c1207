//! The mails themselves: exact goldens, subjects, threads, and what hostile text cannot do.

use std::path::PathBuf;
use std::time::Duration;

use probe::adapters::smtp::bytes;
use probe::model::{
    Cause, Entry, EventKind, Hold, HostName, IncidentId, Next, Notification, RecoveryOutcome,
};
use probe::render::explain;
use probe::render::mail::{compose, subject};

use super::entries::{self, NIGHT, after, entry, note};

fn mail(entry: &Entry) -> String {
    String::from_utf8(bytes(&compose(entry)).unwrap()).unwrap()
}

#[test]
fn each_event_is_the_golden_mail() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/smtp/golden");
    let mut wrong = Vec::new();
    for note in entries::all() {
        let name = format!("{}.eml", note.event.word());
        let path = folder.join(&name);
        let made = mail(&entry(note));
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&path, &made).unwrap();
        }
        if std::fs::read_to_string(&path).ok().as_ref() != Some(&made) {
            wrong.push(name);
        }
    }
    assert!(
        wrong.is_empty(),
        "{wrong:?} differ; look at them, then run with UPDATE_GOLDEN=1"
    );
}

#[test]
fn subjects_say_the_present() {
    let said: Vec<String> = entries::all().iter().map(subject).collect();
    assert_eq!(
        said,
        [
            "[DOWN] shop: connection refused (web1)",
            "[RESTARTED] shop: web1 restarted, waiting for proof (attempt 1)",
            "[UP] shop: back after 2m 10s, 1 restart (web1)",
            "[WITHHELD] shop: not restarted, budget spent (web1)",
            "[GAVE UP] shop: still down after 3 restarts, needs a person (web1)",
            "[BACK] shop: up again after 5h 3m (web1)",
            "[STILL DOWN] shop: connection refused for 1d (web1)",
            "[CLOSED] shop: no longer watched (web1)",
            "[BLIND] could not see from 06:00 to 06:12 UTC: our own network was down",
            "[DAMAGED] memory of past restarts lost, nothing is restarted for now",
            "[TEST] probe can reach you by mail",
        ]
    );
}

#[test]
fn the_subject_of_a_restart_says_how_it_ended() {
    let said = |outcome| subject(&entries::restarted(outcome));
    assert_eq!(
        said(RecoveryOutcome::Failed),
        "[RESTART FAILED] shop: the command exited with status 1 on web1 (attempt 1)"
    );
    assert_eq!(
        said(RecoveryOutcome::TimedOut),
        "[RESTART FAILED] shop: the command did not end within 2s on web1 (attempt 1)"
    );
    assert_eq!(
        said(RecoveryOutcome::NotExecuted),
        "[RESTART FAILED] shop: nothing was run on web1: connection timed out (attempt 1)"
    );
    assert_eq!(
        said(RecoveryOutcome::Refused),
        "[RESTART FAILED] shop: no way into web1: host key has changed (attempt 1)"
    );
    assert_eq!(
        said(RecoveryOutcome::Unknown),
        "[RESTART UNKNOWN] shop: how the restart of web1 ended was not seen (attempt 1)"
    );
}

#[test]
fn a_site_without_a_host_is_reported_without_one() {
    let alone = Notification {
        host: None,
        ssh: None,
        next: Next::WatchOnly,
        ..entries::down()
    };
    assert_eq!(subject(&alone), "[DOWN] shop: connection refused");
    let text = compose(&entry(alone)).text;
    assert!(text.contains("nothing is restarted for it"), "{text}");
    assert!(!text.contains("probe pause"), "{text}");
    assert!(!text.contains("ssh "), "{text}");
}

#[test]
fn the_first_screen_answers_what_and_what_next() {
    for note in entries::all() {
        let letter = compose(&entry(note.clone()));
        let first: String = letter.text.lines().take(12).collect::<Vec<_>>().join("\n");
        if let Next::Held(_) | Next::Restart { .. } | Next::Prove { .. } = note.next {
            let word = match note.next {
                Next::Prove { .. } => "06:01:30 UTC",
                Next::Restart { .. } => "attempt 1 of 3",
                Next::Held(_) | Next::WatchOnly | Next::Nothing => "restart",
            };
            assert!(
                first.to_lowercase().contains(&word.to_lowercase()),
                "{:?}:\n{first}",
                note.event
            );
        }
        for line in letter.text.lines() {
            let machine = line.starts_with("      ")
                || line.starts_with("    |")
                || line.contains("/var/lib");
            assert!(machine || line.chars().count() <= 76, "too long: {line}");
        }
    }
}

#[test]
fn one_incident_is_one_thread() {
    let first = compose(&entry(entries::down()));
    let second = compose(&entry(entries::restarted(RecoveryOutcome::Succeeded)));
    let third = compose(&entry(entries::up()));
    assert_eq!(first.in_reply_to, None);
    assert!(first.references.is_empty());
    assert!(first.message_id.starts_with("<shop-20261122T060041Z."));
    assert!(first.message_id.ends_with("@monitor.example.com>"));
    for later in [&second, &third] {
        assert_eq!(later.in_reply_to.as_ref(), Some(&first.message_id));
        assert_eq!(later.references, [first.message_id.clone()]);
        assert_ne!(later.message_id, first.message_id);
    }
    assert!(
        second
            .message_id
            .starts_with("<shop-20261122T060041Z.restarted.1.")
    );
    assert_ne!(second.message_id, third.message_id);
    let other = Entry {
        to: "boss@example.com".to_owned(),
        ..entry(entries::down())
    };
    assert_ne!(compose(&other).message_id, first.message_id);
}

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
        let id = compose(&made).message_id;
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
fn a_retry_repeats_the_same_bytes() {
    for note in entries::all() {
        let once = entry(note);
        let again = Entry {
            tries: 7,
            due: after(4000),
            last: Some(probe::model::Delivery::Unclear {
                reason: "broke".to_owned(),
            }),
            ..once.clone()
        };
        assert_eq!(mail(&once), mail(&again));
    }
}

#[test]
fn japanese_and_emoji_arrive_whole_in_seven_bits() {
    let note = Notification {
        remark: Some("データベース接続確立エラー 🍣".to_owned()),
        seen: vec![format!(
            "https://shop.example.com/: {}",
            "とても長い題名".repeat(400)
        )],
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
            attempt.report.as_mut().unwrap().reason =
                Some(format!("鍵\r\nBcc: evil@example.com {}", "と".repeat(500)));
            attempt
        }],
        ..entries::restarted(RecoveryOutcome::Refused)
    };
    let said = subject(&long);
    assert_eq!(said.chars().count(), 120);
    assert!(said.ends_with('…'));
    assert!(!said.chars().any(char::is_control));
    let made = mail(&entry(long));
    assert!(!made.contains("\r\nBcc:"));
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
fn no_text_from_outside_becomes_a_header_or_markup() {
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
        note.ssh = Some(nasty());
        note.seen = vec![nasty(), nasty()];
        note.remark = Some(nasty());
        note.incident = Some(IncidentId::new(&nasty(), "20261122T060041Z"));
        for attempt in &mut note.attempts {
            attempt.command = nasty();
            if let Some(report) = &mut attempt.report {
                report.reason = Some(nasty());
                report.output = nasty();
            }
        }
        note.next = Next::Held(Hold::GaveUp { reason: nasty() });
        let letter = compose(&entry(note));
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
fn addresses_that_are_none_are_refused_and_never_injected() {
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
        let fault = bytes(&compose(&made)).unwrap_err().to_string();
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
        if let Ok(made) = bytes(&compose(&made)) {
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
fn every_hold_is_a_sentence_that_says_until_when() {
    let host = HostName::try_new("web2").unwrap();
    let hour = Duration::from_secs(3600);
    let until = after(0);
    let time = "06:00:41 UTC";
    let cases: Vec<(Hold, Vec<&str>)> = vec![
        (
            Hold::NotConfirmed {
                failures: 1,
                threshold: 3,
            },
            vec!["1 of 3"],
        ),
        (
            Hold::CauseExcluded {
                cause: Cause::TlsCertificate,
            },
            vec!["`tls_certificate`", "restart.causes"],
        ),
        (
            Hold::NotEnoughDown {
                down: 1,
                needed: 5,
                watched: 5,
            },
            vec!["1 of the 5", "is down", "needs 5"],
        ),
        (
            Hold::Paused {
                until: Some(until),
                reason: Some("move".to_owned()),
            },
            vec![time, "22 Nov 2026", "(move)", "`probe resume web1`"],
        ),
        (
            Hold::Paused {
                until: None,
                reason: None,
            },
            vec!["until somebody resumes", "`probe resume web1`"],
        ),
        (Hold::Quarantine { until }, vec![time, "by hand"]),
        (Hold::StateUnwritable, vec!["state directory"]),
        (Hold::NetworkDown, vec!["canary"]),
        (Hold::AwaitingCanary, vec!["canary"]),
        (Hold::Restarting, vec!["web1", "under way"]),
        (Hold::Settling { until }, vec![time]),
        (Hold::Backoff { until }, vec![time]),
        (
            Hold::Budget {
                restarts: 3,
                per: hour,
                until,
            },
            vec!["3 restarts in 1h", time],
        ),
        (
            Hold::Budget {
                restarts: 1,
                per: hour * 24,
                until,
            },
            vec!["1 restart in 1d", "22 Nov 2026"],
        ),
        (Hold::FleetBusy { host }, vec!["web2", "web1"]),
        (
            Hold::FleetBudget { until },
            vec!["10 times within 1h", time],
        ),
        (
            Hold::MassFailure {
                failing: 5,
                hosts: 6,
            },
            vec!["5 of 6"],
        ),
        (
            Hold::GaveUp {
                reason: "3 restarts did not help".to_owned(),
            },
            vec!["`probe resume web1`", "did not help."],
        ),
    ];
    for (hold, words) in cases {
        let said = explain::hold(&hold, "web1", |at| at);
        for word in words {
            assert!(said.contains(word), "{hold:?}: {said}");
        }
        assert!(said.ends_with('.') && !said.contains("  "), "{said}");
    }
    let shifted = explain::hold(
        &Hold::Backoff {
            until: NIGHT - hour,
        },
        "web1",
        |at| at + hour,
    );
    assert!(shifted.contains(time), "{shifted}");
}

#[test]
fn long_output_is_cut_to_its_end() {
    let mut note = entries::restarted(RecoveryOutcome::Failed);
    let output: String = (1..=40).map(|n| format!("line {n}\n")).collect();
    note.attempts[0].report.as_mut().unwrap().output = output;
    let text = compose(&entry(note)).text;
    assert!(text.contains("| … 25 lines before"), "{text}");
    assert!(text.contains("| line 40"), "{text}");
    assert!(!text.contains("| line 25\n"), "{text}");
}

#[test]
fn headers_name_event_incident_and_host() {
    let made = mail(&entry(note(EventKind::Down)));
    for header in [
        "Auto-Submitted: auto-generated\r\n",
        "X-Probe-Event: down\r\n",
        "X-Probe-Incident: shop-20261122T060041Z\r\n",
        "X-Probe-Host: web1\r\n",
        "Date: Sun, 22 Nov 2026 06:00:41 +0000\r\n",
    ] {
        assert!(made.contains(header), "{header}{made}");
    }
}
