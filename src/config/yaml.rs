//! Writing YAML: block mappings, short lists in one line, text quoted wherever another reader could take it for something else.

use std::fmt::Write;

/// A value to write.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Out {
    /// A word of ours that needs no quotes: `60s`, `off`, `200-399`.
    Word(String),
    /// Text of the user.
    Text(String),
    /// A whole number.
    Int(u64),
    /// Another number.
    Float(f64),
    /// `true` or `false`.
    Bool(bool),
    /// A list.
    List(Vec<Out>),
    /// A mapping, in this order.
    Map(Vec<(String, Out)>),
}

impl Out {
    /// The value as JSON.
    pub(super) fn json(&self) -> serde_json::Value {
        match self {
            Self::Word(text) | Self::Text(text) => text.as_str().into(),
            Self::Int(number) => (*number).into(),
            Self::Float(number) => (*number).into(),
            Self::Bool(flag) => (*flag).into(),
            Self::List(items) => items.iter().map(Self::json).collect(),
            Self::Map(entries) => serde_json::Value::Object(
                entries
                    .iter()
                    .map(|(key, value)| (key.clone(), value.json()))
                    .collect(),
            ),
        }
    }

    /// A JSON value that somebody wrote.
    pub(super) fn of_json(value: &serde_json::Value) -> Self {
        use serde_json::Value as V;
        match value {
            V::Null => Self::Word("null".to_owned()),
            V::Bool(flag) => Self::Bool(*flag),
            V::Number(number) => Self::Word(number.to_string()),
            V::String(text) => Self::Text(text.clone()),
            V::Array(items) => Self::List(items.iter().map(Self::of_json).collect()),
            V::Object(entries) => Self::Map(
                entries
                    .iter()
                    .map(|(key, value)| (key.clone(), Self::of_json(value)))
                    .collect(),
            ),
        }
    }

    /// The value as a YAML document.
    pub(super) fn yaml(&self) -> String {
        let mut text = String::new();
        match self {
            Self::Map(entries) if !entries.is_empty() => block(entries, 0, &mut text),
            Self::Map(_)
            | Self::Word(_)
            | Self::Text(_)
            | Self::Int(_)
            | Self::Float(_)
            | Self::Bool(_)
            | Self::List(_) => {
                text = self.flow();
                text.push('\n');
            }
        }
        text
    }

    fn flow(&self) -> String {
        match self {
            Self::Word(word) => word.clone(),
            Self::Text(text) => quoted(text),
            Self::Int(number) => number.to_string(),
            Self::Float(number) => number.to_string(),
            Self::Bool(flag) => flag.to_string(),
            Self::List(items) => {
                let items: Vec<String> = items.iter().map(Self::flow).collect();
                format!("[{}]", items.join(", "))
            }
            Self::Map(entries) => {
                let entries: Vec<String> = entries
                    .iter()
                    .map(|(key, value)| format!("{}: {}", quoted_key(key), value.flow()))
                    .collect();
                format!("{{{}}}", entries.join(", "))
            }
        }
    }

    /// Whether it is written below its key rather than beside it.
    fn tall(&self) -> bool {
        match self {
            Self::Map(entries) => !entries.is_empty(),
            Self::List(items) => {
                items.iter().any(|item| matches!(item, Self::Map(_)))
                    || (items.len() > 1 && self.flow().len() > 80)
            }
            Self::Word(_) | Self::Text(_) | Self::Int(_) | Self::Float(_) | Self::Bool(_) => false,
        }
    }
}

fn block(entries: &[(String, Out)], indent: usize, text: &mut String) {
    for (key, value) in entries {
        let pad = " ".repeat(indent);
        let key = quoted_key(key);
        if !value.tall() {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{pad}{key}: {}", value.flow());
            continue;
        }
        let _ = writeln!(text, "{pad}{key}:");
        match value {
            Out::Map(below) => block(below, indent + 2, text),
            Out::List(items) => {
                for item in items {
                    let _ = writeln!(text, "{pad}  - {}", item.flow());
                }
            }
            Out::Word(_) | Out::Text(_) | Out::Int(_) | Out::Float(_) | Out::Bool(_) => {}
        }
    }
}

fn quoted_key(key: &str) -> String {
    quoted(key)
}

/// Plain where that is safe in every YAML version, else in double quotes.
fn quoted(text: &str) -> String {
    const TAKEN: &[&str] = &["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
    let inner = |c: char| c.is_ascii_alphanumeric() || "_./@+-= ".contains(c);
    let plain = begins
        && text.chars().all(inner)
        && !text.ends_with(' ')
        && !TAKEN.contains(&text.to_ascii_lowercase().as_str());
    if plain {
        return text.to_owned();
    }
    let mut shown = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                shown.push('\\');
                shown.push(c);
            }
            '\n' => shown.push_str("\\n"),
            '\t' => shown.push_str("\\t"),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}') => {
                let _ = write!(shown, "\\u{:04X}", u32::from(c));
            }
            c => shown.push(c),
        }
    }
    shown.push('"');
    shown
}
