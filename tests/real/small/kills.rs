//! SIGKILL at the n-th call of every kind that changes something, for every n: `strace` sends it. By default for every
//! sixth n and the last; `tests/run --all` has every one.
//!
//! A run that finds the site stopped, looks at the host, restarts it and mails is cut off there; the runs that follow
//! bring the site back with one restart in all, the state knows of every restart that was made, every mail of the outage
//! arrives, and what arrives twice is the same message.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::scope;

use super::stage::Stage;
use crate::ground::{program, run, step, text};

/// Every call by which the program changes something outside itself, or makes or gives up a hold on it.
const CALLS: [&str; 19] = [
    "write",
    "pwrite64",
    "writev",
    "sendto",
    "sendmsg",
    "connect",
    "fsync",
    "fdatasync",
    "rename",
    "unlink",
    "ftruncate",
    "mkdir",
    "openat",
    "close",
    "flock",
    "execve",
    "clone3",
    "pipe2",
    "kill",
];

/// Outages at the same time.
const STAGES: usize = 4;

#[test]
fn killed_at_every_call() {
    let strace = program("strace", "strace");
    let mut first = Stage::set();
    let most = rehearse(&mut first, &strace.display().to_string());
    let last = |call: &str| most.get(call).copied().unwrap_or(0) + 1;
    let step = step(6);
    let tasks: Vec<(&str, usize)> = CALLS
        .iter()
        .flat_map(|call| {
            let before = (1..last(call)).step_by(step);
            before.chain([last(call)]).map(move |n| (*call, n))
        })
        .collect();
    let (next, hits) = (
        AtomicUsize::new(0),
        Mutex::new(BTreeMap::<&str, BTreeSet<usize>>::new()),
    );
    scope(|scope| {
        for _ in 0..STAGES {
            scope.spawn(|| {
                let mut stage = Stage::set();
                let known = stage.known();
                while let Some((call, nth)) = tasks.get(next.fetch_add(1, Ordering::Relaxed)) {
                    // The last one of a kind goes on until a run is not hit any more.
                    let last = *nth == last(call);
                    let mut nth = *nth;
                    while outage(&mut stage, &strace.display().to_string(), &known, call, nth) {
                        hits.lock().unwrap().entry(call).or_default().insert(nth);
                        if !last {
                            break;
                        }
                        nth += 1;
                    }
                }
            });
        }
    });
    let hits = hits.into_inner().unwrap();
    println!(
        "killed at {} calls: {:?}",
        hits.values().map(BTreeSet::len).sum::<usize>(),
        hits.iter()
            .map(|(call, hits)| (*call, hits.len()))
            .collect::<Vec<_>>()
    );
    for call in [
        "write", "pwrite64", "fsync", "connect", "execve", "clone3", "sendto",
    ] {
        assert!(hits.contains_key(call), "no {call} was ever hit");
    }
    assert!(
        hits.values().map(BTreeSet::len).sum::<usize>() > 100 / step,
        "{hits:?}"
    );
}

/// An outage that nobody disturbs: how often one thread makes each call.
fn rehearse(stage: &mut Stage, strace: &str) -> BTreeMap<String, usize> {
    let known = stage.known();
    stage.begin("rehearsal", Some(&known));
    stage.stop();
    let trace = stage.path("trace");
    let calls = format!("trace={}", CALLS.join(","));
    let wrapper = [
        strace,
        "-f",
        "-q",
        "-o",
        &trace.display().to_string(),
        "-e",
        &calls,
    ];
    assert_eq!(stage.once(&wrapper), Some(0), "{}", stage.story());
    assert_eq!(stage.restarts(), 1, "{}", stage.story());
    let mut counts = BTreeMap::<(String, String), usize>::new();
    for line in text(&trace).lines() {
        let mut words = line.splitn(2, ' ');
        let (Some(pid), Some(rest)) = (words.next(), words.next()) else {
            continue;
        };
        let call = rest.trim_start().split('(').next().unwrap_or("");
        *counts.entry((pid.to_owned(), call.to_owned())).or_default() += 1;
    }
    let mut most = BTreeMap::new();
    for ((_, call), count) in counts {
        let least = most.entry(call).or_insert(0);
        *least = count.max(*least);
    }
    most
}

/// One outage with a kill at the `nth` call in one thread; whether anything was hit.
fn outage(stage: &mut Stage, strace: &str, known: &Path, call: &str, nth: usize) -> bool {
    let told = format!("{call} {nth}");
    stage.begin(&format!("{call}-{nth}"), Some(known));
    let before = stage.restarts();
    stage.stop();
    let trace = stage.path("trace");
    let (only, kill) = (
        format!("trace={call}"),
        format!("inject={call}:signal=KILL:when={nth}"),
    );
    let wrapper = [
        strace,
        "-f",
        "-q",
        "-o",
        &trace.display().to_string(),
        "-e",
        &only,
        "-e",
        &kill,
    ];
    stage.once(&wrapper);
    let hit = text(&trace).contains("killed by SIGKILL");
    let made = stage.restarts() - before;
    assert!(made <= 1, "{told}: {}", stage.story());
    // Whatever was done is remembered.
    assert!(
        stage.remembered().unwrap_or(0) >= made as u64,
        "{told}: {}",
        stage.story()
    );
    stage.heal(&told);
    assert_eq!(stage.restarts(), before + 1, "{told}: {}", stage.story());
    run(Command::new("rm").arg("-r").arg(stage.state()));
    hit
}
