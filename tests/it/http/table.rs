//! The table of cases: what each one was told, for `tests/run` to print; and that no case is missing.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex};

use probe::model::{Cause, CheckOutcome, CheckResult, Phase};

use super::{assert_found, assert_ok, remarks};

/// The families of cases, and how many each has: of the web server, of TLS, of names and addresses.
const FAMILIES: &[(&str, u32)] = &[("w", 44), ("t", 16), ("d", 12)];

static TIMES: LazyLock<Mutex<BTreeMap<String, u32>>> = LazyLock::new(Mutex::default);

fn folder() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("faults")
}

/// Writes down what a case was told: `W08 | reset before headers | reset/first_byte/server | detail`.
pub(super) fn record(id: &str, what: &str, result: &CheckResult) {
    let (verdict, detail) = match &result.outcome {
        CheckOutcome::Ok => ("up".to_owned(), remarks(result).join("; ")),
        CheckOutcome::Found { cause, phase, .. } => {
            let phase = phase.map_or("-", Phase::word);
            let blame = serde_json::to_value(cause.blame()).unwrap();
            let blame = blame.as_str().unwrap_or_default();
            (format!("{cause}/{phase}/{blame}"), result.detail())
        }
    };
    line(id, what, &verdict, &detail);
}

/// [`record`] of a verdict that is known in words only.
pub(super) fn line(id: &str, what: &str, verdict: &str, detail: &str) {
    let id = id.to_uppercase();
    let mut times = TIMES.lock().unwrap();
    let count = times.entry(id.clone()).or_default();
    *count += 1;
    let name = match *count {
        1 => format!("{id}.txt"),
        more => format!("{id}-{more}.txt"),
    };
    fs::create_dir_all(folder()).unwrap();
    let line = format!("{id:<5} | {what:<44} | {verdict:<40} | {detail}\n");
    fs::write(folder().join(name), line).unwrap();
}

/// `w14b_length_and_chunks` as an id and words.
fn split(name: &str) -> (String, String) {
    let (id, what) = name.split_once('_').unwrap();
    (id.to_owned(), what.replace('_', " "))
}

/// The case found this, in this phase, in these words, at the address that was asked; and is written down.
#[track_caller]
pub(super) fn case(name: &str, result: &CheckResult, cause: Cause, phase: Phase, words: &str) {
    assert_found(result, cause, phase);
    assert!(result.detail().contains(words), "{words}: {result:?}");
    let asked = url::Url::parse(&result.url).unwrap();
    let asked = asked.socket_addrs(|| None).unwrap();
    let address = result.address.expect("the address is named");
    assert!(result.redirects > 0 || asked == [address], "{result:?}");
    let (id, what) = split(name);
    record(&id, &what, result);
}

/// The case is up, with this remark, or with none where it is empty; and is written down.
#[track_caller]
pub(super) fn up(name: &str, result: &CheckResult, remark: &str) {
    assert_ok(result);
    assert!(result.address.is_some(), "{result:?}");
    let remarks = remarks(result).join("; ");
    assert!(remarks.contains(remark), "{remark}: {result:?}");
    assert_eq!(remarks.is_empty(), remark.is_empty(), "{result:?}");
    let (id, what) = split(name);
    record(&id, &what, result);
}

#[test]
fn every_case_has_a_test() {
    let mut sources = String::new();
    collect(
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests")),
        &mut sources,
    );
    let missing: Vec<String> = FAMILIES
        .iter()
        .flat_map(|(family, count)| (1..=*count).map(move |n| format!("{family}{n:02}")))
        .filter(|id| {
            let test = regex::Regex::new(&format!(r"\b{id}[a-z]?_[a-z0-9_]+(\(\)|:)")).unwrap();
            !test.is_match(&sources)
        })
        .collect();
    assert!(missing.is_empty(), "cases without a test: {missing:?}");
}

fn collect(folder: &Path, sources: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, sources);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            sources.push_str(&fs::read_to_string(path).unwrap());
        }
    }
}
