//! What stands in examples and belongs to nobody: the names of RFC 2606 (`example.com`, `….example`, `….invalid`) and the addresses of
//! RFC 5737 and RFC 3849. A configuration that still names one was copied and not finished: it is remarked, wherever a site, a host, a
//! mailbox or a mail server is named. `.test` and `.localhost` are people's own.
//!
//! Likewise `${NAME}`: this file knows no variables, and what looks like one is sent as it stands. In commands it is the shell's.

use std::net::IpAddr;

use super::fault::{Fault, Report, Spot, clip};
use super::tree::{Kind, Node};

const DOMAINS: [&str; 3] = ["example.com", "example.net", "example.org"];

/// Remarks a name or an address that is nobody's.
pub(super) fn remark(host: &str, spot: &Spot, report: &mut Report) {
    let host = host.trim_matches(['[', ']']).trim_end_matches('.');
    if is_placeholder(host) {
        let message = format!("`{}` stands in examples and is nobody's", clip(host));
        report.warn(Fault::new(spot, message).act("write your own"));
    }
}

fn is_placeholder(host: &str) -> bool {
    match host.parse() {
        Ok(IpAddr::V4(ip)) => ip.is_documentation(),
        Ok(IpAddr::V6(ip)) => ip.segments().starts_with(&[0x2001, 0xdb8]),
        Err(_) => {
            let name = host.to_ascii_lowercase();
            let below = |domain: &str| {
                let front = name.strip_suffix(domain);
                front.is_some_and(|front| front.is_empty() || front.ends_with('.'))
            };
            DOMAINS.into_iter().chain(["example", "invalid"]).any(below)
        }
    }
}

/// Remarks what looks like a variable, in the whole tree.
pub(super) fn variables(node: &Node, report: &mut Report) {
    match &node.kind {
        Kind::Text(text) => {
            if let Some(name) = variable(text) {
                let message = format!(
                    "`${{{}}}` is taken as it stands: this file knows no variables",
                    clip(name)
                );
                report.warn(
                    Fault::new(&node.spot, message)
                        .act("write the value itself, or have another program fill the file in"),
                );
            }
        }
        Kind::List(items) => items.iter().for_each(|item| variables(item, report)),
        Kind::Map(entries) => {
            let of_a_shell = ["command", "commands"];
            let others = entries
                .iter()
                .filter(|entry| !of_a_shell.contains(&entry.key.as_str()));
            others.for_each(|entry| variables(&entry.value, report));
        }
        Kind::Null | Kind::Bool(_) | Kind::Int(_) | Kind::Float(_) => {}
    }
}

/// The name in the first `${NAME}`.
fn variable(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("${")?;
    let (name, _) = rest.split_once('}')?;
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let fits = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    (begins && fits).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_nobodys() {
        for host in [
            "example.com",
            "www.EXAMPLE.org.",
            "shop.example",
            "a.invalid",
            "192.0.2.10",
            "198.51.100.1",
            "203.0.113.9",
            "[2001:db8::1]",
        ] {
            assert!(
                is_placeholder(host.trim_matches(['[', ']']).trim_end_matches('.')),
                "{host}"
            );
        }
        for host in [
            "myexample.com",
            "example.com.au",
            "example.test",
            "localhost",
            "192.0.3.1",
            "2001:db9::1",
            "examples",
            "",
        ] {
            assert!(!is_placeholder(host), "{host}");
        }
    }

    #[test]
    fn what_looks_like_a_variable() {
        assert_eq!(variable("Bearer ${TOKEN}"), Some("TOKEN"));
        for text in ["a{2}", "$TOKEN", "^a${2}", "${}", "${a b}", "${open"] {
            assert_eq!(variable(text), None, "{text}");
        }
    }
}
