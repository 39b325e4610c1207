//! A real sshd on a high loopback port, with its own keys, for the account that runs the tests.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::ports::free_port;

const SSHD: &str = "/usr/sbin/sshd";

/// A running sshd; dropped, it ends with its sessions.
pub(crate) struct Sshd {
    pub(crate) port: u16,
    /// Knows the server's key.
    pub(crate) known_hosts: PathBuf,
    /// The server accepts this key.
    pub(crate) identity: PathBuf,
    pub(crate) user: String,
    child: Child,
}

impl Sshd {
    /// Starts one whose files lie in `directory`.
    pub(crate) fn start(directory: &Path) -> Self {
        assert!(
            Path::new(SSHD).exists(),
            "{SSHD} is missing: install the package openssh-server"
        );
        let user = output(Command::new("id").arg("-un"));
        if user == "root" {
            // The directory into which sshd locks its unprivileged half; a booted Debian makes it with the service.
            std::fs::create_dir_all("/run/sshd").unwrap();
        }
        let (host_key, identity) = (directory.join("host_key"), directory.join("identity"));
        new_key(&host_key);
        new_key(&identity);
        let authorized = directory.join("authorized_keys");
        std::fs::copy(public(&identity), &authorized).unwrap();
        let mut last = String::new();
        for _ in 0..10 {
            let port = free_port();
            let known_hosts = directory.join("known_hosts");
            trust(&known_hosts, port, &host_key);
            let configuration = directory.join("sshd_config");
            std::fs::write(
                &configuration,
                format!(
                    "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\nUsePAM no\nStrictModes no\n\
                     PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\nPidFile none\n\
                     MaxStartups 100\nPrintMotd no\nLogLevel VERBOSE\nSetEnv HOME={}\n",
                    host_key.display(),
                    authorized.display(),
                    // What a login's shell would read in the account's own home is none of the test's business.
                    directory.display()
                ),
            )
            .unwrap();
            let log = directory.join("sshd.log");
            let mut child = Command::new(SSHD)
                .args(["-D", "-E"])
                .arg(&log)
                .arg("-f")
                .arg(&configuration)
                .stdin(Stdio::null())
                .spawn()
                .unwrap();
            if listens(port, &mut child) {
                return Self {
                    port,
                    known_hosts,
                    identity,
                    user,
                    child,
                };
            }
            let _ = child.kill();
            let _ = child.wait();
            last = std::fs::read_to_string(&log).unwrap_or_default();
        }
        panic!("sshd did not start: {last}");
    }

    /// What the client is given.
    pub(crate) fn destination(&self) -> String {
        format!("ssh://{}@127.0.0.1:{}", self.user, self.port)
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let sessions = descendants(self.child.id());
        let _ = self.child.kill();
        let _ = self.child.wait();
        for process in sessions {
            let _ = Command::new("kill")
                .args(["-KILL", &process.to_string()])
                .stderr(Stdio::null())
                .status();
        }
    }
}

/// Every process below `parent`.
fn descendants(parent: u32) -> Vec<u32> {
    let family: Vec<(u32, u32)> = std::fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| {
            let id = entry.file_name().to_str()?.parse().ok()?;
            let status = std::fs::read_to_string(entry.path().join("status")).ok()?;
            let line = status.lines().find_map(|line| line.strip_prefix("PPid:"))?;
            Some((id, line.trim().parse().ok()?))
        })
        .collect();
    let mut found = vec![parent];
    let mut next = 0;
    while let Some(above) = found.get(next).copied() {
        found.extend(family.iter().filter(|f| f.1 == above).map(|f| f.0));
        next += 1;
    }
    found.split_off(1)
}

/// Makes a key pair without a passphrase.
pub(crate) fn new_key(file: &Path) {
    new_locked_key(file, "");
}

/// Makes a key pair with a passphrase.
pub(crate) fn new_locked_key(file: &Path, passphrase: &str) {
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", passphrase, "-f"])
        .arg(file)
        .stdin(Stdio::null())
        .status()
        .unwrap_or_else(|error| panic!("ssh-keygen: {error}: install the package openssh-client"));
    assert!(made.success());
}

/// The public half of a key.
pub(crate) fn public(key: &Path) -> PathBuf {
    key.with_extension("pub")
}

/// Writes a known_hosts file that expects `key` at `port`.
pub(crate) fn trust(known_hosts: &Path, port: u16, key: &Path) {
    let key = std::fs::read_to_string(public(key)).unwrap();
    std::fs::write(known_hosts, format!("[127.0.0.1]:{port} {key}")).unwrap();
}

fn listens(port: u16, child: &mut Child) -> bool {
    let deadline = Instant::now() + Duration::from_secs(20);
    while Instant::now() < deadline && child.try_wait().unwrap().is_none() {
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    false
}

fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
