//! Whether a response is what the profile expects, and who made it.
//!
//! A status that is not expected is told even when the body behind it breaks. A final 1xx is never an answer, nor is a 304 to
//! a request without a condition, unless `expect.status` names it. Then, in this
//! order: an error page of WordPress (`wordpress`) is no good page whatever its status; with `cache_bypass` neither is a page
//! from a cache (`layer`), since what stands behind the cache may be dead; the profile's other expectations
//! ([`crate::model::Expect`]). The first that is not met is told, with an excerpt where that helps.
//!
//! A `Retry-After` counts when it asks to wait at all; it is capped at 15 minutes. It makes `maintenance` of a 503, and of
//! WordPress's maintenance page under any status, as `maintenance.php` may choose one; without it that page is `content`.
//!
//! What is no fault is a remark: a body longer than `max_body`, a length told in two ways, a web server's welcome page, an encoding
//! that is none or that nobody here can undo. The last is a fault (`encoding`) where an expectation reads the body.

mod excerpt;
mod layer;
#[cfg(test)]
mod properties;
mod signs;
mod wordpress;

use std::sync::LazyLock;
use std::time::Duration;

use reqwest::header::{self, HeaderMap};
use reqwest::{Response, StatusCode};
use url::Url;

use signs::{Search, Signs};
use wordpress::Page;

use super::body::{self, Body, Broken, Page as Read};
use super::clock::retry_after;
use super::fault::Fault;
use super::hop::classify;
use super::trace::{Mark, Sight, Trace};
use crate::model::{
    CacheBypass, Cause, Excerpt, Finding, Layer, Phase, Profile, Quoted, ResponseSeen,
};

/// Kept of a body that no expectation reads: enough for an excerpt and for an error page.
const EXCERPT_BYTES: u64 = 8192;

/// Time for the excerpt of a response whose status has decided already.
const EXCERPT_WAIT: Duration = Duration::from_secs(1);

/// All that is looked for in a page.
static SIGNS: LazyLock<Search> = LazyLock::new(|| {
    let sentences = wordpress::SENTENCES.iter().map(|(sentence, _)| *sentence);
    let welcomes = layer::WELCOMES.iter().map(|(sign, _)| *sign);
    Search::of(sentences.chain(layer::OWN_PAGES).chain(welcomes))
});

/// Reads the body and compares with what is expected.
pub(super) async fn judge(
    profile: &Profile,
    mut response: Response,
    url: &Url,
    sight: &Sight,
) -> Result<(), Fault> {
    let trace = sight.trace();
    // Nobody asks the response for them any more.
    let headers = std::mem::take(response.headers_mut());
    let status = response.status();
    let wait = retry_after(&headers);
    let asked = matches!(status.as_u16(), 429 | 503);
    sight.learn(|result| result.retry_after = wait.filter(|_| asked));
    if status.is_informational() {
        let finding = Finding::NotAnAnswer {
            status: status.as_u16().into(),
        };
        return Err(Fault::new(Cause::Status, finding).at(Phase::FirstByte));
    }
    let body = if profile.expect.accepts(status.as_u16()) {
        whole(profile, &mut response, &headers, url, sight, &trace).await?
    } else {
        let mut body = Body::of(&headers, EXCERPT_BYTES);
        let reading = body::read(&mut response, &headers, EXCERPT_BYTES, sight, &mut body);
        // However far it came.
        let _ = tokio::time::timeout(EXCERPT_WAIT, reading).await;
        body.end()
    };
    trace.mark(Mark::End);
    let answer = Answer::of(profile, status, &headers, &body, wait);
    sight.learn(|result| {
        result.layer = answer.layer;
        result.remarks.extend(answer.remarks());
        if answer.is_maintenance() {
            result.retry_after = wait;
        }
    });
    answer.found().map_or(Ok(()), Err)
}

async fn whole(
    profile: &Profile,
    response: &mut Response,
    headers: &HeaderMap,
    url: &Url,
    sight: &Sight,
    trace: &Trace,
) -> Result<Read, Fault> {
    let keep = if profile.expect.reads_body() || profile.cache_bypass == CacheBypass::WordPress {
        profile.max_body
    } else {
        EXCERPT_BYTES
    };
    let mut body = Body::of(headers, keep);
    let read = body::read(response, headers, profile.max_body, sight, &mut body).await;
    read.map(|()| body.end()).map_err(|broken| match broken {
        Broken::Encoding(finding) => Fault::new(Cause::Encoding, finding).at(Phase::Transfer),
        Broken::Wire(error) => {
            let host = url.host_str().unwrap_or_default();
            classify::failure(&error.without_url(), trace, host)
        }
    })
}

/// A response that was read as far as it is.
struct Answer<'a> {
    profile: &'a Profile,
    status: StatusCode,
    headers: &'a HeaderMap,
    wait: Option<Duration>,
    body: &'a Read,
    signs: Signs,
    page: Option<Page>,
    layer: Option<Layer>,
}

impl<'a> Answer<'a> {
    fn of(
        profile: &'a Profile,
        status: StatusCode,
        headers: &'a HeaderMap,
        body: &'a Read,
        wait: Option<Duration>,
    ) -> Self {
        let text = &body.text;
        let signs = SIGNS.found_in(text);
        let page = wordpress::recognise(text, &signs, body.whole, passes_caches(profile));
        let layer = layer::of(status, headers, text, &signs, page);
        Self {
            profile,
            status,
            headers,
            wait,
            body,
            signs,
            page,
            layer,
        }
    }

    fn is_maintenance(&self) -> bool {
        self.page == Some(Page::Maintenance) && self.wait.is_some()
    }

    fn found(&self) -> Option<Fault> {
        let status = self.status.as_u16();
        let plain = Finding::Status {
            status: status.into(),
        };
        if self.is_maintenance() {
            return Some(self.told(Cause::Maintenance, plain, &Excerpt::None));
        }
        if status == 304 && !may_be_unmodified(self.profile) {
            return Some(Fault::new(Cause::Status, Finding::Unmodified).at(Phase::FirstByte));
        }
        if self.profile.expect.accepts(status) {
            if self.page.is_some() {
                return Some(self.told(Cause::Content, plain, &Excerpt::Beginning));
            }
            if self.layer == Some(Layer::Cache) && passes_caches(self.profile) {
                let finding = match layer::cached(self.headers) {
                    Some(sign) => Finding::FromCache {
                        sign: Quoted::new(&sign),
                    },
                    None => Finding::FromCacheByLine,
                };
                return Some(Fault::new(Cause::Content, finding).at(Phase::Transfer));
            }
        }
        self.unmet()
    }

    fn unmet(&self) -> Option<Fault> {
        let accepted = self.profile.expect.accepts(self.status.as_u16());
        if let Some(encoded) = &self.body.encoded
            && accepted
            && self.profile.expect.reads_body()
        {
            return Some(Fault::new(Cause::Encoding, encoded.clone()).at(Phase::Transfer));
        }
        let judged = !self.profile.expect.header.is_empty();
        let pairs: Vec<(String, String)> = self
            .headers
            .iter()
            .filter(|_| judged)
            .map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                (name.as_str().to_owned(), value)
            })
            .collect();
        let seen = ResponseSeen {
            status: self.status.as_u16(),
            headers: &pairs,
            retry_after: self.wait.is_some(),
            body: &self.body.text,
            size: self.body.read,
            // Also a text that was cut is only a part.
            capped: !self.body.whole && (self.body.capped || self.profile.expect.reads_body()),
        };
        let unmet = self.profile.expect.unmet(&seen)?;
        Some(self.told(unmet.cause, unmet.finding, &unmet.excerpt))
    }

    /// A fault with what it means, how long to wait, and what stands there.
    fn told(&self, cause: Cause, mut finding: Finding, excerpt: &Excerpt) -> Fault {
        if let Some(meaning) = self.meaning(cause) {
            finding = finding.meaning(meaning);
        }
        let asks = matches!(self.status.as_u16(), 429 | 503) || cause == Cause::Maintenance;
        if let Some(wait) = self.wait.filter(|_| asks) {
            finding = Finding::RetryAfter {
                finding: Box::new(finding),
                seconds: wait.as_secs(),
            };
        }
        let said = match excerpt {
            Excerpt::None => Quoted::default(),
            Excerpt::Beginning => Quoted::new(&excerpt::beginning(&self.body.text)),
            Excerpt::Around(place) => Quoted::new(&excerpt::around(&self.body.text, place)),
        };
        if !said.is_empty() {
            let seen = Box::new(finding);
            finding = if matches!(excerpt, Excerpt::Around(_)) {
                Finding::ThePlace {
                    finding: seen,
                    said,
                }
            } else {
                Finding::BodyBegins {
                    finding: seen,
                    said,
                }
            };
        }
        let phase = if cause == Cause::Content {
            Phase::Transfer
        } else {
            Phase::FirstByte
        };
        Fault::new(cause, finding).at(phase)
    }

    /// What a response that is not as expected says about the site.
    fn meaning(&self, cause: Cause) -> Option<Finding> {
        if let Some(page) = self.page {
            return Some(page.finding());
        }
        if cause == Cause::Content {
            return layer::welcome(&self.signs).map(|_| Finding::DefaultPage);
        }
        match self.status.as_u16() {
            401 => Some(Finding::AsksLogin),
            403 => Some(Finding::MaybeFirewall),
            404 | 410 => Some(Finding::NoSuchPage),
            429 => Some(Finding::LessOften),
            451 => Some(Finding::LegalReasons),
            511 => Some(Finding::GatewayLogin),
            520..=524 => Some(Finding::CloudflareOrigin),
            525 | 526 => Some(Finding::CloudflareTls),
            502 | 504 if self.layer == Some(Layer::WebServer) => Some(Finding::BackendSilent),
            _ => None,
        }
    }

    fn remarks(&self) -> Vec<Finding> {
        let mut remarks = vec![];
        let limit = self.profile.max_body;
        if self.body.capped && self.profile.expect.accepts(self.status.as_u16()) {
            remarks.push(Finding::BodyLonger { limit });
        }
        remarks.extend(self.body.encoded.clone());
        remarks.extend(self.body.ignored.clone());
        let headers = self.headers;
        if headers.contains_key(header::CONTENT_LENGTH)
            && headers.contains_key(header::TRANSFER_ENCODING)
        {
            remarks.push(Finding::TwoLengths);
        }
        if let Some(whose) = layer::welcome(&self.signs) {
            let whose = whose.to_owned();
            remarks.push(Finding::LooksDefault { whose });
        }
        remarks
    }
}

/// Whether the profile asks on a condition, or names the status.
fn may_be_unmodified(profile: &Profile) -> bool {
    let conditional = profile.headers.iter().any(|(name, _)| {
        let name = name.to_ascii_lowercase();
        matches!(name.as_str(), "if-none-match" | "if-modified-since")
    });
    let mut ranges = profile.expect.status.iter();
    conditional || ranges.any(|range| (range.low, range.high) == (304, 304))
}

fn passes_caches(profile: &Profile) -> bool {
    profile.cache_bypass == CacheBypass::WordPress
}
