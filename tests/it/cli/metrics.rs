//! `/metrics`: the page of a fixed world word for word, and what every page must keep to.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use probe::model::{
    Cause, Drill, Gauges, Happened, Hold, LAG_BOUNDS_MS, Lag, RecoveryOutcome, Standing, Timestamp,
    TlsVersion,
};
use probe::render::metrics::{Scene, page};

use super::fixture::{World, attempt, good, host, name, now, refused};
use super::worlds::{settling, well};

fn gauges() -> Gauges {
    let mut lag = Lag::default();
    for late in [0, 3, 40, 700] {
        lag.record(Duration::from_millis(late), now());
    }
    let mut gauges = Gauges {
        probes: 1_000,
        skipped: 2,
        lag,
        cpu: Duration::from_millis(2_500),
        commits: (12, 1),
        ..Gauges::default()
    };
    gauges.note(&Happened::RestartEnded {
        host: host("web1"),
        attempt: attempt(1, RecoveryOutcome::Succeeded),
        counts_from: None,
    });
    gauges.note(&Happened::Held {
        host: host("web1"),
        hold: Hold::NetworkDown,
        again: false,
        lasts: false,
    });
    for cause in [Cause::Refused, Cause::Refused, Cause::Monitor, Cause::Slow] {
        gauges.note(&Happened::Judged {
            profile: name("shop"),
            state: probe::model::ProfileState::Failing,
            failures: 1,
            cause: Some(cause),
            well: None,
        });
    }
    gauges
}

fn told(world: &World) -> String {
    page(&Scene {
        settings: &world.settings,
        fleet: &world.fleet,
        gauges: &gauges(),
        reloaded: true,
    })
}

/// One series: its name, its labels, its value.
type Series = (String, BTreeMap<String, String>, f64);

/// Reads a page and fails on whatever the format forbids.
#[track_caller]
pub(super) fn read(page: &str) -> Vec<Series> {
    assert!(page.ends_with('\n'));
    let (mut kinds, mut helps) = (BTreeMap::new(), BTreeSet::new());
    let (mut seen, mut ended) = (BTreeSet::new(), BTreeSet::new());
    let mut family = String::new();
    let mut series = Vec::new();
    for line in page.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap();
            assert!(!help.trim().is_empty(), "{line}");
            assert!(helps.insert(name.to_owned()), "HELP twice: {line}");
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert!(["gauge", "counter", "histogram"].contains(&kind), "{line}");
            assert!(helps.contains(name), "no HELP before {line}");
            assert!(kinds.insert(name.to_owned(), kind.to_owned()).is_none());
            assert!(ended.insert(std::mem::replace(&mut family, name.to_owned())));
            assert!(!ended.contains(&family), "not in one piece: {line}");
        } else {
            let (name, labels, value) = sample(line);
            let kind = kinds.get(&family).unwrap_or_else(|| panic!("{line}"));
            let base = if kind == "histogram" {
                ["_bucket", "_sum", "_count"]
                    .iter()
                    .find_map(|end| name.strip_suffix(end))
                    .unwrap_or_else(|| panic!("{line}"))
            } else {
                &name
            };
            assert_eq!(base, family, "a series outside of its family: {line}");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
            assert!(value.is_finite(), "{line}");
            assert!(seen.insert((name.clone(), labels.clone())), "twice: {line}");
            series.push((name, labels, value));
        }
    }
    series
}

fn is_name(text: &str) -> bool {
    let first = text.starts_with(|letter: char| letter.is_ascii_lowercase());
    let rest =
        |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
    first && text.chars().all(rest)
}

#[track_caller]
fn sample(line: &str) -> Series {
    let (head, value) = line.rsplit_once(' ').unwrap();
    let mut labels = BTreeMap::new();
    let name = match head.split_once('{') {
        None => head,
        Some((name, rest)) => {
            let mut rest = rest.strip_suffix('}').unwrap();
            while !rest.is_empty() {
                let (label, after) = rest.split_once("=\"").unwrap();
                assert!(is_name(label), "{line}");
                let (mut text, mut letters, mut closed) =
                    (String::new(), after.char_indices(), None);
                while let Some((at, letter)) = letters.next() {
                    match letter {
                        '\\' => match letters.next().unwrap().1 {
                            'n' => text.push('\n'),
                            other if matches!(other, '\\' | '"') => text.push(other),
                            other => panic!("`\\{other}` in {line}"),
                        },
                        '"' => {
                            closed = Some(at);
                            break;
                        }
                        other => text.push(other),
                    }
                }
                assert!(labels.insert(label.to_owned(), text).is_none(), "{line}");
                let after = &after[closed.unwrap() + 1..];
                rest = after.strip_prefix(',').unwrap_or(after);
            }
            name
        }
    };
    assert!(is_name(name), "{line}");
    (
        name.to_owned(),
        labels,
        value.parse().unwrap_or_else(|_| panic!("{line}")),
    )
}

/// The value of the one series of this name that has this label.
#[track_caller]
pub(super) fn value(series: &[Series], name: &str, label: Option<(&str, &str)>) -> f64 {
    let mut fitting = series.iter().filter(|(known, labels, _)| {
        known == name && label.is_none_or(|(key, text)| labels.get(key).is_some_and(|v| v == text))
    });
    let found = fitting
        .next()
        .unwrap_or_else(|| panic!("no {name} {label:?}"));
    assert!(fitting.next().is_none(), "several {name} {label:?}");
    found.2
}

#[test]
fn the_page_of_a_fixed_world() {
    let mut world = settling();
    world.fleet.core.network.answered = Some(now());
    let canary = "tcp://192.0.2.53:53".parse().unwrap();
    world.settings.network.canaries = vec![probe::model::Canary::Http(canary)];
    world.settings.profiles.remove(&name("blog"));
    let api = world.fleet.profile_mut(&name("api"));
    api.last[0].tls_version = Some(TlsVersion::Tls13);
    let told = told(&world);
    read(&told);
    let told = told.replace(env!("CARGO_PKG_VERSION"), "VERSION");
    let beside = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/it/cli/golden/metrics.txt"
    );
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(beside, &told).unwrap();
    }
    assert_eq!(told, std::fs::read_to_string(beside).unwrap());
}

#[test]
fn labels_are_escaped_and_no_series_stands_twice() {
    let mut world = well();
    let track = world.profile(
        "odd",
        None,
        Standing::Up,
        vec![
            good("https://odd.example.com/", "192.0.2.10:443"),
            refused("https://odd.example.com/", "192.0.2.11:443"),
            good("https://odd.example.com/", "192.0.2.12:443"),
        ],
    );
    let strange = "https://odd.example.com/\\n\"},x{a=\"\n# TYPE probe_success counter";
    track.last.push(good(strange, "192.0.2.13:443"));
    let series = read(&told(&world));
    let known = |url: &str| value(&series, "probe_success", Some(("url", url)));
    assert_eq!(known(strange), 1.0);
    assert_eq!(
        known("https://odd.example.com/"),
        0.0,
        "the one that failed"
    );
}

#[test]
fn what_is_not_known_is_left_out() {
    let mut world = World::new();
    world.profile(
        "new",
        None,
        Standing::New,
        vec![good("https://a.test/", "192.0.2.1:443")],
    );
    world.fleet.forget_profile(&name("new"));
    let page = page(&Scene {
        settings: &world.settings,
        fleet: &world.fleet,
        gauges: &Gauges::default(),
        reloaded: false,
    });
    let series = read(&page);
    assert!(!page.contains("# TYPE probe_"), "{page}");
    assert!(!page.contains("prober_cpu_seconds_per_probe") && !page.contains("canary"));
    let unknown = Some(("state", "unknown"));
    assert_eq!(value(&series, "prober_profile_state", unknown), 1.0);
    assert_eq!(
        value(&series, "prober_config_last_reload_successful", None),
        0.0
    );
}

#[test]
fn classes_of_lag_count_upwards() {
    let series = read(&told(&well()));
    let bucket = |le: &str| {
        value(
            &series,
            "prober_schedule_lag_seconds_bucket",
            Some(("le", le)),
        )
    };
    let mut last = 0.0;
    for bound in LAG_BOUNDS_MS {
        let count = bucket(&Duration::from_millis(bound).as_secs_f64().to_string());
        assert!(count >= last);
        last = count;
    }
    assert_eq!(
        (bucket("0.001"), bucket("0.005"), bucket("+Inf")),
        (1.0, 2.0, 4.0)
    );
    assert_eq!(
        value(&series, "prober_schedule_lag_seconds_count", None),
        4.0
    );
    assert_eq!(value(&series, "prober_schedule_lag_max_seconds", None), 0.7);
    assert!(now() > Timestamp(0));
}

#[test]
fn it_says_when_a_drill_last_went_well() {
    let mut world = well();
    let name = "prober_last_drill_success_timestamp_seconds";
    assert!(!told(&world).contains(name), "never rehearsed is no moment");
    let drill = |at, succeeded| Drill {
        at: Timestamp(at),
        well: false,
        succeeded,
    };
    let known = world.settings.hosts.keys().next().unwrap().to_string();
    let drills = &mut world.fleet.drills;
    let at = drill(9_000, Some(Timestamp(5_999)));
    drills.hosts.insert(known.clone(), at);
    drills.hosts.insert("gone".to_owned(), at);
    drills.mail = Some(drill(9_000, Some(Timestamp(7_000))));
    let page = told(&world);
    assert!(
        page.contains(&format!("{name}{{host=\"{known}\"}} 5\n")),
        "{page}"
    );
    assert!(
        page.contains(&format!("{name}{{drill=\"mail\"}} 7\n")),
        "{page}"
    );
    assert!(!page.contains("gone"), "a host that is configured no more");
    world.fleet.drills.mail = None;
    world.fleet.drills.hosts.insert(known, drill(9_000, None));
    assert!(!told(&world).contains(name), "it never went well");
}
