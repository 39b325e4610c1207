//! `probe drill`: rehearses what a recovery needs. It logs in to hosts as a restart would, looks at them and says what they
//! answer; it sends test mails and shows what was said with each relay. Nothing is restarted. When and how it
//! went is noted in the state directory, for the weekly report, `probe status` and `/metrics`.

use std::sync::Arc;

use crate::adapters::clock::SystemClock;
use crate::adapters::smtp::{Outcome, Rehearsed, SmtpNotifier, TapeLine};
use crate::adapters::ssh::SshRecoverer;
use crate::cli::{self, Cli};
use crate::exit::Exit;
use crate::model::{
    Channel, Diagnosis, Email, Entry, EntryId, EventKind, Host, HostName, Notification, Settings,
    Timestamp, Wording, plain_url,
};
use crate::ports::{Clock as _, Recoverer as _};
use crate::render::facts;
use crate::render::text::clean;
use crate::render::words::Voice;

use super::surroundings::Surroundings;
use super::{answer, runtime, say_error, settings_opened};

/// `probe drill`.
pub(super) fn drill(cli: &Cli, around: &Surroundings, drill: &cli::DrillArgs) -> Exit {
    let drilled = || {
        let settings = settings_opened(cli, around)?;
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
            let (mut exit, mut notes) = look_at(&settings, &hosts, cli.global.quiet).await;
            if let Some(email) = &email {
                let at = SystemClock::new().now().wall;
                let went = test_mails(email, &settings.wording, at, cli.global.quiet).await;
                notes.push((None, at, went != Exit::Critical));
                exit = exit.worst(went);
            }
            exit.worst(note(cli, around, &notes))
        });
        runtime.shutdown_background();
        Ok(exit)
    };
    drilled().unwrap_or_else(|exit| exit)
}

/// The hosts that are meant.
fn hosts(settings: &Settings, drill: &cli::DrillArgs) -> Result<Vec<Arc<Host>>, Exit> {
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

/// A rehearsal: of which host, or of mail; when; whether it went well.
type Went = (Option<HostName>, Timestamp, bool);

/// Notes what was found. That it cannot be noted is a warning: the rehearsal itself is over and told.
fn note(cli: &Cli, around: &Surroundings, notes: &[Went]) -> Exit {
    let noted = || {
        let store = around.store(cli).map_err(|error| error.to_string())?;
        for (host, at, well) in notes {
            let noted = store.drilled(host.as_ref(), *at, *well);
            noted.map_err(|error| error.to_string())?;
        }
        Ok::<(), String>(())
    };
    match noted() {
        Ok(()) => Exit::Ok,
        Err(error) => {
            let error = clean(&error);
            say_error(&format!("probe: this drill is not noted: {error}"));
            Exit::Warning
        }
    }
}

/// Looks at the hosts, one after the other, and says what each answered.
async fn look_at(settings: &Settings, hosts: &[Arc<Host>], quiet: bool) -> (Exit, Vec<Went>) {
    // Nothing is held back: a look is no act.
    let recoverer = SshRecoverer::new(Arc::new(|_| false), Arc::new(SystemClock::new()));
    let (mut exit, mut notes) = (Exit::Ok, Vec::new());
    for host in hosts {
        let at = SystemClock::new().now().wall;
        let sites = settings.profiles_of(&host.name);
        let urls = sites.flat_map(|(_, profile)| profile.urls.iter().map(plain_url));
        let urls: Vec<String> = urls.collect();
        let diagnosis = recoverer.diagnose(Arc::clone(host), urls.clone()).await;
        let went = if diagnosis.facts().is_some() {
            Exit::Ok
        } else {
            Exit::Critical
        };
        exit = exit.worst(went);
        notes.push((Some(host.name.clone()), at, went == Exit::Ok));
        if !quiet || went != Exit::Ok {
            answer(&told(host, &diagnosis, &urls));
        }
    }
    (exit, notes)
}

fn told(host: &Host, diagnosis: &Diagnosis, urls: &[String]) -> String {
    let name = &host.name;
    let text = match diagnosis {
        Diagnosis::Facts(facts) => {
            let next = host.restart.rung(1);
            let mut lines = vec![format!(
                "{name}: logged in and looked; a restart would run `{next}`"
            )];
            let voice = Voice::english();
            let said = facts::lines(&voice, facts).into_iter();
            lines.extend(
                said.chain(facts::unseen(&voice, facts, urls))
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

/// Sends a test mail to each recipient by the first relay that takes it, and asks every other relay whether it would. A relay
/// that would not is a warning while another one had the mail.
async fn test_mails(email: &Email, wording: &Wording, at: Timestamp, quiet: bool) -> Exit {
    let mut exit = Exit::Ok;
    for to in &email.to {
        let tried = SmtpNotifier::new()
            .rehearse(email, wording, &test_mail(email, to, at))
            .await;
        let relays = match tried {
            Ok(relays) => relays,
            Err(reason) => {
                exit = exit.worst(Exit::Critical);
                answer(&clean(&format!("{to}: {reason}")));
                continue;
            }
        };
        let arrives = relays.iter().any(|one| one.outcome == Outcome::Taken);
        for one in &relays {
            let went = match &one.outcome {
                Outcome::Taken | Outcome::Ready => Exit::Ok,
                Outcome::Deferred(_) | Outcome::Unclear(_) | Outcome::Refused(_) if arrives => {
                    Exit::Warning
                }
                Outcome::Deferred(_) | Outcome::Unclear(_) | Outcome::Refused(_) => Exit::Critical,
            };
            exit = exit.worst(went);
            if !quiet || went != Exit::Ok {
                answer(&clean(&format!("{to}: {}", outcome(one))));
                for line in &one.lines {
                    answer(&format!("  {}", spoken(line)));
                }
            }
        }
    }
    exit
}

fn outcome(one: &Rehearsed) -> String {
    let relay = &one.relay;
    match &one.outcome {
        Outcome::Taken => format!("taken by {relay}"),
        Outcome::Ready => format!("{relay} would take it as well"),
        Outcome::Deferred(reason) => format!("not taken: relay {relay}: {reason}"),
        Outcome::Unclear(reason) => format!("unclear, it may arrive: relay {relay}: {reason}"),
        Outcome::Refused(reason) => format!("refused: relay {relay}: {reason}"),
    }
}

/// As people know it from curl and swaks: `>` we, `<` the relay, `*` what happened beside.
fn spoken(line: &TapeLine) -> String {
    let (mark, words) = match line {
        TapeLine::Ours(words) => ('>', words),
        TapeLine::Theirs(words) => ('<', words),
        TapeLine::Happened(words) => ('*', words),
    };
    format!("{mark} {}", clean(words))
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
        outlived: false,
    }
}
