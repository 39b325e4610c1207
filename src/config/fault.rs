//! What is wrong with a configuration, and where.
//!
//! A fault prints as one line that an editor can jump to:
//! ``probes.yaml:4:5: profiles.shop.intervall: unknown key, did you mean `interval`?``
//! A fault without a place in a file (a directory that is empty) leaves the place out.
//! No fault quotes a URL or a password: what people paste into a ticket must be harmless.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::model::{Named, Unfit};

/// Faults that are told at once; who has more than this has one mistake many times.
const CAP: usize = 200;

/// Faults that are kept in memory until they are sorted; the rest is only counted.
const KEPT: usize = 20_000;

/// A place in a configuration: file, line, column and the path of keys that leads there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spot {
    /// The file, as it was named to us.
    pub(super) file: Arc<PathBuf>,
    /// From 1; 0 when the whole file is meant.
    pub(super) line: u64,
    /// From 1.
    pub(super) column: u64,
    /// `profiles.shop.urls[0]`; empty for the document itself.
    pub(super) path: Arc<str>,
}

impl Spot {
    /// A file as a whole.
    pub(super) fn whole(file: &Arc<PathBuf>) -> Self {
        Self {
            file: Arc::clone(file),
            line: 0,
            column: 0,
            path: Arc::from(""),
        }
    }

    /// The same place, spoken of as the key `key` that should stand below it.
    pub(super) fn below(&self, key: &str) -> Self {
        Self {
            path: join(&self.path, key).into(),
            ..self.clone()
        }
    }

    /// The place without the key path: `probes.yaml:4:5`.
    pub(super) fn position(&self) -> String {
        format!("{}:{}:{}", self.file.display(), self.line, self.column)
    }
}

/// `path` with `key` below it, safe to print and of bounded length.
pub(super) fn join(path: &str, key: &str) -> String {
    let key = clip(key);
    if path.is_empty() {
        key
    } else {
        format!("{path}.{key}")
    }
}

/// A text from a file without what may be the credentials of a URL: a URL that stands where a name belongs.
pub(super) fn discreet(text: &str) -> String {
    let hidden = text.split_once("://").and_then(|(scheme, rest)| {
        let (_, host) = rest.rsplit_once('@')?;
        Some(format!("{scheme}://***@{host}"))
    });
    hidden.unwrap_or_else(|| text.to_owned())
}

/// A text from a file as it may stand in a message: no credentials, no control characters, at most 60 characters.
pub(super) fn clip(text: &str) -> String {
    const KEPT: usize = 60;
    let text = discreet(text);
    let mut shown = one_line(&text.chars().take(KEPT).collect::<String>());
    if text.chars().nth(KEPT).is_some() {
        shown.push('…');
    }
    shown
}

/// A text of ours that quotes a file, without control characters.
pub(super) fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

/// What the reader can do about a fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hint {
    /// The word that was probably meant.
    Meant(String),
    /// What to write or to run.
    Act(String),
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Meant(word) => write!(f, "did you mean `{word}`?"),
            Self::Act(text) => f.write_str(text),
        }
    }
}

/// One thing that is wrong, or in a list of warnings: that is probably not meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The file, as it was named to us; inside a directory, the directory joined with the file's name.
    pub file: PathBuf,
    /// From 1; 0 when the whole file is meant.
    pub line: u64,
    /// From 1, in characters.
    pub column: u64,
    /// The keys that lead there: `profiles.shop.interval`. Empty for the file itself.
    pub path: String,
    /// What is wrong, a lower-case fragment.
    pub message: String,
    /// What can be done about it.
    pub hint: Option<Hint>,
}

impl Fault {
    /// A fault at `spot`.
    pub(super) fn new(spot: &Spot, message: impl Into<String>) -> Self {
        Self {
            file: spot.file.as_ref().clone(),
            line: spot.line,
            column: spot.column,
            path: spot.path.to_string(),
            message: message.into(),
            hint: None,
        }
    }

    /// With what to write or to run.
    pub(super) fn act(mut self, text: impl Into<String>) -> Self {
        self.hint = Some(Hint::Act(text.into()));
        self
    }

    /// With the word that was probably meant, if there is one.
    pub(super) fn meant(mut self, word: Option<&str>) -> Self {
        self.hint = word.map(|word| Hint::Meant(word.to_owned())).or(self.hint);
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        if !self.path.is_empty() {
            write!(f, ": {}", self.path)?;
        }
        write!(f, ": {}", self.message)?;
        match &self.hint {
            None => Ok(()),
            Some(hint @ Hint::Meant(_)) => write!(f, ", {hint}"),
            Some(hint @ Hint::Act(_)) => write!(f, "; {hint}"),
        }
    }
}

/// Everything that is wrong with a configuration. Prints one fault per line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults {
    /// In the order of the files; never empty.
    pub faults: Vec<Fault>,
    /// What is probably not meant, besides.
    pub warnings: Vec<Fault>,
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.faults.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            fault.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

impl From<Fault> for Faults {
    fn from(fault: Fault) -> Self {
        vec![fault].into()
    }
}

impl From<Vec<Fault>> for Faults {
    fn from(faults: Vec<Fault>) -> Self {
        Self {
            faults,
            warnings: Vec::new(),
        }
    }
}

/// Looks into what a configuration names.
pub type Open<'a> = dyn Fn(&Named) -> Result<(), Unfit> + 'a;

/// Collects faults and warnings while the reading goes on.
///
/// What stands in `defaults` is read once for every profile: the same fault at the same place is told once.
#[derive(Debug, Default)]
pub(super) struct Report {
    faults: Vec<Fault>,
    /// Faults that were not kept.
    dropped: usize,
    warnings: Vec<Fault>,
    named: Vec<(Spot, Named)>,
    /// Places that were judged once and need not be again.
    judged: BTreeSet<(Arc<PathBuf>, u64, u64)>,
}

impl Report {
    /// Whether what stands there is judged for the first time: what `defaults` says is read once for every profile.
    pub(super) fn is_new(&mut self, spot: &Spot) -> bool {
        let place = (Arc::clone(&spot.file), spot.line, spot.column);
        self.judged.insert(place)
    }

    /// What another found goes before what this one finds.
    pub(super) fn take_in(&mut self, other: Self) {
        for fault in other.faults {
            self.fault(fault);
        }
        self.dropped += other.dropped;
        self.warnings.extend(other.warnings);
        self.named.extend(other.named);
    }

    /// Something is wrong.
    pub(super) fn fault(&mut self, fault: Fault) {
        if self.faults.len() < KEPT {
            self.faults.push(fault);
        } else {
            self.dropped += 1;
        }
    }

    /// Something is probably not meant.
    pub(super) fn warn(&mut self, warning: Fault) {
        if self.warnings.len() < KEPT {
            self.warnings.push(warning);
        }
    }

    /// The configuration names this, at `spot`.
    pub(super) fn names(&mut self, spot: &Spot, named: Named) {
        self.named.push((spot.clone(), named));
    }

    /// Looks into all that was named, once each.
    pub(super) fn open(&mut self, open: &Open<'_>) {
        let mut known: BTreeMap<Named, Option<Unfit>> = BTreeMap::new();
        for (spot, named) in std::mem::take(&mut self.named) {
            let found = known
                .entry(named)
                .or_insert_with_key(|named| open(named).err());
            let Some(unfit) = found else {
                continue;
            };
            let fault = Fault::new(&spot, unfit.message.as_str());
            let fault = match &unfit.act {
                Some(act) => fault.act(act.as_str()),
                None => fault,
            };
            if unfit.only_here {
                self.warn(fault);
            } else {
                self.fault(fault);
            }
        }
    }

    /// The warnings, or everything that is wrong.
    pub(super) fn finish(self) -> Result<Vec<Fault>, Faults> {
        let faults = sorted(self.faults, self.dropped);
        let warnings = sorted(self.warnings, 0);
        if faults.is_empty() {
            Ok(warnings)
        } else {
            Err(Faults { faults, warnings })
        }
    }
}

fn sorted(mut faults: Vec<Fault>, dropped: usize) -> Vec<Fault> {
    faults.sort_by(|a, b| {
        let place = |f: &Fault| (f.line, f.column);
        (a.file.cmp(&b.file))
            .then_with(|| place(a).cmp(&place(b)))
            .then_with(|| a.path.cmp(&b.path))
            .then_with(|| a.message.cmp(&b.message))
    });
    faults.dedup();
    let more = faults.len().saturating_sub(CAP) + dropped;
    if more > 0 {
        faults.truncate(CAP);
        if let Some(last) = faults.last().cloned() {
            faults.push(Fault {
                path: String::new(),
                message: format!("{more} more after this one"),
                hint: None,
                ..last
            });
        }
    }
    faults
}
