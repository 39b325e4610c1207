//! What listens where HTTP should: servers that speak first say who they are.
//!
//! When an answer was no HTTP, one more connection is opened and nothing is said on it. What comes within half a second,
//! and within the check's time, names the server; a server that waits to be asked stays unnamed.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use super::fault::Fault;
use crate::model::{Finding, Quoted};

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
        Some(who) => {
            let who = Box::new(who);
            let finding = match quote(&greeting) {
                Some(said) => Finding::SpeaksFirstAndSays { who, said },
                None => Finding::SpeaksFirst { who },
            };
            Fault { finding, ..fault }
        }
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

fn who(greeting: &[u8]) -> Option<Finding> {
    let upper = greeting.to_ascii_uppercase();
    let has = |word: &[u8]| upper.windows(word.len()).any(|window| window == word);
    if upper.starts_with(b"SSH-") {
        Some(Finding::SshServer)
    } else if upper.starts_with(b"220") && has(b"FTP") {
        Some(Finding::FtpServer)
    } else if upper.starts_with(b"220") && (has(b"SMTP") || has(b"MAIL")) {
        Some(Finding::SmtpServer)
    } else if upper.starts_with(b"+OK") {
        Some(Finding::Pop3Server)
    } else if upper.starts_with(b"* OK") {
        Some(Finding::ImapServer)
    } else if upper.starts_with(b"RFB ") {
        Some(Finding::VncServer)
    } else if greeting.get(3..5) == Some(&[0, 10]) {
        // A packet's number and the protocol's version.
        Some(Finding::MysqlServer)
    } else {
        None
    }
}

fn quote(greeting: &[u8]) -> Option<Quoted> {
    let line = greeting.split(|byte| *byte == b'\n').next();
    let line = line.unwrap_or_default();
    if line.iter().any(|b| b.is_ascii_control() && *b != b'\r') {
        return None;
    }
    let line: String = String::from_utf8_lossy(line).chars().take(QUOTED).collect();
    Some(Quoted::new(&line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_speaks_first_is_known() {
        for (greeting, name) in [
            (
                "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n",
                Some(Finding::SshServer),
            ),
            ("220 ftp.example ready\r\n", Some(Finding::FtpServer)),
            (
                "220 mx.example ESMTP Postfix\r\n",
                Some(Finding::SmtpServer),
            ),
            ("+OK ready\r\n", Some(Finding::Pop3Server)),
            ("* OK [CAPABILITY IMAP4rev1]\r\n", Some(Finding::ImapServer)),
            ("RFB 003.008\n", Some(Finding::VncServer)),
            ("J\0\0\0\n10.11.6-MariaDB", Some(Finding::MysqlServer)),
            ("HTTP/1.1 200 OK\r\n", None),
            ("", None),
        ] {
            assert_eq!(who(greeting.as_bytes()), name, "{greeting}");
        }
    }
}
