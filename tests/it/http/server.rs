//! A server that does exactly what a script says. It ends with its handle.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// Between two writes of what never ends: still a flood, and other tests get their share of the machine.
pub(super) const BREATH: Duration = Duration::from_millis(1);

/// One step of a script; after the last the connection is closed.
#[derive(Debug, Clone)]
pub(super) enum Act {
    /// Writes these bytes.
    Send(Vec<u8>),
    /// Writes them one by one, this far apart.
    Drip(Vec<u8>, Duration),
    /// Writes them again and again, with a breath in between.
    Endless(Vec<u8>),
    /// Does nothing for this long.
    Wait(Duration),
    /// Keeps the connection and says nothing more.
    Silence,
    /// Resets the connection.
    Reset,
}

/// `Act::Send` of text.
pub(super) fn send(text: &str) -> Act {
    Act::Send(text.as_bytes().to_vec())
}

/// A whole response with this status line, header lines and body.
pub(super) fn response(status: &str, headers: &[&str], body: &str) -> Vec<Act> {
    let mut text = format!("HTTP/1.1 {status}\r\n");
    for header in headers {
        text.push_str(header);
        text.push_str("\r\n");
    }
    text.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
    vec![send(&text)]
}

/// A response that is all right.
pub(super) fn fine() -> Vec<Act> {
    response("200 OK", &["Content-Type: text/html"], "<html>fine</html>")
}

/// A connection on which a script is played.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {
    /// Makes the close of this connection a reset.
    fn reset(&self);
}

impl Stream for TcpStream {
    fn reset(&self) {
        self.set_zero_linger().unwrap();
    }
}

impl Stream for tokio_rustls::server::TlsStream<TcpStream> {
    fn reset(&self) {
        self.get_ref().0.set_zero_linger().unwrap();
    }
}

/// Reads a request's head; `None` when the client went away.
pub(super) async fn head(stream: &mut impl Stream) -> Option<String> {
    let mut head = vec![];
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    String::from_utf8(head).ok()
}

/// Plays a script; errors mean that the client has gone.
pub(super) async fn play(stream: &mut impl Stream, script: Vec<Act>) -> std::io::Result<()> {
    for act in script {
        match act {
            Act::Send(bytes) => stream.write_all(&bytes).await?,
            Act::Drip(bytes, gap) => {
                for byte in bytes {
                    stream.write_all(&[byte]).await?;
                    stream.flush().await?;
                    tokio::time::sleep(gap).await;
                }
            }
            Act::Endless(bytes) => loop {
                stream.write_all(&bytes).await?;
                tokio::time::sleep(BREATH).await;
            },
            Act::Wait(time) => {
                stream.flush().await?;
                tokio::time::sleep(time).await;
            }
            Act::Silence => {
                stream.flush().await?;
                let mut rest = vec![];
                stream.read_to_end(&mut rest).await?;
            }
            Act::Reset => {
                stream.flush().await?;
                stream.reset();
                return Ok(());
            }
        }
    }
    stream.shutdown().await
}

/// A running server.
pub(super) struct Server {
    /// Where.
    pub(super) address: SocketAddr,
    accepted: Arc<AtomicUsize>,
    heads: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    /// `http://127.0.0.1:port` and this path.
    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Connections taken so far.
    pub(super) fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    /// Heads of the requests so far.
    pub(super) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

/// Calls `each` with every connection, and with the list where request heads are written down.
pub(super) async fn listen<F, R>(listener: TcpListener, each: F) -> Server
where
    F: Fn(TcpStream, Arc<Mutex<Vec<String>>>) -> R + Send + 'static,
    R: Future<Output = ()> + Send + 'static,
{
    let address = listener.local_addr().unwrap();
    let accepted = Arc::new(AtomicUsize::new(0));
    let heads = Arc::new(Mutex::new(vec![]));
    let (count, list) = (Arc::clone(&accepted), Arc::clone(&heads));
    let task = tokio::spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            stream.set_nodelay(true).unwrap();
            connections.spawn(each(stream, Arc::clone(&list)));
        }
    });
    Server {
        address,
        accepted,
        heads,
        task,
    }
}

/// Any free port of IPv4 loopback.
pub(super) async fn loopback() -> TcpListener {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap()
}

/// Reads each request and plays the script that `answer` gives for its path.
pub(super) async fn serve(answer: impl Fn(&str) -> Vec<Act> + Send + Sync + 'static) -> Server {
    serve_on(loopback().await, answer).await
}

/// [`serve`] on this listener.
pub(super) async fn serve_on(
    listener: TcpListener,
    answer: impl Fn(&str) -> Vec<Act> + Send + Sync + 'static,
) -> Server {
    let path = |head: &str| head.split(' ').nth(1).unwrap_or_default().to_owned();
    serve_heads(listener, move |head| answer(&path(head))).await
}

/// Reads each request and plays the script that `answer` gives for its whole head.
pub(super) async fn serve_heads(
    listener: TcpListener,
    answer: impl Fn(&str) -> Vec<Act> + Send + Sync + 'static,
) -> Server {
    let answer = Arc::new(answer);
    listen(listener, move |mut stream, heads| {
        let answer = Arc::clone(&answer);
        async move {
            let Some(head) = head(&mut stream).await else {
                return;
            };
            let script = answer(&head);
            heads.lock().unwrap().push(head);
            let _ = play(&mut stream, script).await;
        }
    })
    .await
}

/// Plays one script on each connection without reading a request first.
pub(super) async fn serve_blind(script: Vec<Act>) -> Server {
    listen(loopback().await, move |mut stream, _| {
        let script = script.clone();
        async move {
            let _ = play(&mut stream, script).await;
        }
    })
    .await
}
