//! The command line: what may be written there, and what it means.
//!
//! Global options stand before or after the command. A usage error is told on stderr and ends with exit code 3, never with
//! clap's own 2, which would read as "critical" in a monitoring system; `--help` and `--version` answer on stdout and end
//! with 0. Nothing here reads the environment or touches a file: what depends on them is a function of what the caller read
//! (see [`place`]).

mod derived;
pub mod place;
mod span;
mod words;

use std::ffi::OsString;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{ArgAction, Args, CommandFactory, Parser, Subcommand, ValueEnum};
use url::Url;

use crate::exit::Exit;
use crate::model::{Language, ProfileName, Target};

pub use derived::{completions, manual};
pub use span::{SpanError, span};
use words::{entry_name, header, language, profile_name, subject, target};

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

const ONCE: &str = "\
Without names every profile that is due is probed; a named one is probed now. A URL is looked at without a \
configuration: no state, no action, no mail.";

const REPLAY: &str = "\
The record is that of the state directory, the policy that of the configuration: under the one of the time everything \
comes out as it was decided. Nothing is probed, sent, restarted or written.
  probe replay --config new.yaml --since 30d   incidents, restarts and mails gained and lost
  probe replay --suggest                       thresholds and intervals that the record speaks for";

const COMPLETIONS: &str = "\
Where they belong:
  bash  probe completions bash > ~/.local/share/bash-completion/completions/probe
  zsh   probe completions zsh > DIR/_probe, DIR being in $fpath before `compinit` is called
  fish  probe completions fish > ~/.config/fish/completions/probe.fish";

/// A command line, understood.
#[derive(Debug, Clone, Parser)]
#[command(
    name = "probe",
    version,
    about = "Watches web sites from outside and restarts their web server over SSH when it has really stopped",
    after_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"),
    disable_help_flag = true,
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
    /// Where the state is kept [default: $PROBE_STATE_DIR, $STATE_DIRECTORY, /var/lib/probe for who may write there, $XDG_STATE_HOME/probe]
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        help_heading = "Global options"
    )]
    pub state_dir: Option<PathBuf>,
    /// Colour; auto: on a terminal, unless NO_COLOR is set
    #[arg(long, global = true, value_name = "auto|always|never", hide_possible_values = true, value_enum, default_value_t = Color::Auto, help_heading = "Global options")]
    pub color: Color,
    /// Form of the log on stderr
    #[arg(long, global = true, value_name = "text|json", hide_possible_values = true, value_enum, default_value_t = LogForm::Text, help_heading = "Global options")]
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
    /// Language of the output of `drill`; the others speak English [default: by LC_ALL, LC_MESSAGES and LANG]
    #[arg(long, global = true, value_name = "en|ja", value_parser = language, help_heading = "Global options")]
    pub lang: Option<Language>,
    /// Print this help
    #[arg(short, long, global = true, action = ArgAction::HelpShort, help_heading = "Global options")]
    help: Option<bool>,
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

/// What to do.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// One cycle: probe what is due, decide, act, mail; then exit
    #[command(after_help = format!("{ONCE}\n\n{EXIT_CODES}"))]
    Once(Once),
    /// Daemon: every profile on its own interval
    Run,
    /// Read and validate the configuration; touches no network
    #[command(after_help = EXIT_CODES)]
    Check(Check),
    /// What is up, what is not, what was done, what is waited for
    #[command(after_help = EXIT_CODES)]
    Status(Status),
    /// Why it did, or did not, restart: the rule, what it looked at, what is left, the next moment it may act
    #[command(after_help = EXIT_CODES)]
    Why(Why),
    /// Incidents, restarts and how long they held, uptime
    #[command(after_help = EXIT_CODES)]
    History(History),
    /// What another configuration (`--config`) would have decided on what was recorded, and why
    #[command(after_help = REPLAY)]
    Replay(Replay),
    /// Stop acting on a profile, a host or all; watching goes on
    Pause(PauseArgs),
    /// Act again; also re-arms a host that gave up
    Resume(Resume),
    /// Say that somebody has an outage: no reminders of it until it changes; watching and restarts go on
    Ack(AckArgs),
    /// Let one restart begin that was proposed (`mode: ask`), while what it rests on is fresh
    Approve(Approve),
    /// Rehearse what a recovery needs, link by link: network, names, sites, logins, what the key may do, guards, mail; restarts nothing unless told to
    Drill(DrillArgs),
    /// Write a first configuration from a web host's own profiles; say what its own watching cannot see
    #[command(after_help = EXIT_CODES)]
    Init(Init),
    /// Print the JSON Schema of the configuration, for editors
    Schema,
    /// Print what lets a shell complete commands and options
    #[command(after_help = COMPLETIONS)]
    Completions(Completions),
    /// Print a manual page; `probe man | man -l -` shows it
    Man(Man),
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
    /// URLs only: longest time for one URL, all redirects together [default: 10s]
    #[arg(long, value_name = "SPAN", value_parser = span)]
    pub timeout: Option<Duration>,
    /// URLs only: the address to connect to, in place of what the name says; Host and SNI stay
    #[arg(long, value_name = "IP")]
    pub address: Option<IpAddr>,
    /// URLs only: a request header; may be repeated
    #[arg(long, value_name = "NAME: VALUE", value_parser = header)]
    pub header: Vec<(String, String)>,
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
    /// Stay on the terminal and follow what happens, what is not well first; `q` ends it
    #[arg(short, long, conflicts_with = "json")]
    pub watch: bool,
}

/// `probe why`.
#[derive(Debug, Clone, Args)]
pub struct Why {
    /// A profile or a host
    #[arg(value_name = "PROFILE|HOST", value_parser = entry_name)]
    pub name: String,
    /// How far back what was recorded is shown
    #[arg(long, value_name = "SPAN", value_parser = span, default_value = "24h")]
    pub since: Duration,
    /// One JSON document on stdout
    #[arg(long)]
    pub json: bool,
}

/// `probe history`.
#[derive(Debug, Clone, Args)]
pub struct History {
    /// Which; all without
    #[arg(value_name = "PROFILE", value_parser = profile_name)]
    pub profiles: Vec<ProfileName>,
    /// How far back
    #[arg(long, value_name = "SPAN", value_parser = span, default_value = "7d")]
    pub since: Duration,
    /// One JSON document on stdout
    #[arg(long)]
    pub json: bool,
}

/// `probe replay`.
#[derive(Debug, Clone, Args)]
pub struct Replay {
    /// Try thresholds and intervals, and say which the record speaks for
    #[arg(long)]
    pub suggest: bool,
    /// How far back
    #[arg(long, value_name = "SPAN", value_parser = span, default_value = "30d")]
    pub since: Duration,
    /// One JSON document on stdout
    #[arg(long)]
    pub json: bool,
}

/// `probe pause`.
#[derive(Debug, Clone, Args)]
pub struct PauseArgs {
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

/// `probe ack`.
#[derive(Debug, Clone, Args)]
pub struct AckArgs {
    /// A profile that is down, or a host with such profiles
    #[arg(value_name = "PROFILE|HOST", value_parser = entry_name)]
    pub name: String,
    /// For how long at most; without: until it changes
    #[arg(long = "for", value_name = "SPAN", value_parser = span)]
    pub span: Option<Duration>,
    /// Who has it, or what is waited for; shown to everyone who asks
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

/// `probe approve`.
#[derive(Debug, Clone, Args)]
pub struct Approve {
    /// A host
    #[arg(value_name = "HOST")]
    pub host: String,
}

/// `probe drill`.
#[derive(Debug, Clone, Args)]
pub struct DrillArgs {
    /// Hosts to log in to and look at, as before a restart; all of them when none is named and no mail is asked for
    #[arg(value_name = "HOST")]
    pub hosts: Vec<String>,
    /// Send a test mail to every recipient, show what was said with each relay, and give a test to every webhook and to the command
    #[arg(long)]
    pub mail: bool,
    /// Restart the one host that is named, for real, after a question; the sites are watched from outside meanwhile
    #[arg(long, requires = "hosts")]
    pub restart: bool,
    /// Do not ask before the restart
    #[arg(short, long, requires = "restart")]
    pub yes: bool,
}

/// `probe init`.
#[derive(Debug, Clone, Args)]
pub struct Init {
    /// The web host, as the OpenSSH client understands it; without: this machine
    #[arg(long, value_name = "DEST")]
    pub ssh: Option<String>,
    /// The key to ask with, where it is another than probe's own: it does not come into the file
    #[arg(long, value_name = "FILE", requires = "ssh")]
    pub login_identity: Option<PathBuf>,
    /// The key that probe is to log in with, written into the file; without --login-identity it asks with it
    #[arg(long, value_name = "FILE", requires = "ssh")]
    pub identity: Option<PathBuf>,
    /// Where the host's key is known, also written into the file
    #[arg(long, value_name = "FILE", requires = "ssh")]
    pub known_hosts: Option<PathBuf>,
    /// Read Monit's rules from this directory instead of the host's own
    #[arg(long, value_name = "DIR")]
    pub monit: Option<PathBuf>,
    /// What to write; never overwritten. `-` for stdout
    #[arg(long, value_name = "FILE", default_value = "probes.yaml")]
    pub output: PathBuf,
}

/// `probe completions`.
#[derive(Debug, Clone, Args)]
pub struct Completions {
    /// For which shell
    #[arg(value_name = "SHELL", value_enum)]
    pub shell: Shell,
}

/// A shell that is given completions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// GNU bash.
    #[value(help = None)]
    Bash,
    /// Zsh.
    #[value(help = None)]
    Zsh,
    /// fish.
    #[value(help = None)]
    Fish,
}

/// `probe man`.
#[derive(Debug, Clone, Args)]
pub struct Man {
    /// Of which command; without: of probe itself
    #[arg(value_name = "COMMAND")]
    pub command: Option<String>,
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
    understand(args).map_err(|fault| match fault.print() {
        // Whoever closed stdout or stderr wants nothing; a help text that a full disk did not take was not given.
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Exit::Unknown,
        Ok(()) | Err(_) => exit_of(&fault),
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
        let only_urls = once.timeout.is_some() || once.address.is_some() || !once.header.is_empty();
        if only_urls && !matches!(once.subject, Subject::Urls(_)) {
            let text = "`--timeout`, `--address` and `--header` go with URLs; a profile has them in its configuration";
            return Err(usage_error("once", ErrorKind::ArgumentConflict, text));
        }
    }
    if cli.global.lang == Some(Language::Ja) && !matches!(cli.command, Command::Drill(_)) {
        let text = "only `probe drill` speaks Japanese in this version; use `--lang en`";
        return Err(usage_error("", ErrorKind::ValueValidation, text));
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
