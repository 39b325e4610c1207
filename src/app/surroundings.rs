//! What the program reads from its environment, once, at the beginning.
#![expect(
    clippy::disallowed_methods,
    reason = "the one door through which the environment is read"
)]

use std::ffi::OsString;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::adapters;
use crate::adapters::command::Environment;
use crate::cli::Cli;
use crate::cli::place::{self, NoConfig, NoStateDir, StateSurroundings};
use crate::model::Wording;
use crate::ports::Store;
use crate::render::terminal::Layout;
use crate::render::words::Voice;

/// Where a line ends that nobody measured: what fits every terminal and every mail from cron.
const WIDTH: usize = 100;

/// The environment.
pub(super) struct Surroundings {
    probe_config: Option<OsString>,
    state: StateSurroundings,
    no_color: Option<OsString>,
    clicolor_force: Option<OsString>,
    term: Option<OsString>,
    locale: [Option<OsString>; 3],
    messages: [Option<OsString>; 3],
    pub(super) stdout_is_terminal: bool,
    /// Whether a person may be looking at stderr.
    pub(super) stderr_is_terminal: bool,
    width: Option<usize>,
    /// Where files may lie that nobody misses.
    pub(super) temporary: PathBuf,
    /// What other programs see of it.
    pub(super) passed_on: Environment,
}

impl Surroundings {
    pub(super) fn read() -> Self {
        let var = std::env::var_os;
        Self {
            probe_config: var("PROBE_CONFIG"),
            state: StateSurroundings {
                probe_state_dir: var("PROBE_STATE_DIR"),
                state_directory: var("STATE_DIRECTORY"),
                is_root: rustix::process::geteuid().is_root(),
                may_write_system: may_write(Path::new(place::SYSTEM_STATE)),
                xdg_state_home: var("XDG_STATE_HOME"),
                home: var("HOME"),
            },
            no_color: var("NO_COLOR"),
            clicolor_force: var("CLICOLOR_FORCE"),
            term: var("TERM"),
            locale: ["LC_ALL", "LC_CTYPE", "LANG"].map(var),
            messages: ["LC_ALL", "LC_MESSAGES", "LANG"].map(var),
            stdout_is_terminal: std::io::stdout().is_terminal(),
            stderr_is_terminal: std::io::stderr().is_terminal(),
            width: columns(),
            temporary: std::env::temp_dir(),
            passed_on: Environment {
                path: var("PATH"),
                lang: var("LANG"),
                home: var("HOME"),
            },
        }
    }

    pub(super) fn config_path(&self, cli: &Cli) -> Result<PathBuf, NoConfig> {
        place::config(
            cli.global.config.as_deref(),
            self.probe_config.clone(),
            |path| path.exists(),
        )
    }

    /// The second configuration that may be meant.
    pub(super) fn other_config(&self, cli: &Cli) -> Option<PathBuf> {
        let one = |a: &Path, b: &Path| a.canonicalize().ok() == b.canonicalize().ok();
        let flag = cli.global.config.as_deref();
        place::other_config(flag, self.probe_config.clone(), |path| path.exists(), one)
    }

    /// The state directory.
    pub(super) fn state_path(&self, cli: &Cli) -> Result<PathBuf, NoStateDir> {
        place::state_dir(cli.global.state_dir.as_deref(), self.state.clone())
    }

    /// The second state directory that may be meant.
    pub(super) fn other_state(&self, cli: &Cli) -> Option<PathBuf> {
        let flag = cli.global.state_dir.as_deref();
        place::other_state(flag, self.state.clone(), |path| path.is_dir())
    }

    /// The door to the state.
    pub(super) fn store(&self, cli: &Cli) -> Result<Arc<dyn Store>, NoStateDir> {
        self.state_path(cli).map(adapters::state_at)
    }

    /// Who speaks at the terminal: the language that was asked for, by the clock and with the words of the configuration.
    pub(super) fn voice(&self, cli: &Cli, wording: &Wording) -> Voice {
        let language = cli
            .global
            .lang
            .unwrap_or_else(|| place::language(self.messages.clone()));
        Voice::of(&Wording {
            language,
            ..wording.clone()
        })
    }

    /// How what goes to stdout is to look.
    pub(super) fn look(&self, cli: &Cli, dry_run: bool) -> Layout {
        self.look_on(cli, dry_run, self.stdout_is_terminal)
    }

    /// How what goes to stderr is to look.
    pub(super) fn look_on_stderr(&self, cli: &Cli, dry_run: bool) -> Layout {
        self.look_on(cli, dry_run, self.stderr_is_terminal)
    }

    fn look_on(&self, cli: &Cli, dry_run: bool, is_terminal: bool) -> Layout {
        let color = place::color(
            cli.global.color,
            self.no_color.clone(),
            self.clicolor_force.clone(),
            self.term.clone(),
            is_terminal,
        );
        Layout {
            color,
            width: self.width.unwrap_or(WIDTH),
            verbose: cli.global.verbose > 0,
            dry_run,
            unicode: place::unicode(self.locale.clone(), self.term.clone()),
        }
    }
}

/// Whether we may make files in a directory.
fn may_write(directory: &Path) -> bool {
    use rustix::fs::{Access, AtFlags, CWD, accessat};
    let wanted = Access::WRITE_OK | Access::EXEC_OK;
    directory.is_dir() && accessat(CWD, directory, wanted, AtFlags::EACCESS).is_ok()
}

/// Columns of the terminal, or what `COLUMNS` says.
fn columns() -> Option<usize> {
    let told = std::env::var("COLUMNS")
        .ok()
        .and_then(|text| text.parse().ok());
    told.or_else(|| {
        let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok()?;
        Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
    })
}
