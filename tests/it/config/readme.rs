//! What the README shows must be true: its configuration loads, what it links to is there, the tests it names exist.

use std::path::Path;

use probe::config;

fn readme() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap()
}

#[test]
fn its_configuration_loads() {
    let text = readme();
    let (_, rest) = text.split_once("```yaml\n").unwrap();
    let (yaml, _) = rest.split_once("```").unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("probes.yaml");
    std::fs::write(&path, yaml).unwrap();
    let loaded = config::load(&path).unwrap_or_else(|faults| panic!("{faults}"));
    super::cases::only_placeholders(&loaded);
}

#[test]
fn what_it_links_to_is_there() {
    let text = readme();
    let mut links = 0;
    for part in text.split("](").skip(1) {
        let (target, _) = part.split_once(')').unwrap();
        if target.contains("://") {
            continue;
        }
        links += 1;
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(target);
        assert!(path.exists(), "{target} is not there");
    }
    assert!(links > 5);
}

#[test]
fn the_tests_it_names_exist() {
    let mut sources = String::new();
    collect(
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests")),
        &mut sources,
    );
    let text = readme();
    let (_, promises) = text.split_once("## What it promises").unwrap();
    let (promises, _) = promises.split_once("\n## ").unwrap();
    let named = promises.split('`').skip(1).step_by(2).filter_map(|code| {
        let name = code.rsplit(' ').next()?.trim_start_matches("…_");
        name.contains('_').then_some(name)
    });
    let mut count = 0;
    for name in named {
        count += 1;
        let whole = format!("fn {name}(");
        let ending = format!("_{name}(");
        assert!(
            sources.contains(&whole) || sources.contains(&ending),
            "no test is called {name}"
        );
    }
    assert!(count > 15, "{count}");
}

fn collect(directory: &Path, into: &mut String) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, into);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            into.push_str(&std::fs::read_to_string(&path).unwrap());
        }
    }
}
