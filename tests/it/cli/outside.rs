//! What stands around the program: a site that can stop, a canary that answers, a mailbox. Each ends with its handle.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::thread::{JoinHandle, sleep};
use std::time::Duration;

use tokio::runtime::Runtime;

use super::ground::eventually;
use crate::smtp::server::{Script, Server};

/// An address of loopback that no other server of this test run has, so that a port which is closed for a while is
/// taken by nobody else.
fn own_address() -> Ipv4Addr {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    let [_, _, high, low] = std::process::id().to_be_bytes();
    Ipv4Addr::new(127, high | 1, low, NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A web site: it listens while the file that stands for its server is there.
pub(super) struct Site {
    pub(super) address: SocketAddr,
    switch: PathBuf,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Site {
    pub(super) fn start(switch: PathBuf) -> Self {
        let first = TcpListener::bind((own_address(), 0)).unwrap();
        let address = first.local_addr().unwrap();
        let over = Arc::new(AtomicBool::new(false));
        let (file, stop) = (switch.clone(), Arc::clone(&over));
        let thread = std::thread::spawn(move || serve(first, &file, &stop));
        let site = Self {
            address,
            switch,
            over,
            thread: Some(thread),
        };
        site.set(true);
        site
    }

    /// Starts it or stops it, and waits until that is so.
    pub(super) fn set(&self, up: bool) {
        if up {
            fs::write(&self.switch, "").unwrap();
        } else {
            fs::remove_file(&self.switch).unwrap();
        }
        let answers = || std::net::TcpStream::connect(self.address).is_ok();
        eventually("the site obeys", || (answers() == up).then_some(()));
    }

    /// Closes the connections of requests that hold this, until the file is removed.
    pub(super) fn keep_out(&self, words: &str) {
        fs::write(self.rule(), words).unwrap();
    }

    /// The file that holds what is kept out.
    pub(super) fn rule(&self) -> PathBuf {
        self.switch.with_extension("rule")
    }

    pub(super) fn is_up(&self) -> bool {
        self.switch.exists()
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(first: TcpListener, switch: &Path, over: &AtomicBool) {
    let address = first.local_addr().unwrap();
    first.set_nonblocking(true).unwrap();
    let mut listener = Some(first);
    while !over.load(Ordering::Relaxed) {
        if !switch.exists() {
            listener = None;
        } else if listener.is_none() {
            listener = TcpListener::bind(address).ok();
            if let Some(listener) = &listener {
                listener.set_nonblocking(true).unwrap();
            }
        }
        match listener.as_ref().map(TcpListener::accept) {
            Some(Ok((mut stream, _))) => {
                let rule = fs::read_to_string(switch.with_extension("rule")).ok();
                std::thread::spawn(move || {
                    let _ = stream.set_nonblocking(false);
                    let mut request = [0; 4096];
                    let read = stream.read(&mut request).unwrap_or(0);
                    let text = String::from_utf8_lossy(&request[..read]);
                    if rule.is_some_and(|rule| text.contains(&rule)) {
                        return;
                    }
                    // `/slow` is for those who want to see a site that takes its time.
                    if request[..read].starts_with(b"GET /slow") {
                        sleep(Duration::from_millis(300));
                    }
                    let _ = stream.write_all(
                        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 17\r\nConnection: close\r\n\r\n<html>fine</html>",
                    );
                });
            }
            Some(Err(_)) | None => sleep(Duration::from_millis(5)),
        }
    }
}

/// A mail server.
pub(super) struct Mailbox {
    server: Option<Server>,
    runtime: Runtime,
}

impl Mailbox {
    pub(super) fn start(script: Script) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let server = Some(runtime.block_on(Server::start(script)));
        Self { server, runtime }
    }

    pub(super) fn url(&self) -> String {
        format!("smtp+plain://{}", self.server.as_ref().unwrap().address)
    }

    pub(super) fn port(&self) -> u16 {
        self.server.as_ref().unwrap().address.port()
    }

    /// The authority of its certificate.
    pub(super) fn ca_file(&self) -> PathBuf {
        self.server.as_ref().unwrap().ca_file()
    }

    /// Sessions so far.
    pub(super) fn connections(&self) -> usize {
        self.server.as_ref().unwrap().connections()
    }

    /// Messages as they came over the wire.
    pub(super) fn texts(&self) -> Vec<String> {
        self.server.as_ref().unwrap().texts()
    }

    /// The events of the messages, in the order in which they came.
    pub(super) fn events(&self) -> Vec<String> {
        let texts = self.texts();
        texts
            .iter()
            .map(|text| header(text, "X-Probe-Event"))
            .collect()
    }
}

impl Drop for Mailbox {
    fn drop(&mut self) {
        let _inside = self.runtime.enter();
        self.server = None;
    }
}

/// A header of a message, unfolded; empty where there is none.
pub(super) fn header(text: &str, name: &str) -> String {
    let unfolded = text.replace("\r\n ", " ");
    let start = format!("{name}: ");
    let lines = unfolded.lines();
    lines
        .take_while(|line| !line.is_empty())
        .find_map(|line| line.strip_prefix(&start))
        .unwrap_or_default()
        .to_owned()
}

/// What answers as long as "our own network" works. It ends with the test run.
pub(super) struct Canary(pub(super) SocketAddr);

impl Canary {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind((own_address(), 0)).unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || while listener.accept().is_ok() {});
        Self(address)
    }
}
