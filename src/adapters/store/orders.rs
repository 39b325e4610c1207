//! What people order: `pause/NAME` stops acting on a target, `rearm/NAME` lets a host that gave up act again,
//! `approve/HOST` allows the restart that it names, and stays until the next approval, `rehearse/HOST` orders one restart of a host that is well,
//! and is good for half a minute, `ack/THREAD` says that somebody has what is told in
//! a thread of mails, and stays until another one is given after its end. What `probe drill` found is kept in the same way: `drill/HOST`, `drill-mail/all`.
//!
//! Orders are files, so that they need no lock, reach a running daemon, and can be given with `touch` if nothing else
//! works. An empty file is a pause without end, and so is one that cannot be read as an order. Names that begin with a
//! dot are drafts and ignored.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use super::{StoreError, directory};
use crate::model::{
    Ack, Approval, Drill, Drills, HostName, IncidentId, Orders, Pause, Rehearsal, Target, Timestamp,
};

const PAUSE: &str = "pause";
const REARM: &str = "rearm";
const APPROVE: &str = "approve";
const REHEARSE: &str = "rehearse";
const ACK: &str = "ack";
const ALL: &str = "all";

/// What `probe drill` found: one file per host. That of mail is in a folder of its own, because a host may have any
/// name.
const DRILL: &str = "drill";
const DRILL_MAIL: &str = "drill-mail";

/// Most files that are read in one folder. A folder with more counts as a pause of everything.
const FILES: usize = 10_000;

/// Bytes read of one order.
const BYTES: u64 = 64 * 1024;

/// Stops acting on a target. Overwrites an earlier pause of it.
///
/// # Errors
/// When the name cannot be a target, or the file cannot be written.
pub fn pause(dir: &Path, target: &Target, pause: &Pause) -> Result<(), StoreError> {
    let name = file_name(target)?;
    let dir = directory::visit(dir)?;
    serde_json::to_vec(pause)
        .map_err(io::Error::from)
        .and_then(|body| directory::place(&dir, PAUSE, &name, &body))
        .map_err(|e| StoreError::file("write the pause", &dir.join(PAUSE).join(name), e))
}

/// Acts on a target again: removes its pause (for [`Target::All`] every pause), and orders it to be re-armed.
///
/// # Errors
/// When the name cannot be a target, or a file cannot be changed; the other pauses are removed nevertheless.
pub fn resume(dir: &Path, target: &Target) -> Result<(), StoreError> {
    let name = file_name(target)?;
    let dir = directory::visit(dir)?;
    let folder = dir.join(PAUSE);
    let held = match target {
        Target::Named(_) => vec![folder.join(&name)],
        Target::All => paths(&folder).map_err(|e| StoreError::file("list", &folder, e))?,
    };
    let mut refused = None;
    for held in held {
        match fs::remove_file(&held) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                refused.get_or_insert(StoreError::file("remove the pause", &held, e));
            }
            Ok(()) | Err(_) => {}
        }
    }
    if folder.exists() {
        directory::sync(&folder).map_err(|e| StoreError::file("remove from", &folder, e))?;
    }
    refused.map_or(Ok(()), Err)?;
    directory::place(&dir, REARM, &name, b"")
        .map_err(|e| StoreError::file("write the order", &dir.join(REARM).join(name), e))
}

/// Allows the restart of a host that was proposed.
///
/// # Errors
/// When the name can be none of a file, or the file cannot be written.
pub fn approve(dir: &Path, host: &HostName, approval: &Approval) -> Result<(), StoreError> {
    let name = file_name(&Target::Named(host.to_string()))?;
    let dir = directory::visit(dir)?;
    serde_json::to_vec(approval)
        .map_err(io::Error::from)
        .and_then(|body| directory::place(&dir, APPROVE, &name, &body))
        .map_err(|e| StoreError::file("write the approval", &dir.join(APPROVE).join(name), e))
}

/// Orders the restart of a host for a rehearsal.
///
/// # Errors
/// When the name can be none of a file, or the file cannot be written.
pub fn rehearse(dir: &Path, host: &HostName, order: &Rehearsal) -> Result<(), StoreError> {
    let name = file_name(&Target::Named(host.to_string()))?;
    let dir = directory::visit(dir)?;
    serde_json::to_vec(order)
        .map_err(io::Error::from)
        .and_then(|body| directory::place(&dir, REHEARSE, &name, &body))
        .map_err(|e| StoreError::file("write the order", &dir.join(REHEARSE).join(name), e))
}

/// Says that somebody has what is told in these threads. What was said of threads that are not `open` any more is removed.
///
/// # Errors
/// When the name can be none of a file, or a file cannot be written.
pub fn acknowledge(
    dir: &Path,
    acks: &BTreeMap<IncidentId, Ack>,
    open: &BTreeSet<IncidentId>,
) -> Result<(), StoreError> {
    let dir = directory::visit(dir)?;
    let folder = dir.join(ACK);
    for (thread, ack) in acks {
        let name = file_name(&Target::Named(thread.to_string()))?;
        serde_json::to_vec(ack)
            .map_err(io::Error::from)
            .and_then(|body| directory::place(&dir, ACK, &name, &body))
            .map_err(|e| StoreError::file("write the order", &folder.join(name), e))?;
    }
    let open: BTreeSet<&str> = open.iter().map(IncidentId::as_str).collect();
    for name in names(&folder).unwrap_or_default() {
        if !open.contains(name.as_str()) {
            // It says nothing any more; one that stays does no harm.
            let _ = fs::remove_file(folder.join(name));
        }
    }
    Ok(())
}

/// The pauses as they are now, by target; those whose time is over stay listed.
#[must_use]
pub fn pauses(dir: &Path) -> BTreeMap<String, Pause> {
    OrderBook::new(dir).read().pauses
}

/// The paths of all orders of a folder, however many: to remove them, not to read them.
fn paths(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    entries.map(|entry| Ok(entry?.path())).collect()
}

/// Writes down how a drill of a host went, or of mail without a host. The last time it went well is kept.
///
/// # Errors
/// When the file cannot be written.
pub fn drilled(
    dir: &Path,
    host: Option<&HostName>,
    at: Timestamp,
    well: bool,
) -> Result<(), StoreError> {
    let (folder, name) = host.map_or((DRILL_MAIL, ALL), |host| (DRILL, host.as_str()));
    if !is_file_name(name) {
        return Err(StoreError::Target {
            name: name.to_owned(),
        });
    }
    let dir = directory::visit(dir)?;
    let before = read_drill(&dir.join(folder).join(name)).and_then(|drill| drill.succeeded);
    let succeeded = if well { Some(at) } else { before };
    serde_json::to_vec(&Drill {
        at,
        well,
        succeeded,
    })
    .map_err(io::Error::from)
    .and_then(|body| directory::place(&dir, folder, name, &body))
    .map_err(|e| StoreError::file("note the drill", &dir.join(folder).join(name), e))
}

/// The last drill. A file that cannot be read counts as none: the next drill writes it anew.
fn read_drill(path: &Path) -> Option<Drill> {
    serde_json::from_slice(&read_text(path).ok()?).ok()
}

/// The last check before acting: whether everything, or one of these names, is paused at this wall-clock time.
#[must_use]
pub fn is_paused_now(dir: &Path, names: &[&str], wall: Timestamp) -> bool {
    let folder = dir.join(PAUSE);
    names.iter().chain([&ALL]).any(|name| {
        is_file_name(name)
            && read_pause(&folder.join(name))
                .is_some_and(|pause| pause.until.is_none_or(|until| until > wall))
    })
}

/// The orders as they are now. A file is read again only if it changed.
#[derive(Debug)]
pub(super) struct OrderBook {
    dir: PathBuf,
    read: BTreeMap<String, (Marks, Pause)>,
    drills: BTreeMap<PathBuf, (Marks, Option<Drill>)>,
}

/// What changes if a file is written or replaced: inode, length, time of last change.
type Marks = (u64, u64, i64, i64);

impl OrderBook {
    pub(super) fn new(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
            read: BTreeMap::new(),
            drills: BTreeMap::new(),
        }
    }

    /// Lists the directories each time, which costs microseconds and misses nothing. A directory's own time cannot tell
    /// two orders within one tick of the kernel's clock apart, and does not change when a file is rewritten.
    pub(super) fn read(&mut self) -> Orders {
        let mut orders = Orders::default();
        let folder = self.dir.join(PAUSE);
        let mut known = BTreeMap::new();
        match names(&folder) {
            Ok(names) => {
                for name in names {
                    let path = folder.join(&name);
                    let marks = marks(&path);
                    let pause = match (self.read.remove(&name), marks) {
                        (Some((then, pause)), Some(now)) if then == now => Some(pause),
                        _ => read_pause(&path),
                    };
                    let Some(pause) = pause else { continue };
                    orders.pauses.insert(name.clone(), pause.clone());
                    if let Some(marks) = marks {
                        known.insert(name, (marks, pause));
                    }
                }
            }
            Err(why) => {
                orders
                    .pauses
                    .insert(ALL.to_owned(), unreadable(&folder, &why));
            }
        }
        self.read = known;
        // If orders to re-arm cannot be read, there are none.
        orders.rearm = names(&self.dir.join(REARM))
            .unwrap_or_default()
            .into_iter()
            .collect();
        orders.drills = self.read_drills();
        orders.approvals = read_all(&self.dir.join(APPROVE));
        orders.rehearsals = read_all(&self.dir.join(REHEARSE));
        orders.acks = read_all(&self.dir.join(ACK));
        orders
    }

    fn read_drills(&mut self) -> Drills {
        let mut drills = Drills::default();
        let mut before = std::mem::take(&mut self.drills);
        let listed = names(&self.dir.join(DRILL)).unwrap_or_default();
        let hosts = listed.into_iter().map(|name| (DRILL, name));
        for (folder, name) in hosts.chain([(DRILL_MAIL, ALL.to_owned())]) {
            let path = self.dir.join(folder).join(&name);
            let Some(now) = marks(&path) else { continue };
            let drill = match before.remove(&path) {
                Some((then, drill)) if then == now => drill,
                _ => read_drill(&path),
            };
            self.drills.insert(path, (now, drill));
            match (folder, drill) {
                (_, None) => {}
                (DRILL_MAIL, drill) => drills.mail = drill,
                (_, Some(drill)) => _ = drills.hosts.insert(name, drill),
            }
        }
        drills
    }

    /// Removes the orders to re-arm that were carried out. One that cannot be removed is carried out again
    /// when the orders change, or by a later run.
    pub(super) fn rearmed(&self, orders: &Orders) {
        let folder = self.dir.join(REARM);
        let mut removed = false;
        for name in orders.rearm.iter().filter(|name| is_file_name(name)) {
            removed |= fs::remove_file(folder.join(name)).is_ok();
        }
        if removed {
            let _ = directory::sync(&folder);
        }
    }
}

/// What was approved or acknowledged, by name. What cannot be read says nothing.
fn read_all<T: DeserializeOwned>(folder: &Path) -> BTreeMap<String, T> {
    let listed = names(folder).unwrap_or_default();
    let read = listed.into_iter().filter_map(|name| {
        let text = read_text(&folder.join(&name)).ok()?;
        Some((name, serde_json::from_slice(&text).ok()?))
    });
    read.collect()
}

fn file_name(target: &Target) -> Result<String, StoreError> {
    let name = target.to_string();
    if is_file_name(&name) {
        Ok(name)
    } else {
        Err(StoreError::Target { name })
    }
}

fn is_file_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= 200 && !name.starts_with('.') && !name.contains(['/', '\0'])
}

fn names(folder: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') {
            continue;
        }
        if names.len() == FILES {
            return Err(io::Error::other(format!(
                "it holds more than {FILES} files"
            )));
        }
        names.push(name);
    }
    Ok(names)
}

fn marks(path: &Path) -> Option<Marks> {
    let found = path.symlink_metadata().ok()?;
    Some((found.ino(), found.len(), found.ctime(), found.ctime_nsec()))
}

/// The pause in a file; `None` if there is no such file.
fn read_pause(path: &Path) -> Option<Pause> {
    match read_text(path) {
        Ok(text) if text.trim_ascii().is_empty() => Some(Pause::default()),
        Ok(text) => Some(serde_json::from_slice(&text).unwrap_or_else(|_| Pause {
            reason: Some(format!("{} is not an order of probe", path.display())),
            ..Pause::default()
        })),
        Err(why) if why.kind() == io::ErrorKind::NotFound => None,
        Err(why) => Some(unreadable(path, &why)),
    }
}

fn read_text(path: &Path) -> io::Result<Vec<u8>> {
    // Opening a pipe would wait for its writer.
    if !path.symlink_metadata()?.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    let mut text = Vec::new();
    File::open(path)?.take(BYTES).read_to_end(&mut text)?;
    Ok(text)
}

fn unreadable(path: &Path, why: &io::Error) -> Pause {
    Pause {
        reason: Some(format!("{} cannot be read: {why}", path.display())),
        ..Pause::default()
    }
}
