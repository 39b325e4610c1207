//! `probe drill`: rehearses what a recovery needs. It logs in to hosts as a restart would, looks at them and says what they
//! answer; it sends test mails and shows what was said with each relay, and posts a test to each webhook. Nothing is restarted. When and how it
//! went is noted in the state directory, for the weekly report, `probe status` and `/metrics`.

use std::sync::Arc;

use crate::adapters::clock::SystemClock;
use crate::adapters::http::{HttpPoster, HttpProber};
use crate::adapters::smtp::{Outcome, Rehearsed, SmtpNotifier, TapeLine};
use crate::adapters::ssh::SshRecoverer;
use crate::cli::{self, Cli};
use crate::exit::Exit;
use crate::model::{
    Channel, Delivery, Diagnosis, Email, Entry, Host, HostName, Settings, Timestamp, Wording,
    plain_url, shown_text,
};
use crate::ports::{Clock as _, Poster as _, Recoverer as _};
use crate::render::facts;
use crate::render::text::clean;
use crate::render::words::Voice;

use super::surroundings::Surroundings;
use super::watch::read_secret;
use super::{answer, complain, runtime, say_error, settings_opened};

/// `probe drill`.
pub(super) fn drill(cli: &Cli, around: &Surroundings, drill: &cli::DrillArgs) -> Exit {
    let drilled = || {
        let settings = settings_opened(cli, around)?;
        let hosts = hosts(&settings, drill)?;
        if drill.mail && settings.email.is_none() && settings.webhooks.is_empty() {
            say_error(
                "probe: no mail is configured; add `alerts.email` with `from`, `to` and `smtp`",
            );
            return Err(Exit::Unknown);
        }
        let runtime = runtime()?;
        let exit = runtime.block_on(async {
            let (mut exit, mut notes) = look_at(&settings, &hosts, cli.global.quiet).await;
            if drill.mail {
                let at = SystemClock::new().now().wall;
                let went = tell_all(&settings, at, cli.global.quiet).await?;
                notes.push((None, at, went != Exit::Critical));
                exit = exit.worst(went);
            }
            Ok(exit.worst(note(cli, around, &notes)))
        });
        runtime.shutdown_background();
        exit
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
            let urls: Vec<String> = urls.iter().map(|url| shown_text(url)).collect();
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
        Diagnosis::NotIn { reason, .. } => format!("{name}: no way in: {reason}"),
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

/// Tells everybody who is told by mail or by a webhook.
async fn tell_all(settings: &Settings, at: Timestamp, quiet: bool) -> Result<Exit, Exit> {
    let mut exit = Exit::Ok;
    if let Some(email) = &settings.email {
        exit = test_mails(email, &settings.wording, at, quiet).await;
    }
    if settings.webhooks.is_empty() {
        return Ok(exit);
    }
    let prober = HttpProber::try_new().map_err(|error| complain(&error))?;
    let poster = HttpPoster::new(&prober, Arc::new(read_secret));
    for webhook in &settings.webhooks {
        let entry = Entry::test(Channel::Webhook, webhook.name.clone(), at);
        let posted = poster.post(Arc::clone(webhook), Arc::clone(&settings.wording), entry);
        let (went, said) = match posted.await {
            Delivery::Sent { relay } => (Exit::Ok, format!("taken by {relay}")),
            Delivery::Deferred { reason, .. } => (Exit::Critical, format!("not taken: {reason}")),
            Delivery::Unclear { reason } => {
                (Exit::Critical, format!("unclear, it may arrive: {reason}"))
            }
            Delivery::Rejected { reason } => (Exit::Critical, format!("refused: {reason}")),
        };
        exit = exit.worst(went);
        if !quiet || went != Exit::Ok {
            answer(&clean(&format!("{}: {said}", webhook.name)));
        }
    }
    Ok(exit)
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
    Entry {
        from: email.from.clone(),
        ..Entry::test(Channel::Mail, to.to_owned(), at)
    }
}
