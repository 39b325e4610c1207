//! The prober: looks at sites over HTTP/1.1 and HTTP/2, and says what it saw.
//!
//! A check is one URL under one deadline. It goes from hop to hop; each finds the address of its name, opens one fresh connection
//! to it and sends one request. The last response is read and compared with what is expected.
//!
//! | file or folder | is |
//! |---|---|
//! | `addresses` | which addresses of a URL are asked, and which result speaks for it |
//! | `check` | one URL, hop after hop, until the deadline |
//! | `hop` | one request: what is sent, where it leads, from what failed to a cause |
//! | `dns` | from a name to an address at which a site can be |
//! | `client` | the HTTP client: its TLS settings, and our hooks inside it |
//! | `certificate` | what a peer's certificate says, and why it was refused; it is read in any case |
//! | `body` | a response's body: no more than allowed, decoded, as text |
//! | `judge` | whether a response is what is expected, and who made it |
//! | `meter` | how much a server may send that brings the check nowhere |
//! | `trace` | time marks that survive cancellation: phases are exact, and a check that ran out of time says where |
//! | `fault` | what went wrong, on its way to an outcome |
//! | `clock` | dates as HTTP writes them, and whose clock is wrong |
//! | `redact` | texts and URLs without credentials |
//! | `canary` | whether our own network is alive |
//! | `heartbeat` | that we live, told to an outside watcher |
//! | `webhook` | what happened, told to services |
//!
//! All URLs of a profile are checked, four at once. With several pinned addresses each is checked, and the first that is not well
//! speaks for the URL; with `addresses: all` each has a result of its own.
//!
//! What the HTTP client shows nobody is not told: bytes behind the end of a response (they reach no other request: the connection
//! ends with its answer), bare line feeds (they are read as line ends), how many 1xx responses came (over TLS a flood is ended by
//! its bytes, else by the deadline).
//!
//! Every path ends in exactly one result per URL, or per address of it; what a site does wrong is never an error here.

mod addresses;
mod body;
mod canary;
mod certificate;
mod check;
mod client;
mod clock;
mod dns;
mod fault;
mod heartbeat;
mod hop;
mod judge;
mod meter;
#[cfg(test)]
mod properties;
mod redact;
mod trace;
mod webhook;

pub use client::{FileFault, identity_in, lists_in, roots_in};
pub use heartbeat::{HttpPulse, ReadSecret, address_in};
pub use webhook::HttpPoster;

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::model::{CheckResult, Finding, NetworkSettings, Profile, limits};
use crate::ports::{Pending, Prober};

/// Why there can be no prober.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// Neither the machine's trust roots nor those built in can be used.
    #[error("the trusted certificates cannot be used")]
    Roots(#[from] rustls::client::VerifierBuilderError),
    /// TLS cannot be set up.
    #[error("TLS cannot be set up")]
    Tls(#[source] rustls::Error),
}

/// What all checks share.
struct World {
    names: dns::Names,
    tls: client::tls::Bases,
    seed: RandomState,
    count: AtomicU64,
    canary_clock: clock::CanaryClock,
}

impl World {
    /// A number that neither this process nor an earlier one has used.
    fn nonce(&self) -> u64 {
        self.seed
            .hash_one(self.count.fetch_add(1, Ordering::Relaxed))
    }
}

/// The [`Prober`] that speaks HTTP. Cheap to clone.
#[derive(Clone)]
pub struct HttpProber {
    world: Arc<World>,
}

impl HttpProber {
    /// A prober that asks the machine's name servers. Reads the machine's trust roots, once.
    ///
    /// # Errors
    /// When TLS cannot be set up at all.
    pub fn try_new() -> Result<Self, HttpError> {
        Self::try_with(None)
    }

    /// A prober that asks this one name server, over UDP and TCP, in place of the machine's.
    ///
    /// # Errors
    /// When TLS cannot be set up at all.
    pub fn try_with_name_server(server: SocketAddr) -> Result<Self, HttpError> {
        Self::try_with(Some(server))
    }

    fn try_with(server: Option<SocketAddr>) -> Result<Self, HttpError> {
        Ok(Self {
            world: Arc::new(World {
                names: dns::Names::new(server),
                tls: client::tls::Bases::try_new()?,
                seed: RandomState::new(),
                count: AtomicU64::new(0),
                canary_clock: clock::CanaryClock::default(),
            }),
        })
    }
}

impl Prober for HttpProber {
    fn probe(
        &self,
        profile: Arc<Profile>,
        known: Vec<Option<IpAddr>>,
    ) -> Pending<Vec<CheckResult>> {
        Box::pin(all(Arc::clone(&self.world), profile, known))
    }

    fn canary(&self, network: NetworkSettings) -> Pending<(bool, Finding)> {
        Box::pin(canary::ask(Arc::clone(&self.world), network))
    }
}

async fn all(
    world: Arc<World>,
    profile: Arc<Profile>,
    known: Vec<Option<IpAddr>>,
) -> Vec<CheckResult> {
    if profile.urls.iter().any(|url| url.scheme() == "https") {
        client::tls::ready().await;
    }
    let permits = Arc::new(Semaphore::new(limits::CHECKS_AT_ONCE));
    // One URL needs no task of its own beside its probe's.
    if profile.urls.len() == 1 {
        let known = known.first().copied().flatten();
        let url = profile.shown(&profile.urls[0]);
        let results = addresses::url(world, profile, 0, known, permits).await;
        return if results.is_empty() {
            vec![broken(&url)]
        } else {
            results
        };
    }
    Box::pin(several(world, profile, known, permits)).await
}

async fn several(
    world: Arc<World>,
    profile: Arc<Profile>,
    known: Vec<Option<IpAddr>>,
    permits: Arc<Semaphore>,
) -> Vec<CheckResult> {
    let mut urls = JoinSet::new();
    for place in 0..profile.urls.len() {
        let known = known.get(place).copied().flatten();
        let (world, profile) = (Arc::clone(&world), Arc::clone(&profile));
        let asked = addresses::url(world, profile, place, known, Arc::clone(&permits));
        urls.spawn(async move { (place, asked.await) });
    }
    let mut ended: Vec<Vec<CheckResult>> = vec![Vec::new(); profile.urls.len()];
    while let Some(url) = urls.join_next().await {
        if let Ok((place, results)) = url {
            ended[place] = results;
        }
    }
    ended
        .into_iter()
        .zip(&profile.urls)
        .flat_map(|(results, url)| {
            if results.is_empty() {
                vec![broken(&profile.shown(url))]
            } else {
                results
            }
        })
        .collect()
}

/// The result of a check that came to no end.
fn broken(url: &str) -> CheckResult {
    let fault = fault::Fault::monitor(Finding::NoResult);
    CheckResult::new(url, fault.into())
}
