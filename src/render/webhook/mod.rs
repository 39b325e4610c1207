//! A notification as a service wants it posted: what is said, in the form, the length and the markup of that service.
//!
//! - `event` is the document of [`event`](super::event). All others say the subject and the sentences of the mail, in brief
//!   ([`brief`]); a `body` is what people wrote (`template`).
//! - What a site, a server or a command said stands in these texts, so nothing in them may be taken for markup: no link, no mention
//!   of everybody, no end of a quotation. A chat's text is fenced as it is; Teams gets runs of text, which have no markup; what
//!   Slack and Chatwork take for the beginning of a tag is written otherwise.
//! - The post follows from the outbox entry and the webhook alone, so that a retry repeats the same bytes. LINE gets a key that is
//!   the same in each try: it takes each message once.
//!
//! | preset | body | at most |
//! |---|---|---|
//! | `slack` | `text`, the subject bold | 3000 characters (Slack cuts at 40,000; Google Chat takes 32,000 bytes) |
//! | `discord` | one embed, coloured; nobody is mentioned | 3500 (an embed: 4096) |
//! | `teams` | an Adaptive Card | 4000 (a card: 28 KB) |
//! | `ntfy` | the text, the subject as `title`, with a priority and a tag | 3500 bytes (beyond 4096 it becomes an attachment) |
//! | `line` | one text message | 4500 units of UTF-16 (5000) |
//! | `chatwork` | a form, the text in a frame | 4000 characters |

mod template;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::model::{Entry, EventKind, Form, Preset, Webhook, Wording, fnv1a};

use super::event;
use super::mail::{Brief, Tone, brief};
use super::words::Voice;

pub use template::check;

const JSON: &str = "application/json";

/// A request, but for its address and what is secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post {
    /// `Content-Type`.
    pub content_type: &'static str,
    /// Further headers, in lower case, each one line of ASCII.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: String,
}

impl Post {
    fn json(document: &Value) -> Self {
        Self {
            content_type: JSON,
            headers: Vec::new(),
            body: document.to_string(),
        }
    }
}

/// The post of an outbox entry; the same entry gives the same post, whatever its `tries`, `due` and `last`.
///
/// # Errors
/// What is wrong with the template, where people wrote the body.
pub fn compose(webhook: &Webhook, entry: &Entry, wording: &Wording) -> Result<Post, String> {
    let wording = Wording {
        language: webhook.language,
        ..wording.clone()
    };
    let preset = match &webhook.form {
        Form::Preset(preset) => *preset,
        Form::Body(written) => return template::say(written, &event::document(entry, &wording)),
    };
    let told = brief(&Voice::of(&wording), &entry.notification);
    Ok(match preset {
        Preset::Event => Post {
            content_type: JSON,
            headers: Vec::new(),
            body: event::document(entry, &wording),
        },
        Preset::Slack => slack(&told),
        Preset::Discord => discord(&told),
        Preset::Teams => teams(&told),
        Preset::Ntfy => ntfy(&told, entry.notification.event),
        Preset::Line => line(&told, webhook, entry),
        Preset::Chatwork => chatwork(&told),
    })
}

/// Each character is one.
const fn character(_: char) -> usize {
    1
}

/// A text whose end cannot stand in it.
fn fenced(text: &str) -> String {
    format!("```\n{}\n```", text.replace("```", "'''"))
}

fn slack(told: &Brief) -> Post {
    let text = format!(
        "*{}*\n{}",
        told.subject,
        fenced(&told.within(3000, character))
    );
    // In Slack `<` begins a link or a mention, wherever it stands.
    let text = text.replace('&', "&amp;");
    let text = text.replace('<', "&lt;").replace('>', "&gt;");
    Post::json(&json!({"text": text}))
}

fn discord(told: &Brief) -> Post {
    let colour = match told.tone {
        Tone::Bad => 0xc62828,
        Tone::Warn => 0xef8f00,
        Tone::Good => 0x2e7d32,
        Tone::Calm => 0x607d8b,
    };
    Post::json(&json!({
        "embeds": [{
            "title": told.subject,
            "description": fenced(&told.within(3500, character)),
            "color": colour,
        }],
        "allowed_mentions": {"parse": []},
    }))
}

fn teams(told: &Brief) -> Post {
    let colour = match told.tone {
        Tone::Bad => "Attention",
        Tone::Warn => "Warning",
        Tone::Good => "Good",
        Tone::Calm => "Default",
    };
    let block = |run: Value, spacing: &str| json!({"type": "RichTextBlock", "spacing": spacing, "inlines": [run]});
    let subject = json!({
        "type": "TextRun", "text": told.subject, "weight": "Bolder", "size": "Medium", "color": colour,
    });
    let mut body = vec![block(subject, "None")];
    let (text, mut spacing) = (told.within(4000, character), "Default");
    for line in text.lines() {
        if line.is_empty() {
            spacing = "Medium";
        } else {
            body.push(block(json!({"type": "TextRun", "text": line}), spacing));
            spacing = "None";
        }
    }
    Post::json(&json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "fallbackText": told.subject,
                "msteams": {"width": "Full"},
                "body": body,
            },
        }],
    }))
}

fn ntfy(told: &Brief, event: EventKind) -> Post {
    let (priority, tag) = match (event, told.tone) {
        // Somebody must get up.
        (EventKind::GaveUp, _) => ("5", "rotating_light"),
        (_, Tone::Bad) => ("4", "rotating_light"),
        (_, Tone::Warn) => ("3", "warning"),
        (_, Tone::Good) => ("3", "white_check_mark"),
        (_, Tone::Calm) => ("2", "information_source"),
    };
    // A header is ASCII; ntfy reads an encoded word (RFC 2047).
    let title = if told.subject.is_ascii() {
        told.subject.clone()
    } else {
        format!("=?UTF-8?B?{}?=", BASE64_STANDARD.encode(&told.subject))
    };
    Post {
        content_type: "text/plain; charset=utf-8",
        headers: vec![
            ("title", title),
            ("priority", priority.to_owned()),
            ("tags", tag.to_owned()),
        ],
        body: told.within(3500, char::len_utf8),
    }
}

fn line(told: &Brief, webhook: &Webhook, entry: &Entry) -> Post {
    let text = told.within(4500, char::len_utf16);
    let document = json!({
        "to": webhook.to,
        "messages": [{"type": "text", "text": format!("{}\n\n{text}", told.subject)}],
    });
    Post {
        headers: vec![("x-line-retry-key", key(webhook, entry))],
        ..Post::json(&document)
    }
}

/// A UUID (RFC 9562, of version 8) that is the same in each try, and for no other message.
fn key(webhook: &Webhook, entry: &Entry) -> String {
    let id = event::id(&entry.notification);
    let half = |salt: &[u8]| fnv1a([salt, id.as_bytes(), webhook.name.as_bytes()]);
    let (high, low) = (half(b"high"), half(b"low"));
    format!(
        "{:08x}-{:04x}-8{:03x}-8{:03x}-{:012x}",
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xfff,
        low >> 48 & 0xfff,
        low & 0xffff_ffff_ffff,
    )
}

fn chatwork(told: &Brief) -> Post {
    // Every tag of Chatwork begins with a bracket; with a space of no width behind it none does.
    let plain = |text: &str| text.replace('[', "[\u{200b}");
    let message = format!(
        "[info][title]{}[/title]{}[/info]",
        plain(&told.subject),
        plain(&told.within(4000, character))
    );
    let mut form = form_urlencoded::Serializer::new(String::new());
    // Often the token is that of a person, who is to be told as well.
    form.append_pair("self_unread", "1")
        .append_pair("body", &message);
    Post {
        content_type: "application/x-www-form-urlencoded",
        headers: Vec::new(),
        body: form.finish(),
    }
}
