//! The connection to a relay: lines go out, replies come in, in clear or under TLS.
//!
//! All that a relay sends in one session is capped, the bytes of TLS included. What a relay, or somebody in between, slips in behind the
//! answer to STARTTLS would be read as if it had come under TLS: where anything waits there, the session ends; what comes later
//! breaks the handshake.

use std::io;
use std::net::IpAddr;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Join, Take, join};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::reply::{Growing, Reply};
use super::tls;

/// Bytes a relay may send in one session; replies and handshakes are a few thousand.
const RECEIVED: u64 = 512 * 1024;

type Socket = Join<Take<OwnedReadHalf>, OwnedWriteHalf>;

/// A connection.
pub(super) struct Wire {
    stream: Stream,
    /// Our end of it.
    local: Option<IpAddr>,
}

enum Stream {
    Plain(BufReader<Socket>),
    Secure(Box<BufReader<TlsStream<Socket>>>),
    /// A handshake failed.
    Over,
}

/// Why no reply came.
#[derive(Debug, thiserror::Error)]
pub(super) enum Break {
    /// The connection ended.
    #[error("the relay closed the connection without an answer")]
    Closed,
    /// More than [`RECEIVED`].
    #[error("the relay sends without end")]
    Endless,
    /// What came is no reply.
    #[error("the answer is not SMTP")]
    NotSmtp,
    /// Something waited behind the answer to STARTTLS.
    #[error("the relay, or somebody in between, sent more in clear behind the answer")]
    Injected,
    /// The connection broke.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Wire {
    pub(super) fn new(stream: TcpStream) -> Self {
        let local = stream.local_addr().ok().map(|address| address.ip());
        let (reader, writer) = stream.into_split();
        let socket = join(reader.take(RECEIVED), writer);
        Self {
            stream: Stream::Plain(BufReader::new(socket)),
            local,
        }
    }

    /// Our address, as the relay may see it.
    pub(super) const fn local(&self) -> Option<IpAddr> {
        self.local
    }

    /// From now on under TLS; says what was agreed on.
    pub(super) async fn secure(
        &mut self,
        (connector, name): (TlsConnector, ServerName<'static>),
    ) -> Result<String, Break> {
        let Stream::Plain(plain) = std::mem::replace(&mut self.stream, Stream::Over) else {
            return Err(Break::Closed);
        };
        if !plain.buffer().is_empty() {
            return Err(Break::Injected);
        }
        let stream = connector.connect(name, plain.into_inner()).await?;
        let agreed = tls::agreed(stream.get_ref().1);
        self.stream = Stream::Secure(Box::new(BufReader::new(stream)));
        Ok(agreed)
    }

    pub(super) async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.stream {
            Stream::Plain(stream) => {
                stream.write_all(bytes).await?;
                stream.flush().await
            }
            Stream::Secure(stream) => {
                stream.write_all(bytes).await?;
                stream.flush().await
            }
            Stream::Over => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// The next reply.
    pub(super) async fn reply(&mut self) -> Result<Reply, Break> {
        let mut growing = Growing::default();
        loop {
            let line = self.line().await?;
            match growing.line(&line) {
                Ok(Some(reply)) => return Ok(reply),
                Ok(None) => {}
                Err(()) => return Err(Break::NotSmtp),
            }
        }
    }

    async fn line(&mut self) -> Result<Vec<u8>, Break> {
        let mut line = Vec::new();
        let (read, left) = match &mut self.stream {
            Stream::Plain(stream) => {
                let read = stream.read_until(b'\n', &mut line).await;
                (read, stream.get_ref().reader().limit())
            }
            Stream::Secure(stream) => {
                let read = stream.read_until(b'\n', &mut line).await;
                (read, stream.get_ref().get_ref().0.reader().limit())
            }
            Stream::Over => (Ok(0), RECEIVED),
        };
        let ended = match read {
            // Under TLS an end that is not announced is an error.
            Err(fault) if fault.kind() == io::ErrorKind::UnexpectedEof => true,
            read => {
                read?;
                line.last() != Some(&b'\n')
            }
        };
        match (ended, left) {
            (false, _) => Ok(line),
            (true, 0) => Err(Break::Endless),
            (true, _) => Err(Break::Closed),
        }
    }
}
