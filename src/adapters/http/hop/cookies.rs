//! Cookies of one check: what a response on the way sets goes along with the requests behind it, as a browser would do it, and is gone
//! with the check.
//!
//! Sites send a visitor to themselves with a cookie and look whether it comes back; who brings none goes in a circle. Which request
//! carries which cookie is RFC 6265's, by `cookie_store`: only hosts, paths and schemes that it belongs to. A cookie that a site sets
//! stands in place of one of the same name that the profile sends. No cookie is kept, shown or logged.
//!
//! At most [`limits::COOKIES`] are taken, of at most [`limits::COOKIE_BYTES`] each; what is beyond that is not taken. No list of public
//! suffixes is asked, only a single label (`com`) is nobody's domain: a cookie for `co.jp` lives for the redirects of one check, and
//! whoever sets it could write its value into the redirect as well.

use cookie_store::{Cookie, CookieDomain, CookieStore};
use reqwest::header::{self, HeaderMap, HeaderValue};
use url::Url;

use crate::model::limits;

/// The cookies that a check has been given so far.
#[derive(Default)]
pub(in crate::adapters::http) struct Jar(CookieStore);

impl Jar {
    /// Takes what the response of `url` sets.
    pub(in crate::adapters::http) fn take(&mut self, url: &Url, headers: &HeaderMap) {
        for value in headers.get_all(header::SET_COOKIE) {
            if self.0.iter_any().count() >= limits::COOKIES {
                return;
            }
            let Ok(text) = std::str::from_utf8(value.as_bytes()) else {
                continue;
            };
            let Ok(cookie) = Cookie::parse(text, url) else {
                continue;
            };
            let cookie = cookie.into_owned();
            let (name, value) = cookie.name_value();
            let whole_zone =
                matches!(&cookie.domain, CookieDomain::Suffix(zone) if !zone.contains('.'));
            if name.len() + value.len() <= limits::COOKIE_BYTES && !whole_zone {
                // One that has expired removes what is there; others than those are not refused any more.
                let _ = self.0.insert(cookie, url);
            }
        }
    }

    /// What a request for `url` brings, as a `Cookie` header has it: longer paths first, as RFC 6265 wants it, then by name.
    pub(super) fn brings(&self, url: &Url) -> Option<String> {
        let mut cookies = self.0.matches(url);
        cookies.sort_by_key(|cookie| {
            (
                std::cmp::Reverse(cookie.path.len()),
                cookie.name().to_owned(),
            )
        });
        let pairs: Vec<String> = cookies
            .iter()
            .map(|cookie| format!("{}={}", cookie.name(), cookie.value()))
            .collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    /// The values, which are to be shown to nobody.
    pub(in crate::adapters::http) fn values(&self) -> impl Iterator<Item = String> {
        self.0.iter_any().map(|cookie| cookie.value().to_owned())
    }
}

/// Puts what the jar brings beside the profile's own cookies.
pub(super) fn put(headers: &mut HeaderMap, brought: &str) {
    let name = |pair: &str| pair.split('=').next().unwrap_or_default().trim().to_owned();
    let set: Vec<String> = brought.split("; ").map(name).collect();
    let own: Vec<String> = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| std::str::from_utf8(value.as_bytes()).ok())
        .flat_map(|value| value.split(';'))
        .map(str::trim)
        .filter(|pair| !pair.is_empty() && !set.contains(&name(pair)))
        .map(str::to_owned)
        .collect();
    let all = own.iter().map(String::as_str).chain([brought]);
    let all = all.collect::<Vec<_>>().join("; ");
    // A value that a header cannot hold stays out, with all others: `Set-Cookie` was a header, too, so there is none.
    if let Ok(value) = HeaderValue::from_bytes(all.as_bytes()) {
        headers.insert(header::COOKIE, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    fn jar(from: &str, set: &[&str]) -> Jar {
        let mut jar = Jar::default();
        let mut headers = HeaderMap::new();
        for line in set {
            headers.append(header::SET_COOKIE, HeaderValue::from_str(line).unwrap());
        }
        jar.take(&url(from), &headers);
        jar
    }

    #[test]
    fn a_cookie_goes_where_it_belongs_and_nowhere_else() {
        for (set, to, brought) in [
            ("a=1", "https://shop.example/", Some("a=1")),
            ("a=1", "https://www.shop.example/", None),
            ("a=1", "https://evil.example/", None),
            (
                "a=1; Domain=shop.example",
                "https://www.shop.example/",
                Some("a=1"),
            ),
            (
                "a=1; Domain=.shop.example",
                "https://shop.example/",
                Some("a=1"),
            ),
            ("a=1; Domain=shop.example", "https://notshop.example/", None),
            ("a=1; Domain=other.example", "https://other.example/", None),
            (
                "a=1; Domain=www.shop.example",
                "https://www.shop.example/",
                None,
            ),
            ("a=1; Domain=example", "https://shop.example/", None),
            ("a=1; Domain=example", "https://evil.example/", None),
            ("a=1; Path=/cart", "https://shop.example/", None),
            (
                "a=1; Path=/cart",
                "https://shop.example/cart/2",
                Some("a=1"),
            ),
            ("a=1; Path=/cart", "https://shop.example/carton", None),
            ("a=1; Secure", "http://shop.example/", None),
            ("a=1; Secure", "https://shop.example/", Some("a=1")),
            (
                "a=1; HttpOnly; SameSite=Strict",
                "https://shop.example/",
                Some("a=1"),
            ),
            ("a=1; Max-Age=0", "https://shop.example/", None),
            (
                "a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
                "https://shop.example/",
                None,
            ),
            ("no pair", "https://shop.example/", None),
        ] {
            let jar = jar("https://shop.example/", &[set]);
            assert_eq!(jar.brings(&url(to)).as_deref(), brought, "{set} to {to}");
        }
        let numbered = jar("http://192.0.2.1/", &["a=1; Domain=2.1"]);
        assert_eq!(numbered.brings(&url("http://192.0.2.1/")), None);
    }

    #[test]
    fn a_removed_cookie_is_gone_and_longer_paths_come_first() {
        let set = ["b=1", "a=2", "c=3; Path=/x/y", "b=; Max-Age=0"];
        let jar = jar("http://shop.example/x/", &set);
        let brought = jar.brings(&url("http://shop.example/x/y/z"));
        assert_eq!(brought.as_deref(), Some("c=3; a=2"));
    }

    #[test]
    fn no_more_and_no_greater_cookies_than_may_be() {
        let many: Vec<String> = (0..1000).map(|n| format!("n{n}=1")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(
            jar("http://a.example/", &many).values().count(),
            limits::COOKIES
        );
        let long = format!("a={}", "x".repeat(limits::COOKIE_BYTES));
        assert_eq!(jar("http://a.example/", &[&long]).values().count(), 0);
        let fits = format!("a={}", "x".repeat(limits::COOKIE_BYTES - 1));
        assert_eq!(jar("http://a.example/", &[&fits]).values().count(), 1);
    }

    #[test]
    fn what_a_site_sets_replaces_what_the_profile_sends() {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_static("seen=0; login=9"));
        put(&mut headers, "seen=1; b=2");
        assert_eq!(headers[header::COOKIE], "login=9; seen=1; b=2");
        let mut none = HeaderMap::new();
        put(&mut none, "seen=1");
        assert_eq!(none[header::COOKIE], "seen=1");
    }
}
