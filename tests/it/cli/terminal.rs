//! What the program looks like on a terminal, off one, and where nobody reads.

use std::process::{Command, Stdio};

use super::ground::Ground;

#[test]
fn off_a_terminal_there_is_no_escape_sequence() {
    let ground = Ground::start();
    ground.site.set(false);
    for words in [
        &["once"][..],
        &["once", "shop", "-vv"],
        &["status"],
        &["once", "-n", "shop"],
    ] {
        let mut command = ground.command(words);
        let answer = ground.run(command.env("TERM", "xterm-256color"));
        assert_eq!(answer.code, Some(2), "{answer:#?}");
        assert!(!answer.stdout.contains('\u{1b}'), "{answer:#?}");
        assert!(!answer.stderr.contains('\u{1b}'), "{answer:#?}");
    }
    let coloured = ground.probe(&["status", "--color", "always"]);
    assert!(coloured.stdout.contains("\u{1b}["), "{coloured:#?}");
    let json = ground.probe(&["status", "--json", "--color", "always"]);
    json.json();
}

/// In a pseudo-terminal of `script`.
fn on_terminal(ground: &Ground, words: &str, no_color: bool) -> String {
    let script = "/usr/bin/script";
    assert!(
        std::path::Path::new(script).exists(),
        "{script} is missing: install the package bsdutils"
    );
    let mut command = Command::new(script);
    ground.surround(&mut command);
    let line = format!("{} {words}", env!("CARGO_BIN_EXE_probe"));
    command.args(["-q", "-e", "-c", &line, "/dev/null"]);
    command.env("TERM", "xterm-256color");
    if no_color {
        command.env("NO_COLOR", "1");
    }
    let answer = ground.run(&mut command);
    assert_eq!(answer.code, Some(2), "{answer:#?}");
    answer.stdout
}

#[test]
fn on_a_terminal_there_is_colour_and_something_moves() {
    let ground = Ground::start();
    ground.site.set(false);
    let seen = on_terminal(&ground, "once shop", false);
    assert!(
        seen.contains("\u{1b}[31m") || seen.contains("\u{1b}[1m\u{1b}[31m"),
        "{seen:?}"
    );
    assert!(seen.contains('⠋'), "{seen:?}");
    assert!(seen.contains("shop is down"), "{seen:?}");
    let plain = on_terminal(&ground, "once shop", true);
    for colour in ["\u{1b}[3", "\u{1b}[1m", "\u{1b}[2m"] {
        assert!(!plain.contains(colour), "{plain:?}");
    }
    let quiet = on_terminal(&ground, "once shop --json", false);
    assert!(!quiet.contains('\u{1b}'), "{quiet:?}");
}

#[test]
fn nobody_reading_is_no_panic() {
    let ground = Ground::start();
    ground.probe(&["once"]).expect(0, &[]);
    for words in [
        &["status"][..],
        &["once", "shop"],
        &["once", "--json", "shop"],
        &["--help"],
        &["check", "--effective"],
    ] {
        let mut child = ground
            .command(words)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // Both ends nobody reads from.
        drop((child.stdout.take(), child.stderr.take()));
        assert_eq!(child.wait().unwrap().code(), Some(0), "{words:?}");
    }
}

#[test]
fn an_answer_that_a_full_disk_did_not_take_is_no_success() {
    let ground = Ground::start();
    ground.probe(&["once"]).expect(0, &[]);
    for words in [
        &["status"][..],
        &["once", "shop"],
        &["once", "--json", "shop"],
        &["check"],
        &["check", "--effective"],
        &["schema"],
        &["version"],
        &["--help"],
    ] {
        let full = std::fs::File::options().write(true).open("/dev/full");
        let output = ground
            .command(words)
            .stdout(full.unwrap())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{words:?}: {said}");
        let help = words == ["--help"];
        assert!(
            help || said.contains("could not be written to stdout"),
            "{words:?}: {said}"
        );
    }
    // A site that is down is not hidden by it.
    ground.site.set(false);
    let full = std::fs::File::options().write(true).open("/dev/full");
    let status = ground
        .command(&["once", "shop"])
        .stdout(full.unwrap())
        .status();
    assert_eq!(status.unwrap().code(), Some(2));
}

#[test]
fn on_a_terminal_it_is_said_which_files_are_used() {
    let ground = Ground::start();
    ground.site.set(false);
    let used = format!(
        "probe: configuration {}, state {}",
        ground.path("probes.yaml").display(),
        ground.path("state").display()
    );
    assert!(on_terminal(&ground, "once shop", true).contains(&used));
    assert!(on_terminal(&ground, "status", true).contains(&used));
    assert!(!on_terminal(&ground, "once -q shop", true).contains("configuration "));
    assert!(!ground.probe(&["status"]).stderr.contains("configuration "));
}
