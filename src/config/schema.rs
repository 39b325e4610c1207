//! The JSON Schema (2020-12) of the configuration, made of the tables of its keys ([`keys`](super::keys)).
//!
//! What `probe check` accepts validates, and an unknown key fails both. Rules between two values, and what must be there on this
//! machine, are `probe check`'s alone. A file of a directory need not hold everything, so no section of the document is required.

use serde_json::{Map, Value, json};

use crate::model::Cause;

use super::keys::{self, Absent, Key, Takes};
use super::restart::may_restart;

/// Each section by its name in the schema, in the order of the document.
const SECTIONS: &[(&str, &[Key])] = &[
    ("document", keys::ROOT),
    ("network", keys::NETWORK),
    ("host", keys::HOST),
    ("guards", keys::GUARDS),
    ("restart", keys::RESTART),
    ("rung", keys::RUNG),
    ("backoff", keys::BACKOFF),
    ("budget", keys::BUDGET),
    ("profile", keys::PROFILE),
    ("expect", keys::EXPECT),
    ("tls", keys::TLS),
    ("window", keys::WINDOW),
    ("alerts", keys::ALERTS),
    ("email", keys::EMAIL),
    ("relay", keys::RELAY),
    ("webhook", keys::WEBHOOK),
    ("heartbeat", keys::HEARTBEAT),
    ("status_page", keys::STATUS_PAGE),
];

/// `1h30m`, as the reader takes it but for the order of units.
const SPAN: &str = "^[0-9]+(ms|[smhd])( ?[0-9]+(ms|[smh]))*$";

const SIZE: &str = "^[0-9]+ *(B|[KMG]iB|kB|[KMG]B)$";

/// The schema, for editors and other programs.
#[must_use]
pub fn schema() -> Value {
    let sections = SECTIONS
        .iter()
        .map(|(name, keys)| ((*name).to_owned(), section(keys)));
    let sections: Map<String, Value> = sections.collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The configuration of probe",
        "$ref": "#/$defs/document",
        "$defs": sections,
    })
}

fn section(keys: &'static [Key]) -> Value {
    let properties = keys.iter().map(|key| (key.name.to_owned(), described(key)));
    let properties: Map<String, Value> = properties.collect();
    let mut section = json!({
        "type": ["object", "null"],
        "properties": properties,
        "additionalProperties": false,
    });
    let needed = keys
        .iter()
        .filter(|key| matches!(key.absent, Absent::Required));
    let needed: Vec<&str> = needed.map(|key| key.name).collect();
    if !needed.is_empty() && !std::ptr::eq(keys, keys::ROOT) {
        section["required"] = json!(needed);
    }
    section
}

fn described(key: &'static Key) -> Value {
    let mut schema = nullable(of(&key.takes));
    schema["description"] = json!(key.help);
    if let Absent::Is(text) = key.absent {
        schema["default"] = written(&key.takes, text);
    }
    schema
}

/// A default as it would stand in JSON.
fn written(takes: &Takes, text: &str) -> Value {
    let parts: Vec<&str> = text.split(", ").collect();
    if matches!(takes, Takes::Whole(..) | Takes::Flag | Takes::Number(..)) {
        serde_json::from_str(text).unwrap_or_default()
    } else if parts.len() > 1 {
        json!(parts)
    } else {
        json!(text)
    }
}

/// The same, or `null`: not given.
fn nullable(mut schema: Value) -> Value {
    if let Some(Value::String(kind)) = schema.get("type") {
        schema["type"] = json!([kind, "null"]);
    } else if let Some(Value::Array(words)) = schema.get_mut("enum") {
        words.push(Value::Null);
    } else if let Some(Value::Array(any)) = schema.get_mut("anyOf") {
        any.push(json!({"type": "null"}));
    }
    schema
}

fn of(takes: &'static Takes) -> Value {
    match takes {
        Takes::Text(example) => json!({"type": "string", "examples": [example]}),
        Takes::Flag => json!({"type": "boolean"}),
        Takes::Whole(low, high) => json!({"type": "integer", "minimum": low, "maximum": high}),
        Takes::Number(low, high) => json!({"type": "number", "minimum": low, "maximum": high}),
        Takes::Span(..) => json!({"type": "string", "pattern": SPAN, "examples": ["30s"]}),
        Takes::Size(..) => json!({"type": "string", "pattern": SIZE, "examples": ["64KiB"]}),
        Takes::Share(_) => json!({"type": "string", "pattern": "^[0-9]+ *%$", "examples": ["3%"]}),
        Takes::Word(words) => json!({"enum": words}),
        Takes::Cause => {
            let causes = Cause::ALL.iter().filter(|cause| may_restart(**cause));
            json!({"enum": causes.map(|cause| cause.word()).collect::<Vec<_>>()})
        }
        Takes::List(item, most) => list(item, *most),
        Takes::OneOrList(item, most) => json!({"anyOf": [of(item), list(item, *most)]}),
        Takes::Section(keys) => {
            let named = SECTIONS
                .iter()
                .find(|(_, known)| std::ptr::eq(*known, *keys));
            let name = named.map_or("document", |(name, _)| name);
            json!({"$ref": format!("#/$defs/{name}")})
        }
        Takes::Named(value) => {
            json!({"type": "object", "additionalProperties": nullable(of(value))})
        }
        Takes::Either(kinds) => json!({"anyOf": kinds.iter().map(of).collect::<Vec<_>>()}),
        Takes::Any => json!({}),
    }
}

fn list(item: &'static Takes, most: usize) -> Value {
    let mut list = json!({"type": "array", "items": of(item)});
    if most < usize::MAX {
        list["maxItems"] = json!(most);
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_section_that_is_named_is_there() {
        fn named(takes: &'static Takes, found: &mut Vec<&'static [Key]>) {
            if let Takes::Section(keys) = takes {
                found.push(keys);
            } else if let Takes::List(item, _) | Takes::OneOrList(item, _) | Takes::Named(item) =
                takes
            {
                named(item, found);
            } else if let Takes::Either(kinds) = takes {
                kinds.iter().for_each(|kind| named(kind, found));
            }
        }
        let mut found = Vec::new();
        for key in SECTIONS.iter().flat_map(|(_, keys)| *keys) {
            named(&key.takes, &mut found);
        }
        for keys in found {
            assert!(
                SECTIONS.iter().any(|(_, known)| std::ptr::eq(*known, keys)),
                "{keys:?}"
            );
        }
    }
}
