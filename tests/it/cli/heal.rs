//! Bad days of SSH: how the run ends, what it says a person can do, and which mails go out.

use std::fs;

use super::ground::{Answer, Ground};
use super::outside::Mailbox;
use crate::smtp::server::Script;
use crate::ssh::server::{Sshd, new_key, trust};

/// A stopped site and one cycle over `sshd` with `change` made to the configuration.
struct Day {
    ground: Ground,
    sshd: Sshd,
    mailbox: Mailbox,
}

impl Day {
    fn new() -> Self {
        let ground = Ground::start();
        let sshd = ground.sshd();
        let mailbox = Mailbox::start(Script::default());
        Self {
            ground,
            sshd,
            mailbox,
        }
    }

    /// The host's section with this command.
    fn configure(&self, command: &str, change: impl Fn(String) -> String) {
        let host = change(self.ground.host(&self.sshd, command));
        let yaml = self.ground.yaml(&host, Some(&self.mailbox.url()));
        self.ground.configure(&yaml);
        self.ground.falls();
    }

    /// The cycle; the site stays down.
    #[track_caller]
    fn expect(&self, parts: &[&str]) -> Answer {
        let answer = self.ground.probe(&["once"]);
        answer.expect(2, parts).expect(2, &["DOWN shop"]);
        let status = self.ground.probe(&["status"]);
        status.expect(2, &["DOWN shop", "web1"]);
        answer
    }

    #[track_caller]
    fn told(&self, events: &[&str], word: &str) {
        assert_eq!(self.mailbox.events(), events);
        let last = self.mailbox.texts().pop().unwrap().replace("=\r\n", "");
        assert!(last.contains(word), "`{word}` is not in {last}");
    }
}

#[test]
fn a_host_nobody_trusts_yet() {
    let day = Day::new();
    fs::write(&day.sshd.known_hosts, "").unwrap();
    day.configure(&day.ground.cure(), |host| host);
    day.expect(&["login fails", "ssh-keyscan"]);
    assert_eq!(day.ground.restarts(), 0);
    day.told(&["down", "withheld"], "ssh-keyscan");
}

#[test]
fn a_host_whose_key_has_changed() {
    let day = Day::new();
    let other = day.ground.path("other");
    new_key(&other);
    trust(&day.sshd.known_hosts, day.sshd.port, &other);
    day.configure(&day.ground.cure(), |host| host);
    day.expect(&["login fails", "ssh-keygen"]);
    assert_eq!(day.ground.restarts(), 0);
    day.told(&["down", "withheld"], "key");
}

/// A person lets the restart begin, and only where one is proposed.
#[test]
fn a_restart_that_a_person_must_approve() {
    let day = Day::new();
    day.configure(&day.ground.cure(), |host| {
        format!("{host}      mode: ask\n")
    });
    let early = day.ground.probe(&["approve", "web1"]);
    early.expect(2, &["no restart is proposed", "probe why web1"]);
    day.expect(&["waits for `probe approve web1`"]);
    day.told(&["down"], "probe approve web1");
    assert_eq!(day.ground.restarts(), 0);
    day.ground
        .probe(&["approve", "web9"])
        .expect(3, &["no host is called web9", "web1"]);
    day.ground
        .probe(&["approve", "web1"])
        .expect(0, &["one restart may begin", "by a run that begins before"]);
    day.ground
        .probe(&["once"])
        .expect(0, &["shop", "succeeded"]);
    assert_eq!(day.ground.restarts(), 1);
    day.ground
        .probe(&["approve", "web1"])
        .expect(2, &["no restart is proposed"]);
}

#[test]
fn no_ssh_client_on_this_machine() {
    let day = Day::new();
    day.configure(&day.ground.cure(), |host| host);
    let mut command = day.ground.command(&["once"]);
    let answer = day.ground.run(command.env("PATH", "/nonexistent"));
    answer.expect(2, &["openssh-client"]);
    assert_eq!(day.ground.restarts(), 0);
    assert_eq!(day.mailbox.events()[0], "down");
}

#[test]
fn sudo_wants_a_password() {
    let day = Day::new();
    day.configure("echo 'sudo: a password is required' >&2; exit 1", |host| {
        host
    });
    day.expect(&[
        "failed with exit status 1",
        "sudoers",
        "| sudo: a password is required",
    ]);
    day.told(&["down", "restarted"], "sudo");
}

#[test]
fn a_command_that_never_returns() {
    let day = Day::new();
    day.configure("echo begun; sleep 600", |host| {
        host.replace("timeout: 20s", "timeout: 1s")
    });
    day.expect(&["did not end in time", "no end within 1s"]);
    day.told(&["down", "restarted"], "1s");
}

#[test]
fn a_command_that_floods_its_output() {
    let day = Day::new();
    day.configure(
        "head -c 20000000 /dev/zero | tr '\\0' 'x'; printf '\\033[31mlast\\033[0m words\\n'; exit 3",
        |host| host,
    );
    let answer = day.expect(&["failed with exit status 3", "last words"]);
    assert!(answer.stdout.len() < 200_000, "{}", answer.stdout.len());
    assert!(!answer.stdout.contains('\u{1b}'));
    let longest = day.mailbox.texts().iter().map(String::len).max();
    assert!(longest < Some(300_000), "{longest:?}");
    assert_eq!(day.mailbox.events(), ["down", "restarted"]);
}

#[test]
fn a_command_that_is_killed() {
    let day = Day::new();
    // Its end is not known before its limit.
    day.configure("kill -KILL $$", |host| {
        host.replace("timeout: 20s", "timeout: 1s")
    });
    day.expect(&["its end was not seen", "killed by a signal"]);
    day.told(&["down", "restarted"], "signal");
}

#[test]
fn a_command_that_does_not_help() {
    let day = Day::new();
    day.configure("true", |host| host + "      give_up_after: 1\n");
    day.expect(&["succeeded", "GAVE UP", "probe resume web1"]);
    assert_eq!(day.mailbox.events(), ["down", "restarted", "gave_up"]);
    // Watching goes on; when somebody mended it, that is told, once.
    day.ground.site.set(true);
    day.ground
        .probe(&["once", "shop"])
        .expect(2, &["up shop", "GAVE UP"]);
    assert_eq!(
        day.mailbox.events(),
        ["down", "restarted", "gave_up", "back"]
    );
    day.ground
        .probe(&["resume", "web1"])
        .expect(0, &["may be restarted again"]);
    day.ground.probe(&["once", "shop"]).expect(0, &["up shop"]);
    assert_eq!(day.mailbox.events().len(), 4);
}

#[test]
fn a_host_that_does_not_answer() {
    let day = Day::new();
    let port = day.sshd.port.to_string();
    // The service is away, nobody listens there.
    day.configure(&day.ground.cure(), |host| host.replace(&port, "1"));
    day.expect(&["was not executed", "connection refused"]);
    assert_eq!(day.ground.restarts(), 0);
}

#[test]
fn a_key_the_host_does_not_know() {
    let day = Day::new();
    let other = day.ground.path("other");
    new_key(&other);
    let (own, new) = (
        day.sshd.identity.display().to_string(),
        other.display().to_string(),
    );
    day.configure(&day.ground.cure(), |host| host.replace(&own, &new));
    day.expect(&["login fails", "authorized_keys"]);
    day.told(&["down", "withheld"], "authorized_keys");
}

#[test]
fn a_rule_that_keeps_probe_out_and_no_browser() {
    let day = Day::new();
    let rule = day.ground.site.rule().display().to_string();
    let cure = format!("rm {rule}; {}", day.ground.cure());
    day.configure(&cure, |host| host);
    day.ground.site.keep_out("probe/");
    day.ground.site.set(true);
    day.expect(&["shop answers browsers and not us", "User-Agent: probe/"]);
    assert_eq!(day.ground.restarts(), 0);
    day.told(&["down"], "browser");
    // Another run knows no more than its own probes show.
    day.ground
        .probe(&["once", "shop"])
        .expect(2, &["answers browsers and not us"]);
    assert_eq!(day.ground.restarts(), 0);
    // Now nobody is answered.
    day.ground.site.keep_out("");
    day.ground
        .probe(&["once", "shop"])
        .expect(0, &["succeeded", "[UP] shop: back"]);
    assert_eq!(day.ground.restarts(), 1);
}
