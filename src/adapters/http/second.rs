//! Second looks: what more can be said of a hop that failed in TLS, inside the same deadline. None of them makes a site up
//! behind a certificate that was refused.
//!
//! - A refused certificate: the path is asked once more without verification, and the detail gets the status behind it.
//!   The query, credentials, client certificate, and every header that does not travel stay here.
//! - Dates that do not fit, while the server's `Date` says a time at which they would: when the two clocks differ by more
//!   than an hour and the canaries' last `Date` sides with the server's, our own clock is the fault (`monitor`). A site can say
//!   any time: where no canary has told one, the finding stays and the doubt is said.
//! - No TLS on the port: the first bytes of a plain connection say what is there.
//! - A server that knows none of the protocols we offer (ALPN) is asked once more without an offer; that answer counts.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Method, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::World;
use super::exchange::{self, Aim, Means};
use super::fault::Fault;
use super::follow::{Hop, Reach};
use super::trace::Sight;
use super::{dates, text, tls};
use crate::model::{
    Cause, Certificate, CertificateFault, Finding, Hours, Phase, Profile, Timestamp, limits,
};

/// How long something that speaks first, as SSH does, is waited for.
const BANNER: Duration = Duration::from_millis(500);

/// One hop, with a second look where it failed in TLS.
pub(super) async fn exchange(
    world: &World,
    profile: &Profile,
    means: &Means<'_>,
    hop: &Hop,
    aim: Aim<'_>,
    reach: Reach,
    sight: &Sight,
) -> Result<Response, Fault> {
    let fault = match exchange::exchange(means, hop, aim, reach, sight).await {
        Ok(response) => return Ok(response),
        Err(fault) => fault,
    };
    // Apart: a probe of a site that is well has no room to carry about for it.
    Box::pin(look(world, profile, means, hop, aim, reach, sight, fault)).await
}

#[expect(clippy::too_many_arguments, reason = "the same hop, and what it met")]
async fn look(
    world: &World,
    profile: &Profile,
    means: &Means<'_>,
    hop: &Hop,
    aim: Aim<'_>,
    reach: Reach,
    sight: &Sight,
    fault: Fault,
) -> Result<Response, Fault> {
    let left = profile.timeout.saturating_sub(sight.elapsed());
    let limit = (left / 4 * 3).min(limits::SECOND_LOOK);
    let address = sight.address();
    if fault.certificate.is_some() {
        return Err(behind(world, means, hop, address, sight, fault, limit).await);
    }
    if fault.cause == Cause::NotTls {
        let found = match address {
            Some(address) => timeout(limit, listener(address)).await.ok().flatten(),
            None => None,
        };
        return Err(Fault {
            finding: found.unwrap_or_else(|| fault.finding.clone()),
            ..fault
        });
    }
    if fault.no_protocol {
        let base = means.base.without_alpn();
        let plain = Means {
            base: &base,
            ..*means
        };
        let response = exchange::exchange(&plain, hop, aim, reach, sight).await?;
        sight.learn(|result| result.remarks.push(Finding::NoAlpnNeeded));
        return Ok(response);
    }
    Err(fault)
}

async fn behind(
    world: &World,
    means: &Means<'_>,
    hop: &Hop,
    address: Option<SocketAddr>,
    sight: &Sight,
    fault: Fault,
    limit: Duration,
) -> Fault {
    let base = world.tls.shared();
    let lenient = Means {
        base: &base,
        verify: false,
        ..*means
    };
    let aim = Aim {
        pin: address.map(|address| address.ip()),
        ..Aim::default()
    };
    let aside = Sight::new("");
    let stripped = stripped(hop);
    let looking = exchange::exchange(&lenient, &stripped, aim, Reach::Anywhere, &aside);
    let looked = timeout(limit, looking).await;
    let version = aside.result().tls_version;
    sight.learn(|result| result.tls_version = version);
    let seen = match looked {
        Ok(Ok(response)) => {
            let date = dates::told(response.headers());
            let shown = sight.result().certificate;
            let doubt = date
                .zip(shown)
                .and_then(|(date, shown)| world.canary_clock.ours_is_wrong(&fault, &shown, date));
            let answers = Finding::BehindItAnswers {
                status: response.status().as_u16().into(),
            };
            match doubt {
                Some(Doubt::Ours(ours)) => return ours,
                Some(Doubt::Either(doubt)) => answers.and(doubt),
                None => answers,
            }
        }
        Ok(Err(second)) => Finding::BehindItFails {
            finding: Box::new(second.finding),
        },
        Err(_) => Finding::BehindItSilent,
    };
    Fault {
        finding: fault.finding.and(seen),
        ..fault
    }
}

/// The hop with nothing in it that only a server we know may see.
fn stripped(hop: &Hop) -> Hop {
    let mut url = hop.url.clone();
    url.set_query(None);
    // Both fail only for URLs without a host.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    let mut headers = hop.headers.clone();
    let private: Vec<_> = headers
        .keys()
        .filter(|name| !text::travels(name))
        .cloned()
        .collect();
    for name in private {
        headers.remove(name);
    }
    let head = hop.method == Method::HEAD;
    Hop {
        url,
        method: if head { Method::HEAD } else { Method::GET },
        headers,
    }
}

/// What listens there, by its first bytes, where they say so.
async fn listener(address: SocketAddr) -> Option<Finding> {
    let mut stream = TcpStream::connect(address).await.ok()?;
    let mut bytes = [0; 64];
    let spoken = timeout(BANNER, stream.read(&mut bytes)).await;
    let length = match spoken {
        Ok(read) => read.ok()?,
        Err(_) => {
            let ask = b"HEAD / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
            stream.write_all(ask).await.ok()?;
            stream.read(&mut bytes).await.ok()?
        }
    };
    let known: [(&[u8], Finding); 5] = [
        (b"SSH-", Finding::NotTlsButSsh),
        (b"HTTP/", Finding::NotTlsButHttp),
        (b"220 ", Finding::NotTlsButMail),
        (b"220-", Finding::NotTlsButMail),
        (b"+OK", Finding::NotTlsButPop3),
    ];
    let begins = |mark: &[u8]| {
        bytes
            .get(..length)
            .is_some_and(|said| said.starts_with(mark))
    };
    known
        .into_iter()
        .find(|(mark, _)| begins(mark))
        .map(|(_, who)| who)
}

const UNKNOWN: i64 = i64::MIN;

/// By how much the clocks of the HTTP canaries were ahead of ours when one last answered, in milliseconds.
#[derive(Debug)]
pub(super) struct CanaryClock(AtomicI64);

impl Default for CanaryClock {
    fn default() -> Self {
        Self(AtomicI64::new(UNKNOWN))
    }
}

impl CanaryClock {
    /// A canary answered.
    pub(super) fn learn(&self, headers: &HeaderMap) {
        if let Some(date) = dates::told(headers) {
            let ahead = date.0.saturating_sub(tls::now().0).max(UNKNOWN + 1);
            self.0.store(ahead, Ordering::Relaxed);
        }
    }

    fn ahead(&self) -> Option<i64> {
        Some(self.0.load(Ordering::Relaxed)).filter(|ahead| *ahead != UNKNOWN)
    }

    /// The remark on a response whose clock is not ours.
    pub(super) fn remark(&self, headers: &HeaderMap) -> Option<Finding> {
        let ahead = dates::told(headers)?.0.saturating_sub(tls::now().0);
        if !is_wrong(ahead) {
            return None;
        }
        let span = hours(ahead);
        let differs = if ahead > 0 {
            Finding::ClockAhead { span }
        } else {
            Finding::ClockBehind { span }
        };
        Some(match self.ahead() {
            Some(canary) if !is_wrong(canary) => differs.and(Finding::CanaryAgreesWithUs),
            Some(canary) if !is_wrong(canary.saturating_sub(ahead)) => {
                differs.and(Finding::CanaryAgreesWithIt)
            }
            Some(_) | None => differs,
        })
    }

    /// Whether the dates of a refused certificate fit the server's clock and not ours, and who is right by the canaries.
    fn ours_is_wrong(&self, fault: &Fault, shown: &Certificate, date: Timestamp) -> Option<Doubt> {
        let by_date = matches!(
            fault.certificate,
            Some(CertificateFault::Expired | CertificateFault::NotYetValid)
        );
        let fits = shown.not_before <= date
            && date < shown.not_after
            && shown.chain.iter().all(|link| date < link.not_after);
        let ahead = date.0.saturating_sub(tls::now().0);
        if !by_date || !fits || !is_wrong(ahead) {
            return None;
        }
        let canary = self.ahead();
        if canary.is_some_and(|canary| !is_wrong(canary) || is_wrong(canary.saturating_sub(ahead)))
        {
            return None;
        }
        let span = hours(ahead);
        Some(if canary.is_some() {
            Doubt::Ours(Fault::monitor(Finding::OwnClockWrong { span, date }).at(Phase::Tls))
        } else {
            Doubt::Either(Finding::ClockInDoubt { span })
        })
    }
}

/// Whose clock is wrong.
enum Doubt {
    /// Ours, by the canaries.
    Ours(Fault),
    /// Nobody else was asked.
    Either(Finding),
}

fn is_wrong(difference: i64) -> bool {
    u128::from(difference.unsigned_abs()) > limits::CLOCK_SLACK.as_millis()
}

const fn hours(millis: i64) -> Hours {
    Hours(millis.unsigned_abs() / 3_600_000)
}
