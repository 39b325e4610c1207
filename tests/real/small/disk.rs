//! A disk that takes nothing: full, read-only, failing. Nothing is done that is not written down first, and once the disk
//! takes things again everything is done that was due.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use super::stage::Stage;
use crate::ground::{program, run, step, text, wait_for};
use crate::post::as_root;

/// What the log says when the state cannot be written.
const UNWRITABLE: &str = "nothing is restarted and no mail is sent until it can";

const FILL: &str = "! cat /dev/zero >\"$0\"/fill 2>/dev/null";
const FREE: &str = "rm \"$0\"/fill";

/// A mount namespace in which the state directory is a small disk of its own; gone with its holder.
struct SmallDisk {
    holder: Child,
    pid: String,
    state: String,
}

impl SmallDisk {
    fn new(state: &Path) -> Self {
        run(as_root("mkdir").arg("-p").arg(state));
        let mount =
            "mount -t tmpfs -o size=1m,mode=700 small \"$0\" && echo $$ && exec cat >/dev/null";
        let mut holder = as_root("unshare")
            .args(["--mount", "sh", "-c", mount])
            .arg(state)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut pid = String::new();
        let said = holder.stdout.take().unwrap();
        BufReader::new(said).read_line(&mut pid).unwrap();
        let pid = pid.trim().to_owned();
        assert!(!pid.is_empty(), "no disk of its own");
        Self {
            holder,
            pid,
            state: state.display().to_string(),
        }
    }

    /// What puts a command into the namespace.
    fn within(&self) -> [&str; 4] {
        ["nsenter", "-m", "-t", &self.pid]
    }

    fn sh(&self, words: &str) {
        let mut command = as_root("nsenter");
        command.args(["-m", "-t", &self.pid, "sh", "-c", words, &self.state]);
        run(&mut command);
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        drop(self.holder.stdin.take());
        let _ = self.holder.wait();
    }
}

/// A `probe run` that ends with its test.
struct Daemon(Child);

impl Daemon {
    fn start(stage: &Stage, wrapper: &[&str]) -> Self {
        let daemon = Self(stage.command(wrapper, &["run"]).spawn().unwrap());
        wait_for("the daemon watches", Duration::from_secs(20), || {
            text(&stage.log()).contains("to=\"up\"")
        });
        daemon
    }

    /// Its process id: every wrapper has become it.
    fn pid(&self) -> String {
        self.0.id().to_string()
    }

    fn end(mut self) {
        run(as_root("kill").arg(self.pid()));
        assert_eq!(self.0.wait().unwrap().code(), Some(0));
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = as_root("kill").args(["-KILL", &self.pid()]).output();
        let _ = self.0.wait();
    }
}

/// Waits until the log has said so many times that nothing can be written; all the while nothing is done.
fn nothing_is_done(stage: &Stage, times: usize) {
    wait_for("the log says so", Duration::from_secs(60), || {
        text(&stage.log()).matches(UNWRITABLE).count() >= times
    });
    assert_eq!(stage.restarts(), 0, "{}", stage.story());
    assert!(stage.letters().is_empty(), "{}", stage.story());
}

/// The daemon goes on by itself: one restart, everybody told.
fn all_is_done(stage: &Stage) {
    wait_for("all is told", Duration::from_secs(90), || stage.is_over());
    assert_eq!(stage.restarts(), 1, "{}", stage.story());
}

#[test]
fn once_on_a_disk_that_is_full_or_read_only() {
    let mut stage = Stage::set();
    let table = [
        ("full", FILL, FREE),
        (
            "read-only",
            "mount -o remount,ro \"$0\"",
            "mount -o remount,rw \"$0\"",
        ),
    ];
    for (number, (name, spoil, mend)) in table.into_iter().enumerate() {
        stage.begin(name, None);
        let disk = SmallDisk::new(&stage.state());
        assert_eq!(
            stage.once(&disk.within()),
            Some(0),
            "{name}{}",
            stage.story()
        );
        stage.stop();
        disk.sh(spoil);
        for _ in 0..2 {
            stage.pass(60);
            let code = stage.once(&disk.within());
            assert!(
                matches!(code, Some(2 | 3)),
                "{name}: {code:?}{}",
                stage.story()
            );
            assert_eq!(stage.restarts(), number, "{name}{}", stage.story());
            assert!(stage.letters().is_empty(), "{name}{}", stage.story());
        }
        disk.sh(mend);
        stage.heal_within(&disk.within(), name);
        assert_eq!(stage.restarts(), number + 1, "{name}{}", stage.story());
    }
}

/// From the n-th write on nothing gets to the disk, for every n (by default every fifth): what was done before is on the disk.
#[test]
fn once_on_a_disk_that_fails_from_some_write_on() {
    let strace = program("strace", "strace").display().to_string();
    let mut stage = Stage::set();
    let known = stage.known();
    let mut failed = 0;
    for (calls, error) in [("fsync,fdatasync", "EIO"), ("pwrite64", "ENOSPC")] {
        for nth in (1..).step_by(step(5)) {
            let told = format!("{error} from {calls} {nth} on");
            stage.begin(&format!("{}-{error}-{nth}", &calls[..5]), Some(&known));
            let before = stage.restarts();
            stage.stop();
            let trace = stage.path("trace");
            let (only, inject) = (
                format!("trace={calls}"),
                format!("inject={calls}:error={error}:when={nth}+"),
            );
            let wrapper = [
                &strace,
                "-f",
                "-q",
                "-o",
                &trace.display().to_string(),
                "-e",
                &only,
                "-e",
                &inject,
            ];
            stage.once(&wrapper);
            let hit = text(&trace).contains("(INJECTED)");
            let made = stage.restarts() - before;
            assert!(made <= 1, "{told}{}", stage.story());
            if nth == 1 {
                // Not one thing could be written down.
                assert!(
                    hit && made == 0 && stage.letters().is_empty(),
                    "{told}{}",
                    stage.story()
                );
            }
            assert!(
                stage.remembered().unwrap_or(0) >= made as u64,
                "{told}{}",
                stage.story()
            );
            stage.heal(&told);
            assert_eq!(stage.restarts(), before + 1, "{told}{}", stage.story());
            if !hit {
                break;
            }
            failed += 1;
        }
    }
    println!("{failed} disks failed");
}

#[test]
fn daemon_on_a_disk_that_is_full() {
    let mut stage = Stage::set();
    stage.begin("daemon-full", None);
    let disk = SmallDisk::new(&stage.state());
    let daemon = Daemon::start(&stage, &disk.within());
    disk.sh(FILL);
    stage.stop();
    nothing_is_done(&stage, 2);
    disk.sh(FREE);
    all_is_done(&stage);
    daemon.end();
}

#[test]
fn daemon_on_a_disk_that_fails() {
    let mut stage = Stage::set();
    stage.begin("daemon-eio", None);
    let daemon = Daemon::start(&stage, &[]);
    let trace = stage.path("trace");
    // A disk of which every write fails for as long as `strace` holds on to the daemon.
    let calls = "fsync,fdatasync,pwrite64";
    let mut failing = as_root("strace")
        .args(["-f", "-q", "-o"])
        .arg(&trace)
        .args([
            "-e",
            &format!("trace={calls}"),
            "-e",
            &format!("inject={calls}:error=EIO"),
        ])
        .args(["-p", &daemon.pid()])
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    wait_for("strace holds on", Duration::from_secs(10), || {
        text(Path::new(&format!("/proc/{}/status", daemon.pid())))
            .lines()
            .any(|line| line.starts_with("TracerPid:") && !line.ends_with("\t0"))
    });
    stage.stop();
    nothing_is_done(&stage, 2);
    assert!(text(&trace).contains("(INJECTED)"));
    run(as_root("kill").args(["-INT", &failing.id().to_string()]));
    failing.wait().unwrap();
    all_is_done(&stage);
    daemon.end();
}
