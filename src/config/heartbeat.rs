//! `heartbeat`: an outside watcher that is told, `every` so often, that we live.
//!
//! Its address stands in exactly one of `url`, `url_file`, `url_env`, `url_credential`. Whoever knows it can speak for us, so it
//! is shown without path and query, and never quoted in a fault.

use url::Url;

use crate::model::{Heartbeat, Watcher};

use super::fault::{Fault, Report};
use super::keys::HEARTBEAT;
use super::network::bare_host;
use super::placeholder;
use super::relay::{is_loopback, secret};
use super::section::Section;
use super::tree::Node;
use super::value::{Found, show_duration, text};
use super::yaml::Out;

const SECRET: [&str; 3] = ["url_file", "url_env", "url_credential"];

const LIKE: &str =
    "write the address your watcher gave you, like `url: https://hc.example.com/…`, or `url_file`";

/// Reads the section; each value that is wrong goes to `report`.
pub(super) fn read(node: &Node, report: &mut Report) -> Option<Heartbeat> {
    let section = Section::open(node, HEARTBEAT, report)?;
    let written = section.get("url").and_then(|node| text(node, report));
    let url = written.and_then(|written| address(&written, report));
    let hidden = secret(&section, SECRET, report);
    let given = |key: &&str| section.get(key).is_some();
    match (section.get("url"), SECRET.iter().find(|key| given(key))) {
        (None, None) => {
            report.fault(Fault::new(&section.spot_of("url"), "missing").act(LIKE));
        }
        (Some(_), Some(second)) => report.fault(
            Fault::new(&section.spot_of(second), "stands beside `url`").act("keep one of them"),
        ),
        (Some(_), None) | (None, Some(_)) => {}
    }
    let every = section.span_or_default("every", report);
    Some(Heartbeat {
        watcher: url.map(Watcher::Url).or(hidden.map(Watcher::Secret))?,
        every,
    })
}

fn address(written: &Found<String>, report: &mut Report) -> Option<Url> {
    let parsed = Url::parse(&written.value).ok();
    let fits = |url: &Url| matches!(url.scheme(), "http" | "https") && bare_host(url).is_some();
    let Some(url) = parsed.filter(fits) else {
        report.fault(Fault::new(&written.spot, "not an http or https address").act(LIKE));
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
            .act("write `https://` if the watcher can"),
        );
    }
    placeholder::remark(url.host_str().unwrap_or_default(), &written.spot, report);
    Some(url)
}

/// The section as it is written, the address masked.
pub(super) fn tree(heartbeat: &Heartbeat) -> Out {
    let place = match &heartbeat.watcher {
        Watcher::Url(url) => ("url".to_owned(), Out::Text(masked(url))),
        Watcher::Secret(source) => super::relay::secret_tree(SECRET, source),
    };
    let every = Out::Word(show_duration(heartbeat.every));
    Out::Map(vec![place, ("every".to_owned(), every)])
}

/// `https://hc.example.com/***`.
fn masked(url: &Url) -> String {
    let mut shown = url.clone();
    shown.set_query(None);
    shown.set_fragment(None);
    shown.set_path("***");
    shown.into()
}
