//! What is kept of the past: hours, days and events, bounded, and never in the way of the state.

use std::fs;
use std::time::Duration;

use probe::adapters::store::Disk;
use probe::model::{Changes, Happened, HostName, ProfileName, Rollup, Share, Timestamp, limits};
use probe::ports::Store as _;

use super::{commit, open};

fn name(text: &str) -> ProfileName {
    ProfileName::try_new(text).unwrap()
}

fn share(hour: u32, minutes: u64) -> Share {
    Share {
        hour,
        day: hour / 24,
        rollup: Rollup {
            judged: Duration::from_secs(60 * minutes),
            well: u32::try_from(minutes).unwrap(),
            ..Rollup::default()
        },
    }
}

fn of(shares: Vec<(ProfileName, Share)>) -> Changes {
    Changes {
        shares,
        ..Changes::default()
    }
}

fn happened(at: i64, host: &str) -> Changes {
    let host = HostName::try_new(host).unwrap();
    Changes {
        journal: vec![(Timestamp(at), Happened::Rearmed { host })],
        ..Changes::default()
    }
}

#[test]
fn parts_are_added_and_what_is_too_old_goes() {
    let dir = tempfile::tempdir().unwrap();
    let (shop, blog) = (name("shop"), name("blog"));
    let mut store = open(dir.path()).into_store().unwrap();
    let first = 480_000;
    let shares = vec![
        (shop.clone(), share(first, 10)),
        (blog.clone(), share(first, 20)),
        (shop.clone(), share(first, 5)),
    ];
    commit(&mut store, of(shares)).unwrap();
    let span = 24 * limits::DAYS_KEPT + 100;
    for hour in (first..first + span).step_by(24) {
        let twice = vec![
            (shop.clone(), share(hour + 1, 1)),
            (shop.clone(), share(hour + 2, 1)),
        ];
        commit(&mut store, of(twice)).unwrap();
    }
    // Later than everything else and older than all that is kept.
    commit(&mut store, of(vec![(shop.clone(), share(first, 9))])).unwrap();
    drop(store);

    let disk = Disk::at(dir.path().to_owned());
    let both = [shop.clone(), blog.clone()];
    let (hours, days) = (disk.hours(&both, 0), disk.days(&both, 0));
    assert_eq!(hours[&blog], [(first, share(first, 20).rollup)]);
    assert_eq!(days[&blog].len(), 1);
    let kept = usize::try_from(limits::DAYS_KEPT).unwrap();
    assert_eq!(days[&shop].len(), kept);
    assert!(
        days[&shop]
            .iter()
            .all(|(_, day)| day.judged == Duration::from_secs(120))
    );
    assert_eq!(hours[&shop].len(), 2 * 8, "eight days of two hours");
    let since = days[&shop][kept - 3].0;
    assert_eq!(disk.days(&both, since)[&shop].len(), 3);
}

#[test]
fn a_profile_has_a_bounded_size_and_a_removed_one_none() {
    let dir = tempfile::tempdir().unwrap();
    let names: Vec<ProfileName> = (0..10)
        .map(|n| name(&format!("www.example-{n}.com")))
        .collect();
    let mut store = open(dir.path()).into_store().unwrap();
    for profile in &names {
        let days = (0..limits::DAYS_KEPT + 20).map(|day| 480_000 + 24 * day);
        let newest = 480_000 + 24 * (limits::DAYS_KEPT + 20);
        let hours = newest..newest + limits::HOURS_KEPT + 50;
        let shares = days
            .chain(hours)
            .map(|hour| (profile.clone(), share(hour, 1)));
        commit(&mut store, of(shares.collect())).unwrap();
    }
    drop(store);
    let bytes = fs::metadata(dir.path().join("history.db")).unwrap().len() / 10;
    // The documents say 50 KB a profile.
    assert!((25_000..50_000).contains(&bytes), "{bytes} bytes");
    let shop = names[0].clone();
    let mut store = open(dir.path()).into_store().unwrap();
    let gone = Changes {
        profiles: vec![(shop.clone(), None)],
        ..Changes::default()
    };
    commit(&mut store, gone).unwrap();
    drop(store);
    let disk = Disk::at(dir.path().to_owned());
    assert!(disk.days(std::slice::from_ref(&shop), 0)[&shop].is_empty());
    assert!(disk.hours(std::slice::from_ref(&shop), 0)[&shop].is_empty());
    assert_eq!(
        disk.days(&names, 0)[&names[1]].len(),
        limits::DAYS_KEPT as usize
    );
}

#[test]
fn what_the_journal_no_longer_has_is_read_from_the_history() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path()).into_store().unwrap();
    let day = 86_400_000;
    for number in 0..100 {
        commit(&mut store, happened(number * day, "web1")).unwrap();
    }
    drop(store);
    let db = rusqlite::Connection::open(dir.path().join("state.db")).unwrap();
    db.execute("DELETE FROM journal WHERE at < ?1", [95 * day])
        .unwrap();
    drop(db);
    let disk = Disk::at(dir.path().to_owned());
    let days = |since: i64, cap: u32| -> Vec<i64> {
        let found = disk.journal(Timestamp(since * day), cap).unwrap();
        found.iter().map(|(at, _)| at.0 / day).collect()
    };
    assert_eq!(days(97, 100), [97, 98, 99]);
    assert_eq!(days(93, 100), [93, 94, 95, 96, 97, 98, 99]);
    assert_eq!(days(93, 6), [94, 95, 96, 97, 98, 99], "the newest of them");
    assert_eq!(days(0, 1_000).first(), Some(&9), "ninety days");
}

#[test]
fn a_damaged_history_is_no_damage_of_the_state() {
    let dir = tempfile::tempdir().unwrap();
    let shop = name("shop");
    for round in 0..3 {
        let mut store = open(dir.path()).into_store().unwrap();
        commit(
            &mut store,
            of(vec![(shop.clone(), share(480_000 + round, 1))]),
        )
        .unwrap();
        commit(
            &mut store,
            of(vec![(shop.clone(), share(480_000 + round, 1))]),
        )
        .unwrap();
        drop(store);
        let state = open(dir.path());
        assert_eq!(state.load().1, None, "no quarantine");
        drop(state);
        let disk = Disk::at(dir.path().to_owned());
        let hours = &disk.hours(std::slice::from_ref(&shop), 0)[&shop];
        let judged: Duration = hours.iter().map(|(_, hour)| hour.judged).sum();
        // What waited while it was damaged is in the new one.
        assert_eq!(judged, Duration::from_secs(120), "{hours:?}");
        fs::write(dir.path().join("history.db"), vec![b'x'; 10_000]).unwrap();
        for end in ["-wal", "-shm"] {
            let _ = fs::remove_file(dir.path().join(format!("history.db{end}")));
        }
        assert!(disk.read().is_ok());
        assert!(disk.hours(std::slice::from_ref(&shop), 0).is_empty());
    }
    assert!(dir.path().join("history.db.corrupt").exists());
}

#[test]
fn a_history_of_a_newer_release_is_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path()).into_store().unwrap();
    let shop = name("shop");
    commit(&mut store, of(vec![(shop.clone(), share(480_000, 1))])).unwrap();
    drop(store);
    let path = dir.path().join("history.db");
    let db = rusqlite::Connection::open(&path).unwrap();
    db.pragma_update(None, "user_version", 99).unwrap();
    db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    drop(db);
    let before = fs::read(&path).unwrap();
    let mut store = open(dir.path()).into_store().unwrap();
    commit(&mut store, of(vec![(shop.clone(), share(480_000, 1))])).unwrap();
    drop(store);
    assert_eq!(fs::read(&path).unwrap(), before);
    let disk = Disk::at(dir.path().to_owned());
    assert!(disk.hours(&[shop], 0).is_empty());
}
