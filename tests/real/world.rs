//! The whole world around one `probe`: a web host with two sites, a way in over SSH, Monit, a mail server, a network that
//! answers. Dropping it stops everything.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::ground::{HOME, WEB, room, text};
use crate::login::Sshd;
use crate::post::{Letter, Postfix};
use crate::web::{SITES, Web};

/// What answers whenever "our own network" works.
#[derive(Debug)]
struct Canary {
    port: u16,
    over: Arc<AtomicBool>,
}

impl Canary {
    fn start() -> Self {
        let listener = TcpListener::bind((HOME, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let over = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&over);
        thread::spawn(move || {
            for _stream in listener.incoming() {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
            }
        });
        Self { port, over }
    }
}

impl Drop for Canary {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        let _ = std::net::TcpStream::connect((HOME, self.port));
    }
}

/// A web host, its way in, a mail server, and a `probe` that watches.
#[derive(Debug)]
pub(crate) struct World {
    /// The web host.
    pub(crate) web: Web,
    /// The way in.
    pub(crate) sshd: Sshd,
    /// The mail server, perhaps shared with other worlds.
    pub(crate) post: Arc<Postfix>,
    /// Who gets the mail.
    pub(crate) recipient: String,
    state: PathBuf,
    canary: Canary,
    room: tempfile::TempDir,
}

impl World {
    /// Starts everything but Monit, and writes `probes.yaml`.
    pub(crate) fn start(post: Arc<Postfix>) -> Self {
        let room = room();
        let web = Web::start(room.path());
        let sshd = Sshd::start(room.path(), &web.kusanagi());
        let mut world = Self {
            web,
            sshd,
            post,
            recipient: String::new(),
            state: PathBuf::new(),
            canary: Canary::start(),
            room,
        };
        world.forget("ops");
        world
    }

    /// A new state directory and a new recipient: as if nothing had ever been watched.
    pub(crate) fn forget(&mut self, name: &str) {
        self.recipient = format!("{name}@probe.test");
        self.state = self.room.path().join(format!("state-{name}"));
        fs::write(self.config(), self.probes_yaml()).unwrap();
    }

    /// Where everything is.
    pub(crate) fn folder(&self) -> &Path {
        self.room.path()
    }

    fn config(&self) -> PathBuf {
        self.room.path().join("probes.yaml")
    }

    fn probes_yaml(&self) -> String {
        let mut yaml = format!(
            "defaults:\n  interval: 2s\n  retry_interval: 1s\n  timeout: 1s\n  failure_threshold: 3\n  success_threshold: 2\n\
             network:\n  canaries: [\"tcp://{HOME}:{}\"]\n\
             hosts:\n  web1:\n    ssh: {}\n    identity_file: {}\n    known_hosts_file: {}\n    diagnose: false\n    \
             restart:\n      commands: [kusanagi restart]\n      timeout: 5s\n      settle: 1s\n      \
             backoff: {{initial: 30s, factor: 2, max: 60s}}\nprofiles:\n",
            self.canary.port,
            self.sshd.destination(),
            self.sshd.identity.display(),
            self.sshd.known_hosts.display(),
        );
        for site in SITES {
            yaml += &format!(
                "  {site}:\n    host: web1\n    urls: [\"http://{site}.test:{}/\"]\n    addresses: [{WEB}]\n    \
                 expect: {{contains: \"{site} is up\"}}\n",
                self.web.port
            );
        }
        yaml + &format!(
            "alerts:\n  email:\n    from: \"Probe <probe@monitor.test>\"\n    to: [{}]\n    smtp:\n      \
             - {{url: \"smtp+plain://{HOME}:{}\"}}\n",
            self.recipient, self.post.port
        )
    }

    /// The arguments every call begins with.
    pub(crate) fn arguments(&self) -> Vec<String> {
        vec![
            "--config".to_owned(),
            self.config().display().to_string(),
            "--state-dir".to_owned(),
            self.state.display().to_string(),
        ]
    }

    /// A command with only this world's surroundings, its log in a file of the world.
    pub(crate) fn command(&self, program: &str) -> Command {
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.room.path().join("probe.log"))
            .unwrap();
        let mut command = Command::new(program);
        for name in [
            "PROBE_CONFIG",
            "PROBE_STATE_DIR",
            "STATE_DIRECTORY",
            "NOTIFY_SOCKET",
        ] {
            command.env_remove(name);
        }
        command.stdin(Stdio::null()).stderr(log);
        command
    }

    /// `probe …`, to its end.
    pub(crate) fn probe(&self, words: &[&str]) -> Output {
        self.command(env!("CARGO_BIN_EXE_probe"))
            .args(self.arguments())
            .args(words)
            .output()
            .unwrap()
    }

    /// `probe once -q`, as cron calls it: its exit code and what it wrote to stdout.
    pub(crate) fn cron(&self) -> (Option<i32>, String) {
        let output = self.probe(&["once", "-q"]);
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stdout).into_owned(),
        )
    }

    /// Both sites answer with their own page.
    pub(crate) fn is_up(&self) -> bool {
        SITES.iter().all(|site| self.web.is_up(site))
    }

    /// What was delivered to this world's recipient.
    pub(crate) fn letters(&self) -> Vec<Letter> {
        self.post.letters_to(&self.recipient)
    }

    /// Every outage people were told of is told to be over.
    pub(crate) fn is_over(&self) -> bool {
        let letters = self.letters();
        let ids = |event: &str| {
            let mut ids: Vec<_> = letters
                .iter()
                .filter(|letter| letter.event() == event)
                .map(|letter| letter.header("Message-ID"))
                .collect();
            ids.sort_unstable();
            ids.dedup();
            ids.len()
        };
        ids("down") > 0 && ids("up") == ids("down")
    }

    /// Processes that carry this world's folder in their command line, other than its servers' own.
    pub(crate) fn left_behind(&self) -> Vec<(i32, String)> {
        let folder = self.room.path().display().to_string();
        let processes = fs::read_dir("/proc").unwrap().flatten();
        processes
            .filter_map(|entry| {
                let pid = entry.file_name().to_str()?.parse().ok()?;
                let words = text(&entry.path().join("cmdline")).replace('\0', " ");
                (words.contains("ssh -T") && words.contains(&folder)).then_some((pid, words))
            })
            .collect()
    }

    /// What a failed assertion needs to be understood.
    pub(crate) fn story(&self) -> String {
        let tail = |path: &Path| {
            let whole = text(path);
            let lines: Vec<_> = whole.lines().collect();
            let from = lines.len().saturating_sub(40);
            lines.get(from..).unwrap_or_default().join("\n")
        };
        format!(
            "\n-- probe --\n{}\n-- sshd --\n{}\n-- nginx --\n{}\n-- restarts: {}, mails: {:?}\n",
            tail(&self.room.path().join("probe.log")),
            tail(&self.sshd.log),
            tail(&self.web.folder.join("error.log")),
            self.web.restarts(),
            self.letters()
                .iter()
                .map(|letter| letter.header("Subject").to_owned())
                .collect::<Vec<_>>(),
        )
    }
}

impl Drop for World {
    fn drop(&mut self) {
        for pid in self
            .left_behind()
            .iter()
            .filter_map(|(pid, _)| rustix::process::Pid::from_raw(*pid))
        {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
    }
}
