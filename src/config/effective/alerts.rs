//! `alerts`, back as it is written.

use crate::config::keys;
use crate::config::relay::{PASSWORD, is_loopback, percent_encode, secret_tree};
use crate::config::webhooks;
use crate::config::yaml::Out;
use crate::model::{Email, Language, Relay, RelaySecurity, Route, Settings};

use super::{Map, bracketed, command, file, span, text, texts, word};

/// The section.
pub(super) fn tree(settings: &Settings) -> Out {
    let (email, program) = (&settings.email, &settings.command);
    let wording = &settings.wording;
    Map::of(keys::ALERTS)
        .maybe(
            "email",
            email
                .as_ref()
                .map(|email| email_tree(email, wording.language)),
        )
        .maybe("command", program.as_ref().map(|all| command::tree(all)))
        .maybe(
            "webhooks",
            (!settings.webhooks.is_empty()).then(|| {
                let webhooks = settings.webhooks.iter();
                Out::List(
                    webhooks
                        .map(|webhook| Out::Map(webhooks::entries(webhook)))
                        .collect(),
                )
            }),
        )
        .with("timezone", text(&wording.zone.name))
        .maybe("templates", wording.directory.as_deref().map(file))
        .out()
}

fn email_tree(email: &Email, language: Language) -> Out {
    Map::of(keys::EMAIL)
        .with("from", text(&email.from))
        .with("to", texts(&email.to))
        .with(
            "smtp",
            Out::List(email.routes.iter().map(route_tree).collect()),
        )
        .maybe(
            "hello",
            email.hello.as_ref().map(|hello| text(hello.to_string())),
        )
        .with("language", word(language.word()))
        .with(
            "reminder_interval",
            email.reminder_interval.map_or_else(|| word("off"), span),
        )
        .maybe("report", email.report.then(|| word("weekly")))
        .out()
}

fn route_tree(route: &Route) -> Out {
    match route {
        Route::Relay(relay) => relay_tree(relay),
        Route::Program(path) => {
            let path = path.split('/').map(percent_encode);
            let url = format!("sendmail://{}", path.collect::<Vec<_>>().join("/"));
            Map::of(keys::RELAY).with("url", text(url)).out()
        }
    }
}

fn relay_tree(relay: &Relay) -> Out {
    let scheme = match relay.security {
        RelaySecurity::Implicit => "smtps",
        RelaySecurity::StartTls => "smtp+starttls",
        RelaySecurity::Plain => "smtp+plain",
    };
    let user = relay
        .user
        .as_ref()
        .map(|user| format!("{}@", percent_encode(user)))
        .unwrap_or_default();
    let url = format!("{scheme}://{user}{}:{}", bracketed(&relay.host), relay.port);
    let insecure = relay.security == RelaySecurity::Plain && !is_loopback(&relay.host);
    let map = Map::of(keys::RELAY).with("url", text(url));
    match &relay.password {
        None => map,
        Some(source) => {
            let (key, value) = secret_tree(PASSWORD, source);
            map.with(&key, value)
        }
    }
    .maybe("ca_file", relay.ca_file.as_deref().map(file))
    .maybe("insecure", insecure.then_some(Out::Bool(true)))
    .out()
}
