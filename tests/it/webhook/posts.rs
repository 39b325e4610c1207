//! The posts themselves: exact goldens in each language, their lengths, and what no text from outside can do to them.

use std::fmt::Write as _;
use std::path::PathBuf;

use probe::model::{
    EventKind, Finding, Form, Language, Notification, Observation, Preset, Timestamp, Webhook,
};
use probe::render::webhook::{Post, compose};
use serde_json::Value;
use url::form_urlencoded;

use super::{entry, webhook};
use crate::mail::entries;

fn of(preset: Preset, language: Language) -> Webhook {
    Webhook {
        language,
        ..webhook(Form::Preset(preset), "https://hooks.example.com/")
    }
}

fn post(preset: Preset, note: &Notification) -> Post {
    let webhook = of(preset, Language::En);
    compose(&webhook, &entry(note.clone()), &entries::english()).unwrap()
}

/// As people can read it.
fn shown(post: &Post) -> String {
    let mut text = format!("content-type: {}\n", post.content_type);
    for (name, value) in &post.headers {
        writeln!(text, "{name}: {value}").unwrap();
    }
    let body = match serde_json::from_str::<Value>(&post.body) {
        Ok(document) => format!("{document:#}"),
        Err(_) if post.content_type.contains("urlencoded") => {
            let pairs = form_urlencoded::parse(post.body.as_bytes());
            let pairs = pairs.map(|(name, value)| format!("{name} = {value}"));
            pairs.collect::<Vec<_>>().join("\n")
        }
        Err(_) => post.body.clone(),
    };
    text + "\n" + &body + "\n"
}

/// `event` is held by the document's own tests.
#[test]
fn each_preset_is_the_golden_post() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/webhook/golden");
    let mut wrong = Vec::new();
    let presets = Preset::ALL
        .iter()
        .filter(|preset| **preset != Preset::Event);
    for (preset, language) in
        presets.flat_map(|preset| Language::ALL.map(|language| (*preset, language)))
    {
        let wording = entries::japanese();
        let webhook = of(preset, language);
        let made = shown(&compose(&webhook, &entry(entries::gave_up()), &wording).unwrap());
        let name = format!("{}.{}.txt", preset.word(), language.word());
        let path = folder.join(&name);
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&path, &made).unwrap();
        }
        if std::fs::read_to_string(&path).ok().as_ref() != Some(&made) {
            wrong.push(name);
        }
    }
    assert!(
        wrong.is_empty(),
        "{wrong:?} differ; look at them, then run with UPDATE_GOLDEN=1"
    );
}

#[test]
fn a_program_of_ones_own_gets_the_document_of_the_command() {
    for note in entries::all() {
        let posted = post(Preset::Event, &note);
        let document = probe::render::event::document(&entry(note), &entries::english());
        assert_eq!((posted.body, posted.headers.len()), (document, 0));
    }
}

/// The text of a post as a person sees it, and the markup around it.
fn text(preset: Preset, post: &Post) -> String {
    let document = || serde_json::from_str::<Value>(&post.body).unwrap();
    match preset {
        Preset::Event => document()["text"].as_str().unwrap().to_owned(),
        Preset::Slack => document()["text"].as_str().unwrap().to_owned(),
        Preset::Discord => document()["embeds"][0]["description"]
            .as_str()
            .unwrap()
            .to_owned(),
        Preset::Teams => {
            let card = &document()["attachments"][0]["content"];
            let blocks = card["body"].as_array().unwrap().iter();
            let lines = blocks.map(|block| {
                assert_eq!(block["type"], "RichTextBlock", "a TextBlock reads Markdown");
                block["inlines"][0]["text"].as_str().unwrap().to_owned()
            });
            lines.collect::<Vec<_>>().join("\n")
        }
        Preset::Ntfy => post.body.clone(),
        Preset::Line => document()["messages"][0]["text"]
            .as_str()
            .unwrap()
            .to_owned(),
        Preset::Chatwork => {
            let mut pairs = form_urlencoded::parse(post.body.as_bytes());
            pairs
                .find(|(name, _)| name == "body")
                .unwrap()
                .1
                .into_owned()
        }
    }
}

fn saying(text: &str) -> Notification {
    Notification {
        seen: vec![Observation::Alone(Finding::Missing {
            text: text.to_owned(),
        })],
        ..entries::down()
    }
}

#[test]
fn nothing_from_outside_is_markup() {
    let nasty =
        "``` @everyone <!channel> <@U1> [x](https://evil.example/) [toall][/info] [To:1] & ```";
    let note = saying(nasty);
    let slack = text(Preset::Slack, &post(Preset::Slack, &note));
    assert!(!slack.contains(['<', '>']), "{slack}");
    assert!(
        slack.contains("&lt;!channel&gt;") && slack.contains("&amp;"),
        "{slack}"
    );
    assert_eq!(slack.matches("```").count(), 2, "{slack}");
    let discord = post(Preset::Discord, &note);
    let document: Value = serde_json::from_str(&discord.body).unwrap();
    assert_eq!(document["allowed_mentions"]["parse"], serde_json::json!([]));
    assert_eq!(text(Preset::Discord, &discord).matches("```").count(), 2);
    let chatwork = text(Preset::Chatwork, &post(Preset::Chatwork, &note));
    let inner = chatwork
        .strip_prefix("[info][title]")
        .and_then(|rest| rest.strip_suffix("[/info]"))
        .unwrap();
    let (subject, rest) = inner.split_once("[/title]").unwrap();
    for part in [subject, rest] {
        let open = part.match_indices('[');
        assert!(open.clone().count() > 0);
        for (at, _) in open {
            assert!(part[at + 1..].starts_with('\u{200b}'), "{part}");
        }
    }
    for preset in [Preset::Teams, Preset::Ntfy, Preset::Line] {
        let said = text(preset, &post(preset, &note));
        assert!(said.contains("[x](https://evil.example/)"), "{said}");
    }
}

/// Characters of three bytes, and of two units.
#[test]
fn what_is_too_long_loses_its_end_in_whole_lines() {
    for unit in ["x", "あ", "🍣"] {
        let mut note = saying("");
        note.seen = (0..20)
            .map(|n| {
                Observation::Alone(Finding::Missing {
                    text: format!("{n} {}", unit.repeat(290)),
                })
            })
            .collect();
        for (preset, most) in [
            (Preset::Slack, 4000),
            (Preset::Discord, 4096),
            (Preset::Teams, 5000),
            (Preset::Chatwork, 5000),
            (Preset::Line, 5000),
            (Preset::Ntfy, 4096),
        ] {
            let post = post(preset, &note);
            let said = text(preset, &post);
            let size = match preset {
                Preset::Ntfy => said.len(),
                Preset::Line => said.encode_utf16().count(),
                Preset::Event
                | Preset::Slack
                | Preset::Discord
                | Preset::Teams
                | Preset::Chatwork => said.chars().count(),
            };
            assert!(size <= most, "{preset:?}: {size}");
            assert!(size > most / 3, "{preset:?}: {size}, much is lost");
            let last = said.trim_end_matches("[/info]").trim_end_matches("```");
            assert!(last.trim_end().ends_with("\n…"), "{preset:?}: {said}");
        }
        assert!(post(Preset::Teams, &note).body.len() < 28 * 1024);
    }
}

/// An event of each kind has a subject and says something; all of it is what the mail says.
#[test]
fn each_event_says_what_the_mail_says() {
    for note in entries::all() {
        let letter = probe::render::mail::compose(&entry(note.clone()), &entries::english());
        let ntfy = post(Preset::Ntfy, &note);
        let title = &ntfy
            .headers
            .iter()
            .find(|(name, _)| *name == "title")
            .unwrap()
            .1;
        assert_eq!(title, &letter.subject);
        let squeezed = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let mail = squeezed(&letter.text);
        for line in ntfy.body.lines().filter(|line| *line != "…") {
            let line = line.strip_prefix("- ").unwrap_or(line);
            // A label and its value stand apart in a mail.
            let parts = line
                .split_once(": ")
                .filter(|_| !mail.contains(&squeezed(line)));
            let parts = parts.map_or(vec![line], |(label, value)| vec![label, value]);
            for part in parts {
                assert!(
                    mail.contains(&squeezed(part)),
                    "{:?}: `{part}` in {mail}",
                    note.event
                );
            }
        }
    }
}

#[test]
fn lines_key_is_a_uuid_of_the_message() {
    let key = |note: Notification, name: &str| {
        let webhook = Webhook {
            name: name.to_owned(),
            ..of(Preset::Line, Language::En)
        };
        let mut tried = entry(note);
        let first = compose(&webhook, &tried, &entries::english()).unwrap();
        tried.tries = 7;
        tried.unclear = true;
        assert_eq!(
            first,
            compose(&webhook, &tried, &entries::english()).unwrap()
        );
        first.headers[0].1.clone()
    };
    let down = key(entries::down(), "line");
    let parts: Vec<usize> = down.split('-').map(str::len).collect();
    assert_eq!(parts, [8, 4, 4, 4, 12], "{down}");
    assert!(
        down.chars().all(|c| c == '-' || c.is_ascii_hexdigit()),
        "{down}"
    );
    let test = |at| Notification::blank(EventKind::Test, Timestamp(at));
    let keys = [
        down,
        key(entries::up(), "line"),
        key(entries::down(), "night"),
        key(test(1_795_327_200_000), "line"),
        key(test(1_795_327_200_001), "line"),
    ];
    let different: std::collections::BTreeSet<&String> = keys.iter().collect();
    assert_eq!(different.len(), keys.len(), "{keys:?}");
}
