//! YAML text as a tree of values, each with its place. The only file that names the YAML crate.
//!
//! Plain structs with derived `Deserialize` would be shorter, but stop at the first unknown key or wrong type, and word
//! it their way. People mend a configuration once, not once per fault, so the text becomes a tree here and
//! [`super::section`] walks it, records what is wrong and goes on. Only what is not YAML at all stops the reading.
//!
//! - A key that stands twice in one mapping is a fault that names both places; the first one counts.
//! - Anchors, aliases and merge keys (`<<: *name`) work; a value that came through an alias is told where it is defined.
//! - Booleans are `true` and `false` only: `no`, `on`, `off` are words.
//! - Nesting, aliases and the nodes they unfold to are bounded, so a file that is small on disk stays small in memory.

use std::path::PathBuf;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::budget::BudgetBreach;
use serde_saphyr::{DuplicateKeyPolicy, Location, SnippetMode, Spanned, UserMessageFormatter};

use super::fault::{Fault, Report, Spot, clip, join, one_line};

/// A value with its place.
#[derive(Debug, Clone)]
pub(super) struct Node {
    /// What it is.
    pub(super) kind: Kind,
    /// Where it stands.
    pub(super) spot: Spot,
}

impl Node {
    /// The value alone, as JSON.
    pub(super) fn to_json(&self) -> serde_json::Value {
        self.kind.to_json()
    }
}

/// What a value is.
#[derive(Debug, Clone)]
pub(super) enum Kind {
    /// `null`, `~` or nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Another number.
    Float(f64),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A mapping, in the order of the file; each key once.
    Map(Vec<Entry>),
}

impl Kind {
    /// Whether it is the same value, wherever it stands.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.to_json() == other.to_json()
    }

    fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Null => serde_json::Value::Null,
            Self::Bool(flag) => (*flag).into(),
            Self::Int(number) => (*number).into(),
            Self::Float(number) => (*number).into(),
            Self::Text(text) => text.as_str().into(),
            Self::List(items) => items.iter().map(Node::to_json).collect(),
            Self::Map(entries) => serde_json::Value::Object(
                entries
                    .iter()
                    .map(|entry| (entry.key.clone(), entry.value.to_json()))
                    .collect(),
            ),
        }
    }

    /// As people call it, for `expected …, found …`.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(true) => "`true`",
            Self::Bool(false) => "`false`",
            Self::Int(_) => "a number",
            Self::Float(_) => "a decimal number",
            Self::Text(_) => "text",
            Self::List(_) => "a list",
            Self::Map(_) => "a mapping",
        }
    }
}

/// One key of a mapping with its value.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// The key.
    pub(super) key: String,
    /// Where the key stands; its path ends with the key.
    pub(super) spot: Spot,
    /// The value.
    pub(super) value: Node,
}

/// Reads one document. Duplicate keys go to `report`.
///
/// # Errors
/// What is not YAML, holds more than one document, or unfolds to more than is allowed.
pub(super) fn parse(text: &str, file: &Arc<PathBuf>, report: &mut Report) -> Result<Node, Fault> {
    if text.trim().is_empty() {
        return Ok(Node {
            kind: Kind::Null,
            spot: Spot::whole(file),
        });
    }
    let raw: Spanned<Raw> = serde_saphyr::from_str_with_options(text, options())
        .map_err(|error| not_yaml(&error, text, file))?;
    Ok(Planter { file, report }.plant(raw, &Arc::from("")))
}

fn options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        // 8 MiB of text hold fewer nodes than this; ten thousand profiles need about 200,000.
        budget: serde_saphyr::budget! {
            max_depth: 32,
            max_documents: 1,
            max_nodes: 1_000_000,
            max_aliases: 20_000,
            max_anchors: 1_000,
            max_merge_keys: 20_000,
            // One block that ten thousand profiles share is what people want, not an attack.
            enforce_alias_anchor_ratio: false,
        },
        // Enough for ten thousand profiles that share a block of ten keys; a bomb ends here long before it hurts.
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: 300_000,
            max_replay_stack_depth: 8,
        },
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        reject_unsupported_tags: true,
        non_finite_float_policy: serde_saphyr::NonFiniteFloatPolicy::AsString,
        with_snippet: false,
    }
}

/// A limit that was reached, in our words.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the crate knows some seventy ways not to be YAML and may add more; none of the others is a limit"
)]
fn breach(error: &serde_saphyr::Error) -> Option<&'static str> {
    use serde_saphyr::Error;
    match error {
        Error::AliasError { error, .. } | Error::WithSnippet { error, .. } => breach(error),
        Error::Budget {
            breach: BudgetBreach::Documents { .. },
            ..
        } => Some("a second document begins here (`---`): one file holds one"),
        Error::Budget {
            breach: BudgetBreach::Depth { .. },
            ..
        } => Some("nested too deep"),
        Error::Budget { .. }
        | Error::AliasReplayCounterOverflow { .. }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. } => {
            Some("aliases unfold to more than a configuration can need")
        }
        _ => None,
    }
}

fn not_yaml(error: &serde_saphyr::Error, text: &str, file: &Arc<PathBuf>) -> Fault {
    let location = error.location().unwrap_or(Location::UNKNOWN);
    let formatter = UserMessageFormatter;
    let told = error.render_with_options(serde_saphyr::render_options! {
        formatter: &formatter,
        snippets: SnippetMode::Off,
    });
    // The place is told in front; the crate repeats it behind.
    let first = told.lines().next().unwrap_or_default();
    let said = first.split(" at line ").next().unwrap_or(first);
    let spot = Spot {
        line: location.line(),
        column: location.column(),
        ..Spot::whole(file)
    };
    let said: String = said.chars().take(160).collect();
    if let Some(limit) = breach(error) {
        return Fault::new(&spot, limit);
    }
    if matches!(
        error.without_snippet(),
        serde_saphyr::Error::UnknownAnchor { .. }
    ) {
        let name = alias(text, &spot);
        let message = format!(
            "`*{name}` stands for the value of an anchor, and no `&{name}` is written before it"
        );
        return Fault::new(&spot, message)
            .act("write the anchor first, or put a text that begins with `*` in quotes");
    }
    Fault::new(&spot, format!("not valid YAML: {}", one_line(&said)))
}

/// The name of the alias that stands there.
fn alias(text: &str, spot: &Spot) -> String {
    let at = |number: u64| usize::try_from(number).ok()?.checked_sub(1);
    let line = at(spot.line).and_then(|line| text.lines().nth(line));
    let rest = line.unwrap_or_default().chars();
    let rest = rest
        .skip(at(spot.column).unwrap_or_default())
        .skip_while(|c| *c == '*');
    let name: String = rest
        .take_while(|c| !c.is_whitespace() && !",[]{}".contains(*c))
        .collect();
    clip(&name)
}

/// A value as the parser hands it over.
enum Raw {
    Scalar(Kind),
    List(Vec<Spanned<Raw>>),
    Map(Vec<(Spanned<String>, Spanned<Raw>)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Scalar(Kind::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Scalar(Kind::Bool(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Raw, E> {
        Ok(Raw::Scalar(Kind::Int(value)))
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "no number above i64::MAX is valid anywhere; only that it is a number matters"
    )]
    fn visit_u64<E>(self, value: u64) -> Result<Raw, E> {
        Ok(Raw::Scalar(
            i64::try_from(value).map_or(Kind::Float(value as f64), Kind::Int),
        ))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Raw, E> {
        Ok(Raw::Scalar(Kind::Float(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Raw, E> {
        Ok(Raw::Scalar(Kind::Text(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Raw, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Raw::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Raw, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            map.push(entry);
        }
        Ok(Raw::Map(map))
    }
}

/// Gives every value its path, and every mapping distinct keys.
struct Planter<'a> {
    file: &'a Arc<PathBuf>,
    report: &'a mut Report,
}

impl Planter<'_> {
    fn spot(&self, at: Location, path: &Arc<str>) -> Spot {
        Spot {
            file: Arc::clone(self.file),
            line: at.line(),
            column: at.column(),
            path: Arc::clone(path),
        }
    }

    fn plant(&mut self, raw: Spanned<Raw>, path: &Arc<str>) -> Node {
        let spot = self.spot(raw.defined, path);
        let kind = match raw.value {
            Raw::Scalar(kind) => kind,
            Raw::List(items) => Kind::List(
                items
                    .into_iter()
                    .enumerate()
                    .map(|(index, item)| self.plant(item, &format!("{path}[{index}]").into()))
                    .collect(),
            ),
            Raw::Map(entries) => Kind::Map(self.plant_map(entries, path)),
        };
        Node { kind, spot }
    }

    fn plant_map(&mut self, raw: Vec<(Spanned<String>, Spanned<Raw>)>, path: &str) -> Vec<Entry> {
        let mut first: std::collections::BTreeMap<String, u64> = std::collections::BTreeMap::new();
        let mut entries = Vec::with_capacity(raw.len());
        for (key, value) in raw {
            let below = Arc::from(join(path, &key.value));
            let spot = self.spot(key.defined, &below);
            if let Some(line) = first.get(&key.value) {
                self.report.fault(
                    Fault::new(
                        &spot,
                        format!("`{}` stands twice, first in line {line}", clip(&key.value)),
                    )
                    .act("keep one of them"),
                );
                continue;
            }
            first.insert(key.value.clone(), spot.line);
            let value = self.plant(value, &below);
            entries.push(Entry {
                key: key.value,
                spot,
                value,
            });
        }
        entries
    }
}
