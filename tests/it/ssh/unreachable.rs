//! Hosts to which no connection comes about: nothing was executed.

use std::io::Write;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use probe::adapters::clock::SystemClock;
use probe::adapters::ssh::{SshLimits, SshRecoverer};
use probe::model::Diagnosis;
use probe::model::RecoveryOutcome::{self, NotExecuted};
use probe::ports::Recoverer as _;

use super::server::Sshd;
use super::{bare, expect, host, lives, recoverer, run, sleeps_after};
use crate::ports::closed_port;

#[tokio::test]
async fn a_refused_port() {
    let host = bare(&format!("ssh://nobody@{}", closed_port()));
    let report = run(&recoverer(), host, "true").await;
    expect(
        &report,
        NotExecuted,
        None,
        &["connection refused: ssh: connect to host 127.0.0.1"],
    );
}

#[tokio::test]
async fn a_name_that_does_not_exist() {
    let report = run(&recoverer(), bare("nobody@no-such-host.invalid"), "true").await;
    expect(
        &report,
        NotExecuted,
        None,
        &["name not resolved", "no-such-host.invalid"],
    );
}

#[tokio::test]
async fn a_listener_that_never_speaks() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let destination = format!(
        "ssh://nobody@127.0.0.1:{}",
        listener.local_addr().unwrap().port()
    );
    let recoverer = recoverer().with_limits(SshLimits {
        connect: Duration::from_secs(30),
        look: Duration::from_secs(60),
        login: Duration::from_secs(1),
    });
    let began = Instant::now();
    let report = run(&recoverer, bare(&destination), "true").await;
    expect(
        &report,
        NotExecuted,
        None,
        &["no login within 1s", "no SSH server spoke"],
    );
    assert!(began.elapsed() < Duration::from_secs(10));
    assert!(!lives(&destination), "the client outlived its limit");

    let recoverer = recoverer.with_limits(SshLimits {
        connect: Duration::from_secs(1),
        look: Duration::from_secs(60),
        login: Duration::from_secs(30),
    });
    let report = run(&recoverer, bare(&destination), "true").await;
    expect(&report, NotExecuted, None, &["timed out"]);
}

#[tokio::test]
async fn a_host_that_closes_in_the_key_exchange() {
    for greeting in ["", "SSH-2.0-OpenSSH_9.2p1\r\n"] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = std::thread::spawn(move || {
            let (mut connection, _) = listener.accept().unwrap();
            connection.write_all(greeting.as_bytes()).unwrap();
        });
        let host = bare(&format!("ssh://nobody@127.0.0.1:{port}"));
        let report = run(&recoverer(), host, "true").await;
        server.join().unwrap();
        expect(
            &report,
            NotExecuted,
            None,
            &["closed in the key exchange", "out of processes"],
        );
    }
}

#[tokio::test]
async fn no_client_on_the_path() {
    let empty = tempfile::tempdir().unwrap();
    for search in [empty.path().as_os_str().to_owned(), "".into(), ".".into()] {
        let recoverer = recoverer().with_path(search);
        let report = run(&recoverer, bare("nobody@127.0.0.1"), "true").await;
        expect(
            &report,
            NotExecuted,
            None,
            &["no `ssh` on the PATH: install openssh-client"],
        );
    }
}

#[tokio::test]
async fn a_person_who_paused_is_asked_last() {
    let directory = tempfile::tempdir().unwrap();
    let sshd = Sshd::start(directory.path());
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let pause = move |_: &_| {
        count.fetch_add(1, Ordering::SeqCst);
        true
    };
    let recoverer = SshRecoverer::new(Arc::new(pause), Arc::new(SystemClock::new()));
    let trap = directory.path().join("trap");
    let report = run(
        &recoverer,
        host(&sshd),
        &format!("touch {}", trap.display()),
    )
    .await;
    expect(&report, NotExecuted, None, &["paused by a person"]);
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    assert!(!trap.exists());
}

#[tokio::test]
async fn an_order_that_our_own_sleep_made_old_is_not_begun() {
    let directory = tempfile::tempdir().unwrap();
    let sshd = Sshd::start(directory.path());
    let trap = directory.path().join("trap");
    let command = format!("touch {}", trap.display());
    // Read when the order comes in; by the last look an hour has gone by.
    let recoverer = sleeps_after(1);
    let report = run(&recoverer, host(&sshd), &command).await;
    let reason = "too old to be begun";
    expect(&report, NotExecuted, None, &["our own machine", reason]);
    assert!(!trap.exists());
    // And with a clock that stands still the same order is carried out.
    let recoverer = sleeps_after(usize::MAX);
    let report = run(&recoverer, host(&sshd), &command).await;
    expect(&report, RecoveryOutcome::Succeeded, Some(0), &[]);
    assert!(trap.exists());
}

#[tokio::test]
async fn a_client_that_wakes_up_after_our_sleep_is_killed_before_it_logs_in() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut silent = bare("nobody@127.0.0.1");
    silent.ssh = format!("ssh://nobody@127.0.0.1:{port}");
    // Read when the order comes in, at the last look and when the client is started.
    let recoverer = sleeps_after(3);
    let report = run(&recoverer, silent, "true").await;
    expect(&report, NotExecuted, None, &["no login within 60s"]);
    assert!(
        report.duration < Duration::from_secs(10),
        "the limit of 60 s is over by the clock that went on: {report:?}"
    );
    drop(listener);
}

/// Where the login's shell is `nologin`, nothing is executed, neither as a restart nor as a look; the host's own words are told.
#[tokio::test]
async fn an_account_for_which_nothing_is_run() {
    let directory = tempfile::tempdir().unwrap();
    let sshd = Sshd::start(directory.path());
    let keys = directory.path().join("authorized_keys");
    let key = std::fs::read_to_string(&keys).unwrap();
    let said = "This account is currently not available.";
    let command = format!("echo '{said}'; exit 1");
    std::fs::write(&keys, format!("restrict,command=\"{command}\" {key}")).unwrap();
    let report = run(&recoverer(), host(&sshd), "true").await;
    expect(&report, NotExecuted, None, &["runs nothing for it", said]);
    let looked = recoverer().diagnose(Arc::new(host(&sshd)), vec![]).await;
    let is_told =
        matches!(&looked, Diagnosis::NotIn { reason, .. } if reason.to_string().contains(said));
    assert!(is_told, "{looked:?}");
}
