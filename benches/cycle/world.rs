//! A directory with certificates and targets, and the server that listens at them.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use tempfile::TempDir;

use super::{pki, server};

/// The trust store of whoever measures.
pub(crate) const TRUST: &str = "SSL_CERT_FILE";

/// The server and what it needs; both end with this.
pub(crate) struct World {
    pub(crate) dir: TempDir,
    server: Child,
    ask: ChildStdin,
    answers: BufReader<ChildStdout>,
}

/// This program.
pub(crate) fn ourselves() -> std::path::PathBuf {
    std::env::current_exe().expect("our own path")
}

impl World {
    /// Makes certificates and starts the server.
    pub(crate) fn begin() -> Self {
        let dir = TempDir::new().expect("a directory");
        pki::make(dir.path(), &server::names());
        let mut server = Command::new(ourselves())
            .arg("serve")
            .arg(dir.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a server");
        let ask = server.stdin.take().expect("its stdin");
        let answers = BufReader::new(server.stdout.take().expect("its stdout"));
        let mut world = Self {
            dir,
            server,
            ask,
            answers,
        };
        assert_eq!(world.line(), "ready");
        world
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("an answer");
        line.trim_end().to_owned()
    }

    /// Requests answered so far.
    pub(crate) fn served(&mut self) -> usize {
        writeln!(self.ask).expect("a listening server");
        self.line().parse().expect("a number")
    }

    /// Runs this program with these arguments and the directory, trusting our roots alone; whether it ended well.
    pub(crate) fn measure(&self, args: &[&str]) -> bool {
        let status = Command::new(ourselves())
            .args(args)
            .arg(self.dir.path())
            .env(TRUST, self.dir.path().join("roots.pem"))
            .status();
        status.expect("a measuring process").success()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// The addresses of each scheme.
pub(crate) fn targets(dir: &Path) -> BTreeMap<String, Vec<SocketAddr>> {
    let mut targets: BTreeMap<String, Vec<SocketAddr>> = BTreeMap::new();
    let text = std::fs::read_to_string(dir.join("targets")).expect("targets");
    for line in text.lines() {
        let (scheme, address) = line.split_once(' ').expect("two words");
        let address = address.parse().expect("an address");
        targets.entry(scheme.to_owned()).or_default().push(address);
    }
    targets
}

/// CPU time of this process so far, all threads, user and system.
pub(crate) fn cpu() -> Duration {
    let spent = clock_gettime(ClockId::ProcessCPUTime);
    Duration::try_from(spent).expect("a span")
}
