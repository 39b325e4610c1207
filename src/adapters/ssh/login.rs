//! Why a login came about or not, read from OpenSSH's messages: which are a refusal, which a failed connection, and what
//! a person can do.
//!
//! The messages are those of OpenSSH 7 to 10 in the C locale, matched by their stable parts.

use super::log::{ClientLog, Reached};
use crate::model::Host;

/// Why the host or this machine will refuse again until a person has acted.
pub(super) fn refused(lines: &[&str], log: &ClientLog, host: &Host) -> Option<String> {
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
        return Some(format!(
            "ssh here and on the host have no method in common: {line}"
        ));
    }
    for part in [
        "Bad configuration option",
        "Bad owner or permissions",
        "onfiguration options",
        "extra arguments at end of line",
        "hostname contains invalid characters",
    ] {
        if let Some(line) = find(part) {
            return Some(format!(
                "ssh does not accept its configuration (OpenSSH 7.6 or newer is needed): {line}"
            ));
        }
    }
    None
}

fn host_key(lines: &[&str], log: &ClientLog, host: &Host) -> String {
    let file = host.known_hosts_file.as_deref().map_or_else(
        || "~/.ssh/known_hosts".to_owned(),
        |file| file.display().to_string(),
    );
    let shown = log
        .fingerprint
        .as_ref()
        .map_or_else(String::new, |fingerprint| {
            format!(" (it shows {fingerprint})")
        });
    let between = |before: &str, after: &str| {
        lines.iter().find_map(|line| {
            let (_, rest) = line.split_once(before)?;
            rest.split_once(after).map(|(name, _)| name.to_owned())
        })
    };
    if let Some(name) = between("key for ", " was revoked") {
        return format!(
            "host key of {name} is marked as revoked in {file}{shown}: do not log in until you know why"
        );
    }
    if let Some(name) = between("ost key for ", " has changed") {
        return format!(
            "host key of {name} has changed{shown}: the host was reinstalled, or somebody is in between; \
             compare the fingerprint on the host itself, then remove the old key with `ssh-keygen -R '{name}' -f {file}` and add the new one"
        );
    }
    match between("key is known for ", " and you") {
        Some(name) => format!(
            "host key of {name} is not known{shown}: compare its fingerprint on the host itself (`ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub`) \
             and add it with `ssh-keyscan {} >> {file}`",
            keyscan_arguments(&name)
        ),
        None => format!("host key of {} was not accepted{shown}", host.ssh),
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

fn authentication(line: &str, lines: &[&str], log: &ClientLog, host: &Host) -> String {
    let key = host
        .identity_file
        .as_deref()
        .map_or_else(|| "the key".to_owned(), |file| file.display().to_string());
    let has = |part: &str| lines.iter().any(|line| line.contains(part));
    if has("bad permissions") || has("are too open") {
        return format!(
            "login refused, because {key} can be read by others and is not used: `chmod 600` it"
        );
    }
    if let Some(load) = lines.iter().find(|line| line.starts_with("Load key ")) {
        return format!("login refused, because a key cannot be used: {load}");
    }
    if log.key_accepted {
        return format!(
            "the host would accept {key}, but it cannot be used here: it has a passphrase, or the agent declined; take a key without one for this"
        );
    }
    if has("Too many authentication failures") {
        return format!(
            "login refused, too many keys were tried: set `identity_file` of the host ({line})"
        );
    }
    format!(
        "login refused ({line}): is the public half of {key} in the account's authorized_keys, does its `from=` allow this machine, and is the account open?"
    )
}

/// Why no login came about this time.
pub(super) fn unreachable(lines: &[&str], log: &ClientLog) -> Option<String> {
    let find = |part: &str| lines.iter().copied().find(|line| line.contains(part));
    if let Some(line) = find("No user exists for uid") {
        return Some(format!(
            "ssh refuses to run here ({line}): run probe under an account that exists in /etc/passwd, not under a bare number or DynamicUser"
        ));
    }
    if let Some(line) = find("Could not resolve hostname") {
        return Some(format!("name not resolved: {line}"));
    }
    if find("Not allowed at this time").is_some() {
        return Some(
            "the host turns this machine away for a while after failed logins (PerSourcePenalties)"
                .to_owned(),
        );
    }
    for (part, meaning) in [
        ("Connection refused", "connection refused"),
        ("No route to host", "no route to the host"),
        ("Network is unreachable", "network unreachable"),
        ("timed out", "connection timed out"),
    ] {
        if let Some(line) = find(part) {
            return Some(format!("{meaning}: {line}"));
        }
    }
    let closed = [
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
        format!("connection lost before the command was sent: {closed}")
    } else if log.reached == Reached::Authentication {
        format!("connection closed during the login: {closed}")
    } else {
        format!(
            "connection closed in the key exchange; the host may be out of processes or turn new logins away: {closed}"
        )
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
                said.as_ref().is_some_and(|said| said.contains(reason)),
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
                said.as_ref().is_some_and(|said| said.contains(reason)),
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
