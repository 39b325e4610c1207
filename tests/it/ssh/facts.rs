//! What `probe-agent 1 diagnose` says, whole, in three shells: of hosts that were written down (`facts.txt` holds what must
//! come of each, sorted) and of this one.

use super::stage::{SHELLS, Stage, lines, shell_command};

#[test]
fn written_down_hosts_in_every_shell() {
    for host in ["centos7", "kusanagi9"] {
        let stage = Stage::new(host);
        for shell in SHELLS {
            assert_eq!(
                stage.facts(shell).join("\n") + "\n",
                std::fs::read_to_string(stage.path("facts.txt")).unwrap(),
                "{host} in {shell:?}"
            );
        }
        let asked = std::fs::read_to_string(stage.path("asked")).unwrap();
        for line in asked.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            for unknown in ["--value", "-P", "--property=", "--plain"] {
                assert!(
                    words[0] != "systemctl" || !words.contains(&unknown),
                    "systemd 219 does not know {unknown}: {line}"
                );
            }
            for changes in ["restart", "start", "stop", "reload", "reset-failed", "kill"] {
                assert!(!words.contains(&changes), "{line}");
            }
        }
    }
}

/// Another awk than this machine's.
#[test]
fn written_down_hosts_with_busybox_awk() {
    use std::os::unix::fs::PermissionsExt;
    for host in ["centos7", "kusanagi9"] {
        let stage = Stage::new(host);
        stage.write("bin/awk", "#!/bin/sh\nexec busybox awk \"$@\"\n");
        std::fs::set_permissions(stage.path("bin/awk"), PermissionsExt::from_mode(0o755)).unwrap();
        assert_eq!(
            stage.facts(SHELLS[0]).join("\n") + "\n",
            std::fs::read_to_string(stage.path("facts.txt")).unwrap(),
            "{host}"
        );
    }
}

/// The text as probe sends it to a host that has no agent: no file of it there, no settings, and nothing is written.
#[test]
fn built_in_in_every_shell() {
    let text = super::agent::AGENT;
    assert!(text.len() < 100 * 1024);
    assert!(!text.contains("<<"), "a here-document needs a disk");
    let empty = tempfile::tempdir().unwrap();
    std::fs::write(empty.path().join("probe-agent"), "not this one").unwrap();
    for (shell, options, package) in SHELLS {
        let mut command = shell_command(shell, package);
        command
            .args(options)
            .arg("-c")
            .arg(text)
            .args(["probe-agent", "1", "diagnose"])
            .args([
                "http://127.0.0.1:1/",
                "http://u:secret@a.example/",
                "x",
                "http://a.example:1/`",
            ])
            .env("HOME", empty.path())
            .current_dir(empty.path());
        let lines = lines(&mut command);
        for (key, wanted) in [
            ("agent=", false),
            ("restarts_in_window=", false),
            ("boot_id=", true),
            ("uptime_s=", true),
            ("disk_free_pct=", true),
            ("memory_available_pct=", true),
            ("processes_free_pct=", true),
            ("listen_80=", true),
        ] {
            assert_eq!(
                lines.iter().any(|line| line.starts_with(key)),
                wanted,
                "{key} in {shell}: {lines:#?}"
            );
        }
        let sites: Vec<&String> = lines.iter().filter(|l| l.starts_with("site_")).collect();
        assert_eq!(sites, ["site_1=refused http://127.0.0.1:1/"], "{shell}");
    }
    assert_eq!(std::fs::read_dir(empty.path()).unwrap().count(), 1);
}

#[test]
fn built_in_never_restarts() {
    for order in [
        &["1", "restart"][..],
        &["1", "restart", "2"],
        &["1"],
        &[],
        &["2", "diagnose"],
    ] {
        let output = shell_command("dash", "dash")
            .args(["-c", super::agent::AGENT, "probe-agent"])
            .args(order)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(64), "{order:?}");
    }
}

/// What hangs costs its own fact and no more than its share of the time.
#[test]
fn it_ends_of_its_own_accord() {
    let stage = Stage::new("kusanagi9");
    for program in ["systemctl", "df", "ss", "dmesg", "journalctl", "curl"] {
        let file = stage.path("bin").join(program);
        std::fs::write(&file, "#!/bin/sh\nexec sleep 600\n").unwrap();
    }
    // The clock of the written-down host stands still; this one runs.
    std::fs::remove_file(stage.path("root/proc/uptime")).unwrap();
    std::os::unix::fs::symlink("/proc/uptime", stage.path("root/proc/uptime")).unwrap();
    let began = std::time::Instant::now();
    let facts = stage.facts(SHELLS[0]);
    // 25 s is the promise; the machine that tests it may be busy.
    assert!(began.elapsed().as_secs() < 60, "{:?}", began.elapsed());
    assert!(
        facts.iter().any(|line| line == "memory_available_pct=40"),
        "{facts:#?}"
    );
    assert!(
        !facts.iter().any(|line| line.starts_with("disk_")),
        "{facts:#?}"
    );
}
