//! Disks that do not take what is written: nothing is acknowledged, and writing goes on by itself afterwards.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use probe::adapters::store::read_only;
use rustix::process::{Resource, Rlimit, setrlimit};

use super::*;

const FULL: &str = "store::full::writing_goes_on_when_there_is_space_again";
const READ_ONLY: &str = "store::full::a_directory_that_cannot_be_written_is_still_read";

/// A limit on the size of files stands for a full disk: writes beyond it fail, for any user.
fn space(bytes: Option<u64>) {
    let limit = Rlimit {
        current: bytes,
        maximum: None,
    };
    setrlimit(Resource::Fsize, limit).unwrap();
}

/// More than fits into the pages that are there already.
fn large(counter: u64) -> Changes {
    let mut changes = everything(&counted(counter));
    changes.journal = (0..2000).map(judged).collect();
    changes
}

#[test]
fn writing_goes_on_when_there_is_space_again() {
    if let Some(dir) = other_half() {
        return fill_and_free(&dir);
    }
    let dir = tempfile::tempdir().unwrap();
    // The signal that comes with the limit ends a process that does not ignore it.
    let wrapper = ["sh", "-c", r#"trap "" XFSZ; exec "$0" "$@""#];
    let output = half(&wrapper, FULL, dir.path()).output().unwrap();
    assert_passed(&output);
}

fn fill_and_free(dir: &Path) {
    save(dir, &counted(1));
    let mut store = open(dir).into_store().unwrap();
    commit(&mut store, everything(&counted(2))).unwrap();

    space(Some(60_000));
    for _ in 0..3 {
        let error = commit(&mut store, large(3)).unwrap_err().to_string();
        assert!(error.contains("state.db"), "{error}");
        assert_eq!(read_only(dir).unwrap().fleet, counted(2));
    }
    space(None);
    commit(&mut store, large(4)).unwrap();
    assert_eq!(read_only(dir).unwrap().fleet, counted(4));
    drop(store);

    // No space at the start either: what is remembered is known, and nothing can be written.
    space(Some(0));
    let state = open(dir);
    assert_eq!(state.load(), (counted(4), None));
    let mut store = state.into_store().unwrap();
    commit(&mut store, everything(&counted(5))).unwrap_err();
    commit(&mut store, everything(&counted(5))).unwrap_err();
    space(None);
    commit(&mut store, everything(&counted(6))).unwrap();
    drop(store);
    assert_eq!(open(dir).load(), (counted(6), None));
}

#[test]
fn a_directory_that_cannot_be_written_is_still_read() {
    if let Some(dir) = other_half() {
        return read_without_rights(&dir);
    }
    let dir = tempfile::tempdir().unwrap();
    save(dir.path(), &counted(1));
    // Root may write anywhere, unless it gives that right up (setpriv is part of Debian's util-linux).
    let setpriv = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"];
    let wrapper: &[&str] = if rustix::process::geteuid().is_root() {
        &setpriv
    } else {
        &[]
    };
    let output = half(wrapper, READ_ONLY, dir.path()).output().unwrap();
    assert_passed(&output);
}

fn read_without_rights(dir: &Path) {
    let rights = |directory, files| {
        fs::set_permissions(dir, fs::Permissions::from_mode(0o700)).unwrap();
        for name in names(dir) {
            fs::set_permissions(dir.join(name), fs::Permissions::from_mode(files)).unwrap();
        }
        fs::set_permissions(dir, fs::Permissions::from_mode(directory)).unwrap();
    };
    rights(0o500, 0o400);
    assert!(
        fs::write(dir.join("x"), "").is_err(),
        "this process must not be able to write"
    );
    assert_eq!(read_only(dir).unwrap().fleet, counted(1));

    let state = open(dir);
    assert_eq!(state.load(), (counted(1), None));
    let mut store = state.into_store().unwrap();
    commit(&mut store, everything(&counted(2))).unwrap_err();
    assert_eq!(names(dir), ["lock", "state.db"]);

    rights(0o700, 0o600);
    commit(&mut store, everything(&counted(3))).unwrap();
    drop(store);
    assert_eq!(open(dir).load(), (counted(3), None));
}

#[test]
fn a_state_that_was_removed_under_us_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path()).into_store().unwrap();
    commit(&mut store, everything(&counted(1))).unwrap();
    fs::remove_file(dir.path().join("state.db")).unwrap();
    let error = commit(&mut store, everything(&counted(2)))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("was removed or replaced while in use: restart probe"),
        "{error}"
    );
}
