//! Hosts that are booted when wanted and handed on healthy.

use std::io::{BufRead, BufReader};
use std::ops::Deref;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Condvar, Mutex, PoisonError};

use super::mailbox::Mailbox;
use crate::ground::{program, run};
use crate::post::{Letter, as_root};

/// Hosts at the same time: nearly all of the time is waiting.
const MOST: usize = 4;

/// The host's address in the prober's namespace.
pub(super) const WEB4: &str = "10.77.0.2";
/// Where the mailbox is; it is the canary as well.
pub(super) const AUX4: &str = "10.77.0.3";

/// A host, a way to it, a mailbox.
pub(super) struct Bench {
    /// The mailbox.
    mailbox: Mailbox,
    /// Where its keys and its authority's certificate lie.
    pub(super) folder: PathBuf,
    name: String,
    /// Holds the keeper's input open: the bench stays up as long.
    _keeper: Child,
}

#[derive(Default)]
struct Pool {
    free: Vec<Bench>,
    made: usize,
}

static POOL: Mutex<Pool> = Mutex::new(Pool {
    free: Vec::new(),
    made: 0,
});
static RETURNED: Condvar = Condvar::new();

/// A bench that goes back to the others afterwards.
pub(super) struct Borrowed(Option<Bench>);

impl Deref for Borrowed {
    type Target = Bench;

    fn deref(&self) -> &Bench {
        self.0.as_ref().unwrap()
    }
}

impl Drop for Borrowed {
    fn drop(&mut self) {
        let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
        pool.free.extend(self.0.take());
        RETURNED.notify_one();
    }
}

impl Bench {
    /// A healthy host.
    pub(super) fn borrow() -> Borrowed {
        let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
        let bench = loop {
            if let Some(bench) = pool.free.pop() {
                break bench;
            }
            if pool.made < MOST {
                pool.made += 1;
                let number = pool.made;
                drop(pool);
                break Self::boot(number);
            }
            pool = RETURNED.wait(pool).unwrap_or_else(PoisonError::into_inner);
        };
        let borrowed = Borrowed(Some(bench));
        borrowed.ctl("heal");
        borrowed
    }

    fn boot(number: usize) -> Self {
        for (name, package) in [
            ("debootstrap", "debootstrap"),
            ("systemd-nspawn", "systemd-container"),
            ("ip", "iproute2"),
            ("iptables", "iptables"),
            ("curl", "curl"),
        ] {
            program(name, package);
        }
        let name = format!("p{}x{number}", base36(std::process::id()));
        let mut keeper = script(&name, "keep.sh")
            // An interrupt at the terminal is ours; the keeper sees us end.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut words = String::new();
        BufReader::new(keeper.stdout.take().unwrap())
            .read_line(&mut words)
            .unwrap();
        let folder = words
            .trim()
            .strip_prefix("ready ")
            .unwrap_or_else(|| panic!("the host does not boot; its keeper said why on stderr"));
        let folder = PathBuf::from(folder);
        Self {
            mailbox: Mailbox::start(&format!("{name}-aux"), &folder.join("mail")),
            folder,
            name,
            _keeper: keeper,
        }
    }

    /// Verbs of `ctl.sh`, `; ` between them; what they said.
    pub(super) fn ctl(&self, verbs: &str) -> String {
        let said = verbs.split("; ").map(|verb| {
            let words: Vec<&str> = verb.split(' ').collect();
            run(script(&self.name, "ctl.sh").args(words))
        });
        said.collect()
    }

    /// A command on the host, as its console would run it: its status, and what it said.
    pub(super) fn on_host(&self, words: &[&str]) -> (Option<i32>, String) {
        let mut command = script(&self.name, "ctl.sh");
        output(command.arg("in").args(words))
    }

    /// A login from the prober's namespace: its status, and what it said.
    pub(super) fn ssh(&self, account: &str, order: &str) -> (Option<i32>, String) {
        output(script(&self.name, "ctl.sh").args(["ssh", account, order]))
    }

    /// The same with the same key from the spare namespace.
    pub(super) fn ssh_from_elsewhere(&self, account: &str, order: &str) -> (Option<i32>, String) {
        output(script(&self.name, "ctl.sh").args(["ssh-elsewhere", account, order]))
    }

    /// Both sites answer.
    pub(super) fn answers(&self) -> bool {
        output(script(&self.name, "ctl.sh").arg("answers")).0 == Some(0)
    }

    /// Puts a file onto the host.
    pub(super) fn file(&self, path: &str, text: &str) {
        let (code, said) = self.on_host(&["install", "-D", "-m", "644", "/dev/stdin", path]);
        assert_eq!(code, Some(0), "{said}");
        let (code, said) = self.on_host(&["sh", "-c", "printf %s \"$1\" >\"$0\"", path, text]);
        assert_eq!(code, Some(0), "{said}");
    }

    /// How often the restart command was run since the host was healed, by whomever.
    pub(super) fn restarts(&self) -> usize {
        self.ctl("restarts").trim().parse().unwrap()
    }

    /// A program in the prober's namespace, where so much more time has passed since boot than really has.
    pub(super) fn later(&self, seconds: u64) -> Command {
        let mut command = as_root("ip");
        command
            .args(["netns", "exec", &format!("{}-mon", self.name)])
            .args(["unshare", "--time", &format!("--boottime={seconds}")]);
        command
    }

    /// A new folder that is gone with the bench.
    pub(super) fn room(&self, name: &str) -> PathBuf {
        let room = self.folder.join(name);
        run(as_root("mkdir").arg("-m").arg("777").arg("-p").arg(&room));
        room
    }

    /// What was delivered to a recipient.
    pub(super) fn letters_to(&self, recipient: &str) -> Vec<Letter> {
        self.mailbox.letters_to(recipient)
    }
}

fn output(command: &mut Command) -> (Option<i32>, String) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let words = [output.stdout, output.stderr].concat();
    (
        output.status.code(),
        String::from_utf8_lossy(&words).into_owned(),
    )
}

/// A script of the bench of this name.
fn script(name: &str, file: &str) -> Command {
    let mut command = as_root("env");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("host");
    command
        .arg(format!("RH_NAME={name}"))
        .arg(format!("RH_TMP={}", folder.display()))
        .arg(
            Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("tests/real/host")
                .join(file),
        );
    command
}

/// Short, for names have eight characters.
fn base36(mut number: u32) -> String {
    let mut digits = Vec::new();
    while number > 0 || digits.is_empty() {
        digits.extend(char::from_digit(number % 36, 36));
        number /= 36;
    }
    digits.iter().rev().collect()
}
