//! `probe init`: asks a web host, writes a configuration, and says what else is to be done.
//!
//! Nothing is changed on the host, and a file that is there is never overwritten. What was written is read back as every
//! other command reads it, so that the first `probe check` finds nothing.
#![expect(
    clippy::disallowed_methods,
    reason = "the one command that writes a file people edit: new, or not at all"
)]

use std::collections::BTreeSet;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::adapters::clock::SystemClock;
use crate::adapters::ssh::SshRecoverer;
use crate::adapters::survey;
use crate::cli::{self, Cli};
use crate::config;
use crate::exit::Exit;
use crate::model::{
    AttemptId, Backoff, Budget, Guards, Host, HostName, Mode, ProfileName, RecoverOrder,
    RecoveryOutcome, Restart, Rung, Survey, When, limits,
};
use crate::ports::Recoverer as _;
use crate::render::init::{self, Access};
use crate::render::text::clean;

use super::{answer, complain, runtime, say_error};

/// Reading a few files takes a moment; a host that is short of CPU is given time.
const LIMIT: Duration = Duration::from_secs(60);

pub(super) fn init(cli: &Cli, order: &cli::Init) -> Exit {
    let done = || {
        let to_stdout = order.output == Path::new("-");
        if !to_stdout && order.output.symlink_metadata().is_ok() {
            say_error(&format!(
                "probe: {} is there already and is never overwritten: choose another with --output, or `--output -` for stdout",
                order.output.display()
            ));
            return Err(Exit::Unknown);
        }
        let runtime = runtime()?;
        let asked = runtime.block_on(ask(order));
        runtime.shutdown_background();
        let (mut survey, mut access) = asked?;
        if survey.sites.is_empty() {
            say_error(&nothing(&survey));
            return Err(Exit::Critical);
        }
        if !to_stdout {
            apart(&mut survey, &mut access, &order.output);
        }
        let text = init::configuration(&survey, &access);
        if to_stdout {
            answer(&text);
            say_error(&words(&survey, &access, None));
            return Ok(Exit::Ok);
        }
        let file = order.output.display().to_string();
        write(&order.output, &text)?;
        config::load(&order.output).map_err(|faults| {
            say_error(&format!(
                "probe: {file} was written, and must be mended before it can be used:\n{faults}"
            ));
            Exit::Critical
        })?;
        if !cli.global.quiet {
            answer(&words(&survey, &access, Some(&file)));
        }
        Ok(Exit::Ok)
    };
    done().unwrap_or_else(|exit| exit)
}

/// Gives every profile and the host a name that no other has: the file may come to lie in a directory with those of other hosts, which
/// are read as one, and a site may be called as its host is.
fn apart(survey: &mut Survey, access: &mut Access, output: &Path) {
    let beside = output.parent().filter(|path| !path.as_os_str().is_empty());
    let mut taken = config::names_in(beside.unwrap_or(Path::new(".")));
    let host = free(&taken, access.name.as_str(), "host");
    access.name = HostName::try_new(&host).unwrap_or_else(|_| access.name.clone());
    taken.insert(access.name.to_string());
    for site in &mut survey.sites {
        let from = if site.name.as_str() == access.name.as_str() {
            "site"
        } else {
            access.name.as_str()
        };
        let name = free(&taken, site.name.as_str(), from);
        site.name = ProfileName::try_new(&name).unwrap_or_else(|_| site.name.clone());
        taken.insert(site.name.to_string());
    }
}

/// The name, or the first like it that is not taken.
fn free(taken: &BTreeSet<String>, name: &str, from: &str) -> String {
    let others = (2..100).map(|number| format!("{name}-{from}-{number}"));
    let mut names = [name.to_owned(), format!("{name}-{from}")]
        .into_iter()
        .chain(others);
    let found = names.find(|name| !taken.contains(name));
    found.unwrap_or_else(|| name.to_owned())
}

/// All that people are told, on harmless lines. Without a file the configuration went to stdout.
fn words(survey: &Survey, access: &Access, file: Option<&str>) -> String {
    let mut text = init::found(survey, access, file);
    text.push_str("\nWhat the host's own watching cannot see:\n");
    for gap in init::gaps(survey) {
        text.push_str(&format!("  - {gap}\n"));
    }
    text.push('\n');
    text.push_str(&init::setup(survey, access, file));
    text.push_str(if file.is_some() {
        "Then: probe check; probe once --dry-run\n"
    } else {
        "Then write it into a file: probe check -c FILE; probe once --dry-run -c FILE\n"
    });
    text.lines().map(|line| clean(line) + "\n").collect()
}

fn nothing(survey: &Survey) -> String {
    let mut text =
        "probe: no site was found there: neither a profile of KUSANAGI's nor a server with a name; nothing was written"
            .to_owned();
    for file in &survey.unreadable {
        text.push_str(&format!("\n  {file} is closed to `{}`", survey.user));
    }
    for left in &survey.left_out {
        text.push_str(&format!("\n  left out: {left}"));
    }
    text.lines().map(|line| clean(line) + "\n").collect()
}

async fn ask(order: &cli::Init) -> Result<(Survey, Access), Exit> {
    let (mut survey, access) = match &order.ssh {
        Some(ssh) => over_ssh(order, ssh).await?,
        None => {
            let survey = survey::here().await.map_err(|error| complain(&error))?;
            let access = Access {
                name: host_name(&survey.host)?,
                ssh: format!("probe@{}", survey.host),
                remote: false,
                identity_file: None,
                public_key: None,
                known_hosts_file: None,
            };
            (survey, access)
        }
    };
    if let Some(directory) = &order.monit {
        if !directory.is_dir() {
            say_error(&format!(
                "probe: --monit {}: there is no such directory",
                directory.display()
            ));
            return Err(Exit::Unknown);
        }
        survey.monit = survey::monit(directory)
            .await
            .map_err(|error| complain(&error))?;
    }
    Ok((survey, access))
}

async fn over_ssh(order: &cli::Init, ssh: &str) -> Result<(Survey, Access), Exit> {
    let destination = ssh.rsplit_once('@').map_or(ssh, |(_, host)| host);
    let login = order
        .login_identity
        .clone()
        .or_else(|| order.identity.clone());
    let host = Host {
        name: host_name(destination.trim_start_matches("ssh://"))?,
        ssh: ssh.to_owned(),
        identity_file: absolute(login.as_deref())?,
        operator_ssh: None,
        known_hosts_file: absolute(order.known_hosts.as_deref())?,
        agent: false,
        diagnose: false,
        guards: Guards::by_default(),
        restart: Restart {
            commands: vec![Rung::Remote(survey::command())],
            allow_reboot: false,
            timeout: LIMIT,
            settle: Duration::ZERO,
            backoff: Backoff {
                initial: LIMIT,
                factor: 1.0,
                max: LIMIT,
            },
            budget: Budget {
                restarts: 1,
                per: LIMIT,
            },
            give_up_after: 1,
            causes: Vec::new(),
            when: When::Auto,
            mode: Mode::Auto,
        },
        fingerprint: 0,
    };
    // Who asks with another key asks as somebody else than probe will.
    let own = order.login_identity.is_none();
    let identity_file = absolute(order.identity.as_deref())?;
    let access = Access {
        name: host.name.clone(),
        ssh: if own { ssh.to_owned() } else { as_probe(ssh) },
        remote: own,
        public_key: identity_file.as_deref().and_then(public_key),
        identity_file,
        known_hosts_file: host.known_hosts_file.clone(),
    };
    let question = RecoverOrder {
        host: host.name.clone(),
        attempt: AttemptId(0),
        rung: Rung::Remote(survey::command()),
    };
    let report = SshRecoverer::new(Arc::new(|_| false), Arc::new(SystemClock::new()))
        .recover(Arc::new(host), question, limits::ORDER_FRESH)
        .await;
    let survey = survey::read(&report.output);
    if report.outcome == RecoveryOutcome::Succeeded && !survey.user.is_empty() {
        return Ok((survey, access));
    }
    let reason = match (&report.reason, report.exit_status) {
        // What the agent, or another forced command, says to an order that is not its own.
        (_, Some(64)) => {
            "this key may order one command only; use a login that has a shell".to_owned()
        }
        (Some(reason), _) => reason.to_string(),
        (None, _) => "the host's shell did not run the question".to_owned(),
    };
    say_error(&clean(&format!(
        "probe: {ssh} could not be asked, nothing was written: {reason}"
    )));
    Err(Exit::Critical)
}

/// The same destination with the account that probe is to have.
fn as_probe(ssh: &str) -> String {
    let (scheme, rest) = match ssh.strip_prefix("ssh://") {
        Some(rest) => ("ssh://", rest),
        None => ("", ssh),
    };
    let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    format!("{scheme}probe@{host}")
}

/// The host's name in the configuration: what it is called, in the alphabet of names.
fn host_name(text: &str) -> Result<HostName, Exit> {
    let text = text.trim_matches(['[', ']', '/']);
    let text = match text.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => text,
    };
    let plain: String = text
        .trim_matches(['[', ']'])
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') {
                c
            } else {
                '-'
            }
        })
        .take(64)
        .collect();
    HostName::try_new(&plain)
        .or_else(|_fault| HostName::try_new("web1"))
        .map_err(|fault| complain(&fault))
}

fn absolute(path: Option<&Path>) -> Result<Option<PathBuf>, Exit> {
    path.map(std::path::absolute)
        .transpose()
        .map_err(|error| complain(&error))
}

/// The public half of a key, where it lies beside it.
fn public_key(identity: &Path) -> Option<String> {
    let mut file = identity.as_os_str().to_owned();
    file.push(".pub");
    let text = std::fs::read_to_string(file).ok()?;
    text.lines()
        .next()
        .map(|line| clean(line).trim().to_owned())
        .filter(|line| !line.is_empty() && line.len() < 2000)
}

fn write(path: &Path, text: &str) -> Result<(), Exit> {
    let written = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o640)
        .open(path)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        });
    written.map_err(|error| {
        say_error(&format!(
            "probe: {} could not be written: {error}",
            path.display()
        ));
        Exit::Unknown
    })
}
