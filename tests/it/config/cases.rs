//! `good/` and `bad/`, file by file.

use std::path::Path;

use probe::config::{Fault, Loaded};

use super::{CASES, entries, load_opened, load_told};

/// Compares with the text beside the case, or writes it.
fn compare(case: &Path, told: &str, failures: &mut Vec<String>) {
    let beside = case.with_extension("txt");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&beside, format!("{told}\n")).unwrap();
        return;
    }
    let wanted = std::fs::read_to_string(&beside).unwrap_or_default();
    if wanted.trim_end() != told {
        failures.push(format!(
            "{}\n--- expected\n{}\n--- told\n{told}\n",
            case.display(),
            wanted.trim_end()
        ));
    }
}

#[test]
fn bad_is_refused_in_these_words() {
    let base = Path::new(CASES);
    let mut failures = Vec::new();
    let mut seen = 0;
    for case in entries(&base.join("bad")) {
        if !case.is_dir() && case.extension().is_none_or(|kind| kind != "yaml") {
            continue;
        }
        seen += 1;
        match load_opened(&case, base) {
            Ok(_) => failures.push(format!("{} was accepted", case.display())),
            Err(told) => {
                assert!(!told.contains("hunter2"), "a secret was told: {told}");
                compare(&case, &told, &mut failures);
            }
        }
    }
    assert!(seen > 20, "only {seen} cases: is the directory complete?");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// The keys at which something is to be filled in; no other warning is there.
pub(super) fn only_placeholders(loaded: &Loaded) -> Vec<&str> {
    let told = |warning: &Fault| {
        warning
            .message
            .ends_with("stands in examples and is nobody's")
    };
    let other = loaded.warnings.iter().find(|warning| !told(warning));
    assert_eq!(other, None);
    loaded
        .warnings
        .iter()
        .map(|warning| warning.path.as_str())
        .collect()
}

#[test]
fn good_is_accepted_with_these_warnings() {
    let base = Path::new(CASES);
    let mut failures = Vec::new();
    for case in entries(&base.join("good")) {
        if !case.is_dir() && case.extension().is_none_or(|kind| kind != "yaml") {
            continue;
        }
        match load_told(&case, base) {
            Ok(loaded) => {
                let warnings: Vec<String> =
                    loaded.warnings.iter().map(ToString::to_string).collect();
                let told = super::strip(&warnings.join("\n"), base);
                if case.with_extension("txt").exists() || !told.is_empty() {
                    compare(&case, &told, &mut failures);
                }
            }
            Err(told) => failures.push(format!("{} was refused:\n{told}", case.display())),
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// The example people copy: on a fresh machine, without a key or a password anywhere. What is to be filled in is remarked, and nothing
/// else.
#[test]
fn the_example_has_no_fault_and_says_what_to_fill_in() {
    let loaded = load_told(Path::new("probes.yaml"), Path::new(".")).unwrap();
    let remarked = only_placeholders(&loaded);
    for key in [
        "hosts.",
        "profiles.",
        "alerts.email.from",
        "alerts.email.to",
    ] {
        assert!(
            remarked.iter().any(|path| path.starts_with(key)),
            "{key}: {remarked:?}"
        );
    }
    assert_eq!(loaded.settings.profiles.len(), 1);
    assert_eq!(loaded.settings.hosts.len(), 1);
    assert!(loaded.settings.email.is_some());
}
