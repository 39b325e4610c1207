//! Tells an outside watcher that we live: one GET over the same means as a canary, certificates verified, a few redirects
//! followed, ten seconds for all of it. A 2xx is taken; its body is not read.
//!
//! Whoever knows the URL can speak for us, so no word that comes out of here holds its path or query.

use std::sync::Arc;

use reqwest::Method;
use reqwest::header::{self, HeaderMap};
use tokio::time::timeout;
use url::Url;

use super::exchange::{Aim, Means, exchange};
use super::follow::{self, Hop, Reach};
use super::request::user_agent;
use super::trace::Sight;
use super::{HttpProber, World, text};
use crate::model::{Heartbeat, Secret, SecretSource, Watcher, limits};
use crate::ports::{Pending, Pulse};

/// Reads a secret, or says what is wrong with it.
pub type ReadSecret = Arc<dyn Fn(&SecretSource) -> Result<Secret, String> + Send + Sync>;

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
        let url = match &heartbeat.watcher {
            Watcher::Url(url) => url.clone(),
            Watcher::Secret(source) => {
                let secret = (self.secret)(source)?;
                address(secret.expose()).ok_or("the secret is no http or https address")?
            }
        };
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
            told.map_err(|words| text::clean(&words))
        })
    }
}

fn address(text: &str) -> Option<Url> {
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
    loop {
        let sight = Sight::new("");
        let response = exchange(&means, &hop, Aim::default(), Reach::Anywhere, &sight)
            .await
            .map_err(|fault| fault.detail)?;
        let (status, headers) = (response.status(), response.headers());
        // What it says of where it leads may show the secret.
        let next = follow::next(&hop, status, headers, limits::HEART_REDIRECTS, &visited)
            .map_err(|_| format!("HTTP status {}, which is not followed", status.as_u16()))?;
        match next {
            Some(next) => visited.push(std::mem::replace(&mut hop, next).url),
            None if status.is_success() => return Ok(()),
            None => return Err(format!("HTTP status {}", status.as_u16())),
        }
    }
}
