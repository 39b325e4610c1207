//! The command line: what may be written there, and what it means.
//!
//! Global options stand before or after the command. A usage error is told on stderr and ends with exit code 3, never with
//! clap's own 2, which would read as "critical" in a monitoring system; `--help` and `--version` answer on stdout and end
//! with 0. Nothing here reads the environment or touches a file: what depends on them is a function of what the caller read
//! (see [`place`]).

pub mod place;
mod span;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{ArgAction, Args, CommandFactory, Parser, Subcommand, ValueEnum};
use url::Url;

use crate::exit::Exit;
use crate::model::{ProfileName, Target};

pub use span::{SpanError, span};

const EXIT_CODES: &str = "\
Exit codes (the worst of all wins):
  0  all well
  1  warning: degraded (slow, certificate expiring, maintenance), a mail was refused for good
  2  critical: a profile is down or failing, a host gave up; the command failed
  3  could not tell: bad usage or configuration, lock held, own network down, state unusable";

const EXAMPLES: &str = "\
Examples:
  probe once https://www.example.com/   look at one URL; needs no file, changes nothing
  probe once --dry-run                  probe everything due and say what would be done
  probe once -q                         the line for cron: silent unless a person must act
  probe pause web1 --for 2h --reason deploy";

/// A command line, understood.
#[derive(Debug, Clone, Parser)]
#[command(
    name = "probe",
    version,
    about = "Watches web sites from outside and restarts their web server over SSH when it has really stopped",
    after_help = EXIT_CODES,
    after_long_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"),
    propagate_version = false,
    disable_help_subcommand = true,
    arg_required_else_help = true,
    max_term_width = 100
)]
pub struct Cli {
    /// What holds for every command.
    #[command(flatten)]
    pub global: Global,
    /// Which command.
    #[command(subcommand)]
    pub command: Command,
}

/// Options that every command takes, before or after its name.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// Configuration: a file, or a directory of *.yaml [default: $PROBE_CONFIG, ./probes.yaml, /etc/probe/probes.yaml]
    #[arg(
        short,
        long,
        global = true,
        value_name = "FILE|DIR",
        help_heading = "Global options"
    )]
    pub config: Option<PathBuf>,
    /// Where the state is kept [default: $PROBE_STATE_DIR, $STATE_DIRECTORY, /var/lib/probe for root, $XDG_STATE_HOME/probe]
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        help_heading = "Global options"
    )]
    pub state_dir: Option<PathBuf>,
    /// Colour; auto: on a terminal, unless NO_COLOR is set
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t = Color::Auto, help_heading = "Global options")]
    pub color: Color,
    /// Form of the log on stderr
    #[arg(long, global = true, value_name = "FORM", value_enum, default_value_t = LogForm::Text, help_heading = "Global options")]
    pub log: LogForm,
    /// Say more (-vv: everything)
    #[arg(short, long, global = true, action = ArgAction::Count, help_heading = "Global options")]
    pub verbose: u8,
    /// Say nothing unless a person must act
    #[arg(
        short,
        long,
        global = true,
        conflicts_with = "verbose",
        help_heading = "Global options"
    )]
    pub quiet: bool,
    /// Language of the output
    #[arg(long, global = true, value_name = "LANG", value_parser = language, default_value = "en", help_heading = "Global options")]
    pub lang: Language,
}

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogForm {
    /// A line for people.
    Text,
    /// A JSON document per line.
    Json,
}

/// Language of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// English.
    English,
}

/// What to do.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// One cycle: probe what is due, decide, act, mail; then exit (for cron, a timer, or by hand)
    #[command(
        after_help = EXIT_CODES,
        long_about = "One cycle: probe what is due, decide, act, mail; then exit (for cron, a timer, or by hand).\n\n\
            Without names every profile that is due is probed; a named one is probed now. A URL is looked at without a \
            configuration: no state, no action, no mail."
    )]
    Once(Once),
    /// Daemon: every profile on its own interval
    Run,
    /// Read and validate the configuration; touches no network
    #[command(after_help = EXIT_CODES)]
    Check(Check),
    /// What is up, what is not, what was done, what is waited for
    #[command(after_help = EXIT_CODES)]
    Status(Status),
    /// Stop acting on a profile, a host or all; watching goes on
    Pause(Pause),
    /// Act again; also re-arms a host that gave up
    Resume(Resume),
    /// Rehearse what a recovery needs: send a test mail to every recipient
    Drill(Drill),
    /// Say which version this is
    Version(Version),
}

/// `probe once`.
#[derive(Debug, Clone, Args)]
pub struct Once {
    /// Profiles to probe now, or URLs to look at
    #[arg(value_name = "PROFILE|URL")]
    words: Vec<String>,
    /// Probe and say what would be done; write, send and restart nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// One JSON document on stdout
    #[arg(long)]
    pub json: bool,
    /// Longest time the cycle may take; what is left goes on in the next run
    #[arg(long, value_name = "SPAN", value_parser = span, default_value = "5m")]
    pub max_time: Duration,
    /// What the words name; set by parsing.
    #[arg(skip)]
    pub subject: Subject,
}

/// What `probe once` looks at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Subject {
    /// Every profile that is due.
    #[default]
    Due,
    /// These profiles, now.
    Profiles(Vec<ProfileName>),
    /// These URLs, without a configuration.
    Urls(Vec<Url>),
}

/// `probe check`.
#[derive(Debug, Clone, Args)]
pub struct Check {
    /// Print the configuration as it is understood, defaults filled in
    #[arg(long)]
    pub effective: bool,
    /// One JSON document on stdout
    #[arg(long)]
    pub json: bool,
}

/// `probe status`.
#[derive(Debug, Clone, Args)]
pub struct Status {
    /// Which; all without
    #[arg(value_name = "PROFILE", value_parser = profile_name)]
    pub profiles: Vec<ProfileName>,
    /// One JSON document on stdout
    #[arg(long)]
    pub json: bool,
}

/// `probe pause`.
#[derive(Debug, Clone, Args)]
pub struct Pause {
    /// A profile, a host, or `all`
    #[arg(value_name = "PROFILE|HOST|all", value_parser = target)]
    pub target: Target,
    /// For how long; without: until `probe resume`
    #[arg(long = "for", value_name = "SPAN", value_parser = span)]
    pub span: Option<Duration>,
    /// Why; shown to everyone who asks
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

/// `probe resume`.
#[derive(Debug, Clone, Args)]
pub struct Resume {
    /// A profile, a host, or `all`
    #[arg(value_name = "PROFILE|HOST|all", value_parser = target)]
    pub target: Target,
}

/// `probe drill`.
#[derive(Debug, Clone, Args)]
pub struct Drill {
    /// Send a test mail to every recipient and say what each relay answered
    #[arg(long, required = true)]
    pub mail: bool,
}

/// `probe version`.
#[derive(Debug, Clone, Args)]
pub struct Version {
    /// One JSON document on stdout
    #[arg(long)]
    pub json: bool,
}

/// Understands a command line, the program's name first; what people must read is printed.
///
/// # Errors
/// The exit code to end with: [`Exit::Ok`] after `--help` and `--version`, [`Exit::Unknown`] after a usage error.
pub fn parse<I, T>(args: I) -> Result<Cli, Exit>
where
    I: IntoIterator<Item = T>,
    T: Into<OsString> + Clone,
{
    understand(args).map_err(|fault| {
        // A closed stdout or stderr changes nothing about how the program ends.
        let _ = fault.print();
        exit_of(&fault)
    })
}

/// As [`parse`], with nothing printed.
///
/// # Errors
/// Clap's error; its text is what people must read, [`exit_of`] says how to end.
pub fn understand<I, T>(args: I) -> Result<Cli, clap::Error>
where
    I: IntoIterator<Item = T>,
    T: Into<OsString> + Clone,
{
    let mut cli = Cli::try_parse_from(args)?;
    if let Command::Once(once) = &mut cli.command {
        once.subject = subject(&once.words)
            .map_err(|text| usage_error("once", ErrorKind::ValueValidation, &text))?;
    }
    Ok(cli)
}

/// How to end after an error of [`understand`].
#[must_use]
pub fn exit_of(fault: &clap::Error) -> Exit {
    if matches!(
        fault.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    ) {
        Exit::Ok
    } else {
        Exit::Unknown
    }
}

fn usage_error(command: &str, kind: ErrorKind, text: &str) -> clap::Error {
    let mut root = Cli::command();
    root.build();
    match root.find_subcommand_mut(command) {
        Some(found) => found.error(kind, text),
        None => root.error(kind, text),
    }
}

/// Words with `://` are URLs; the others are profiles; both at once mean two different things.
fn subject(words: &[String]) -> Result<Subject, String> {
    let is_url = |word: &&String| word.contains("://");
    let urls = words.iter().filter(is_url).count();
    if words.is_empty() {
        Ok(Subject::Due)
    } else if urls == 0 {
        let names: Result<_, _> = words.iter().map(|word| profile_name(word)).collect();
        Ok(Subject::Profiles(names?))
    } else if urls == words.len() {
        let urls: Result<_, _> = words.iter().map(|word| web_url(word)).collect();
        Ok(Subject::Urls(urls?))
    } else {
        Err("profiles and URLs cannot be mixed: a profile is probed with its state and its actions, a URL without; \
             run `probe once` once for each kind"
            .to_owned())
    }
}

fn web_url(word: &str) -> Result<Url, String> {
    let url =
        Url::parse(word).map_err(|fault| format!("`{}` is not a URL: {fault}", shown(word)))?;
    if matches!(url.scheme(), "http" | "https") && url.has_host() {
        Ok(url)
    } else {
        Err(format!(
            "`{}` cannot be probed: a URL begins with `http://` or `https://`",
            shown(word)
        ))
    }
}

/// A URL as it may be shown: what stands before an `@` can be a password.
fn shown(word: &str) -> String {
    match (word.split_once("://"), word.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, rest))) => format!("{scheme}://…@{rest}"),
        _ => word.to_owned(),
    }
}

fn profile_name(word: &str) -> Result<ProfileName, String> {
    ProfileName::try_new(word).map_err(|fault| {
        if word.contains([':', '/']) {
            format!("`{word}` is not a profile; if a URL is meant, write `https://{word}`")
        } else {
            fault.to_string()
        }
    })
}

fn target(word: &str) -> Result<Target, String> {
    if word == "all" {
        return Ok(Target::All);
    }
    ProfileName::try_new(word)
        .map(|name| Target::Named(name.to_string()))
        .map_err(|fault| fault.to_string())
}

fn language(word: &str) -> Result<Language, String> {
    match word {
        "en" => Ok(Language::English),
        "ja" => Err("`ja` is not supported in this version; use `--lang en`".to_owned()),
        _ => Err("use `en`".to_owned()),
    }
}
