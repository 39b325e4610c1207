//! The first request of a check: method, headers and URL as configured, and what keeps caches away.
//!
//! Without a `User-Agent` of the profile's own we name ourselves; KUSANAGI's page cache treats a request without one
//! differently. Unless the profile says otherwise or asks for a range, gzip and br are accepted. With
//! `cache_bypass: wordpress` the URL gets a query that no cache has seen (`_probe=`) and a cookie that looks like a
//! login, which WordPress itself takes for an anonymous visitor.

use reqwest::Method;
use reqwest::header::{self, HeaderMap, HeaderName, HeaderValue};
use url::Url;

use super::redirect::Hop;
use crate::adapters::http::fault::Fault;
use crate::model::{CacheBypass, Finding, Profile, USER_AGENT};

const ACCEPT_ENCODING: &str = "gzip, br";
const LOGGED_IN: &str = "wordpress_logged_in_probe=1";

/// The request for `url`; `nonce` is one that was never used before.
pub(in crate::adapters::http) fn first(
    profile: &Profile,
    url: &Url,
    nonce: u64,
) -> Result<Hop, Fault> {
    let method = Method::from_bytes(profile.method.as_bytes()).map_err(|_| {
        let method = profile.method.clone();
        Fault::monitor(Finding::NoMethod { method })
    })?;
    let mut headers = HeaderMap::new();
    for (name, value) in &profile.headers {
        // The value may be a secret and is not repeated.
        let unusable = || Fault::monitor(Finding::HeaderUnsendable { name: name.clone() });
        let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| unusable())?;
        let value = HeaderValue::from_str(value).map_err(|_| unusable())?;
        headers.append(key, value);
    }
    headers
        .entry(header::USER_AGENT)
        .or_insert_with(|| user_agent(profile.contact.as_ref()));
    // A part of an encoded body cannot be decoded.
    if !headers.contains_key(header::RANGE) {
        headers
            .entry(header::ACCEPT_ENCODING)
            .or_insert(HeaderValue::from_static(ACCEPT_ENCODING));
    }
    let mut url = url.clone();
    url.set_fragment(None);
    match profile.cache_bypass {
        CacheBypass::Off => {}
        CacheBypass::WordPress => {
            url.query_pairs_mut()
                .append_pair("_probe", &format!("{nonce:016x}"));
        }
    }
    bypass(&mut headers, profile.cache_bypass);
    Ok(Hop {
        url,
        method,
        headers,
        body: None,
        cookies: None,
    })
}

/// `probe/0.1.0 (+https://www.example.org/contact)`.
pub(in crate::adapters::http) fn user_agent(contact: Option<&Url>) -> HeaderValue {
    contact
        .and_then(|url| HeaderValue::from_str(&format!("{USER_AGENT} (+{url})")).ok())
        .unwrap_or(HeaderValue::from_static(USER_AGENT))
}

/// The cookie that caches do not serve; added to a cookie of the profile's own.
pub(in crate::adapters::http) fn bypass(headers: &mut HeaderMap, mode: CacheBypass) {
    match mode {
        CacheBypass::Off => {}
        CacheBypass::WordPress => {
            let own = headers.get(header::COOKIE).and_then(|c| c.to_str().ok());
            let cookie = match own {
                Some(own) if own.contains(LOGGED_IN) => return,
                Some(own) => format!("{own}; {LOGGED_IN}"),
                None => LOGGED_IN.to_owned(),
            };
            if let Ok(cookie) = HeaderValue::from_str(&cookie) {
                headers.insert(header::COOKIE, cookie);
            }
        }
    }
}
