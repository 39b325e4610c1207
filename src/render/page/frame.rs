//! What surrounds every page: head, the way back, languages, what is wrong with the watch itself, the last lines.

use std::collections::BTreeSet;
use std::time::Duration;

use minijinja::context;

use super::Scene;
use super::markup::{say, word};
use super::visit::Visit;
use crate::model::{Fleet, Language, Pause, Timestamp, limits};
use crate::render::text::escape;
use crate::render::words::{Voice, key};

/// A page.
pub(super) fn framed(
    scene: &Scene<'_>,
    visit: &Visit,
    path: &str,
    title: &str,
    body: &str,
) -> String {
    let voice = scene.voice(visit);
    let now = scene.now();
    let as_of = say(
        &voice,
        key!(Status, "as_of"),
        context! { at => voice.day_clock(now) },
    );
    let refresh = match visit.refresh {
        true => key!(Status, "refresh.off"),
        false => key!(Status, "refresh.on"),
    };
    let turned = visit.refreshed();
    let footer = format!(
        "<p>{as_of}</p>\n<ul>\n<li><a href=\"{}\">{}</a></li>\n<li><a href=\"{}\">{}</a></li>\n\
         <li><a href=\"/metrics\">{}</a></li>\n<li><a href=\"/api/v1/status\">{}</a></li>\n\
         <li><a href=\"/healthz\">/healthz</a></li>\n<li><a href=\"/readyz\">/readyz</a></li>\n</ul>\n",
        escape(&turned.here(path)),
        word(&voice, refresh),
        escape(&visit.link("/feed.atom")),
        word(&voice, key!(Status, "feed")),
        word(&voice, key!(Status, "more.metrics")),
        word(&voice, key!(Status, "more.document")),
    );
    let alerts = alerts(scene, &voice);
    document(
        &voice,
        visit,
        path,
        title,
        &format!("{alerts}{body}"),
        &footer,
    )
}

/// The page before the first decision.
#[must_use]
pub fn starting(visit: &Visit) -> String {
    let voice = Voice::plain(visit.language);
    let body = format!("<h1>{}</h1>\n", word(&voice, key!(Status, "starting")));
    document(
        &voice,
        visit,
        "/",
        &voice.word(key!(Status, "title")),
        &body,
        "",
    )
}

/// The page of a name that is none.
#[must_use]
pub fn missing(visit: &Visit) -> String {
    let voice = Voice::plain(visit.language);
    let title = voice.word(key!(Status, "title.none"));
    let body = format!(
        "<h1>{}</h1>\n<p>{}</p>\n",
        escape(&title),
        word(&voice, key!(Status, "none"))
    );
    document(&voice, visit, "/", &title, &body, "")
}

fn document(
    voice: &Voice,
    visit: &Visit,
    path: &str,
    title: &str,
    body: &str,
    footer: &str,
) -> String {
    let language = visit.language.word();
    let feed = word(voice, key!(Status, "feed"));
    let languages = Language::ALL.map(|language| {
        let own = Voice::plain(language).word(key!(Status, "language"));
        let current = match language == visit.language {
            true => " aria-current=\"true\"",
            false => "",
        };
        format!(
            "<a href=\"{}\" lang=\"{word}\" hreflang=\"{word}\"{current}>{}</a>",
            escape(&visit.speaking(language).here(path)),
            escape(&own),
            word = language.word(),
        )
    });
    format!(
        "<!DOCTYPE html>\n<html lang=\"{language}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"robots\" content=\"noindex\">\n\
         <title>{}</title>\n<link rel=\"stylesheet\" href=\"/style.css\">\n<link rel=\"icon\" href=\"/icon.svg\">\n\
         <link rel=\"alternate\" type=\"application/atom+xml\" href=\"{}\" title=\"{feed}\">\n</head>\n<body>\n\
         <a class=\"skip\" href=\"#main\">{}</a>\n<header class=\"top\">\n<a class=\"home\" href=\"{}\">{}</a>\n\
         <nav aria-label=\"{}\">{}</nav>\n</header>\n<main id=\"main\">\n{body}</main>\n\
         <footer>\n{footer}</footer>\n</body>\n</html>\n",
        escape(title),
        escape(&visit.link("/feed.atom")),
        word(voice, key!(Status, "skip")),
        escape(&visit.link("/")),
        word(voice, key!(Status, "home")),
        word(voice, key!(Status, "languages")),
        languages.join(" "),
    )
}

/// What keeps the watch from its work, or people from hearing of it.
fn alerts(scene: &Scene<'_>, voice: &Voice) -> String {
    let (fleet, now) = (scene.fleet, scene.now());
    let at = |at: Timestamp| voice.moment(at, now);
    let mut said = Vec::new();
    if scene.silence > limits::PROGRESS {
        let lasted = voice.span(scene.silence);
        said.push(say(
            voice,
            key!(Status, "alert.silent"),
            context! { lasted },
        ));
    }
    if let Some(since) = fleet.core.network.down_since {
        let at = at(fleet.wall(since));
        said.push(say(voice, key!(Status, "alert.network"), context! { at }));
    }
    if fleet.unwritable {
        said.push(word(voice, key!(Status, "alert.unwritable")));
    }
    if fleet.stands_in {
        said.push(word(voice, key!(Status, "alert.stands_in")));
    }
    if let Some(until) = fleet.core.quarantine.filter(|until| *until > fleet.now()) {
        let at = at(fleet.wall(until));
        said.push(say(
            voice,
            key!(Status, "alert.quarantine"),
            context! { at },
        ));
    }
    if fleet.core.latched.is_some() {
        said.push(say(voice, key!(Status, "alert.latched"), context! {}));
    }
    if !scene.reloaded {
        said.push(say(voice, key!(Status, "alert.configuration"), context! {}));
    }
    said.extend(unheard(voice, fleet));
    if scene.kept.unread {
        said.push(word(voice, key!(Status, "alert.unread")));
    }
    let mut out: String = said
        .iter()
        .map(|said| format!("<p class=\"alert\">{said}</p>\n"))
        .collect();
    if let Some(pause) = fleet.pauses.get("all").filter(|pause| is_open(pause, now)) {
        let target = voice.word(key!(Status, "alert.paused.all"));
        let (until, reason) = (pause.until.map(at), &pause.reason);
        let said = say(
            voice,
            key!(Status, "alert.paused"),
            context! { target, at => until, reason },
        );
        out.push_str(&format!("<p class=\"alert mild\">{said}</p>\n"));
    }
    out
}

/// Whether a pause is not over.
pub(super) fn is_open(pause: &Pause, now: Timestamp) -> bool {
    pause.until.is_none_or(|until| until > now)
}

/// Whoever had a message refused for good and got none since. An address is nobody's business here, its domain is enough.
fn unheard(voice: &Voice, fleet: &Fleet) -> Option<String> {
    let entries = fleet.outbox.values().filter(|entry| entry.is_unheard());
    let to: BTreeSet<&str> = entries.map(|entry| entry.to.as_str()).collect();
    let first = to.first()?;
    let shown = first.rsplit_once('@').map_or_else(
        || (*first).to_owned(),
        |(_, domain)| format!("…@{}", domain.trim_end_matches('>')),
    );
    let n = to.len() - 1;
    Some(say(
        voice,
        key!(Status, "alert.unheard"),
        context! { to => shown, n },
    ))
}

/// `since 05:59:41 UTC (2m 10s)`.
pub(super) fn since(voice: &Voice, at: Timestamp, now: Timestamp) -> String {
    let lasted = voice.span(Duration::from_secs(now.since(at).as_secs()));
    let at = voice.moment(at, now);
    say(voice, key!(Status, "since"), context! { at, lasted })
}
