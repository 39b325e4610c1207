//! Whatever the file holds: no panic, no long wait, no endless list.

use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use probe::config::load;

use super::{CASES, load_told, told};

/// Processor time of this thread, whatever else the machine does. Generous for a debug build; a file that is not bounded
/// takes minutes or all memory.
const SOON: Duration = Duration::from_secs(10);

/// Measures the processor time that this thread has used since.
struct Stopwatch(Duration);

impl Stopwatch {
    fn now() -> Self {
        Self(Self::used())
    }

    fn used() -> Duration {
        let used = clock_gettime(ClockId::ThreadCPUTime);
        Duration::try_from(used).unwrap()
    }

    fn elapsed(&self) -> Duration {
        Self::used() - self.0
    }
}

#[test]
fn an_alias_bomb_ends_soon() {
    let begun = Stopwatch::now();
    let bomb = Path::new(CASES).join("bad/alias_bomb.yaml");
    assert!(load_told(&bomb, Path::new(CASES)).is_err());
    assert!(begun.elapsed() < SOON, "took {:?}", begun.elapsed());
}

#[test]
fn a_long_list_of_faults_is_cut() {
    let mut text = String::from("profiles:\n");
    for index in 0..1000 {
        writeln!(text, "  p{index}: {{urls: https://a.example.com/, zzz: 1}}").unwrap();
    }
    let faults = told(&text).unwrap_err();
    assert_eq!(faults.lines().count(), 201);
    assert!(faults.ends_with(": 800 more after this one"), "{faults}");
}

#[test]
fn a_fault_in_defaults_is_told_once() {
    let mut text = String::from("defaults: {interval: 60}\nprofiles:\n");
    for index in 0..100 {
        writeln!(text, "  p{index}: {{urls: https://a.example.com/}}").unwrap();
    }
    assert_eq!(
        told(&text).unwrap_err(),
        "probes.yaml:1:22: defaults.interval: a bare number; write `60s`"
    );
}

#[test]
fn ten_thousand_profiles_are_fine() {
    let mut text = String::from("defaults: &d {interval: 5m}\nprofiles:\n");
    for index in 0..10_000 {
        writeln!(
            text,
            "  p{index}: {{<<: *d, urls: [\"https://a.example.com/{index}\"], expect: {{contains: x}}}}"
        )
        .unwrap();
    }
    assert_eq!(told(&text).unwrap().settings.profiles.len(), 10_000);
}

#[test]
fn a_file_that_is_too_long_is_not_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("probes.yaml");
    std::fs::write(&path, "#".repeat(8 * 1024 * 1024 + 1)).unwrap();
    assert_eq!(
        load_told(&path, dir.path()).unwrap_err(),
        "probes.yaml: longer than 8MiB; split it and name the directory with `--config`"
    );
}

/// Bytes of the example changed, dropped, doubled, swapped for others that mean something in YAML.
#[test]
fn damaged_files_end_in_faults_or_settings() {
    let whole = std::fs::read("probes.yaml").unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("probes.yaml");
    let begun = Stopwatch::now();
    let mut random = fastrand::Rng::with_seed(0x70726f62);
    let (mut good, mut bad) = (0, 0);
    for round in 0..2000 {
        let mut bytes = whole.clone();
        for _ in 0..random.usize(1..6) {
            let at = random.usize(0..bytes.len());
            match random.u8(0..5) {
                0 => bytes[at] = random.u8(..),
                1 => drop(bytes.remove(at)),
                2 => bytes.insert(
                    at,
                    b":{}[]&*!|>'\"%@`#-?,~\n\t \x00\xff<"[random.usize(0..26)],
                ),
                3 => {
                    let end = (at + random.usize(1..60)).min(bytes.len());
                    let piece = bytes[at..end].to_vec();
                    let to = random.usize(0..bytes.len());
                    drop(bytes.splice(to..to, piece));
                }
                _ => {
                    let end = (at + random.usize(1..60)).min(bytes.len());
                    drop(bytes.drain(at..end));
                }
            }
        }
        std::fs::write(&path, &bytes).unwrap();
        let one = Stopwatch::now();
        match load(&path) {
            Ok(_) => good += 1,
            Err(faults) => {
                bad += 1;
                assert!(!faults.faults.is_empty());
                let text = faults.to_string();
                let odd = text.chars().find(|c| c.is_control() && *c != '\n');
                assert_eq!(odd, None, "round {round}: {text:?}");
                assert_eq!(
                    text.lines().count(),
                    faults.faults.len(),
                    "round {round}: {text:?}"
                );
            }
        }
        assert!(
            one.elapsed() < SOON,
            "round {round} took {:?}",
            one.elapsed()
        );
    }
    assert!(
        good > 100 && bad > 100,
        "{good} good, {bad} bad in {:?}",
        begun.elapsed()
    );
}

#[test]
fn a_file_of_nothing_but_faults_ends_soon() {
    let begun = Stopwatch::now();
    let text: String = (0..30_000).fold(String::new(), |mut text, index| {
        writeln!(text, "k{index}: 1").unwrap();
        text
    });
    let faults = told(&text).unwrap_err();
    assert_eq!(faults.lines().count(), 201);
    assert!(faults.contains("more after this one"), "{faults}");
    assert!(begun.elapsed() < SOON, "took {:?}", begun.elapsed());
}

#[test]
fn a_byte_order_mark_and_dos_line_ends_are_fine() {
    let text = "\u{feff}profiles:\r\n  a:\r\n    urls: [https://a.example.com/]\r\n";
    assert_eq!(told(text).unwrap().settings.profiles.len(), 1);
}

/// Texts that make careless parsers slow: long, deep, or full of beginnings without an end.
#[test]
fn strange_files_end_soon() {
    let pieces = [
        "a", "- ", "[", "{", "? ", "&a ", "*a ", "'", "\"", "a: ", "!x ", "|\n", "\n", " ", "#",
        "{a: ", "[[],", "- [", "\t", "%", "--- ", "a:\n", "\u{85}", "💩", "<<: ", "&a [", "\\",
    ];
    for piece in pieces {
        let text = piece.repeat(200_000 / piece.len());
        let begun = Stopwatch::now();
        let answer = told(&text);
        assert!(answer.is_err(), "{piece:?} was accepted");
        assert!(
            begun.elapsed() < SOON,
            "{piece:?} took {:?}",
            begun.elapsed()
        );
    }
}
