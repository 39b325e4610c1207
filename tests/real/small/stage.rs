//! The stage: one site, one host, one recipient.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{JoinHandle, sleep};
use std::time::Duration;

use crate::ground::{room, run, script, text, wait_for};
use crate::mail;
use crate::post::{Letter, as_root, threads};

/// What the host is asked for, and what it says: a look finds a stopped server; a restart leaves a line, and that line is
/// what brings the site back, so that no kill can fall between the two.
const SSH: &str = r#"#!/bin/sh
[ "$1" != -G ] || { printf 'hostname 127.0.0.1\nport 9\n'; exit 0; }
exec 4>>"$3"
for order; do :; done
printf 'Authenticated to b\ndebug1: Sending command: it\n' >&4
case $order in
  *base64*) printf 'facts=1\nweb_active=inactive\nlisten_80=none\nend=1\n' ;;
  *) echo restarted >>ROOM/restarts ;;
esac
printf 'debug1: Exit status 0\n' >&4
"#;

/// A site, a host, a mailbox, a canary; everything ends with it.
pub(super) struct Stage {
    room: tempfile::TempDir,
    /// So many lines in `restarts` make the site answer.
    wanted: Arc<AtomicUsize>,
    over: Arc<AtomicBool>,
    site: SocketAddr,
    threads: Vec<JoinHandle<()>>,
    mail: SocketAddr,
    letters: Arc<Mutex<Vec<Letter>>>,
    name: String,
    /// Seconds that have passed since boot beyond those that really have.
    later: u64,
}

impl Stage {
    /// A site that answers.
    pub(super) fn set() -> Self {
        static NEXT: AtomicU8 = AtomicU8::new(1);
        let [_, _, high, low] = std::process::id().to_be_bytes();
        // A port that is closed for a while is taken by nobody else on an address of its own.
        let own = [
            127,
            high | 1,
            low,
            100 + NEXT.fetch_add(1, Ordering::Relaxed),
        ];
        let room = room();
        fs::create_dir(room.path().join("bin")).unwrap();
        let ssh = SSH.replace("ROOM", &room.path().display().to_string());
        script(&room.path().join("bin/ssh"), &ssh);
        let site = TcpListener::bind(SocketAddr::from((own, 0))).unwrap();
        let post = TcpListener::bind(SocketAddr::from((own, 0))).unwrap();
        let mut stage = Self {
            wanted: Arc::default(),
            over: Arc::default(),
            site: site.local_addr().unwrap(),
            mail: post.local_addr().unwrap(),
            threads: Vec::new(),
            letters: Arc::default(),
            name: String::new(),
            later: 0,
            room,
        };
        let (wanted, over) = (Arc::clone(&stage.wanted), Arc::clone(&stage.over));
        let restarts = stage.path("restarts");
        stage.threads.push(std::thread::spawn(move || {
            serve(site, &over, || {
                lines(&restarts) >= wanted.load(Ordering::Relaxed)
            });
        }));
        let (letters, over) = (Arc::clone(&stage.letters), Arc::clone(&stage.over));
        stage
            .threads
            .push(std::thread::spawn(move || take(&post, &over, &letters)));
        stage
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.room.path().join(name)
    }

    /// The state directory of this outage.
    pub(super) fn state(&self) -> PathBuf {
        self.path(&format!("state-{}", self.name))
    }

    /// A new recipient and a new state, copied from `known` where there is one; the site answers.
    pub(super) fn begin(&mut self, name: &str, known: Option<&Path>) {
        name.clone_into(&mut self.name);
        self.later = 0;
        self.wanted.store(0, Ordering::Relaxed);
        self.settle(true);
        if let Some(known) = known {
            run(Command::new("cp").arg("-r").arg(known).arg(self.state()));
        }
        fs::write(self.path("probes.yaml"), self.yaml()).unwrap();
    }

    /// A state of this stage in which the site was seen up.
    pub(super) fn known(&mut self) -> PathBuf {
        self.begin("known", None);
        assert_eq!(self.once(&[]), Some(0), "{}", self.story());
        self.state()
    }

    fn recipient(&self) -> String {
        format!("{}@probe.test", self.name)
    }

    fn yaml(&self) -> String {
        format!(
            "defaults:\n  interval: 30s\n  retry_interval: 100ms\n  timeout: 2s\n  failure_threshold: 2\n  success_threshold: 1\n\
             network: {{canaries: [\"tcp://{mail}\"]}}\n\
             hosts:\n  web1:\n    ssh: probe@web1\n    restart:\n      commands: [kusanagi restart]\n      timeout: 5s\n      \
             settle: 100ms\n      backoff: {{initial: 30s, factor: 2, max: 60s}}\n\
             profiles:\n  shop: {{host: web1, urls: [\"http://{}/\"]}}\n\
             alerts:\n  email:\n    from: probe@monitor.test\n    to: [{}]\n    smtp: [{{url: \"smtp+plain://{mail}\"}}]\n",
            self.site,
            self.recipient(),
            mail = self.mail,
        )
    }

    /// Restarts of the host that are allowed in an hour.
    pub(super) fn allow(&self, restarts: u32) {
        let settle = "settle: 100ms\n";
        let budget = format!("{settle}      budget: {{restarts: {restarts}, per: 1h}}\n");
        fs::write(
            self.path("probes.yaml"),
            self.yaml().replace(settle, &budget),
        )
        .unwrap();
    }

    /// Stops the site, and no restart brings it back.
    pub(super) fn stop_for_good(&self) {
        self.wanted.store(usize::MAX, Ordering::Relaxed);
        self.settle(false);
    }

    /// From now on a restart brings it back.
    pub(super) fn helps_next(&self) {
        self.wanted.store(self.restarts() + 1, Ordering::Relaxed);
    }

    /// Stops the site; the next restart brings it back.
    pub(super) fn stop(&self) {
        self.wanted.store(self.restarts() + 1, Ordering::Relaxed);
        self.settle(false);
    }

    fn settle(&self, up: bool) {
        wait_for("the site obeys", Duration::from_secs(10), || {
            TcpStream::connect(self.site).is_ok() == up
        });
    }

    /// How often a restart was carried out, all outages together.
    pub(super) fn restarts(&self) -> usize {
        lines(&self.path("restarts"))
    }

    /// Lets time pass, at once.
    pub(super) fn pass(&mut self, seconds: u64) {
        self.later += seconds;
    }

    /// `probe` on this stage, by way of `wrapper`, after the time that has passed.
    pub(super) fn command(&self, wrapper: &[&str], words: &[&str]) -> Command {
        let mut command = as_root("env");
        let bin = self.path("bin");
        command
            .args([
                "-i",
                &format!("PATH={}:/usr/bin:/bin:/usr/sbin", bin.display()),
            ])
            .args(["unshare", "--time", &format!("--boottime={}", self.later)])
            .args(wrapper)
            .arg(env!("CARGO_BIN_EXE_probe"))
            .arg("--config")
            .arg(self.path("probes.yaml"))
            .arg("--state-dir")
            .arg(self.state())
            .args(words);
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log())
            .unwrap();
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        command
    }

    /// The log of this outage.
    pub(super) fn log(&self) -> PathBuf {
        self.path(&format!("log-{}", self.name))
    }

    /// `probe once` now, by way of `wrapper`: its exit code.
    pub(super) fn once(&self, wrapper: &[&str]) -> Option<i32> {
        self.run_once(wrapper).code()
    }

    fn run_once(&self, wrapper: &[&str]) -> ExitStatus {
        let words = ["once", "-q", "--max-time", "20s", "shop"];
        self.command(wrapper, &words).status().unwrap()
    }

    /// Restarts of this host that the state knows of; `None` when there is no state.
    pub(super) fn remembered(&self) -> Option<u64> {
        let mut command = self.command(&[], &["why", "web1", "--json"]);
        let output = command.stdout(Stdio::piped()).output().unwrap();
        let document: serde_json::Value = serde_json::from_slice(&output.stdout).ok()?;
        document["budget"]["spent"].as_u64()
    }

    /// What came for the recipient of this outage, in order.
    pub(super) fn letters(&self) -> Vec<Letter> {
        let recipient = self.recipient();
        let all = self.letters.lock().unwrap();
        let own = all
            .iter()
            .filter(|letter| letter.header("Delivered-To") == recipient);
        own.cloned().collect()
    }

    /// Runs as cron would until the site is back and everybody knows.
    #[track_caller]
    pub(super) fn heal(&mut self, told: &str) {
        self.heal_within(&[], told);
    }

    /// The same by way of `wrapper`.
    #[track_caller]
    pub(super) fn heal_within(&mut self, wrapper: &[&str], told: &str) {
        for _ in 0..10 {
            self.pass(60);
            let status = self.run_once(wrapper);
            let code = status.code();
            assert!(
                matches!(code, Some(0..=2)),
                "{told}: {status}{}",
                self.story()
            );
            if code == Some(0) && self.is_over() {
                return;
            }
        }
        panic!("{told}: not over{}", self.story());
    }

    /// Every outage that was told is told to be over, in whole threads, and no message came more than twice.
    pub(super) fn is_over(&self) -> bool {
        let letters = self.letters();
        let count = |event: &str| {
            letters
                .iter()
                .filter(|letter| letter.event() == event)
                .count()
        };
        if count("down") == 0 || count("up") == 0 {
            return false;
        }
        for letter in &letters {
            let same = |other: &&Letter| other.header("Message-ID") == letter.header("Message-ID");
            assert!(letters.iter().filter(same).count() <= 2, "{}", self.story());
        }
        !threads(&letters).is_empty()
    }

    /// What a failed assertion needs to be understood.
    pub(super) fn story(&self) -> String {
        let subjects: Vec<String> = self
            .letters()
            .iter()
            .map(|letter| letter.header("Subject").to_owned())
            .collect();
        let log = text(&self.log());
        let from = log.len().saturating_sub(6000);
        format!(
            "\n{}\n{} restarts, mails: {subjects:?}",
            log.get(from..).unwrap_or(&log),
            self.restarts()
        )
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
        run(as_root("chmod").args(["-R", "a+rwX"]).arg(self.room.path()));
    }
}

fn lines(file: &Path) -> usize {
    text(file).lines().count()
}

/// A site that listens while it is up.
fn serve(first: TcpListener, over: &AtomicBool, is_up: impl Fn() -> bool) {
    let address = first.local_addr().unwrap();
    let mut listener = Some(first);
    while !over.load(Ordering::Relaxed) {
        if !is_up() {
            listener = None;
        } else if listener.is_none() {
            listener = TcpListener::bind(address).ok();
        }
        if let Some(listener) = &listener {
            listener.set_nonblocking(true).unwrap();
            while let Ok((stream, _)) = listener.accept() {
                std::thread::spawn(move || answer(stream));
            }
        }
        sleep(Duration::from_millis(5));
    }
}

fn answer(mut stream: TcpStream) -> Option<()> {
    stream.set_nonblocking(false).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    let _ = stream.read(&mut [0; 4096]).ok()?;
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nfine";
    stream.write_all(head.as_bytes()).ok()
}

/// A mail server, and the canary.
fn take(listener: &TcpListener, over: &AtomicBool, letters: &Arc<Mutex<Vec<Letter>>>) {
    listener.set_nonblocking(true).unwrap();
    while !over.load(Ordering::Relaxed) {
        while let Ok((stream, _)) = listener.accept() {
            let letters = Arc::clone(letters);
            std::thread::spawn(move || {
                stream.set_nonblocking(false).unwrap();
                mail::take(stream, |text| {
                    letters.lock().unwrap().push(Letter::parse(text))
                })
            });
        }
        sleep(Duration::from_millis(5));
    }
}
