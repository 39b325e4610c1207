//! Reads the configuration for a command, and tells what is wrong with it: on stderr, and with `--json` as a document on stdout.
//! Which configuration and which state are used is said on stderr at a terminal; that others may be meant (`./probes.yaml` beside
//! `/etc/probe/probes.yaml`), wherever somebody may read it.
//!
//! Who is to use what it names (`check`, `once`, `run`, `drill`) has it looked into; who only reads what is remembered has not:
//! `probe status` goes on while a certificate file is being replaced.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::cli::place::CONFIG_FILES;
use crate::cli::{Cli, Command, LogForm, Subject};
use crate::config::{self, Fault, Faults, Hint, Loaded};
use crate::exit::Exit;
use crate::model::{Form, Settings};
use crate::render::{webhook, words};

use super::surroundings::Surroundings;
use super::{answer, complain, named, say_error};

/// What a command uses of what lies around: the configuration, the state.
const fn uses(command: &Command) -> (bool, bool) {
    match command {
        Command::Once(once) => {
            let of_a_file = !matches!(once.subject, Subject::Urls(_));
            (of_a_file, of_a_file)
        }
        Command::Check(_) => (true, false),
        Command::Run
        | Command::Status(_)
        | Command::Why(_)
        | Command::History(_)
        | Command::Replay(_)
        | Command::Pause(_)
        | Command::Resume(_)
        | Command::Ack(_)
        | Command::Approve(_)
        | Command::Drill(_) => (true, true),
        Command::Schema
        | Command::Completions(_)
        | Command::Man(_)
        | Command::Init(_)
        | Command::Version(_) => (false, false),
    }
}

/// Says which configuration and state a command uses, at a terminal, and in any case where others may be meant. With `-q` neither.
pub(super) fn say_places(cli: &Cli, around: &Surroundings) {
    let (config, state) = uses(&cli.command);
    let path = around.config_path(cli).ok().filter(|_| config);
    if cli.global.quiet || path.is_none() {
        return;
    }
    if around.stderr_is_terminal {
        let named = [
            ("configuration", path),
            ("state", around.state_path(cli).ok().filter(|_| state)),
        ];
        let named = named.into_iter().filter_map(|(what, path)| {
            let path = path?;
            Some(format!("{what} {}", path.display()))
        });
        say_error(&format!("probe: {}", named.collect::<Vec<_>>().join(", ")));
    }
    for doubt in doubts(cli, around) {
        if matches!(cli.command, Command::Run) || cli.global.log == LogForm::Json {
            tracing::warn!("{doubt}");
        } else {
            say_error(&format!("warning: {doubt}"));
        }
    }
}

/// Where another configuration or state may be meant than the one that is used.
pub(super) fn doubts(cli: &Cli, around: &Surroundings) -> Vec<String> {
    let (config, state) = uses(&cli.command);
    let other_config = around.other_config(cli).filter(|_| config);
    let other_state = around.other_state(cli).filter(|_| state);
    let of_config = other_config.map(|other| {
        let (used, other) = (CONFIG_FILES[0], other.display());
        format!(
            "{used} is used, and {other} is there too: name the one that is meant with --config"
        )
    });
    let of_state = other_state.and_then(|other| {
        let (used, other) = (around.state_path(cli).ok()?, other.display());
        let used = used.display();
        Some(format!(
            "the state in {used} is used, and {other} is there too, where this user may not write: run this as the user who owns it, or name the one that is meant with --state-dir"
        ))
    });
    of_config.into_iter().chain(of_state).collect()
}

/// The configuration, and all that it names looked into.
pub(super) fn opened(cli: &Cli, around: &Surroundings) -> Result<Loaded, Exit> {
    read(cli, around, |path| config::load_opening(path, &named::open))
}

fn read(
    cli: &Cli,
    around: &Surroundings,
    load: impl Fn(&Path) -> Result<Loaded, Faults>,
) -> Result<Loaded, Exit> {
    let path = around.config_path(cli).map_err(|error| {
        if wants_json(cli) {
            let fault = json!({
                "file": null, "line": null, "column": null, "key": "", "message": error.to_string(), "hint": null,
            });
            answer(&document(vec![fault], &[]));
        }
        complain(&error)
    })?;
    load(&path).map_err(|faults| refuse(cli, &faults))
}

/// Whether one document on stdout is asked for.
const fn wants_json(cli: &Cli) -> bool {
    match &cli.command {
        Command::Once(once) => once.json,
        Command::Check(check) => check.json,
        Command::Status(status) => status.json,
        Command::Why(why) => why.json,
        Command::History(history) => history.json,
        Command::Replay(order) => order.json,
        Command::Version(version) => version.json,
        Command::Run
        | Command::Schema
        | Command::Completions(_)
        | Command::Man(_)
        | Command::Pause(_)
        | Command::Resume(_)
        | Command::Ack(_)
        | Command::Approve(_)
        | Command::Drill(_)
        | Command::Init(_) => false,
    }
}

/// Tells what is wrong, and that nothing was done.
pub(super) fn refuse(cli: &Cli, faults: &Faults) -> Exit {
    if wants_json(cli) {
        let told = faults.faults.iter().map(told).collect();
        answer(&document(told, &faults.warnings));
    }
    for warning in &faults.warnings {
        say_error(&format!("warning: {warning}"));
    }
    say_error(&faults.to_string());
    Exit::Unknown
}

fn document(faults: Vec<Value>, warnings: &[Fault]) -> String {
    let warnings: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    let document = json!({"schema": 1, "ok": false, "faults": faults, "warnings": warnings});
    format!("{document:#}")
}

fn told(fault: &Fault) -> Value {
    // A fault of the whole file has no line.
    let place = |number: u64| (fault.line > 0).then_some(number);
    json!({
        "file": fault.file.display().to_string(),
        "line": place(fault.line),
        "column": place(fault.column),
        "key": fault.path,
        "message": fault.message,
        "hint": fault.hint.as_ref().map(ToString::to_string),
    })
}

/// The configuration with its warnings told, for commands that read what is remembered.
pub(super) fn settings(cli: &Cli, around: &Surroundings) -> Result<Arc<Settings>, Exit> {
    read(cli, around, config::load).map(|loaded| warned(cli, loaded))
}

/// The same for commands that use what it names.
pub(super) fn settings_opened(cli: &Cli, around: &Surroundings) -> Result<Arc<Settings>, Exit> {
    opened(cli, around).map(|loaded| warned(cli, loaded))
}

fn warned(cli: &Cli, loaded: Loaded) -> Arc<Settings> {
    if !cli.global.quiet {
        for warning in loaded.warnings.iter().chain(&misworded(&loaded.settings)) {
            tracing::warn!("{warning}");
        }
    }
    Arc::new(loaded.settings)
}

/// What is wrong with what people wrote for us to say: words for mails, bodies of webhooks. `probe check` refuses it; a watch goes
/// on, with our words, and such a webhook waits.
pub(super) fn misworded(settings: &Settings) -> Vec<Fault> {
    let bodies = settings.webhooks.iter().filter_map(|to| match &to.form {
        Form::Body(template) => webhook::check(template),
        Form::Preset(_) => None,
    });
    words::check(&settings.wording)
        .into_iter()
        .chain(bodies)
        .map(|complaint| Fault {
            file: complaint.path,
            line: complaint.line as u64,
            column: 1,
            path: complaint.piece,
            message: complaint.message,
            hint: complaint.act.map(Hint::Act),
        })
        .collect()
}
