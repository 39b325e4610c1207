//! Keeps the house as it was drawn: nothing imports upward or sideways, no file grows beyond its ceiling, nothing is
//! left to do or skipped. Reads the sources as text, comments and literals blanked.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "reads the sources; a test that cannot go on should stop where it is"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Lines a file may have. A file is one thing, whole, and a state machine that owns its state may be long; beyond this, two
/// things share a name.
const CEILING: usize = 900;

/// What each room may import besides itself. A file that is no room stands on the roof and may import all.
const FLOORS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("policy", &["model"]),
    ("render", &["model"]),
    ("replay", &["model", "policy"]),
    ("ports", &["model"]),
    ("config", &["model"]),
    ("engine", &["model", "policy", "ports"]),
    ("process", &[]),
    ("names", &["model"]),
    (
        "adapters",
        &["model", "render", "ports", "process", "names"],
    ),
];

/// The rooms of rules: each knows those before it.
const ROOMS: [&str; 3] = ["site", "host", "tell"];

fn rank(room: &str) -> Option<usize> {
    ROOMS.iter().position(|known| *known == room)
}

/// Rooms of pure functions, and what of the outside they must not name.
const PURE: &[&str] = &["model", "policy", "render", "replay"];
const OUTSIDE: &[&str] = &[
    "tokio::",
    "std::fs::",
    "std::env::",
    "std::process::",
    "std::thread::",
    "SystemTime",
    "Instant::",
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file below a directory, with its path from the crate's root.
fn sources(directory: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(directory)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                let name = path.strip_prefix(root()).unwrap().display().to_string();
                found.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "no sources below {directory}");
    found
}

/// The text with comments, strings and character literals as spaces; line breaks stay.
fn blanked(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out: Vec<char> = Vec::with_capacity(chars.len());
    let mut at = 0;
    while at < chars.len() {
        let end = literal_end(&chars, at);
        if end == at {
            out.push(chars[at]);
            at += 1;
        } else {
            out.extend(
                chars[at..end]
                    .iter()
                    .map(|c| if *c == '\n' { '\n' } else { ' ' }),
            );
            at = end;
        }
    }
    out.into_iter().collect()
}

/// Where the comment or literal that begins at `at` ends; `at` itself when none does.
fn literal_end(chars: &[char], at: usize) -> usize {
    let starts = |text: &str| {
        text.chars()
            .enumerate()
            .all(|(i, c)| chars.get(at + i) == Some(&c))
    };
    let find = |from: usize, stop: &[char]| {
        (from..chars.len())
            .find(|i| chars[*i..].starts_with(stop))
            .map_or(chars.len(), |i| i + stop.len())
    };
    let word_before = at > 0 && (chars[at - 1].is_alphanumeric() || chars[at - 1] == '_');
    if starts("//") {
        return find(at, &['\n']) - 1;
    }
    if starts("/*") {
        return find(at + 2, &['*', '/']);
    }
    if starts("r") && !word_before {
        let hashes = chars[at + 1..].iter().take_while(|c| **c == '#').count();
        if chars.get(at + 1 + hashes) == Some(&'"') {
            let mut stop = vec!['"'];
            stop.extend(std::iter::repeat_n('#', hashes));
            return find(at + 2 + hashes, &stop);
        }
    }
    let quote = chars[at];
    // `'a` is a lifetime, `'a'` and `'\n'` are characters.
    let character =
        quote == '\'' && (chars.get(at + 1) == Some(&'\\') || chars.get(at + 2) == Some(&'\''));
    if quote == '"' || character {
        let mut i = at + 1;
        while i < chars.len() && chars[i] != quote {
            i += if chars[i] == '\\' { 2 } else { 1 };
        }
        return (i + 1).min(chars.len());
    }
    at
}

/// The module a file is: `src/adapters/store/mod.rs` is `adapters::store`.
fn module(file: &str) -> Vec<String> {
    let path = Path::new(file)
        .strip_prefix("src")
        .unwrap()
        .with_extension("");
    let mut parts: Vec<String> = path
        .iter()
        .map(|part| part.to_str().unwrap().to_owned())
        .collect();
    if matches!(
        parts.last().map(String::as_str),
        Some("mod" | "lib" | "main")
    ) {
        parts.pop();
    }
    parts
}

/// The tops of the paths that follow `crate::`: one, or those of a group `{a::b, c}`; each at most `depth` names long.
fn tops(rest: &str, depth: usize) -> Vec<Vec<String>> {
    let rest = rest.trim_start();
    if depth == 0 || rest.is_empty() {
        return vec![Vec::new()];
    }
    if let Some(group) = rest.strip_prefix('{') {
        let (mut level, mut start, mut found) = (0, 0, Vec::new());
        for (i, c) in group.char_indices() {
            match c {
                '{' => level += 1,
                ',' | '}' if level == 0 => {
                    if !group[start..i].trim().is_empty() {
                        found.extend(tops(&group[start..i], depth));
                    }
                    start = i + 1;
                    if c == '}' {
                        break;
                    }
                }
                '}' => level -= 1,
                _ => {}
            }
        }
        return found;
    }
    let end = rest
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(rest.len());
    let (name, after) = rest.split_at(end);
    let inner = match after.trim_start().strip_prefix("::") {
        Some(after) => tops(after, depth - 1),
        None => vec![Vec::new()],
    };
    inner
        .into_iter()
        .map(|tail| std::iter::once(name.to_owned()).chain(tail).collect())
        .collect()
}

/// Names of a path that are looked at: `policy::tell::thread::speakers` is one deeper than its file.
const DEPTH: usize = 5;

/// Every path of a file that leads to another place of the crate: its line, and the first names of the target.
fn paths(file: &str, text: &str) -> Vec<(usize, Vec<String>)> {
    let home = module(file);
    let text = blanked(text);
    let mut found = Vec::new();
    let mut inner: Vec<usize> = Vec::new();
    let mut offset = 0;
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let indent = line.len() - line.trim_start().len();
        let words = line
            .trim_start()
            .trim_start_matches("pub ")
            .trim_start_matches("pub(super) ");
        if words.starts_with('}') && inner.last() == Some(&indent) {
            inner.pop();
        }
        for (start, keyword) in ["crate::", "super::"]
            .iter()
            .flat_map(|word| line.match_indices(word))
        {
            let before = line[..start].chars().last();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
                continue;
            }
            let mut rest = &text[offset + start + keyword.len()..];
            let mut base = Vec::new();
            if keyword == "super::" {
                let mut ups = 1;
                while let Some(further) = rest.strip_prefix("super::") {
                    rest = further;
                    ups += 1;
                }
                let depth = home.len() + inner.len();
                if ups < inner.len() || depth < ups {
                    continue;
                }
                base = home[..(depth - ups).min(home.len())].to_vec();
            }
            for top in tops(rest, DEPTH) {
                let mut path = base.clone();
                path.extend(top);
                path.truncate(DEPTH);
                found.push((number + 1, path));
            }
        }
        if words.starts_with("mod ") && words.trim_end().ends_with('{') {
            inner.push(indent);
        }
        offset += line.len();
    }
    found
}

/// What is wrong with the imports of a file.
fn trespasses(file: &str, text: &str) -> Vec<String> {
    let home = module(file);
    if home.first().is_some_and(|room| room == "app") {
        let around_the_door =
            |path: &[String]| path.starts_with(&["adapters", "store"].map(str::to_owned));
        return paths(file, text)
            .iter()
            .filter(|(_, path)| around_the_door(path))
            .map(|(line, _)| {
                format!("{file}:{line}: app reaches the state by ports::Store, not by its adapter")
            })
            .collect();
    }
    let Some((room, allowed)) = FLOORS
        .iter()
        .find(|(room, _)| home.first().is_some_and(|h| h == room))
    else {
        return Vec::new();
    };
    let mut wrong = Vec::new();
    for (line, path) in paths(file, text) {
        let Some(target) = path.first() else { continue };
        let is_module = |name: &str| name.starts_with(|c: char| c.is_lowercase());
        if is_module(target) && target != room && !allowed.contains(&target.as_str()) {
            wrong.push(format!("{file}:{line}: {room} must not import {target}"));
        }
        if *room == "policy"
            && target == "policy"
            && let (Some(from), Some(to)) = (home.get(1), path.get(1))
            && let (Some(from), Some(to)) = (rank(from), rank(to))
            && from < to
        {
            let [from, to] = [ROOMS[from], ROOMS[to]];
            wrong.push(format!(
                "{file}:{line}: policy::{from} must not import policy::{to}"
            ));
        }
        if *room == "adapters"
            && target == "adapters"
            && let (Some(from), Some(to)) = (home.get(1), path.get(1))
            && from != to
            && is_module(to)
        {
            wrong.push(format!(
                "{file}:{line}: adapters::{from} must not import adapters::{to}"
            ));
        }
    }
    if PURE.contains(room) {
        for (number, line) in blanked(text).lines().enumerate() {
            for outside in OUTSIDE.iter().filter(|outside| line.contains(**outside)) {
                wrong.push(format!(
                    "{file}:{}: {room} must not name {outside}",
                    number + 1
                ));
            }
        }
    }
    wrong
}

/// Circles between the files and folders of one folder: each by the names of those that import one another, wherever in them.
/// A `mod.rs` is the folder's door, and none of them.
fn circles(sources: &[(String, String)]) -> Vec<String> {
    type Edges = BTreeMap<String, BTreeSet<String>>;
    let mut folders: BTreeMap<Vec<String>, Edges> = BTreeMap::new();
    let modules: BTreeSet<Vec<String>> = sources.iter().map(|(file, _)| module(file)).collect();
    for (file, text) in sources {
        let home = module(file);
        // Tests may look around.
        let text = text
            .split("#[cfg(test)]\nmod tests {")
            .next()
            .unwrap_or(text);
        for (_, path) in paths(file, text) {
            let common = home.iter().zip(&path).take_while(|(a, b)| a == b).count();
            let (folder, rest) = path.split_at(common);
            let (Some(from), Some(to)) = (home.get(common), rest.first()) else {
                continue;
            };
            let target: Vec<String> = folder.iter().chain([to]).cloned().collect();
            if modules.iter().any(|module| module.starts_with(&target)) {
                let edges = folders.entry(folder.to_vec()).or_default();
                edges.entry(from.clone()).or_default().insert(to.clone());
            }
        }
    }
    let mut found = Vec::new();
    for (folder, edges) in folders {
        let reached = |from: &String| {
            let (mut reached, mut ahead) = (BTreeSet::new(), vec![from]);
            while let Some(next) = ahead.pop() {
                for to in edges.get(next).into_iter().flatten() {
                    if reached.insert(to) {
                        ahead.push(to);
                    }
                }
            }
            reached
        };
        let circular = edges.keys().filter(|name| reached(name).contains(name));
        let mut circular: BTreeSet<&String> = circular.collect();
        while let Some(first) = circular.pop_first() {
            let mates: Vec<&String> = circular
                .iter()
                .filter(|mate| reached(first).contains(*mate) && reached(mate).contains(first))
                .copied()
                .collect();
            circular.retain(|mate| !mates.contains(mate));
            let names: Vec<&str> = [&first]
                .into_iter()
                .chain(&mates)
                .map(|n| n.as_str())
                .collect();
            found.push(format!("{}: {}", folder.join("::"), names.join(", ")));
        }
    }
    found
}

/// What is unfinished or skipped in a file, or too long.
fn neglect(file: &str, text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let lines = text.lines().count();
    if lines > CEILING {
        wrong.push(format!(
            "{file}: {lines} lines, more than {CEILING}: split it by what would change together"
        ));
    }
    for (number, line) in blanked(text).lines().enumerate() {
        for word in ["#[ignore", "todo!", "unimplemented!"] {
            if line.contains(word) {
                wrong.push(format!("{file}:{}: {word} is not for here", number + 1));
            }
        }
    }
    wrong
}

#[test]
fn nothing_imports_upward_or_sideways() {
    let wrong: Vec<String> = sources("src")
        .iter()
        .flat_map(|(file, text)| trespasses(file, text))
        .collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn no_files_of_one_folder_import_one_another() {
    let circles = circles(&sources("src"));
    assert!(circles.is_empty(), "\n{}", circles.join("\n"));
}

#[test]
fn nothing_is_left_undone_skipped_or_overgrown() {
    let wrong: Vec<String> = ["src", "tests", "benches"]
        .iter()
        .flat_map(|folder| sources(folder))
        .flat_map(|(file, text)| neglect(&file, &text))
        .collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn planted_faults_are_found() {
    let policy =
        "//! Fine: [`crate::ports`].\nuse crate::model::Fleet;\nuse crate::ports::Clock;\n";
    assert_eq!(
        trespasses("src/policy/mod.rs", policy),
        ["src/policy/mod.rs:3: policy must not import ports"]
    );
    let group = "use crate::{\n    model::{Fleet, Happened},\n    engine::drive,\n};\n";
    assert_eq!(
        trespasses("src/adapters/smtp/mod.rs", group),
        ["src/adapters/smtp/mod.rs:1: adapters must not import engine"]
    );
    let around =
        "use crate::adapters::{http, store};\nfn f() { crate::adapters::state_at(path) }\n";
    assert_eq!(
        trespasses("src/app/look.rs", around),
        ["src/app/look.rs:1: app reaches the state by ports::Store, not by its adapter"]
    );
    let inline =
        "fn f() { crate::policy::step(); let _ = \"crate::engine::x\"; } // crate::engine\n";
    assert_eq!(
        trespasses("src/render/mail/text.rs", inline),
        ["src/render/mail/text.rs:1: render must not import policy"]
    );
    for sideways in [
        "use crate::adapters::store::StateDir;\n",
        "use super::super::store::StateDir;\n",
    ] {
        assert_eq!(
            trespasses("src/adapters/ssh/login.rs", sideways),
            ["src/adapters/ssh/login.rs:1: adapters::ssh must not import adapters::store"]
        );
    }
    let rooms = "use crate::policy::{draft::Draft, tell::outbox, site::judge};\n";
    assert_eq!(
        trespasses("src/policy/host/guard.rs", rooms),
        ["src/policy/host/guard.rs:1: policy::host must not import policy::tell"]
    );
    let file = |name: &str, text: &str| (format!("src/policy/{name}.rs"), text.to_owned());
    let circular = [
        file("mod", "use site::judge;\n"),
        file("site/mod", "use super::draft;\n"),
        file("site/judge", "use super::canary;\n"),
        file("site/canary", "use crate::policy::site::network::back;\n"),
        file(
            "site/network",
            "use crate::policy::{draft, site::{judge}};\n",
        ),
        file("draft", "use crate::policy::clock;\n"),
        file("clock", ""),
    ];
    assert_eq!(circles(&circular), ["policy::site: canary, judge, network"]);
    let tests = "use super::login;\nmod tests {\n    use super::super::clock;\n    use super::*;\n}\nuse super::store;\n";
    assert_eq!(
        trespasses("src/adapters/ssh/mod.rs", tests),
        [
            "src/adapters/ssh/mod.rs:1: adapters::ssh must not import adapters::login",
            "src/adapters/ssh/mod.rs:3: adapters::ssh must not import adapters::clock",
            "src/adapters/ssh/mod.rs:6: adapters::ssh must not import adapters::store",
        ]
    );
    let clock = "fn f<'a>() { let c = '\"'; std::time::Instant::now(); }\n";
    assert_eq!(
        trespasses("src/policy/guard.rs", clock),
        ["src/policy/guard.rs:1: policy must not name Instant::"]
    );
    let own = "pub(crate) use super::rows;\nuse crate::adapters::store::lock;\nuse crate::render::duration;\n";
    assert_eq!(trespasses("src/adapters/store/writer.rs", own), [""; 0]);
    assert_eq!(
        trespasses("src/app.rs", "use crate::{engine, adapters::ssh};\n"),
        [""; 0]
    );

    let skipped = format!("#[{}]\nfn f() {{ {}!() }}\n", "ignore", "todo");
    assert_eq!(
        neglect("tests/it/x.rs", &skipped),
        [
            "tests/it/x.rs:1: #[ignore is not for here",
            "tests/it/x.rs:2: todo! is not for here"
        ]
    );
    let long = "\n".repeat(CEILING + 1);
    assert_eq!(neglect("src/x.rs", &long).len(), 1);
}

/// `1.89` or `1.89.0`, comparable.
fn rust(version: &str) -> Vec<u32> {
    let parts = version.split('.').map(|part| part.parse().unwrap());
    parts.chain([0, 0, 0]).take(3).collect()
}

/// Whoever builds with the Rust that Cargo.toml states can build every dependency.
#[test]
fn the_stated_rust_is_enough_for_every_dependency() {
    let metadata = std::process::Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked"])
        .args(["--filter-platform", "x86_64-unknown-linux-gnu"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(metadata.status.success(), "cargo metadata: {metadata:?}");
    let metadata: serde_json::Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let stated = |package: &serde_json::Value| package["rust_version"].as_str().map(rust);
    let ours = packages.iter().find(|package| package["name"] == "probe");
    let ours = stated(ours.unwrap()).unwrap();
    let newer: Vec<String> = packages
        .iter()
        .filter(|package| stated(package).is_some_and(|theirs| theirs > ours))
        .map(|package| format!("{} wants {}", package["name"], package["rust_version"]))
        .collect();
    assert!(newer.is_empty(), "newer than rust-version: {newer:?}");
}
