//! A damaged state is never read as a healthy one, never lost, and never a panic.

use std::fs;

use probe::adapters::store::{StoreError, read_only};

use super::*;

/// The bytes of a state that holds `counted(9)` and some journal, cleanly closed.
fn healthy() -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path()).into_store().unwrap();
    let mut changes = everything(&counted(9));
    changes.journal = (0..40).map(judged).collect();
    commit(&mut store, changes).unwrap();
    drop(store);
    assert_eq!(names(dir.path()), ["history.db", "lock", "state.db"]);
    fs::read(dir.path().join("state.db")).unwrap()
}

enum Read {
    Well,
    Aside,
    Refused,
}

/// Opens a state of these bytes: it reads as it was saved, or lies aside as it was found, or is refused as newer.
fn read(bytes: &[u8], what: &str) -> Read {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("state.db"), bytes).unwrap();
    let _ = read_only(dir.path());
    assert_eq!(
        names(dir.path()),
        ["state.db"],
        "{what}: reading leaves no trace"
    );
    assert!(
        fs::read(dir.path().join("state.db")).unwrap() == bytes,
        "{what}"
    );
    match StateDir::open(dir.path(), WALL) {
        Ok(state) => match state.load() {
            (fleet, None) => {
                assert_eq!(fleet, counted(9), "{what}");
                Read::Well
            }
            (fleet, Some(path)) => {
                assert_eq!(fleet, Fleet::default(), "{what}");
                assert_eq!(path, aside(dir.path()), "{what}");
                Read::Aside
            }
        },
        Err(StoreError::Newer { .. }) => {
            assert!(
                fs::read(dir.path().join("state.db")).unwrap() == bytes,
                "{what}"
            );
            Read::Refused
        }
        Err(other) => panic!("{what}: {other}"),
    }
}

#[test]
fn flipped_bits_are_found_or_harmless() {
    let bytes = healthy();
    let mut rng = fastrand::Rng::with_seed(7);
    let mut moved = 0;
    for round in 0..400 {
        let mut damaged = bytes.clone();
        // Every fourth in the header, which is small and matters most.
        let place = rng.usize(0..if round % 4 == 0 { 100 } else { bytes.len() });
        let bit = rng.u8(0..8);
        damaged[place] ^= 1 << bit;
        let what = format!("bit {bit} of byte {place}");
        match read(&damaged, &what) {
            Read::Well => {}
            Read::Aside => moved += 1,
            Read::Refused => assert!((60..64).contains(&place), "{what} is no schema number"),
        }
    }
    assert!(moved > 20, "{moved}");
}

#[test]
fn each_flipped_bit_of_a_row_is_found() {
    let bytes = healthy();
    let needle = b"\"attempts\":9";
    let start = bytes
        .windows(needle.len())
        .position(|w| w == needle)
        .unwrap();
    for place in start..start + needle.len() {
        for bit in 0..8 {
            let mut damaged = bytes.clone();
            damaged[place] ^= 1 << bit;
            assert!(
                matches!(read(&damaged, "a row"), Read::Aside),
                "bit {bit} of byte {place}"
            );
        }
    }
}

#[test]
fn a_truncated_state_is_moved_aside() {
    let bytes = healthy();
    let mut lengths = vec![0, 1, 16, 99, 100, 512, 4095, 4096, 4097];
    lengths.extend((0..bytes.len()).step_by(4096));
    for length in lengths {
        let what = format!("cut to {length} bytes");
        assert!(
            matches!(read(&bytes[..length], &what), Read::Aside),
            "{what}"
        );
    }
    // The last page is empty, so its last byte is nobody's: read as it was saved, which `read` sees to.
    read(&bytes[..bytes.len() - 1], "cut by one byte");
}

#[test]
fn zeros_and_noise_are_moved_aside() {
    let bytes = healthy();
    let mut rng = fastrand::Rng::with_seed(8);
    let noise: Vec<u8> = bytes.iter().map(|_| rng.u8(..)).collect();
    assert!(matches!(read(&vec![0; bytes.len()], "zeros"), Read::Aside));
    assert!(matches!(read(&noise, "noise"), Read::Aside));
    assert!(matches!(read(b"hello\n", "text"), Read::Aside));
    for page in 0..bytes.len() / 4096 {
        let mut zeroed = bytes.clone();
        zeroed[page * 4096..][..4096].fill(0);
        assert!(
            matches!(read(&zeroed, "a page"), Read::Aside),
            "page {page}"
        );
    }
}

/// Of results from which nothing followed; [`super::rolled`] has the others.
#[test]
fn a_damaged_log_leaves_an_earlier_state() {
    let from = tempfile::tempdir().unwrap();
    let mut store = open(from.path()).into_store().unwrap();
    for counter in 1..=20 {
        commit(&mut store, everything(&counted(counter))).unwrap();
    }
    let db = fs::read(from.path().join("state.db")).unwrap();
    let log = fs::read(from.path().join("state.db-wal")).unwrap();
    drop(store);
    let mut rng = fastrand::Rng::with_seed(9);
    for round in 0..60 {
        let dir = tempfile::tempdir().unwrap();
        let mut torn = log.clone();
        if round % 2 == 0 {
            torn.truncate(rng.usize(0..log.len()));
        } else {
            torn[rng.usize(0..log.len())] ^= 1 << rng.u8(0..8);
        }
        fs::write(dir.path().join("state.db"), &db).unwrap();
        fs::write(dir.path().join("state.db-wal"), torn).unwrap();
        let (fleet, damaged) = open(dir.path()).load();
        assert_eq!(damaged, None, "round {round}");
        let counter = fleet.core.last_attempt;
        assert!(counter <= 20);
        let expected = if counter == 0 {
            Fleet::default()
        } else {
            counted(counter)
        };
        assert_eq!(fleet, expected, "round {round}");
    }
}

#[test]
fn the_log_and_its_index_move_with_the_damaged_state() {
    let dir = tempfile::tempdir().unwrap();
    for (end, text) in [("", "broken"), ("-wal", "log"), ("-shm", "index")] {
        fs::write(dir.path().join(format!("state.db{end}")), text).unwrap();
    }
    let (_, damaged) = open(dir.path()).load();
    let path = damaged.unwrap();
    for (end, text) in [("", "broken"), ("-wal", "log"), ("-shm", "index")] {
        let moved = format!("{}{end}", path.display());
        assert_eq!(fs::read_to_string(moved).unwrap(), text);
    }
}

#[test]
fn damage_is_told_until_its_quarantine_is_durable() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("state.db"), "broken").unwrap();
    let first = open(dir.path()).load().1;
    assert_eq!(first, Some(aside(dir.path())));
    assert_eq!(
        read_only(dir.path()).unwrap().damaged,
        Some(dir.path().join(aside(dir.path()).file_name().unwrap()))
    );
    // Killed before anything was decided, or after a commit that knew nothing of it.
    save(dir.path(), &counted(1));
    assert_eq!(open(dir.path()).load().1, first);
    let mut fleet = counted(2);
    fleet.core.quarantine = Some(WALL);
    save(dir.path(), &fleet);
    assert_eq!(open(dir.path()).load(), (fleet, None));
}

#[test]
fn moving_aside_can_be_killed_at_each_step() {
    // As a killed run leaves it: the new state made, the old one renamed, its log not yet.
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("state.db"), "broken").unwrap();
    drop(open(dir.path()));
    fs::rename(dir.path().join("state.db"), dir.path().join("state.db.new")).unwrap();
    // A whole log, which SQLite would play back into whatever database it finds beside it.
    let old = tempfile::tempdir().unwrap();
    let mut store = open(old.path()).into_store().unwrap();
    commit(&mut store, everything(&counted(4))).unwrap();
    let log = fs::read(old.path().join("state.db-wal")).unwrap();
    fs::write(dir.path().join("state.db-wal"), log).unwrap();
    let (fleet, damaged) = open(dir.path()).load();
    assert_eq!(
        (fleet, damaged),
        (Fleet::default(), Some(aside(dir.path())))
    );
    assert!(!dir.path().join("state.db.new").exists());

    // Killed before the old one was renamed.
    let dir = tempfile::tempdir().unwrap();
    save(dir.path(), &counted(3));
    fs::write(dir.path().join("state.db.new"), "half made").unwrap();
    assert_eq!(open(dir.path()).load(), (counted(3), None));
    assert!(!dir.path().join("state.db.new").exists());
}

#[test]
fn only_so_many_damaged_states_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    for round in 0..8 {
        fs::write(dir.path().join("state.db"), format!("broken {round}")).unwrap();
        let wall = Timestamp(WALL.0 + round * 60_000);
        StateDir::open(dir.path(), wall).unwrap();
    }
    let kept: Vec<_> = names(dir.path())
        .into_iter()
        .filter(|name| name.contains("corrupt"))
        .collect();
    assert_eq!(kept.len(), 5, "{kept:?}");
    let newest = fs::read_to_string(dir.path().join(kept.last().unwrap())).unwrap();
    assert_eq!(newest, "broken 7");
}

#[test]
fn the_schema_that_version_tells_is_the_one_that_is_written() {
    let written: [u8; 4] = healthy()[60..64].try_into().unwrap();
    assert_eq!(
        u32::from_be_bytes(written),
        probe::adapters::store::schema()
    );
}

#[test]
fn a_newer_schema_is_refused_and_not_touched() {
    let mut bytes = healthy();
    bytes[60..64].copy_from_slice(&6_u32.to_be_bytes());
    let dir = tempfile::tempdir().unwrap();
    let db = dir.path().join("state.db");
    fs::write(&db, &bytes).unwrap();
    for _ in 0..2 {
        let error = StateDir::open(dir.path(), WALL).unwrap_err().to_string();
        assert_eq!(
            error,
            format!(
                "{} was written by a newer probe (schema 6, this one knows 5) and is left as it is: \
                 upgrade this probe, or move its directory away to begin anew",
                dir.path()
                    .canonicalize()
                    .unwrap()
                    .join("state.db")
                    .display()
            )
        );
        assert!(matches!(
            read_only(dir.path()),
            Err(StoreError::Newer {
                found: 6,
                known: 5,
                ..
            })
        ));
    }
    assert!(fs::read(&db).unwrap() == bytes);
    assert_eq!(names(dir.path()), ["lock", "state.db"]);
}

/// M22: a message that cannot be read keeps neither the budgets nor the other messages from being read.
#[test]
fn m22_a_message_that_is_damaged_is_set_aside_and_the_others_stay() {
    let dir = tempfile::tempdir().unwrap();
    let mut fleet = counted(9);
    for id in 1..=3 {
        fleet.queue(Entry {
            id: EntryId(id),
            to: format!("ops{id}@example.com"),
            ..crate::mail::entries::entry(crate::mail::entries::down())
        });
    }
    let mut store = open(dir.path()).into_store().unwrap();
    commit(&mut store, everything(&fleet)).unwrap();
    drop(store);
    let db = dir.path().join("state.db");
    let mut bytes = fs::read(&db).unwrap();
    let needle = b"ops2@example.com";
    let place = bytes.windows(needle.len()).position(|w| w == needle);
    // No letter of UTF-8 either.
    bytes[place.unwrap()] = 0xff;
    fs::write(&db, bytes).unwrap();

    let check = |found: &Fleet, what: &str| {
        assert_eq!(
            (&found.profiles, &found.hosts),
            (&fleet.profiles, &fleet.hosts)
        );
        let whole = [EntryId(1), EntryId(3)];
        for id in whole {
            assert_eq!(found.outbox[&id], fleet.outbox[&id], "{what}");
        }
        let aside = &found.outbox[&EntryId(2)];
        assert!(aside.is_dead(), "{what}: it is not sent");
        // What it told of is not known, least of all that all memory was lost.
        let told = probe::render::record::waiting(found, |_| "subject".to_owned());
        let subjects: Vec<&str> = told.iter().map(|told| told.subject.as_str()).collect();
        assert_eq!(
            subjects,
            ["subject", "a message that was waiting", "subject"]
        );
        let kept = aside.notification.remark.as_ref().unwrap();
        assert!(
            kept.to_string().contains("ps2@example.com"),
            "{what}: {kept}"
        );
    };
    check(&read_only(dir.path()).unwrap().fleet, "as people see it");
    let (found, damaged) = open(dir.path()).load();
    assert_eq!(damaged, None);
    check(&found, "as a run sees it");
    // With the next commit it is a letter like any other.
    let state = open(dir.path());
    let (mut found, _) = state.load();
    let mut store = state.into_store().unwrap();
    commit(&mut store, found.changes()).unwrap();
    drop(store);
    let again = open(dir.path()).load().0;
    check(&again, "as it is written");
    assert_eq!(again.outbox, found.outbox);
}
