//! `heartbeat`: an outside watcher that is told, `every` so often, that we live. Where it is, [`endpoint`] reads.

use crate::model::Heartbeat;

use super::endpoint;
use super::fault::Report;
use super::keys::HEARTBEAT;
use super::section::Section;
use super::tree::Node;
use super::value::show_duration;
use super::yaml::Out;

const LIKE: &str =
    "write the address your watcher gave you, like `url: https://hc.example.com/…`, or `url_file`";

/// Reads the section; each value that is wrong goes to `report`.
pub(super) fn read(node: &Node, report: &mut Report) -> Option<Heartbeat> {
    let section = Section::open(node, HEARTBEAT, report)?;
    let watcher = endpoint::read(&section, None, LIKE, report);
    let every = section.span_or_default("every", report);
    Some(Heartbeat {
        watcher: watcher?,
        every,
    })
}

/// The section as it is written, the address masked.
pub(super) fn tree(heartbeat: &Heartbeat) -> Out {
    let every = Out::Word(show_duration(heartbeat.every));
    Out::Map(vec![
        endpoint::tree(&heartbeat.watcher),
        ("every".to_owned(), every),
    ])
}
