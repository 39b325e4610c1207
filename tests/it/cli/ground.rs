//! A place in which the program runs as people run it: a site that can stop, a way in over a real sshd, a mailbox, a
//! canary that answers, and a directory of its own. Everything ends with it.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use probe::adapters::store::StateDir;
use probe::model::{Fleet, Timestamp};
use probe::ports::Writer as _;

use super::outside::{Canary, Site};
use crate::ssh::server::Sshd;

/// Generous for a loaded machine; a run that needs this long hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// Calls `condition` until it gives something.
#[track_caller]
pub(super) fn eventually<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = condition() {
            return found;
        }
        assert!(Instant::now() < deadline, "never: {what}");
        sleep(Duration::from_millis(20));
    }
}

/// How a run ended.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) code: Option<i32>,
    pub(super) signal: Option<i32>,
    pub(super) stdout: String,
    pub(super) stderr: String,
    pub(super) took: Duration,
}

impl Answer {
    /// Fails unless it ended with `code` and both streams together hold every one of `parts`.
    #[track_caller]
    pub(super) fn expect(&self, code: i32, parts: &[&str]) -> &Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        let both = flat(&format!("{}\n{}", self.stdout, self.stderr));
        for part in parts {
            assert!(both.contains(part), "`{part}` is not said: {self:#?}");
        }
        self
    }

    #[track_caller]
    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }
}

/// The words of a text whose lines are wrapped.
pub(super) fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The place.
pub(super) struct Ground {
    pub(super) site: Site,
    canary: Canary,
    directory: tempfile::TempDir,
}

impl Ground {
    /// A site that is up, watched without a host and without mail.
    pub(super) fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let ground = Self {
            site: Site::start(directory.path().join("up")),
            canary: Canary::start(),
            directory,
        };
        ground.configure(&ground.yaml("", None));
        ground
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(super) fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    pub(super) fn configure(&self, yaml: &str) {
        fs::write(self.path("probes.yaml"), yaml).unwrap();
    }

    /// A configuration with the site as `shop`, with this section of a host, and mail to this relay.
    pub(super) fn yaml(&self, host: &str, relay: Option<&str>) -> String {
        let on = if host.is_empty() { "" } else { "host: web1, " };
        let mail = relay.map_or_else(String::new, |url| {
            format!(
                "alerts:\n  email:\n    from: \"Probe <probe@monitor.test>\"\n    to: [ops@example.test]\n    \
                 smtp: [{{url: \"{url}\"}}]\n"
            )
        });
        format!(
            "defaults: {{interval: 5s, retry_interval: 100ms, timeout: 5s, failure_threshold: 2, success_threshold: 1}}\n\
             network: {{canaries: [\"tcp://{}\"]}}\n{host}\
             profiles:\n  shop: {{{on}urls: [\"{}\"]}}\n{mail}",
            self.canary.0,
            self.site.url(),
        )
    }

    /// The section of a host behind `sshd` on which a restart runs `command`.
    ///
    /// The host is this machine, on which anything may go on while tests run: what it says of itself is another test's
    /// business, and `looked_at` gives it.
    pub(super) fn host(&self, sshd: &Sshd, command: &str) -> String {
        format!(
            "hosts:\n  web1:\n    ssh: {}\n    identity_file: {}\n    known_hosts_file: {}\n    diagnose: false\n    \
             restart:\n      commands: [{}]\n      timeout: 20s\n      settle: 300ms\n",
            sshd.destination(),
            sshd.identity.display(),
            sshd.known_hosts.display(),
            serde_json::to_string(command).unwrap(),
        )
    }

    /// The same host, looked at before it is restarted; whatever this machine is short of forbids nothing.
    pub(super) fn looked_at(&self, sshd: &Sshd, command: &str) -> String {
        let guards =
            "guards: {disk_free: 0%, inodes_free: 0%, memory_available: 0%, config_test: false}";
        self.host(sshd, command).replace("diagnose: false", guards)
    }

    /// The command that brings the site back, and leaves a line in `restarts` each time.
    pub(super) fn cure(&self) -> String {
        let at = self.directory.path().display();
        format!("echo restarted >> {at}/restarts; touch {at}/up; echo web server started")
    }

    /// How often a restart was carried out.
    pub(super) fn restarts(&self) -> usize {
        self.text("restarts").lines().count()
    }

    /// An sshd whose files lie here.
    pub(super) fn sshd(&self) -> Sshd {
        let directory = self.path("sshd");
        fs::create_dir(&directory).unwrap();
        Sshd::start(&directory)
    }

    /// The same, of a host that says of itself that all is well, whatever goes on on this machine; all other commands run.
    pub(super) fn calm_sshd(&self) -> Sshd {
        let sshd = self.sshd();
        let (facts, forced) = (self.path("facts"), self.path("forced"));
        fs::write(
            &facts,
            "begins=1\nfacts=1\nweb_unit=nginx\nweb_active=active\nweb_processes=3\nlisten_80=nginx\nconfig_test=ok\n\
             disk_free_pct=50\nmemory_available_pct=50\nprocesses_free_pct=90\nmonit=absent\nend=1\n",
        )
        .unwrap();
        let answer = format!(
            "case \"$SSH_ORIGINAL_COMMAND\" in *base64*) cat {};; *) eval \"$SSH_ORIGINAL_COMMAND\";; esac\n",
            facts.display()
        );
        fs::write(&forced, answer).unwrap();
        let keys = self.path("sshd").join("authorized_keys");
        let key = fs::read_to_string(&keys).unwrap();
        let bound = format!("command=\"sh {}\" {key}", forced.display());
        fs::write(&keys, bound).unwrap();
        sshd
    }

    /// Changes what is remembered between two runs, as time would.
    pub(super) fn remembered(&self, change: impl FnOnce(&mut Fleet)) {
        let state = StateDir::open(&self.path("state"), Timestamp(0)).unwrap();
        let (mut fleet, _) = state.load();
        change(&mut fleet);
        let mut store = state.into_store().unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(store.commit(fleet.changes())).unwrap();
    }

    /// The site falls silent after a run has seen it up, and its next probe is due.
    pub(super) fn falls(&self) {
        self.site.set(true);
        self.probe(&["once", "shop"]).expect(0, &["1 up"]);
        self.remembered(|fleet| {
            let now = fleet.now();
            for name in fleet.profiles.keys().cloned().collect::<Vec<_>>() {
                fleet.profile_mut(&name).due = now;
            }
        });
        self.site.set(false);
    }

    /// `probe` with these words in this place's surroundings.
    pub(super) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_probe"));
        self.surround(&mut command);
        command.args(words);
        command
    }

    /// Gives a command this place's surroundings.
    pub(super) fn surround(&self, command: &mut Command) {
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.directory.path())
            .env("PROBE_CONFIG", self.path("probes.yaml"))
            .env("PROBE_STATE_DIR", self.path("state"))
            .current_dir(self.directory.path())
            .stdin(Stdio::null());
    }

    /// Runs `probe` to its end.
    #[track_caller]
    pub(super) fn probe(&self, words: &[&str]) -> Answer {
        self.run(&mut self.command(words))
    }

    /// Runs a command to its end.
    #[track_caller]
    pub(super) fn run(&self, command: &mut Command) -> Answer {
        self.begin(command).end()
    }

    /// Begins a command.
    pub(super) fn begin(&self, command: &mut Command) -> Running {
        let room = tempfile::tempdir_in(self.directory.path()).unwrap();
        let file = |name: &str| fs::File::create(room.path().join(name)).unwrap();
        let child = command
            .stdout(file("stdout"))
            .stderr(file("stderr"))
            .spawn()
            .unwrap();
        Running {
            child,
            begun: Instant::now(),
            room,
        }
    }
}

/// A `probe` that runs; dropped, it is ended.
pub(super) struct Running {
    pub(super) child: Child,
    begun: Instant,
    room: tempfile::TempDir,
}

impl Running {
    pub(super) fn stderr(&self) -> String {
        self.read("stderr")
    }

    pub(super) fn stdout(&self) -> String {
        self.read("stdout")
    }

    fn read(&self, name: &str) -> String {
        let bytes = fs::read(self.room.path().join(name)).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Waits until its log says this.
    #[track_caller]
    pub(super) fn says(&mut self, words: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self.stderr().contains(words) {
            let log = self.stderr();
            assert!(Instant::now() < deadline, "never said `{words}`: {log}");
            assert!(
                self.child.try_wait().unwrap().is_none(),
                "ended without `{words}`: {log}"
            );
            sleep(Duration::from_millis(20));
        }
    }

    /// Sends it a signal, by the name that `kill` knows.
    pub(super) fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .arg(format!("-{name}"))
            .arg(self.child.id().to_string())
            .status();
        assert!(sent.unwrap().success());
    }

    /// Waits for its end.
    #[track_caller]
    pub(super) fn end(mut self) -> Answer {
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < deadline, "does not end: {}", self.stderr());
            sleep(Duration::from_millis(5));
        };
        Answer {
            code: status.code(),
            signal: status.signal(),
            stdout: self.read("stdout"),
            stderr: self.read("stderr"),
            took: self.begun.elapsed(),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
