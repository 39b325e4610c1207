//! Whether a host's SSH port answers a TCP connect at all. This tells a silent web server from a silent host.
//!
//! The client itself (`ssh -G`) says where the destination leads, so that aliases, ports and jump hosts are as people
//! configured them. Behind a `ProxyJump` or a `ProxyCommand` the port cannot be tried from here (`unknown`). The
//! connect has [`limits::REACH_TIMEOUT`]. Nothing is sent, and the connection is not kept.

use std::io;
use std::process::Stdio;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::time::timeout;

use crate::model::{Host, Reach, limits};

/// Time for `ssh -G`, which reads files and connects to nothing.
const RESOLVING: Duration = Duration::from_millis(1500);

/// Most bytes of its output, which is some hundred lines.
const OUTPUT: usize = 256 * 1024;

/// Tries the port. `client` is the client without arguments, if there is one.
pub(super) async fn reach(host: &Host, client: Option<Command>) -> Reach {
    let Some(client) = client else {
        return Reach::Unknown;
    };
    let Some((name, port)) = destination(host, client).await else {
        return Reach::Unknown;
    };
    match timeout(limits::REACH_TIMEOUT, TcpStream::connect((name, port))).await {
        Ok(Ok(_)) => Reach::Answered,
        Err(_) => Reach::Silent,
        Ok(Err(error)) => said(&error),
    }
}

fn said(error: &io::Error) -> Reach {
    use io::ErrorKind as K;
    let kind = error.kind();
    // A reset is an answer as well.
    if matches!(kind, K::ConnectionRefused | K::ConnectionReset) {
        Reach::Refused
    } else if matches!(
        kind,
        K::TimedOut | K::HostUnreachable | K::NetworkUnreachable
    ) {
        // A machine that is off or cut off: a router says so before the time is up.
        Reach::Silent
    } else {
        Reach::Unknown
    }
}

/// The name and port that the client connects to; `None` if it goes through another host or program.
async fn destination(host: &Host, mut client: Command) -> Option<(String, u16)> {
    if host.ssh.is_empty() || host.ssh.starts_with('-') {
        return None;
    }
    client
        .arg("-G")
        .args(super::destination::arguments(&host.ssh))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    let output = timeout(RESOLVING, client.output()).await.ok()?.ok()?;
    if !output.status.success() || output.stdout.len() > OUTPUT {
        return None;
    }
    read(&String::from_utf8_lossy(&output.stdout))
}

/// Reads what `ssh -G` prints: a key and its value on each line.
fn read(text: &str) -> Option<(String, u16)> {
    let value = |key: &str| {
        let lines = text.lines().filter_map(|line| line.split_once(' '));
        lines
            .filter(|(name, _)| *name == key)
            .map(|(_, value)| value.trim())
            .find(|value| !value.is_empty())
    };
    let detour = |key: &str| value(key).is_some_and(|value| value != "none");
    if detour("proxyjump") || detour("proxycommand") {
        return None;
    }
    let name = value("hostname")?.trim_matches(['[', ']']);
    Some((name.to_owned(), value("port")?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_that_its_neighbour_calls_unreachable_is_silent() {
        for (kind, reach) in [
            (io::ErrorKind::HostUnreachable, Reach::Silent),
            (io::ErrorKind::NetworkUnreachable, Reach::Silent),
            (io::ErrorKind::TimedOut, Reach::Silent),
            (io::ErrorKind::ConnectionRefused, Reach::Refused),
            (io::ErrorKind::ConnectionReset, Reach::Refused),
            (io::ErrorKind::PermissionDenied, Reach::Unknown),
        ] {
            assert_eq!(said(&io::Error::from(kind)), reach, "{kind}");
        }
    }

    #[test]
    fn where_the_client_would_connect_to() {
        let plain = "user probe\nhostname 192.0.2.10\nport 2222\nproxycommand none\n";
        assert_eq!(read(plain), Some(("192.0.2.10".to_owned(), 2222)));
        for detour in ["proxyjump bastion", "proxycommand nc %h %p"] {
            assert_eq!(read(&format!("hostname a\nport 22\n{detour}\n")), None);
        }
        assert_eq!(read("hostname a\n"), None);
        let six = read("hostname [2001:db8::1]\nport 22\n");
        assert_eq!(six, Some(("2001:db8::1".to_owned(), 22)));
    }
}
