//! A client that plays the parts a real one cannot be brought to, as a script named `ssh`.

use std::time::Duration;

use probe::adapters::ssh::SshLimits;
use probe::model::RecoveryOutcome;

use super::{bare, eventually, expect, fake_client, lives, run};

/// Opens the log (after `-T -E`) as descriptor 3.
const LOG: &str = "exec 3>>\"$3\"";

#[tokio::test]
async fn a_limit_ends_the_whole_process_group() {
    let directory = tempfile::tempdir().unwrap();
    let mark = directory.path().join("proxy-of-this-test");
    std::os::unix::fs::symlink("/bin/sleep", &mark).unwrap();
    let mark = mark.to_string_lossy();
    let recoverer =
        fake_client(directory.path(), &format!("{mark} 300 & {mark} 300")).with_limits(SshLimits {
            connect: Duration::from_secs(1),
            look: Duration::from_secs(60),
            login: Duration::from_secs(2),
        });
    let waiting = tokio::spawn(async move { run(&recoverer, bare("a@b"), "true").await });
    eventually("the proxy runs", || lives(&mark)).await;
    let report = waiting.await.unwrap();
    expect(
        &report,
        RecoveryOutcome::NotExecuted,
        None,
        &["no login within 2s"],
    );
    eventually("the proxy is gone", || !lives(&mark)).await;
}

#[tokio::test]
async fn what_a_client_left_behind_is_ended_too() {
    let directory = tempfile::tempdir().unwrap();
    let mark = directory.path().join("left-behind-by-this-test");
    std::os::unix::fs::symlink("/bin/sleep", &mark).unwrap();
    let mark = mark.to_string_lossy();
    let recoverer = fake_client(
        directory.path(),
        &format!(
            "{LOG}; {mark} 300 & \
             printf 'Authenticated to b\\ndebug1: Sending command: true\\ndebug1: Exit status 0\\n' >&3"
        ),
    );
    let report = run(&recoverer, bare("a@b"), "true").await;
    expect(&report, RecoveryOutcome::Succeeded, Some(0), &[]);
    assert!(report.duration < Duration::from_secs(30));
    eventually("what was left is gone", || !lives(&mark)).await;
}

#[tokio::test]
async fn a_client_killed_here_is_told_from_a_lost_connection() {
    for (lines, outcome, part) in [
        (
            "Authenticated to b\\ndebug1: Sending command: true\\n",
            RecoveryOutcome::Unknown,
            "killed by signal 9 on this machine after the command was sent",
        ),
        (
            "Authenticated to b\\n",
            RecoveryOutcome::NotExecuted,
            "killed by signal 9 on this machine",
        ),
        (
            "Authenticated to b\\nConnection to b closed by remote host.\\n",
            RecoveryOutcome::NotExecuted,
            "connection lost before the command was sent",
        ),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let script = format!("{LOG}; printf '{lines}' >&3; kill -KILL $$");
        let recoverer = fake_client(directory.path(), &script);
        let report = run(&recoverer, bare("a@b"), "true").await;
        expect(&report, outcome, None, &[part]);
    }
}

#[tokio::test]
async fn an_account_without_a_name_is_told_what_to_change() {
    let directory = tempfile::tempdir().unwrap();
    let recoverer = fake_client(
        directory.path(),
        "echo 'No user exists for uid 54321' >&2; exit 255",
    );
    let report = run(&recoverer, bare("a@b"), "true").await;
    expect(
        &report,
        RecoveryOutcome::NotExecuted,
        None,
        &["No user exists for uid 54321", "/etc/passwd"],
    );
}

#[tokio::test]
async fn a_session_that_never_begins_was_not_executed() {
    let directory = tempfile::tempdir().unwrap();
    let script = format!("{LOG}; echo 'Authenticated to b' >&3; exec sleep 60");
    let recoverer = fake_client(directory.path(), &script);
    let mut host = bare("a@b");
    host.restart.timeout = Duration::from_secs(1);
    let report = run(&recoverer, host, "true").await;
    expect(
        &report,
        RecoveryOutcome::NotExecuted,
        None,
        &["logged in, but the host opened no session within 1s"],
    );
}

#[tokio::test]
async fn the_client_gets_our_options_first_and_little_of_our_environment() {
    let directory = tempfile::tempdir().unwrap();
    let recoverer = fake_client(directory.path(), "env | sort; printf '<%s>' \"$@\"");
    let mut host = bare("-never@b".trim_start_matches('-'));
    host.identity_file = Some("/dev/null".into());
    let report = run(&recoverer, host, "one two; three").await;
    for part in [
        "<-o><StrictHostKeyChecking=yes>",
        "<-o><BatchMode=yes>",
        "<-o><IdentityFile=\"/dev/null\"><-o><IdentitiesOnly=yes>",
        "<--><never@b><one two; three>",
        "LC_ALL=C",
    ] {
        assert!(report.output.contains(part), "{part}: {}", report.output);
    }
    let allowed = [
        "HOME=",
        "USER=",
        "LOGNAME=",
        "PATH=",
        "SSH_AUTH_SOCK=",
        "KRB5CCNAME=",
        "LC_ALL=",
        "PWD=",
    ];
    let environment = report
        .output
        .lines()
        .take_while(|line| !line.starts_with('<'));
    for line in environment {
        assert!(allowed.iter().any(|name| line.starts_with(name)), "{line}");
    }
    assert!(
        !report.output.contains("KnownHostsFile"),
        "{}",
        report.output
    );
}

/// Clients before OpenSSH 8.7 end over an option that they do not know, before they go anywhere: they are started without it. What
/// the host says is no reason to start one again.
#[tokio::test]
async fn an_older_client_is_started_without_what_it_does_not_know() {
    let complaint = "command-line: line 0: Bad configuration option: sessiontype";
    let runs = |reached: &str| {
        format!("{LOG}; printf 'Authenticated to b\\n{reached}debug1: Exit status 0\\n' >&3")
    };
    let sent = runs("debug1: Sending command: true\\n");
    for (script, starts) in [
        (
            format!(
                "case \"$*\" in *SessionType=default*) echo '{complaint}' >&2; exit 255;; esac; {sent}"
            ),
            2,
        ),
        (format!("echo '{complaint}'; {sent}"), 1),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let count = directory.path().join("starts");
        let script = format!("echo started >> {}; {script}", count.display());
        let recoverer = fake_client(directory.path(), &script);
        let report = run(&recoverer, bare("a@b"), "true").await;
        expect(&report, RecoveryOutcome::Succeeded, Some(0), &[]);
        let started = std::fs::read_to_string(&count).unwrap();
        assert_eq!(started.lines().count(), starts, "{script}");
    }
}
