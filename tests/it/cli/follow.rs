//! `probe status --watch` on a pseudo-terminal of `script`: what is drawn, which keys are felt, and that the terminal is given back.

use std::fs;
use std::io::Write as _;
use std::process::{ChildStdin, Command, Stdio};

use probe::adapters::screen::Screen;

use super::ground::{Ground, Running, eventually};

const ENTER: &str = "\u{1b}[?1049h";
const LEAVE: &str = "\u{1b}[?7h\u{1b}[?25h\u{1b}[?1049l";

/// What is drawn now: all behind the last return to the corner.
fn drawn(running: &Running) -> String {
    let all = running.stdout();
    let last = all.rsplit("\u{1b}[H").next().unwrap_or_default();
    last.to_owned()
}

/// Begins to follow, on a terminal of 24 lines and 80 columns whose settings before and after are noted.
fn follow(ground: &Ground, words: &str) -> (Running, ChildStdin) {
    let probe = env!("CARGO_BIN_EXE_probe");
    let line = format!(
        "trap : INT; stty rows 24 cols 80; tty > tty; stty -g > before; sh -c 'echo $$ > pid; exec {probe} status --watch {words}'; \
         code=$?; stty -g > after; exit $code"
    );
    let mut command = Command::new("/usr/bin/script");
    ground.surround(&mut command);
    command
        .args(["-q", "-e", "-c", &line, "/dev/null"])
        .env("TERM", "xterm-256color")
        .env("LANG", "C.UTF-8")
        .env("SHELL", "/bin/sh")
        .stdin(Stdio::piped());
    let mut running = ground.begin(&mut command);
    let keys = running.child.stdin.take().unwrap();
    (running, keys)
}

#[track_caller]
fn sees(running: &Running, what: &str) -> String {
    eventually(what, || {
        Some(drawn(running)).filter(|seen| seen.contains(what))
    })
}

/// Ended with this code, and all of the terminal is as it was.
#[track_caller]
fn gave_back(ground: &Ground, running: Running, code: i32) {
    let answer = running.end();
    assert_eq!(answer.code, Some(code), "{answer:#?}");
    assert!(answer.stdout.contains(ENTER), "{answer:#?}");
    assert!(answer.stdout.trim_end().ends_with(LEAVE), "{answer:#?}");
    assert_eq!(ground.text("after"), ground.text("before"));
    assert_ne!(ground.text("after"), "");
}

#[test]
fn what_happens_is_drawn_in_place_and_q_ends_it() {
    let ground = Ground::start();
    ground.probe(&["once", "shop"]).expect(0, &["1 up"]);
    let (running, mut keys) = follow(&ground, "");
    let first = sees(&running, "1 up");
    assert!(first.contains("ms, at most"), "{first}");
    assert!(
        first.contains('▁') || first.contains('█') || first.contains('▇'),
        "{first}"
    );
    // It is seen without a key, and on the same screen.
    ground.site.set(false);
    ground.probe(&["once", "shop"]).expect(2, &["1 down"]);
    let down = sees(&running, "1 down");
    assert!(down.contains('×'), "{down}");
    assert_eq!(running.stdout().matches(ENTER).count(), 1);
    // Neither stops it: a key that means nothing, and one that would put it into the background.
    keys.write_all(b"x\x1a").unwrap();
    keys.write_all(b"q").unwrap();
    gave_back(&ground, running, 2);
}

#[test]
fn another_size_is_another_picture_and_keys_scroll() {
    let ground = Ground::start();
    ground.probe(&["once", "shop"]).expect(0, &["1 up"]);
    let (running, mut keys) = follow(&ground, "");
    let wide = sees(&running, "1 up");
    assert!(wide.lines().count() <= 24, "{wide}");
    let resized = Command::new("stty")
        .args(["-F", ground.text("tty").trim(), "rows", "4", "cols", "50"])
        .status();
    assert!(resized.unwrap().success());
    let small = sees(&running, "0 lines above");
    assert!(small.lines().count() <= 4, "{small}");
    keys.write_all(b"j").unwrap();
    sees(&running, "1 line above");
    keys.write_all(b"\x1b[A").unwrap();
    sees(&running, "0 lines above");
    keys.write_all(b"\x03").unwrap();
    gave_back(&ground, running, 0);
}

#[test]
fn who_ends_it_from_outside_gets_the_terminal_back_too() {
    for signal in ["TERM", "HUP"] {
        let ground = Ground::start();
        let (running, _keys) = follow(&ground, "shop");
        sees(&running, "not probed yet");
        let pid = ground.text("pid");
        let sent = Command::new("kill")
            .args([&format!("-{signal}"), pid.trim()])
            .status();
        assert!(sent.unwrap().success());
        gave_back(&ground, running, 3);
    }
}

#[test]
fn without_a_terminal_it_says_so_and_draws_nothing() {
    let ground = Ground::start();
    let answer = ground.probe(&["status", "--watch"]);
    answer.expect(3, &["stdout is none", "`probe status` answers once"]);
    assert_eq!(answer.stdout, "");
    ground
        .probe(&["status", "--watch", "--json"])
        .expect(3, &["cannot be used with"]);
    let (running, _keys) = follow(&ground, "nope");
    let answer = running.end();
    assert_eq!(answer.code, Some(3));
    assert!(
        answer.stdout.contains("no profile is called nope"),
        "{answer:#?}"
    );
    assert!(!answer.stdout.contains(ENTER), "{answer:#?}");
}

/// A test of its own, run again by the next one on a terminal.
#[test]
fn a_panic_on_the_screen() {
    if std::env::var_os("PANIC_ON_A_SCREEN").is_none() {
        return;
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _inside = runtime.enter();
    let screen = Screen::enter().unwrap();
    screen.draw(&["drawn".to_owned()]).unwrap();
    panic!("on purpose");
}

#[test]
fn a_panic_gives_the_terminal_back() {
    let ground = Ground::start();
    let own = std::env::current_exe().unwrap();
    let line = format!(
        "stty -g > before; {} --exact --nocapture cli::follow::a_panic_on_the_screen; stty -g > after",
        own.display()
    );
    let mut command = Command::new("/usr/bin/script");
    ground.surround(&mut command);
    command
        .args(["-q", "-e", "-c", &line, "/dev/null"])
        .env("SHELL", "/bin/sh")
        .env("PANIC_ON_A_SCREEN", "1")
        .stdin(Stdio::piped());
    let mut running = ground.begin(&mut command);
    let keys = running.child.stdin.take();
    let answer = running.end();
    drop(keys);
    let (drawn, after) = answer
        .stdout
        .split_once(ENTER)
        .unwrap()
        .1
        .split_once(LEAVE)
        .unwrap();
    assert!(drawn.contains("drawn"), "{answer:#?}");
    assert!(after.contains("FAILED"), "{answer:#?}");
    let text = |name: &str| fs::read_to_string(ground.path(name)).unwrap();
    assert_eq!(text("after"), text("before"));
}
