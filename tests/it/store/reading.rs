//! Reading beside a writer, and without leaving a trace.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use probe::adapters::store::{StoreError, journal, read_only};

use super::*;

#[test]
fn nothing_there_is_an_empty_fleet_and_stays_nothing() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("probe");
    let snapshot = read_only(&dir).unwrap();
    assert_eq!(snapshot.fleet, Fleet::default());
    assert_eq!(snapshot.holder, None);
    assert_eq!(journal(&dir, WALL, 10).unwrap(), []);
    assert!(!dir.exists());
    fs::create_dir(&dir).unwrap();
    assert_eq!(read_only(&dir).unwrap().fleet, Fleet::default());
    assert_eq!(names(&dir), [""; 0]);
}

#[test]
fn a_closed_state_is_read_without_a_trace() {
    let dir = tempfile::tempdir().unwrap();
    save(dir.path(), &counted(1));
    let before = fs::read(dir.path().join("state.db")).unwrap();
    assert_eq!(read_only(dir.path()).unwrap().fleet, counted(1));
    assert_eq!(names(dir.path()), ["lock", "state.db"]);
    assert!(fs::read(dir.path().join("state.db")).unwrap() == before);
}

#[test]
fn reading_takes_no_lock() {
    let dir = tempfile::tempdir().unwrap();
    save(dir.path(), &counted(1));
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                read_only(dir.path()).unwrap();
            }
        });
        let opened: Vec<_> = (0..50)
            .map(|_| StateDir::open(dir.path(), WALL).map(drop))
            .collect();
        stop.store(true, Ordering::Relaxed);
        for result in opened {
            result.unwrap();
        }
    });
}

#[test]
fn each_reading_beside_a_writer_is_one_whole_state() {
    let dir = tempfile::tempdir().unwrap();
    save(dir.path(), &counted(1));
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut counter = 1;
            // Several openings and closings: the log comes and goes.
            for round in 0..60 {
                let mut store = open(dir.path()).into_store().unwrap();
                for _ in 0..round % 10 {
                    counter += 1;
                    commit(&mut store, everything(&counted(counter))).unwrap();
                }
            }
            done.store(true, Ordering::Release);
        });
        let mut last = 1;
        while !done.load(Ordering::Acquire) {
            let fleet = read_only(dir.path()).unwrap().fleet;
            let counter = fleet.core.last_attempt;
            assert!(counter >= last, "{counter} after {last}");
            assert_eq!(fleet, counted(counter));
            last = counter;
        }
        assert!(last > 1, "nothing was read while it was written");
    });
}

#[test]
fn what_a_killed_run_left_in_its_log_is_read() {
    let from = tempfile::tempdir().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(from.path()).into_store().unwrap();
    commit(&mut store, everything(&counted(5))).unwrap();
    for name in ["state.db", "state.db-wal"] {
        fs::copy(from.path().join(name), dir.path().join(name)).unwrap();
    }
    assert_eq!(read_only(dir.path()).unwrap().fleet, counted(5));
}

#[test]
fn a_damaged_state_is_told_and_left_where_it_is() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("state.db"), "broken").unwrap();
    let error = read_only(dir.path()).unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
    assert!(
        error
            .to_string()
            .ends_with("moves it aside and begins anew"),
        "{error}"
    );
    assert_eq!(names(dir.path()), ["state.db"]);
}

#[test]
fn the_journal_keeps_order_and_is_capped() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path()).into_store().unwrap();
    let cap = u32::try_from(limits::JOURNAL_ROWS).unwrap();
    let rows = cap + 1000;
    let mut written = 0;
    while written < rows {
        let until = rows.min(written + 7000);
        let changes = Changes {
            journal: (written..until).map(judged).collect(),
            ..Changes::default()
        };
        commit(&mut store, changes).unwrap();
        written = until;
    }
    let found = journal(dir.path(), WALL, u32::MAX).unwrap();
    let kept = u32::try_from(found.len()).unwrap();
    assert!((cap..cap + 256).contains(&kept), "{kept}");
    for (row, failures) in found.iter().zip(rows - kept..) {
        assert_eq!(row.clone(), judged(failures));
    }
    let newest = journal(dir.path(), WALL, 2).unwrap();
    assert_eq!(newest, found[found.len() - 2..]);
    let later = WALL + Duration::from_secs(1);
    assert_eq!(journal(dir.path(), later, 2).unwrap(), []);
}
