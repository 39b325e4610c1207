//! What every server of the world stands on: a directory, a port, a program, a wait with a deadline.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The web host's address.
pub(crate) const WEB: &str = "127.0.0.2";
/// The prober's own address.
pub(crate) const HOME: &str = "127.0.0.1";

/// A temporary directory that servers under other users may pass through.
pub(crate) fn room() -> tempfile::TempDir {
    let room = tempfile::Builder::new()
        .prefix("probe-real-")
        .tempdir()
        .unwrap();
    fs::set_permissions(room.path(), fs::Permissions::from_mode(0o755)).unwrap();
    room
}

/// A port that is free at this moment.
pub(crate) fn port(address: &str) -> u16 {
    TcpListener::bind((address, 0))
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// Where a program is; a test without its program fails and names the package.
pub(crate) fn program(name: &str, package: &str) -> PathBuf {
    let path = std::env::var("PATH").unwrap_or_default();
    path.split(':')
        .chain(["/usr/sbin", "/sbin", "/usr/bin"])
        .map(|folder| Path::new(folder).join(name))
        .find(|candidate| candidate.is_file())
        .unwrap_or_else(|| panic!("`{name}` is not installed: apt-get install {package}"))
}

/// Whether all of what is tried exhaustively is tried: `tests/run --all` says so by `PROBE_TESTS=all`. Otherwise a test that
/// has hundreds of cases takes a part of them that it names.
pub(crate) fn everything() -> bool {
    match std::env::var("PROBE_TESTS").ok().as_deref() {
        None | Some("") => false,
        Some("all") => true,
        Some(other) => panic!("PROBE_TESTS={other}: only `all` is known"),
    }
}

/// The distance from one case to the next: 1 for [`everything`].
pub(crate) fn step(otherwise: usize) -> usize {
    if everything() { 1 } else { otherwise }
}

/// Runs to its end and must exit 0.
pub(crate) fn run(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let words = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(
        output.status.success(),
        "{command:?}: {}\n{words}",
        output.status
    );
    words
}

/// A script that may be run.
pub(crate) fn script(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// The text of a file, empty when there is none.
pub(crate) fn text(path: &Path) -> String {
    fs::read(path).map_or_else(
        |_| String::new(),
        |bytes| String::from_utf8_lossy(&bytes).into_owned(),
    )
}

/// Waits for a condition.
pub(crate) fn wait_for(what: &str, limit: Duration, mut met: impl FnMut() -> bool) {
    let deadline = Instant::now() + limit;
    while !met() {
        assert!(Instant::now() < deadline, "{what}: not within {limit:?}");
        sleep(Duration::from_millis(50));
    }
}

/// Whether the process is there and not a zombie.
pub(crate) fn is_alive(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit(')').next().unwrap_or("").starts_with(" Z"))
}

/// The process id in a pid file.
pub(crate) fn pid_in(file: &Path) -> Option<u32> {
    text(file).trim().parse().ok()
}

/// A server in the foreground that ends with its owner.
#[derive(Debug)]
pub(crate) struct Server(Child);

impl Server {
    /// Starts it with its words in a file.
    pub(crate) fn start(command: &mut Command, log: &Path) -> Self {
        let words = fs::File::create(log).unwrap();
        let child = command
            .stdin(Stdio::null())
            .stdout(words.try_clone().unwrap())
            .stderr(words)
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        Self(child)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
