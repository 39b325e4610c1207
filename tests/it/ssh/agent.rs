//! The agent on the web host: `deploy/host/probe-agent`, over a real login through its forced command.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use probe::model::{RecoveryOutcome, RecoveryReport};

use super::server::Sshd;
use super::{expect, host, recoverer, run};

pub(super) const AGENT: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/deploy/host/probe-agent"
));

/// The agent with its settings in a file of the test, which belongs to the account that runs it, for a shell.
pub(super) fn installable(settings: &Path, shell: &str) -> String {
    let owner = std::fs::metadata(settings.parent().unwrap()).unwrap().uid();
    let mut text = AGENT.to_owned();
    for (line, here) in [
        (
            "CONF=/etc/probe-agent.conf\n",
            format!("CONF={}\n", settings.display()),
        ),
        ("CONF_OWNER=0\n", format!("CONF_OWNER={owner}\n")),
        ("SH=/bin/sh\n", format!("SH={shell}\n")),
    ] {
        assert_eq!(text.matches(line).count(), 1, "{line}");
        text = text.replace(line, &here);
    }
    text
}

/// A host whose only key runs the agent; its files lie in a directory of the test.
pub(super) struct Place {
    directory: tempfile::TempDir,
    pub(super) sshd: Sshd,
}

impl Place {
    pub(super) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let sshd = Sshd::start(directory.path());
        let place = Self { directory, sshd };
        let agent = place.file("probe-agent");
        let settings = place.file("agent.conf");
        std::fs::write(&agent, installable(Path::new(&settings), "/bin/sh")).unwrap();
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

    /// Guards that this machine passes, no wait between restarts, a restart that leaves a line behind, and `more`.
    fn settings(&self, more: &str) {
        let text = format!(
            "STATE={}\nMIN_DISK=0\nMIN_INODES=0\nMIN_MEMORY=0\nMIN_PROCESSES=0\nCONFIG_TEST=off\nGAP=0\nRESTART_1='echo one >>{}; echo done'\n{more}\n",
            self.file("state"),
            self.file("restarted")
        );
        std::fs::write(self.file("agent.conf"), text).unwrap();
        std::fs::set_permissions(self.file("agent.conf"), PermissionsExt::from_mode(0o644))
            .unwrap();
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
        RecoveryOutcome::Declined,
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
        RecoveryOutcome::Declined,
        Some(70),
        &["too many restarts"],
    );

    let report = place.order("probe-agent 1 diagnose").await;
    expect(&report, RecoveryOutcome::Succeeded, Some(0), &[]);
    for line in report.output.lines() {
        super::stage::well_formed(line);
    }
    for line in [
        "agent=1\n",
        "boot_id=",
        "disk_free_pct=",
        "restarts_in_window=3",
        "limit_restarts=3",
    ] {
        assert!(report.output.contains(line), "{line}: {report:?}");
    }
    assert!(report.output.ends_with("end=1"), "{report:?}");
}

#[tokio::test]
async fn it_knows_two_orders() {
    let place = Place::new();
    let trap = place.file("trap");
    let orders = [
        "true".to_owned(),
        "x".repeat(100_000),
        format!("probe-agent 1 restart {}", "1".repeat(50_000)),
        "1 restart; touch x".to_owned(),
        "1 restart".to_owned(),
        "1 diagnose".to_owned(),
        "probe-agent".to_owned(),
        "probe-agent 1".to_owned(),
        "probe-agent 2 restart".to_owned(),
        "probe-agent 1 restart 0".to_owned(),
        "probe-agent 1 restart 10".to_owned(),
        "probe-agent 1 restart x".to_owned(),
        "probe-agent 1 restart *".to_owned(),
        "probe-agent 1 restart [1-9]".to_owned(),
        "probe-agent 1 restart ?".to_owned(),
        "probe-agent 1 restart 1 1".to_owned(),
        "probe-agent 1 restart -1".to_owned(),
        "probe-agent 1 restart １".to_owned(),
        "probe-agent 1 restart\u{a0}1".to_owned(),
        "probe-agent 1 restart ".to_owned(),
        " probe-agent 1 restart".to_owned(),
        "probe-agent  1 restart".to_owned(),
        "probe-agent 1\trestart".to_owned(),
        "probe-agent 1 restart\n".to_owned(),
        "probe-agent 1 restart\r".to_owned(),
        "\nprobe-agent 1 restart".to_owned(),
        "PROBE-AGENT 1 RESTART".to_owned(),
        "/usr/local/sbin/probe-agent 1 restart".to_owned(),
        "sh probe-agent 1 restart".to_owned(),
        "probe-agent 1 diagnose https://shop.example.com/".to_owned(),
        "probe-agent 1 diagnose*".to_owned(),
        format!("probe-agent 1 restart; touch {trap}"),
        format!("probe-agent 1 restart && touch {trap}"),
        format!("probe-agent 1 restart | touch {trap}"),
        format!("probe-agent 1 restart & touch {trap}"),
        format!("probe-agent 1 restart $(touch {trap})"),
        format!("probe-agent 1 restart `touch {trap}`"),
        format!("probe-agent 1 restart $'\\n'touch {trap}"),
        format!("probe-agent 1 diagnose\ntouch {trap}"),
        format!("probe-agent 1 diagnose >{trap}"),
        format!("' ; touch {trap} ; '"),
        format!("\"; touch {trap}; \""),
    ];
    for order in &orders {
        let report = place.order(order).await;
        assert_eq!(report.exit_status, Some(64), "{order:.200}: {report:?}");
    }
    assert!(!Path::new(&trap).exists());
    assert_eq!(place.restarts(), 0);
}

#[tokio::test]
async fn it_refuses_what_would_make_things_worse() {
    let place = Place::new();
    for guard in [
        "MIN_DISK=101",
        "MIN_INODES=101",
        "MIN_MEMORY=101",
        "MIN_PROCESSES=101",
        "MIN_DISK=none",
        // What cannot be measured is not taken for granted.
        "MIN_DISK=1; df() { false; }; PATH=/nonexistent",
    ] {
        place.settings(guard);
        let report = place.order("probe-agent 1 restart").await;
        expect(&report, RecoveryOutcome::Declined, Some(72), &["used up"]);
    }
    place.settings("CONFIG_TEST='echo unexpected }; exit 1'");
    let report = place.order("probe-agent 1 restart").await;
    expect(
        &report,
        RecoveryOutcome::Declined,
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
        RecoveryOutcome::Declined,
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

/// A test of the configuration that nobody may run says nothing about the configuration.
#[tokio::test]
async fn a_test_that_cannot_be_run_stops_no_restart() {
    let place = Place::new();
    place.settings("MAX=9; CONFIG_TEST='echo sudo: a password is required; exit 1'");
    let report = place.order("probe-agent 1 restart").await;
    expect(&report, RecoveryOutcome::Succeeded, Some(0), &[]);
    place.settings("MAX=9; CONFIG_TEST='echo fine'");
    let report = place.order("probe-agent 1 restart").await;
    expect(&report, RecoveryOutcome::Succeeded, Some(0), &[]);
    assert_eq!(place.restarts(), 2);
}

#[tokio::test]
async fn settings_and_state_that_others_can_change_are_refused() {
    let place = Place::new();
    let mode = |file: &str, mode: u32| {
        std::fs::set_permissions(place.file(file), PermissionsExt::from_mode(mode)).unwrap();
    };
    for bad in [0o666, 0o646, 0o664, 0o020] {
        mode("agent.conf", bad);
        for order in ["probe-agent 1 restart", "probe-agent 1 diagnose"] {
            let report = place.order(order).await;
            expect(
                &report,
                RecoveryOutcome::Declined,
                Some(72),
                &["not set up safely"],
            );
            assert!(report.output.contains("chown root:root"), "{report:?}");
        }
    }
    place.settings("if");
    let report = place.order("probe-agent 1 restart").await;
    expect(
        &report,
        RecoveryOutcome::Declined,
        Some(72),
        &["not set up safely"],
    );

    place.settings("");
    let (state, elsewhere) = (place.file("state"), place.file("elsewhere"));
    std::fs::create_dir(&elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &state).unwrap();
    let report = place.order("probe-agent 1 restart").await;
    expect(
        &report,
        RecoveryOutcome::Declined,
        Some(72),
        &["not set up safely"],
    );
    assert!(report.output.contains("symbolic link"), "{report:?}");
    std::fs::remove_file(&state).unwrap();

    std::fs::create_dir(&state).unwrap();
    mode("state", 0o777);
    let report = place.order("probe-agent 1 restart").await;
    assert!(report.output.contains("chmod go-w"), "{report:?}");
    mode("state", 0o700);
    let target = place.file("target");
    for file in ["lock", "restarts", "restarts.new"] {
        std::os::unix::fs::symlink(&target, format!("{state}/{file}")).unwrap();
        let report = place.order("probe-agent 1 restart").await;
        expect(
            &report,
            RecoveryOutcome::Declined,
            Some(72),
            &["not set up safely"],
        );
        std::fs::remove_file(format!("{state}/{file}")).unwrap();
    }
    assert!(!Path::new(&target).exists());
    assert_eq!(std::fs::read_dir(&elsewhere).unwrap().count(), 0);
    assert_eq!(place.restarts(), 0);
    let report = place.order("probe-agent 1 restart").await;
    expect(&report, RecoveryOutcome::Succeeded, Some(0), &[]);
}

/// The restart is on record before it happens, and what it leaves running does not hold the lock.
#[tokio::test]
async fn counted_before_it_is_done() {
    let place = Place::new();
    let (seen, state) = (place.file("seen"), place.file("state"));
    place.settings(&format!(
        "RESTART_1='wc -l <{state}/restarts >{seen}; sleep 600 >/dev/null 2>&1 & exit 7'"
    ));
    for count in 1..=2 {
        let report = place.order("probe-agent 1 restart").await;
        assert_eq!(report.exit_status, Some(7), "{report:?}");
        let written = std::fs::read_to_string(&seen).unwrap();
        assert_eq!(written.trim(), count.to_string());
    }
}
