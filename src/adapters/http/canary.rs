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
use super::hop::{Aim, Hop, Means, Reach, exchange};
use super::redact;
use super::trace::{Sight, Trace};
use crate::model::{Canary, Finding, NetworkSettings, Quoted, limits};

/// Whether one answered, and what was seen of each that was waited for.
pub(super) async fn ask(world: Arc<World>, network: NetworkSettings) -> (bool, Finding) {
    if network.canaries.is_empty() {
        return (false, Finding::NoCanary);
    }
    let mut asked = JoinSet::new();
    for canary in network.canaries {
        let world = Arc::clone(&world);
        asked.spawn(async move {
            let name = name(&canary);
            let (answered, seen) = match timeout(limits::CANARY_TIMEOUT, one(&world, &canary)).await
            {
                Ok(Ok(seen)) => (true, seen),
                Ok(Err(seen)) => (false, seen),
                Err(_) => {
                    let seconds = limits::CANARY_TIMEOUT.as_secs();
                    (false, Finding::CanarySilent { seconds })
                }
            };
            let finding = Box::new(seen);
            (answered, Finding::CanarySaid { name, finding })
        });
    }
    let mut seen: Option<Finding> = None;
    while let Some(ended) = asked.join_next().await {
        let (answered, finding) = ended.unwrap_or((false, Finding::CanaryNotAsked));
        if answered {
            return (true, finding);
        }
        seen = Some(match seen {
            Some(seen) => seen.and(finding),
            None => finding,
        });
    }
    (false, seen.unwrap_or(Finding::NoCanary))
}

fn name(canary: &Canary) -> String {
    match canary {
        Canary::Http(url) => redact::shown_foreign(url),
        Canary::Tcp { host, port } => format!("tcp://{host}:{port}"),
    }
}

async fn one(world: &World, canary: &Canary) -> Result<Finding, Finding> {
    match canary {
        Canary::Http(url) => {
            let hop = Hop {
                url: url.clone(),
                method: Method::GET,
                headers: HeaderMap::new(),
                body: None,
                cookies: None,
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
                    Err(Finding::GatewayInTheWay)
                }
                Ok(response) => {
                    world.canary_clock.learn(response.headers());
                    Ok(Finding::Status {
                        status: response.status().as_u16().into(),
                    })
                }
                Err(fault) => Err(fault.finding),
            }
        }
        Canary::Tcp { host, port } => {
            let bare = host.trim_start_matches('[').trim_end_matches(']');
            let ip = match bare.parse::<IpAddr>() {
                Ok(ip) => ip,
                Err(_) => {
                    let asked = world.names.first(bare, &Trace::new(false)).await;
                    let found = asked.map_err(|fault| fault.finding)?;
                    let none = || Finding::HasNoAddress {
                        name: Quoted::new(bare),
                    };
                    found.addresses.first().copied().ok_or_else(none)?
                }
            };
            match TcpStream::connect(SocketAddr::new(ip, *port)).await {
                Ok(_) => Ok(Finding::Connected),
                Err(error) => Err(Finding::Said {
                    said: Quoted::new(&error.to_string()),
                }),
            }
        }
    }
}
