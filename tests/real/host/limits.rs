//! Restart after restart, on a host whose systemd refuses the fifth start within ten seconds.

use std::thread::sleep;
use std::time::Duration;

use super::bench::Bench;
use super::watch::Watch;

/// The prober's clock goes so much faster than the host's: what stays below systemd's limit here does so the more in truth.
const FASTER: u64 = 6;

fn result(bench: &Bench) -> String {
    let show = ["systemctl", "show", "-P", "Result", "nginx"];
    bench.on_host(&show).1.trim().to_owned()
}

/// What seven restarts in a row do to a healthy server on this host: the limit is there.
#[test]
fn seven_quick_restarts_stop_a_healthy_server() {
    let bench = Bench::borrow();
    bench.ctl("startlimit");
    assert_eq!(result(&bench), "start-limit-hit");
    assert!(!bench.answers());
}

#[test]
fn seven_restarts_never_reach_the_start_limit() {
    let bench = Bench::borrow();
    let change = "timeout: 20s => timeout: 20s\n      budget: {restarts: 9, per: 1h}\n      give_up_after: 9";
    let mut watch = Watch::begin(&bench, "seven", change);
    assert_eq!(watch.once().decision(), "idle", "{}", watch.story());
    let mut cycles = 0;
    while bench.restarts() < 7 {
        // It dies as soon as it is up.
        if bench.answers() {
            bench.ctl("crash");
        }
        watch.once();
        assert_ne!(result(&bench), "start-limit-hit", "{}", watch.story());
        sleep(Duration::from_secs(1));
        watch.pass(FASTER - 1);
        cycles += 1;
        assert!(
            cycles < 120,
            "{} restarts{}",
            bench.restarts(),
            watch.story()
        );
    }
    assert!(bench.answers(), "{}", watch.story());
}
