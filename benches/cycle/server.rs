//! The web server that is probed, and the black holes: a process of its own, so that its work is not counted as ours.
//!
//! Every scheme has 64 loopback addresses, so that closed connections do not use up ports. It writes `targets` (a scheme
//! and an address a line) into the directory, answers each line on stdin with the number of requests served so far, and
//! ends when stdin does, that is with whoever started it.

use std::fmt::Write as _;
use std::io::BufRead as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ServerConfig, version::TLS13};

use super::pki;

/// Addresses of each scheme.
const ADDRESSES: u8 = 64;

static SERVED: AtomicUsize = AtomicUsize::new(0);

/// The loopback addresses, as names for certificates.
pub(crate) fn names() -> Vec<String> {
    (1..=ADDRESSES).map(|n| format!("127.0.0.{n}")).collect()
}

fn page() -> Arc<[u8]> {
    let mut body = "<html><title>fine</title>".to_owned();
    while body.len() < 1024 - "</html>".len() {
        body.push('x');
    }
    body.push_str("</html>");
    let head = format!(
        "HTTP/1.1 200 OK\r\nServer: bench\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    (head + &body).into_bytes().into()
}

async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin, page: Arc<[u8]>) {
    let (mut head, mut used) = ([0; 4096], 0);
    while let Ok(read @ 1..) = stream.read(&mut head[used..]).await {
        used += read;
        if head[..used].ends_with(b"\r\n\r\n") {
            SERVED.fetch_add(1, Ordering::Relaxed);
            let _ = stream.write_all(&page).await;
            let _ = stream.shutdown().await;
            return;
        }
    }
}

fn bind(n: u8, backlog: u32) -> TcpListener {
    let socket = TcpSocket::new_v4().expect("a socket");
    let address = SocketAddr::from((Ipv4Addr::new(127, 0, 0, n), 0));
    socket.bind(address).expect("a loopback address");
    socket.listen(backlog).expect("a listener")
}

fn listen(acceptor: Option<&TlsAcceptor>) -> Vec<SocketAddr> {
    let mut addresses = vec![];
    let page = page();
    for n in 1..=ADDRESSES {
        let listener = bind(n, 4096);
        addresses.push(listener.local_addr().expect("a bound address"));
        let (acceptor, page) = (acceptor.cloned(), Arc::clone(&page));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let _ = stream.set_nodelay(true);
                let (acceptor, page) = (acceptor.clone(), Arc::clone(&page));
                tokio::spawn(async move {
                    match acceptor {
                        None => answer(stream, page).await,
                        Some(acceptor) => {
                            if let Ok(stream) = acceptor.accept(stream).await {
                                answer(stream, page).await;
                            }
                        }
                    }
                });
            }
        });
    }
    addresses
}

/// One that accepts and says nothing, and one whose backlog is full, so that SYNs are dropped.
async fn holes() -> (SocketAddr, SocketAddr, Vec<TcpStream>) {
    let silent = bind(1, 4096);
    let silent_at = silent.local_addr().expect("a bound address");
    tokio::spawn(async move {
        let mut held = vec![];
        while let Ok((stream, _)) = silent.accept().await {
            held.push(stream);
            // As many as can be waiting for an answer; the oldest have been given up.
            if held.len() > 4096 {
                held.drain(..2048);
            }
        }
    });
    let full = bind(2, 1);
    let full_at = full.local_addr().expect("a bound address");
    let mut waiting = vec![];
    for _ in 0..4 {
        let connecting = TcpStream::connect(full_at);
        let limit = std::time::Duration::from_millis(200);
        if let Ok(Ok(stream)) = tokio::time::timeout(limit, connecting).await {
            waiting.push(stream);
        }
    }
    tokio::spawn(async move {
        let _full = full;
        std::future::pending::<()>().await;
    });
    (silent_at, full_at, waiting)
}

fn acceptor(dir: &Path, kind: &str) -> TlsAcceptor {
    let chain = CertificateDer::pem_file_iter(dir.join(format!("{kind}.chain.pem")))
        .expect("a chain")
        .collect::<Result<Vec<_>, _>>()
        .expect("certificates");
    let key = PrivateKeyDer::from_pem_file(dir.join(format!("{kind}.key.pem"))).expect("a key");
    let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[&TLS13])
        .expect("TLS 1.3")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("a server configuration");
    config.send_tls13_tickets = 0;
    TlsAcceptor::from(Arc::new(config))
}

/// Serves until stdin ends.
pub(crate) fn serve(dir: &Path) -> bool {
    std::thread::spawn(|| {
        for line in std::io::stdin().lock().lines() {
            if line.is_err() {
                break;
            }
            println!("{}", SERVED.load(Ordering::Relaxed));
        }
        std::process::exit(0);
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(async {
        let mut targets = String::new();
        let mut tell = |scheme: &str, addresses: &[SocketAddr]| {
            for address in addresses {
                let _ = writeln!(targets, "{scheme} {address}");
            }
        };
        tell("http", &listen(None));
        for kind in pki::KINDS {
            tell(kind, &listen(Some(&acceptor(dir, kind))));
        }
        let (silent, full, _waiting) = holes().await;
        tell("hole", &[silent, full]);
        std::fs::write(dir.join("targets"), targets).expect("a written file");
        println!("ready");
        std::future::pending::<bool>().await
    })
}
