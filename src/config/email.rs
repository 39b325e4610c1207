//! `alerts`: who is told, and over which mail servers; what `command` and `webhooks` are, [`command`] and [`webhooks`] say.
//!
//! A relay is a URL: `smtps://` (TLS from the first byte, port 465), `smtp+starttls://` or `smtp://` (STARTTLS required,
//! port 587), `smtp+plain://` (no TLS, port 25; this machine only, unless `insecure: true`). It may name a user, never a
//! password: that comes from exactly one of `password_file`, `password_env`, `password_credential`.
//! `hello` is the name they are greeted with, a full name or an address in brackets.
//! `reminder_interval` is 4h; `off` reminds nobody. `report: weekly` tells on each Monday how the week was. In which language and by whose clock people are told stands in
//! [`wording`].

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::model::{Email, Hello, Webhook, Wording, parse_span};

use super::command;
use super::fault::{Fault, Report};
use super::keys::{ALERTS, EMAIL, RECIPIENTS, RELAYS, default_of};
use super::placeholder;
use super::relay;
use super::section::Section;
use super::tree::{Kind, Node};
use super::value::{LONGEST, duration, list, text, texts};
use super::webhooks;
use super::wording;
use super::wrong::{expected, nearest};

/// Who is told.
#[derive(Debug, Default)]
pub(super) struct Alerts {
    /// By mail.
    pub(super) email: Option<Email>,
    /// By a program and its arguments.
    pub(super) command: Option<Vec<String>>,
    /// By posts to services.
    pub(super) webhooks: Vec<Arc<Webhook>>,
    /// In which words.
    pub(super) wording: Wording,
}

/// Reads `alerts`; each value that is wrong goes to `report`.
pub(super) fn read(node: &Node, report: &mut Report) -> Alerts {
    let Some(alerts) = Section::open(node, ALERTS, report) else {
        return Alerts::default();
    };
    let wording = wording::read(&alerts, report);
    Alerts {
        email: alerts
            .get("email")
            .and_then(|node| read_email(node, report)),
        command: alerts
            .get("command")
            .and_then(|node| command::read(node, report)),
        webhooks: alerts
            .get("webhooks")
            .map(|node| webhooks::read(node, wording.language, report))
            .unwrap_or_default(),
        wording,
    }
}

fn read_email(node: &Node, report: &mut Report) -> Option<Email> {
    let section = Section::open(node, EMAIL, report)?;
    let from = section.get("from").and_then(|node| sender(node, report));
    missing(
        &section,
        "from",
        "write the sender, like `from: probe@monitor.example.com`",
        report,
    );
    let to = section
        .get("to")
        .map(|node| recipients(node, report))
        .unwrap_or_default();
    missing(
        &section,
        "to",
        "write who is told, like `to: [ops@example.com]`",
        report,
    );
    let routes = section
        .get("smtp")
        .and_then(|node| routes(node, report))
        .unwrap_or_default();
    missing(
        &section,
        "smtp",
        "write which mail server takes the mail, like `smtp: [{url: \"smtp+plain://localhost\"}]`",
        report,
    );
    Some(Email {
        report: section
            .get("report")
            .is_some_and(|node| weekly(node, report)),
        from: from.unwrap_or_default(),
        to,
        routes,
        hello: section.get("hello").and_then(|node| hello(node, report)),
        reminder_interval: section.get("reminder_interval").map_or_else(
            || parse_span(default_of(EMAIL, "reminder_interval")),
            |node| reminder(node, report),
        ),
    })
}

fn missing(section: &Section<'_>, key: &str, hint: &str, report: &mut Report) {
    if section.get(key).is_none() {
        report.fault(Fault::new(&section.spot_of(key), "missing").act(hint));
    }
}

/// `weekly`, the only one there is.
fn weekly(node: &Node, report: &mut Report) -> bool {
    match &node.kind {
        Kind::Text(word) if word == "weekly" => return true,
        Kind::Text(word) => {
            let fault = Fault::new(&node.spot, "unknown word").meant(nearest(word, &["weekly"]));
            report.fault(fault.act("write `weekly`, or leave it out for no report"));
        }
        Kind::Null
        | Kind::Bool(_)
        | Kind::Int(_)
        | Kind::Float(_)
        | Kind::List(_)
        | Kind::Map(_) => {
            report.fault(expected(node, "`weekly`").act("leave it out for no report"));
        }
    }
    false
}

fn reminder(node: &Node, report: &mut Report) -> Option<Duration> {
    match &node.kind {
        Kind::Text(word) if word == "off" => None,
        Kind::Text(word) if nearest(word, &["off"]).is_some() => {
            report.fault(Fault::new(&node.spot, "unknown word").meant(Some("off")));
            None
        }
        Kind::Null
        | Kind::Bool(_)
        | Kind::Int(_)
        | Kind::Float(_)
        | Kind::Text(_)
        | Kind::List(_)
        | Kind::Map(_) => {
            duration(node, Duration::from_secs(1), LONGEST, report).map(|found| found.value)
        }
    }
}

fn recipients(node: &Node, report: &mut Report) -> Vec<String> {
    let Some(written) = texts(node, report) else {
        return Vec::new();
    };
    if written.len() > RECIPIENTS || matches!(&node.kind, Kind::List(items) if items.is_empty()) {
        report.fault(
            Fault::new(
                &node.spot,
                format!("must name 1 to {RECIPIENTS} recipients"),
            )
            .act("write who is told, like `[ops@example.com]`"),
        );
    }
    let mut to: Vec<String> = Vec::new();
    for recipient in written {
        let fault = match address(&recipient.value) {
            Err(bad) => Fault::new(&recipient.spot, bad)
                .act("write only the address, like `ops@example.com`"),
            Ok(()) if to.contains(&recipient.value) => {
                Fault::new(&recipient.spot, "the same recipient twice").act("leave one out")
            }
            Ok(()) => {
                placeholder::remark(domain(&recipient.value), &recipient.spot, report);
                to.push(recipient.value);
                continue;
            }
        };
        report.fault(fault);
    }
    to
}

fn sender(node: &Node, report: &mut Report) -> Option<String> {
    let written = text(node, report)?;
    let plain = match written
        .value
        .strip_suffix('>')
        .map(|text| text.rsplit_once('<'))
    {
        None => Ok(written.value.as_str()),
        Some(None) => Err("a `>` without `<`"),
        Some(Some((name, plain))) => display_name(name.trim()).map(|()| plain),
    };
    match plain.and_then(address) {
        Ok(()) => {
            placeholder::remark(domain(&written.value), &written.spot, report);
            Some(written.value)
        }
        Err(bad) => {
            report.fault(
                Fault::new(&written.spot, bad).act(
                    "write `probe@monitor.example.com` or `Probe <probe@monitor.example.com>`",
                ),
            );
            None
        }
    }
}

fn display_name(name: &str) -> Result<(), &'static str> {
    let inner = name
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    let forbidden = match inner {
        Some(_) => "\"\\<>",
        None => "\"\\<>()[]:;@,",
    };
    let inner = inner.unwrap_or(name);
    if inner.chars().any(char::is_control) {
        Err("a name with control characters")
    } else if inner.contains(|c| forbidden.contains(c)) {
        Err("a name with special characters; put it in double quotes")
    } else {
        Ok(())
    }
}

/// The domain of an address that is well, with or without a name before it.
fn domain(address: &str) -> &str {
    let bare = address.trim_end_matches('>');
    bare.rsplit_once('@').map_or("", |(_, domain)| domain)
}

/// The shape every mail server takes without extensions.
fn address(text: &str) -> Result<(), &'static str> {
    if !text.is_ascii() {
        return Err("non-ASCII address: needs SMTPUTF8, which is not supported");
    }
    let Some((local, domain)) = text.split_once('@') else {
        return Err("not a mail address: there is no `@`");
    };
    let odd = |b: u8| b.is_ascii_control() || b" \"(),:;<>[\\]@".contains(&b);
    let labels = domain.split('.').all(|label| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-')
    });
    let dots = local.starts_with('.') || local.ends_with('.') || local.contains("..");
    if local.is_empty() || local.len() > 64 || dots || local.bytes().any(odd) {
        Err("not a mail address: the part before `@` is not valid")
    } else if text.len() > 254 || !labels {
        Err("not a mail address: the part after `@` is not the name of a domain")
    } else {
        Ok(())
    }
}

fn hello(node: &Node, report: &mut Report) -> Option<Hello> {
    let written = text(node, report)?;
    let found = Hello::try_new(&written.value);
    if found.is_none() {
        let meant = written.value.parse::<IpAddr>().ok().map(Hello::address);
        let meant = meant.map(|hello| hello.to_string());
        let fault = Fault::new(&written.spot, "not a full name, nor an address in brackets")
            .act("write this machine's name as others know it, like `mon1.example.com`, or its address, like `[192.0.2.10]`");
        report.fault(fault.meant(meant.as_deref()));
    }
    found
}

fn routes(node: &Node, report: &mut Report) -> Option<Vec<crate::model::Route>> {
    const LIKE: &str = "write `[{url: \"smtps://user@mail.example.com\", password_file: /etc/probe/smtp-password}]`";
    let items = match &node.kind {
        Kind::Map(_) => std::slice::from_ref(node),
        Kind::Text(_) => {
            report.fault(expected(node, "a list of mail servers").act(LIKE));
            return None;
        }
        Kind::Null | Kind::Bool(_) | Kind::Int(_) | Kind::Float(_) | Kind::List(_) => {
            list(node, false, report)?
        }
    };
    if items.is_empty() || items.len() > RELAYS {
        let fault = Fault::new(&node.spot, format!("must name 1 to {RELAYS} mail servers"));
        report.fault(fault.act(LIKE));
    }
    Some(
        items
            .iter()
            .filter_map(|item| relay::read(item, report))
            .collect(),
    )
}
