//! A service on loopback: takes requests with their bodies, and answers each as it is told.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What it does when a request has come.
#[derive(Debug, Clone)]
pub(super) enum Answer {
    /// Says this and closes.
    Says(String),
    /// Says this and goes on without an end.
    SaysAndWaits(String),
    /// Cuts the connection.
    Resets,
    /// Closes it before a request has come.
    ClosesAtOnce,
}

/// A response with this status line, header lines and body.
pub(super) fn response(status: &str, headers: &str, body: &str) -> Answer {
    let length = body.len();
    Answer::Says(format!(
        "HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    ))
}

/// A request as it came.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) head: String,
    pub(super) body: String,
}

impl Request {
    /// The value of a header.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().skip(1);
        lines.find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

pub(super) struct Service {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
    task: JoinHandle<()>,
}

impl Drop for Service {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Service {
    pub(super) async fn start(answer: Answer) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let list = Arc::clone(&requests);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, answer.clone(), Arc::clone(&list)));
            }
        });
        Self {
            address,
            requests,
            task,
        }
    }

    /// Its address, which is a secret.
    pub(super) fn url(&self) -> String {
        format!("http://{}/hook/s3cret?key=s3cret", self.address)
    }

    pub(super) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

async fn serve(mut stream: TcpStream, answer: Answer, list: Arc<Mutex<Vec<Request>>>) {
    if matches!(answer, Answer::ClosesAtOnce) {
        return;
    }
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else {
            return;
        };
        head.push(byte);
    }
    let mut request = Request {
        head: String::from_utf8(head).unwrap(),
        body: String::new(),
    };
    let length = request.header("content-length").unwrap().parse().unwrap();
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.unwrap();
    request.body = String::from_utf8(body).unwrap();
    list.lock().unwrap().push(request);
    match answer {
        Answer::Says(text) => _ = stream.write_all(text.as_bytes()).await,
        Answer::SaysAndWaits(text) => {
            let _ = stream.write_all(text.as_bytes()).await;
            tokio::time::sleep(Duration::from_secs(60)).await;
        }
        Answer::Resets => stream.set_zero_linger().unwrap(),
        Answer::ClosesAtOnce => {}
    }
}
