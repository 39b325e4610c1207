//! Killed at every stage: `strace` sends SIGKILL at the n-th call of a kind, n = 1, 2, 3 … until a run is not hit any more.
//! By default at each fourth (n = 1, 5, 9 …); `tests/run --all` has every one.
//!
//! Whatever was cut off, the runs that follow, as from cron, bring the site back with exactly one restart, and every mail
//! of the outage arrives; one that arrives twice is the same message.

use std::fs;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::{panicking, scope, sleep};
use std::time::{Duration, Instant};

use crate::ground::{program, step, text};
use crate::post::{Letter, Postfix, threads};
use crate::web::SITES;
use crate::world::World;

/// No run makes more calls of one kind in one thread that matter here.
const MOST: u32 = 40;

/// Worlds at the same time for one kind of call: nearly all of the time is waiting.
const WORLDS: usize = 3;

/// Longest way back after a kill: the lost attempt's deadline (5 s and what SSH may take, 35 s), the least time between
/// two restarts (30 s), and the probes around them.
const BACK_WITHIN: Duration = Duration::from_secs(150);

/// A run that is hit, with the client it may leave behind; a run that is not needs some seconds.
const ENDS_WITHIN: Duration = Duration::from_secs(90);

#[test]
fn killed_before_a_write_is_durable() {
    kill_at_every("fsync,fdatasync", "write");
}

#[test]
fn killed_before_a_connection() {
    kill_at_every("connect", "connect");
}

/// Before the client is started, and when it was just started.
#[test]
fn killed_around_ssh() {
    for calls in ["pipe2", "pidfd_open"] {
        kill_at_every(calls, calls);
    }
}

/// Here it is the client that is killed, not the program.
#[test]
fn client_killed_before_it_begins() {
    kill_at_every("execve", "execve");
}

/// One world's failure is enough: the others stop after the outage they are in.
struct EndAll<'a>(&'a AtomicBool);

impl Drop for EndAll<'_> {
    fn drop(&mut self) {
        if panicking() {
            self.0.store(true, Ordering::Relaxed);
        }
    }
}

fn kill_at_every(calls: &str, name: &str) {
    let post = Arc::new(Postfix::start());
    let (next, done) = (AtomicU32::new(1), AtomicBool::new(false));
    let hits = AtomicU32::new(0);
    let step = step(4) as u32;
    scope(|scope| {
        for _ in 0..WORLDS {
            scope.spawn(|| {
                let _end = EndAll(&done);
                let mut world = World::start(Arc::clone(&post));
                while !done.load(Ordering::Relaxed) {
                    let nth = next.fetch_add(step, Ordering::Relaxed);
                    if nth > MOST {
                        return;
                    }
                    if one_outage(&mut world, calls, name, nth) {
                        hits.fetch_add(1, Ordering::Relaxed);
                    } else {
                        done.store(true, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let hits = hits.into_inner();
    println!("killed at {hits} calls of {calls}");
    assert!(hits > 0, "no call of {calls} was ever hit");
    assert!(
        done.into_inner() || hits >= MOST / step,
        "no run came through unharmed"
    );
}

/// One outage with a kill at the `nth` call; whether anything was hit.
fn one_outage(world: &mut World, calls: &str, name: &str, nth: u32) -> bool {
    world.forget(&format!("{name}-{nth}"));
    world.web.start_by_hand();
    let restarts = world.web.restarts();
    let told = format!("{calls} {nth}");
    assert_eq!(world.cron().0, Some(0), "{told}: {}", world.story());
    world.web.stop();

    let trace = world.folder().join(format!("trace-{nth}"));
    let strace = program("strace", "strace");
    let mut run = world
        .command(&strace.to_string_lossy())
        .args(["-f", "-q", "-o"])
        .arg(&trace)
        .args(["-e", &format!("trace={calls}")])
        .args(["-e", &format!("inject={calls}:signal=SIGKILL:when={nth}")])
        .arg(env!("CARGO_BIN_EXE_probe"))
        .args(world.arguments())
        // Named, so that they are due at once.
        .args(["once", "-q"])
        .args(SITES)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + ENDS_WITHIN;
    while run.try_wait().unwrap().is_none() {
        if Instant::now() >= deadline {
            let _ = run.kill();
            let _ = run.wait();
            panic!(
                "{told}: what a killed run left behind does not end: {:?}",
                world.left_behind()
            );
        }
        sleep(Duration::from_millis(50));
    }
    let hit = text(&trace).contains("killed by SIGKILL");

    let deadline = Instant::now() + BACK_WITHIN;
    while !world.is_over() {
        let (code, _) = world.cron();
        assert!(
            matches!(code, Some(0..=2)),
            "{told}: {code:?} {}",
            world.story()
        );
        assert!(
            Instant::now() < deadline,
            "{told}: not over {}",
            world.story()
        );
        sleep(Duration::from_millis(500));
    }
    assert_eq!(world.cron().0, Some(0), "{told}: {}", world.story());
    assert!(world.is_up(), "{told}: {}", world.story());
    assert_eq!(
        world.web.restarts(),
        restarts + 1,
        "{told}: {}",
        world.story()
    );
    assert!(
        threads(&world.letters())
            .values()
            .any(|thread| tells_of_restart(thread)),
        "{told}: {}",
        world.story()
    );
    let _ = fs::remove_file(trace);
    hit
}

/// By a mail of its own, or, where the site was back before anybody knew how the restart had ended, by the last one.
fn tells_of_restart(thread: &[Letter]) -> bool {
    thread.iter().any(|letter| {
        letter.event() == "restarted"
            || letter.event() == "up" && letter.header("Subject").contains("1 restart")
    })
}
