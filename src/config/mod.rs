//! The configuration: a file, or a directory of files, becomes [`Settings`], or a list of everything that is wrong with it.
//!
//! ```text
//!  files ──► tree ──► merge ──► section, value, path ──► lower ──► Settings ──► effective
//!  bytes     YAML,    files,    keys, types, units,       rules                 back to YAML
//!            places   defaults  files that exist          between values        and JSON
//! ```
//!
//! Each key is declared once, in `keys`: its section reads it by that, [`effective`] writes it in that order, [`schema`] is made of it.
//! What is not there has a default; what is there must be right. All faults are told at once, each with its place, its
//! path of keys and what to do about it ([`Fault`]); only text that is not YAML stops the reading of a file. What is
//! right and probably not meant is a warning. No network is touched and nothing is written; files that the configuration
//! names (keys, certificates, passwords) must be there, readable, and closed to others where they are secret. What is in
//! them whoever loads may have looked into as well ([`load_opening`]): who is to use them wants that, who only reads what is
//! remembered does not.
//!
//! `null` means "not given". An empty list selects nothing: no canaries, no warnings before a certificate ends; where
//! nothing can be meant (no URL, no command, no recipient) it is refused.

mod command;
mod domain;
mod effective;
mod email;
mod endpoint;
mod fault;
mod files;
mod guards;
mod heartbeat;
mod host;
mod keys;
mod ladder;
mod lower;
mod merge;
mod network;
mod path;
mod placeholder;
mod profile;
mod relay;
mod request;
mod restart;
mod schema;
mod section;
mod status_page;
mod tls;
mod tree;
mod value;
mod webhooks;
mod windows;
mod wording;
mod wrong;
mod yaml;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc;

use crate::model::Settings;

pub use effective::{effective, to_json};
pub use fault::{Fault, Faults, Hint, Open};
pub use schema::schema;

use tree::Node;

/// A configuration that is right.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// What is to be done.
    pub settings: Settings,
    /// What is probably not meant, in the order of the files.
    pub warnings: Vec<Fault>,
    /// The files that were read, in this order.
    pub files: Vec<PathBuf>,
}

/// Above glibc's limit for that (64 KiB), below its limit for memory of its own (128 KiB).
const LARGER: usize = 100 * 1024;

/// Reads the configuration at `path`, a file or a directory of `*.yaml`.
///
/// # Errors
/// Everything that is wrong with it, at once.
pub fn load(path: &Path) -> Result<Loaded, Faults> {
    load_opening(path, &|_| Ok(()))
}

/// [`load`], with a look by `open` into each file, secret and program that is named.
///
/// # Errors
/// Everything that is wrong with it and with what it names, at once.
pub fn load_opening(path: &Path, open: &Open<'_>) -> Result<Loaded, Faults> {
    let mut report = fault::Report::default();
    let files = files::find(path, &mut report)?;
    // The tree of a large configuration is many times what stays of it. It grows and ends on a thread of its own, so that
    // an allocator that keeps memory by thread can give it back whole, instead of keeping what stays scattered in it.
    std::thread::scope(|scope| {
        let (hand_over, read) = mpsc::channel();
        let (hand_back, spent) = mpsc::channel::<Node>();
        let (finding, mut found) = (&files, fault::Report::default());
        let reader = std::thread::Builder::new().name("configuration".to_owned());
        let begun = reader.spawn_scoped(scope, move || {
            let root = files::read(path, finding, &mut found);
            if hand_over.send((root, found)).is_ok() {
                drop(spent.recv());
                // glibc joins small pieces that were freed, and gives them back, when a larger one is.
                drop(std::hint::black_box(Vec::<u8>::with_capacity(LARGER)));
            }
        });
        let root = match begun.ok().and_then(|_| read.recv().ok()) {
            Some((root, found)) => {
                report.take_in(found);
                root?
            }
            // No thread could be had: what is read here is as right.
            None => files::read(path, &files, &mut report)?,
        };
        let loaded = loaded(&root, report, &files, open);
        let _ = hand_back.send(root);
        loaded
    })
}

/// The names of profiles and hosts in the files of a directory, as far as they can be read: what is written beside them must have others.
#[must_use]
pub fn names_in(directory: &Path) -> BTreeSet<String> {
    let mut report = fault::Report::default();
    let files = files::find(directory, &mut report).unwrap_or_default();
    let one = |file: PathBuf, report: &mut fault::Report| {
        let root = files::read(&file, std::slice::from_ref(&file), report);
        root.map(|root| lower::names(&root)).unwrap_or_default()
    };
    files
        .into_iter()
        .flat_map(|file| one(file, &mut report))
        .collect()
}

fn loaded(
    root: &Node,
    mut report: fault::Report,
    files: &[PathBuf],
    open: &Open<'_>,
) -> Result<Loaded, Faults> {
    let settings = lower::lower(root, &mut report);
    report.open(open);
    let warnings = report.finish()?;
    settings.map_or_else(
        // Unreachable by construction: what cannot be lowered has been reported.
        || Err(Fault::new(&root.spot, "not a configuration").into()),
        |settings| {
            Ok(Loaded {
                settings,
                warnings,
                files: files.to_vec(),
            })
        },
    )
}
