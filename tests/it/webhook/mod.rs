//! `alerts.webhooks`: what each service gets, and what becomes of whatever it answers.

mod answers;
mod posts;
mod service;
mod templates;

use probe::model::{
    Channel, Endpoint, Entry, Form, Language, Notification, Preset, SecretSource, Webhook,
};

use crate::mail::entries;

/// A webhook of this form at this address.
fn webhook(form: Form, url: &str) -> Webhook {
    let preset = form.preset();
    let token = preset.is_none_or(|preset| !preset.is_its_address());
    Webhook {
        name: preset.map_or("pager", Preset::word).to_owned(),
        form,
        endpoint: Endpoint::Url(url.parse().unwrap()),
        token: token.then(|| SecretSource::Environment("TOKEN".to_owned())),
        to: (preset == Some(Preset::Line)).then(|| "U0123456789abcdef".to_owned()),
        language: Language::En,
    }
}

fn entry(notification: Notification) -> Entry {
    Entry {
        channel: Channel::Webhook,
        to: "pager".to_owned(),
        from: String::new(),
        ..entries::entry(notification)
    }
}
