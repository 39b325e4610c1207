//! The outage this program was made for: nginx is gone, Monit sees nothing, nobody is told.

use std::process::Stdio;
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::ground::{room, wait_for};
use crate::monit::Monit;
use crate::post::{Letter, Postfix, threads};
use crate::web::Web;
use crate::world::World;

/// A cycle of Monit is one second.
const CYCLES: usize = 10;

/// From the stop to the start of the restart at the latest, for the settings of these worlds: the interval (2 s), two
/// retries (1 s each), the third probe (1 s), a canary's answer (5 s), SSH's connect (10 s).
const HEAL_WITHIN: Duration = Duration::from_secs(20);

/// The rules are alive: Monit does restart when the log shows errors in two cycles running.
#[test]
fn errors_in_the_log_make_monit_restart() {
    let room = room();
    let web = Web::start(room.path());
    let monit = Monit::start(room.path(), &web);
    assert!(monit.check().contains("syntax OK"));
    wait_for("Monit restarts", Duration::from_secs(30), || {
        let _ = web.get("shop", "/broken");
        web.restarts() > 0
    });
    assert!(monit.log().contains("content match"), "{}", monit.log());
}

/// Stops nginx, gives Monit ten cycles, and sees that it called all well and did nothing.
fn stop_and_let_monit_look(world: &World, monit: &Monit) {
    let (log, restarts) = (monit.log(), world.web.restarts());
    world.web.stop();
    let cycles = world.web.cycles();
    wait_for("ten cycles of Monit", Duration::from_secs(60), || {
        world.web.cycles() >= cycles + CYCLES
    });
    assert!(monit.calls_all_well());
    assert_eq!(monit.log(), log, "Monit wrote something");
    assert_eq!(world.web.restarts(), restarts, "Monit restarted");
    assert!(!world.web.is_up("shop") && !world.web.is_up("blog"));
}

/// Every thread is whole, and in one of them people heard of the outage, the restart and the recovery.
fn assert_told(world: &World) {
    let threads = threads(&world.letters());
    assert!(
        threads.values().any(|letters| {
            letters.iter().map(Letter::event).collect::<Vec<_>>() == ["down", "restarted", "up"]
        }),
        "{}",
        world.story()
    );
}

#[test]
fn cron_heals_what_monit_does_not_see() {
    let world = World::start(Arc::new(Postfix::start()));
    let monit = Monit::start(world.folder(), &world.web);
    assert_eq!(world.cron(), (Some(0), String::new()), "{}", world.story());

    stop_and_let_monit_look(&world, &monit);
    let deadline = Instant::now() + Duration::from_secs(90);
    while !world.is_over() {
        let (code, _) = world.cron();
        assert!(matches!(code, Some(0..=2)), "{code:?} {}", world.story());
        assert!(Instant::now() < deadline, "not healed {}", world.story());
        sleep(Duration::from_secs(1));
    }
    assert!(world.is_up(), "{}", world.story());
    assert_eq!(world.web.restarts(), 1, "{}", world.story());
    assert_told(&world);

    let mails = world.letters().len();
    for _ in 0..3 {
        sleep(Duration::from_secs(2));
        assert_eq!(world.cron(), (Some(0), String::new()), "{}", world.story());
    }
    assert_eq!(world.web.restarts(), 1, "{}", world.story());
    assert_eq!(world.letters().len(), mails, "{}", world.story());
}

#[test]
fn daemon_heals_in_time_and_ends_when_told() {
    let world = World::start(Arc::new(Postfix::start()));
    let monit = Monit::start(world.folder(), &world.web);
    let mut daemon = world
        .command(env!("CARGO_BIN_EXE_probe"))
        .args(world.arguments())
        .arg("run")
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let pid = rustix::process::Pid::from_child(&daemon);
    wait_for("probe calls all well", Duration::from_secs(20), || {
        world.probe(&["status"]).status.code() == Some(0)
    });
    let second = world.probe(&["once"]);
    assert_eq!(second.status.code(), Some(3), "{}", world.story());

    let log = monit.log();
    let stopped = Instant::now();
    world.web.stop();
    wait_for("the restart", HEAL_WITHIN, || world.web.restarts() > 0);
    println!("from stop to restart: {:.1?}", stopped.elapsed());
    wait_for("all is told", Duration::from_secs(30), || world.is_over());
    assert!(world.is_up(), "{}", world.story());
    assert_eq!(world.web.restarts(), 1, "{}", world.story());
    assert_eq!(monit.log(), log, "Monit wrote something");
    assert_told(&world);

    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let mut status = None;
    wait_for("the daemon ends", Duration::from_secs(20), || {
        status = daemon.try_wait().unwrap();
        status.is_some()
    });
    assert_eq!(
        status.and_then(|status| status.code()),
        Some(0),
        "{}",
        world.story()
    );
}
