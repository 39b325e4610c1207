//! The mails themselves: exact goldens, subjects, threads.

use std::path::PathBuf;

use probe::adapters::smtp::bytes;
use probe::model::{Entry, EventKind, Next, Notification, RecoveryOutcome, Wording};
use probe::render::mail::{brief, compose, subject};
use probe::render::words::Voice;

use super::entries::{self, after, english, entry, japanese, note, voice};

pub(crate) fn mail(entry: &Entry) -> String {
    mail_in(entry, &english())
}

pub(crate) fn mail_in(entry: &Entry, wording: &Wording) -> String {
    let letter = compose(entry, wording);
    assert_eq!(letter.complaints, [""; 0]);
    String::from_utf8(bytes(&letter).unwrap()).unwrap()
}

#[test]
fn each_event_is_the_golden_mail() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/mail");
    let mut wrong = Vec::new();
    let languages = [english(), japanese()];
    let each = entries::all()
        .into_iter()
        .map(|note| (note.event.word(), note));
    for ((name, note), wording) in each.chain(super::crowds::more()).flat_map(|named| {
        languages
            .iter()
            .map(move |wording| (named.clone(), wording))
    }) {
        let name = format!("{name}.{}.eml", wording.language.word());
        let path = folder.join(&name);
        let made = mail_in(&entry(note), wording);
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
    let said: Vec<String> = entries::all()
        .iter()
        .map(|note| subject(&voice(), note))
        .collect();
    assert_eq!(
        said,
        [
            "[DOWN] shop: connection refused (web1)",
            "[RESTARTED] shop: web1 restarted, waiting for proof (attempt 1)",
            "[UP] shop: back after 2m 10s, 1 restart (web1)",
            "[WITHHELD] shop: not restarted, budget spent (web1)",
            "[PROPOSED] shop: a restart waits for approval (web1)",
            "[GAVE UP] shop: still down after 3 restarts, needs a person (web1)",
            "[BACK] shop: up again after 5h 3m (web1)",
            "[STILL DOWN] shop: connection refused for 1d (web1)",
            "[CLOSED] shop: no longer watched (web1)",
            "[BLIND] could not see from 06:00 to 06:12 UTC: our own network was down",
            "[UNJUDGED] shop: cannot be judged for 5m 40s (web1)",
            "[DAMAGED] memory of past restarts lost, nothing is restarted for now",
            "[CERT] shop.example.com and 1 more: certificates expire, the first in 23h 59m (2026-11-23)",
            "[FLAPPING] shop: down 4 times since 05:12:21 UTC (web1)",
            "[DIGEST] 1 needs a person, 1 down, 2 up again, 1 more",
            "[WEEK] 42 sites, 99.96 % up, 4 restarts, 1 down now",
            "[TEST] probe can reach you",
        ]
    );
}

#[test]
fn the_subject_of_a_restart_says_how_it_ended() {
    let said = |outcome| subject(&voice(), &entries::restarted(outcome));
    assert_eq!(
        said(RecoveryOutcome::Failed),
        "[RESTART FAILED] shop: the command exited with status 1 on web1 (attempt 1)"
    );
    assert_eq!(
        said(RecoveryOutcome::TimedOut),
        "[RESTART FAILED] shop: the command did not end within 2.3s on web1 (attempt 1)"
    );
    assert_eq!(
        said(RecoveryOutcome::NotExecuted),
        "[RESTART FAILED] shop: nothing was run on web1: connection timed out (attempt 1)"
    );
    assert_eq!(
        said(RecoveryOutcome::Refused),
        "[RESTART FAILED] shop: no way into web1: host key of web1.example.com has changed (attempt 1)"
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
        operator_ssh: None,
        next: Next::WatchOnly,
        ..entries::down()
    };
    assert_eq!(subject(&voice(), &alone), "[DOWN] shop: connection refused");
    let text = compose(&entry(alone), &english()).text;
    assert!(text.contains("nothing is restarted for it"), "{text}");
    assert!(!text.contains("probe pause"), "{text}");
    assert!(!text.contains("ssh "), "{text}");
}

#[test]
fn the_first_screen_answers_what_and_what_next() {
    for note in entries::all() {
        let letter = compose(&entry(note.clone()), &english());
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
    let first = compose(&entry(entries::down()), &english());
    let second = compose(
        &entry(entries::restarted(RecoveryOutcome::Succeeded)),
        &english(),
    );
    let third = compose(&entry(entries::up()), &english());
    assert_eq!(first.in_reply_to, None);
    assert!(first.references.is_empty());
    assert!(first.message_id.starts_with("<shop-20261122T060041Z."));
    assert!(first.message_id.ends_with("@monitor.example.com>"));
    for later in [&second, &third] {
        assert_eq!(later.in_reply_to.as_ref(), Some(&first.message_id));
        assert_eq!(later.references, std::slice::from_ref(&first.message_id));
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
    assert_ne!(compose(&other, &english()).message_id, first.message_id);
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

#[test]
fn the_longest_names_leave_ids_and_headers_whole() {
    let name = "n".repeat(64);
    let long = Notification {
        incident: Some(probe::model::IncidentId::new(&name, "20261122T060041Z")),
        profile: Some(probe::model::ProfileName::try_new(&name).unwrap()),
        host: Some(probe::model::HostName::try_new(&name).unwrap()),
        ..entries::up()
    };
    let letter = compose(&entry(long), &english());
    let made = String::from_utf8(bytes(&letter).unwrap()).unwrap();
    let unfolded = made.replace("\r\n ", " ");
    for header in [
        format!("Message-ID: {}\r\n", letter.message_id),
        format!("References: {}\r\n", letter.references[0]),
        format!("In-Reply-To: {}\r\n", letter.references[0]),
        format!("X-Probe-Host: {name}\r\n"),
        format!("X-Probe-Incident: {name}-20261122T060041Z\r\n"),
    ] {
        assert!(
            unfolded.replace(":  ", ": ").contains(&header),
            "{header}\n{made}"
        );
    }
}

/// Probe's own login is bound to its key, its address and perhaps its agent: it is offered to nobody.
#[test]
fn a_login_is_offered_only_where_people_have_one() {
    for (note, wording) in entries::all()
        .into_iter()
        .flat_map(|note| [english(), japanese()].map(|wording| (note.clone(), wording)))
    {
        let text = |note: &Notification| compose(&entry(note.clone()), &wording).text;
        let login = "      ssh admin@web1.example.com\n";
        let nobody = Notification {
            operator_ssh: None,
            ..note.clone()
        };
        let without = text(&nobody);
        assert!(!without.contains("ssh "), "{without}");
        let offers = matches!(
            note.event,
            EventKind::Down
                | EventKind::Restarted
                | EventKind::Withheld
                | EventKind::Proposed
                | EventKind::Reminder
                | EventKind::GaveUp
                | EventKind::Flapping
                | EventKind::Up
                | EventKind::Back
        );
        assert_eq!(
            text(&note).contains(login),
            offers && !note.judged,
            "{:?}",
            note.event
        );
    }
}

/// What the reader can do stands before the facts: only the headline and what comes next are above it.
#[test]
fn what_the_reader_can_do_stands_second() {
    for note in entries::all() {
        let text = compose(&entry(note.clone()), &english()).text;
        let place = |title: &str| text.find(&format!("\n{title}\n"));
        let Some(advice) = place("What you can do") else {
            panic!("{text}");
        };
        for title in [
            "The sites",
            "What was seen",
            "What was done",
            "What the host says",
            "What the command said",
            "Timeline",
        ] {
            assert!(place(title).is_none_or(|at| advice < at), "{text}");
        }
    }
}

/// What is never parted stands on one line: what is between backticks, a Japanese word, and what a space joins to one.
#[test]
fn no_command_and_no_word_is_wrapped() {
    let wide = |c: char| unicode_width::UnicodeWidthChar::width(c) == Some(2);
    let mut asked = [0, 0, 0];
    for note in entries::all() {
        for wording in [english(), japanese()] {
            let text = compose(&entry(note.clone()), &wording).text;
            let whole = |part: &str| text.lines().any(|line| line.contains(part));
            // Each sentence of a message for chats is one line.
            let sentences = brief(&Voice::of(&wording), &note).text;
            let sentences = sentences.lines().filter(|line| !line.starts_with('|'));
            for sentence in sentences {
                for code in sentence.split('`').skip(1).step_by(2) {
                    assert!(whole(&format!("`{code}`")), "{code}: {text}");
                    asked[0] += 1;
                }
                let ends = |c: char| c == ' ' || "、。！？（「『".contains(c);
                let words = sentence.split(ends).filter(|word| word.contains(wide));
                for word in words.map(|word| word.trim_end_matches(':')) {
                    assert!(whole(word), "{word}: {text}");
                    asked[1] += 1;
                }
                let letters: Vec<char> = sentence.chars().collect();
                for three in letters.windows(3) {
                    if three[1] == ' ' && three[0] != ':' && wide(three[0]) != wide(three[2]) {
                        let joint: String = three.iter().collect();
                        assert!(whole(&joint), "{joint}: {text}");
                        asked[2] += 1;
                    }
                }
            }
        }
    }
    assert!(asked.iter().all(|asked| *asked > 20), "{asked:?}");
}
