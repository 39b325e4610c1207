//! An address that may be a secret: it stands in exactly one of `url`, `url_file`, `url_env`, `url_credential`.
//!
//! Whoever knows it can speak for us, so it is shown without path and query, and never quoted in a fault.

use url::Url;

use crate::model::{Endpoint, Named};

use super::fault::{Fault, Report};
use super::network::bare_host;
use super::placeholder;
use super::relay::{is_loopback, secret, secret_tree};
use super::section::Section;
use super::value::{Found, text};
use super::yaml::Out;

const SECRET: [&str; 3] = ["url_file", "url_env", "url_credential"];

/// The first of the four keys that is written.
pub(super) fn written(section: &Section<'_>) -> Option<&'static str> {
    let mut keys = ["url"].into_iter().chain(SECRET);
    keys.find(|key| section.get(key).is_some())
}

/// Reads it; `like` says what to write, `usual` is where it is if nothing is written.
pub(super) fn read(
    section: &Section<'_>,
    usual: Option<&str>,
    like: &str,
    report: &mut Report,
) -> Option<Endpoint> {
    let url = section.get("url").and_then(|node| text(node, report));
    let url = url.and_then(|written| address(&written, like, report));
    let hidden = secret(section, SECRET, Named::Address, report);
    let given = |key: &&str| section.get(key).is_some();
    match (section.get("url"), SECRET.iter().find(|key| given(key))) {
        (None, None) => match usual.map(Url::parse) {
            Some(Ok(url)) => return Some(Endpoint::Url(url)),
            Some(Err(_)) | None => {
                report.fault(Fault::new(&section.spot_of("url"), "missing").act(like));
            }
        },
        (Some(_), Some(second)) => report.fault(
            Fault::new(&section.spot_of(second), "stands beside `url`").act("keep one of them"),
        ),
        (Some(_), None) | (None, Some(_)) => {}
    }
    url.map(Endpoint::Url).or(hidden.map(Endpoint::Secret))
}

fn address(written: &Found<String>, like: &str, report: &mut Report) -> Option<Url> {
    let parsed = Url::parse(&written.value).ok();
    let fits = |url: &Url| matches!(url.scheme(), "http" | "https") && bare_host(url).is_some();
    let Some(url) = parsed.filter(fits) else {
        report.fault(Fault::new(&written.spot, "not an http or https address").act(like));
        return None;
    };
    if !url.username().is_empty() || url.password().is_some() {
        let fault = Fault::new(&written.spot, "credentials before the host are not sent");
        report.fault(fault.act("use an address that is itself the secret"));
        return None;
    }
    let here = bare_host(&url).is_some_and(|host| is_loopback(&host));
    if url.scheme() == "http" && !here {
        report.warn(
            Fault::new(
                &written.spot,
                "whoever sees this address on its way can speak for us",
            )
            .act("write `https://` if the other side can"),
        );
    }
    placeholder::remark(url.host_str().unwrap_or_default(), &written.spot, report);
    Some(url)
}

/// Its key and its value as they are written, an address masked: `https://hc.example.com/***`.
pub(super) fn tree(endpoint: &Endpoint) -> (String, Out) {
    match endpoint {
        Endpoint::Url(url) => {
            let mut shown = url.clone();
            shown.set_query(None);
            shown.set_fragment(None);
            shown.set_path("***");
            ("url".to_owned(), Out::Text(shown.into()))
        }
        Endpoint::Secret(source) => secret_tree(SECRET, source),
    }
}
