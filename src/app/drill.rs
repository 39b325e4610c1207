//! `probe drill`: rehearses what a recovery needs. It logs in to hosts as a restart would, looks at them and says what they
//! answer; it sends test mails. Nothing is restarted and nothing is written.

use std::sync::Arc;

use crate::adapters::clock::SystemClock;
use crate::adapters::smtp::SmtpNotifier;
use crate::adapters::ssh::SshRecoverer;
use crate::cli::{self, Cli};
use crate::exit::Exit;
use crate::model::{
    Channel, Delivery, Diagnosis, Email, Entry, EntryId, EventKind, Host, Notification, Settings,
    Timestamp, Wording, plain_url,
};
use crate::ports::{Clock as _, Notifier as _, Recoverer as _};
use crate::render::facts;
use crate::render::text::clean;
use crate::render::words::Voice;

use super::surroundings::Surroundings;
use super::{answer, runtime, say_error, settings};

/// `probe drill`.
pub(super) fn drill(cli: &Cli, around: &Surroundings, drill: &cli::Drill) -> Exit {
    let drilled = || {
        let settings = settings(cli, around)?;
        let hosts = hosts(&settings, drill)?;
        let email = settings.email.clone().filter(|_| drill.mail);
        if drill.mail && email.is_none() {
            say_error(
                "probe: no mail is configured; add `alerts.email` with `from`, `to` and `smtp`",
            );
            return Err(Exit::Unknown);
        }
        let runtime = runtime()?;
        let exit = runtime.block_on(async {
            let mut exit = look_at(&settings, &hosts, cli.global.quiet).await;
            if let Some(email) = &email {
                let at = SystemClock::new().now().wall;
                exit = exit.worst(test_mails(email, &settings.wording, at, cli.global.quiet).await);
            }
            exit
        });
        runtime.shutdown_background();
        Ok(exit)
    };
    drilled().unwrap_or_else(|exit| exit)
}

/// The hosts that are meant.
fn hosts(settings: &Settings, drill: &cli::Drill) -> Result<Vec<Arc<Host>>, Exit> {
    if drill.hosts.is_empty() {
        let all = settings.hosts.values().filter(|_| !drill.mail);
        let all: Vec<Arc<Host>> = all.cloned().collect();
        if all.is_empty() && !drill.mail {
            say_error("probe: no host is configured, so there is nothing to rehearse but `--mail`");
            return Err(Exit::Unknown);
        }
        return Ok(all);
    }
    let mut hosts = Vec::new();
    for name in &drill.hosts {
        let found = settings
            .hosts
            .iter()
            .find(|(host, _)| host.as_str() == name);
        let Some((_, host)) = found else {
            let known: Vec<&str> = settings.hosts.keys().map(|host| host.as_str()).collect();
            say_error(&format!(
                "probe: no host is called {}; there are: {}",
                clean(name),
                known.join(", ")
            ));
            return Err(Exit::Unknown);
        };
        hosts.push(Arc::clone(host));
    }
    Ok(hosts)
}

/// Looks at the hosts, one after the other, and says what each answered.
async fn look_at(settings: &Settings, hosts: &[Arc<Host>], quiet: bool) -> Exit {
    // Nothing is held back: a look is no act.
    let recoverer = SshRecoverer::new(Arc::new(|_| false));
    let mut exit = Exit::Ok;
    for host in hosts {
        let sites = settings.profiles_of(&host.name);
        let urls = sites.flat_map(|(_, profile)| profile.urls.iter().map(plain_url));
        let diagnosis = recoverer.diagnose(Arc::clone(host), urls.collect()).await;
        let went = if diagnosis.facts().is_some() {
            Exit::Ok
        } else {
            Exit::Critical
        };
        exit = exit.worst(went);
        if !quiet || went != Exit::Ok {
            answer(&told(host, &diagnosis));
        }
    }
    exit
}

fn told(host: &Host, diagnosis: &Diagnosis) -> String {
    let name = &host.name;
    let text = match diagnosis {
        Diagnosis::Facts(facts) => {
            let next = host.restart.rung(1);
            let mut lines = vec![format!(
                "{name}: logged in and looked; a restart would run `{next}`"
            )];
            let said = facts::lines(&Voice::english(), facts);
            lines.extend(
                said.iter()
                    .map(|line| format!("  {}: {}", line.label, line.value)),
            );
            return lines
                .iter()
                .map(|line| clean_line(line))
                .collect::<Vec<_>>()
                .join("\n");
        }
        Diagnosis::NotIn { reason } => format!("{name}: no way in: {reason}"),
        Diagnosis::Stuck { reason } => format!("{name}: logged in, and no end came: {reason}"),
        Diagnosis::Unreadable { reason } => format!(
            "{name}: logged in, and what came back are no facts: {reason}. Is the key bound to another command, or does \
             `agent: true` name an agent that is not there?"
        ),
    };
    clean(&text)
}

/// Cleaned, with the white space before it.
fn clean_line(line: &str) -> String {
    let indent = line.len() - line.trim_start().len();
    format!("{}{}", " ".repeat(indent), clean(line.trim_start()))
}

async fn test_mails(
    email: &Arc<Email>,
    wording: &Arc<Wording>,
    at: Timestamp,
    quiet: bool,
) -> Exit {
    let mut exit = Exit::Ok;
    for to in &email.to {
        let (told, went) = match SmtpNotifier::new()
            .notify(
                Arc::clone(email),
                Arc::clone(wording),
                test_mail(email, to, at),
                None,
            )
            .await
        {
            Delivery::Sent { relay } => (format!("taken by {relay}"), Exit::Ok),
            Delivery::Deferred { reason, .. } => (format!("not taken: {reason}"), Exit::Critical),
            Delivery::Unclear { reason } => {
                (format!("unclear, it may arrive: {reason}"), Exit::Critical)
            }
            Delivery::Rejected { reason } => (format!("refused: {reason}"), Exit::Critical),
        };
        exit = exit.worst(went);
        if !quiet || went != Exit::Ok {
            answer(&clean(&format!("{to}: {told}")));
        }
    }
    exit
}

fn test_mail(email: &Email, to: &str, at: Timestamp) -> Entry {
    let notification = Notification::blank(EventKind::Test, at);
    Entry {
        id: EntryId(0),
        notification,
        from: email.from.clone(),
        channel: Channel::Mail,
        to: to.to_owned(),
        queued: at,
        tries: 0,
        due: at,
        last: None,
        open: false,
        unclear: false,
    }
}
