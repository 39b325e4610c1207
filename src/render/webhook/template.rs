//! A body that people wrote: a template over the keys of the event's document, with the syntax of all our templates and without
//! filters or functions.
//!
//! In a `*.json` each value is written as JSON, whatever stands in it (`{"text": {{ subject }}}`), and the whole must be JSON; it is
//! posted as such. Any other file is text. A template that fails in the night is no body: the message waits until a person
//! has mended it, so `probe check` tries it before.

use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Error, UndefinedBehavior};

use crate::model::{Channel, Entry, Template, Timestamp, Wording};
use crate::render::event;
use crate::render::words::Complaint;

use super::{JSON, Post};

/// Steps of one body: a digest of hundreds of messages may be told one by one.
const FUEL: u64 = 200_000;

/// The body for a document.
pub(super) fn say(template: &Template, document: &str) -> Result<Post, String> {
    rendered(template, document).map_err(|error| {
        let line = error
            .line()
            .map_or_else(String::new, |line| format!(":{line}"));
        format!("{}{line}: {}", template.path.display(), fault(&error))
    })
}

/// What is wrong with a template, tried with the document of a test.
#[must_use]
pub fn check(template: &Template) -> Option<Complaint> {
    let test = Entry::test(Channel::Webhook, String::new(), Timestamp(0));
    let document = event::document(&test, &Wording::default());
    let error = rendered(template, &document).err()?;
    Some(Complaint {
        path: template.path.clone(),
        line: error.line().unwrap_or(1),
        piece: "alerts.webhooks".to_owned(),
        message: fault(&error),
        act: None,
    })
}

fn is_json(template: &Template) -> bool {
    let end = template.path.extension();
    end.is_some_and(|end| end.eq_ignore_ascii_case("json"))
}

fn rendered(template: &Template, document: &str) -> Result<Post, Error> {
    let json = is_json(template);
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment.set_auto_escape_callback(move |_| match json {
        true => AutoEscape::Json,
        false => AutoEscape::None,
    });
    environment.set_formatter(move |out, state, value| {
        // In a text nothing is said of what is not known.
        if value.is_none() && !json {
            return Ok(());
        }
        minijinja::escape_formatter(out, state, value)
    });
    let values: serde_json::Value = serde_json::from_str(document).unwrap_or_default();
    let body = environment.render_str(&template.text, Serde(&values))?;
    if json && let Err(error) = serde_json::from_str::<serde_json::Value>(&body) {
        let why = format!("what comes out is no JSON: {error}");
        return Err(Error::new(minijinja::ErrorKind::BadSerialization, why));
    }
    Ok(Post {
        content_type: if json {
            JSON
        } else {
            "text/plain; charset=utf-8"
        },
        headers: Vec::new(),
        body,
    })
}

/// What is wrong, as a fragment.
fn fault(error: &Error) -> String {
    let kind = error.kind().to_string();
    match error.detail() {
        None => kind,
        Some(detail) => {
            let detail: String = detail.chars().take(200).collect();
            format!("{kind}: {detail}")
        }
    }
}
