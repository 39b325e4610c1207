//! Killed at any moment, and then the files of the state are not as they were left: a bit is flipped, a file is cut short,
//! removed or put back from a copy. The restart does not help and the budget allows one an hour, so a state that forgets it
//! restarts the host a second time. It never does; what was forgotten is told, and after its pause the host is healed.
//!
//! `PROBE_ROLLED=SEED` plays one round again; `tests/run --all` plays 500.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{scope, sleep};
use std::time::Duration;

use super::stage::Stage;
use crate::ground::{everything, run};
use crate::post::as_root;

const STAGES: u64 = 4;

/// What becomes of a state.
#[derive(Debug, Clone, Copy)]
enum Harm {
    Nothing,
    Flip(&'static str),
    Cut(&'static str),
    Remove(&'static str),
    Garbage(&'static str),
    /// The database as it was before the outage.
    Restore,
}

const HARMS: [Harm; 13] = [
    Harm::Nothing,
    Harm::Flip("state.db-wal"),
    Harm::Flip("state.db-wal"),
    Harm::Flip("state.db"),
    Harm::Flip("state.commit"),
    Harm::Cut("state.db-wal"),
    Harm::Cut("state.db"),
    Harm::Cut("state.commit"),
    Harm::Remove("state.db-wal"),
    Harm::Remove("state.db"),
    Harm::Remove("state.commit"),
    Harm::Garbage("state.commit"),
    Harm::Restore,
];

impl Harm {
    /// Does it to the files in `state`; those that are not there cannot be harmed.
    fn befall(self, state: &Path, known: &Path, rng: &mut fastrand::Rng) {
        let change = |name: &str, change: &mut dyn FnMut(&mut Vec<u8>)| {
            let path = state.join(name);
            let Ok(mut bytes) = fs::read(&path) else {
                return;
            };
            if !bytes.is_empty() {
                change(&mut bytes);
                fs::write(&path, bytes).unwrap();
            }
        };
        match self {
            Self::Nothing => {}
            Self::Flip(name) => change(name, &mut |bytes| {
                let place = rng.usize(..bytes.len());
                bytes[place] ^= 1 << rng.u8(..8);
            }),
            Self::Cut(name) => change(name, &mut |bytes| bytes.truncate(rng.usize(..bytes.len()))),
            Self::Garbage(name) => change(name, &mut |bytes| {
                bytes.iter_mut().for_each(|byte| *byte = rng.u8(..));
            }),
            Self::Remove(name) => _ = fs::remove_file(state.join(name)),
            Self::Restore => {
                let _ = fs::remove_file(state.join("state.db-wal"));
                fs::copy(known.join("state.db"), state.join("state.db")).unwrap();
            }
        }
    }
}

#[test]
fn what_was_done_is_not_forgotten() {
    let again = std::env::var("PROBE_ROLLED").ok();
    let again: Option<u64> = again.map(|seed| seed.parse().unwrap());
    let rounds = if everything() { 500 } else { 26 };
    let (from, to) = again.map_or((0, rounds), |seed| (seed, seed + 1));
    let (next, lost) = (AtomicU64::new(from), AtomicU64::new(0));
    scope(|scope| {
        for _ in 0..STAGES {
            scope.spawn(|| {
                let mut stage = Stage::set();
                let known = stage.known();
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= to {
                        return;
                    }
                    lost.fetch_add(outage(&mut stage, &known, seed), Ordering::Relaxed);
                }
            });
        }
    });
    let lost = lost.into_inner();
    println!("{} rounds, {lost} states were found damaged", to - from);
    assert!(again.is_some() || lost > rounds / 8, "{lost}");
}

/// One outage: killed and harmed up to three times; says how many states were found damaged.
fn outage(stage: &mut Stage, known: &Path, seed: u64) -> u64 {
    let mut rng = fastrand::Rng::with_seed(seed);
    let name = format!("rolled-{seed}");
    stage.begin(&name, Some(known));
    stage.allow(1);
    let before = stage.restarts();
    stage.stop_for_good();
    let mut told = format!("PROBE_ROLLED={seed}:");
    for round in 0..rng.u64(1..=3) {
        let lives = Duration::from_millis(rng.u64(100..2500));
        if rng.bool() {
            killed(stage, lives);
            told.push_str(&format!(" killed after {lives:?},"));
        } else {
            stage.once(&[]);
            told.push_str(" ended,");
        }
        // What the run started ends by itself: a restart whose client was let go.
        sleep(Duration::from_millis(50));
        let harm = HARMS[(seed as usize + 5 * round as usize) % HARMS.len()];
        told.push_str(&format!(" {harm:?};"));
        harm.befall(&stage.state(), known, &mut rng);
        stage.pass(60);
    }
    for _ in 0..3 {
        let code = stage.once(&[]);
        assert!(
            matches!(code, Some(2 | 3)),
            "{told} {code:?}{}",
            stage.story()
        );
        stage.pass(300);
    }
    let made = stage.restarts() - before;
    assert!(made <= 1, "{told} {made} restarts{}", stage.story());

    // The pause of a damaged state is over, and the budget's window: what is still down is healed.
    stage.helps_next();
    stage.pass(3700);
    let mut code = None;
    for _ in 0..6 {
        code = stage.once(&[]);
        if code == Some(0) {
            break;
        }
        stage.pass(60);
    }
    assert_eq!(code, Some(0), "{told}{}", stage.story());
    assert_eq!(
        stage.restarts(),
        before + made + 1,
        "{told}{}",
        stage.story()
    );
    let lost = stage
        .letters()
        .iter()
        .filter(|letter| letter.event() == "damaged")
        .count();
    run(Command::new("rm").arg("-r").arg(stage.state()));
    lost as u64
}

/// A run that is killed when it has lived so long.
fn killed(stage: &Stage, lives: Duration) {
    let words = ["once", "-q", "--max-time", "20s", "shop"];
    let mut child = stage.command(&[], &words).spawn().unwrap();
    sleep(lives);
    // Every wrapper has become it.
    let _ = as_root("kill")
        .args(["-KILL", &child.id().to_string()])
        .output();
    child.wait().unwrap();
}
