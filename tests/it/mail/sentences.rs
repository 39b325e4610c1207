//! The sentences shared by mails and terminal.

use std::time::Duration;

use probe::model::{Cause, Hold, HostName};
use probe::render::explain;

use super::entries::{NIGHT, after, voice};

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
