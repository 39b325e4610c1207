//! The way in: a real sshd that accepts one key, and lets that key say one thing: `kusanagi restart`.

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::ground::{Server, WEB, port, program, run, script, text, wait_for};

/// An sshd and the key that opens it.
#[derive(Debug)]
pub(crate) struct Sshd {
    /// Where it listens.
    pub(crate) port: u16,
    /// The account.
    pub(crate) user: String,
    /// The private key.
    pub(crate) identity: PathBuf,
    /// The host's key, as a client knows it.
    pub(crate) known_hosts: PathBuf,
    /// What it says.
    pub(crate) log: PathBuf,
    _server: Server,
}

impl Sshd {
    /// Starts it; logins may run `kusanagi restart`, carried out by the given stand-in.
    pub(crate) fn start(room: &Path, kusanagi: &Path) -> Self {
        let sshd = program("sshd", "openssh-server");
        let keygen = program("ssh-keygen", "openssh-client");
        program("ssh", "openssh-client");
        let folder = room.join("ssh");
        fs::create_dir_all(&folder).unwrap();
        for key in ["host", "probe"] {
            run(Command::new(&keygen)
                .args(["-q", "-t", "ed25519", "-N", "", "-C", key, "-f"])
                .arg(folder.join(key)));
        }
        let port = port(WEB);
        let host_key = text(&folder.join("host.pub"));
        let known_hosts = folder.join("known_hosts");
        fs::write(&known_hosts, format!("[{WEB}]:{port} {host_key}")).unwrap();
        let gate = folder.join("gate");
        script(
            &gate,
            &format!(
                "#!/bin/bash\ncase $SSH_ORIGINAL_COMMAND in\n  'kusanagi restart') exec {} restart;;\n  \
                 *) echo \"refused: $SSH_ORIGINAL_COMMAND\" >&2; exit 64;;\nesac\n",
                kusanagi.display()
            ),
        );
        let allowed = format!(
            "restrict,command=\"{}\" {}",
            gate.display(),
            text(&folder.join("probe.pub"))
        );
        fs::write(folder.join("authorized_keys"), allowed).unwrap();
        fs::write(folder.join("sshd_config"), config(&folder, port)).unwrap();
        if is_root() {
            fs::create_dir_all("/run/sshd").unwrap();
        }
        let log = folder.join("sshd.log");
        let server = Server::start(
            Command::new(sshd)
                .args(["-D", "-e", "-f"])
                .arg(folder.join("sshd_config")),
            &log,
        );
        wait_for("sshd answers", Duration::from_secs(10), || {
            TcpStream::connect((WEB, port)).is_ok()
        });
        Self {
            port,
            user: run(Command::new("id").arg("-un")).trim().to_owned(),
            identity: folder.join("probe"),
            known_hosts,
            log,
            _server: server,
        }
    }

    /// What `hosts.NAME.ssh` is given.
    pub(crate) fn destination(&self) -> String {
        format!("ssh://{}@{WEB}:{}", self.user, self.port)
    }
}

/// A locked account is refused by sshd itself; only PAM lets its key in.
fn config(folder: &Path, port: u16) -> String {
    let locked = is_root()
        && text(Path::new("/etc/shadow"))
            .lines()
            .any(|line| line.starts_with("root:!"));
    format!(
        "ListenAddress {WEB}:{port}\nHostKey {0}/host\nAuthorizedKeysFile {0}/authorized_keys\nPidFile none\n\
         StrictModes no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\n\
         UsePAM {1}\nUseDNS no\nPrintMotd no\nMaxStartups 100\nLogLevel VERBOSE\nSetEnv HOME={0}\n",
        folder.display(),
        if locked { "yes" } else { "no" },
    )
}

/// Whether this test runs as root.
pub(crate) fn is_root() -> bool {
    run(Command::new("id").arg("-u")).trim() == "0"
}
