//! Who listens where HTTP or TLS should, by what it says on one more connection, within the check's time. Who stays silent for
//! half a second has not spoken first.
//!
//! - When an answer was no HTTP, nothing is said on that connection: a server that speaks first says who it is, one that waits to
//!   be asked stays unnamed.
//! - When there was no TLS on the port, who has not spoken first is asked in plain HTTP.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::adapters::http::fault::Fault;
use crate::model::{Finding, Quoted};

/// Longest wait for somebody who speaks first.
const WAIT: Duration = Duration::from_millis(500);

/// Read of a greeting.
const GREETING: usize = 255;

/// Kept of it.
const QUOTED: usize = 60;

/// The fault, with the name of what listens at `address` where it says it; `left` of the check's time.
pub(in crate::adapters::http) async fn named(
    fault: Fault,
    address: Option<SocketAddr>,
    left: Duration,
) -> Fault {
    let Some(address) = address else {
        return fault;
    };
    // Half: the fault itself must not be lost to the deadline.
    let limit = WAIT.min(left / 2);
    let Ok(Some(greeting)) = timeout(limit, greeting(address)).await else {
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

/// What listens at `address` behind no TLS, by its first bytes, where they say so.
pub(super) async fn behind_no_tls(address: SocketAddr) -> Option<Finding> {
    let mut stream = TcpStream::connect(address).await.ok()?;
    let mut bytes = [0; 64];
    let spoken = timeout(WAIT, stream.read(&mut bytes)).await;
    let length = match spoken {
        Ok(read) => read.ok()?,
        Err(_) => {
            let ask = b"HEAD / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
            stream.write_all(ask).await.ok()?;
            stream.read(&mut bytes).await.ok()?
        }
    };
    let known: [(&[u8], Finding); 5] = [
        (b"SSH-", Finding::NotTlsButSsh),
        (b"HTTP/", Finding::NotTlsButHttp),
        (b"220 ", Finding::NotTlsButMail),
        (b"220-", Finding::NotTlsButMail),
        (b"+OK", Finding::NotTlsButPop3),
    ];
    let said = bytes.get(..length)?;
    let begins = known.into_iter().find(|(mark, _)| said.starts_with(mark));
    begins.map(|(_, who)| who)
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
