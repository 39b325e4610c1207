//! `probe run`: signals, the service manager's socket, orders of people while it runs.

use std::os::unix::net::UnixDatagram;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::ground::{Ground, Running, eventually, flat};
use super::outside::Mailbox;
use crate::smtp::server::Script;

#[test]
fn the_daemon_brings_a_site_back() {
    let ground = Ground::start();
    let (sshd, mailbox) = (ground.sshd(), Mailbox::start(Script::default()));
    let host = ground.host(&sshd, &ground.cure());
    let yaml = ground.yaml(&host, Some(&mailbox.url()));
    ground.configure(
        &yaml
            .replace("interval: 5s", "interval: 1s")
            .replace("timeout: 5s", "timeout: 1s"),
    );
    let mut daemon = ground.begin(&mut ground.command(&["run"]));
    daemon.says("to=\"up\"");
    ground.site.set(false);
    eventually("three mails came", || {
        (mailbox.texts().len() == 3).then_some(())
    });
    assert_eq!(mailbox.events(), ["down", "restarted", "up"]);
    assert_eq!(ground.restarts(), 1);
    let asked = Instant::now();
    daemon.signal("TERM");
    let answer = daemon.end();
    answer.expect(0, &["stopped"]);
    assert!(asked.elapsed() < Duration::from_secs(20));
    assert_eq!(answer.stdout, "");
    assert!(!answer.stderr.contains('\u{1b}'), "{answer:#?}");
    ground
        .probe(&["status"])
        .expect(0, &["up shop", "2 of 3 restarts left"]);
}

#[test]
fn what_the_service_manager_hears() {
    let ground = Ground::start();
    let path = ground.path("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_millis(100)))
        .unwrap();
    let heard = Arc::new(Mutex::new(String::new()));
    let log = Arc::clone(&heard);
    std::thread::spawn(move || {
        let mut bytes = [0; 4096];
        loop {
            if let Ok(length) = socket.recv(&mut bytes) {
                let text = String::from_utf8_lossy(&bytes[..length]).into_owned();
                log.lock().unwrap().push_str(&(text + "\n"));
            }
            if Arc::strong_count(&log) == 1 {
                return;
            }
        }
    });
    let hears = |words: &str| {
        eventually(&format!("hears {words}"), || {
            heard.lock().unwrap().contains(words).then_some(())
        });
    };
    let mut command = ground.command(&["run"]);
    let daemon = ground.begin(command.env("NOTIFY_SOCKET", &path));
    hears("READY=1");
    hears("STATUS=1 up, 0 down");
    let count = || heard.lock().unwrap().matches("WATCHDOG=1").count();
    let before = count();
    eventually("the watchdog hears of progress", || {
        (count() > before + 1).then_some(())
    });
    daemon.signal("HUP");
    hears("RELOADING=1");
    hears("MONOTONIC_USEC=");
    let after = || {
        let heard = heard.lock().unwrap();
        let at = heard.find("RELOADING=1")?;
        heard[at..].contains("READY=1").then_some(())
    };
    eventually("ready again", after);
    daemon.signal("TERM");
    hears("STOPPING=1");
    daemon.end().expect(0, &[]);
}

#[test]
fn a_bad_file_keeps_the_old_configuration_a_good_one_is_taken() {
    let ground = Ground::start();
    let yaml = ground.yaml("", None);
    let mut daemon = ground.begin(&mut ground.command(&["run"]));
    daemon.says("to=\"up\"");
    ground.configure(&yaml.replace("interval: 5s", "intervall: 5s"));
    daemon.signal("HUP");
    daemon.says("did you mean `interval`?");
    daemon.says("the one before stays in force");
    ground.configure(&yaml.replace(
        "  shop:",
        &format!("  blog: {{urls: [\"{}blog\"]}}\n  shop:", ground.site.url()),
    ));
    daemon.signal("HUP");
    daemon.says("configuration read again");
    daemon.says("profile=blog");
    daemon.signal("INT");
    daemon.end().expect(0, &[]);
    ground
        .probe(&["status"])
        .expect(0, &["up blog", "up shop", "2 up"]);
}

/// A daemon that restarts with a command which takes as long as the file `wait` lies there.
fn restarting() -> (Ground, crate::ssh::server::Sshd, Running) {
    let ground = Ground::start();
    let sshd = ground.sshd();
    let wait = ground.path("wait");
    std::fs::write(&wait, "").unwrap();
    let command = format!(
        "{}; n=0; while [ -e {} ] && [ $n -lt 300 ]; do sleep 0.1; n=$((n+1)); done",
        ground.cure(),
        wait.display()
    );
    ground.configure(&ground.yaml(&ground.host(&sshd, &command), None));
    ground.falls();
    let mut daemon = ground.begin(&mut ground.command(&["run"]));
    daemon.says("restart began");
    eventually("the restart runs", || {
        (ground.restarts() == 1).then_some(())
    });
    (ground, sshd, daemon)
}

#[test]
fn a_stop_waits_for_the_restart_under_way_and_writes_its_end_down() {
    let (ground, _sshd, mut daemon) = restarting();
    daemon.signal("TERM");
    std::thread::sleep(Duration::from_millis(300));
    assert!(
        daemon.child.try_wait().unwrap().is_none(),
        "{}",
        daemon.stderr()
    );
    std::fs::remove_file(ground.path("wait")).unwrap();
    daemon.end().expect(0, &["restart ended"]);
    ground
        .probe(&["status"])
        .expect(2, &["(attempt 1) succeeded"]);
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let (ground, _sshd, mut daemon) = restarting();
    daemon.signal("TERM");
    std::thread::sleep(Duration::from_millis(200));
    assert!(daemon.child.try_wait().unwrap().is_none());
    let asked = Instant::now();
    daemon.signal("TERM");
    let answer = daemon.end();
    assert_eq!((answer.code, answer.signal), (Some(3), None), "{answer:#?}");
    assert!(asked.elapsed() < Duration::from_secs(3), "{answer:#?}");
    std::fs::remove_file(ground.path("wait")).unwrap();
    // Nobody knows how it ended: it counts, and the site is looked at.
    ground
        .probe(&["status"])
        .expect(2, &["restarting", "attempt 1"]);
    assert_eq!(ground.restarts(), 1);
}

#[test]
fn people_hold_a_daemon_and_let_it_go() {
    let ground = Ground::start();
    let sshd = ground.sshd();
    ground.configure(
        &ground
            .yaml(&ground.host(&sshd, &ground.cure()), None)
            .replace("interval: 5s", "interval: 1s")
            .replace("timeout: 5s", "timeout: 1s"),
    );
    let mut daemon = ground.begin(&mut ground.command(&["run"]));
    daemon.says("to=\"up\"");
    ground
        .probe(&["pause", "web1", "--reason", "hands off"])
        .expect(0, &[]);
    // Longer than the daemon needs to see it.
    std::thread::sleep(Duration::from_secs(2));
    ground.site.set(false);
    daemon.says("reason=\"paused\"");
    assert_eq!(ground.restarts(), 0);
    eventually("what it saw is written", || {
        let answer = ground.probe(&["status"]);
        (answer.code == Some(2) && flat(&answer.stdout).contains("web1 paused: hands off"))
            .then_some(())
    });
    ground
        .probe(&["resume", "web1"])
        .expect(0, &["at once: a run is watching"]);
    eventually("the site is brought back", || {
        ground.site.is_up().then_some(())
    });
    assert_eq!(ground.restarts(), 1);
    daemon.signal("TERM");
    daemon.end().expect(0, &[]);
}
