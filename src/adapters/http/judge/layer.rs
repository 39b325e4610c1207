//! Who made an answer, as far as it shows: the web server alone, a cache, PHP, or PHP with its database.
//!
//! The first sign of this table that is there counts. Nothing is guessed: without a sign there is no layer.
//!
//! | sign | layer | whose |
//! |---|---|---|
//! | `X-F-Cache: HIT`, `STALE` or `UPDATING` | cache | KUSANAGI's nginx: `$upstream_cache_status` of its `fastcgi_cache` |
//! | `X-B-Cache: cache` or `updating`, or `L=HIT` in it | cache | KUSANAGI's `advanced-cache.php`; `L=` is WEXAL's |
//! | `Age` above 0 | cache | any cache between, RFC 9111 §5.1 |
//! | `CF-Cache-Status: HIT`, `X-Cache: HIT…` | cache | Cloudflare; Varnish, CloudFront, Fastly, Squid |
//! | `<!-- page cached by KUSANAGI` with no `X-F-Cache` or `X-B-Cache` | cache | the last line of a page from its page cache |
//! | one of WordPress's error pages (`wordpress`) | php | PHP made it, and the database may be what it lacked |
//! | `Link: … rel="https://api.w.org/"`, `X-Pingback`, `X-Redirect-By` | database | WordPress sends them once its options are loaded |
//! | any other `X-B-Cache`, below 500 | database | KUSANAGI's plugin, loaded by WordPress after its database |
//! | `rel=…https://api.w.org/` in the page, and PHP shows itself | database | the head of a WordPress theme |
//! | `X-Powered-By: PHP…`, `X-Signature: KUSANAGI`, any other `X-F-Cache`, `PHPSESSID` | php | PHP; KUSANAGI's nginx for PHP; PHP's sessions |
//! | nginx's or Apache's own error, redirect or welcome page | web server | `ngx_http_special_response.c`; `ap_send_error_response` |
//!
//! nginx adds its headers to 2xx and 3xx only, so an error page shows them seldom.

use reqwest::StatusCode;
use reqwest::header::{HeaderMap, HeaderValue};

use super::signs::Signs;
use super::wordpress::Page;
use crate::model::Layer;

/// The line that KUSANAGI's page cache leaves in a page.
const CACHED: &str = "<!-- page cached by KUSANAGI";

const NGINX: &str = "<hr><center>nginx";
const OPENRESTY: &str = "<hr><center>openresty";
const APACHE: &str = "<address>Apache";
const APACHE_SILENT: &str = "<!DOCTYPE HTML PUBLIC \"-//IETF//DTD HTML 2.0//EN\">";

/// Signs in the page itself that it comes from a cache or from the web server alone.
pub(super) const OWN_PAGES: [&str; 5] = [CACHED, NGINX, OPENRESTY, APACHE, APACHE_SILENT];

/// The beginning of the page a web server has for names it knows no site of, and whose it is.
pub(super) const WELCOMES: [(&str, &str); 6] = [
    ("<title>Welcome to nginx", "nginx"),
    ("<title>Apache2 Debian Default Page", "Apache"),
    ("<title>Apache2 Ubuntu Default Page", "Apache"),
    ("<title>Test Page for the ", "the web server"),
    ("<title>HTTP Server Test Page", "the web server"),
    ("<html><body><h1>It works!</h1></body></html>", "Apache"),
];

/// The layer that shows; `signs` are those of `text`.
pub(super) fn of(
    status: StatusCode,
    headers: &HeaderMap,
    text: &str,
    signs: &Signs,
    page: Option<Page>,
) -> Option<Layer> {
    let seen = Seen::of(headers);
    if seen.cached().is_some() || cached_page(&seen, signs) {
        return Some(Layer::Cache);
    }
    if page.is_some() {
        return Some(Layer::Php);
    }
    let php = shows_php(&seen);
    let theme = ["rel=\"https://api.w.org/\"", "rel='https://api.w.org/'"];
    if shows_wordpress(&seen) && !status.is_server_error()
        || php && theme.iter().any(|sign| text.contains(sign))
    {
        Some(Layer::Database)
    } else if php {
        Some(Layer::Php)
    } else {
        (is_own_page(text, signs) || welcome(signs).is_some()).then_some(Layer::WebServer)
    }
}

/// The header that says a cache has answered, in words.
pub(super) fn cached(headers: &HeaderMap) -> Option<String> {
    Seen::of(headers).cached()
}

/// Headers that can be signs.
const NAMES: [&str; 11] = [
    "age",
    "cf-cache-status",
    "link",
    "set-cookie",
    "x-b-cache",
    "x-cache",
    "x-f-cache",
    "x-pingback",
    "x-powered-by",
    "x-redirect-by",
    "x-signature",
];

/// The signs among the headers, in their order, found in one pass: to look each up costs more, and most responses have few.
struct Seen<'h>(Vec<(&'static str, &'h HeaderValue)>);

impl<'h> Seen<'h> {
    fn of(headers: &'h HeaderMap) -> Self {
        let signs = headers.iter().filter_map(|(name, value)| {
            let known = NAMES.into_iter().find(|known| *known == name.as_str());
            Some((known?, value))
        });
        Self(signs.collect())
    }

    fn all(&self, name: &str) -> impl Iterator<Item = &'h HeaderValue> {
        let named = self.0.iter().filter(move |(known, _)| *known == name);
        named.map(|(_, value)| *value)
    }

    fn has(&self, name: &str) -> bool {
        self.all(name).next().is_some()
    }

    fn value(&self, name: &str) -> Option<&'h str> {
        self.all(name).next()?.to_str().ok().map(str::trim)
    }

    fn cached(&self) -> Option<String> {
        let told = |name: &str, shown: &str, hit: &dyn Fn(&str) -> bool| {
            let value = self.value(name)?;
            let lower = value.to_ascii_lowercase();
            hit(&lower).then(|| format!("{shown}: {value}"))
        };
        told("x-f-cache", "X-F-Cache", &|v| {
            matches!(v, "hit" | "stale" | "updating")
        })
        .or_else(|| {
            told("x-b-cache", "X-B-Cache", &|v| {
                matches!(v, "cache" | "updating") || v.contains("l=hit")
            })
        })
        .or_else(|| told("age", "Age", &|v| v.parse::<u64>().is_ok_and(|age| age > 0)))
        .or_else(|| told("cf-cache-status", "CF-Cache-Status", &|v| v == "hit"))
        .or_else(|| told("x-cache", "X-Cache", &|v| v.starts_with("hit")))
    }
}

/// A page that a cache has left its line in; with a header of the cache, the header says it better.
fn cached_page(seen: &Seen<'_>, signs: &Signs) -> bool {
    !seen.has("x-f-cache") && !seen.has("x-b-cache") && signs.has(CACHED)
}

fn shows_php(seen: &Seen<'_>) -> bool {
    let begins = |name: &str, with: &str| {
        seen.value(name).is_some_and(|value| {
            let start = value.get(..with.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(with))
        })
    };
    begins("x-powered-by", "PHP")
        || begins("x-signature", "KUSANAGI")
        || seen.has("x-f-cache")
        || seen.has("x-b-cache")
        || seen
            .all("set-cookie")
            .any(|cookie| cookie.as_bytes().starts_with(b"PHPSESSID="))
}

/// Whether WordPress itself, with its database, has written the headers.
fn shows_wordpress(seen: &Seen<'_>) -> bool {
    let api = seen.all("link").any(|link| {
        let link = String::from_utf8_lossy(link.as_bytes());
        link.contains("rel=\"https://api.w.org/\"")
    });
    let redirect = seen.value("x-redirect-by");
    api || seen.has("x-pingback")
        || seen.has("x-b-cache")
        || redirect.is_some_and(|by| by.eq_ignore_ascii_case("WordPress"))
}

/// A page that the web server makes by itself.
fn is_own_page(text: &str, signs: &Signs) -> bool {
    let nginx = signs.has(NGINX) || signs.has(OPENRESTY);
    let apache = signs.has(APACHE) && text.contains("Server at ");
    nginx || apache || signs.has(APACHE_SILENT)
}

/// Whose page for names without a site this is.
pub(super) fn welcome(signs: &Signs) -> Option<&'static str> {
    let known = WELCOMES.iter().find(|(sign, _)| signs.has(sign));
    known.map(|(_, whose)| *whose)
}

#[cfg(test)]
mod tests {
    use reqwest::header;

    use super::*;
    use crate::adapters::http::judge::SIGNS;

    #[test]
    fn each_sign_shows_its_layer() {
        let nginx = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n\
                     <center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n";
        let theme = "<link rel=\"https://api.w.org/\" href=\"https://shop.example/wp-json/\" />";
        for (status, lines, text, layer) in [
            (200, "x-f-cache: HIT", "", Some(Layer::Cache)),
            (
                200,
                "x-f-cache: STALE\nx-b-cache: create",
                "",
                Some(Layer::Cache),
            ),
            (200, "x-f-cache: MISS", "", Some(Layer::Php)),
            (
                200,
                "x-f-cache: MISS\nx-b-cache: cache",
                "",
                Some(Layer::Cache),
            ),
            (200, "x-b-cache: L=HIT:B=BYPASS", "", Some(Layer::Cache)),
            (
                200,
                "x-f-cache: BYPASS\nx-b-cache: BYPASS",
                "",
                Some(Layer::Database),
            ),
            (200, "x-b-cache: none", "", Some(Layer::Database)),
            (500, "x-b-cache: BYPASS", "", Some(Layer::Php)),
            (200, "age: 12", "", Some(Layer::Cache)),
            (200, "age: 0", "", None),
            (200, "x-cache: MISS from proxy", "", None),
            (200, "x-cache: Hit from cloudfront", "", Some(Layer::Cache)),
            (200, "cf-cache-status: DYNAMIC", "", None),
            (
                200,
                "",
                "<!-- page cached by KUSANAGI. Cache created",
                Some(Layer::Cache),
            ),
            (
                200,
                "x-b-cache: create",
                "<!-- page cached by KUSANAGI.",
                Some(Layer::Database),
            ),
            (
                200,
                "link: <https://s/wp-json/>; rel=\"https://api.w.org/\"",
                "",
                Some(Layer::Database),
            ),
            (301, "x-redirect-by: WordPress", "", Some(Layer::Database)),
            (200, "x-powered-by: PHP/8.3.1", "", Some(Layer::Php)),
            (200, "x-powered-by: PHP/8.3.1", theme, Some(Layer::Database)),
            (200, "", theme, None),
            (200, "x-signature: KUSANAGI", "", Some(Layer::Php)),
            (200, "set-cookie: PHPSESSID=1; path=/", "", Some(Layer::Php)),
            (502, "server: nginx", nginx, Some(Layer::WebServer)),
            (
                200,
                "",
                "<title>Welcome to nginx!</title>",
                Some(Layer::WebServer),
            ),
            (200, "server: nginx", "<html>fine</html>", None),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in lines.lines().filter_map(|line| line.split_once(": ")) {
                let name: header::HeaderName = name.parse().unwrap();
                headers.append(name, value.parse().unwrap());
            }
            let status = StatusCode::from_u16(status).unwrap();
            let signs = SIGNS.found_in(text);
            assert_eq!(
                of(status, &headers, text, &signs, None),
                layer,
                "{lines} {text}"
            );
        }
        let status = StatusCode::OK;
        let page = Some(Page::Database);
        let told = of(status, &HeaderMap::new(), "", &Signs::default(), page);
        assert_eq!(told, Some(Layer::Php));
    }
}
