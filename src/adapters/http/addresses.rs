//! Which addresses of a URL are asked, which result speaks for it where only one may, and what is said where its name does not
//! lead to an address.
//!
//! With `addresses: all` the name is looked up once, and every address it has, at most [`limits::ADDRESSES`], the families
//! by turns, is checked on its own within what the look-up left of the profile's `timeout`. Addresses of a family that this
//! machine has no route for are left out, which a remark says; where that leaves none, they are asked all the same. A look-up
//! that fails is one result.
//!
//! Where a name does not resolve, the address that last answered is asked within what is left of the time, with Host and
//! SNI kept, and the finding says what it does. The finding stays what it was.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use url::{Host, Url};

use super::World;
use super::check::check;
use super::dns::Found;
use super::dns::destination::{Source, has_route};
use super::fault::Fault;
use super::hop::Aim;
use super::trace::{Mark, Sight};
use crate::model::{
    Addresses, Cause, CheckOutcome, CheckResult, Family, Finding, Phase, Phrase, Profile, Quoted,
    limits,
};

/// Less time is not worth a connection.
const LEAST: Duration = Duration::from_millis(200);

/// All that is asked of one URL; `permits` bounds how much of a profile is asked at the same time.
pub(super) async fn url(
    world: Arc<World>,
    profile: Arc<Profile>,
    place: usize,
    known: Option<IpAddr>,
    permits: Arc<Semaphore>,
) -> Vec<CheckResult> {
    let asked = Arc::clone(&profile);
    let Some(url) = asked.urls.get(place) else {
        return Vec::new();
    };
    let pins = match &profile.addresses {
        Addresses::Pinned(pins) if !pins.is_empty() => pins.clone(),
        Addresses::All => {
            return match url.host() {
                Some(Host::Domain(name)) => {
                    Box::pin(every(world, profile.clone(), url, name, known, permits)).await
                }
                Some(Host::Ipv4(_) | Host::Ipv6(_)) | None => {
                    let _permit = permits.acquire().await;
                    vec![one(&world, &profile, url, None, known).await]
                }
            };
        }
        Addresses::Any | Addresses::Pinned(_) => {
            let _permit = permits.acquire().await;
            return vec![one(&world, &profile, url, None, known).await];
        }
    };
    let shown = profile.shown(url);
    let checks = Box::pin(each(world, profile, url, pins, Source::Given, permits)).await;
    vec![speaker(&checks, &shown)]
}

/// Checks a URL at addresses, and gives the results in their order; `None` is a check that broke.
async fn each(
    world: Arc<World>,
    profile: Arc<Profile>,
    url: &Url,
    addresses: Vec<IpAddr>,
    source: Source,
    permits: Arc<Semaphore>,
) -> Vec<Option<CheckResult>> {
    let mut ended = vec![None; addresses.len()];
    let mut checks = JoinSet::new();
    for (place, address) in addresses.into_iter().enumerate() {
        let (world, profile, url) = (Arc::clone(&world), Arc::clone(&profile), url.clone());
        let permits = Arc::clone(&permits);
        checks.spawn(async move {
            let _permit = permits.acquire().await;
            (
                place,
                one(&world, &profile, &url, Some((address, source)), None).await,
            )
        });
    }
    while let Some(check) = checks.join_next().await {
        if let Ok((place, result)) = check
            && let Some(slot) = ended.get_mut(place)
        {
            *slot = Some(result);
        }
    }
    ended
}

/// Of the checks of one URL, the one that speaks for it: the first fault, else the first remark, else the first.
fn speaker(results: &[Option<CheckResult>], url: &str) -> CheckResult {
    let broken = || super::broken(url);
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

/// One check, with a second opinion where the name does not resolve.
async fn one(
    world: &World,
    profile: &Profile,
    url: &Url,
    pin: Option<(IpAddr, Source)>,
    known: Option<IpAddr>,
) -> CheckResult {
    let aim = Aim {
        pin: pin.map(|(ip, _)| ip),
        source: pin.map_or_else(Source::default, |(_, source)| source),
        known,
        expected: &profile.expect.addresses,
    };
    let mut result = check(world, profile, url, aim).await;
    if let Some(known) = known.filter(|_| pin.is_none()) {
        Box::pin(ask_known(world, profile, url, known, &mut result)).await;
    }
    result
}

/// Each address of a name.
async fn every(
    world: Arc<World>,
    profile: Arc<Profile>,
    url: &Url,
    name: &str,
    known: Option<IpAddr>,
    permits: Arc<Semaphore>,
) -> Vec<CheckResult> {
    let sight = Sight::new(&profile.shown(url));
    let trace = sight.hop(url.scheme() == "https");
    let permit = permits.acquire().await;
    trace.mark(Mark::NameAsked);
    let found = tokio::time::timeout(profile.timeout, world.names.all(name)).await;
    trace.mark(Mark::NameKnown);
    let spent = sight.result().timings;
    let found = match found {
        Ok(Ok(found)) => found,
        failed => {
            let mut result = sight.result();
            result.outcome = match failed {
                Ok(Err(fault)) => fault.into(),
                Ok(Ok(_)) | Err(_) => {
                    let name = Quoted::new(name);
                    Fault::new(Cause::Dns, Finding::NoNameServerInTime { name })
                        .at(Phase::Dns)
                        .into()
                }
            };
            if let Some(known) = known {
                ask_known(&world, &profile, url, known, &mut result).await;
            }
            return vec![result];
        }
    };
    drop(permit);
    let source = found.source();
    let (asked, remarks) = chosen(name, found);
    let port = url.port_or_known_default().unwrap_or(80);
    let left = Arc::new(Profile {
        timeout: profile.timeout.saturating_sub(spent.total).max(LEAST),
        ..Profile::clone(&profile)
    });
    let results = each(world, left, url, asked.clone(), source, permits).await;
    let mut results: Vec<CheckResult> = results
        .into_iter()
        .zip(asked)
        .map(|(result, address)| {
            let mut result = result.unwrap_or_else(|| super::broken(&profile.shown(url)));
            result.address = Some(SocketAddr::new(address, port));
            result.timings.dns = spent.dns;
            result.timings.total += spent.total;
            result
        })
        .collect();
    if let Some(first) = results.first_mut() {
        first.remarks.extend(remarks);
    }
    results
}

/// The addresses that are asked, ascending, and what is to be said of the others.
fn chosen(name: &str, found: Found) -> (Vec<IpAddr>, Vec<Finding>) {
    let mut remarks = found.remarks;
    let mut reachable = found.addresses.clone();
    for (family, word) in [(Family::Ipv4, "IPv4"), (Family::Ipv6, "IPv6")] {
        let of = |ip: &IpAddr| Family::of(SocketAddr::new(*ip, 0)) == family;
        let (own, other): (Vec<IpAddr>, Vec<IpAddr>) = reachable.iter().partition(|ip| of(ip));
        if !own.is_empty() && !other.is_empty() && !own.iter().any(|ip| has_route(*ip)) {
            let family = word.to_owned();
            remarks.push(Finding::FamilyNotAsked { family });
            reachable = other;
        }
    }
    let (four, six): (Vec<IpAddr>, Vec<IpAddr>) = reachable.iter().partition(|ip| ip.is_ipv4());
    let mut turns = Vec::with_capacity(reachable.len());
    for place in 0..four.len().max(six.len()) {
        turns.extend(four.get(place).into_iter().chain(six.get(place)).copied());
    }
    if turns.len() > limits::ADDRESSES {
        remarks.push(Finding::AddressesNotAsked {
            name: Quoted::new(name),
            count: turns.len() as u64,
            asked: limits::ADDRESSES as u64,
        });
        turns.truncate(limits::ADDRESSES);
    }
    turns.sort_unstable();
    (turns, remarks)
}

/// Says in the finding what the last good address does, where the name led nowhere.
async fn ask_known(
    world: &World,
    profile: &Profile,
    url: &Url,
    known: IpAddr,
    result: &mut CheckResult,
) {
    let spent = result.timings.total;
    let CheckOutcome::Found {
        phase: Some(Phase::Dns),
        finding,
        ..
    } = &mut result.outcome
    else {
        return;
    };
    if result.redirects > 0 {
        return; // another site's name, perhaps
    }
    let left = profile.timeout.saturating_sub(spent);
    let also = if left < LEAST {
        Finding::LastGoodNoTime { address: known }
    } else {
        let limited = Profile {
            timeout: left,
            ..profile.clone()
        };
        let aim = Aim {
            pin: Some(known),
            source: Source::Given,
            known: None,
            expected: &[],
        };
        let second = Box::pin(check(world, &limited, url, aim)).await;
        result.timings.total += second.timings.total;
        said(known, &second)
    };
    **finding = std::mem::take(&mut **finding).and(also);
}

fn said(address: IpAddr, second: &CheckResult) -> Finding {
    let status = second.http_status.map(u64::from);
    match (second.is_ok(), second.cause(), status) {
        (true, _, Some(status)) | (_, None, Some(status)) => {
            Finding::LastGoodAnswers { address, status }
        }
        (true, _, None) | (_, None, None) => Finding::LastGoodWell { address },
        (_, Some(Cause::Monitor), _) => Finding::LastGoodNotAsked {
            address,
            why: Box::new(second.finding().cloned().unwrap_or_default()),
        },
        (_, Some(cause), Some(status)) => Finding::LastGoodNotWell {
            address,
            status,
            cause: Phrase(cause),
        },
        (_, Some(cause), None) => Finding::LastGoodDead {
            address,
            cause: Phrase(cause),
        },
    }
}
