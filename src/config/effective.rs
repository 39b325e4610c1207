//! The configuration after defaults, back as YAML and JSON, and the fingerprints taken from it.
//!
//! What [`effective`] writes loads to equal settings, except for credentials: those in URLs, and the values of request
//! headers whose name sounds like one (`Authorization`, `Cookie`, `X-Api-Key`), are shown as `***`.
//!
//! A fingerprint is a hash over the same text of one profile or host, with its credentials and without its name: it
//! changes with that entry's own settings and with nothing else. A profile has a second one, over those keys which say
//! what is sent and what is expected: with another value its checks are other checks.

mod alerts;
mod expect;
mod host;

use std::sync::Arc;
use std::time::Duration;

use url::Url;

use crate::model::{
    Addresses, CacheBypass, Canary, NetworkSettings, Profile, Settings, Tls, Window, fnv1a,
    is_secret_name, shown_url,
};

use super::command;
use super::heartbeat;
use super::keys::{self, Key};
use super::value::{show_duration, show_size};
use super::yaml::Out;

/// Whom the text is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reader {
    /// People: no credentials.
    People,
    /// The fingerprint.
    Hash,
}

/// The whole configuration after defaults as YAML, without credentials.
#[must_use]
pub fn effective(settings: &Settings) -> String {
    tree(settings).yaml()
}

/// The same as JSON: durations and sizes are texts as in the YAML.
#[must_use]
pub fn to_json(settings: &Settings) -> serde_json::Value {
    tree(settings).json()
}

/// The settings with the fingerprint of every profile and host.
pub(super) fn fingerprinted(mut settings: Settings) -> Settings {
    let hash = |out: Out| fnv1a([out.yaml().as_bytes()]);
    for profile in settings.profiles.values_mut() {
        let whole = profile_tree(profile, Reader::Hash);
        let expectation = hash(expectation_of(&whole));
        let profile = Arc::make_mut(profile);
        (profile.expectation, profile.fingerprint) = (expectation, hash(whole));
    }
    for host in settings.hosts.values_mut() {
        let host = Arc::make_mut(host);
        // Whom people log in as changes nothing of what is remembered.
        let operator = host.operator_ssh.take();
        host.fingerprint = hash(host::host_tree(host));
        host.operator_ssh = operator;
    }
    settings
}

/// Of a profile what makes its checks other ones, beside their URLs.
fn expectation_of(profile: &Out) -> Out {
    let Out::Map(entries) = profile else {
        return Out::Map(Vec::new());
    };
    let makes = |key: &str| ["method", "headers", "expect", "addresses"].contains(&key);
    let entries = entries.iter().filter(|(key, _)| makes(key));
    Out::Map(entries.cloned().collect())
}

/// A section under construction, its keys in the order of their table; what is not given is not written.
struct Map {
    keys: &'static [Key],
    entries: Vec<(String, Out)>,
}

impl Map {
    const fn of(keys: &'static [Key]) -> Self {
        let entries = Vec::new();
        Self { keys, entries }
    }

    fn with(mut self, key: &str, value: Out) -> Self {
        let place = |name: &str| self.keys.iter().position(|known| known.name == name);
        debug_assert!(place(key).is_some(), "{key} is declared");
        let behind = |(known, _): &(String, Out)| place(known) < place(key);
        let at = self.entries.partition_point(behind);
        self.entries.insert(at, (key.to_owned(), value));
        self
    }

    fn maybe(self, key: &str, value: Option<Out>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }

    fn out(self) -> Out {
        Out::Map(self.entries)
    }
}

fn text(text: impl Into<String>) -> Out {
    Out::Text(text.into())
}

fn word(word: impl Into<String>) -> Out {
    Out::Word(word.into())
}

fn span(duration: Duration) -> Out {
    word(show_duration(duration))
}

fn file(path: &std::path::Path) -> Out {
    text(path.to_string_lossy())
}

fn texts(texts: &[String]) -> Out {
    Out::List(texts.iter().map(text).collect())
}

fn tree(settings: &Settings) -> Out {
    let profiles = settings
        .profiles
        .iter()
        .map(|(name, profile)| (name.to_string(), profile_tree(profile, Reader::People)))
        .collect();
    let hosts: Vec<(String, Out)> = settings
        .hosts
        .iter()
        .map(|(name, host)| (name.to_string(), host::host_tree(host)))
        .collect();
    Map::of(keys::ROOT)
        .with("network", network_tree(&settings.network))
        .maybe("hosts", (!hosts.is_empty()).then_some(Out::Map(hosts)))
        .with("profiles", Out::Map(profiles))
        .with("alerts", alerts::tree(settings))
        .maybe(
            "heartbeat",
            settings
                .heartbeat
                .as_ref()
                .map(|beat| heartbeat::tree(beat)),
        )
        .maybe(
            "status_page",
            settings.status_page.as_ref().map(|page| {
                let names = (!page.names.is_empty()).then(|| texts(&page.names));
                Map::of(keys::STATUS_PAGE)
                    .with("listen", text(page.listen.to_string()))
                    .maybe("names", names)
                    .out()
            }),
        )
        .out()
}

fn network_tree(network: &NetworkSettings) -> Out {
    let canaries = network.canaries.iter().map(|canary| match canary {
        Canary::Http(url) => text(shown(url, Reader::People)),
        Canary::Tcp { host, port } => text(format!("tcp://{}:{port}", bracketed(host))),
    });
    Map::of(keys::NETWORK)
        .with("canaries", Out::List(canaries.collect()))
        .out()
}

fn bracketed(host: &str) -> String {
    if host.contains(':') {
        format!("[{host}]")
    } else {
        host.to_owned()
    }
}

fn profile_tree(profile: &Profile, reader: Reader) -> Out {
    let urls = profile.urls.iter().map(|url| text(shown(url, reader)));
    let addresses = match &profile.addresses {
        Addresses::Any => word("any"),
        Addresses::All => word("all"),
        Addresses::Pinned(list) => Out::List(list.iter().map(|ip| text(ip.to_string())).collect()),
    };
    Map::of(keys::PROFILE)
        .maybe(
            "host",
            profile.host.as_ref().map(|host| text(host.as_str())),
        )
        .with("urls", Out::List(urls.collect()))
        .with("method", text(&profile.method))
        .maybe(
            "contact",
            profile.contact.as_ref().map(|url| text(url.as_str())),
        )
        .with("headers", headers_tree(&profile.headers, reader))
        .with("interval", span(profile.interval))
        .with("retry_interval", span(profile.retry_interval))
        .with("timeout", span(profile.timeout))
        .with("connect_timeout", span(profile.connect_timeout))
        .with(
            "failure_threshold",
            Out::Int(profile.failure_threshold.into()),
        )
        .with(
            "success_threshold",
            Out::Int(profile.success_threshold.into()),
        )
        .with("expect", expect::tree(&profile.expect))
        .maybe("slow", profile.slow.map(span))
        .with("redirects", Out::Int(profile.redirects.into()))
        .with("max_body", word(show_size(profile.max_body)))
        .with("addresses", addresses)
        .with("tls", tls_tree(&profile.tls))
        .maybe(
            "maintenance",
            (!profile.maintenance.is_empty()).then(|| windows_tree(&profile.maintenance)),
        )
        .with(
            "cache_bypass",
            word(match profile.cache_bypass {
                CacheBypass::Off => "off",
                CacheBypass::WordPress => "wordpress",
            }),
        )
        .out()
}

/// A URL as `reader` may see it.
fn shown(url: &Url, reader: Reader) -> String {
    if reader != Reader::People {
        return url.to_string();
    }
    // Only a URL that can have credentials has some: neither call can fail.
    let mut seen = Url::parse(&shown_url(url)).unwrap_or_else(|_| url.clone());
    if !url.username().is_empty() {
        let _ = seen.set_username("***");
    }
    if url.password().is_some() {
        let _ = seen.set_password(Some("***"));
    }
    seen.into()
}

fn headers_tree(headers: &[(String, String)], reader: Reader) -> Out {
    let entries = headers.iter().map(|(name, value)| {
        let hidden = reader == Reader::People && is_secret_name(name);
        (name.clone(), text(if hidden { "***" } else { value }))
    });
    Out::Map(entries.collect())
}

fn windows_tree(windows: &[Window]) -> Out {
    let windows = windows.iter().map(|window| {
        Map::of(keys::WINDOW)
            .with("cron", text(&window.text))
            .with("for", span(window.length))
            .with("timezone", text(&window.timezone))
            .out()
    });
    Out::List(windows.collect())
}

fn tls_tree(tls: &Tls) -> Out {
    let pair = tls.client_certificate.as_ref();
    let (certificate, key) = (pair.map(|p| &p.0), pair.map(|p| &p.1));
    let days = tls.warn_before.iter().map(|days| span(*days));
    Map::of(keys::TLS)
        .maybe("ca_file", tls.ca_file.as_deref().map(file))
        .maybe("crl_file", tls.crl_file.as_deref().map(file))
        .maybe("client_cert_file", certificate.map(|path| file(path)))
        .maybe("client_key_file", key.map(|path| file(path)))
        .with("verify", Out::Bool(tls.verify))
        .with("warn_before", Out::List(days.collect()))
        .out()
}
