//! One table: what is done to the host, what `probe` must find, what it must decide, and how it ends.
//!
//! By default the faults marked `daily` are played, one of each kind; `tests/run --all` has every one.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::scope;
use std::time::Instant;

use super::bench::Bench;
use super::watch::Watch;
use crate::ground::everything;

/// Hosts at the same time.
const HOSTS: usize = 3;

/// More time than any wait of ours between two attempts.
const LATER: u64 = 150;

/// A fault and everything that follows from it.
struct Case {
    /// Verbs of `ctl.sh`.
    fault: &'static str,
    /// Changes of the configuration, as [`Watch::begin`] takes them.
    change: &'static str,
    /// The cause of profile `a`, or its state when nothing is wrong with it.
    found: &'static str,
    /// Outcomes of attempts, the host's state, and the reason of a refusal, after one run.
    decision: &'static str,
    /// How often the restart command was really run by then.
    restarts: usize,
    /// What ends the fault.
    undo: &'static str,
    /// How often it was run when all is well again.
    in_all: usize,
    /// What people were told about the profile that was down first.
    told: &'static str,
    /// Played each time, not only when all are.
    daily: bool,
}

const fn case(
    fault: &'static str,
    found: &'static str,
    decision: &'static str,
    restarts: usize,
    undo: &'static str,
    in_all: usize,
    told: &'static str,
) -> Case {
    Case {
        fault,
        change: "",
        found,
        decision,
        restarts,
        undo,
        in_all,
        told,
        daily: false,
    }
}

impl Case {
    /// With time between the probes of a site that does not answer, so that a run finds an end.
    const fn patiently(self) -> Self {
        self.with("retry_interval: 300ms => retry_interval: 6s; failure_threshold: 3 => failure_threshold: 2")
    }

    const fn daily(self) -> Self {
        Self {
            daily: true,
            ..self
        }
    }

    const fn with(self, change: &'static str) -> Self {
        Self { change, ..self }
    }
}

#[rustfmt::skip]
const CASES: &[Case] = &[
    // -- web server ---------------------------------------------------------------------------------------------------
    case("stop", "up", "succeeded idle", 1, "", 1, "down restarted up").daily(),
    case("crash", "up", "succeeded idle", 1, "", 1, "down restarted up").daily(),
    case("freeze", "up", "succeeded idle", 1, "", 1, "down restarted up"),
    case("breakconf", "up", "idle", 0, "fixconf", 0, ""),
    case("breakconf; stop", "refused", "holding config_broken", 0, "fixconf", 1, "down restarted up").daily(),
    case("monitstop; err500 20", "up", "idle", 0, "", 0, ""),
    case("monitstop; app500", "server_error", "succeeded holding backoff", 1, "unapp500", 1, "down restarted up").daily(),
    case("monitstop; maint", "maintenance", "idle", 0, "unmaint", 0, ""),
    case("restart-delay 3; stop", "up", "succeeded idle", 1, "", 1, "down restarted up"),
    case("restart-delay 4; stop", "up", "timed_out idle", 1, "", 1, "down restarted up").with("timeout: 20s => timeout: 2s; settle: 1s => settle: 4s"),
    case("restart-fail 1; stop", "refused", "failed holding backoff", 1, "restart-ok", 2, "down restarted restarted up"),
    case("restart-fail 1; stop", "refused", "failed gave_up gave_up", 1, "start", 1, "down restarted gave_up back").with("timeout: 20s => timeout: 20s\n      give_up_after: 1"),
    case("disable", "refused", "holding disabled", 0, "unmask", 1, "down restarted up").daily(),
    case("mask", "refused", "holding disabled", 0, "unmask", 1, "down restarted up"),
    case("startlimit", "refused", "holding start_limit", 0, "resetfailed", 1, "down restarted up"),
    // -- host ---------------------------------------------------------------------------------------------------------
    case("cpu 30", "up", "idle", 0, "cpu 0", 0, ""),
    case("reboot", "up", "idle", 0, "", 0, "").with("retry_interval: 300ms => retry_interval: 2s; failure_threshold: 3 => failure_threshold: 6"),
    case("slowboot; reboot; sshwait", "refused", "holding host_booting", 0, "booted", 0, "down up").daily(),
    case("diskfull; stop", "refused", "holding disk_full", 0, "diskfree", 1, "down restarted up").daily(),
    case("memhog; stop", "refused", "holding memory_short", 0, "memfree", 1, "down restarted up").with("    restart: =>     guards: {memory_available: 12%}\n    restart:").daily(),
    case("forkbomb 12; stop", "refused", "holding processes_full", 0, "forkfree", 1, "down restarted up"),
    case("forkbomb 0; stop", "refused", "holding ssh_unreachable", 0, "forkfree", 1, "down restarted up").daily(),
    // -- network between us ---------------------------------------------------------------------------------------------
    case("drop 80 443 22", "host_unreachable", "holding cause_excluded", 0, "nofw", 0, "down up").patiently().daily(),
    case("drop 80 443", "connect_timeout", "holding between_us", 0, "nofw", 0, "down up").patiently(),
    case("nocurl; drop 80 443", "connect_timeout", "holding between_us", 0, "nofw", 0, "down up").patiently(),
    // The other site answers, and that holds before what the look says.
    case("drop 80", "connect_timeout", "holding not_enough_down", 0, "nofw", 0, "down up").patiently(),
    case("reject 80 443", "refused", "holding between_us", 0, "nofw", 0, "down up").daily(),
    case("mute 80 443", "response_timeout", "holding between_us", 0, "nofw", 0, "down up").patiently(),
    case("unreach 80", "unreachable", "holding cause_excluded", 0, "nofw", 0, "down up"),
    case("loss 0.05", "up", "idle", 0, "nofw", 0, "").with("  timeout: 2s =>   timeout: 5s"),
    case("webdown", "host_unreachable", "holding cause_excluded", 0, "webup", 0, "down up").patiently(),
    case("mondown", "unknown", "idle", 0, "monup", 0, "blind").daily(),
    case("v6break", "family_down", "idle", 0, "v6fix", 0, "").with("addresses: [10.77.0.2] => addresses: all"),
    // -- the way in -----------------------------------------------------------------------------------------------------
    case("drop 22; stop", "refused", "holding ssh_unreachable", 0, "nofw", 1, "down restarted up").daily(),
    case("sshstop; stop", "refused", "holding ssh_unreachable", 0, "sshstart", 1, "down restarted up"),
    case("sshfreeze; stop", "refused", "holding ssh_unreachable", 0, "sshthaw", 1, "down restarted up"),
    case("newhostkey; stop", "refused", "holding login_refused", 0, "start", 0, "down up").daily(),
    case("stop", "refused", "failed holding backoff", 0, "start", 0, "down restarted up").with("ops@ => badsudo@; keys/ops => keys/badsudo"),
    case("stop", "refused", "holding login_refused", 0, "start", 0, "down up").with("ops@ => stranger@; keys/ops => keys/stranger"),
];

#[test]
fn every_fault_gets_its_decision() {
    let cases: Vec<&Case> = CASES
        .iter()
        .filter(|case| match std::env::var("PROBE_FAULT") {
            Ok(part) => case.fault.contains(&part),
            Err(_) => case.daily || everything(),
        })
        .collect();
    println!("{} of {} faults", cases.len(), CASES.len());
    let next = AtomicUsize::new(0);
    let faults = Mutex::new(Vec::new());
    scope(|scope| {
        for _ in 0..HOSTS {
            scope.spawn(|| {
                let bench = Bench::borrow();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(case) = cases.get(number) else {
                        return;
                    };
                    let begun = Instant::now();
                    let ended = catch_unwind(AssertUnwindSafe(|| run(&bench, number, case)));
                    println!("{:5.1} s  {}", begun.elapsed().as_secs_f32(), case.fault);
                    if let Err(panic) = ended {
                        let words = panic.downcast_ref::<String>().cloned();
                        let words = words.unwrap_or_else(|| "a panic without words".to_owned());
                        faults
                            .lock()
                            .unwrap()
                            .push(format!("{}: {words}", case.fault));
                    }
                }
            });
        }
    });
    let faults = faults.into_inner().unwrap();
    assert!(
        faults.is_empty(),
        "{} of {} went wrong\n\n{}",
        faults.len(),
        cases.len(),
        faults.join("\n\n")
    );
}

fn run(bench: &Bench, number: usize, case: &Case) {
    bench.ctl("heal");
    let mut watch = Watch::begin(bench, &format!("case-{number}"), case.change);
    let before = watch.once();
    assert_eq!(
        (before.code, before.decision().as_str()),
        (Some(0), "idle"),
        "before{}",
        watch.story()
    );

    bench.ctl(case.fault);
    watch.pass(60);
    let cycle = watch.once();
    let found = (cycle.found().to_owned(), cycle.decision(), bench.restarts());
    let expected = (
        case.found.to_owned(),
        case.decision.to_owned(),
        case.restarts,
    );
    assert_eq!(found, expected, "{}", watch.story());

    if !case.undo.is_empty() {
        bench.ctl(case.undo);
    }
    let mut left = 6;
    loop {
        watch.pass(LATER);
        let cycle = watch.once();
        if cycle.code == Some(0) && cycle.decision() == "idle" {
            break;
        }
        left -= 1;
        assert!(
            left > 0,
            "not well again: {} {}{}",
            cycle.found(),
            cycle.decision(),
            watch.story()
        );
    }
    bench.ctl("answers");
    let end = (bench.restarts(), watch.told().join(" "));
    assert_eq!(
        end,
        (case.in_all, case.told.to_owned()),
        "at the end{}",
        watch.story()
    );
}
