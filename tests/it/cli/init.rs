//! `probe init` on hosts that were written down (`hosts/NAME`: their files, and their units in one), on this machine and
//! over a real sshd.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::screens::golden;
use crate::ssh::server::{Sshd, new_key, public, trust};

/// Before every path that is read on the host.
const ROOT: &str = "PROBE_SURVEY_ROOT";

/// Hosts that were written down: `odd` and `odd-httpd` have other ports, names over several lines and in quotation marks, sockets.
const HOSTS: [&str; 5] = ["kusanagi8", "kusanagi9", "plain", "odd", "odd-httpd"];

/// Passwords in the hosts' files begin so.
const SECRET: &str = "s3cret";

fn host(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/it/cli/hosts")
        .join(name)
}

/// A directory to write into, and the program in it.
struct Desk {
    directory: tempfile::TempDir,
}

#[derive(Debug)]
struct Said {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Said {
    #[track_caller]
    fn expect(&self, code: i32, parts: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:#?}");
        let both = format!("{}{}", self.stdout, self.stderr);
        for part in parts {
            assert!(both.contains(part), "`{part}` is not said: {self:#?}");
        }
        assert!(!both.contains(SECRET), "{self:#?}");
    }
}

impl Desk {
    fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn probe(&self, root: &Path, words: &[&str]) -> Said {
        let output = Command::new(env!("CARGO_BIN_EXE_probe"))
            .args(words)
            .current_dir(self.directory.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.directory.path())
            .env(ROOT, root)
            .output()
            .unwrap();
        Said {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// The name of this machine is nobody's business.
fn anonymous(text: &str) -> String {
    let name = Command::new("uname").arg("-n").output().unwrap();
    let name = String::from_utf8(name.stdout).unwrap();
    text.replace(&format!("probe@{}", name.trim()), "probe@THIS-HOST")
        .replace(&format!("  {}:", name.trim()), "  THIS-HOST:")
        .replace(&format!("host: {}\n", name.trim()), "host: THIS-HOST\n")
        .replace(&format!("of {} (", name.trim()), "of THIS-HOST (")
        .replace(&format!("On {},", name.trim()), "On THIS-HOST,")
        .replace(&format!("on {} itself", name.trim()), "on THIS-HOST itself")
        .replace(
            &format!("ssh-keyscan {} ", name.trim()),
            "ssh-keyscan THIS-HOST ",
        )
}

#[test]
fn what_is_written_and_what_is_said() {
    for name in HOSTS {
        let desk = Desk::new();
        let said = desk.probe(&host(name), &["init"]);
        said.expect(0, &["probes.yaml: "]);
        let yaml = fs::read_to_string(desk.path("probes.yaml")).unwrap();
        assert!(!yaml.contains(SECRET));
        desk.probe(&host(name), &["check"])
            .expect(0, &["no faults"]);
        golden(
            &format!("init-{name}"),
            &anonymous(&format!("{yaml}\n--- said\n\n{}", said.stdout)),
        );
    }
}

#[test]
fn nothing_is_overwritten() {
    let desk = Desk::new();
    fs::write(desk.path("probes.yaml"), "mine").unwrap();
    let said = desk.probe(&host("kusanagi8"), &["init"]);
    said.expect(3, &["never overwritten", "--output"]);
    assert_eq!(
        fs::read_to_string(desk.path("probes.yaml")).unwrap(),
        "mine"
    );
    // Nor is what a link leads to, even where that is not there.
    std::os::unix::fs::symlink(desk.path("target"), desk.path("link.yaml")).unwrap();
    desk.probe(&host("kusanagi8"), &["init", "--output", "link.yaml"])
        .expect(3, &["never overwritten"]);
    assert!(!desk.path("target").exists());
    desk.probe(
        &host("kusanagi8"),
        &["init", "--output", "no/such/directory.yaml"],
    )
    .expect(3, &["could not be written"]);
    let said = desk.probe(&host("kusanagi8"), &["init", "--output", "-"]);
    said.expect(
        0,
        &["restrict,from=", "and in the configuration: `ssh: probe@"],
    );
    assert!(said.stdout.starts_with("# Written by"), "{said:#?}");
    assert!(!said.stdout.contains("restrict"), "{said:#?}");
    assert!(!said.stderr.contains("stdout"), "{said:#?}");
}

/// Files of two hosts may lie in one directory, and each stands alone as well.
#[test]
fn two_files_in_one_directory_are_one_configuration() {
    let desk = Desk::new();
    fs::create_dir(desk.path("probe.d")).unwrap();
    for (name, output) in [
        ("kusanagi8", "probe.d/10-web1.yaml"),
        ("odd", "probe.d/20-web2.yaml"),
        ("kusanagi8", "probe.d/30-web3.yaml"),
    ] {
        let said = desk.probe(&host(name), &["init", "--output", output]);
        said.expect(0, &[output]);
        desk.probe(Path::new("/"), &["check", "-c", output])
            .expect(0, &["no faults"]);
    }
    // This machine is one and the same: only its destination stands twice.
    for (file, other) in [
        ("10-web1.yaml", "web1"),
        ("20-web2.yaml", "web2"),
        ("30-web3.yaml", "web3"),
    ] {
        let path = desk.path("probe.d").join(file);
        let yaml = fs::read_to_string(&path).unwrap();
        let start = yaml.find("    ssh: ").unwrap();
        let end = start + yaml[start..].find('\n').unwrap();
        fs::write(
            &path,
            format!(
                "{}    ssh: probe@{other}.test{}",
                &yaml[..start],
                &yaml[end..]
            ),
        )
        .unwrap();
    }
    let said = desk.probe(Path::new("/"), &["check", "-c", "probe.d"]);
    said.expect(0, &["9 profiles, 3 hosts, no faults"]);
}

#[test]
fn a_host_without_sites_is_told_so() {
    let desk = Desk::new();
    let empty = desk.path("empty");
    fs::create_dir(&empty).unwrap();
    desk.probe(&empty, &["init"])
        .expect(2, &["no site was found", "nothing was written"]);
    assert!(!desk.path("probes.yaml").exists());
}

#[test]
fn rules_of_monit_from_a_directory() {
    let desk = Desk::new();
    let rules = host("kusanagi8").join("etc/monit.d");
    // The unit of this host is nginx131, and the rules ask for nginx.
    let said = desk.probe(
        &host("kusanagi9"),
        &["init", "--monit", &rules.to_string_lossy()],
    );
    said.expect(
        0,
        &[
            "is-enabled nginx` says whether nginx is started at boot, not whether it runs",
            "there is no unit nginx on this host (there is httpd, nginx130, nginx131)",
            "A stopped server writes no log line",
            "HEAD requests are not matched",
            "restarts every third cycle without end",
            "stops watching for good",
            "No rule connects to the web server",
        ],
    );
    desk.probe(
        &host("kusanagi9"),
        &["init", "--output", "b.yaml", "--monit", "nowhere"],
    )
    .expect(3, &["no such directory"]);
}

/// An agent that is there and asks nobody is told, whichever way its settings leave `SITES` empty; the lines set it.
#[test]
fn an_agent_without_sites() {
    let now = "as it is there now";
    for (settings, empty) in [
        (None, true),
        (Some("MAX=3\n"), true),
        (Some("SITES=\n"), true),
        (Some("SITES='' # none yet\n"), true),
        (Some("# SITES='https://shop.example.com/'\n"), true),
        (
            Some("SITES='https://shop.example.com/'\nSITES=\"\"; MAX=3\n"),
            true,
        ),
        (Some("SITES='https://shop.example.com/'\n"), false),
        (Some("MAX=3 SITES=https://shop.example.com/\n"), false),
        (Some("SITES='\nhttps://shop.example.com/'\n"), false),
    ] {
        let desk = Desk::new();
        let root = desk.path("root");
        let copied = Command::new("cp")
            .arg("-r")
            .arg(host("plain"))
            .arg(&root)
            .status();
        assert!(copied.unwrap().success());
        fs::create_dir_all(root.join("usr/local/sbin")).unwrap();
        fs::write(root.join("usr/local/sbin/probe-agent"), "").unwrap();
        if let Some(settings) = settings {
            fs::write(root.join("etc/probe-agent.conf"), settings).unwrap();
        }
        let said = desk.probe(&root, &["init"]);
        said.expect(
            0,
            &[
                "SITES='http://intranet.example.org/'",
                "SITES is what the agent asks",
            ],
        );
        assert_eq!(said.stdout.contains(now), empty, "{settings:?}: {said:#?}");
    }
}

/// The script says the same in every shell, and no password.
#[test]
fn the_question_in_every_shell() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/adapters/survey/survey.sh");
    for name in HOSTS {
        let mut answers = Vec::new();
        for (shell, options) in [
            ("dash", &[][..]),
            ("busybox", &["sh"]),
            ("bash", &["--posix"]),
        ] {
            let output = Command::new(shell)
                .args(options)
                .arg(&script)
                .env(ROOT, host(name))
                .output()
                .unwrap_or_else(|error| panic!("{shell}: {error}: install the package {shell}"));
            assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{shell}");
            let text = String::from_utf8(output.stdout).unwrap();
            assert!(text.ends_with("\nend\n"), "{shell}: {text}");
            assert!(!text.contains(SECRET), "{shell}: {text}");
            answers.push(text);
        }
        assert_eq!(answers[0], answers[1], "{name}");
        assert_eq!(answers[0], answers[2], "{name}");
    }
}

/// An sshd whose key leads into a written-down host.
fn sshd(desk: &Desk, forced: &str) -> Sshd {
    let sshd = Sshd::start(desk.directory.path());
    let keys = desk.path("authorized_keys");
    let key = fs::read_to_string(&keys).unwrap();
    fs::write(&keys, format!("restrict,command=\"{forced}\" {key}")).unwrap();
    sshd
}

fn over(desk: &Desk, sshd: &Sshd, output: &str) -> Said {
    desk.probe(
        Path::new("/nonexistent"),
        &[
            "init",
            "--ssh",
            &sshd.destination(),
            "--identity",
            &sshd.identity.to_string_lossy(),
            "--known-hosts",
            &sshd.known_hosts.to_string_lossy(),
            "--output",
            output,
        ],
    )
}

#[test]
fn over_ssh() {
    let desk = Desk::new();
    let forced = format!(
        "{ROOT}={} exec sh -c \\\"$SSH_ORIGINAL_COMMAND\\\"",
        host("kusanagi8").display()
    );
    let server = sshd(&desk, &forced);
    let said = over(&desk, &server, "web1.yaml");
    let key = fs::read_to_string(public(&server.identity)).unwrap();
    let line = format!(
        "restrict,from=\"127.0.0.1\",command=\"/usr/local/sbin/probe-agent\" {}",
        key.trim()
    );
    said.expect(
        0,
        &[
            "web1.yaml: 3 profiles of 127.0.0.1 (KUSANAGI Version 8.4.6-2, nginx)",
            &line,
            "probe ALL=(root) NOPASSWD: /usr/bin/kusanagi restart\n",
            "probe ALL=(root) NOPASSWD: /usr/sbin/nginx -t\n",
            &format!("ssh-keyscan -p {} 127.0.0.1 >> ", server.port),
        ],
    );
    let yaml = fs::read_to_string(desk.path("web1.yaml")).unwrap();
    for part in [
        server.destination(),
        format!("identity_file: {}", server.identity.display()),
        format!("known_hosts_file: {}", server.known_hosts.display()),
        "urls: [http://shop.example.com/, https://shop.example.com/]".to_owned(),
    ] {
        assert!(yaml.contains(&part), "`{part}` is not in {yaml}");
    }
    desk.probe(Path::new("/"), &["check", "-c", "web1.yaml"])
        .expect(0, &["no faults"]);
}

/// Who asks as root, with a key of their own, does not hand that key to probe.
#[test]
fn the_key_of_the_login_stays_out_of_the_file() {
    let desk = Desk::new();
    let forced = format!(
        "{ROOT}={} exec sh -c \\\"$SSH_ORIGINAL_COMMAND\\\"",
        host("kusanagi8").display()
    );
    let server = sshd(&desk, &forced);
    let own = desk.path("probe_key");
    new_key(&own);
    for (identity, line) in [
        (None, None),
        (
            Some(&own),
            Some(format!("identity_file: {}", own.display())),
        ),
    ] {
        let output = if identity.is_some() {
            "own.yaml"
        } else {
            "none.yaml"
        };
        let (destination, login) = (server.destination(), server.identity.to_string_lossy());
        let known = server.known_hosts.to_string_lossy();
        let mut words = vec![
            "init",
            "--ssh",
            &destination,
            "--login-identity",
            &login,
            "--known-hosts",
            &known,
            "--output",
            output,
        ];
        let own = identity.map(|path| path.to_string_lossy().into_owned());
        words.extend(own.iter().flat_map(|path| ["--identity", path]));
        desk.probe(Path::new("/nonexistent"), &words)
            .expect(0, &[output]);
        let yaml = fs::read_to_string(desk.path(output)).unwrap();
        assert!(!yaml.contains(&*login), "{yaml}");
        assert!(
            yaml.contains(&format!(
                "ssh: \"ssh://probe@127.0.0.1:{}\"   # (2)",
                server.port
            )) || yaml.contains(&format!(
                "ssh: ssh://probe@127.0.0.1:{}   # (2)",
                server.port
            )),
            "{yaml}"
        );
        assert!(
            yaml.contains("- sudo -n /usr/bin/kusanagi restart"),
            "{yaml}"
        );
        match line {
            Some(line) => assert!(yaml.contains(&line), "{yaml}"),
            None => assert!(!yaml.contains("identity_file"), "{yaml}"),
        }
        desk.probe(Path::new("/"), &["check", "-c", output])
            .expect(0, &["no faults"]);
    }
}

#[test]
fn a_login_that_cannot_answer() {
    let desk = Desk::new();
    // The agent's key orders two things, and this is neither.
    let server = sshd(&desk, "exit 64");
    over(&desk, &server, "a.yaml")
        .expect(2, &["nothing was written", "use a login that has a shell"]);
    // Another key than the one that is known: one instruction, for the file that was used.
    let other = desk.path("other_key");
    new_key(&other);
    trust(&server.known_hosts, server.port, &other);
    let said = over(&desk, &server, "a.yaml");
    said.expect(2, &["nothing was written", "`ssh-keygen -R "]);
    assert!(!said.stderr.contains("ssh-keyscan"), "{said:#?}");
    // One nobody knows yet: what makes it known, once.
    fs::write(&server.known_hosts, "").unwrap();
    let known = server.known_hosts.display();
    let act = format!("ssh-keyscan -p {} 127.0.0.1 >> {known}", server.port);
    let said = over(&desk, &server, "a.yaml");
    said.expect(2, &["nothing was written", &act]);
    assert_eq!(said.stderr.matches("ssh-keyscan").count(), 1, "{said:#?}");
    // Nor is a refused login a matter of the host's key.
    assert!(!desk.path("a.yaml").exists());
}
