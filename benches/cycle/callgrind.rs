//! User instructions per HTTP probe, counted by callgrind: repeatable, so this one ends with a failure when it is over.
//!
//! This program probes 64 profiles round after round under valgrind, on one thread, against a server outside of it. A round
//! is a whole run of the loop: it starts, probes each profile once, judges, and commits every row, which are kept in memory.
//! What is counted is the difference of a long and a short series of rounds, without what the program's own start costs;
//! and of that is taken what the same rounds cost in which no profile is due, because a daemon starts once and not with
//! every 64th probe: reading 64 profiles in, and the loop's own beginning and end.

use std::path::Path;
use std::process::Command;

use super::whole::Whole;
use super::world::{TRUST, World, ourselves, targets};

/// What is aimed at. Not reached: what stands in the way is measured in `benches/RESULTS.md`.
const GOAL: u64 = 130_000;

/// User instructions that one HTTP probe may take: what was measured last and 3 %, so that what makes it dearer is seen.
const LIMIT: u64 = 163_500;

/// Profiles probed in a round.
const PROFILES: usize = 64;

/// Rounds of the shorter run.
const ROUNDS: u64 = 6;

/// What is counted: so many rounds, after one that warms up; with `idle` nothing is due in them.
pub(crate) fn rounds(rounds: usize, idle: bool, dir: &Path) -> bool {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let mut whole = Whole::new("http", &targets(dir)["http"], PROFILES, false);
    runtime.expect("a runtime").block_on(async {
        whole.round().await;
        for _ in 0..rounds {
            if idle {
                whole.idle_round().await;
            } else {
                whole.round().await;
            }
        }
    });
    true
}

fn counted(world: &World, kind: &str, rounds: u64) -> u64 {
    let dir = world.dir.path();
    let out = dir.join(format!("callgrind.{kind}.{rounds}"));
    let ended = Command::new("valgrind")
        .arg("--tool=callgrind")
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(ourselves())
        .args([kind, &rounds.to_string()])
        .arg(dir)
        .env(TRUST, dir.join("roots.pem"))
        .output()
        .expect("valgrind (Debian's package `valgrind`)");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{said}");
    let text = std::fs::read_to_string(&out).expect("what callgrind counted");
    if let Some(keep) = std::env::var_os("CALLGRIND_OUT") {
        let name = out.file_name().expect("a name");
        std::fs::copy(&out, Path::new(&keep).join(name)).expect("a copy");
    }
    text.lines()
        .find_map(|line| line.strip_prefix("totals:")?.trim().parse().ok())
        .expect("a total")
}

/// Counts, prints, and says whether the limit holds.
pub(crate) fn check() -> bool {
    let world = World::begin();
    let series = |kind| counted(&world, kind, 3 * ROUNDS) - counted(&world, kind, ROUNDS);
    let (probing, idle) = (series("rounds"), series("idle-rounds"));
    let probes = 2 * ROUNDS * PROFILES as u64;
    let (each, start) = ((probing - idle) / probes, idle / probes);
    let met = each <= LIMIT;
    let said = if met { "within" } else { "OVER" };
    println!(
        "user instructions per HTTP probe: {each}, {said} the limit of {LIMIT}; the goal is {GOAL} (the start of a run over \
         {PROFILES} profiles, {start} for each, is not in it)"
    );
    met
}
