//! The agent on the web host: `deploy/host/probe-agent`, over a real login through its forced command.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use probe::model::{RecoveryOutcome, RecoveryReport};

use super::server::Sshd;
use super::{expect, host, recoverer, run};

const AGENT: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/deploy/host/probe-agent"
));

/// A host whose only key runs the agent; its files lie in a directory of the test.
struct Place {
    directory: tempfile::TempDir,
    sshd: Sshd,
}

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let sshd = Sshd::start(directory.path());
        let place = Self { directory, sshd };
        let agent = place.file("probe-agent");
        let settings = place.file("agent.conf");
        let text = AGENT.replace("/etc/probe-agent.conf", &settings);
        assert_ne!(text, AGENT);
        std::fs::write(&agent, text).unwrap();
        std::fs::set_permissions(&agent, PermissionsExt::from_mode(0o755)).unwrap();
        let keys = place.file("authorized_keys");
        let key = std::fs::read_to_string(&keys).unwrap();
        std::fs::write(&keys, format!("restrict,command=\"{agent}\" {key}")).unwrap();
        place.settings("");
        place
    }

    fn file(&self, name: &str) -> String {
        self.directory
            .path()
            .join(name)
            .to_string_lossy()
            .into_owned()
    }

    /// Guards that this machine passes, a restart that leaves a line behind, and `more`.
    fn settings(&self, more: &str) {
        let text = format!(
            "STATE={}\nMIN_DISK=0\nMIN_INODES=0\nMIN_MEMORY=0\nRESTART_1='echo one >>{}; echo done'\n{more}\n",
            self.file("state"),
            self.file("restarted")
        );
        std::fs::write(self.file("agent.conf"), text).unwrap();
    }

    async fn order(&self, order: &str) -> RecoveryReport {
        run(&recoverer(), host(&self.sshd), order).await
    }

    fn restarts(&self) -> usize {
        let log = self.file("restarted");
        if Path::new(&log).exists() {
            std::fs::read_to_string(log).unwrap().lines().count()
        } else {
            0
        }
    }
}

#[tokio::test]
async fn it_restarts_so_often_and_no_more() {
    let place = Place::new();
    for done in 1..=3 {
        let report = place.order("probe-agent 1 restart").await;
        expect(&report, RecoveryOutcome::Succeeded, Some(0), &[]);
        assert_eq!(place.restarts(), done);
    }
    let report = place.order("probe-agent 1 restart").await;
    expect(
        &report,
        RecoveryOutcome::Failed,
        Some(70),
        &["too many restarts"],
    );
    assert_eq!(place.restarts(), 3);

    // After a reboot the wall clock counts, and a time in the future is not a way out.
    let written = std::fs::read_to_string(place.file("state/restarts")).unwrap();
    let other: String = written
        .lines()
        .map(|line| {
            let wall: u64 = line.rsplit(' ').next().unwrap().parse().unwrap();
            format!("another-boot 5 {}\n", wall + 100_000)
        })
        .collect();
    std::fs::write(place.file("state/restarts"), other).unwrap();
    let report = place.order("probe-agent 1 restart").await;
    expect(
        &report,
        RecoveryOutcome::Failed,
        Some(70),
        &["too many restarts"],
    );

    let report = place.order("probe-agent 1 diagnose").await;
    expect(&report, RecoveryOutcome::Succeeded, Some(0), &[]);
    for line in [
        "agent=1\n",
        "boot=",
        "disk_free=",
        "unit_nginx=",
        "restarts_in_window=3",
    ] {
        assert!(report.output.contains(line), "{line}: {report:?}");
    }
}

#[tokio::test]
async fn it_knows_two_orders() {
    let place = Place::new();
    let trap = place.file("trap");
    for order in [
        "true".to_owned(),
        "1 restart; touch x".to_owned(),
        "probe-agent 2 restart".to_owned(),
        "probe-agent 1 restart 10".to_owned(),
        "probe-agent 1 restart x".to_owned(),
        format!("probe-agent 1 restart; touch {trap}"),
        format!("probe-agent 1 restart $(touch {trap})"),
        format!("probe-agent 1 diagnose\ntouch {trap}"),
    ] {
        let report = place.order(&order).await;
        assert_eq!(report.exit_status, Some(64), "{order}: {report:?}");
    }
    assert!(!Path::new(&trap).exists());
    assert_eq!(place.restarts(), 0);
}

#[tokio::test]
async fn it_refuses_what_would_make_things_worse() {
    let place = Place::new();
    for guard in ["MIN_DISK=101", "MIN_INODES=101", "MIN_MEMORY=101"] {
        place.settings(guard);
        let report = place.order("probe-agent 1 restart").await;
        expect(&report, RecoveryOutcome::Failed, Some(72), &["used up"]);
    }
    place.settings("CONFIG_TEST='echo unexpected }; exit 1'");
    let report = place.order("probe-agent 1 restart").await;
    expect(
        &report,
        RecoveryOutcome::Failed,
        Some(73),
        &["configuration is broken"],
    );
    assert!(report.output.contains("unexpected }"), "{report:?}");
    assert_eq!(place.restarts(), 0);
    assert!(
        !Path::new(&place.file("state/restarts")).exists(),
        "what was refused was counted"
    );
}

#[tokio::test]
async fn one_restart_at_a_time_and_the_ladder() {
    let place = Place::new();
    let (began, go_on) = (place.file("began"), place.file("go-on"));
    place.settings(&format!(
        "RESTART_2='touch {began}; while [ ! -e {go_on} ]; do sleep 0.1; done; exit 73'\nLIMIT=60"
    ));
    let second = async {
        super::eventually("the first restart runs", || Path::new(&began).exists()).await;
        let report = place.order("probe-agent 1 restart").await;
        std::fs::write(&go_on, "").unwrap();
        report
    };
    // Rung 5 is not set: the nearest below it is the second.
    let (first, second) = tokio::join!(place.order("probe-agent 1 restart 5"), second);
    expect(
        &second,
        RecoveryOutcome::Failed,
        Some(71),
        &["running already"],
    );
    assert_eq!(
        (first.outcome, first.exit_status),
        (RecoveryOutcome::Failed, Some(1)),
        "a restart's own 73 is no refusal: {first:?}"
    );
    assert_eq!(place.restarts(), 0);

    place.settings("LIMIT=1\nRESTART_1='sleep 30'");
    let report = place.order("probe-agent 1 restart").await;
    assert_eq!(report.exit_status, Some(124), "{report:?}");
}
