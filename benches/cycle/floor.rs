//! The two floors: the same fresh connections without any logic of ours.

use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::Resumption;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// Connections in flight.
pub(crate) const IN_FLIGHT: usize = 64;

/// TLS 1.2 and 1.3 with our roots and without resumption, as the prober has it.
pub(crate) fn client_config(dir: &Path) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    for root in CertificateDer::pem_file_iter(dir.join("roots.pem")).expect("roots") {
        roots.add(root.expect("a certificate")).expect("a root");
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .expect("TLS versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    config
}

/// Sends one request and reads one response, head and body by length.
async fn exchange(mut stream: impl AsyncRead + AsyncWrite + Unpin, address: SocketAddr) {
    let request = format!("GET / HTTP/1.1\r\nhost: {address}\r\naccept: */*\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("a write");
    let (mut buffer, mut used) = ([0; 8192], 0);
    let mut whole = None;
    while whole.is_none_or(|whole| used < whole) {
        let read = stream.read(&mut buffer[used..]).await.expect("a read");
        assert!(read > 0, "the response ended early");
        used += read;
        if whole.is_none() {
            let mut headers = [httparse::EMPTY_HEADER; 16];
            let mut response = httparse::Response::new(&mut headers);
            if let httparse::Status::Complete(head) =
                response.parse(&buffer[..used]).expect("a response")
            {
                assert_eq!(response.code, Some(200));
                let length = response
                    .headers
                    .iter()
                    .find(|header| header.name.eq_ignore_ascii_case("content-length"))
                    .and_then(|header| std::str::from_utf8(header.value).ok()?.parse().ok());
                whole = Some(head + length.unwrap_or(0_usize));
            }
        }
    }
    assert!(buffer[..used].ends_with(b"</html>"));
}

/// One exchange at `n`, with TLS where a connector is given.
async fn bare(address: SocketAddr, tls: Option<TlsConnector>) {
    let stream = TcpStream::connect(address).await.expect("a connection");
    let _ = stream.set_nodelay(true);
    match tls {
        None => exchange(stream, address).await,
        Some(tls) => {
            let name = ServerName::IpAddress(address.ip().into());
            let stream = tls.connect(name, stream).await.expect("a handshake");
            exchange(stream, address).await;
        }
    }
}

/// So many of `one` at the targets in turn, 64 in flight.
async fn all<F>(
    targets: &[SocketAddr],
    count: usize,
    one: impl Fn(SocketAddr) -> F + Clone + Send + 'static,
) where
    F: Future<Output = ()> + Send,
{
    let mut lanes = JoinSet::new();
    for lane in 0..IN_FLIGHT {
        let address = targets[lane % targets.len()];
        let one = one.clone();
        lanes.spawn(async move {
            for _ in 0..count / IN_FLIGHT {
                one(address).await;
            }
        });
    }
    while let Some(ended) = lanes.join_next().await {
        ended.expect("exchanges that end");
    }
}

/// tokio, httparse and rustls.
pub(crate) async fn tokio_floor(targets: &[SocketAddr], tls: Option<&TlsConnector>, count: usize) {
    let tls = tls.cloned();
    all(targets, count, move |address| bare(address, tls.clone())).await;
}

/// One reqwest client without a pool and without hooks.
pub(crate) async fn reqwest_floor(
    targets: &[SocketAddr],
    client: &reqwest::Client,
    scheme: &'static str,
    count: usize,
) {
    let client = client.clone();
    all(targets, count, move |address| {
        let client = client.clone();
        async move {
            let url = format!("{scheme}://{address}/");
            let response = client.get(url).send().await.expect("a response");
            assert_eq!(response.status(), 200);
            let body = response.bytes().await.expect("a body");
            assert!(body.ends_with(b"</html>"));
        }
    })
    .await;
}

/// The client of [`reqwest_floor`].
pub(crate) fn reqwest_client(dir: &Path) -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .pool_max_idle_per_host(0)
        .tls_backend_preconfigured(client_config(dir))
        .build()
        .expect("a client")
}
