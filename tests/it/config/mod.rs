//! The configuration as people write it: what is accepted, and the exact words for what is not.
//!
//! `good/*.yaml` load without a fault, with the warnings of `NAME.txt` beside them if there is one. `bad/*.yaml`, and
//! directories below `bad/`, are refused with exactly the lines of `bad/NAME.txt`. `BLESS=1` writes the texts anew, to
//! be read before they are committed.

mod cases;
mod files;
mod limits;
mod opened;
mod readme;
mod roundtrip;
mod schema;
mod values;

use std::path::{Path, PathBuf};

use probe::app::named;
use probe::config::{Loaded, load, load_opening};

/// Where the cases lie, below the package's directory, which is the working directory of every test.
const CASES: &str = "tests/it/config";

/// Writes `text` into `name` of a fresh directory and loads it; the directory is replaced by nothing in what is told.
fn told(text: &str) -> Result<Loaded, String> {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("probes.yaml");
    std::fs::write(&file, text).unwrap();
    load_told(&file, dir.path())
}

/// Loads `path`; faults as text, without the directory `base`.
fn load_told(path: &Path, base: &Path) -> Result<Loaded, String> {
    load(path).map_err(|faults| strip(&faults.to_string(), base))
}

/// The same, with a look into what it names, as `probe check` does.
fn load_opened(path: &Path, base: &Path) -> Result<Loaded, String> {
    load_opening(path, &named::open).map_err(|faults| strip(&faults.to_string(), base))
}

fn strip(text: &str, base: &Path) -> String {
    let here = std::env::current_dir().unwrap();
    text.replace(&format!("{}/", here.join(base).display()), "")
        .replace(&format!("{}/", base.display()), "")
}

/// The entries of a directory, sorted.
fn entries(dir: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths
}
