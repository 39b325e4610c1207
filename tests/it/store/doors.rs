//! Who may use the directory, and when.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Stdio;

use probe::adapters::store::{StoreError, read_only};

use super::*;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn a_missing_directory_is_made_for_us_alone() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("state").join("probe");
    save(&dir, &counted(1));
    assert_eq!(mode(&dir), 0o700);
    assert_eq!(mode(&dir.join("state.db")), 0o600);
    assert_eq!(mode(&dir.join("lock")), 0o600);
    let _store = open(&dir).into_store().unwrap();
    assert_eq!(names(&dir).len(), 4, "{:?}", names(&dir));
    assert_eq!(mode(&dir.join("state.db-wal")), 0o600);
}

#[test]
fn an_unsafe_directory_is_refused_with_the_command_that_mends_it() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("state");
    fs::create_dir(&dir).unwrap();
    for bits in [0o777, 0o770, 0o702] {
        fs::set_permissions(&dir, fs::Permissions::from_mode(bits)).unwrap();
        let error = StateDir::open(&dir, WALL).unwrap_err().to_string();
        let place = dir.display();
        assert_eq!(
            error,
            format!(
                "state directory {place} may be written by others (mode {bits:04o}): chmod go-w {place}"
            )
        );
    }
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o755)).unwrap();
    open(&dir);

    let link = root.path().join("link");
    symlink(&dir, &link).unwrap();
    let error = StateDir::open(&link, WALL).unwrap_err();
    assert!(matches!(error, StoreError::Symlink { .. }), "{error}");

    let file = root.path().join("file");
    fs::write(&file, "").unwrap();
    let error = StateDir::open(&file, WALL).unwrap_err();
    assert!(matches!(error, StoreError::NotADirectory { .. }), "{error}");
}

/// Without root nobody can make a directory that belongs to a third one; `/` belongs to root, and then it is the
/// missing right to write that is told.
#[test]
fn a_directory_of_somebody_else_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("state");
    fs::create_dir(&dir).unwrap();
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(&dir, Some(65_534), None).unwrap();
        let error = StateDir::open(&dir, WALL).unwrap_err().to_string();
        assert!(
            error.contains("belongs to user 65534 and this is user 0: run as that user (sudo -u '#65534' probe …)"),
            "{error}"
        );
    } else {
        let error = StateDir::open(Path::new("/"), WALL).unwrap_err();
        assert!(matches!(error, StoreError::File { .. }), "{error}");
    }
}

/// S28: who does not hold the lock writes nothing and acts on nothing.
#[test]
fn the_second_run_is_told_who_holds_the_lock() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(read_only(dir.path()).unwrap().holder, None);
    let first = open(dir.path());
    let error = StateDir::open(dir.path(), WALL).unwrap_err().to_string();
    assert_eq!(
        error,
        format!(
            "another probe (pid {}, since {}) holds the lock of {}: let it end, or stop it; \
             `probe status` works meanwhile",
            std::process::id(),
            "2026-11-22 06:00:01 UTC",
            dir.path().canonicalize().unwrap().display()
        )
    );
    let holder = read_only(dir.path()).unwrap().holder.unwrap();
    assert_eq!((holder.pid, holder.since), (std::process::id(), WALL));
    let store = first.into_store().unwrap();
    assert!(matches!(
        StateDir::open(dir.path(), WALL),
        Err(StoreError::Locked { .. })
    ));
    drop(store);
    open(dir.path());
}

const KILLED: &str = "store::doors::a_killed_run_leaves_no_lock";

#[test]
fn a_killed_run_leaves_no_lock() {
    if let Some(dir) = other_half() {
        let _state = open(&dir);
        // Until killed; the other half holds the other end.
        let mut line = String::new();
        say("\nheld");
        std::io::stdin().read_line(&mut line).unwrap();
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut child = half(&[], KILLED, dir.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let stdout = std::io::BufReader::new(child.stdout.take().unwrap());
    let held = std::io::BufRead::lines(stdout).any(|line| line.unwrap() == "held");
    assert!(held, "the other half never opened the state");
    match StateDir::open(dir.path(), WALL) {
        Err(StoreError::Locked {
            holder: Some(holder),
            ..
        }) => assert_eq!(holder.pid, child.id()),
        other => panic!("{other:?}"),
    }
    assert_eq!(
        read_only(dir.path())
            .unwrap()
            .holder
            .map(|holder| holder.pid),
        Some(child.id())
    );
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(read_only(dir.path()).unwrap().holder, None);
    open(dir.path());
}
