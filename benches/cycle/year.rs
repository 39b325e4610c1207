//! `probe replay` and `--suggest` over a recorded year of a hundred profiles on twenty hosts.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use probe::model::{
    AttemptId, Backoff, Budget, Cause, CheckOutcome, CheckResult, Finding, Guards, Host, HostName,
    Mode, Profile, ProfileName, RecoveryOutcome, RecoveryReport, Restart, Rung, Seen, Settings,
    Timestamp, When,
};
use probe::replay::{Record, replay, suggest};

use super::whole;

/// Goal of one replay, and of `--suggest`.
const GOAL: Duration = Duration::from_secs(10);

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;

fn fleet() -> Settings {
    let profiles = (0..100).map(|n| {
        let mut profile = whole::profile(&format!("site-{n:03}"), "http://192.0.2.1/");
        profile.host = HostName::try_new(&format!("web{}", n % 20)).ok();
        profile.failure_threshold = 3;
        profile.success_threshold = 2;
        profile
    });
    let mut settings = Settings::clone(&whole::settings(profiles));
    let host = |n: usize| {
        let name = HostName::try_new(&format!("web{n}")).expect("a name");
        let host = Host {
            name: name.clone(),
            ssh: "probe@192.0.2.1".to_owned(),
            identity_file: None,
            operator_ssh: None,
            known_hosts_file: None,
            agent: false,
            diagnose: false,
            guards: Guards::by_default(),
            restart: Restart {
                commands: vec![Rung::Remote("restart".to_owned())],
                allow_reboot: false,
                timeout: Duration::from_secs(120),
                settle: Duration::from_secs(45),
                backoff: Backoff {
                    initial: Duration::from_secs(60),
                    factor: 2.0,
                    max: Duration::from_secs(1800),
                },
                budget: Budget {
                    restarts: 3,
                    per: Duration::from_secs(3600),
                },
                give_up_after: 3,
                causes: vec![Cause::Refused],
                when: When::Any,
                mode: Mode::Auto,
            },
            fingerprint: 1,
        };
        (name, Arc::new(host))
    };
    settings.hosts = (0..20).map(host).collect::<BTreeMap<_, _>>();
    settings
}

/// Every host stops once a month and is restarted; every site fails twice a week for one probe.
fn year(settings: &Settings) -> Vec<(Timestamp, Seen)> {
    let mut rows = Vec::new();
    let mut put = |name: &ProfileName, profile: &Profile, at: i64, ok: bool| {
        let outcome = match ok {
            true => CheckOutcome::Ok,
            false => CheckOutcome::found(Cause::Refused, Finding::default()),
        };
        let checks = profile.urls.iter();
        let checks = checks.map(|url| CheckResult::new(url.as_str(), outcome.clone()));
        let seen = Seen::Probed {
            profile: name.clone(),
            began: Timestamp(at),
            never: false,
            checks: checks.collect(),
        };
        rows.push((Timestamp(at + 20), seen));
    };
    for (n, (name, profile)) in settings.profiles.iter().enumerate() {
        let n = i64::try_from(n).expect("small");
        for day in 0..365 {
            let at = day * DAY + n * 7 * MINUTE;
            if (day + n) % 7 < 2 {
                put(name, profile, at, false);
                put(name, profile, at + 10_000, true);
            }
            if (day + n % 20) % 30 == 0 {
                let at = day * DAY + 20 * 60 * MINUTE + n % 20 * 3 * MINUTE;
                for turn in 0..3 {
                    put(name, profile, at + turn * 10_000, false);
                }
                for turn in 3..5 {
                    put(name, profile, at + turn * 10_000, true);
                }
            }
        }
    }
    for day in 0..365 {
        for n in 0..20_i64 {
            if (day + n) % 30 == 0 {
                let at = day * DAY + 20 * 60 * MINUTE + n * 3 * MINUTE + 23_000;
                let report = RecoveryReport {
                    outcome: RecoveryOutcome::Succeeded,
                    exit_status: Some(0),
                    duration: Duration::from_secs(3),
                    reason: None,
                    output: String::new(),
                    config_broken: false,
                };
                let seen = Seen::Recovered {
                    host: HostName::try_new(&format!("web{n}")).expect("a name"),
                    attempt: AttemptId(1),
                    report,
                };
                rows.push((Timestamp(at), seen));
            }
        }
    }
    rows.sort_by_key(|(at, _)| *at);
    rows
}

pub(crate) fn measure() -> bool {
    let settings = fleet();
    let rows = year(&settings);
    let count = rows.len();
    let host_of = |name: &ProfileName| settings.profiles.get(name)?.host.clone();
    let record = Record::new(rows, Timestamp(366 * DAY), host_of);
    let begun = Instant::now();
    let replayed = replay(&settings, &record);
    let once = begun.elapsed();
    let begun = Instant::now();
    let trials = suggest(&settings, &record, &[]);
    let all = begun.elapsed();
    println!(
        "a year of 100 profiles, {count} rows: {} incidents, {} restarts; replayed in {once:.1?}, {} trials in {all:.1?} (goal {GOAL:?} each)",
        replayed.incidents.len(),
        replayed.restarts.len(),
        trials.len(),
    );
    once <= GOAL && all <= GOAL
}
