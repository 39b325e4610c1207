//! The sentences shared by mails and terminal.

use std::time::Duration;

use probe::model::{
    Cause, FieldValue, Finding, GivenUp, Hold, HostName, NotEvidence, Observation, Phase,
    ProfileName, Reason,
};
use probe::render::explain;
use probe::render::mail::{brief, seen};
use probe::render::words::Voice;

use super::entries::{self, NIGHT, after, japanese, voice};

#[test]
fn every_hold_is_a_sentence_that_says_until_when() {
    let host = HostName::try_new("web2").unwrap();
    let profile = ProfileName::try_new("shop").unwrap();
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
            Hold::NotEvidence {
                profile: profile.clone(),
                why: NotEvidence::Elsewhere {
                    authority: "cdn.example.net:443".to_owned(),
                },
            },
            vec!["shop", "cdn.example.net:443", "web1", "redirect"],
        ),
        (
            Hold::NotEvidence {
                profile: profile.clone(),
                why: NotEvidence::AnswersBrowsers {
                    header: "User-Agent: probe/0.1.0".to_owned(),
                },
            },
            vec!["shop", "`User-Agent: probe/0.1.0`", "web1", "browser"],
        ),
        (
            Hold::NotEvidence {
                profile: profile.clone(),
                why: NotEvidence::NeverUp,
            },
            vec!["shop", "never seen up", "`probe resume web1`"],
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
        (Hold::AwaitingProbe, vec!["probed"]),
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
            Hold::FleetBudget {
                restarts: 10,
                until,
            },
            vec!["10 times within 1h", time],
        ),
        (
            Hold::MassFailure {
                failing: 5,
                hosts: 6,
            },
            vec!["5 of 6", "does not run"],
        ),
        (Hold::BrakeLatched, vec!["3 of them", "`probe resume all`"]),
        (
            Hold::SshUnreachable {
                reason: Reason::PortSilent,
                until,
            },
            vec!["web1", "SSH port does not answer", time],
        ),
        (
            Hold::LoginRefused {
                reason: Reason::Penalised,
                until,
            },
            vec!["web1", "PerSourcePenalties", time],
        ),
        (
            Hold::GaveUp {
                reason: GivenUp::Other("3 restarts did not help.".to_owned()),
            },
            vec!["`probe resume web1`", "did not help."],
        ),
    ];
    for (hold, words) in cases {
        let said = explain::hold(&voice(), &hold, "web1", |at| at);
        for word in words {
            assert!(said.contains(word), "{hold:?}: {said}");
        }
        assert!(said.ends_with('.') && !said.contains("  "), "{said}");
    }
    let shifted = explain::hold(
        &voice(),
        &Hold::Backoff {
            until: NIGHT - hour,
        },
        "web1",
        |at| at + hour,
    );
    assert!(shifted.contains(time), "{shifted}");
}

#[test]
fn times_of_day_are_in_utc() {
    assert_eq!(voice().clock(NIGHT), "06:00:41 UTC");
    assert_eq!(voice().minute(NIGHT), "06:00 UTC");
    assert_eq!(voice().day_clock(NIGHT), "22 Nov 2026, 06:00:41 UTC");
    assert!(voice().same_day(NIGHT, after(64_758)));
    assert!(!voice().same_day(NIGHT, after(64_759)));
}

#[test]
fn every_cause_has_a_sentence_of_its_own() {
    let mut said: Vec<String> = Cause::ALL
        .iter()
        .map(|cause| explain::cause_sentence(&voice(), *cause))
        .collect();
    assert!(said.iter().all(|sentence| sentence.ends_with('.')));
    said.sort_unstable();
    said.dedup();
    assert_eq!(said.len(), Cause::ALL.len());
}

/// English mails say of a finding what the JSON documents say, with marks around what is quoted; Japanese ones say all that it
/// holds, and no English of ours.
#[test]
fn every_finding_is_said_in_both_languages_with_all_it_holds() {
    let japanese = Voice::of(&japanese());
    for finding in Finding::all() {
        let plain = finding.to_string();
        let said = explain::finding(&voice(), &finding);
        // A quotation's own marks stand in place of backticks.
        let unmarked = |text: &str| text.replace(['“', '”', '`'], "");
        assert_eq!(unmarked(&said), unmarked(&plain));
        let said = explain::finding(&japanese, &finding);
        for (name, held) in finding.values() {
            if let FieldValue::Quoted(_) | FieldValue::Text(_) = held {
                assert!(said.contains(name), "{name}: {said}");
            }
        }
        for word in [" the ", " not ", " was ", " is ", "refused"] {
            assert!(!said.contains(word), "{word}: {said}");
        }
        assert!(!said.ends_with('。') && !plain.ends_with('.'), "{said}");
    }
}

/// Each reason has its words in both languages, and they say all that is known: a translation that leaves out the fingerprint
/// of a changed host key is none. Words for people who read Japanese hold no English of ours.
#[test]
fn every_reason_is_said_in_both_languages_with_all_its_values() {
    let japanese = Voice::of(&japanese());
    let mut sentences: Vec<String> = Vec::new();
    for reason in Reason::all() {
        let plain = reason.to_string();
        assert_eq!(
            explain::reason(&voice(), &reason),
            plain,
            "the terminal and English mails say the same"
        );
        let said = explain::reason(&japanese, &reason);
        for (name, value) in reason.values() {
            assert!(plain.contains(value), "{name}: {plain}");
            assert!(said.contains(value), "{name}: {said}");
        }
        for word in [" the ", " not ", " was ", " host ", "refused"] {
            assert!(!said.contains(word), "{word}: {said}");
        }
        assert!(!said.is_ascii(), "{said}");
        assert!(!said.ends_with('。') && !plain.ends_with('.'), "{said}");
        sentences.push(said);
    }
    let count = sentences.len();
    sentences.sort_unstable();
    sentences.dedup();
    assert_eq!(
        (count, sentences.len()),
        (79, 79),
        "each says something else"
    );
    assert!(japanese.complaints().is_empty());
    assert!(voice().complaints().is_empty());
}

/// Why we gave up is said in the reader's language with its numbers; only what others said stays in their words, quoted.
#[test]
fn every_reason_to_give_up_is_said_in_both_languages() {
    let said = || Some(Reason::Other("Permission denied (publickey).".to_owned()));
    let japanese = Voice::of(&japanese());
    for (reason, number) in [
        (GivenUp::Spent { tries: 1 }, "1"),
        (GivenUp::Spent { tries: 3 }, "3"),
        (
            GivenUp::Unreached {
                tries: 4,
                said: said(),
            },
            "4",
        ),
        (
            GivenUp::Unreached {
                tries: 4,
                said: None,
            },
            "4",
        ),
        (GivenUp::Relapsed { tries: 5 }, "10 分"),
        (GivenUp::ConfigBroken { asked: 1 }, "1"),
        (GivenUp::ConfigBroken { asked: 2 }, "2"),
        (GivenUp::ConfigBroken { asked: 7 }, "7"),
        (
            GivenUp::LoginRefused {
                said: Some(Reason::KeyOpen {
                    key: "/etc/probe/id".to_owned(),
                }),
            },
            "chmod 600",
        ),
        (GivenUp::LoginRefused { said: None }, "拒否"),
        (GivenUp::Other("old words".to_owned()), "「old words」"),
    ] {
        let plain = reason.to_string();
        assert_eq!(
            explain::given_up(&voice(), &reason),
            plain.trim_end_matches('.'),
            "the terminal and English mails say the same"
        );
        let told = explain::hold(&japanese, &Hold::GaveUp { reason }, "web1", |at| at);
        assert!(told.contains(number), "{told}");
        let mut ours = told.clone();
        while let (Some(from), Some(to)) = (ours.find('「'), ours.find('」')) {
            ours.replace_range(from..to + '」'.len_utf8(), "");
        }
        for word in [" the ", "down", "attempt", "refused", "denied", "words"] {
            assert!(!ours.contains(word), "{word}: {told}");
        }
    }
}

/// One spacing: a half-width space between a figure and its unit, and none before a particle that follows Japanese letters.
#[test]
fn japanese_is_spaced_in_one_way() {
    let figures =
        regex::Regex::new(r"[0-9](秒|分|時間|ミリ秒|回|件|通|行|個|%)|[ぁ-ん一-龠ァ-ヶ] [ぁ-ん]")
            .unwrap();
    for note in entries::all()
        .into_iter()
        .chain([super::crowds::down_together()])
    {
        let said = brief(&Voice::of(&japanese()), &note);
        for line in said.text.lines().filter(|line| !line.starts_with('|')) {
            assert!(!figures.is_match(line), "{line}");
        }
        assert!(!figures.is_match(&said.subject), "{}", said.subject);
    }
}

#[test]
fn nobody_listens_is_said_of_an_address() {
    let mut note = entries::down();
    note.seen = vec![Observation::Check {
        url: "http://shop.example.com/".to_owned(),
        cause: Cause::Refused,
        finding: Box::new(Finding::Refused),
        address: "192.0.2.10:80".parse().ok(),
        phase: Some(Phase::Connect),
    }];
    let said = |wording| seen(&Voice::of(&wording), &note).join("");
    assert_eq!(
        said(japanese()),
        "http://shop.example.com/: 接続拒否（192.0.2.10:80 で待ち受けているプログラムがありません）"
    );
    assert_eq!(
        said(entries::english()),
        "http://shop.example.com/: connection refused: nothing listens there (at 192.0.2.10:80, while connecting)"
    );
}
