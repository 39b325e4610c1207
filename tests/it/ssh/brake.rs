//! The agent as the second brake, by hand and by a forced command, in every shell that may run it: what it takes of its
//! environment, and what it keeps on the disk.

use std::path::Path;
use std::process::{Command, Output};

use super::stage::{SHELLS, Shell, Stage, lines};

/// Guards that the written-down host passes.
const PASSES: &str = "CONFIG_TEST=off\nMIN_MEMORY=0\nMIN_PROCESSES=0\n";

/// A written-down host that passes every guard and whose restart leaves a line behind.
fn stage(more: &str) -> Stage {
    let stage = Stage::new("kusanagi9");
    let restarted = stage.path("restarted");
    stage.settings(&format!(
        "{PASSES}RESTART_1='echo one >>{}'\n{more}",
        restarted.display()
    ));
    stage
}

fn restart(stage: &Stage, shell: Shell) -> Output {
    stage.agent(shell).args(["1", "restart"]).output().unwrap()
}

#[track_caller]
fn ends(output: &Output, status: i32, said: &str) {
    let words = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(status), "{words}");
    assert!(words.contains(said), "{words}");
}

fn restarts(stage: &Stage) -> usize {
    let log = std::fs::read_to_string(stage.path("restarted"));
    log.map_or(0, |log| log.lines().count())
}

/// Everything of an environment that could make a shell do or believe something else.
fn poison(command: &mut Command, stage: &Stage) {
    let trap = stage.path("trap").display().to_string();
    let snare = stage.path("snare");
    let script = format!("#!/bin/sh\ntouch {trap}\n");
    for name in ["awk", "id", "flock", "timeout", "date", "env", "sh", "ls"] {
        stage.write(&format!("snare/{name}"), &script);
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(snare.join(name), mode).unwrap();
        let function = format!("() {{ touch {trap}; }}");
        command.env(format!("BASH_FUNC_{name}%%"), function);
    }
    stage.write("rc", &format!("touch {trap}\n"));
    let rc = stage.path("rc");
    command
        .env("PATH", format!("{}:/usr/bin:/bin", snare.display()))
        .env("ENV", &rc)
        .env("BASH_ENV", &rc)
        .env("IFS", "1r")
        .env("CDPATH", "/")
        .env("HOME", snare)
        .env("ROOT", "/nonexistent");
    for rung in 1..=9 {
        command.env(format!("RESTART_{rung}"), format!("touch {trap}"));
    }
    for (name, value) in [
        ("CONFIG_TEST", "exit 1"),
        ("CONF_OWNER", "4711"),
        ("GAP", "3600"),
        ("LIMIT", "0"),
        ("MAX", "0"),
        ("MIN_MEMORY", "101"),
        ("STATE", "/proc"),
        ("SITES", "http://trap.example.com/"),
        ("WEB_UNIT", "trap"),
        ("disk_free_mb", "5"),
        ("job", "1"),
        ("monit_restarting", "1"),
        ("monit_runs", "0"),
        ("oom_kills", "5"),
        ("pressure_cpu_some", "5"),
        ("units", "web_job=trap"),
        ("web_processes", "5"),
    ] {
        command.env(name, value);
    }
}

/// A variable or a function of the environment orders nothing, sets nothing and lifts no brake.
#[test]
fn nothing_of_the_environment_but_the_order() {
    for shell in SHELLS {
        let stage = stage("GAP=0");
        let mut by_hand = stage.agent(shell);
        poison(by_hand.args(["1", "restart", "9"]), &stage);
        ends(&by_hand.output().unwrap(), 0, "");
        let mut forced = stage.agent(shell);
        poison(&mut forced, &stage);
        forced.env("SSH_ORIGINAL_COMMAND", "probe-agent 1 restart 2");
        ends(&forced.output().unwrap(), 0, "");
        assert_eq!(restarts(&stage), 2, "{shell:?}");

        let mut looked = stage.agent(shell);
        poison(looked.args(["1", "diagnose"]), &stage);
        assert_eq!(lines(&mut looked), stage.facts(shell), "{shell:?}");

        // Nor the brake's own words.
        for words in [&["by-hand", "1", "restart"][..], &["1"], &[]] {
            let mut odd = stage.agent(shell);
            poison(odd.args(words), &stage);
            ends(&odd.output().unwrap(), 64, "the orders are");
        }
        assert_eq!(restarts(&stage), 2, "{shell:?}");
        assert!(!stage.path("trap").exists(), "{shell:?}");
    }
}

/// What a restart's own command needs, the settings export.
#[test]
fn the_settings_may_export_what_a_restart_needs() {
    let stage = stage("");
    let seen = stage.path("seen");
    stage.settings(&format!(
        "{PASSES}export XDG_RUNTIME_DIR=/run/user/1000\nRESTART_1='env >{}'",
        seen.display()
    ));
    let mut command = stage.agent(SHELLS[0]);
    command.env("LD_PRELOAD_PATH", "x").args(["1", "restart"]);
    ends(&command.output().unwrap(), 0, "");
    let seen = std::fs::read_to_string(seen).unwrap();
    assert!(seen.contains("XDG_RUNTIME_DIR=/run/user/1000"), "{seen}");
    assert!(!seen.contains("LD_PRELOAD_PATH"), "{seen}");
    // The home directory is the user database's.
    let output = Command::new("sh")
        .args(["-c", "eval \"home=~$(id -un)\"; echo \"HOME=$home\""])
        .output()
        .unwrap();
    let home = String::from_utf8(output.stdout).unwrap();
    assert!(
        seen.lines().any(|line| line == home.trim()),
        "{home}: {seen}"
    );
}

/// A record that cannot be written, or is none, is a reason not to restart, whatever the shell makes of a failed redirection.
#[test]
fn no_restart_without_its_own_record() {
    type Damage = (&'static str, fn(&Path));
    let damages: [Damage; 5] = [
        ("state/lock cannot be written", |state| {
            std::fs::create_dir_all(state.join("lock")).unwrap();
        }),
        ("cannot be written down", |state| {
            std::fs::create_dir_all(state.join("restarts.new")).unwrap();
        }),
        ("is not as it was written", |state| {
            std::fs::create_dir_all(state.join("restarts")).unwrap();
        }),
        ("is not as it was written", |state| {
            std::fs::create_dir_all(state).unwrap();
            std::fs::write(state.join("restarts"), "\0\0\0\0\0\0").unwrap();
        }),
        ("cannot be made", |state| {
            std::os::unix::fs::symlink("/dev/null", state.parent().unwrap().join("nowhere"))
                .unwrap();
        }),
    ];
    for shell in SHELLS {
        for (said, damage) in &damages {
            let stage = stage("GAP=0");
            damage(&stage.path("state"));
            if *said == "cannot be made" {
                let restarted = stage.path("restarted");
                stage.settings(&format!(
                    "{PASSES}STATE={}\nRESTART_1='echo one >>{}'",
                    stage.path("nowhere/state").display(),
                    restarted.display()
                ));
            }
            ends(&restart(&stage, shell), 72, said);
            assert_eq!(restarts(&stage), 0, "{shell:?}: {said}");
        }
    }
}

/// 30 s lie between the end of one restart and the beginning of the next, also across a reboot; a clock that was set back
/// does not hold for longer than the host is up.
#[test]
fn thirty_seconds_between_two_restarts() {
    const BOOT: &str = "7f3c1c62-5d0e-4a52-9b8d-0a4b5c6d7e8f";
    // This host is up for 600 s, and it is 1790920200.
    for shell in SHELLS {
        let stage = stage("");
        ends(&restart(&stage, shell), 0, "");
        let record = stage.path("state/restarts");
        let written = std::fs::read_to_string(&record).unwrap();
        assert_eq!(written, format!("{BOOT} 600 1790920200\n"));
        let soon = "the last restart was 0 s ago, and 30 s must lie between two";
        ends(&restart(&stage, shell), 70, soon);
        assert_eq!(restarts(&stage), 1, "a refusal is not counted");
        for (line, status) in [
            (format!("{BOOT} 571 1790920171"), 70),
            (format!("{BOOT} 570 1790920170"), 0),
            // By the clock that nobody can set, whatever the other one says.
            (format!("{BOOT} 570 1790929999"), 0),
            ("another-boot 5 1790920171".to_owned(), 70),
            ("another-boot 5 1790920170".to_owned(), 0),
            ("- 0 1790920171".to_owned(), 70),
            // Set back since then.
            ("another-boot 5 1790999999".to_owned(), 0),
            // One of several is enough, wherever it stands.
            (
                format!("{BOOT} 580 1790920180\nanother-boot 5 1790000000"),
                70,
            ),
        ] {
            std::fs::write(&record, format!("{line}\n")).unwrap();
            let output = restart(&stage, shell);
            ends(&output, status, "");
        }
        // Up for less than that, and the restart of the boot before seems still to come.
        stage.write("root/proc/uptime", "20.40 1.00\n");
        std::fs::write(&record, "another-boot 5 1790999999\n").unwrap();
        ends(&restart(&stage, shell), 70, "20 s ago");
    }
}

/// A long restart: the wait begins when it ends.
#[test]
fn the_wait_begins_at_the_end() {
    for shell in SHELLS {
        let stage = stage("");
        let uptime = stage.path("root/proc/uptime");
        stage.settings(&format!(
            "{PASSES}RESTART_1='echo 690.00 1.00 >{}; exit 5'",
            uptime.display()
        ));
        ends(&restart(&stage, shell), 5, "");
        ends(&restart(&stage, shell), 70, "was 0 s ago");
        let record = std::fs::read_to_string(stage.path("state/restarts")).unwrap();
        assert!(record.contains(" 690 "), "{record}");
        assert_eq!(record.lines().count(), 1, "one restart is one line");
    }
}

/// A wait that is no number would be none.
#[test]
fn a_gap_that_is_no_number() {
    let stage = stage("GAP=none");
    ends(&restart(&stage, SHELLS[0]), 72, "GAP=30");
    assert_eq!(restarts(&stage), 0);
}
