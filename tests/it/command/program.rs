//! Real programs that do what programs do.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use probe::adapters::command::{CommandMessenger, Environment};
use probe::model::{Channel, Delivery, Entry};
use probe::ports::Messenger as _;
use probe::render::event;
use rustix::process::{Pid, test_kill_process};

use crate::mail::entries;

const LONG: Duration = Duration::from_secs(30);

struct Place {
    directory: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Runs this shell script, with `$1` the place's directory.
    async fn run(&self, script: &str, limit: Duration) -> Delivery {
        let file = self.path("script");
        fs::write(&file, script).unwrap();
        let words = ["/bin/sh", file.to_str().unwrap()].map(str::to_owned);
        let mut command = words.to_vec();
        command.push(self.directory.path().to_str().unwrap().to_owned());
        messenger(limit)
            .hand(Arc::new(command), std::sync::Arc::default(), entry())
            .await
    }
}

fn messenger(limit: Duration) -> CommandMessenger {
    let environment = Environment {
        path: Some("/usr/bin:/bin".into()),
        lang: Some("ja_JP.UTF-8".into()),
        home: Some("/nonexistent".into()),
    };
    CommandMessenger::with_limit(environment, limit)
}

fn entry() -> Entry {
    Entry {
        channel: Channel::Command,
        ..entries::entry(entries::gave_up())
    }
}

fn reason(delivery: &Delivery) -> &str {
    match delivery {
        Delivery::Sent { relay: reason }
        | Delivery::Deferred { reason, .. }
        | Delivery::Unclear { reason }
        | Delivery::Rejected { reason } => reason,
    }
}

/// Waits until the process whose number stands in the file is gone.
async fn is_gone(file: &Path) {
    let number: i32 = fs::read_to_string(file).unwrap().trim().parse().unwrap();
    let pid = Pid::from_raw(number).unwrap();
    for _ in 0..500 {
        let state = fs::read_to_string(format!("/proc/{number}/stat")).unwrap_or_default();
        // An orphan that nobody has collected yet is as dead.
        if test_kill_process(pid).is_err() || state.contains(") Z ") {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("process {number} still runs");
}

#[tokio::test]
async fn it_gets_the_document_and_nothing_else() {
    let place = Place::new();
    let script = "cat > $1/document; env > $1/environment; pwd > $1/directory; echo $# > $1/words";
    let delivery = place.run(script, LONG).await;
    assert_eq!(
        delivery,
        Delivery::Sent {
            relay: "/bin/sh".into()
        }
    );
    let read = |name: &str| fs::read_to_string(place.path(name)).unwrap();
    assert_eq!(
        read("document"),
        event::document(&entry(), &entries::english())
    );
    assert_eq!(read("directory"), "/\n");
    assert_eq!(read("words"), "1\n");
    let environment = read("environment");
    let mut names: Vec<&str> = environment
        .lines()
        .filter_map(|line| Some(line.split_once('=')?.0))
        // The shell's own.
        .filter(|name| !["PWD", "OLDPWD", "SHLVL", "_"].contains(name))
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["HOME", "LANG", "PATH"]);
    assert!(environment.contains("LANG=ja_JP.UTF-8"), "{environment}");
}

#[tokio::test]
async fn m20_no_shell_reads_the_words() {
    let place = Place::new();
    let target = place.path("touched");
    let trick = format!("; touch {}; $(touch {0})", target.display());
    let command = vec!["/bin/echo".to_owned(), trick];
    let delivery = messenger(LONG)
        .hand(Arc::new(command), std::sync::Arc::default(), entry())
        .await;
    assert!(matches!(delivery, Delivery::Sent { .. }), "{delivery:?}");
    assert!(!target.exists());
}

#[tokio::test]
async fn m20_exit_statuses_mean_what_is_documented() {
    let place = Place::new();
    for (script, kind, words) in [
        ("exit 0", "sent", "/bin/sh"),
        (
            "echo 503 from the chat >&2; exit 1",
            "deferred",
            "ended with exit status 1: 503 from the chat",
        ),
        ("exit 75", "deferred", "ended with exit status 75"),
        ("exit 78", "deferred", "ended with exit status 78"),
        (
            "echo no such channel; exit 65",
            "rejected",
            "refused it for good (exit status 65): no such channel",
        ),
        ("kill -9 $$", "unclear", "was ended by signal 9"),
    ] {
        let delivery = place.run(script, LONG).await;
        let found = match &delivery {
            Delivery::Sent { .. } => "sent",
            Delivery::Deferred { .. } => "deferred",
            Delivery::Unclear { .. } => "unclear",
            Delivery::Rejected { .. } => "rejected",
        };
        assert_eq!(found, kind, "{script}: {delivery:?}");
        assert!(reason(&delivery).contains(words), "{script}: {delivery:?}");
    }
}

#[tokio::test]
async fn m20_one_that_is_not_there_is_tried_later() {
    for program in ["/nonexistent/notify", "/etc/passwd", "/"] {
        let command = Arc::new(vec![program.to_owned()]);
        let delivery = messenger(LONG)
            .hand(command, std::sync::Arc::default(), entry())
            .await;
        assert!(
            matches!(&delivery, Delivery::Deferred { reason, .. }
                if reason.contains("cannot be started") && reason.contains(program)),
            "{delivery:?}"
        );
    }
}

#[tokio::test]
async fn m20_one_that_hangs_is_ended_with_all_it_started() {
    let place = Place::new();
    let script = "sleep 600 & echo $! > $1/child; echo $$ > $1/own; echo still trying; cat > /dev/null; sleep 600";
    let delivery = place.run(script, Duration::from_secs(1)).await;
    assert!(
        matches!(&delivery, Delivery::Unclear { reason }
            if reason.contains("had not ended after 1s") && reason.contains("still trying")),
        "{delivery:?}"
    );
    is_gone(&place.path("child")).await;
    is_gone(&place.path("own")).await;
}

#[tokio::test]
async fn what_it_leaves_behind_is_ended_too() {
    let place = Place::new();
    let script = "sleep 600 >/dev/null 2>&1 </dev/null & echo $! > $1/child; exit 0";
    let delivery = place.run(script, LONG).await;
    assert!(matches!(delivery, Delivery::Sent { .. }), "{delivery:?}");
    is_gone(&place.path("child")).await;
}

#[tokio::test]
async fn nobody_waits_for_it_and_it_is_ended() {
    let place = Place::new();
    let running = place.run(
        "echo $$ > $1/own.new; mv $1/own.new $1/own; sleep 600",
        LONG,
    );
    let own = place.path("own");
    let began = async {
        while !own.exists() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::select! {
        delivery = running => panic!("it ended: {delivery:?}"),
        () = began => {}
    }
    is_gone(&own).await;
}

#[tokio::test]
async fn one_that_prints_without_end_is_ended() {
    let place = Place::new();
    let delivery = place.run("echo $$ > $1/own; yes no", LONG).await;
    assert!(
        matches!(&delivery, Delivery::Unclear { reason }
            if reason.contains("printed without end") && reason.len() < 1000),
        "{delivery:?}"
    );
    is_gone(&place.path("own")).await;
}

#[tokio::test]
async fn one_that_does_not_read_is_judged_by_its_end() {
    let place = Place::new();
    // More than a pipe holds.
    let mut long = entry();
    long.notification.seen = vec![probe::model::Observation::Alone(
        probe::model::Finding::Missing {
            text: "x".repeat(300_000),
        },
    )];
    for (script, sent) in [("exec <&-; exit 0", true), ("exit 3", false)] {
        let file = place.path("script");
        fs::write(&file, script).unwrap();
        let command = ["/bin/sh", file.to_str().unwrap()].map(str::to_owned);
        let command = Arc::new(command.to_vec());
        let delivery = messenger(LONG)
            .hand(command, std::sync::Arc::default(), long.clone())
            .await;
        assert_eq!(
            matches!(delivery, Delivery::Sent { .. }),
            sent,
            "{delivery:?}"
        );
    }
}

#[tokio::test]
async fn its_words_are_made_harmless() {
    let place = Place::new();
    let script =
        "printf 'first\\n\\033]0;title\\007\\033[31mred\\r\\n\\n'; printf '\\377\\n'; exit 1";
    let delivery = place.run(script, LONG).await;
    let words = reason(&delivery);
    assert!(!words.chars().any(char::is_control), "{words:?}");
}
