//! What programs that were killed left in the temporary directory, and what is not theirs.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use super::{bare, fake_client, run};

/// The id of a process that has ended.
fn dead() -> u32 {
    let mut child = Command::new("true").stdin(Stdio::null()).spawn().unwrap();
    child.wait().unwrap();
    child.id()
}

/// A directory as it is left behind, of this age; removed with the test.
struct Left(PathBuf);

impl Left {
    fn new(name: &str, age: Duration) -> Self {
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        let made = Command::new("mkfifo").arg(path.join("log")).status();
        assert!(made.unwrap().success(), "mkfifo is in coreutils");
        let past = SystemTime::now() - age;
        File::open(&path).unwrap().set_modified(past).unwrap();
        Self(path)
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Left {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn a_new_client_sweeps_what_killed_ones_left() {
    let (old, young) = (Duration::from_secs(600), Duration::ZERO);
    let (dead, own) = (dead(), std::process::id());
    let swept = [
        Left::new(&format!("probe-ssh-{dead}-00000000000000aa"), old),
        Left::new(&format!("probe-ssh-{dead}-00000000000000ab"), old),
    ];
    let kept = [
        Left::new(&format!("probe-ssh-{own}-00000000000000aa"), old),
        Left::new(&format!("probe-ssh-{dead}-00000000000000ac"), young),
        Left::new(&format!("probe-ssh-{dead}-notes"), old),
        Left::new(&format!("probe-ssh-{dead}"), old),
        Left::new(&format!("my-probe-ssh-{dead}-00000000000000aa"), old),
    ];
    // What a user put into one is nobody else's to remove.
    let used = Left::new(&format!("probe-ssh-{dead}-00000000000000ad"), young);
    fs::write(used.path().join("notes"), "").unwrap();
    let past = SystemTime::now() - old;
    File::open(used.path()).unwrap().set_modified(past).unwrap();
    // Behind a link lies what somebody else chose.
    let elsewhere = Left::new(&format!("elsewhere-of-{own}"), old);
    let link = std::env::temp_dir().join(format!("probe-ssh-{dead}-00000000000000ae"));
    std::os::unix::fs::symlink(elsewhere.path(), &link).unwrap();

    let directory = tempfile::tempdir().unwrap();
    run(
        &fake_client(directory.path(), "exit 255"),
        bare("a@b"),
        "true",
    )
    .await;

    let linked = link.is_symlink();
    fs::remove_file(&link).unwrap();
    assert!(linked, "the link is not touched");
    assert!(
        elsewhere.path().join("log").exists(),
        "nor what it leads to"
    );
    for left in &swept {
        assert!(!left.path().exists(), "{} is left", left.path().display());
    }
    for left in &kept {
        assert!(
            left.path().join("log").exists(),
            "{} is gone",
            left.path().display()
        );
    }
    assert!(used.path().join("notes").exists());
}
