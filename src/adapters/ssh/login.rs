//! Why a login failed, read from OpenSSH's messages: which of them mean a refusal, which a failed connection, and what
//! a person can do.
//!
//! The messages are those of OpenSSH 7 to 10 in the C locale, recognised by their stable parts.

use super::log::{ClientLog, Reached};
use crate::model::{Host, Reason};

/// The refusal, if there is one: host or client will refuse again until a person has acted.
pub(super) fn refused(lines: &[&str], log: &ClientLog, host: &Host) -> Option<Reason> {
    let find = |part: &str| lines.iter().copied().find(|line| line.contains(part));
    if find("Host key verification failed").is_some() {
        return Some(host_key(lines, log, host));
    }
    if let Some(line) =
        find("Permission denied (").or_else(|| find("Too many authentication failures"))
    {
        return Some(authentication(line, lines, log, host));
    }
    if let Some(line) = find("Unable to negotiate").or_else(|| find("no matching")) {
        let said = line.to_owned();
        return Some(Reason::NoMethod { said });
    }
    for part in [
        "Bad configuration option",
        "Bad owner or permissions",
        "onfiguration options",
        "extra arguments at end of line",
        "hostname contains invalid characters",
    ] {
        if let Some(line) = find(part) {
            let said = line.to_owned();
            return Some(Reason::ClientConfig { said });
        }
    }
    None
}

fn host_key(lines: &[&str], log: &ClientLog, host: &Host) -> Reason {
    let file = host.known_hosts_file.as_deref().map_or_else(
        || "~/.ssh/known_hosts".to_owned(),
        |file| file.display().to_string(),
    );
    let shown = log.fingerprint.clone();
    let fingerprint = shown.unwrap_or_else(|| "no fingerprint".to_owned());
    let between = |before: &str, after: &str| {
        lines.iter().find_map(|line| {
            let (_, rest) = line.split_once(before)?;
            rest.split_once(after).map(|(name, _)| name.to_owned())
        })
    };
    if let Some(name) = between("key for ", " was revoked") {
        return Reason::HostKeyRevoked {
            name,
            file,
            fingerprint,
        };
    }
    if let Some(name) = between("ost key for ", " has changed") {
        return Reason::HostKeyChanged {
            name,
            file,
            fingerprint,
        };
    }
    match between("key is known for ", " and you") {
        Some(name) => Reason::HostKeyUnknown {
            keyscan: keyscan_arguments(&name),
            name,
            file,
            fingerprint,
        },
        None => Reason::HostKeyRefused {
            name: host.ssh.clone(),
            fingerprint,
        },
    }
}

/// `[name]:port` as `ssh-keyscan` wants it.
fn keyscan_arguments(name: &str) -> String {
    name.strip_prefix('[')
        .and_then(|rest| rest.split_once("]:"))
        .map_or_else(
            || name.to_owned(),
            |(name, port)| format!("-p {port} {name}"),
        )
}

fn authentication(line: &str, lines: &[&str], log: &ClientLog, host: &Host) -> Reason {
    let key = host
        .identity_file
        .as_deref()
        .map_or_else(|| "the key".to_owned(), |file| file.display().to_string());
    let has = |part: &str| lines.iter().any(|line| line.contains(part));
    let said = line.to_owned();
    if has("bad permissions") || has("are too open") {
        return Reason::KeyOpen { key };
    }
    if let Some(load) = lines.iter().find(|line| line.starts_with("Load key ")) {
        let said = (*load).to_owned();
        return Reason::KeyUnusable { said };
    }
    if log.key_accepted {
        return Reason::KeyLocked { key };
    }
    if has("Too many authentication failures") {
        return Reason::TooManyKeys { said };
    }
    Reason::LoginRefused { said, key }
}

/// Why there was no login this time; the next one may succeed.
pub(super) fn unreachable(lines: &[&str], log: &ClientLog) -> Option<Reason> {
    let find = |part: &str| lines.iter().find(|line| line.contains(part));
    let find = |part: &str| find(part).map(|line| (*line).to_owned());
    if let Some(said) = find("No user exists for uid") {
        return Some(Reason::NoAccountHere { said });
    }
    if let Some(said) = find("Could not resolve hostname") {
        return Some(Reason::NameNotResolved { said });
    }
    if find("Not allowed at this time").is_some() {
        return Some(Reason::Penalised);
    }
    if let Some(said) = find("Connection refused") {
        return Some(Reason::ConnectionRefused { said });
    }
    if let Some(said) = find("No route to host") {
        return Some(Reason::NoRoute { said });
    }
    if let Some(said) = find("Network is unreachable") {
        return Some(Reason::NetworkUnreachable { said });
    }
    if let Some(said) = find("timed out") {
        return Some(Reason::ConnectionTimedOut { said });
    }
    let said = [
        "Connection reset",
        "Connection closed",
        "closed by remote host",
        "kex_exchange",
        "ssh_exchange",
        "Broken pipe",
        "disconnect",
    ]
    .into_iter()
    .find_map(find)?;
    Some(if log.reached >= Reached::Login {
        Reason::LostBeforeCommand { said }
    } else if log.reached == Reached::Authentication {
        Reason::ClosedInLogin { said }
    } else {
        Reason::ClosedInKeyExchange { said }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jump_hosts_trouble_is_named_rather_than_what_follows_from_it() {
        let log = ClientLog::default();
        for (line, reason) in [
            (
                "ssh: Could not resolve hostname jump: Name or service not known",
                "name not resolved",
            ),
            (
                "ssh: connect to host jump port 22: No route to host",
                "no route to the host",
            ),
            (
                "channel 0: open failed: connect failed: Connection timed out",
                "connection timed out",
            ),
            ("stdio forwarding failed", "closed in the key exchange"),
        ] {
            let lines = [
                "kex_exchange_identification: Connection closed by remote host",
                line,
            ];
            let said = unreachable(&lines, &log);
            assert!(
                said.as_ref()
                    .is_some_and(|said| said.to_string().contains(reason)),
                "{line}: {said:?}"
            );
        }
    }

    #[test]
    fn what_only_a_person_can_change_is_refused() {
        let log = ClientLog::default();
        let host = crate::model::HostName::try_new("web1").unwrap();
        let host = Host {
            name: host,
            ssh: "web1".to_owned(),
            identity_file: None,
            operator_ssh: None,
            known_hosts_file: None,
            agent: false,
            diagnose: false,
            guards: crate::model::Guards::by_default(),
            restart: crate::model::Restart {
                commands: Vec::new(),
                allow_reboot: false,
                timeout: std::time::Duration::ZERO,
                settle: std::time::Duration::ZERO,
                backoff: crate::model::Backoff {
                    initial: std::time::Duration::ZERO,
                    factor: 1.0,
                    max: std::time::Duration::ZERO,
                },
                budget: crate::model::Budget {
                    restarts: 0,
                    per: std::time::Duration::ZERO,
                },
                give_up_after: 0,
                causes: Vec::new(),
                when: crate::model::When::Auto,
                mode: crate::model::Mode::Auto,
            },
            fingerprint: 0,
        };
        for (line, reason) in [
            (
                "command-line: line 0: Bad configuration option: remotecommand",
                "OpenSSH 7.6",
            ),
            (
                "Bad owner or permissions on /root/.ssh/config",
                "does not accept its configuration",
            ),
            (
                "Unable to negotiate with 192.0.2.1 port 22: no matching host key type found.",
                "no method in common",
            ),
            (
                "Received disconnect from 192.0.2.1: 2: Too many authentication failures",
                "set `identity_file`",
            ),
            (
                "Host key verification failed.",
                "host key of web1 was not accepted",
            ),
        ] {
            let said = refused(&[line], &log, &host);
            assert!(
                said.as_ref()
                    .is_some_and(|said| said.to_string().contains(reason)),
                "{line}: {said:?}"
            );
        }
        assert_eq!(
            refused(
                &["ssh: connect to host web1 port 22: Connection refused"],
                &log,
                &host
            ),
            None
        );
    }
}
