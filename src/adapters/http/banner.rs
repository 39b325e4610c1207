//! What listens where HTTP should: servers that speak first say who they are.
//!
//! When an answer was no HTTP, one more connection is opened and nothing is said on it. What comes within half a second,
//! and within the check's time, names the server; a server that waits to be asked stays unnamed.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use super::fault::Fault;
use super::text;

/// Longest wait for somebody who speaks first.
const WAIT: Duration = Duration::from_millis(500);

/// Read of a greeting.
const GREETING: usize = 255;

/// Kept of it.
const QUOTED: usize = 60;

/// The fault, with the name of what listens at `address` where it says it; `left` of the check's time.
pub(super) async fn named(fault: Fault, address: Option<SocketAddr>, left: Duration) -> Fault {
    let Some(address) = address else {
        return fault;
    };
    // Half: the fault itself must not be lost to the deadline.
    let limit = WAIT.min(left / 2);
    let Ok(Some(greeting)) = tokio::time::timeout(limit, greeting(address)).await else {
        return fault;
    };
    match who(&greeting) {
        Some(who) => Fault {
            detail: format!(
                "{who} answers on this port, no web server{}",
                quote(&greeting)
            ),
            ..fault
        },
        None => fault,
    }
}

async fn greeting(address: SocketAddr) -> Option<Vec<u8>> {
    let mut stream = TcpStream::connect(address).await.ok()?;
    let mut bytes = vec![0; GREETING];
    let length = stream.read(&mut bytes).await.ok()?;
    bytes.truncate(length);
    Some(bytes)
}

fn who(greeting: &[u8]) -> Option<&'static str> {
    let upper = greeting.to_ascii_uppercase();
    let has = |word: &[u8]| upper.windows(word.len()).any(|window| window == word);
    if upper.starts_with(b"SSH-") {
        Some("an SSH server")
    } else if upper.starts_with(b"220") && has(b"FTP") {
        Some("an FTP server")
    } else if upper.starts_with(b"220") && (has(b"SMTP") || has(b"MAIL")) {
        Some("a mail server (SMTP)")
    } else if upper.starts_with(b"+OK") {
        Some("a mail server (POP3)")
    } else if upper.starts_with(b"* OK") {
        Some("a mail server (IMAP)")
    } else if upper.starts_with(b"RFB ") {
        Some("a VNC server")
    } else if greeting.get(3..5) == Some(&[0, 10]) {
        // A packet's number and the protocol's version.
        Some("a MySQL or MariaDB server")
    } else {
        None
    }
}

fn quote(greeting: &[u8]) -> String {
    let line = greeting.split(|byte| *byte == b'\n').next();
    let line = line.unwrap_or_default();
    if line.iter().any(|b| b.is_ascii_control() && *b != b'\r') {
        return String::new();
    }
    let line: String = String::from_utf8_lossy(line).chars().take(QUOTED).collect();
    format!(": {}", text::clean(&line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_speaks_first_is_known() {
        for (greeting, name) in [
            ("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", Some("an SSH server")),
            ("220 ftp.example ready\r\n", Some("an FTP server")),
            (
                "220 mx.example ESMTP Postfix\r\n",
                Some("a mail server (SMTP)"),
            ),
            ("+OK ready\r\n", Some("a mail server (POP3)")),
            (
                "* OK [CAPABILITY IMAP4rev1]\r\n",
                Some("a mail server (IMAP)"),
            ),
            ("RFB 003.008\n", Some("a VNC server")),
            (
                "J\0\0\0\n10.11.6-MariaDB",
                Some("a MySQL or MariaDB server"),
            ),
            ("HTTP/1.1 200 OK\r\n", None),
            ("", None),
        ] {
            assert_eq!(who(greeting.as_bytes()), name, "{greeting}");
        }
    }
}
