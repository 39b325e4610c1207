//! The roof: reads the command line and the surroundings, assembles the rooms below, and says how it ended.
//!
//! What a command answers goes to stdout, everything else to stderr. Errors are told once, here, with what to do. An answer that could
//! not be written (a full disk) is an error: the command ends with 3 unless it ends with 2.

mod drill;
mod follow;
mod init;
mod look;
pub mod named;
mod order;
mod reading;
mod recall;
mod replay;
mod signals;
mod surroundings;
mod watch;

use std::ffi::OsString;
use std::io::{ErrorKind, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::cli::{self, Cli, Command, LogForm, Subject};
use crate::exit::Exit;

use reading::{misworded, opened, settings, settings_opened};
use surroundings::Surroundings;

/// Whether an answer could not be written. What was ordered is done by then, so this is heeded at the end only.
static UNANSWERED: AtomicBool = AtomicBool::new(false);

/// Runs the program: understands `args` (its own name first), carries the command out, and says how to end.
pub fn run(args: impl IntoIterator<Item = OsString>) -> Exit {
    let exit = match cli::parse(args) {
        Ok(cli) => carry_out(&cli),
        Err(exit) => return exit,
    };
    if UNANSWERED.load(Ordering::Relaxed) {
        exit.worst(Exit::Unknown)
    } else {
        exit
    }
}

fn carry_out(cli: &Cli) -> Exit {
    let around = Surroundings::read();
    let verbosity = verbosity(cli, &around);
    let format = match cli.global.log {
        LogForm::Text => crate::adapters::observe::LogFormat::Text,
        LogForm::Json => crate::adapters::observe::LogFormat::Json,
    };
    let _log = match crate::adapters::observe::init_logging(format, verbosity) {
        Ok(guard) => guard,
        Err(error) => return complain(&error),
    };
    log_panics();
    reading::say_places(cli, &around);
    match &cli.command {
        Command::Once(once) => match &once.subject {
            Subject::Urls(urls) => look::urls(cli, &around, once, urls),
            Subject::Due | Subject::Profiles(_) => watch::once(cli, &around, once),
        },
        Command::Run => watch::run(cli, &around),
        Command::Check(check) => look::check(cli, &around, check),
        Command::Status(status) if status.watch => follow::status(cli, &around, status),
        Command::Status(status) => look::status(cli, &around, status),
        Command::Why(why) => recall::why(cli, &around, why),
        Command::History(history) => recall::history(cli, &around, history),
        Command::Replay(order) => replay::replay(cli, &around, order),
        Command::Pause(pause) => order::pause(cli, &around, pause),
        Command::Resume(resume) => order::resume(cli, &around, resume),
        Command::Ack(ack) => order::ack(cli, &around, ack),
        Command::Approve(approve) => order::approve(cli, &around, approve),
        Command::Drill(drill) => drill::drill(cli, &around, drill),
        Command::Init(order) => init::init(cli, order),
        Command::Schema => look::schema(),
        Command::Completions(order) => look::completions(order),
        Command::Man(order) => look::manual(order),
        Command::Version(version) => look::version(version),
    }
}

/// The daemon logs what happens. A single cycle answers with a report, and logs what a person must act on; more with
/// `-v` or `--log json`.
fn verbosity(cli: &Cli, _around: &Surroundings) -> i8 {
    let asked = i8::try_from(cli.global.verbose).unwrap_or(i8::MAX);
    let daemon = matches!(cli.command, Command::Run) || cli.global.log == LogForm::Json;
    match (cli.global.quiet, daemon) {
        (true, _) => -1,
        (false, true) => asked,
        (false, false) => asked.saturating_sub(1),
    }
}

/// A panic in one task must not end the others; it is logged and its order counts as failed.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        // Else the line would go with the screen.
        crate::adapters::screen::leave();
        let place = panic
            .location()
            .map_or_else(String::new, ToString::to_string);
        tracing::error!(%place, "internal error: please report it with this line");
    }));
}

/// Tells an error with its causes, and that we could not tell.
fn complain(error: &dyn std::error::Error) -> Exit {
    say_error(&format!("probe: {}", with_causes(error)));
    Exit::Unknown
}

/// An error with what led to it.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    text
}

fn say_error(text: &str) {
    // Nobody may be reading stderr; there is nobody else to tell.
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// The answer. A reader that has gone away (`probe status | head -1`) is not an error; a disk that is full is one.
fn answer(text: &str) {
    let end: &[u8] = if text.ends_with('\n') { b"" } else { b"\n" };
    let mut out = std::io::stdout().lock();
    let written = [text.as_bytes(), end]
        .into_iter()
        .try_for_each(|part| out.write_all(part))
        .and_then(|()| out.flush());
    if let Err(error) = written
        && error.kind() != ErrorKind::BrokenPipe
        && !UNANSWERED.swap(true, Ordering::Relaxed)
    {
        say_error(&format!(
            "probe: the answer could not be written to stdout: {error}"
        ));
    }
}

/// The asynchronous machinery; two threads are enough, nothing here is bound by the processor for long.
fn runtime() -> Result<tokio::runtime::Runtime, Exit> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(8)
        .enable_all()
        .build()
        .map_err(|error| complain(&error))
}
