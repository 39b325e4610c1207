//! The last links: everybody who is told gets a test, by mail, by webhook and by command.

use std::sync::Arc;

use minijinja::context;

use crate::adapters::command::{CommandMessenger, Environment};
use crate::adapters::http::{HttpPoster, HttpProber};
use crate::adapters::smtp::{Outcome, Rehearsed, SmtpNotifier, TapeLine};
use crate::app::watch::read_secret;
use crate::app::{answer, complain};
use crate::exit::Exit;
use crate::model::{Channel, Delivery, Email, Entry, Settings, Timestamp, Wording};
use crate::ports::{Messenger as _, Poster as _};
use crate::render::text::clean;
use crate::render::words::key;

use super::sheet::Sheet;

/// Tells everybody who is told by mail, by a webhook or by the command.
pub(super) async fn everybody(
    settings: &Settings,
    passed_on: &Environment,
    at: Timestamp,
    sheet: &mut Sheet<'_>,
) -> Result<Exit, Exit> {
    let mut exit = Exit::Ok;
    let quiet = sheet.quiet();
    if let Some(email) = &settings.email {
        exit = test_mails(email, &settings.wording, at, quiet).await;
    }
    if let Some(command) = &settings.command {
        let entry = Entry::test(Channel::Command, String::new(), at);
        let messenger = CommandMessenger::new(passed_on.clone());
        let handed = messenger.hand(Arc::clone(command), Arc::clone(&settings.wording), entry);
        let said = match handed.await {
            Delivery::Sent { .. } => None,
            Delivery::Deferred { reason, .. }
            | Delivery::Unclear { reason }
            | Delivery::Rejected { reason } => Some(reason),
        };
        match said {
            None => sheet.well(key!(Drill, "command.well"), context! {}),
            Some(said) => {
                sheet.ill(key!(Drill, "command.ill"), context! { said });
                exit = Exit::Critical;
            }
        }
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
