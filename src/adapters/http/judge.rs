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
//! What is no fault is a remark: a body longer than `max_body`, a length told in two ways, a web server's welcome page.

use std::time::Duration;

use reqwest::header::{self, HeaderMap};
use reqwest::{Response, StatusCode};
use url::Url;

use super::body::{self, Body, Broken, Page as Read};
use super::dates::retry_after;
use super::fault::Fault;
use super::signs::Signs;
use super::trace::{Mark, Sight, Trace};
use super::wordpress::{self, Page};
use super::{classify, layer, text};
use crate::model::{CacheBypass, Cause, Excerpt, Layer, Phase, Profile, Seen};

/// Kept of a body that no expectation reads: enough for an excerpt and for an error page.
const EXCERPT_BYTES: u64 = 8192;

/// Time for the excerpt of a response whose status has decided already.
const EXCERPT_WAIT: Duration = Duration::from_secs(1);

/// Reads the body and compares with what is expected.
pub(super) async fn judge(
    profile: &Profile,
    mut response: Response,
    url: &Url,
    sight: &Sight,
) -> Result<(), Fault> {
    let trace = sight.trace();
    let (status, headers) = (response.status(), response.headers().clone());
    let wait = retry_after(&headers);
    let asked = matches!(status.as_u16(), 429 | 503);
    sight.learn(|result| result.retry_after = wait.filter(|_| asked));
    if status.is_informational() {
        let detail = format!("HTTP status {} is not an answer", status.as_u16());
        return Err(Fault::new(Cause::Status, detail).at(Phase::FirstByte));
    }
    let body = if profile.expect.accepts(status.as_u16()) {
        whole(profile, &mut response, url, sight, &trace).await?
    } else {
        let mut body = Body::of(&headers, EXCERPT_BYTES);
        let reading = body::read(&mut response, EXCERPT_BYTES, sight, &mut body);
        let read = tokio::time::timeout(EXCERPT_WAIT, reading).await;
        body.end(!matches!(read, Ok(Ok(()))))
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
    url: &Url,
    sight: &Sight,
    trace: &Trace,
) -> Result<Read, Fault> {
    let keep = if profile.expect.reads_body() || profile.cache_bypass == CacheBypass::WordPress {
        profile.max_body
    } else {
        EXCERPT_BYTES
    };
    let mut body = Body::of(response.headers(), keep);
    let read = body::read(response, profile.max_body, sight, &mut body).await;
    read.map(|()| body.end(false))
        .map_err(|broken| match broken {
            Broken::Encoding(words) => Fault::new(Cause::Encoding, words).at(Phase::Transfer),
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
        let signs = Signs::of(text);
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
        if self.is_maintenance() {
            let detail = format!("HTTP status {}", self.status.as_u16());
            return Some(self.told(Cause::Maintenance, detail, &Excerpt::None));
        }
        let status = self.status.as_u16();
        if status == 304 && !may_be_unmodified(self.profile) {
            let detail =
                "HTTP status 304 without a page: nothing was asked that could be unmodified";
            return Some(Fault::new(Cause::Status, detail).at(Phase::FirstByte));
        }
        if self.profile.expect.accepts(status) {
            if self.page.is_some() {
                let detail = format!("HTTP status {status}");
                return Some(self.told(Cause::Content, detail, &Excerpt::Beginning));
            }
            if self.layer == Some(Layer::Cache) && passes_caches(self.profile) {
                let sign = layer::cached(self.headers);
                let sign = sign.as_deref().unwrap_or("a line in the page");
                let detail = format!(
                    "the page came from a cache ({sign}) although cache_bypass asks past it: whether PHP and the \
                     database live is not shown"
                );
                return Some(Fault::new(Cause::Content, detail).at(Phase::Transfer));
            }
        }
        self.unmet()
    }

    fn unmet(&self) -> Option<Fault> {
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
        let seen = Seen {
            status: self.status.as_u16(),
            headers: &pairs,
            retry_after: self.wait.is_some(),
            body: &self.body.text,
            size: self.body.read,
            // Also a text that was cut is only a part.
            capped: !self.body.whole && (self.body.capped || self.profile.expect.reads_body()),
        };
        let unmet = self.profile.expect.unmet(&seen)?;
        Some(self.told(unmet.cause, unmet.detail, &unmet.excerpt))
    }

    /// A fault in words: what, what that means, how long, what stands there.
    fn told(&self, cause: Cause, mut detail: String, excerpt: &Excerpt) -> Fault {
        if let Some(meaning) = self.meaning(cause) {
            detail = format!("{detail}: {meaning}");
        }
        let asks = matches!(self.status.as_u16(), 429 | 503) || cause == Cause::Maintenance;
        if let Some(wait) = self.wait.filter(|_| asks) {
            detail = format!("{detail}; Retry-After {} s", wait.as_secs());
        }
        let (words, quoted) = match excerpt {
            Excerpt::None => ("", String::new()),
            Excerpt::Beginning => ("the body begins", text::excerpt(&self.body.text)),
            Excerpt::Around(place) => ("the place", text::around(&self.body.text, place)),
        };
        if !quoted.is_empty() {
            detail = format!("{detail}; {words}: {quoted}");
        }
        let phase = if cause == Cause::Content {
            Phase::Transfer
        } else {
            Phase::FirstByte
        };
        Fault::new(cause, detail).at(phase)
    }

    /// What a response that is not as expected says about the site.
    fn meaning(&self, cause: Cause) -> Option<&'static str> {
        if let Some(page) = self.page {
            return Some(page.words());
        }
        if cause == Cause::Content {
            return layer::welcome(&self.signs).map(
                |_| "this is the web server's default page, as for a name it knows no site of",
            );
        }
        match self.status.as_u16() {
            401 => Some("the page asks for a login"),
            403 => Some(
                "a firewall (WAF) may be blocking this machine alone; look from another network",
            ),
            404 | 410 => Some("there is no such page; is the URL right?"),
            429 => Some("the site asks to be probed less often"),
            451 => Some("refused for legal reasons, maybe only where this machine stands"),
            511 => Some(
                "a gateway on the way asks for a login, as in a hotel; this says nothing of the site",
            ),
            520..=524 => Some("Cloudflare's word for a server behind it that does not answer well"),
            525 | 526 => {
                Some("Cloudflare's word for bad TLS or a bad certificate of the server behind it")
            }
            502 | 504 if self.layer == Some(Layer::WebServer) => {
                Some("the web server runs, but what stands behind it (PHP) does not answer")
            }
            _ => None,
        }
    }

    fn remarks(&self) -> Vec<String> {
        let mut remarks = vec![];
        let limit = self.profile.max_body;
        if self.body.capped && self.profile.expect.accepts(self.status.as_u16()) {
            remarks.push(format!(
                "the body is longer than max_body ({limit} bytes); the rest was not read"
            ));
        }
        let headers = self.headers;
        if headers.contains_key(header::CONTENT_LENGTH)
            && headers.contains_key(header::TRANSFER_ENCODING)
        {
            let line = "both Content-Length and Transfer-Encoding are sent; a proxy in between may cut the body elsewhere";
            remarks.push(line.to_owned());
        }
        if let Some(whose) = layer::welcome(&self.signs) {
            let line = format!(
                "this looks like the default page of {whose}; the name may have no site of its own there"
            );
            remarks.push(line);
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
