//! The SSH adapter against a real sshd, against servers that are none, and against a client that plays odd parts.

mod agent;
mod asking;
mod brake;
mod facts;
mod fake;
mod here;
mod look;
mod reach;
mod readings;
mod refusals;
mod scratch;
pub(crate) mod server;
mod sessions;
mod stage;
mod unreachable;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use probe::adapters::clock::SystemClock;
use probe::adapters::ssh::{SshLimits, SshRecoverer};
use probe::model::{
    AttemptId, Backoff, BootId, Budget, Guards, Host, HostName, Now, RecoverOrder, RecoveryOutcome,
    RecoveryReport, Restart, Rung, Timestamp, When,
};
use probe::ports::{Clock, Recoverer};
use server::Sshd;

/// A host behind `sshd`.
fn host(sshd: &Sshd) -> Host {
    Host {
        identity_file: Some(sshd.identity.clone()),
        known_hosts_file: Some(sshd.known_hosts.clone()),
        ..bare(&sshd.destination())
    }
}

/// A host of which only the destination is known.
fn bare(destination: &str) -> Host {
    Host {
        name: HostName::try_new("web1").unwrap(),
        ssh: destination.to_owned(),
        identity_file: None,
        operator_ssh: None,
        known_hosts_file: None,
        agent: false,
        diagnose: false,
        guards: Guards::by_default(),
        restart: Restart {
            commands: vec![Rung::Remote("true".to_owned())],
            allow_reboot: false,
            timeout: Duration::from_secs(60),
            settle: Duration::from_secs(45),
            backoff: Backoff {
                initial: Duration::from_secs(60),
                factor: 2.0,
                max: Duration::from_secs(1800),
            },
            budget: Budget {
                restarts: 3,
                per: Duration::from_secs(3600),
            },
            give_up_after: 3,
            causes: Vec::new(),
            when: When::Auto,
            mode: probe::model::Mode::Auto,
        },
        fingerprint: 0,
    }
}

/// How long an order may wait for its client.
const FRESH: Duration = Duration::from_secs(60);

/// A clock that stands still for so many readings; then an hour has gone by, as when the machine slept.
struct Sleeper(usize, AtomicUsize);

impl Clock for Sleeper {
    fn now(&self) -> Now {
        let slept = self.1.fetch_add(1, Ordering::SeqCst) >= self.0;
        Now {
            wall: Timestamp(0),
            boot: BootId("boot".to_owned()),
            since_boot: Duration::from_secs(if slept { 4600 } else { 1000 }),
        }
    }
}

fn sleeps_after(readings: usize) -> SshRecoverer {
    patient(Arc::new(Sleeper(readings, AtomicUsize::new(0))))
}

/// Nobody paused; a login may take long on a busy machine.
fn recoverer() -> SshRecoverer {
    patient(Arc::new(SystemClock::new()))
}

fn patient(clock: Arc<dyn Clock>) -> SshRecoverer {
    SshRecoverer::new(Arc::new(|_| false), clock).with_limits(SshLimits {
        connect: Duration::from_secs(30),
        look: Duration::from_secs(60),
        login: Duration::from_secs(60),
    })
}

async fn run(recoverer: &SshRecoverer, host: Host, command: &str) -> RecoveryReport {
    let order = RecoverOrder {
        host: host.name.clone(),
        attempt: AttemptId(1),
        rung: Rung::Remote(command.to_owned()),
    };
    recoverer.recover(Arc::new(host), order, FRESH).await
}

/// Runs `command` on a fresh sshd.
async fn on_real_host(command: &str) -> RecoveryReport {
    let directory = tempfile::tempdir().unwrap();
    let sshd = Sshd::start(directory.path());
    run(&recoverer(), host(&sshd), command).await
}

/// Checks outcome, exit status, and that the reason holds every one of `parts`.
#[track_caller]
fn expect(report: &RecoveryReport, outcome: RecoveryOutcome, status: Option<i32>, parts: &[&str]) {
    assert_eq!(
        (report.outcome, report.exit_status),
        (outcome, status),
        "{report:#?}"
    );
    let reason = report.reason.as_ref().map(ToString::to_string);
    let reason = reason.unwrap_or_default();
    for part in parts {
        assert!(
            reason.contains(part),
            "`{part}` is not in the reason: {report:#?}"
        );
    }
    assert_eq!(parts.is_empty(), report.reason.is_none(), "{report:#?}");
}

/// Waits until `condition` holds.
async fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    for _ in 0..600 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("never: {what}");
}

/// Whether a process with `word` in its arguments lives.
fn lives(word: &str) -> bool {
    std::fs::read_dir("/proc").unwrap().flatten().any(|entry| {
        let arguments = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let own = entry.file_name().to_string_lossy() == std::process::id().to_string();
        !own && String::from_utf8_lossy(&arguments).contains(word)
    })
}

/// Writes an executable `ssh` into `directory`.
fn fake_client(directory: &Path, script: &str) -> SshRecoverer {
    use std::os::unix::fs::PermissionsExt;
    let program = directory.join("ssh");
    std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    recoverer().with_path(directory.as_os_str().to_owned())
}
