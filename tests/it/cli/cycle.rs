//! `probe once` where a host can be restarted: the whole way over a real sshd, a rehearsal, a damaged memory.

use std::fs;
use std::time::Duration;

use serde_json::json;

use super::ground::{Ground, eventually, flat};
use super::outside::{Mailbox, header};
use crate::ports::closed_port;
use crate::smtp::server::Script;

#[test]
fn a_stopped_site_is_brought_back_once_and_people_are_told() {
    let ground = Ground::start();
    let (sshd, mailbox) = (ground.sshd(), Mailbox::start(Script::default()));
    let host = ground.host(&sshd, &ground.cure());
    ground.configure(&ground.yaml(&host, Some(&mailbox.url())));
    ground.probe(&["once"]).expect(0, &["1 up"]);
    ground.site.set(false);
    let healed = ground.probe(&["once", "shop"]);
    healed.expect(
        0,
        &[
            "up shop",
            "(attempt 1) succeeded",
            "1 up · web1 restarted once · 3 mails sent",
        ],
    );
    assert_eq!(ground.restarts(), 1);
    assert_eq!(mailbox.events(), ["down", "restarted", "up"]);
    let texts = mailbox.texts();
    let first = header(&texts[0], "Message-ID");
    assert!(!first.is_empty());
    for later in &texts[1..] {
        assert_eq!(header(later, "In-Reply-To"), first);
        assert_eq!(header(later, "X-Probe-Host"), "web1");
        assert_eq!(header(later, "To"), "ops@example.test");
        assert_eq!(
            header(later, "X-Probe-Incident"),
            header(&texts[0], "X-Probe-Incident")
        );
    }
    assert_eq!(
        header(&texts[0], "Subject"),
        "[DOWN] shop: connection refused (web1)"
    );
    // Nothing is left to be done.
    ground.probe(&["once", "shop"]).expect(0, &["1 up"]);
    let due = ground.probe(&["once", "-q"]);
    assert_eq!(
        (due.code, due.stdout, due.stderr),
        (Some(0), String::new(), String::new())
    );
    assert_eq!((ground.restarts(), mailbox.texts().len()), (1, 3));
    ground.probe(&["status"]).expect(
        0,
        &["up shop", "web1 idle", "2 of 3 restarts left within 1h"],
    );
}

#[test]
fn the_document_of_a_heal_has_the_keys_people_read() {
    let ground = Ground::start();
    let (sshd, mailbox) = (ground.sshd(), Mailbox::start(Script::default()));
    let host = ground.host(&sshd, &ground.cure());
    ground.configure(&ground.yaml(&host, Some(&mailbox.url())));
    ground.falls();
    let answer = ground.probe(&["once", "--json"]);
    answer.expect(0, &[]);
    let seen = answer.json();
    assert_eq!(
        (&seen["schema"], &seen["status"]),
        (&json!(1), &json!("ok"))
    );
    let (shop, web1, action) = (&seen["profiles"][0], &seen["hosts"][0], &seen["actions"][0]);
    assert_eq!(
        [
            &shop["name"],
            &shop["host"],
            &shop["state"],
            &shop["checks"][0]["http_status"]
        ],
        [&json!("shop"), &json!("web1"), &json!("up"), &json!(200)]
    );
    assert_eq!(
        [
            &web1["name"],
            &web1["restarts_in_window"],
            &web1["budget_left"]
        ],
        [&json!("web1"), &json!(1), &json!(2)]
    );
    assert_eq!(
        [
            &action["host"],
            &action["attempt"],
            &action["kind"],
            &action["outcome"],
            &action["exit_status"]
        ],
        [
            &json!("web1"),
            &json!(1),
            &json!("restart"),
            &json!("succeeded"),
            &json!(0)
        ]
    );
    assert_eq!(action["output"], "web server started");
    assert_eq!(action["command"], ground.cure());
    let told = seen["notifications"].as_array().unwrap();
    let told: Vec<_> = told
        .iter()
        .map(|one| [&one["event"], &one["delivery"], &one["to"]])
        .collect();
    let sent = |event: &str| [json!(event), json!("sent"), json!("ops@example.test")];
    assert_eq!(
        json!(told),
        json!([sent("down"), sent("restarted"), sent("up")])
    );
}

/// S27: a dry run restarts nothing, sends nothing, writes nothing.
#[test]
fn a_dry_run_says_what_it_would_do_and_leaves_nothing_behind() {
    let ground = Ground::start();
    let (sshd, mailbox) = (ground.sshd(), Mailbox::start(Script::default()));
    let host = ground.host(&sshd, &ground.cure());
    ground.configure(&ground.yaml(&host, Some(&mailbox.url())));
    ground.falls();
    let known = || {
        let mut known = None;
        ground.remembered(|fleet| known = Some(fleet.clone()));
        known
    };
    let before = known();
    let answer = ground.probe(&["once", "--dry-run"]);
    answer.expect(
        2,
        &[
            "DOWN shop",
            "web1 would be restarted: echo restarted",
            "dry run: nothing was written, sent or restarted",
        ],
    );
    let seen = ground.probe(&["once", "--dry-run", "--json"]).json();
    assert_eq!(seen["dry_run"], true, "{seen:#}");
    let action = &seen["actions"][0];
    assert_eq!(
        [
            &action["host"],
            &action["outcome"],
            &action["command"],
            &action["reason"]
        ],
        [
            &json!("web1"),
            &json!("not_executed"),
            &json!(ground.cure()),
            &json!("dry_run")
        ],
        "{seen:#}"
    );
    assert_eq!(known(), before);
    assert!(!ground.site.is_up());
    assert_eq!((ground.restarts(), mailbox.texts().len()), (0, 0));
}

#[test]
fn what_was_found_by_an_earlier_run_is_looked_at_again_before_a_restart() {
    let ground = Ground::start();
    let sshd = ground.sshd();
    ground.configure(&ground.yaml(&ground.host(&sshd, &ground.cure()), None));
    ground.falls();
    ground
        .probe(&["pause", "web1", "--reason", "deploy of the shop"])
        .expect(0, &["web1: nothing is restarted until"]);
    ground.probe(&["once"]).expect(
        2,
        &[
            "web1 paused: deploy of the shop",
            "web1 not restarted (paused)",
        ],
    );
    ground
        .probe(&["status"])
        .expect(2, &["web1 paused", "deploy of the shop"]);
    ground
        .probe(&["resume", "web1"])
        .expect(0, &["may be restarted again, with the next run"]);
    let said = flat(&ground.probe(&["status"]).stdout);
    assert!(!said.contains("paused"), "{said}");
    // Somebody mended it by hand.
    ground.site.set(true);
    ground.probe(&["once"]).expect(0, &["1 up"]);
    assert_eq!(ground.restarts(), 0);
}

/// Each pause stands until it is lifted, by its own name or with all; nobody is told that a site may be restarted while one covers it.
#[test]
fn whatever_stays_paused_is_said() {
    let ground = Ground::start();
    let sshd = ground.sshd();
    ground.configure(&ground.yaml(&ground.host(&sshd, &ground.cure()), None));
    let said = |words: &[&str]| {
        let answer = ground.probe(words);
        answer.expect(0, &[]);
        answer.stdout
    };
    assert_eq!(
        said(&["pause", "shop"]),
        "shop: nothing is restarted until you say otherwise; watching goes on. `probe resume shop` ends it.\n"
    );
    let host = said(&["pause", "web1", "--for", "2h", "--reason", "deploy"]);
    assert!(
        host.starts_with("web1: nothing is restarted for 2h, until "),
        "{host}"
    );
    assert_eq!(
        host.lines().count(),
        1,
        "a site of it is no pause of it: {host}"
    );
    let again = said(&["pause", "shop", "--for", "1h"]);
    let more: Vec<&str> = again.lines().skip(1).collect();
    let [more] = more.as_slice() else {
        panic!("{again}")
    };
    assert!(more.starts_with("Paused as well: web1, until "), "{more}");
    assert!(
        more.ends_with(": deploy; `probe resume web1` ends it."),
        "{more}"
    );
    said(&["pause", "all", "-q"]);
    // Its host and everything are paused still.
    let shop = said(&["resume", "shop"]);
    assert!(
        shop.starts_with("shop: is paused no more by itself, and is not restarted yet.\nStill paused: all, until you say otherwise; "),
        "{shop}"
    );
    assert!(shop.contains("\nStill paused: web1, until "), "{shop}");
    let quiet = said(&["resume", "web1", "-q"]);
    assert_eq!(
        quiet,
        "Still paused: all, until you say otherwise; `probe resume all` ends it.\n"
    );
    // What is no longer configured cannot be named, and is lifted with all.
    said(&["pause", "shop"]);
    std::fs::write(ground.path("state/pause/gone"), "").unwrap();
    said(&["pause", "web1"]);
    assert_eq!(
        said(&["resume", "all"]),
        "all: may be restarted again, with the next run.\n"
    );
    assert_eq!(
        std::fs::read_dir(ground.path("state/pause"))
            .unwrap()
            .count(),
        0
    );
    // One that does not go is said, and the others go.
    said(&["pause", "shop"]);
    std::fs::create_dir(ground.path("state/pause/web1")).unwrap();
    let answer = ground.probe(&["resume", "all"]);
    answer.expect(
        3,
        &["pause/web1", "Still paused: web1, until you say otherwise"],
    );
    assert!(!answer.stdout.contains("may be restarted"), "{answer:?}");
    assert!(!ground.path("state/pause/shop").exists());
}

#[test]
fn a_pause_over_everything_stops_a_cycle_and_the_next_one_goes_on() {
    let ground = Ground::start();
    let sshd = ground.sshd();
    ground.configure(&ground.yaml(&ground.host(&sshd, &ground.cure()), None));
    ground.falls();
    ground
        .probe(&["pause", "all", "--for", "2h"])
        .expect(0, &["all: nothing is restarted for 2h"]);
    ground.probe(&["once"]).expect(2, &["web1 paused"]);
    assert_eq!(ground.restarts(), 0);
    ground.probe(&["resume", "all"]).expect(0, &[]);
    ground
        .probe(&["once", "shop"])
        .expect(0, &["web1 restarted once"]);
    assert_eq!(ground.restarts(), 1);
}

#[test]
fn a_damaged_memory_is_moved_aside_and_nothing_is_restarted_for_a_while() {
    let ground = Ground::start();
    let (sshd, mailbox) = (ground.sshd(), Mailbox::start(Script::default()));
    let host = ground.host(&sshd, &ground.cure());
    ground.configure(&ground.yaml(&host, Some(&mailbox.url())));
    ground.probe(&["once"]).expect(0, &[]);
    let database = ground.path("state").join("state.db");
    let mut bytes = fs::read(&database).unwrap();
    bytes.truncate(bytes.len() / 2);
    bytes[..64].fill(0x55);
    fs::write(&database, &bytes).unwrap();
    ground
        .probe(&["status"])
        .expect(3, &["is damaged", "moves it aside"]);
    ground.site.set(false);
    let answer = ground.probe(&["once", "shop"]);
    answer.expect(2, &["the state was damaged", "web1 not restarted"]);
    assert_eq!(ground.restarts(), 0);
    assert_eq!(mailbox.events(), ["damaged", "down"]);
    let kept = fs::read_dir(ground.path("state"))
        .unwrap()
        .flatten()
        .any(|file| {
            file.file_name() != "state.db"
                && fs::read(file.path()).is_ok_and(|found| found == bytes)
        });
    assert!(kept, "the damaged file is not kept");
    ground
        .probe(&["status"])
        .expect(2, &["restarts are possible again in"]);
}

/// A state that this program must leave alone: it watches and tells each thing once, restarts nothing, and ends with 3 where
/// all is well.
fn watches_without(spoil: fn(&std::path::Path), why: &str) {
    let ground = Ground::start();
    let (sshd, mailbox) = (ground.sshd(), Mailbox::start(Script::default()));
    let host = ground.host(&sshd, &ground.cure());
    ground.configure(&ground.yaml(&host, Some(&mailbox.url())));
    ground.probe(&["once"]).expect(0, &[]);
    let state = ground.path("state");
    spoil(&state);
    let database = fs::read(state.join("state.db")).unwrap();
    let once = |code| {
        let mut command = ground.command(&["once", "-q", "shop"]);
        command.env("TMPDIR", ground.path("."));
        ground
            .run(&mut command)
            .expect(code, &[why, "restarts nothing"]);
    };
    once(3);
    ground.site.set(false);
    for _ in 0..3 {
        once(2);
    }
    assert_eq!(ground.restarts(), 0);
    let downs = mailbox
        .events()
        .iter()
        .filter(|event| *event == "down")
        .count();
    assert_eq!(downs, 1, "{:?}", mailbox.events());
    ground.site.set(true);
    once(3);
    assert!(
        mailbox.events().contains(&"up".to_owned()),
        "{:?}",
        mailbox.events()
    );
    assert!(
        fs::read(state.join("state.db")).unwrap() == database,
        "it was written to"
    );
}

#[test]
fn a_state_of_a_newer_release_is_left_alone_and_watching_goes_on() {
    let newer = |state: &std::path::Path| {
        let database = state.join("state.db");
        let mut bytes = fs::read(&database).unwrap();
        bytes[60..64].copy_from_slice(&9_u32.to_be_bytes());
        fs::write(&database, bytes).unwrap();
    };
    watches_without(newer, "was written by a newer probe");
}

/// Without root nobody can give a directory away.
#[test]
fn a_state_of_another_user_is_left_alone_and_watching_goes_on() {
    if rustix::process::geteuid().is_root() {
        let give =
            |state: &std::path::Path| std::os::unix::fs::chown(state, Some(65_534), None).unwrap();
        watches_without(give, "belongs to user 65534");
    }
}

/// Whoever may write there may have forged what is remembered.
#[test]
fn a_state_that_others_may_write_is_left_alone_and_watching_goes_on() {
    let open = |state: &std::path::Path| {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(state, fs::Permissions::from_mode(0o777)).unwrap();
    };
    watches_without(open, "may be written by others (mode 0777): chmod go-w");
}

/// Somebody ran it as root once, before the account that watches did: that one goes on, and says what hands the state over.
/// Without root nobody can be another user.
#[test]
fn a_state_of_roots_does_not_lock_the_account_out() {
    use std::os::unix::fs::{PermissionsExt as _, chown};
    use std::os::unix::process::CommandExt as _;

    const ACCOUNT: u32 = 64_242;
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let ground = Ground::start();
    let open = fs::Permissions::from_mode(0o755);
    fs::set_permissions(ground.path("."), open.clone()).unwrap();
    // The directory in which it was built may be closed to others.
    fs::copy(env!("CARGO_BIN_EXE_probe"), ground.path("probe")).unwrap();
    fs::set_permissions(ground.path("probe"), open).unwrap();
    fs::create_dir(ground.path("tmp")).unwrap();
    chown(ground.path("tmp"), Some(ACCOUNT), Some(ACCOUNT)).unwrap();
    ground.probe(&["once"]).expect(0, &[]);
    let state = ground.path("state");
    let account = |words: &[&str]| {
        let mut command = std::process::Command::new(ground.path("probe"));
        ground.surround(&mut command);
        command.args(words).env("TMPDIR", ground.path("tmp"));
        ground.run(command.uid(ACCOUNT).gid(ACCOUNT))
    };
    let hand_over = format!("chown -R {ACCOUNT} {}", state.display());
    let watched = |why: &str| {
        let answer = account(&["once", "shop"]);
        answer.expect(3, &[why, &hand_over, "restarts nothing", "1 up"]);
    };
    watched("belongs to user 0");
    // The directory alone was handed over, and not what is in it.
    chown(&state, Some(ACCOUNT), Some(ACCOUNT)).unwrap();
    watched("belongs to user 0");
    let told = account(&["pause", "all"]);
    told.expect(3, &[&hand_over]);
    for file in fs::read_dir(&state).unwrap() {
        chown(file.unwrap().path(), Some(ACCOUNT), Some(ACCOUNT)).unwrap();
    }
    account(&["once", "shop"]).expect(0, &[]);
    account(&["pause", "all"]).expect(0, &["nothing is restarted"]);
}

/// An order is a file in the state of whoever gives it.
#[test]
fn an_order_where_no_run_has_looked_yet_says_so() {
    let ground = Ground::start();
    let place = ground.path("state");
    let doubt = format!("no run has ever used the state in {}", place.display());
    for words in [&["pause", "all"][..], &["resume", "all"]] {
        ground.probe(words).expect(0, &[&doubt, "--state-dir"]);
    }
    ground.probe(&["once"]).expect(0, &[]);
    for words in [&["pause", "all"][..], &["resume", "all"]] {
        let answer = ground.probe(words);
        answer.expect(0, &[]);
        assert!(!answer.stderr.contains("ever used"), "{answer:#?}");
    }
}

#[test]
fn max_time_leaves_the_rest_to_the_next_run() {
    let ground = Ground::start();
    let sshd = ground.sshd();
    let slow = ground
        .yaml(&ground.host(&sshd, &ground.cure()), None)
        .replace("retry_interval: 100ms", "retry_interval: 4s");
    ground.configure(&slow);
    ground.falls();
    let answer = ground.probe(&["once", "--max-time", "1s"]);
    answer.expect(2, &["1 failing"]);
    assert_eq!(ground.restarts(), 0);
    ground
        .probe(&["once", "shop"])
        .expect(0, &["web1 restarted once"]);
    assert_eq!(ground.restarts(), 1);
}

#[test]
fn without_a_canary_nothing_is_judged() {
    let ground = Ground::start();
    let sshd = ground.sshd();
    let yaml = ground.yaml(&ground.host(&sshd, &ground.cure()), None);
    let start = yaml.find("tcp://").unwrap();
    let end = start + yaml[start..].find('"').unwrap();
    // Port 1 of an address of its own: nobody listens there.
    let blind = format!("{}tcp://127.3.3.3:1{}", &yaml[..start], &yaml[end..]);
    ground.configure(&blind);
    ground.falls();
    let answer = ground.probe(&["once", "--max-time", "3s"]);
    answer.expect(3, &["our own network is down", "1 unknown"]);
    assert_eq!(ground.restarts(), 0);
    ground.configure(&yaml);
    ground
        .probe(&["once", "shop"])
        .expect(0, &["web1 restarted once"]);
    eventually("the site is up", || ground.site.is_up().then_some(()));
}

/// No canary answers, and the site is probed without a pause: after one look there is nothing more to learn.
#[test]
fn a_run_that_cannot_see_ends_at_once() {
    let ground = Ground::start();
    // It takes connections, and never says a word.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mute = format!("http://{}/", silent.local_addr().unwrap());
    let yaml = ground.yaml("", None).replace(&ground.site.url(), &mute);
    let from = yaml.find("canaries: [").unwrap();
    let (head, tail) = yaml.split_at(from);
    let rest = tail.split_once(']').unwrap().1;
    let canary = format!("canaries: [\"tcp://{}\"]", closed_port());
    let yaml = format!("{head}{canary}{rest}");
    ground.configure(&yaml.replace("timeout: 5s", "timeout: 5s, connect_timeout: 2s"));
    let answer = ground.probe(&["once"]);
    answer.expect(3, &["our own network is down", "1 unknown"]);
    assert!(answer.took < Duration::from_secs(25), "{answer:?}");
}
