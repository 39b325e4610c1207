//! Rungs that run on this machine.

use std::sync::Arc;
use std::time::Duration;

use probe::adapters::clock::SystemClock;
use probe::adapters::ssh::SshRecoverer;
use probe::model::{AttemptId, Host, RecoverOrder, RecoveryOutcome, RecoveryReport, Rung};
use probe::ports::Recoverer;

use super::{bare, expect, lives, recoverer};

async fn here(recoverer: &SshRecoverer, host: Host, words: &[&str]) -> RecoveryReport {
    let order = RecoverOrder {
        host: host.name.clone(),
        attempt: AttemptId(1),
        rung: Rung::Local(words.iter().map(|word| (*word).to_owned()).collect()),
    };
    recoverer.recover(Arc::new(host), order, super::FRESH).await
}

#[tokio::test]
async fn a_program_is_run_without_a_shell_and_with_little_of_our_environment() {
    let words = ["/usr/bin/printf", "%s|", "a b", "$HOME", "`id`"];
    let report = here(&recoverer(), bare("web1"), &words).await;
    expect(&report, RecoveryOutcome::Succeeded, Some(0), &[]);
    assert_eq!(report.output, "a b|$HOME|`id`|");
    let report = here(&recoverer(), bare("web1"), &["/usr/bin/env"]).await;
    let names: Vec<&str> = report
        .output
        .lines()
        .filter_map(|line| line.split('=').next())
        .collect();
    let known = [
        "LC_ALL",
        "HOME",
        "USER",
        "LOGNAME",
        "PATH",
        "SSH_AUTH_SOCK",
        "KRB5CCNAME",
    ];
    assert!(names.iter().all(|name| known.contains(name)), "{names:?}");
}

#[tokio::test]
async fn how_it_ends_is_told() {
    let sh = |script| ["/bin/sh", "-c", script];
    let report = here(
        &recoverer(),
        bare("web1"),
        &sh("echo no such machine >&2; exit 3"),
    )
    .await;
    expect(&report, RecoveryOutcome::Failed, Some(3), &[]);
    assert_eq!(report.output, "no such machine");
    let report = here(&recoverer(), bare("web1"), &sh("kill -9 $$")).await;
    expect(
        &report,
        RecoveryOutcome::Unknown,
        None,
        &["killed by a signal"],
    );
    let report = here(&recoverer(), bare("web1"), &["/no/such/program"]).await;
    expect(
        &report,
        RecoveryOutcome::NotExecuted,
        None,
        &["/no/such/program could not be started"],
    );
}

/// At its limit it is ended with everything it started.
#[tokio::test]
async fn a_limit_ends_the_whole_group() {
    let mut host = bare("web1");
    host.restart.timeout = Duration::from_millis(500);
    let words = ["/bin/sh", "-c", "sleep 4711.25 & sleep 4711.25"];
    let report = here(&recoverer(), host, &words).await;
    expect(
        &report,
        RecoveryOutcome::TimedOut,
        None,
        &["did not end within 500ms"],
    );
    super::eventually("what it started is gone", || !lives("4711.25")).await;
}

#[tokio::test]
async fn a_pause_keeps_it_back() {
    let paused = SshRecoverer::new(Arc::new(|_| true), Arc::new(SystemClock::new()));
    let report = here(&paused, bare("web1"), &["/bin/true"]).await;
    expect(
        &report,
        RecoveryOutcome::NotExecuted,
        None,
        &["paused by a person"],
    );
}

#[tokio::test]
async fn an_order_that_our_own_sleep_made_old_is_not_begun() {
    let late = super::sleeps_after(1);
    let report = here(&late, bare("web1"), &["/bin/true"]).await;
    let reason = "too old to be begun";
    expect(&report, RecoveryOutcome::NotExecuted, None, &[reason]);
}
