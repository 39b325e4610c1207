//! `status_page`: where metrics and our own state are served, for those who may see them: there is no login.

use std::net::{Ipv4Addr, SocketAddr};

use super::fault::{Fault, Report, clip};
use super::keys::STATUS_PAGE;
use super::section::Section;
use super::tree::Node;
use super::value::{text, texts};
use crate::model::StatusPage;

const LIKE: &str = "write `listen: \"127.0.0.1:9807\"`";

/// Reads the section.
pub(super) fn read(node: &Node, report: &mut Report) -> Option<StatusPage> {
    let section = Section::open(node, STATUS_PAGE, report)?;
    let Some(node) = section.get("listen") else {
        report.fault(Fault::new(&section.spot_of("listen"), "missing").act(LIKE));
        return None;
    };
    let written = text(node, report)?;
    let Some(address) = address(&written.value) else {
        report.fault(Fault::new(&written.spot, "not an address with a port").act(LIKE));
        return None;
    };
    if !address.ip().is_loopback() {
        report.warn(
            Fault::new(
                &written.spot,
                "anybody who reaches this address can read the state of every site; there is no login",
            )
            .act("use 127.0.0.1 and a proxy with a login, or a firewall"),
        );
    }
    let names = section.get("names");
    let names = names.map_or_else(Vec::new, |node| names_in(node, report));
    Some(StatusPage {
        listen: address,
        names,
    })
}

fn names_in(node: &Node, report: &mut Report) -> Vec<String> {
    let found = texts(node, report).unwrap_or_default();
    let mut names = Vec::new();
    for name in found {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if name.value.is_empty() || !name.value.chars().all(plain) {
            let fault = Fault::new(&name.spot, format!("`{}` is no name", clip(&name.value)));
            report.fault(
                fault.act("write the name alone, without scheme and port, like `mon1.example.com`"),
            );
        } else {
            names.push(name.value.to_ascii_lowercase());
        }
    }
    names
}

/// `127.0.0.1:9807`, `[::1]:9807` or `localhost:9807`; other names may stand for any address.
fn address(text: &str) -> Option<SocketAddr> {
    match text.strip_prefix("localhost:") {
        Some(port) => Some(SocketAddr::from((Ipv4Addr::LOCALHOST, port.parse().ok()?))),
        None => text.parse().ok(),
    }
}
