//! Is our own network alive? All canaries are asked at once; the first that answers is enough.
//!
//! An HTTP canary answers with any whole response head, whatever its status; over https only behind a certificate that
//! is valid, so that a captive portal does not count, nor does one that says what it is (511). A TCP canary answers by accepting the connection.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::World;
use super::exchange::{Aim, Means, exchange};
use super::follow::{Hop, Reach};
use super::text;
use super::trace::{Sight, Trace};
use crate::model::{Canary, NetworkSettings, limits};

/// Whether one answered, and what was seen of each that was waited for.
pub(super) async fn ask(world: Arc<World>, network: NetworkSettings) -> (bool, String) {
    if network.canaries.is_empty() {
        return (false, "no canary is configured".to_owned());
    }
    let mut asked = JoinSet::new();
    for canary in network.canaries {
        let world = Arc::clone(&world);
        asked.spawn(async move {
            let name = name(&canary);
            match timeout(limits::CANARY_TIMEOUT, one(&world, &canary)).await {
                Ok(Ok(seen)) => (true, format!("{name}: {seen}")),
                Ok(Err(seen)) => (false, format!("{name}: {seen}")),
                Err(_) => {
                    let limit = limits::CANARY_TIMEOUT.as_secs();
                    (false, format!("{name}: no answer within {limit} s"))
                }
            }
        });
    }
    let mut seen = vec![];
    while let Some(ended) = asked.join_next().await {
        let (answered, words) = ended.unwrap_or((false, "a canary could not be asked".to_owned()));
        if answered {
            return (true, text::clean(&words));
        }
        seen.push(words);
    }
    (false, text::clean(&seen.join("; ")))
}

fn name(canary: &Canary) -> String {
    match canary {
        Canary::Http(url) => text::shown_foreign(url),
        Canary::Tcp { host, port } => format!("tcp://{host}:{port}"),
    }
}

async fn one(world: &World, canary: &Canary) -> Result<String, String> {
    match canary {
        Canary::Http(url) => {
            let hop = Hop {
                url: url.clone(),
                method: Method::GET,
                headers: HeaderMap::new(),
            };
            let base = world.tls.shared();
            let means = Means {
                names: &world.names,
                base: &base,
                verify: true,
                connect_timeout: limits::CANARY_TIMEOUT,
                elsewhere: false,
            };
            let sight = Sight::new("");
            match exchange(&means, &hop, Aim::default(), Reach::Anywhere, &sight).await {
                Ok(response)
                    if response.status() == StatusCode::NETWORK_AUTHENTICATION_REQUIRED =>
                {
                    Err("a gateway on the way asks for a login (HTTP status 511)".to_owned())
                }
                Ok(response) => {
                    world.canary_clock.learn(response.headers());
                    Ok(format!("HTTP status {}", response.status().as_u16()))
                }
                Err(fault) => Err(fault.detail),
            }
        }
        Canary::Tcp { host, port } => {
            let bare = host.trim_start_matches('[').trim_end_matches(']');
            let ip = match bare.parse::<IpAddr>() {
                Ok(ip) => ip,
                Err(_) => {
                    let asked = world.names.first(bare, &Trace::new(false)).await;
                    let found = asked.map_err(|fault| fault.detail)?;
                    let none = || format!("{bare} has no address");
                    found.addresses.first().copied().ok_or_else(none)?
                }
            };
            match TcpStream::connect(SocketAddr::new(ip, *port)).await {
                Ok(_) => Ok("connected".to_owned()),
                Err(error) => Err(error.to_string()),
            }
        }
    }
}
