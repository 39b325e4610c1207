//! One cycle over many targets: what a probe costs on top of the bare exchange.
//!
//! 64 targets on loopback are asked at once, over plain HTTP and over TLS, each on a fresh connection: by the prober,
//! and by the floor beneath it, which is a socket, a TLS handshake and one hyper connection with no logic of ours. Both
//! run in the same process against the same server, so their ratio is what counts. The server has a thread of its own.
#![expect(clippy::disallowed_methods, reason = "a benchmark makes its own files")]

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use probe::adapters::http::HttpProber;
use probe::model::{
    Addresses, CacheBypass, Expect, Finding, Profile, ProfileName, StatusRange, Tls,
};
use probe::ports::Prober;
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// As many as the machine is asked to keep in flight; an address each, so that closed connections do not use up ports.
const TARGETS: u8 = 64;

const PAGE: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 19\r\n\r\n<html>fine</html>\r\n";

/// The targets of one scheme, and the certificate they show.
struct World {
    plain: Vec<SocketAddr>,
    secure: Vec<SocketAddr>,
    certificate: CertificateDer<'static>,
    ca_file: std::path::PathBuf,
    _dir: TempDir,
}

async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    let (mut head, mut used) = ([0; 4096], 0);
    while let Ok(read @ 1..) = stream.read(&mut head[used..]).await {
        used += read;
        if head[..used].ends_with(b"\r\n\r\n") {
            let _ = stream.write_all(PAGE).await;
            let _ = stream.shutdown().await;
            return;
        }
    }
}

async fn listen(acceptor: Option<TlsAcceptor>) -> Vec<SocketAddr> {
    let mut addresses = vec![];
    for n in 1..=TARGETS {
        let listener = TcpListener::bind((Ipv4Addr::new(127, 0, 0, n), 0)).await;
        let listener = listener.expect("a loopback address");
        addresses.push(listener.local_addr().expect("a bound address"));
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let _ = stream.set_nodelay(true);
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    match acceptor {
                        None => answer(stream).await,
                        Some(acceptor) => {
                            if let Ok(stream) = acceptor.accept(stream).await {
                                answer(stream).await;
                            }
                        }
                    }
                });
            }
        });
    }
    addresses
}

fn world() -> World {
    let key = rcgen::KeyPair::generate().expect("a key");
    let names: Vec<String> = (1..=TARGETS).map(|n| format!("127.0.0.{n}")).collect();
    let params = rcgen::CertificateParams::new(names).expect("names");
    let certificate = params.self_signed(&key).expect("a certificate");
    let dir = TempDir::new().expect("a directory");
    let ca_file = dir.path().join("ca.pem");
    std::fs::write(&ca_file, certificate.pem()).expect("a written file");
    let der = certificate.der().clone();
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .expect("TLS versions")
        .with_no_client_auth()
        .with_single_cert(
            vec![der.clone()],
            PrivateKeyDer::try_from(key.serialize_der()).expect("a key"),
        )
        .expect("a server configuration");
    let (ready, listening) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async move {
            let plain = listen(None).await;
            let secure = listen(Some(TlsAcceptor::from(Arc::new(config)))).await;
            ready.send((plain, secure)).expect("someone waiting");
            std::future::pending::<()>().await;
        });
    });
    let (plain, secure) = listening.recv().expect("a listening server");
    World {
        plain,
        secure,
        certificate: der,
        ca_file,
        _dir: dir,
    }
}

fn profile(scheme: &str, address: SocketAddr, world: &World) -> Arc<Profile> {
    let url = format!("{scheme}://{address}/");
    Arc::new(Profile {
        name: ProfileName::try_new("target").expect("a name"),
        host: None,
        urls: vec![url.parse().expect("a URL")],
        method: "GET".to_owned(),
        headers: vec![],
        interval: Duration::from_secs(60),
        retry_interval: Duration::from_secs(10),
        timeout: Duration::from_secs(10),
        connect_timeout: Duration::from_secs(5),
        failure_threshold: 3,
        success_threshold: 2,
        expect: Expect {
            status: vec![StatusRange {
                low: 200,
                high: 399,
            }],
            contains: vec!["</html>".to_owned()],
            not_contains: vec![],
            matches: None,
            header: vec![],
        },
        slow: None,
        redirects: 5,
        max_body: 1024 * 1024,
        addresses: Addresses::Any,
        tls: Tls {
            ca_file: (scheme == "https").then(|| world.ca_file.clone()),
            client_certificate: None,
            verify: true,
            warn_before: vec![],
        },
        cache_bypass: CacheBypass::Off,
        fingerprint: 1,
    })
}

async fn probe_all(prober: HttpProber, profiles: Vec<Arc<Profile>>) {
    let mut probes = JoinSet::new();
    for profile in profiles {
        probes.spawn(prober.probe(profile));
    }
    while let Some(ended) = probes.join_next().await {
        for result in ended.expect("a probe that ends") {
            assert_eq!(result.finding, Finding::Ok, "{result:?}");
        }
    }
}

async fn bare<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(stream: S, address: SocketAddr) {
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .expect("a connection");
    let driving = tokio::spawn(connection);
    let request = hyper::Request::get("/")
        .header("host", address.to_string())
        .body(Empty::<Bytes>::new())
        .expect("a request");
    let response = sender.send_request(request).await.expect("a response");
    let body = response.into_body().collect().await.expect("a body");
    assert!(body.to_bytes().starts_with(b"<html>"));
    drop(sender);
    let _ = driving.await;
}

async fn bare_all(addresses: Vec<SocketAddr>, tls: Option<TlsConnector>) {
    let mut exchanges = JoinSet::new();
    for address in addresses {
        let tls = tls.clone();
        exchanges.spawn(async move {
            let stream = TcpStream::connect(address).await.expect("a connection");
            let _ = stream.set_nodelay(true);
            match tls {
                None => bare(stream, address).await,
                Some(tls) => {
                    let name = ServerName::IpAddress(address.ip().into());
                    let stream = tls.connect(name, stream).await.expect("a handshake");
                    bare(stream, address).await;
                }
            }
        });
    }
    while let Some(ended) = exchanges.join_next().await {
        ended.expect("an exchange that ends");
    }
}

fn connector(world: &World) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(world.certificate.clone()).expect("a root");
    let mut config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .expect("TLS versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.resumption = tokio_rustls::rustls::client::Resumption::disabled();
    TlsConnector::from(Arc::new(config))
}

fn runtime() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime")
}

fn cycle(c: &mut Criterion) {
    let world = world();
    let runtime = runtime();
    let prober = HttpProber::try_new().expect("a prober");
    for (scheme, addresses) in [("http", &world.plain), ("https", &world.secure)] {
        let profiles: Vec<_> = addresses
            .iter()
            .map(|&address| profile(scheme, address, &world))
            .collect();
        let tls = (scheme == "https").then(|| connector(&world));
        let mut group = c.benchmark_group(scheme);
        group.throughput(Throughput::Elements(u64::from(TARGETS)));
        group.sample_size(20);
        group.warm_up_time(Duration::from_secs(1));
        group.measurement_time(Duration::from_secs(5));
        group.bench_function("floor", |b| {
            b.to_async(&runtime)
                .iter(|| bare_all(addresses.clone(), tls.clone()));
        });
        group.bench_function("prober", |b| {
            b.to_async(&runtime)
                .iter(|| probe_all(prober.clone(), profiles.clone()));
        });
        group.finish();
    }
}

criterion_group!(benches, cycle);
criterion_main!(benches);
