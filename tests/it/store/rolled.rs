//! A state that is whole and older than what was done is damaged: its log lost its end, an old copy was put back, it was
//! removed. What nothing was done for may be lost and nobody is told.

use std::fs;

use probe::adapters::store::{StoreError, read_only};

use super::*;

const MARK: &str = "state.commit";

/// The files of a state directory, by name.
struct Copied(Vec<(String, Vec<u8>)>);

impl Copied {
    fn of(dir: &Path) -> Self {
        let files = names(dir)
            .into_iter()
            .filter(|name| name.starts_with("state."));
        let read = |name: String| {
            let bytes = fs::read(dir.join(&name)).unwrap();
            (name, bytes)
        };
        // SQLite makes the index anew.
        Self(
            files
                .filter(|name| !name.ends_with("-shm"))
                .map(read)
                .collect(),
        )
    }

    fn bytes(&mut self, name: &str) -> &mut Vec<u8> {
        let found = self.0.iter_mut().find(|(known, _)| known == name);
        &mut found.unwrap().1
    }

    /// All but these files.
    fn without(mut self, gone: &[&str]) -> Self {
        self.0.retain(|(name, _)| !gone.contains(&name.as_str()));
        self
    }

    fn put(&self) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, bytes) in &self.0 {
            fs::write(dir.path().join(name), bytes).unwrap();
        }
        dir
    }
}

/// Acts follow from each of these commits but the last, which holds ordinary results; copied as a killed run leaves it
/// after the sixth, and at the end.
fn killed() -> (Copied, Copied) {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path()).into_store().unwrap();
    let mut old = None;
    for counter in 1..=12 {
        commit(&mut store, before_an_act(&counted(counter))).unwrap();
        if counter == 6 {
            old = Some(Copied::of(dir.path()));
        }
    }
    commit(&mut store, everything(&counted(13))).unwrap();
    (old.unwrap(), Copied::of(dir.path()))
}

/// The state is taken for damaged, by those who only look and by a run, which begins a new one.
#[track_caller]
fn is_damaged(copied: &Copied, why: &str) -> tempfile::TempDir {
    let dir = copied.put();
    match read_only(dir.path()) {
        Err(StoreError::Damaged { what, .. }) => assert!(what.contains(why), "{what}"),
        other => panic!("{why}: {other:?}"),
    }
    let (fleet, damaged) = open(dir.path()).load();
    assert_eq!(fleet, Fleet::default(), "{why}");
    let is_left = copied.0.iter().any(|(name, _)| name == "state.db");
    let told = if is_left {
        aside(dir.path())
    } else {
        PathBuf::new()
    };
    assert_eq!(damaged, Some(told), "{why}");
    goes_on(dir.path());
    dir
}

/// What was begun anew is told until its quarantine is durable, and is then a state like any other.
fn goes_on(dir: &Path) {
    assert!(open(dir).load().1.is_some(), "killed before it was told");
    let mut fleet = counted(40);
    fleet.core.quarantine = Some(WALL);
    let mut store = open(dir).into_store().unwrap();
    commit(&mut store, before_an_act(&fleet)).unwrap();
    drop(store);
    assert_eq!(open(dir).load(), (fleet.clone(), None));
    assert_eq!(read_only(dir).unwrap().fleet, fleet);
}

#[test]
fn a_killed_run_is_no_damage() {
    let (old, last) = killed();
    assert_eq!(open(last.put().path()).load(), (counted(13), None));
    assert_eq!(open(old.put().path()).load(), (counted(6), None));
}

#[test]
fn a_log_that_was_removed() {
    let (_, last) = killed();
    is_damaged(
        &last.without(&["state.db-wal"]),
        "it ends with commit 0 of 12",
    );
}

#[test]
fn a_log_with_a_flipped_bit_or_cut_short() {
    let (_, mut last) = killed();
    let log = last.bytes("state.db-wal").clone();
    let mut rng = fastrand::Rng::with_seed(4);
    let mut found = 0;
    for round in 0..120 {
        let mut torn = log.clone();
        if round % 2 == 0 {
            torn.truncate(rng.usize(0..log.len()));
        } else {
            torn[rng.usize(0..log.len())] ^= 1 << rng.u8(0..8);
        }
        *last.bytes("state.db-wal") = torn;
        let dir = last.put();
        match open(dir.path()).load() {
            (fleet, Some(path)) => {
                assert_eq!((fleet, path), (Fleet::default(), aside(dir.path())));
                found += 1;
            }
            // The ordinary results after the last act, at most.
            (fleet, None) => {
                let attempts = fleet.core.last_attempt;
                assert!(attempts >= 12, "round {round}: {attempts}");
                assert_eq!(fleet, counted(attempts));
            }
        }
    }
    assert!(found > 60, "{found}");
}

#[test]
fn an_older_copy_that_was_put_back() {
    let (mut old, mut last) = killed();
    let why = "it ends with commit 6 of 12";
    *old.bytes(MARK) = last.bytes(MARK).clone();
    let dir = is_damaged(&old, why);
    // Put back once more, after the new state went on counting.
    drop(open(dir.path()));
    for (name, bytes) in &old.0 {
        if name != MARK {
            fs::write(dir.path().join(name), bytes).unwrap();
        }
    }
    let later = Timestamp(WALL.0 + 60_000);
    let (fleet, damaged) = StateDir::open(dir.path(), later).unwrap().load();
    assert_eq!(fleet, Fleet::default());
    assert!(damaged.is_some());
}

#[test]
fn a_database_that_is_gone() {
    let (_, last) = killed();
    let gone = last.without(&["state.db", "state.db-wal"]);
    is_damaged(&gone, "it is gone, and state.commit knows of one");
}

#[test]
fn a_mark_that_is_gone() {
    let (_, last) = killed();
    is_damaged(
        &last.without(&[MARK]),
        "state.commit, which says how new it must be, is missing",
    );
}

#[test]
fn a_mark_that_is_garbage_is_kept_beside_the_state() {
    let (_, mut last) = killed();
    for garbage in [
        "",
        "\0\0\0\0",
        "commit 00000000000000000099 0123456789abcdef\n",
    ] {
        *last.bytes(MARK) = garbage.as_bytes().to_vec();
        let dir = is_damaged(
            &last,
            "state.commit, which says how new it must be, cannot be read",
        );
        let kept = format!("{}-commit", aside(dir.path()).display());
        assert_eq!(fs::read_to_string(kept).unwrap(), garbage);
    }
}

/// Killed after the commit and before the mark was raised: nothing was done yet.
#[test]
fn a_database_ahead_of_its_mark_is_no_damage() {
    let (mut old, mut last) = killed();
    *last.bytes(MARK) = old.bytes(MARK).clone();
    assert_eq!(open(last.put().path()).load(), (counted(13), None));
}

#[test]
fn a_state_of_an_earlier_release_begins_to_count() {
    let forget = |dir: &Path| {
        let connection = rusqlite::Connection::open(dir.join("state.db")).unwrap();
        connection.execute_batch("DROP TABLE mark").unwrap();
    };
    let dir = tempfile::tempdir().unwrap();
    save(dir.path(), &counted(5));
    forget(dir.path());
    assert_eq!(read_only(dir.path()).unwrap().fleet, counted(5));
    let state = open(dir.path());
    assert_eq!(state.load(), (counted(5), None));
    let mut store = state.into_store().unwrap();
    commit(&mut store, before_an_act(&counted(6))).unwrap();
    drop(store);
    assert_eq!(open(dir.path()).load(), (counted(6), None));
    // The copy from before an upgrade, put back after the release went on.
    forget(dir.path());
    let (fleet, damaged) = open(dir.path()).load();
    assert_eq!(
        (fleet, damaged),
        (Fleet::default(), Some(aside(dir.path())))
    );
}

/// Also what a person does who begins anew.
#[test]
fn an_empty_directory_is_a_new_box() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(open(dir.path()).load(), (Fleet::default(), None));
    assert_eq!(read_only(dir.path()).unwrap().fleet, Fleet::default());
}

/// Ordinary results cost nothing: the mark is not even made for them.
#[test]
fn only_commits_for_which_acts_wait_are_counted() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path()).into_store().unwrap();
    let mark = dir.path().join(MARK);
    for counter in 1..=3 {
        commit(&mut store, everything(&counted(counter))).unwrap();
    }
    assert!(!mark.exists());
    commit(&mut store, before_an_act(&counted(4))).unwrap();
    let before = fs::read(&mark).unwrap();
    commit(&mut store, everything(&counted(5))).unwrap();
    assert_eq!(fs::read(&mark).unwrap(), before);
}

/// A mark that cannot be written is a commit that cannot: nothing is done, and it goes on by itself.
#[test]
fn without_its_mark_no_commit_is_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path()).into_store().unwrap();
    commit(&mut store, before_an_act(&counted(1))).unwrap();
    let (mark, kept) = (dir.path().join(MARK), dir.path().join("kept"));
    fs::rename(&mark, &kept).unwrap();
    fs::create_dir(&mark).unwrap();
    for _ in 0..2 {
        let error = commit(&mut store, before_an_act(&counted(2))).unwrap_err();
        assert!(error.to_string().contains(MARK), "{error}");
    }
    fs::remove_dir(&mark).unwrap();
    fs::rename(&kept, &mark).unwrap();
    commit(&mut store, before_an_act(&counted(3))).unwrap();
    drop(store);
    assert_eq!(open(dir.path()).load(), (counted(3), None));
}

/// A bit of the number itself is found like that of any row.
#[test]
fn a_number_that_is_not_as_it_was_written() {
    let (_, last) = killed();
    let dir = last.put();
    let mut store = open(dir.path()).into_store().unwrap();
    let connection = rusqlite::Connection::open(dir.path().join("state.db")).unwrap();
    connection
        .execute_batch("UPDATE mark SET number = 13")
        .unwrap();
    let error = commit(&mut store, before_an_act(&counted(14))).unwrap_err();
    assert!(error.to_string().contains("is damaged"), "{error}");
    drop((store, connection));
    let damaged = open(dir.path()).load().1;
    assert_eq!(damaged, Some(aside(dir.path())));
}
