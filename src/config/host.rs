//! A host: how it is reached. How it is restarted is [`super::restart`]; a host without a restart is refused, because
//! to watch only is to leave `host` out of the profiles. A host is looked at before it is restarted unless it says `diagnose: false`.

use crate::model::{Host, HostName};

use super::fault::{Fault, Report, Spot};
use super::keys::HOST;
use super::path::{Privacy, file};
use super::section::Section;
use super::tree::Node;
use super::value::text;
use super::{guards, restart};

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
        return Some(written.value);
    };
    report.fault(Fault::new(&written.spot, bad).act(LIKE));
    None
}
