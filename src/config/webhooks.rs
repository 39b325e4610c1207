//! `alerts.webhooks`: where each event is posted, in the form that the service understands.
//!
//! Each has a form, a `preset` or a `body` of one's own, and an address ([`endpoint`]). Slack's, Discord's and Teams' address is
//! all that is needed to post there, so it never stands in the configuration; LINE and Chatwork want a token, and no secret has an
//! inline form. What waits for a webhook waits for its `name`, so no two share one: `name` is the preset's word, or the file's
//! name, unless it is written.

use std::io::Read as _;
use std::sync::Arc;

use crate::model::{
    Endpoint, Form, Language, Named, Preset, SecretSource, Template, Webhook, limits,
};

use super::endpoint;
use super::fault::{Fault, Report};
use super::keys::{WEBHOOK, WEBHOOKS};
use super::path::{Privacy, file, plain};
use super::relay::{secret, secret_tree};
use super::section::Section;
use super::tree::{Kind, Node};
use super::value::{list, show_size, text};
use super::wording;
use super::wrong::nearest;
use super::yaml::Out;

const TOKEN: [&str; 3] = ["token_file", "token_env", "token_credential"];

const LIKE: &str = "write the address that the service gave you into a file and name it, like `url_file: /etc/probe/slack-url`";

const LIKE_CHATWORK: &str = "write `url: \"https://api.chatwork.com/v2/rooms/ROOM/messages\"`, with the digits behind `rid` in the room's own address for ROOM";

/// Characters of a name.
const NAME: usize = 40;

/// Characters of LINE's ids; theirs have 33.
const TO: usize = 100;

/// Reads the list; each value that is wrong goes to `report`. `language` is that of mails.
pub(super) fn read(node: &Node, language: Language, report: &mut Report) -> Vec<Arc<Webhook>> {
    let items = match &node.kind {
        Kind::Map(_) => std::slice::from_ref(node),
        Kind::Null
        | Kind::Bool(_)
        | Kind::Int(_)
        | Kind::Float(_)
        | Kind::Text(_)
        | Kind::List(_) => list(node, false, report).unwrap_or_default(),
    };
    if items.len() > WEBHOOKS {
        let fault = Fault::new(&node.spot, format!("more than {WEBHOOKS} webhooks"));
        report.fault(fault.act("let one of them pass events on"));
    }
    let mut webhooks: Vec<Arc<Webhook>> = Vec::new();
    for item in items {
        let Some(webhook) = one(item, language, report) else {
            continue;
        };
        if webhooks.iter().any(|known| known.name == webhook.name) {
            let message = format!("a second webhook is called `{}`", webhook.name);
            report.fault(
                Fault::new(&item.spot, message)
                    .act("give it a `name` of its own, like `name: night-shift`"),
            );
        }
        webhooks.push(Arc::new(webhook));
    }
    webhooks
}

fn one(node: &Node, language: Language, report: &mut Report) -> Option<Webhook> {
    let section = Section::open(node, WEBHOOK, report)?;
    let form = form(&section, report);
    let preset = form.as_ref().and_then(Form::preset);
    let endpoint = address(&section, preset, report);
    let token = token(&section, preset, report);
    let to = receiver(&section, preset, report);
    let spoken = section.get("language");
    let language = spoken.map_or(Some(language), |node| wording::language(node, report));
    let name = name(&section, form.as_ref(), report);
    Some(Webhook {
        name: name?,
        form: form?,
        endpoint: endpoint?,
        token,
        to,
        language: language?,
    })
}

/// `preset` or `body`.
fn form(section: &Section<'_>, report: &mut Report) -> Option<Form> {
    let words = Preset::ALL.map(Preset::word);
    match (section.get("preset"), section.get("body")) {
        (None, None) => {
            let act = format!(
                "write one of {}; or `body` with a file of your own",
                words.join(", ")
            );
            report.fault(Fault::new(&section.spot_of("preset"), "missing").act(act));
            None
        }
        (Some(node), None) => {
            let word = text(node, report)?;
            let known = Preset::from_word(&word.value);
            if known.is_none() {
                let fault = Fault::new(&word.spot, "unknown service");
                let act = format!("write one of {}", words.join(", "));
                report.fault(fault.act(act).meant(nearest(&word.value, &words)));
            }
            known.map(Form::Preset)
        }
        (None, Some(node)) => body(node, report).map(Form::Body),
        (Some(_), Some(_)) => {
            let fault = Fault::new(&section.spot_of("body"), "stands beside `preset`");
            report.fault(fault.act("keep one of them"));
            None
        }
    }
}

/// The file of a body. What is wrong in it does not stop a watch; `probe check` tells it.
fn body(node: &Node, report: &mut Report) -> Option<Template> {
    let found = file(node, Privacy::Public, report)?;
    let mut text = String::new();
    let read = std::fs::File::open(&found.value).and_then(|file| {
        let mut file = file.take(limits::TEMPLATE_BYTES + 1);
        file.read_to_string(&mut text)
    });
    let shown = found.value.display();
    if let Err(error) = read {
        let message = format!("{shown} cannot be read: {}", plain(&error));
        report.fault(Fault::new(&found.spot, message));
        return None;
    }
    if text.len() as u64 > limits::TEMPLATE_BYTES {
        let cap = show_size(limits::TEMPLATE_BYTES);
        report.fault(Fault::new(
            &found.spot,
            format!("{shown} is longer than {cap}"),
        ));
        return None;
    }
    let name = found.value.file_name().unwrap_or_default();
    Some(Template {
        name: name.to_string_lossy().into_owned(),
        path: found.value,
        text,
    })
}

fn address(section: &Section<'_>, preset: Option<Preset>, report: &mut Report) -> Option<Endpoint> {
    let like = match preset {
        Some(Preset::Chatwork) => LIKE_CHATWORK,
        Some(
            Preset::Event
            | Preset::Slack
            | Preset::Discord
            | Preset::Teams
            | Preset::Ntfy
            | Preset::Line,
        )
        | None => LIKE,
    };
    let inline = endpoint::written(section) == Some("url");
    if inline && preset.is_some_and(Preset::is_its_address) {
        let fault = Fault::new(
            &section.spot_of("url"),
            "whoever reads this address can post there: it is a secret",
        );
        report.fault(fault.act(LIKE));
        return None;
    }
    let usual = preset.and_then(Preset::usual_address);
    endpoint::read(section, usual, like, report)
}

fn token(
    section: &Section<'_>,
    preset: Option<Preset>,
    report: &mut Report,
) -> Option<SecretSource> {
    let token = secret(section, TOKEN, Named::Secret, report);
    let written = TOKEN.iter().find(|key| section.get(key).is_some());
    match (preset, written) {
        (Some(preset), None) if preset.needs_token() => {
            let fault = Fault::new(&section.spot_of("token_file"), "missing");
            report.fault(fault.act(format!(
                "write the token that `{}` gave you into a file and name it here",
                preset.word()
            )));
        }
        (Some(preset), Some(key)) if preset.is_its_address() => {
            let message = format!("`{}` takes no token", preset.word());
            report.fault(Fault::new(&section.spot_of(key), message).act("leave it out"));
        }
        (Some(_) | None, Some(_) | None) => {}
    }
    token
}

/// `to`: LINE's alone.
fn receiver(section: &Section<'_>, preset: Option<Preset>, report: &mut Report) -> Option<String> {
    let line = preset == Some(Preset::Line);
    let Some(node) = section.get("to") else {
        if line {
            let fault = Fault::new(&section.spot_of("to"), "missing");
            report.fault(fault.act("write the id of the user, group or room that is told"));
        }
        return None;
    };
    let written = text(node, report)?;
    if preset.is_some() && !line {
        let fault = Fault::new(&written.spot, "only `line` is told whom a message is for");
        report.fault(fault.act("leave it out"));
        return None;
    }
    let fits = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
    if written.value.is_empty() || written.value.len() > TO || !written.value.chars().all(fits) {
        let fault = Fault::new(&written.spot, "not an id of LINE");
        report.fault(fault.act("write the id of the user, group or room that is told"));
        return None;
    }
    Some(written.value)
}

/// What is written, or the preset's word, or the name of the file without its end.
fn name(section: &Section<'_>, form: Option<&Form>, report: &mut Report) -> Option<String> {
    let (name, spot) = match (section.get("name"), form?) {
        (Some(node), _) => {
            let written = text(node, report)?;
            (written.value, written.spot)
        }
        (None, Form::Preset(preset)) => return Some(preset.word().to_owned()),
        (None, Form::Body(template)) => {
            let stem = template.path.file_stem().unwrap_or_default();
            let stem = stem.to_string_lossy().into_owned();
            (stem, section.spot_of("body"))
        }
    };
    let fits = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    if name.is_empty() || name.len() > NAME || !name.chars().all(fits) {
        let message = format!("no name for a webhook: 1 to {NAME} of a-z, A-Z, 0-9, `_`, `.`, `-`");
        report.fault(Fault::new(&spot, message).act("write one as `name`"));
        return None;
    }
    Some(name)
}

/// A webhook's keys and values as they are written, its address masked.
pub(super) fn entries(webhook: &Webhook) -> Vec<(String, Out)> {
    let form = match &webhook.form {
        Form::Preset(preset) => ("preset", Out::Word(preset.word().to_owned())),
        Form::Body(template) => (
            "body",
            Out::Text(template.path.to_string_lossy().into_owned()),
        ),
    };
    let mut entries = vec![
        ("name".to_owned(), Out::Text(webhook.name.clone())),
        (form.0.to_owned(), form.1),
    ];
    let usual = webhook.form.preset().and_then(Preset::usual_address);
    let is_usual = matches!(&webhook.endpoint, Endpoint::Url(url) if Some(url.as_str()) == usual);
    if !is_usual {
        entries.push(endpoint::tree(&webhook.endpoint));
    }
    entries.extend(
        webhook
            .token
            .as_ref()
            .map(|source| secret_tree(TOKEN, source)),
    );
    let to = webhook.to.as_ref();
    entries.extend(to.map(|to| ("to".to_owned(), Out::Text(to.clone()))));
    entries.push((
        "language".to_owned(),
        Out::Word(webhook.language.word().to_owned()),
    ));
    entries
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::keys::Takes;

    #[test]
    fn the_table_knows_every_preset() {
        let key = WEBHOOK.iter().find(|key| key.name == "preset").unwrap();
        let Takes::Word(words) = key.takes else {
            panic!("{key:?}");
        };
        assert_eq!(words, Preset::ALL.map(Preset::word));
    }

    /// Where it is if nobody says so, is an address.
    #[test]
    fn what_is_usual_can_be_read() {
        let usual = Preset::ALL
            .iter()
            .filter_map(|preset| preset.usual_address());
        for address in usual {
            let url = url::Url::parse(address).unwrap();
            assert_eq!((url.as_str(), url.scheme()), (address, "https"));
        }
    }
}
