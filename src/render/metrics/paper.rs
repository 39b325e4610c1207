//! The text format: families, series, labels.

use std::fmt::{Display, Write as _};
use std::time::Duration;

/// A page being written.
pub(super) struct Page(pub(super) String);

impl Page {
    pub(super) fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    /// `labels` as they stand between the braces.
    pub(super) fn sample(&mut self, name: &str, labels: &str, value: impl Display) {
        let _ = if labels.is_empty() {
            writeln!(self.0, "{name} {value}")
        } else {
            writeln!(self.0, "{name}{{{labels}}} {value}")
        };
    }

    /// A family of one series.
    pub(super) fn single(&mut self, name: &str, kind: &str, help: &str, value: impl Display) {
        self.family(name, kind, help);
        self.sample(name, "", value);
    }

    /// A family with a series for each row that has a value.
    pub(super) fn each<R, V: Display>(
        &mut self,
        name: &str,
        help: &str,
        rows: &[(String, R)],
        value: impl Fn(&R) -> Option<V>,
    ) {
        let mut begun = false;
        for (labels, row) in rows {
            if let Some(value) = value(row) {
                if !begun {
                    self.family(name, "gauge", help);
                    begun = true;
                }
                self.sample(name, labels, value);
            }
        }
    }
}

/// `name="value"` with what the format demands of the value.
pub(super) fn label(name: &str, value: &str) -> String {
    let mut text = format!("{name}=\"");
    for letter in value.chars() {
        match letter {
            '\\' => text.push_str("\\\\"),
            '"' => text.push_str("\\\""),
            '\n' => text.push_str("\\n"),
            other => text.push(other),
        }
    }
    text.push('"');
    text
}

pub(super) fn labels(pairs: &[(&str, &str)]) -> String {
    let pairs: Vec<String> = pairs
        .iter()
        .map(|(name, value)| label(name, value))
        .collect();
    pairs.join(",")
}

pub(super) fn bit(value: bool) -> u8 {
    u8::from(value)
}

pub(super) fn seconds(span: Duration) -> f64 {
    span.as_secs_f64()
}
