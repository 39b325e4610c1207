//! User instructions per HTTP probe, counted by callgrind: repeatable, so this one ends with a failure when it is over.
//!
//! This program probes 64 profiles N and 3N times under valgrind, on one thread, against a server outside of it; the
//! difference over 2N rounds is what a probe costs, without what starting costs. Rows are kept in memory.

use std::path::Path;
use std::process::Command;

use super::whole::Whole;
use super::world::{TRUST, World, ourselves, targets};

/// User instructions that one HTTP probe may take.
const LIMIT: u64 = 130_000;

/// Profiles probed in a round.
const PROFILES: usize = 64;

/// Rounds of the shorter run.
const ROUNDS: u64 = 6;

/// What is counted: so many rounds.
pub(crate) fn rounds(rounds: usize, dir: &Path) -> bool {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let mut whole = Whole::new("http", &targets(dir)["http"], PROFILES, false);
    runtime.expect("a runtime").block_on(async {
        for _ in 0..rounds {
            whole.round().await;
        }
    });
    true
}

fn counted(world: &World, rounds: u64) -> u64 {
    let dir = world.dir.path();
    let out = dir.join(format!("callgrind.{rounds}"));
    let ended = Command::new("valgrind")
        .arg("--tool=callgrind")
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(ourselves())
        .args(["rounds", &rounds.to_string()])
        .arg(dir)
        .env(TRUST, dir.join("roots.pem"))
        .output()
        .expect("valgrind (Debian's package `valgrind`)");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{said}");
    let text = std::fs::read_to_string(&out).expect("what callgrind counted");
    if let Some(keep) = std::env::var_os("CALLGRIND_OUT") {
        std::fs::copy(&out, keep).expect("a copy");
    }
    text.lines()
        .find_map(|line| line.strip_prefix("totals:")?.trim().parse().ok())
        .expect("a total")
}

/// Counts, prints, and says whether the limit holds.
pub(crate) fn check() -> bool {
    let world = World::begin();
    let (short, long) = (counted(&world, ROUNDS), counted(&world, 3 * ROUNDS));
    let each = (long - short) / (2 * ROUNDS * PROFILES as u64);
    let met = each <= LIMIT;
    let said = if met { "within" } else { "OVER" };
    println!("user instructions per HTTP probe: {each}, {said} the limit of {LIMIT}");
    met
}
