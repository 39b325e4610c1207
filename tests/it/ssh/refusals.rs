//! What stays refused until a person has acted.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use probe::model::RecoveryOutcome::Refused;

use super::server::{Sshd, new_key, new_locked_key, public, trust};
use super::{bare, expect, host, recoverer, run};

#[tokio::test]
async fn an_unknown_host_is_never_trusted() {
    let directory = tempfile::tempdir().unwrap();
    let sshd = Sshd::start(directory.path());
    std::fs::write(&sshd.known_hosts, "").unwrap();
    let report = run(&recoverer(), host(&sshd), "true").await;
    let scan = format!(
        "`ssh-keyscan -p {} 127.0.0.1 >> {}`",
        sshd.port,
        sshd.known_hosts.display()
    );
    expect(
        &report,
        Refused,
        None,
        &["is not known", "it shows SHA256:", &scan],
    );
    assert_eq!(std::fs::read_to_string(&sshd.known_hosts).unwrap(), "");
}

#[tokio::test]
async fn a_changed_host_key_is_a_hard_stop() {
    let directory = tempfile::tempdir().unwrap();
    let sshd = Sshd::start(directory.path());
    let other = directory.path().join("other");
    new_key(&other);
    trust(&sshd.known_hosts, sshd.port, &other);
    let report = run(&recoverer(), host(&sshd), "true").await;
    expect(
        &report,
        Refused,
        None,
        &[
            "has changed",
            "reinstalled, or somebody is in between",
            "ssh-keygen -R",
        ],
    );

    let key = std::fs::read_to_string(directory.path().join("host_key.pub")).unwrap();
    let line = format!("@revoked [127.0.0.1]:{} {key}", sshd.port);
    std::fs::write(&sshd.known_hosts, line).unwrap();
    let report = run(&recoverer(), host(&sshd), "true").await;
    expect(&report, Refused, None, &["is marked as revoked"]);
}

#[tokio::test]
async fn a_key_that_is_not_accepted() {
    let directory = tempfile::tempdir().unwrap();
    let sshd = Sshd::start(directory.path());
    let mut host = host(&sshd);
    let stranger = directory.path().join("stranger");
    new_key(&stranger);
    host.identity_file = Some(stranger);
    let report = run(&recoverer(), host, "true").await;
    expect(
        &report,
        Refused,
        None,
        &["login refused", "Permission denied", "authorized_keys"],
    );
}

#[tokio::test]
async fn keys_that_cannot_be_used() {
    let directory = tempfile::tempdir().unwrap();
    let sshd = Sshd::start(directory.path());
    let with = |identity: PathBuf| {
        let mut host = host(&sshd);
        host.identity_file = Some(identity);
        host
    };
    let file = |name: &str| directory.path().join(name);

    let report = run(&recoverer(), with(file("missing")), "true").await;
    expect(
        &report,
        Refused,
        None,
        &["identity_file", "missing cannot be read", "No such file"],
    );

    std::fs::copy(&sshd.identity, file("loose")).unwrap();
    std::fs::set_permissions(file("loose"), PermissionsExt::from_mode(0o644)).unwrap();
    let report = run(&recoverer(), with(file("loose")), "true").await;
    expect(&report, Refused, None, &["chmod 600"]);

    new_locked_key(&file("locked"), "secret");
    let authorized = std::fs::read(public(&file("locked"))).unwrap();
    std::fs::write(file("authorized_keys"), authorized).unwrap();
    let report = run(&recoverer(), with(file("locked")), "true").await;
    expect(&report, Refused, None, &["passphrase"]);

    std::fs::write(file("garbage"), "no key").unwrap();
    std::fs::set_permissions(file("garbage"), PermissionsExt::from_mode(0o600)).unwrap();
    let report = run(&recoverer(), with(file("garbage")), "true").await;
    expect(&report, Refused, None, &["Load key"]);
}

#[tokio::test]
async fn a_missing_known_hosts_file_is_said_plainly() {
    let mut host = bare("probe@127.0.0.1");
    host.known_hosts_file = Some("/nonexistent/known_hosts".into());
    let report = run(&recoverer(), host, "true").await;
    expect(
        &report,
        Refused,
        None,
        &["the known_hosts_file /nonexistent/known_hosts cannot be read"],
    );
}

#[tokio::test]
async fn a_destination_is_never_an_option() {
    let directory = tempfile::tempdir().unwrap();
    let trap = directory.path().join("trap");
    for destination in [
        format!("-oProxyCommand=touch {}", trap.display()),
        String::new(),
    ] {
        let report = run(&recoverer(), bare(&destination), "true").await;
        expect(&report, Refused, None, &["is no destination"]);
    }
    let sshd = Sshd::start(directory.path());
    let command = format!("-oProxyCommand=touch {}", trap.display());
    let report = run(&recoverer(), host(&sshd), &command).await;
    assert!(report.exit_status.is_some(), "{report:?}");
    assert!(!trap.exists(), "the command became an option");
}
