//! Posts an event to a service: one POST over the same means as a canary, its certificate verified, no redirect followed, one
//! limit for all of it up to the answer's head. One try, no memory, no retry.
//!
//! | what happened | result |
//! |---|---|
//! | 2xx, and its body says nothing else | `Sent` |
//! | 2xx, and its body says no | `Deferred`, for a minute at least: some services say in a 200 that they did not deliver |
//! | LINE's 409 to a key that it has taken already (`X-Line-Accepted-Request-Id`) | `Sent` |
//! | 408, 429, 5xx, any other status | `Deferred`, and as long as `Retry-After` says |
//! | any other 4xx | `Rejected`: kept for people to see, not tried again |
//! | no address, no connection, no TLS; secret or template cannot be used | `Deferred`: nothing was sent |
//! | silence or a broken connection behind the request | `Unclear`: it may have arrived; repeated with the same bytes |
//!
//! Of a named service a 2xx counts whose body is empty, `ok`, `1`, or JSON without a word of failure; a page is a captive portal or a
//! login. Of one's own service any body counts but one that says no, as of the heartbeat's watcher (`heartbeat`). So it is with
//! a body that does not come to its end: the head has said that the post was taken, and a second one would be told twice.
//!
//! Address and token are secrets: no word that comes out of here holds the path, the query or the token, whatever the service says.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{self, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, StatusCode};
use serde_json::Value;
use tokio::time::timeout;
use url::Url;

use super::body::Page;
use super::clock::retry_after;
use super::fault::Fault;
use super::heartbeat::{ReadSecret, answer, denial, located, shown};
use super::hop::request::user_agent;
use super::hop::{Aim, Hop, Means, Reach, exchange};
use super::trace::Sight;
use super::{HttpProber, World};
use crate::model::{
    Delivery, Entry, Phase, Preset, Secret, Stay, Webhook, Wording, limits, one_line,
};
use crate::ports::{Pending, Poster};
use crate::render::duration;
use crate::render::webhook;

/// LINE's answer to a key that it knows: the id of the request that it took.
const TAKEN_BEFORE: &str = "x-line-accepted-request-id";

/// The [`Poster`] that speaks HTTP.
#[derive(Clone)]
pub struct HttpPoster {
    world: Arc<World>,
    secret: ReadSecret,
    limit: Duration,
}

impl HttpPoster {
    /// Over the means of a prober, with the limit of [`crate::model::limits`].
    #[must_use]
    pub fn new(prober: &HttpProber, secret: ReadSecret) -> Self {
        Self::with_limit(prober, secret, limits::WEBHOOK_TIMEOUT)
    }

    /// With another limit.
    #[must_use]
    pub fn with_limit(prober: &HttpProber, secret: ReadSecret, limit: Duration) -> Self {
        Self {
            world: Arc::clone(&prober.world),
            secret,
            limit,
        }
    }

    async fn tell(&self, webhook: &Webhook, wording: &Wording, entry: &Entry) -> Delivery {
        match self.letter(webhook, wording, entry) {
            Ok(letter) => self.send(&letter).await,
            Err(reason) => Delivery::deferred(reason),
        }
    }

    fn letter(
        &self,
        webhook: &Webhook,
        wording: &Wording,
        entry: &Entry,
    ) -> Result<Letter, String> {
        let mut url = located(&webhook.endpoint, &self.secret)?;
        url.set_fragment(None);
        let token = webhook.token.as_ref().map(|source| (self.secret)(source));
        let token = token.transpose()?;
        let post = webhook::compose(webhook, entry, wording)?;
        let preset = webhook.form.preset();
        let mut headers = HeaderMap::new();
        headers.insert(header::USER_AGENT, user_agent(None));
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static(post.content_type),
        );
        for (name, value) in post.headers {
            let value = HeaderValue::from_str(&value);
            let value = value.map_err(|_| format!("the header {name} cannot be sent"))?;
            headers.insert(HeaderName::from_static(name), value);
        }
        if let Some(token) = &token {
            let (name, value) = shown_as(preset, token);
            let value = HeaderValue::from_str(&value);
            let mut value = value.map_err(|_| "the token cannot be sent in a header")?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        Ok(Letter {
            preset,
            token,
            hop: Hop {
                url,
                method: Method::POST,
                headers,
                body: Some(post.body),
                cookies: None,
            },
        })
    }

    async fn send(&self, letter: &Letter) -> Delivery {
        let base = self.world.tls.shared();
        let means = Means {
            names: &self.world.names,
            base: &base,
            verify: true,
            connect_timeout: self.limit,
            elsewhere: false,
        };
        let sight = Sight::new("");
        let sending = exchange(&means, &letter.hop, Aim::default(), Reach::Anywhere, &sight);
        match timeout(self.limit, sending).await {
            Err(_) => {
                let reason = format!("no answer within {}", duration::span(self.limit));
                undelivered(reason, is_sent(sight.trace().phase()))
            }
            Ok(Err(fault)) => failed(&fault),
            Ok(Ok(mut response)) => {
                let (status, headers) = (response.status(), response.headers().clone());
                let page = answer(&mut response, &sight).await;
                letter.judged(status, &headers, &page)
            }
        }
    }
}

impl Poster for HttpPoster {
    fn post(
        &self,
        webhook: Arc<Webhook>,
        wording: Arc<Wording>,
        entry: Entry,
    ) -> Pending<Delivery> {
        let poster = self.clone();
        Box::pin(async move {
            match poster.tell(&webhook, &wording, &entry).await {
                Delivery::Deferred { reason, stay } => Delivery::Deferred {
                    reason: capped(&reason),
                    stay,
                },
                Delivery::Unclear { reason } => Delivery::Unclear {
                    reason: capped(&reason),
                },
                Delivery::Rejected { reason } => Delivery::Rejected {
                    reason: capped(&reason),
                },
                Delivery::Sent { relay } => Delivery::Sent {
                    relay: capped(&relay),
                },
            }
        })
    }
}

fn capped(words: &str) -> String {
    one_line(words, limits::DETAIL_CHARS)
}

/// How a service is shown a token.
fn shown_as(preset: Option<Preset>, token: &Secret) -> (HeaderName, String) {
    match preset {
        Some(Preset::Chatwork) => (
            HeaderName::from_static("x-chatworktoken"),
            token.expose().to_owned(),
        ),
        Some(
            Preset::Event
            | Preset::Slack
            | Preset::Discord
            | Preset::Teams
            | Preset::Ntfy
            | Preset::Line,
        )
        | None => (header::AUTHORIZATION, format!("Bearer {}", token.expose())),
    }
}

/// Whether the request may have arrived.
const fn is_sent(phase: Phase) -> bool {
    match phase {
        Phase::Dns | Phase::Connect | Phase::Tls => false,
        Phase::FirstByte | Phase::Transfer => true,
    }
}

fn undelivered(reason: String, sent: bool) -> Delivery {
    if sent {
        Delivery::Unclear { reason }
    } else {
        Delivery::deferred(reason)
    }
}

/// No answer came.
fn failed(fault: &Fault) -> Delivery {
    let sent = fault.phase.is_some_and(is_sent) && !fault.untaken;
    undelivered(fault.finding.detail(), sent)
}

/// What is posted where.
struct Letter {
    preset: Option<Preset>,
    token: Option<Secret>,
    hop: Hop,
}

impl Letter {
    fn judged(&self, status: StatusCode, headers: &HeaderMap, page: &Page) -> Delivery {
        let before = status == StatusCode::CONFLICT
            && self.preset == Some(Preset::Line)
            && headers.contains_key(TAKEN_BEFORE);
        let reason = || {
            let number = status.as_u16();
            let said = page.text.trim();
            if status.is_redirection() {
                format!(
                    "HTTP status {number}, which is not followed: name the address that it leads to"
                )
            } else if said.is_empty() || said.contains('<') {
                format!("HTTP status {number}")
            } else {
                format!(
                    "HTTP status {number}, and the answer says {}",
                    self.quoted(said)
                )
            }
        };
        let later = || Delivery::Deferred {
            reason: reason(),
            stay: stay(status, headers),
        };
        match status.as_u16() {
            200..300 => match self.refusal(page) {
                None => self.taken(),
                Some(said) => Delivery::Deferred {
                    reason: format!("HTTP status {}, and {said}", status.as_u16()),
                    stay: Stay::Later,
                },
            },
            409 if before => self.taken(),
            408 | 429 => later(),
            400..500 => Delivery::Rejected { reason: reason() },
            _ => later(),
        }
    }

    fn taken(&self) -> Delivery {
        Delivery::Sent {
            relay: host(&self.hop.url),
        }
    }

    fn quoted(&self, said: &str) -> String {
        let token = self.token.as_ref().map(Secret::expose);
        shown(said, &self.hop.url, &[], token)
    }

    /// What the body of a 2xx says against it.
    fn refusal(&self, page: &Page) -> Option<String> {
        if let Some(said) = denial(&page.text) {
            return Some(format!("the answer says {}", self.quoted(&said)));
        }
        let own = matches!(self.preset, None | Some(Preset::Event));
        let said = page.text.trim();
        let usual = ["", "ok", "1"]
            .iter()
            .any(|usual| said.eq_ignore_ascii_case(usual));
        let object = || matches!(serde_json::from_str(said), Ok(Value::Object(_)));
        if own || !page.whole || usual || object() {
            return None;
        }
        Some("the answer is none of a service that took it".to_owned())
    }
}

/// What an answer means for the next try.
fn stay(status: StatusCode, headers: &HeaderMap) -> Stay {
    let asked = retry_after(headers).and_then(|wait| u16::try_from(wait.as_secs()).ok());
    match asked {
        Some(seconds) => Stay::After(seconds),
        None if status == StatusCode::TOO_MANY_REQUESTS => Stay::Later,
        None => Stay::Trouble,
    }
}

/// As it may be shown.
fn host(url: &Url) -> String {
    url.host_str().unwrap_or_default().to_owned()
}
