//! Tells an outside watcher that we live: one GET over the same means as a canary, certificates verified, a few redirects
//! followed, ten seconds for all of it. A 2xx is taken, unless its body says that it is not:
//!
//! | body | who says so |
//! |---|---|
//! | `OK (not found)`, `OK (rate limited)`: `OK` and a remark | healthchecks.io, of an address that it does not know |
//! | JSON with `"ok": false`, `"success": false`, an `error`, `errors` or a failed `status` | Uptime Kuma, of a monitor that is not there or not active |
//! | a line with `not found`, `rate limit`, `not active`, `failed` or `invalid` | others |
//!
//! Any other body is as good as none. One that does not come to its end is judged by what came.
//!
//! Whoever knows the URL can speak for us, so no word that comes out of here holds its path or query.

use std::sync::Arc;

use reqwest::header::{self, HeaderMap};
use reqwest::{Method, Response};
use serde_json::Value;
use tokio::time::timeout;
use url::Url;

use super::body::{self, Body, Page};
use super::hop::cookies::Jar;
use super::hop::request::user_agent;
use super::hop::{Aim, Hop, Means, Reach, exchange, redirect};
use super::trace::Sight;
use super::{HttpProber, World};
use crate::model::{Endpoint, Heartbeat, Secret, SecretSource, limits, one_line};
use crate::ports::{Pending, Pulse};

/// Reads a secret, or says what is wrong with it.
pub type ReadSecret = Arc<dyn Fn(&SecretSource) -> Result<Secret, String> + Send + Sync>;

/// An answer that is longer is a page, and what stands on a page is not about us.
const LINE: usize = 200;

/// Words of a line that says that nothing was taken.
const DENIALS: [&str; 5] = ["not found", "rate limit", "not active", "failed", "invalid"];

/// Words of a status that says so.
const FAILED: [&str; 3] = ["fail", "error", "invalid"];

/// The [`Pulse`] that speaks HTTP.
#[derive(Clone)]
pub struct HttpPulse {
    world: Arc<World>,
    secret: ReadSecret,
}

impl HttpPulse {
    /// Over the means of a prober.
    #[must_use]
    pub fn new(prober: &HttpProber, secret: ReadSecret) -> Self {
        Self {
            world: Arc::clone(&prober.world),
            secret,
        }
    }

    async fn tell(&self, heartbeat: &Heartbeat) -> Result<(), String> {
        let url = located(&heartbeat.watcher, &self.secret)?;
        timeout(limits::HEART_TIMEOUT, get(&self.world, url))
            .await
            .unwrap_or_else(|_| {
                let limit = limits::HEART_TIMEOUT.as_secs();
                Err(format!("no answer within {limit} s"))
            })
    }
}

impl Pulse for HttpPulse {
    fn beat(&self, heartbeat: Arc<Heartbeat>) -> Pending<Result<(), String>> {
        let pulse = self.clone();
        Box::pin(async move {
            let told = pulse.tell(&heartbeat).await;
            told.map_err(|words| one_line(&words, limits::DETAIL_CHARS))
        })
    }
}

/// Where an endpoint is.
pub(super) fn located(endpoint: &Endpoint, secret: &ReadSecret) -> Result<Url, String> {
    match endpoint {
        Endpoint::Url(url) => Ok(url.clone()),
        Endpoint::Secret(source) => {
            let secret = secret(source)?;
            let url = address_in(secret.expose());
            url.ok_or_else(|| "the secret is no http or https address".to_owned())
        }
    }
}

/// An address of http or https, as a secret holds it.
#[must_use]
pub fn address_in(text: &str) -> Option<Url> {
    let url = Url::parse(text.trim()).ok()?;
    (matches!(url.scheme(), "http" | "https") && url.host().is_some()).then_some(url)
}

async fn get(world: &World, mut url: Url) -> Result<(), String> {
    url.set_fragment(None);
    let mut headers = HeaderMap::new();
    headers.insert(header::USER_AGENT, user_agent(None));
    let mut hop = Hop {
        url,
        method: Method::GET,
        headers,
        body: None,
        cookies: None,
    };
    let base = world.tls.shared();
    let means = Means {
        names: &world.names,
        base: &base,
        verify: true,
        connect_timeout: limits::HEART_TIMEOUT,
        elsewhere: false,
    };
    let mut visited = Vec::new();
    let mut jar = Jar::default();
    loop {
        let sight = Sight::new("");
        let mut response = exchange(&means, &hop, Aim::default(), Reach::Anywhere, &sight)
            .await
            .map_err(|fault| fault.finding.detail())?;
        let (status, headers) = (response.status(), response.headers());
        // What it says of where it leads may show the secret.
        let most = limits::HEART_REDIRECTS;
        let next = redirect::next(&hop, status, headers, most, &visited, &mut jar)
            .map_err(|_| format!("HTTP status {}, which is not followed", status.as_u16()))?;
        match next {
            Some(next) => visited.push(std::mem::replace(&mut hop, next)),
            None if status.is_success() => {
                let page = answer(&mut response, &sight).await;
                return denial(&page.text).map_or(Ok(()), |said| {
                    let status = status.as_u16();
                    let said = shown(&said, &hop.url, &visited, None);
                    Err(format!("HTTP status {status}, and the answer says {said}"))
                });
            }
            None => return Err(format!("HTTP status {}", status.as_u16())),
        }
    }
}

/// The beginning of the body, as far as it comes.
pub(super) async fn answer(response: &mut Response, sight: &Sight) -> Page {
    let headers = std::mem::take(response.headers_mut());
    let mut body = Body::of(&headers, limits::HEART_ANSWER);
    let read = body::read(response, &headers, limits::HEART_ANSWER, sight, &mut body);
    // The head has said that it was taken: a body that never ends takes nothing of that back.
    let _ = timeout(limits::HEART_ANSWER_WAIT, read).await;
    body.end()
}

/// What a body says, where it says that nothing was taken.
pub(super) fn denial(text: &str) -> Option<String> {
    let text = text.trim();
    if let Ok(Value::Object(said)) = serde_json::from_str(text) {
        let no = |key: &str| said.get(key) == Some(&Value::Bool(false));
        let error = ["error", "errors"].iter().find_map(|key| {
            let none = match said.get(*key)? {
                Value::Null | Value::Bool(false) => true,
                Value::String(text) => text.is_empty(),
                Value::Array(all) => all.is_empty(),
                Value::Bool(true) | Value::Number(_) | Value::Object(_) => false,
            };
            (!none).then_some(())
        });
        let failed = said.get("status").and_then(Value::as_str);
        let failed = failed.is_some_and(|status| FAILED.iter().any(|word| status.contains(word)));
        let words = ["msg", "message", "error", "status"];
        let words = words.iter().find_map(|key| said.get(*key)?.as_str());
        let denied = no("ok") || no("success") || error.is_some() || failed;
        return denied.then(|| words.unwrap_or("no").to_owned());
    }
    let line = text.to_ascii_lowercase();
    let is_line = text.len() <= LINE && !text.contains(['\n', '<']);
    let remark = line.starts_with("ok (") && line.ends_with(')');
    let denied = is_line && (remark || DENIALS.iter().any(|words| line.contains(words)));
    denied.then(|| text.to_owned())
}

/// The answer's words in quotation marks, or that it says no where they may give the address or the token away.
pub(super) fn shown(said: &str, url: &Url, visited: &[Hop], token: Option<&str>) -> String {
    let mut parts = visited
        .iter()
        .map(|hop| &hop.url)
        .chain([url])
        .flat_map(|url| {
            let path = url.path_segments().into_iter().flatten();
            // What is shorter is no secret, and a part of many words.
            path.chain(url.query()).filter(|part| part.len() > 5)
        });
    let token = token.is_some_and(|token| said.contains(token));
    if token || said.contains('/') || parts.any(|part| said.contains(part)) {
        "no".to_owned()
    } else {
        format!("\"{}\"", one_line(said, limits::DETAIL_CHARS))
    }
}
