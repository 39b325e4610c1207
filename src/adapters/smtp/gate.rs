//! The TCP stream to a relay: capped, and read one byte at a time until TLS begins.
//!
//! The mail library buffers what it reads and keeps the buffer across STARTTLS, so that a relay, or somebody in
//! between, could put answers for the encrypted part into the plain one. Byte by byte the buffer never holds more
//! than the line it was asked for; what was slipped in reaches the TLS handshake and breaks it.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// Bytes a relay may send in one session; answers and handshakes are a few thousand.
const RECEIVED: usize = 512 * 1024;

/// Bytes read at once under TLS.
const CHUNK: usize = 4096;

/// First byte of a TLS handshake record; no SMTP command begins with it.
const HANDSHAKE: u8 = 0x16;

/// A stream with these two rules.
#[derive(Debug)]
pub(super) struct Gate {
    stream: TcpStream,
    plain: bool,
    left: usize,
}

impl Gate {
    /// Guards a fresh connection.
    pub(super) const fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            plain: true,
            left: RECEIVED,
        }
    }
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
