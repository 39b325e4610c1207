//! S9 and the arithmetic of budgets as tables, by numbers worked out by hand: the invariants use the program's own.

use probe::model::{AttemptId, Backoff, Budget, RecoveryOutcome, Rung, Timestamp, When};

use super::setup::{host, secs};

const BACKOFF: Backoff = Backoff {
    initial: secs(60),
    factor: 2.0,
    max: secs(1800),
};

#[test]
fn the_wait_doubles_up_to_its_cap() {
    let table = [
        (0, 60),
        (1, 60),
        (2, 120),
        (3, 240),
        (4, 480),
        (5, 960),
        (6, 1800),
        (7, 1800),
        (100_000, 1800),
        (u32::MAX, 1800),
    ];
    for (attempts, wanted) in table {
        assert_eq!(BACKOFF.plain(attempts), secs(wanted), "after {attempts}");
    }
    let steady = Backoff {
        factor: 1.5,
        ..BACKOFF
    };
    assert_eq!(steady.plain(3), secs(135));
}

/// Jitter is a fifth at most in each direction, differs between attempts and hosts, and is the same each time.
#[test]
fn jitter_stays_within_a_fifth_and_above_the_floor() {
    let mut shares = std::collections::BTreeSet::new();
    for attempt in 0..2000 {
        let wait = BACKOFF.wait(&host("web1"), AttemptId(attempt), 3);
        assert_eq!(wait, BACKOFF.wait(&host("web1"), AttemptId(attempt), 3));
        assert!((secs(192)..=secs(288)).contains(&wait), "{wait:?}");
        shares.insert(wait);
    }
    assert_eq!(shares.len(), 41, "every per cent from 80 to 120");
    assert_eq!(shares.first(), Some(&secs(192)));
    assert_eq!(shares.last(), Some(&secs(288)));
    let of = |name| (0..50).map(move |n| BACKOFF.wait(&host(name), AttemptId(n), 3));
    assert!(of("web1").ne(of("web2")));
    let short = Backoff {
        initial: secs(5),
        ..BACKOFF
    };
    assert_eq!(short.wait(&host("web1"), AttemptId(1), 1), secs(30));
}

#[test]
fn a_budget_is_free_again_when_its_oldest_restart_leaves_the_window() {
    let budget = Budget {
        restarts: 3,
        per: secs(3600),
    };
    let at = |second: i64| Timestamp(second * 1000);
    let starts = [at(5000), at(1000), at(3000)];
    for (now, spent, free) in [
        // One that seems to lie ahead counts.
        (4599, 3, Some(at(4600))),
        (4600, 2, None),
        (5000, 2, None),
        (6599, 2, None),
        (6600, 1, None),
        (8600, 0, None),
    ] {
        assert_eq!(budget.spent(&starts, at(now)), spent, "at {now}");
        assert_eq!(budget.free_at(&starts, at(now)), free, "at {now}");
    }
    let full = [at(5000), at(4000), at(3000)];
    assert_eq!(budget.spent(&full, at(5000)), 3);
    assert_eq!(budget.free_at(&full, at(5000)), Some(at(6600)));
    assert_eq!(budget.free_at(&full, at(6599)), Some(at(6600)));
    assert_eq!(budget.free_at(&full, at(6600)), None);
    // One that was made smaller: two must leave.
    let smaller = Budget {
        restarts: 2,
        ..budget
    };
    assert_eq!(smaller.free_at(&full, at(5000)), Some(at(7600)));
}

#[test]
fn so_many_must_be_down() {
    let table = [
        (When::Any, 5, 4, 1),
        (When::Auto, 5, 1, 1),
        (When::Auto, 5, 4, 4),
        (When::All, 5, 1, 5),
        (When::Count(3), 5, 4, 3),
        (When::Percent(50), 5, 4, 3),
        (When::Percent(50), 4, 1, 2),
        (When::Percent(1), 5, 1, 1),
        (When::Percent(100), 5, 1, 5),
        (When::Percent(1), 0, 1, 1),
    ];
    for (when, watched, auto, needed) in table {
        assert_eq!(when.needed(watched, auto), needed, "{when:?} of {watched}");
    }
}

#[test]
fn what_an_end_says() {
    use RecoveryOutcome as End;
    let table = [
        (End::Succeeded, "succeeded", true),
        (End::Failed, "failed", true),
        (End::TimedOut, "timed_out", true),
        (End::Unknown, "unknown", true),
        (End::NotExecuted, "not_executed", false),
        (End::Refused, "refused", false),
        (End::Declined, "refused", false),
    ];
    for (end, word, touched) in table {
        assert_eq!((end.word(), end.touched_host()), (word, touched));
    }
}

#[test]
fn rungs_that_take_the_machine_down() {
    let remote = |command: &str| Rung::Remote(command.to_owned());
    for command in [
        "sudo reboot",
        "shutdown -r now",
        "init 6",
        "systemctl kexec",
    ] {
        assert!(remote(command).reboots(), "{command}");
    }
    assert!(!remote("sudo -n kusanagi restart").reboots());
    let local = Rung::Local(vec!["hcloud".to_owned(), "reset".to_owned()]);
    assert!(local.reboots());
    assert_eq!(local.to_string(), "here: hcloud reset");
    assert_eq!(remote("true").to_string(), "true");
    assert_eq!(Rung::default(), remote(""));
}
