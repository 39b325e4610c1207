//! What a response must look like, as it is written.

use super::{Map, text, texts, word};
use crate::config::keys;
use crate::config::value::show_size;
use crate::config::yaml::Out;
use crate::model::Expect;

/// The section.
pub(super) fn tree(expect: &Expect) -> Out {
    let statuses = expect.status.iter().map(|range| {
        if range.low == range.high {
            Out::Int(range.low.into())
        } else {
            word(format!("{}-{}", range.low, range.high))
        }
    });
    let header = expect
        .header
        .iter()
        .map(|(name, value)| (name.clone(), text(value)));
    let json = expect
        .json
        .iter()
        .map(|(pointer, value)| (pointer.clone(), Out::of_json(value)));
    let addresses = expect.addresses.iter().map(|ip| text(ip.to_string()));
    Map::of(keys::EXPECT)
        .with("status", Out::List(statuses.collect()))
        .with("contains", texts(&expect.contains))
        .with("not_contains", texts(&expect.not_contains))
        .maybe(
            "matches",
            expect.matches.as_ref().map(|regex| text(regex.as_str())),
        )
        .with("header", Out::Map(header.collect()))
        .maybe(
            "json",
            (!expect.json.is_empty()).then_some(Out::Map(json.collect())),
        )
        .maybe(
            "min_size",
            (expect.min_size > 0).then(|| word(show_size(expect.min_size))),
        )
        .maybe(
            "addresses",
            (!expect.addresses.is_empty()).then_some(Out::List(addresses.collect())),
        )
        .out()
}
