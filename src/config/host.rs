//! A host: how it is reached. How it is restarted is [`super::restart`]; a host without a restart is refused, because
//! to watch only is to leave `host` out of the profiles. A host is looked at before it is restarted unless it says `diagnose: false`.

use std::net::Ipv6Addr;

use crate::model::{Host, HostName};

use super::fault::{Fault, Report, Spot};
use super::keys::HOST;
use super::path::{Privacy, file};
use super::section::Section;
use super::tree::Node;
use super::value::text;
use super::{guards, placeholder, restart};

/// A host as lowered, with the places the rules between hosts and profiles speak of.
#[derive(Debug)]
pub(super) struct Draft {
    /// The host.
    pub(super) host: Host,
    /// Where `when` stands, if it is given.
    pub(super) when: Option<Spot>,
}

/// Reads one host; each value that is wrong goes to `report`.
pub(super) fn read(name: HostName, node: &Node, report: &mut Report) -> Option<Draft> {
    let section = Section::open(node, HOST, report)?;
    let ssh = match section.get("ssh") {
        Some(node) => ssh(node, report),
        None => {
            report.fault(
                Fault::new(&section.spot_of("ssh"), "missing")
                    .act("write where to log in, like `ssh: probe@web1.example.com`"),
            );
            None
        }
    };
    let operator_ssh = section
        .get("operator_ssh")
        .and_then(|node| self::ssh(node, report));
    let diagnose = section.flag_or_default("diagnose", report);
    let agent = section.flag_or_default("agent", report);
    let guards = guards::read(&section.below_or_nothing("guards", report), report);
    if let Some(node) = section.get("guards").filter(|_| !diagnose) {
        report.fault(
            Fault::new(
                &node.spot,
                "guards nothing: the host is not looked at (`diagnose: false`)",
            )
            .act("leave one of the two out"),
        );
    }
    let mut path = |key: &str, privacy: Privacy| {
        section
            .get(key)
            .and_then(|node| file(node, privacy, report))
            .map(|found| found.value)
    };
    let identity_file = path("identity_file", Privacy::Owner);
    let known_hosts_file = path("known_hosts_file", Privacy::Public);
    if section.get("restart").is_none() && !agent {
        report.fault(Fault::new(&section.spot_of("restart"), "missing").act(
            "write `restart: {commands: [sudo -n systemctl restart nginx]}`, or leave out `host` in the profiles to watch only",
        ));
        return None;
    }
    let (restart, when) = restart::read(&section.below("restart", report)?, agent, report);
    Some(Draft {
        host: Host {
            name,
            ssh: ssh.unwrap_or_default(),
            operator_ssh,
            identity_file,
            known_hosts_file,
            agent,
            diagnose,
            guards,
            restart,
            fingerprint: 0,
        },
        when,
    })
}

/// What the OpenSSH client is given. Its words must not be taken for an option, nor reach a shell in a `ProxyCommand`.
fn ssh(node: &Node, report: &mut Report) -> Option<String> {
    const LIKE: &str =
        "write `user@host`, `ssh://user@host:2222` or an alias of ssh's own configuration";
    let written = text(node, report)?;
    let plain = written
        .value
        .strip_prefix("ssh://")
        .unwrap_or(&written.value);
    let mut parts = plain.rsplitn(2, '@');
    let bad = if written.value.is_empty() || parts.any(str::is_empty) {
        "not a destination"
    } else if written
        .value
        .chars()
        .any(|c| c.is_whitespace() || c.is_control())
    {
        "must not hold spaces or control characters"
    } else if written.value.starts_with('-') || plain.rsplitn(2, '@').any(|p| p.starts_with('-')) {
        "must not begin with `-`: ssh would take it for an option"
    } else if written.value.contains(|c| "'`\"$\\;&<>|(){}".contains(c)) {
        "holds a character that means something to a shell"
    } else {
        let user = plain.rsplit_once('@').map_or("", |(user, _)| user);
        let host = plain.rsplit_once('@').map_or(plain, |(_, host)| host);
        let judged = if written.value.starts_with("ssh://") {
            in_a_url(user, host)
        } else {
            bare(user, host)
        };
        return match judged {
            Ok(name) => {
                placeholder::remark(name, &written.spot, report);
                Some(written.value)
            }
            Err((bad, act)) => {
                report.fault(Fault::new(&written.spot, bad).act(act));
                None
            }
        };
    };
    report.fault(Fault::new(&written.spot, bad).act(LIKE));
    None
}

/// The name or address in a destination, or what is wrong with it and what to write.
type Judged<'a> = Result<&'a str, (&'static str, String)>;

/// `user@host`: the client takes all of `host` for a name, a port and brackets included.
fn bare<'a>(user: &str, host: &'a str) -> Judged<'a> {
    let at = if user.is_empty() { "" } else { "@" };
    let inner = host.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    if let Some((address, port)) = inner {
        let act = if port.is_empty() {
            format!("write `{user}{at}{address}`")
        } else {
            format!("write `ssh://{user}{at}{host}`")
        };
        return Err(("brackets stand in `ssh://` only", act));
    }
    let is_address = host
        .split('%')
        .next()
        .is_some_and(|ip| ip.parse::<Ipv6Addr>().is_ok());
    if host.contains(':') && !is_address {
        return Err((
            "a port stands in `ssh://` only",
            format!("write `ssh://{user}{at}{host}`"),
        ));
    }
    Ok(host)
}

/// `ssh://user@host:port`, with nothing behind it.
fn in_a_url<'a>(user: &str, host: &'a str) -> Judged<'a> {
    let like = || "write `ssh://user@host:2222`".to_owned();
    if user.contains(':') {
        return Err((
            "a password in the destination; ssh takes none there",
            like(),
        ));
    }
    let host = host.strip_suffix('/').unwrap_or(host);
    let (name, port) = match host.strip_prefix('[').map(|rest| rest.split_once(']')) {
        Some(Some((address, port))) if address.parse::<Ipv6Addr>().is_ok() => (address, port),
        Some(_) => return Err(("no IPv6 address stands in the brackets", like())),
        None => host.split_at(host.find(':').unwrap_or(host.len())),
    };
    let fits = match port.strip_prefix(':') {
        Some(port) => port.parse::<u16>().is_ok_and(|port| port > 0),
        None => port.is_empty(),
    };
    if name.is_empty() || name.contains(['/', '?', '#']) || !fits {
        return Err(("more than a host and its port", like()));
    }
    Ok(name)
}
