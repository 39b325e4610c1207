//! Mail during a heal: a relay that is away, silent or unclear delays no restart and loses no message.

use std::time::Duration;

use probe::model::{ProfileName, SLOT_MS, Slot, Timestamp};

use super::ground::{Ground, eventually};
use super::outside::{Mailbox, header};
use crate::ports::closed_port;
use crate::smtp::server::{Act, Script, Stage};

/// The wait before another try is over.
fn wait_is_over(ground: &Ground) {
    ground.remembered(|fleet| {
        let now = fleet.now();
        for id in fleet.outbox.keys().copied().collect::<Vec<_>>() {
            fleet.entry_mut(id).unwrap().due = now;
        }
    });
}

/// Runs `once` until these events have come.
#[track_caller]
fn delivered(ground: &Ground, mailbox: &Mailbox, events: &[&str]) {
    eventually("the mails of the heal arrive", || {
        let answer = ground.probe(&["once", "-q"]);
        assert_eq!(
            (answer.code, answer.stdout.as_str()),
            (Some(0), ""),
            "{answer:#?}"
        );
        (mailbox.texts().len() >= events.len()).then_some(())
    });
    assert_eq!(mailbox.events(), events);
    // And nothing comes twice.
    ground.probe(&["once", "shop"]).expect(0, &["1 up"]);
    assert_eq!(mailbox.events(), events);
}

#[test]
fn a_relay_that_is_away_delays_nothing_and_loses_nothing() {
    let ground = Ground::start();
    let sshd = ground.sshd();
    let host = ground.host(&sshd, &ground.cure());
    let away = format!("smtp+plain://{}", closed_port());
    ground.configure(&ground.yaml(&host, Some(&away)));
    ground.falls();
    let answer = ground.probe(&["once"]);
    // Nobody can have got the first two: what waits is one story, told from its end.
    answer.expect(0, &["web1 restarted once", "1 mail queued"]);
    ground
        .probe(&["status"])
        .expect(0, &["queued", "[UP] shop"]);
    let told = ground.probe(&["status", "--json"]).json();
    assert_eq!(told["notifications"][0]["delivery"], "queued");
    let mailbox = Mailbox::start(Script::default());
    ground.configure(&ground.yaml(&host, Some(&mailbox.url())));
    wait_is_over(&ground);
    delivered(&ground, &mailbox, &["up"]);
    let told = &mailbox.texts()[0];
    assert!(told.contains("whole story"), "{told}");
    assert_eq!(ground.restarts(), 1);
}

#[test]
fn under_cron_a_site_that_is_down_is_told_where_no_mail_gets_through() {
    let ground = Ground::start();
    let away = format!("smtp+plain://{}", closed_port());
    ground.configure(&ground.yaml("", Some(&away)));
    ground.site.set(false);
    let answer = ground.probe(&["once", "-q"]);
    answer.expect(
        2,
        &["DOWN shop", "mail queued [DOWN] shop", "connection refused"],
    );
    let mailbox = Mailbox::start(Script::default());
    ground.configure(&ground.yaml("", Some(&mailbox.url())));
    wait_is_over(&ground);
    eventually("the mail gets through", || {
        let answer = ground.probe(&["once", "-q"]);
        assert_eq!(answer.code, Some(2), "{answer:#?}");
        (!mailbox.texts().is_empty()).then_some(())
    });
    let quiet = ground.probe(&["once", "-q", "shop"]);
    assert_eq!(
        (quiet.code, quiet.stdout.as_str()),
        (Some(2), ""),
        "{quiet:#?}"
    );
}

#[test]
fn m11_a_message_whose_end_is_unclear_is_repeated_byte_by_byte() {
    let ground = Ground::start();
    let sshd = ground.sshd();
    let host = ground.host(&sshd, &ground.cure());
    let unclear = Mailbox::start(Script {
        at: Some((Stage::Text, Act::Drop)),
        ..Script::default()
    });
    ground.configure(&ground.yaml(&host, Some(&unclear.url())));
    ground.falls();
    ground
        .probe(&["once"])
        .expect(0, &["web1 restarted once", "3 mails queued"]);
    assert_eq!(unclear.events(), ["down"]);
    let mailbox = Mailbox::start(Script::default());
    ground.configure(&ground.yaml(&host, Some(&mailbox.url())));
    wait_is_over(&ground);
    delivered(&ground, &mailbox, &["down", "restarted", "up"]);
    let (first, second) = (&unclear.texts()[0], &mailbox.texts()[0]);
    assert_eq!(header(first, "Message-ID"), header(second, "Message-ID"));
    assert_eq!(first, second);
}

/// So many five minutes of the site, that many ms each.
fn known_day(ground: &Ground, slots: i64, ms: u64) {
    ground.remembered(|fleet| {
        let name = ProfileName::try_new("shop").unwrap();
        let now = fleet.wall(fleet.now());
        for back in 2..slots {
            let mut slot = Slot::at(Timestamp(now.0 - back * SLOT_MS));
            slot.count(Some(Duration::from_millis(ms)));
            fleet.finish(&name, slot);
        }
    });
}

#[test]
fn a_picture_is_that_of_the_first_try_whatever_came_after() {
    let ground = Ground::start();
    let unclear = Mailbox::start(Script {
        at: Some((Stage::Text, Act::Drop)),
        ..Script::default()
    });
    ground.configure(&ground.yaml("", Some(&unclear.url())));
    ground.probe(&["once"]).expect(0, &["1 up"]);
    known_day(&ground, 200, 120);
    ground.site.set(false);
    ground
        .probe(&["once", "shop"])
        .expect(2, &["1 mail queued"]);
    let mailbox = Mailbox::start(Script::default());
    ground.configure(&ground.yaml("", Some(&mailbox.url())));
    // What is known of that day becomes quite another one.
    known_day(&ground, 280, 9_000);
    wait_is_over(&ground);
    ground.probe(&["once", "shop"]).expect(2, &[]);
    let (first, second) = (&unclear.texts()[0], &mailbox.texts()[0]);
    assert!(first.contains("Content-Type: image/png"), "{first}");
    assert_eq!(first, second);
}

#[test]
fn m2_a_relay_that_says_nothing_holds_up_no_restart() {
    let ground = Ground::start();
    let sshd = ground.sshd();
    let host = ground.host(&sshd, &ground.cure());
    let silent = Mailbox::start(Script {
        at: Some((Stage::Greeting, Act::Silent)),
        ..Script::default()
    });
    ground.configure(&ground.yaml(&host, Some(&silent.url())));
    ground.falls();
    // The relay would be waited for for a minute.
    let running = ground.begin(&mut ground.command(&["once", "--max-time", "15s"]));
    eventually("the site is back", || ground.site.is_up().then_some(()));
    let answer = running.end();
    answer.expect(0, &["web1 restarted once", "mails queued"]);
    assert!(answer.took < Duration::from_secs(50), "{answer:#?}");
    assert_eq!(ground.restarts(), 1);
}

#[test]
fn m6_a_relay_that_refuses_for_good_is_critical_with_the_reason() {
    let ground = Ground::start();
    let sshd = ground.sshd();
    let host = ground.host(&sshd, &ground.cure());
    let strict = Mailbox::start(Script {
        at: Some((Stage::Rcpt, Act::Say("550 5.1.1 no such user"))),
        ..Script::default()
    });
    ground.configure(&ground.yaml(&host, Some(&strict.url())));
    ground.site.set(false);
    let answer = ground.probe(&["once", "-q"]);
    answer.expect(
        2,
        &[
            "REJECTED",
            "no such user",
            "cannot be delivered to ops@example.test",
        ],
    );
    ground
        .probe(&["drill", "--mail"])
        .expect(2, &["ops@example.test: refused", "no such user"]);
}

#[test]
fn m5_one_recipient_who_is_not_there_costs_the_others_nothing() {
    let ground = Ground::start();
    let mailbox = Mailbox::start(Script {
        unknown: "gone@example.test",
        ..Script::default()
    });
    let yaml = ground.yaml("", Some(&mailbox.url()));
    let three = "[ops@example.test, gone@example.test, boss@example.test]";
    ground.configure(&yaml.replace("[ops@example.test]", three));
    ground.site.set(false);
    let answer = ground.probe(&["once"]);
    answer.expect(
        2,
        &[
            "1 mail REJECTED",
            "gone@example.test: relay",
            "no such user",
        ],
    );
    let delivered: Vec<String> = mailbox
        .texts()
        .iter()
        .map(|text| header(text, "To"))
        .collect();
    assert_eq!(delivered.len(), 2, "{delivered:?}");
    for to in ["ops@example.test", "boss@example.test"] {
        assert!(delivered.iter().any(|seen| seen == to), "{delivered:?}");
    }
    // One dead letter, and it is not tried again.
    let tried = mailbox.connections();
    ground.probe(&["once", "shop"]);
    assert_eq!(mailbox.connections(), tried);
    let told = ground.probe(&["status", "--json"]).json();
    let rejected: Vec<_> = told["notifications"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|told| told["delivery"] == "rejected")
        .map(|told| told["to"].clone())
        .collect();
    assert_eq!(rejected, ["gone@example.test"], "{told:#}");
    ground
        .probe(&["status"])
        .expect(2, &["gone@example.test", "550 5.1.1 no such user"]);
    // Also where every site is well: the next outage would not be heard of there.
    ground.site.set(true);
    ground.probe(&["once", "shop"]);
    let well = ground.probe(&["status"]);
    well.expect(
        2,
        &[
            "1 up",
            "alerts cannot be delivered to gone@example.test",
            "550 5.1.1 no such user",
        ],
    );
    assert!(!well.stdout.contains("1 down"), "{}", well.stdout);
}

#[test]
fn m10_a_refused_login_is_said_by_status_and_not_repeated_within_a_quarter_of_an_hour() {
    use std::os::unix::fs::PermissionsExt as _;
    let ground = Ground::start();
    let strict = Mailbox::start(Script {
        auth: Some(("PLAIN", "user", "right")),
        ..Script::default()
    });
    let secret = ground.path("smtp-password");
    std::fs::write(&secret, "hunter2\n").unwrap();
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
    let url = strict.url();
    let login = format!(
        "{}\", password_file: \"{}",
        url.replace("://", "://user@"),
        secret.display()
    );
    ground.configure(&ground.yaml("", Some(&login)));
    ground.site.set(false);
    let first = ground.probe(&["once"]);
    first.expect(2, &["mail queued", "AUTH: 535 5.7.8 authentication failed"]);
    let status = ground.probe(&["status"]);
    status.expect(2, &["AUTH: 535 5.7.8 authentication failed"]);
    assert_eq!(strict.connections(), 1);
    for _ in 0..3 {
        ground.probe(&["once", "shop"]);
    }
    assert_eq!(strict.connections(), 1, "not before its time");
    ground.remembered(|fleet| {
        let now = fleet.now();
        for entry in fleet.outbox.values() {
            let wait = entry.due.0 - now.0;
            assert!((14 * 60_000..=17 * 60_000).contains(&wait), "{wait} ms");
        }
    });
    wait_is_over(&ground);
    let again = ground.probe(&["once", "shop"]);
    assert_eq!(strict.connections(), 2);
    for answer in [first, status, again] {
        let said = answer.stdout + &answer.stderr;
        for secret in [
            "hunter2",
            &crate::smtp::authority::base64(b"\0user\0hunter2"),
        ] {
            assert!(!said.contains(secret), "{said}");
        }
    }
}

#[test]
fn m4_greylisting_is_left_its_minute_and_then_the_mail_passes() {
    let ground = Ground::start();
    let grey = Mailbox::start(Script {
        at: Some((Stage::Rcpt, Act::Say("451 4.7.1 greylisted"))),
        once: true,
        ..Script::default()
    });
    ground.configure(&ground.yaml("", Some(&grey.url())));
    ground.site.set(false);
    ground
        .probe(&["once"])
        .expect(2, &["mail queued", "451 4.7.1 greylisted"]);
    ground.remembered(|fleet| {
        let now = fleet.now();
        let waits: Vec<i64> = fleet
            .outbox
            .values()
            .map(|entry| (entry.due.0 - now.0) / 1000)
            .collect();
        assert_eq!(waits.len(), 1);
        assert!((55..=66).contains(&waits[0]), "{waits:?}");
    });
    assert!(grey.texts().is_empty());
    wait_is_over(&ground);
    ground.probe(&["once", "shop"]);
    assert_eq!(grey.events(), ["down"]);
}

/// Cron starts a process each minute: each would wait for a first relay that is away, had the one before not written down who
/// took its mail.
#[test]
fn a_run_knows_which_relay_took_the_mail_of_the_one_before() {
    let ground = Ground::start();
    // It says that it is going away, as a relay does that is shut down.
    let away = Mailbox::start(Script {
        at: Some((Stage::Greeting, Act::Say("421 4.3.2 shutting down"))),
        ..Script::default()
    });
    let works = Mailbox::start(Script::default());
    let both = format!("{}\"}}, {{url: \"{}", away.url(), works.url());
    ground.configure(&ground.yaml("", Some(&both)));
    ground.site.set(false);
    ground.probe(&["once"]).expect(2, &["1 mail sent"]);
    assert_eq!((away.connections(), works.connections()), (1, 1));
    ground.site.set(true);
    ground.probe(&["once"]).expect(0, &["1 mail sent"]);
    assert_eq!((away.connections(), works.connections()), (1, 2));
}
