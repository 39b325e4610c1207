//! Two healers on one host: Monit, which restarts on 5xx lines in the access log, and `probe`.

use std::process::Child;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::bench::Bench;
use super::watch::Watch;
use crate::ground::wait_for;

/// A daemon that ends with its test.
struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Some(pid) = rustix::process::Pid::from_raw(self.0.id().cast_signed()) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        let _ = self.0.wait();
    }
}

/// Who ran the restart command: `monit`, `ops`, in order.
fn healers(bench: &Bench) -> Vec<String> {
    let began = bench.ctl("began");
    let by = began.lines().filter_map(|line| line.split_once("by="));
    by.map(|(_, who)| who.trim().to_owned()).collect()
}

/// The application fails under a healthy server. What `probe` asks for is itself a 5xx line in the log: Monit restarts,
/// and `probe` sees that somebody does and stays away. When nginx is really gone, which Monit does not see, `probe` restarts.
#[test]
fn two_healers_do_not_fight() {
    let bench = Bench::borrow();
    let watch = Watch::begin(&bench, "two", "interval: 30s => interval: 2s");
    let daemon = Daemon(watch.command(&["run"]).spawn().unwrap());
    wait_for("probe calls all well", Duration::from_secs(20), || {
        watch.probe(&["status"]).0 == Some(0)
    });
    bench.ctl("app500");
    wait_for("Monit restarts", Duration::from_secs(60), || {
        healers(&bench).contains(&"monit".to_owned())
    });
    let deadline = Instant::now() + Duration::from_secs(30);
    while !watch.probe(&["why", "web1"]).1.contains("Two healers") {
        assert!(
            Instant::now() < deadline,
            "{:?}{}",
            healers(&bench),
            watch.story()
        );
        sleep(Duration::from_millis(200));
    }
    let by = healers(&bench);
    assert!(
        by.iter().all(|who| who == "monit"),
        "{by:?}{}",
        watch.story()
    );
    bench.ctl("unapp500");
    wait_for("all is well", Duration::from_secs(60), || {
        watch.probe(&["status"]).0 == Some(0)
    });
    drop(daemon);
    let by = healers(&bench);
    assert!(
        by.iter().all(|who| who == "monit"),
        "{by:?}{}",
        watch.story()
    );

    bench.ctl("stop");
    assert_eq!(
        watch.once().decision(),
        "succeeded idle",
        "{}",
        watch.story()
    );
    assert_eq!(healers(&bench)[by.len()..], ["ops"], "{}", watch.story());
}
