//! Where the configuration and the state are, and whether to colour: functions of the command line and of what the caller
//! read from the environment. An empty variable counts as one that is not set.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::Color;
use crate::model::Language;

/// Looked at when neither `--config` nor `PROBE_CONFIG` says otherwise.
pub const CONFIG_FILES: [&str; 2] = ["./probes.yaml", "/etc/probe/probes.yaml"];

/// The state of the system's own watch.
pub const SYSTEM_STATE: &str = "/var/lib/probe";

/// There is no configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "no configuration found: looked at ./probes.yaml and /etc/probe/probes.yaml, and neither --config nor PROBE_CONFIG \
     names one; to look at a site without a file: probe once https://your.site/"
)]
pub struct NoConfig;

/// The configuration's path: `--config`, `PROBE_CONFIG`, then the first of [`CONFIG_FILES`] that `exists`.
///
/// A path somebody named is taken as it is: reading it says what is wrong with it.
///
/// # Errors
/// When nothing is named and nothing is found.
pub fn config(
    flag: Option<&Path>,
    probe_config: Option<OsString>,
    exists: impl Fn(&Path) -> bool,
) -> Result<PathBuf, NoConfig> {
    flag.map(Path::to_path_buf)
        .or_else(|| set(probe_config).map(PathBuf::from))
        .or_else(|| {
            CONFIG_FILES
                .iter()
                .map(PathBuf::from)
                .find(|path| exists(path))
        })
        .ok_or(NoConfig)
}

/// The other of [`CONFIG_FILES`], where both are there and nobody named one: the first is taken, and the second may be meant.
/// `is_same` says whether the two are one file, as they are in `/etc/probe`.
pub fn other_config(
    flag: Option<&Path>,
    probe_config: Option<OsString>,
    exists: impl Fn(&Path) -> bool,
    is_same: impl Fn(&Path, &Path) -> bool,
) -> Option<PathBuf> {
    let [here, system] = CONFIG_FILES.map(Path::new);
    let chosen = flag.is_none() && set(probe_config).is_none();
    let two = chosen && exists(here) && exists(system) && !is_same(here, system);
    two.then(|| system.to_path_buf())
}

/// What the place of the state depends on besides `--state-dir`.
#[derive(Debug, Clone, Default)]
pub struct StateSurroundings {
    /// `PROBE_STATE_DIR`.
    pub probe_state_dir: Option<OsString>,
    /// `STATE_DIRECTORY`, as systemd sets it: several directories with `:` between them, of which the first is ours.
    pub state_directory: Option<OsString>,
    /// Whether we are root.
    pub is_root: bool,
    /// Whether [`SYSTEM_STATE`] is there and we may write into it, as the account may that watches.
    pub may_write_system: bool,
    /// `XDG_STATE_HOME`; a relative one is ignored, as its specification says.
    pub xdg_state_home: Option<OsString>,
    /// `HOME`.
    pub home: Option<OsString>,
}

/// There is no place for the state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "no place for the state: neither HOME nor XDG_STATE_HOME is set; name a directory with --state-dir or PROBE_STATE_DIR"
)]
pub struct NoStateDir;

/// The state directory: `--state-dir`, `PROBE_STATE_DIR`, `STATE_DIRECTORY`, `/var/lib/probe` for root and for whoever may write
/// there, `$XDG_STATE_HOME/probe`, `$HOME/.local/state/probe`.
///
/// # Errors
/// When none of these is there.
pub fn state_dir(flag: Option<&Path>, around: StateSurroundings) -> Result<PathBuf, NoStateDir> {
    if let Some(dir) = flag {
        return Ok(dir.to_path_buf());
    }
    if let Some(dir) = set(around.probe_state_dir) {
        return Ok(PathBuf::from(dir));
    }
    let first = set(around.state_directory)
        .and_then(|dirs| std::env::split_paths(&dirs).find(|dir| !dir.as_os_str().is_empty()));
    if let Some(dir) = first {
        return Ok(dir);
    }
    if around.is_root || around.may_write_system {
        return Ok(PathBuf::from(SYSTEM_STATE));
    }
    set(around.xdg_state_home)
        .map(PathBuf::from)
        .filter(|dir| dir.is_absolute())
        .or_else(|| set(around.home).map(|home| Path::new(&home).join(".local/state")))
        .map(|dir| dir.join("probe"))
        .ok_or(NoStateDir)
}

/// [`SYSTEM_STATE`], where it is there and a user who may not write into it named no other: what the system's watch keeps may be meant.
pub fn other_state(
    flag: Option<&Path>,
    around: StateSurroundings,
    exists: impl Fn(&Path) -> bool,
) -> Option<PathBuf> {
    let system = Path::new(SYSTEM_STATE);
    let named = flag.is_some()
        || set(around.probe_state_dir)
            .or(set(around.state_directory))
            .is_some();
    let two = !named && !around.is_root && !around.may_write_system && exists(system);
    two.then(|| system.to_path_buf())
}

/// Whether to colour: `--color`, then `NO_COLOR`, then `CLICOLOR_FORCE`, then whether there is a terminal that can.
#[must_use]
pub fn color(
    choice: Color,
    no_color: Option<OsString>,
    clicolor_force: Option<OsString>,
    term: Option<OsString>,
    is_terminal: bool,
) -> bool {
    match choice {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => {
            if set(no_color).is_some() {
                false
            } else if set(clicolor_force).is_some_and(|value| value != "0") {
                true
            } else {
                is_terminal && term.is_none_or(|term| term != "dumb")
            }
        }
    }
}

/// Whether the terminal shows more than ASCII: by the first of `LC_ALL`, `LC_CTYPE` and `LANG` that is set; `TERM=dumb`
/// never does.
#[must_use]
pub fn unicode(locale: [Option<OsString>; 3], term: Option<OsString>) -> bool {
    let named = locale.into_iter().find_map(set).is_some_and(|locale| {
        let locale = locale.to_string_lossy().to_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    });
    named && term.is_none_or(|term| term != "dumb")
}

/// The language of what is said, by the first of `LC_ALL`, `LC_MESSAGES` and `LANG` that is set: Japanese for `ja` and `ja_JP.…`, else English.
#[must_use]
pub fn language(locale: [Option<OsString>; 3]) -> Language {
    let named = locale.into_iter().find_map(set);
    let is_japanese = named.is_some_and(|locale| {
        let locale = locale.to_string_lossy();
        locale.split(['_', '.', '@', '-']).next() == Some("ja")
    });
    if is_japanese {
        Language::Ja
    } else {
        Language::En
    }
}

fn set(variable: Option<OsString>) -> Option<OsString> {
    variable.filter(|value| !value.is_empty())
}
