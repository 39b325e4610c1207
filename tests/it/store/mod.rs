//! The state directory on a real file system, with real processes killed at real moments; and the log.

mod crash;
mod damage;
mod doors;
mod full;
mod history;
mod log;
mod orders;
mod reading;
mod rolled;
mod round;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use probe::adapters::store::{StateDir, StateStore};
use probe::model::*;
use probe::ports::{Unwritable, Writer};

const WALL: Timestamp = Timestamp(1_795_327_201_000);

fn commit(store: &mut StateStore, changes: Changes) -> Result<(), Unwritable> {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap()
        .block_on(store.commit(changes))
}

fn open(dir: &Path) -> StateDir {
    StateDir::open(dir, WALL).unwrap()
}

/// All of a fleet as changes.
fn everything(fleet: &Fleet) -> Changes {
    Changes {
        core: fleet.core.clone(),
        profiles: fleet
            .profiles
            .iter()
            .map(|(name, track)| (name.clone(), Some(track.clone())))
            .collect(),
        hosts: fleet
            .hosts
            .iter()
            .map(|(name, track)| (name.clone(), Some(track.clone())))
            .collect(),
        outbox: fleet
            .outbox
            .iter()
            .map(|(id, entry)| (*id, Some(entry.clone())))
            .collect(),
        slots: Vec::new(),
        shares: Vec::new(),
        journal: Vec::new(),
        seen: Vec::new(),
        durable: false,
    }
}

/// The same, as a commit for which acts wait.
fn before_an_act(fleet: &Fleet) -> Changes {
    Changes {
        durable: true,
        ..everything(fleet)
    }
}

/// Where the first damaged state is moved to.
fn aside(dir: &Path) -> PathBuf {
    dir.canonicalize()
        .unwrap()
        .join(format!("state.db.corrupt-{}", WALL.stamp()))
}

/// Saves a fleet and closes the state.
fn save(dir: &Path, fleet: &Fleet) {
    let mut store = open(dir).into_store().unwrap();
    commit(&mut store, everything(fleet)).unwrap();
}

/// A small fleet of which every row says `counter`.
fn counted(counter: u64) -> Fleet {
    let mut fleet = Fleet::default();
    fleet.core.last_attempt = counter;
    fleet.profiles.insert(
        ProfileName::try_new("shop").unwrap(),
        ProfileTrack {
            failures: u32::try_from(counter).unwrap(),
            fingerprint: u64::MAX - counter,
            ..ProfileTrack::default()
        },
    );
    fleet.hosts.insert(
        HostName::try_new("web1").unwrap(),
        HostTrack {
            attempts: u32::try_from(counter).unwrap(),
            starts: vec![Timestamp(i64::try_from(counter).unwrap())],
            ..HostTrack::default()
        },
    );
    fleet
}

fn judged(failures: u32) -> (Timestamp, Happened) {
    let note = Happened::Judged {
        profile: ProfileName::try_new("shop").unwrap(),
        state: ProfileState::Down,
        failures,
        cause: Some(Cause::Refused),
        well: None,
    };
    (WALL, note)
}

/// The directory a test's other half works in, when this process is that half.
fn other_half() -> Option<std::path::PathBuf> {
    std::env::var_os("PROBE_TEST_STATE").map(Into::into)
}

/// This test binary, to run one test's other half in a process of its own; `wrapper` runs it.
fn half(wrapper: &[&str], test: &str, dir: &Path) -> Command {
    let program = std::env::current_exe().unwrap();
    let mut command = match wrapper {
        [] => Command::new(&program),
        [first, rest @ ..] => {
            let mut command = Command::new(first);
            command.args(rest).arg(&program);
            command
        }
    };
    command
        .args([test, "--exact", "--nocapture", "--test-threads=1"])
        .env("PROBE_TEST_STATE", dir);
    command
}

/// A line from the other half to this one.
fn say(line: &str) {
    use std::io::Write;
    let line = format!("{line}\n");
    std::io::stdout().write_all(line.as_bytes()).unwrap();
}

fn assert_passed(output: &Output) {
    assert!(
        output.status.success() && String::from_utf8_lossy(&output.stdout).contains("1 passed"),
        "{}\n{}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Sites of a host, some back and some not.
fn affected(rng: &mut fastrand::Rng) -> Vec<probe::model::Affected> {
    let site = |n: usize| probe::model::Affected {
        profile: probe::model::ProfileName::try_new(&format!("site-{n}")).unwrap(),
        state: probe::model::SiteState::Back,
        cause: Some(probe::model::Cause::Refused),
        since: probe::model::Timestamp(n as i64),
        until: (n > 0).then_some(probe::model::Timestamp(9)),
        unconfirmed: n == 1,
    };
    (0..rng.usize(0..3)).map(site).collect()
}
