//! The client's command line and environment.
//!
//! In OpenSSH the first value of an option wins. So our options come first, and people's `~/.ssh/config` still sets
//! what we leave open: addresses, ports, jump hosts, certificates. We set what an unattended restart needs: the client
//! asks nothing, trusts no unknown host, forwards nothing, shares no other session, and notices a dead connection.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::destination;
use crate::model::{Host, Reason};

/// The search path if `PATH` is not set.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// The variables of our environment that the client gets. No others, so that it cannot pass our secrets to a
/// `ProxyCommand`.
pub(super) const ENVIRONMENT: [&str; 6] = [
    "HOME",
    "USER",
    "LOGNAME",
    "PATH",
    "SSH_AUTH_SOCK",
    "KRB5CCNAME",
];

/// Options that are the same for every host.
const FIXED: [&str; 17] = [
    "BatchMode=yes",
    "StrictHostKeyChecking=yes",
    "VerifyHostKeyDNS=no",
    "UpdateHostKeys=no",
    "ConnectionAttempts=1",
    // 30 s of silence end a session. A host that is short of CPU answers within that time; a broken connection never
    // does.
    "ServerAliveInterval=10",
    "ServerAliveCountMax=3",
    "ControlMaster=no",
    "ControlPath=none",
    "ForwardAgent=no",
    "ForwardX11=no",
    "ClearAllForwardings=yes",
    "Tunnel=no",
    "PermitLocalCommand=no",
    // With a `RemoteCommand` for this host in people's configuration, the client would refuse ours.
    "RemoteCommand=none",
    "EscapeChar=none",
    "LogLevel=DEBUG1",
];

/// With a `SessionType none` for this host in people's configuration (a host for tunnels), the client would run no command at all. Known
/// from OpenSSH 8.7 on.
const NEWER: &str = "SessionType=default";

/// What a client says that does not know [`NEWER`].
pub(super) const TOO_OLD: &str = "Bad configuration option: sessiontype";

/// The client's arguments: options, `--`, the destination and the command as one word.
///
/// # Errors
/// When a path cannot be written as an option.
pub(super) fn arguments(
    host: &Host,
    command: &str,
    log: &Path,
    connect: Duration,
    newer: bool,
) -> Result<Vec<OsString>, Reason> {
    let mut options: Vec<String> = FIXED.iter().map(|&option| option.to_owned()).collect();
    options.extend(newer.then(|| NEWER.to_owned()));
    options.push(format!("ConnectTimeout={}", whole_seconds(connect)));
    if let Some(identity) = &host.identity_file {
        options.push(format!("IdentityFile={}", quoted(identity)?));
        options.push("IdentitiesOnly=yes".to_owned());
    }
    if let Some(known_hosts) = &host.known_hosts_file {
        options.push(format!("UserKnownHostsFile={}", quoted(known_hosts)?));
        options.push("GlobalKnownHostsFile=/dev/null".to_owned());
    }
    let mut arguments: Vec<OsString> = vec!["-T".into(), "-E".into(), log.into(), "-n".into()];
    for option in options {
        arguments.push("-o".into());
        arguments.push(option.into());
    }
    arguments.extend(
        destination::arguments(&host.ssh)
            .into_iter()
            .map(OsString::from),
    );
    arguments.push(command.into());
    Ok(arguments)
}

/// `ConnectTimeout` takes whole seconds, and 0 would mean no timeout.
fn whole_seconds(span: Duration) -> u64 {
    span.as_millis()
        .div_ceil(1000)
        .max(1)
        .try_into()
        .unwrap_or(u64::MAX)
}

/// A path as the value of an option: OpenSSH splits at white space and expands `%` and `${…}` in it.
fn quoted(path: &Path) -> Result<String, Reason> {
    match path.to_str() {
        Some(text) if !text.contains(['"', '\\', '$', '\n', '\r']) => {
            Ok(format!("\"{}\"", text.replace('%', "%%")))
        }
        Some(_) | None => Err(Reason::PathUnfit {
            path: path.to_string_lossy().escape_debug().to_string(),
        }),
    }
}

/// The client on a search path (`None`: no `PATH` is set).
pub(super) fn find(search: Option<&OsStr>) -> Option<PathBuf> {
    std::env::split_paths(search.unwrap_or(OsStr::new(PATH)))
        .filter(|directory| directory.is_absolute())
        .map(|directory| directory.join("ssh"))
        .find(|program| rustix::fs::access(program, rustix::fs::Access::EXEC_OK).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_one_word_and_taken_literally() {
        assert_eq!(quoted(Path::new("/a b/50%")), Ok("\"/a b/50%%\"".into()));
        for bad in ["/a\"b", "/a\\b", "/${HOME}/x", "/a\nb"] {
            assert!(
                quoted(Path::new(bad))
                    .unwrap_err()
                    .to_string()
                    .contains("rename it without")
            );
        }
    }

    #[test]
    fn a_connect_limit_is_never_zero() {
        assert_eq!(whole_seconds(Duration::from_millis(1)), 1);
        assert_eq!(whole_seconds(Duration::from_millis(2001)), 3);
    }
}
