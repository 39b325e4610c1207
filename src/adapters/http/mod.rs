//! The prober: looks at sites over HTTP/1.1 and HTTP/2, and says what it saw.
//!
//! - One check is one URL and one deadline (`check`). It walks from hop to hop (`follow`); each hop (`exchange`)
//!   resolves its name (`resolve`, `miss`) to an address where a site can be (`destination`), opens one fresh connection to one address and sends one request (`request`);
//!   the last response is read (`body`, `decode`, `charset`) and compared with what is expected (`judge`); who made it is part of
//!   the evidence (`layer`, `wordpress`, by `signs` in the page).
//! - Hooks inside the HTTP client (`hooks`) set time marks (`trace`) that survive cancellation, so that phases are
//!   exact and a check that ran out of time says where.
//! - Errors become causes by their types (`classify`); the certificate is read in any case (`certificate`), and why it
//!   was refused is told apart (`refusal`, `revocation`); one that was found good is not verified anew each minute (`verified`);
//!   what stands behind a refusal a second look says (`second`); text
//!   from outside is cleaned and freed of credentials (`text`).
//! - All URLs of a profile are checked, four at once. With several pinned addresses each is checked, and the first
//!   that is not well speaks for the URL; with `addresses: all` each has a result of its own (`addresses`).
//! - Whether our own network is alive, the canaries tell (`canary`); that we live, an outside watcher is told (`beat`).
//!
//! What the HTTP client shows nobody is not told: bytes behind the end of a response (they reach no other request: the connection
//! ends with its answer), bare line feeds (they are read as line ends), how many 1xx responses came (the deadline ends a flood).
//!
//! Every path ends in exactly one result per URL, or per address of it; what a site does wrong is never an error here.

mod addresses;
mod alive;
mod banner;
mod beat;
mod body;
mod canary;
mod certificate;
mod charset;
mod check;
mod classify;
mod client;
mod dates;
mod decode;
mod destination;
mod exchange;
mod fault;
mod files;
mod follow;
mod handshake;
mod hooks;
mod judge;
mod layer;
mod miss;
#[cfg(test)]
mod properties;
mod refusal;
mod request;
mod resolve;
mod revocation;
mod second;
mod seen;
mod shown;
mod signs;
mod text;
mod tls;
mod trace;
mod verified;
mod wordpress;

pub use beat::{HttpPulse, ReadSecret};
pub use files::{FileFault, identity_in, roots_in};
pub use revocation::lists_in;

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::model::{CheckOutcome, CheckResult, Finding, NetworkSettings, Profile, limits};
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
    names: resolve::Names,
    tls: tls::Bases,
    seed: RandomState,
    count: AtomicU64,
    canary_clock: second::CanaryClock,
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
                names: resolve::Names::new(server),
                tls: tls::Bases::try_new()?,
                seed: RandomState::new(),
                count: AtomicU64::new(0),
                canary_clock: second::CanaryClock::default(),
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
        tls::ready().await;
    }
    let permits = Arc::new(Semaphore::new(limits::CHECKS_AT_ONCE));
    // One URL needs no task of its own beside its probe's.
    if profile.urls.len() == 1 {
        let known = known.first().copied().flatten();
        let url = text::shown(&profile.urls[0]);
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
                vec![broken(&text::shown(url))]
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

/// Of the checks of one URL, the one that speaks for it: the first fault, else the first remark, else the first.
fn speaker(results: &[Option<CheckResult>], url: &str) -> CheckResult {
    let broken = || broken(url);
    let results: Vec<CheckResult> = results
        .iter()
        .map(|result| result.clone().unwrap_or_else(broken))
        .collect();
    let chosen = results
        .iter()
        .find(|result| !result.is_ok())
        .or_else(|| results.iter().find(|result| result.cause().is_some()))
        .or(results.first());
    let mut chosen = chosen.cloned().unwrap_or_else(broken);
    if results.len() > 1 {
        name_address(&mut chosen);
    }
    chosen
}

fn name_address(result: &mut CheckResult) {
    let address = result.address;
    if let (CheckOutcome::Found { finding, .. }, Some(address)) = (&mut result.outcome, address) {
        let seen = std::mem::take(finding);
        **finding = Finding::At {
            address: address.ip(),
            finding: seen,
        };
    }
}
