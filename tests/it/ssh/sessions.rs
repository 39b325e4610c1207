//! Commands that reach a real host, and how they end.

use std::time::{Duration, Instant};

use probe::model::{RecoveryOutcome, limits};

use super::server::Sshd;
use super::{eventually, expect, host, lives, on_real_host, recoverer, run};

#[tokio::test]
async fn success_with_output_of_both_kinds() {
    let report = on_real_host("echo out; echo err >&2").await;
    expect(&report, RecoveryOutcome::Succeeded, Some(0), &[]);
    assert!(
        report.output.contains("out") && report.output.contains("err"),
        "{report:?}"
    );
    assert!(report.duration > Duration::ZERO);
}

#[tokio::test]
async fn an_exit_status_is_the_commands_even_255() {
    for status in [1, 3, 70, 255] {
        let report = on_real_host(&format!("echo said; exit {status}")).await;
        expect(&report, RecoveryOutcome::Failed, Some(status), &[]);
        assert_eq!(report.output, "said");
    }
}

#[tokio::test]
async fn exit_statuses_that_say_more() {
    let report = on_real_host("no-such-program-anywhere").await;
    expect(
        &report,
        RecoveryOutcome::Failed,
        Some(127),
        &["not found on the host", "full path"],
    );
    let report = on_real_host("sh -c 'kill -TERM $$'; exit $?").await;
    expect(&report, RecoveryOutcome::Failed, Some(143), &["SIGTERM"]);
}

#[tokio::test]
async fn a_signal_leaves_the_end_unknown() {
    let report = on_real_host("kill -TERM $$").await;
    expect(
        &report,
        RecoveryOutcome::Unknown,
        None,
        &["killed by a signal on the host"],
    );
}

#[tokio::test]
async fn a_connection_lost_in_the_middle_leaves_the_end_unknown() {
    // More than fits into every buffer on the way, so that the beginning has arrived when the server dies.
    let report = on_real_host("echo begun; yes | head -c 4000000; kill -KILL $PPID; sleep 2").await;
    expect(
        &report,
        RecoveryOutcome::Unknown,
        None,
        &["connection lost after the command was sent"],
    );
    assert!(report.output.starts_with("begun"), "{report:?}");
}

#[tokio::test]
async fn a_command_that_never_returns_is_left_after_its_limit() {
    let directory = tempfile::tempdir().unwrap();
    let sshd = Sshd::start(directory.path());
    let mut host = host(&sshd);
    host.restart.timeout = Duration::from_secs(1);
    let began = Instant::now();
    let report = run(&recoverer(), host, "echo begun; exec sleep 8").await;
    expect(
        &report,
        RecoveryOutcome::TimedOut,
        None,
        &["no end within 1s", "may still be running"],
    );
    assert_eq!(report.output, "begun");
    assert!(began.elapsed() < Duration::from_secs(7), "{report:?}");
    let known_hosts = sshd.known_hosts.to_string_lossy();
    assert!(!lives(&known_hosts), "the client outlived its limit");
}

#[tokio::test]
async fn a_background_process_that_holds_the_output_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let sshd = Sshd::start(directory.path());
    let mut host = host(&sshd);
    host.restart.timeout = Duration::from_secs(1);
    let report = run(&recoverer(), host, "sleep 6 & exit 0").await;
    expect(
        &report,
        RecoveryOutcome::TimedOut,
        None,
        &["the command ended", "held its output open", "</dev/null"],
    );
}

#[tokio::test]
async fn a_flood_keeps_both_ends_and_the_limit_holds() {
    let report = on_real_host("echo FIRST; yes 0123456789 | head -c 30000000; echo LAST").await;
    expect(&report, RecoveryOutcome::Succeeded, Some(0), &[]);
    assert!(
        report.output.starts_with("FIRST\n0123") && report.output.ends_with("LAST"),
        "both ends are kept"
    );
    assert!(report.output.contains(" bytes left out …"));
    assert!(report.output.len() < 2 * limits::OUTPUT_KEPT + 100);

    let directory = tempfile::tempdir().unwrap();
    let sshd = Sshd::start(directory.path());
    let mut host = host(&sshd);
    host.restart.timeout = Duration::from_secs(1);
    let report = run(&recoverer(), host, "exec yes").await;
    assert_eq!(report.outcome, RecoveryOutcome::TimedOut, "{report:?}");
    assert!(report.output.len() < 2 * limits::OUTPUT_KEPT + 100);
}

#[tokio::test]
async fn output_cannot_steer_a_terminal() {
    let report = on_real_host(r"printf '\033[31mred\033[0m\033]0;t\007 a\rb \000\377\n'").await;
    expect(&report, RecoveryOutcome::Succeeded, Some(0), &[]);
    assert_eq!(report.output, "red a\nb \u{fffd}");
}

#[tokio::test]
async fn sudo_that_asks_for_a_password_names_the_missing_line() {
    let report = on_real_host(
        "sudo() { echo 'sudo: a password is required' >&2; return 1; }; sudo -n kusanagi restart",
    )
    .await;
    expect(
        &report,
        RecoveryOutcome::Failed,
        Some(1),
        &["a password is required", "NOPASSWD"],
    );
}

#[tokio::test]
async fn nobody_waits_any_more_and_the_client_is_gone() {
    let directory = tempfile::tempdir().unwrap();
    let sshd = Sshd::start(directory.path());
    let (host, known_hosts) = (host(&sshd), sshd.known_hosts.to_string_lossy().into_owned());
    let waiting = tokio::spawn(async move { run(&recoverer(), host, "exec sleep 5").await });
    eventually("the client runs", || lives(&known_hosts)).await;
    waiting.abort();
    eventually("the client is gone", || !lives(&known_hosts)).await;
}
