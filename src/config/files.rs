//! From a path to one tree: a file, or a directory of `*.yaml` in name order.
//!
//! Files whose name begins with a dot are an editor's and are passed over. A name that looks meant but is not read
//! (`shop.yml`) is remarked.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::model::limits;

use super::fault::{Fault, Faults, Report, Spot};
use super::merge::graft;
use super::path::plain;
use super::tree::{Kind, Node, parse};
use super::wrong::expected;

/// Files of one directory.
const FILES: usize = 1_000;

/// All files of one directory together.
const TOGETHER: u64 = 4 * limits::CONFIG_BYTES;

/// The files that make up the configuration at `path`, in the order they are read.
///
/// # Errors
/// When nothing is there, or nothing readable.
pub(super) fn find(path: &Path, report: &mut Report) -> Result<Vec<PathBuf>, Faults> {
    let at = Spot::whole(&Arc::new(path.to_path_buf()));
    let metadata = std::fs::metadata(path).map_err(|error| unreadable(&at, &error))?;
    if metadata.is_file() {
        return Ok(vec![path.to_path_buf()]);
    }
    if !metadata.is_dir() {
        let fault = Fault::new(&at, "neither a file nor a directory");
        return Err(fault.act("name a file with `--config`").into());
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(|error| unreadable(&at, &error))? {
        let file = entry.map_err(|error| unreadable(&at, &error))?.path();
        let hidden = file
            .file_name()
            .is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
        let extension = file.extension().and_then(|extension| extension.to_str());
        match (hidden, extension) {
            (false, Some("yaml")) => files.push(file),
            (false, Some("yml" | "YAML" | "YML")) => report.warn(
                Fault::new(&Spot::whole(&Arc::new(file)), "is not read")
                    .act("rename it to end in `.yaml`"),
            ),
            (_, _) => {}
        }
    }
    files.sort();
    if files.is_empty() {
        let fault = Fault::new(&at, "no `*.yaml` file in this directory");
        return Err(fault
            .act("put one there, or name a file with `--config`")
            .into());
    }
    if files.len() > FILES {
        return Err(Fault::new(&at, format!("more than {FILES} files in this directory")).into());
    }
    Ok(files)
}

/// Reads the files into one tree.
///
/// # Errors
/// What cannot be read, or is not YAML: all files are tried, one fault each.
pub(super) fn read(path: &Path, files: &[PathBuf], report: &mut Report) -> Result<Node, Faults> {
    let mut broken = Vec::new();
    let mut roots: Vec<Node> = Vec::new();
    let mut total = 0;
    for file in files {
        let name = Arc::new(file.clone());
        let root = text(&name).and_then(|text| {
            total += text.len() as u64;
            if total > TOGETHER {
                let cap = super::value::show_size(TOGETHER);
                let message = format!("longer than {cap} together with the files before it");
                return Err(Fault::new(&Spot::whole(&name), message));
            }
            parse(&text, &name, report)
        });
        match root {
            Ok(root) => roots.push(root),
            Err(fault) => broken.push(fault),
        }
    }
    if !broken.is_empty() {
        return Err(broken.into());
    }
    if roots.len() == 1
        && let Some(root) = roots.pop()
    {
        return Ok(root);
    }
    let mut all = Vec::new();
    for root in roots {
        match root.kind {
            Kind::Map(entries) => graft(&mut all, entries, report),
            Kind::Null => {}
            Kind::Bool(_) | Kind::Int(_) | Kind::Float(_) | Kind::Text(_) | Kind::List(_) => {
                report.fault(expected(&root, "a mapping of keys"));
            }
        }
    }
    Ok(Node {
        kind: Kind::Map(all),
        spot: Spot::whole(&Arc::new(path.to_path_buf())),
    })
}

fn text(name: &Arc<PathBuf>) -> Result<String, Fault> {
    let at = Spot::whole(name);
    let cannot =
        |error: &std::io::Error| Fault::new(&at, format!("cannot be read: {}", plain(error)));
    let file = std::fs::File::open(name.as_path()).map_err(|error| cannot(&error))?;
    let mut bytes = Vec::new();
    file.take(limits::CONFIG_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| cannot(&error))?;
    if bytes.len() as u64 > limits::CONFIG_BYTES {
        let cap = super::value::show_size(limits::CONFIG_BYTES);
        return Err(Fault::new(&at, format!("longer than {cap}"))
            .act("split it and name the directory with `--config`"));
    }
    let bad = |good: &str, message: &str| {
        let spot = Spot {
            line: good.matches('\n').count() as u64 + 1,
            column: good.chars().rev().take_while(|c| *c != '\n').count() as u64 + 1,
            ..at.clone()
        };
        Fault::new(&spot, message).act("save the file in the UTF-8 encoding")
    };
    let text = String::from_utf8(bytes).map_err(|error| {
        let good = error.as_bytes().get(..error.utf8_error().valid_up_to());
        let good = String::from_utf8_lossy(good.unwrap_or_default());
        bad(&good, "not UTF-8 text")
    })?;
    // Latin letters in UTF-16 are UTF-8 as well, with a zero byte beside each.
    match text.split_once('\0') {
        Some((good, _)) => Err(bad(
            good,
            "not UTF-8 text but UTF-16, or no text: a zero byte",
        )),
        None => Ok(text),
    }
}

fn unreadable(at: &Spot, error: &std::io::Error) -> Faults {
    let fault = if error.kind() == std::io::ErrorKind::NotFound {
        Fault::new(at, "no such file or directory")
            .act("write one after the example `probes.yaml`, or name another with `--config`")
    } else {
        Fault::new(at, format!("cannot be read: {}", plain(error)))
    };
    fault.into()
}
