//! The TCP stream to a relay: capped, and read one byte at a time until TLS begins.
//!
//! The mail library buffers what it reads and keeps the buffer across STARTTLS, so that a relay, or somebody in
//! between, could put answers for the encrypted part into the plain one. Byte by byte the buffer never holds more
//! than the line it was asked for; what was slipped in reaches the TLS handshake and breaks it.
//!
//! The library does not say which version of TLS was agreed on. The server's first handshake message says so in clear.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::task::{Context, Poll, ready};

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// Bytes a relay may send in one session; answers and handshakes are a few thousand.
const RECEIVED: usize = 512 * 1024;

/// Bytes read at once under TLS.
const CHUNK: usize = 4096;

/// Bytes that are looked at for the version; a server's hello has some hundred, a post-quantum one 1.3 KiB.
const HELLO: usize = 4096;

/// First byte of a TLS handshake record; no SMTP command begins with it.
const HANDSHAKE: u8 = 0x16;

/// A stream with these two rules.
#[derive(Debug)]
pub(super) struct Gate {
    stream: TcpStream,
    plain: bool,
    left: usize,
    /// What came under TLS so far, until the version is known or nothing is to be expected.
    hello: Option<Vec<u8>>,
    version: Arc<AtomicU16>,
}

impl Gate {
    /// Guards a fresh connection; the version of TLS, as it stands on the wire, goes to `version`.
    pub(super) const fn new(stream: TcpStream, version: Arc<AtomicU16>) -> Self {
        Self {
            stream,
            plain: true,
            left: RECEIVED,
            hello: Some(Vec::new()),
            version,
        }
    }

    fn look(&mut self, came: &[u8]) {
        if self.plain {
            return;
        }
        let Some(mut seen) = self.hello.take() else {
            return;
        };
        seen.extend_from_slice(came);
        match version(&seen) {
            Some(found) => self.version.store(found, Ordering::Relaxed),
            None if seen.len() < HELLO => self.hello = Some(seen),
            None => {}
        }
    }
}

/// The version in a ServerHello (RFC 8446, 4.1.3); `None` while it is not all there, or is none.
fn version(bytes: &[u8]) -> Option<u16> {
    const SUPPORTED_VERSIONS: u16 = 43;
    let two = |at: usize| Some(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]));
    if *bytes.first()? != HANDSHAKE || *bytes.get(5)? != 2 {
        return None;
    }
    let legacy = two(9)?;
    // After the random, the session's id, the cipher suite and the compression.
    let extensions = 43 + 1 + usize::from(*bytes.get(43)?) + 3;
    let body = 9 + usize::from(two(7)?);
    if extensions >= body {
        return Some(legacy);
    }
    let end = extensions + 2 + usize::from(two(extensions)?);
    let mut at = extensions + 2;
    while at < end {
        let (kind, length) = (two(at)?, usize::from(two(at + 2)?));
        if kind == SUPPORTED_VERSIONS {
            return two(at + 4);
        }
        at += 4 + length;
    }
    Some(legacy)
}

impl AsyncRead for Gate {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.left == 0 {
            return Poll::Ready(Err(io::Error::other("the relay sends without end")));
        }
        let wanted = if self.plain { 1 } else { CHUNK };
        let wanted = wanted.min(out.remaining()).min(self.left);
        let mut chunk = [0_u8; CHUNK];
        let mut part = ReadBuf::new(chunk.get_mut(..wanted).unwrap_or_default());
        ready!(Pin::new(&mut self.stream).poll_read(context, &mut part))?;
        self.left -= part.filled().len();
        self.look(part.filled());
        out.put_slice(part.filled());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Gate {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if bytes.first() == Some(&HANDSHAKE) {
            self.plain = false;
        }
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl AsyncTokioStream for Gate {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.stream.peer_addr()
    }
}
