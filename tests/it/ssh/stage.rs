//! A host that was written down: `hosts/NAME` holds the answers of its commands and what of its /proc and /sys is read.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::agent::installable;

/// A shell, what makes it one, and its package.
pub(super) type Shell = (&'static str, &'static [&'static str], &'static str);

/// Every shell that may be a host's `/bin/sh`.
pub(super) const SHELLS: [Shell; 3] = [
    ("dash", &[], "dash"),
    ("busybox", &["sh"], "busybox"),
    ("bash", &["--posix"], "bash"),
];

/// A written-down host in a directory of its own.
pub(super) struct Stage {
    directory: tempfile::TempDir,
}

impl Stage {
    pub(super) fn new(host: &str) -> Self {
        let stage = Self {
            directory: tempfile::tempdir().unwrap(),
        };
        let hosts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/ssh/hosts");
        copy(&hosts.join(host), stage.directory.path());
        for directory in ["root/var/log", "root/tmp", "root/home/kusanagi"] {
            std::fs::create_dir_all(stage.path(directory)).unwrap();
        }
        for program in [
            "systemctl",
            "df",
            "ss",
            "nginx",
            "curl",
            "dmesg",
            "journalctl",
            "date",
            "who",
            "sudo",
            "opt/kusanagi/nginx131/sbin/nginx",
        ] {
            let file = stage.path("bin").join(program);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::copy(hosts.join("replay"), &file).unwrap();
        }
        let agent = stage.path("probe-agent");
        let settings = stage.path("agent.conf");
        let shell = stage.path("shell");
        std::fs::write(&agent, installable(&settings, &shell.to_string_lossy())).unwrap();
        std::fs::set_permissions(&agent, PermissionsExt::from_mode(0o755)).unwrap();
        stage.settings("");
        stage
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(super) fn settings(&self, more: &str) {
        let top = self.directory.path().display();
        let text = format!(
            "ROOT={top}/root\nPATH={top}/bin:/usr/bin:/bin\nSTATE={top}/state\n\
             SITES='https://shop.example.com/ http://blog.example.com:8080/a?b=[c]'\n{more}\n"
        );
        let file = self.path("agent.conf");
        std::fs::write(&file, text).unwrap();
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o644)).unwrap();
    }

    pub(super) fn write(&self, name: &str, text: &str) {
        let file = self.path(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }

    /// The sorted lines of a diagnosis by the installed agent.
    pub(super) fn facts(&self, shell: Shell) -> Vec<String> {
        lines(self.agent(shell).args(["1", "diagnose"]))
    }

    /// The installed agent in a shell, in which it also begins anew; the order is still to be given.
    pub(super) fn agent(&self, (shell, options, package): Shell) -> Command {
        let mut command = shell_command(shell, package);
        command.args(options).arg(self.path("probe-agent"));
        let again = format!("#!/bin/sh\nexec {shell} {} \"$@\"\n", options.join(" "));
        self.write("shell", &again);
        std::fs::set_permissions(self.path("shell"), PermissionsExt::from_mode(0o755)).unwrap();
        command
    }

    /// The value of one fact, by the first shell.
    pub(super) fn fact(&self, key: &str) -> Option<String> {
        let facts = self.facts(SHELLS[0]);
        let mut values = facts
            .iter()
            .filter_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        let value = values.next().map(str::to_owned);
        assert_eq!(values.next(), None, "{key} twice: {facts:#?}");
        value
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir_all(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), &target).unwrap();
        }
    }
}

pub(super) fn shell_command(shell: &str, package: &str) -> Command {
    assert!(
        ["/bin", "/usr/bin"]
            .iter()
            .any(|directory| Path::new(directory).join(shell).exists()),
        "{shell} is missing: install the package {package}"
    );
    let mut command = Command::new(shell);
    command
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .env("HOME", "/nonexistent");
    command
}

/// Runs a diagnosis: it succeeds, complains of nothing, keeps to its form, and is whole.
pub(super) fn lines(command: &mut Command) -> Vec<String> {
    let output = command.output().unwrap();
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {complaints}");
    assert_eq!(complaints, "", "{command:?}");
    assert!(output.stdout.len() <= 32 * 1024);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("facts=1\n"), "{text}");
    assert!(text.ends_with("\nend=1\n"), "{text}");
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for line in &lines {
        well_formed(line);
    }
    lines.sort();
    let keys = lines.iter().map(|line| line.split('=').next());
    let mut unique: Vec<_> = keys.clone().collect();
    unique.dedup();
    assert_eq!(unique.len(), keys.count(), "a key twice: {lines:#?}");
    lines
}

/// `[a-z0-9_]+=` and something printable, 300 bytes at most; whatever is counted is a plain decimal number.
#[track_caller]
pub(super) fn well_formed(line: &str) {
    assert!(line.len() <= 300, "{line}");
    let (key, value) = line.split_once('=').unwrap_or_else(|| panic!("{line}"));
    assert!(
        !key.is_empty()
            && key
                .bytes()
                .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_')),
        "{line}"
    );
    assert!(
        !value.is_empty() && value.bytes().all(|b| matches!(b, b' '..=b'~')),
        "{line}"
    );
    let word = matches!(
        key,
        "boot_id"
            | "web"
            | "web_unit"
            | "web_load"
            | "web_enabled"
            | "web_active"
            | "web_sub"
            | "web_result"
            | "web_job"
            | "disk_path"
            | "inodes_path"
            | "config_test"
            | "config_test_says"
            | "listen_80"
            | "listen_443"
            | "monit"
            | "package_manager"
            | "systemd"
            | "php_unit"
            | "php_active"
            | "db_unit"
            | "db_active"
            | "kusanagi"
            | "asks_http"
            | "asks_https"
    ) || key.starts_with("site_")
        || key.starts_with("browser_");
    assert!(word || value.parse::<u64>().is_ok(), "{line}");
}
