//! The schema and the page that are made of the tables of keys: as they are shipped, and judged as an editor would.
//! `UPDATE_GOLDEN=1` writes both anew.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use boon::{Compiler, SchemaIndex, Schemas};
use probe::config::{effective, schema};
use serde_json::Value;

use super::{CASES, entries, load_told};

/// Compares with a file of the project, or writes it.
fn is_shipped(file: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let shipped = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        shipped == text,
        "{file} is not what the tables say: UPDATE_GOLDEN=1 writes it"
    );
}

struct Judge(Schemas, SchemaIndex);

impl Judge {
    fn new() -> Self {
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        compiler.add_resource("probes.json", schema()).unwrap();
        let index = compiler.compile("probes.json", &mut schemas).unwrap();
        Self(schemas, index)
    }

    fn complains(&self, document: &Value) -> Option<String> {
        let judged = self.0.validate(document, self.1);
        judged.err().map(|error| format!("{error:#}"))
    }
}

/// A text as an editor reads it, by YAML 1.2: `off` is a word. `None` where it is not YAML.
fn yaml(text: &str) -> Option<Value> {
    let options = serde_saphyr::options! { strict_booleans: true };
    serde_saphyr::from_str_with_options(text, options).ok()
}

fn read(path: &Path) -> Option<Value> {
    yaml(&std::fs::read_to_string(path).ok()?)
}

fn files(below: &Path) -> Vec<PathBuf> {
    let entries = entries(below).into_iter();
    let files = entries.flat_map(|path| {
        if path.is_dir() {
            self::files(&path)
        } else {
            vec![path]
        }
    });
    // Hidden ones are an editor's.
    let hidden = |path: &PathBuf| {
        path.file_name()
            .is_some_and(|name| name.as_encoded_bytes()[0] == b'.')
    };
    let yaml = |path: &PathBuf| path.extension().is_some_and(|end| end == "yaml") && !hidden(path);
    files.filter(yaml).collect()
}

#[test]
fn the_schema_is_the_one_that_is_shipped() {
    is_shipped("probes.schema.json", &format!("{:#}\n", schema()));
}

#[test]
fn what_check_accepts_validates() {
    let judge = Judge::new();
    let mut seen = 0;
    let base = Path::new(CASES);
    for file in files(&base.join("good"))
        .into_iter()
        .chain([PathBuf::from("probes.yaml")])
    {
        let document = read(&file).unwrap_or_else(|| panic!("{} cannot be read", file.display()));
        if let Some(complaint) = judge.complains(&document) {
            panic!("{}: {complaint}", file.display());
        }
        let Ok(loaded) = load_told(&file, base) else {
            continue; // a part of a directory
        };
        let whole = yaml(&effective(&loaded.settings)).unwrap();
        assert_eq!(judge.complains(&whole), None, "{}", file.display());
        seen += 1;
    }
    assert!(seen > 5, "only {seen}");
}

#[test]
fn what_is_unknown_or_of_another_type_fails_both() {
    let judge = Judge::new();
    let mut seen = 0;
    let base = Path::new(CASES);
    for file in files(&base.join("bad")) {
        let Some(document) = read(&file) else {
            continue;
        };
        let Err(told) = load_told(&file, base) else {
            continue; // what it names is looked into by `check` alone
        };
        let plain = told.contains(": unknown key") || told.contains(": expected ");
        if plain {
            assert!(
                judge.complains(&document).is_some(),
                "{}: {told}",
                file.display()
            );
            seen += 1;
        }
    }
    assert!(seen > 15, "only {seen}");
}

/// What a key takes, in words.
fn takes(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.rsplit('/').next().unwrap();
        return format!("[{name}](#{name})");
    }
    let of = |list: &Value| {
        let kinds = list.as_array().unwrap().iter();
        let kinds = kinds.filter(|kind| kind["type"] != "null");
        kinds.map(takes).collect::<Vec<_>>()
    };
    if schema["anyOf"].is_array() {
        return of(&schema["anyOf"]).join(", or ");
    }
    if let Some(words) = schema["enum"].as_array() {
        let words = words.iter().filter_map(Value::as_str);
        return words
            .map(|word| format!("`{word}`"))
            .collect::<Vec<_>>()
            .join(", ");
    }
    let kind = schema["type"][0].as_str().or(schema["type"].as_str());
    let example = schema["examples"][0].as_str();
    match kind {
        Some("boolean") => "`true` or `false`".to_owned(),
        Some("integer" | "number") => format!("{} to {}", schema["minimum"], schema["maximum"]),
        Some("array") => format!("a list of: {}", takes(&schema["items"])),
        Some("object") => format!(
            "names, each with {}",
            takes(&schema["additionalProperties"])
        ),
        Some("string") => match (schema["pattern"].as_str(), example) {
            (Some(pattern), _) if pattern.contains("ms") => {
                "a duration, like `30s` or `1h30m`".to_owned()
            }
            (Some(pattern), _) if pattern.contains("iB") => "a size, like `64KiB`".to_owned(),
            (Some(_), _) => "a share, like `3%`".to_owned(),
            (None, Some(example)) => format!("text, like `{example}`"),
            (None, None) => "text".to_owned(),
        },
        Some(_) | None => "any value".to_owned(),
    }
}

fn page() -> String {
    let schema = schema();
    let mut page = "# Every key of the configuration\n\nMade of the tables in `src/config/keys.rs`; `probe schema` prints the same for editors. What is not \
                    written has a default; `null` means \"not given\"; an unknown key is a fault. A duration is whole numbers with `ms`, `s`, \
                    `m`, `h` or `d`.\n"
        .to_owned();
    let sections = schema["$defs"].as_object().unwrap();
    // From the document down, in the order in which sections are named.
    let (mut named, mut next) = (vec!["document".to_owned()], 0);
    while let Some(name) = named.get(next).cloned() {
        next += 1;
        let title = if name == "document" {
            "The document"
        } else {
            &name
        };
        write!(
            page,
            "\n## {title}\n\n| key | takes | default | |\n|---|---|---|---|\n"
        )
        .unwrap();
        let section = &sections[&name];
        let needed = section["required"].as_array();
        for (key, said) in section["properties"].as_object().unwrap() {
            let default = match &said["default"] {
                Value::Null if needed.is_some_and(|all| all.iter().any(|one| one == key)) => {
                    "needed".to_owned()
                }
                Value::Null => String::new(),
                Value::String(text) => format!("`{text}`"),
                Value::Array(all) => {
                    let all: Vec<&str> = all.iter().filter_map(Value::as_str).collect();
                    format!("`[{}]`", all.join(", "))
                }
                plain @ (Value::Bool(_) | Value::Number(_) | Value::Object(_)) => {
                    format!("`{plain}`")
                }
            };
            let help = said["description"].as_str().unwrap();
            let takes = takes(said).replace('|', "\\|");
            writeln!(page, "| `{key}` | {takes} | {default} | {help} |").unwrap();
            let text = said.to_string();
            for part in text.split("#/$defs/").skip(1) {
                let found = part.split('"').next().unwrap().to_owned();
                if !named.contains(&found) {
                    named.push(found);
                }
            }
        }
    }
    assert_eq!(named.len(), sections.len(), "a section is named nowhere");
    page
}

#[test]
fn the_page_is_the_one_that_is_shipped() {
    is_shipped("docs/configuration.md", &page());
}

/// A section with every default of the schema written out, beside what it needs.
fn written_out(name: &str, needed: Value) -> Value {
    let schema = schema();
    let mut section = needed;
    for (key, said) in schema["$defs"][name]["properties"].as_object().unwrap() {
        let default = &said["default"];
        if !default.is_null() && section.get(key).is_none() {
            section[key] = default.clone();
        }
    }
    section
}

#[test]
fn a_default_that_is_written_changes_nothing() {
    let document = |fill: fn(&str, Value) -> Value| {
        let restart = serde_json::json!({
            "commands": ["sudo -n systemctl restart nginx"],
            "backoff": fill("backoff", serde_json::json!({})),
            "budget": fill("budget", serde_json::json!({})),
        });
        let host = serde_json::json!({
            "ssh": "probe@web1.example.com",
            "guards": fill("guards", serde_json::json!({})),
            "restart": fill("restart", restart),
        });
        let profile = serde_json::json!({
            "host": "web1",
            "urls": ["https://shop.example.com/"],
            "expect": fill("expect", serde_json::json!({})),
            "tls": fill("tls", serde_json::json!({})),
        });
        let relay = serde_json::json!({"url": "smtps://mail.example.com"});
        let mail = serde_json::json!({
            "from": "probe@example.com", "to": ["ops@example.com"], "smtp": [relay],
        });
        let watcher = serde_json::json!({"url": "https://hc.example.com/id"});
        let whole = serde_json::json!({
            "network": {"canaries": []},
            "hosts": {"web1": fill("host", host)},
            "profiles": {"shop": fill("profile", profile)},
            "alerts": {"email": fill("email", mail)},
            "heartbeat": fill("heartbeat", watcher),
        });
        let loaded = super::told(&whole.to_string()).unwrap();
        effective(&loaded.settings)
    };
    assert_eq!(document(written_out), document(|_, needed| needed));
}
