//! Handshakes that go wrong, and client certificates.

use std::sync::Arc;

use probe::model::{Cause, Phase};
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};

use super::authority::{Authority, BOTH, LOCAL, NOW, serve_tls, serve_with};
use super::server::{Act, fine, listen, loopback, play, send, serve_blind};
use super::{SHORT, assert_found, assert_ok, probe, profile};

#[tokio::test]
async fn plain_http_on_the_tls_port() {
    let bad = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
    let server = serve_blind(vec![send(bad), Act::Silence]).await;
    let result = probe(profile(&format!("https://{}/", server.address))).await;
    assert_found(&result, Cause::NotTls, Phase::Tls);
}

#[tokio::test]
async fn ssh_on_the_tls_port() {
    let server = serve_blind(vec![send("SSH-2.0-OpenSSH_9.2p1\r\n"), Act::Silence]).await;
    let result = probe(profile(&format!("https://{}/", server.address))).await;
    assert_found(&result, Cause::NotTls, Phase::Tls);
}

#[tokio::test]
async fn tls_on_the_plain_port() {
    let authority = Authority::new();
    let server = serve_with(&authority, LOCAL, |_| ()).await;
    let result = probe(profile(&server.url("/"))).await;
    assert_found(&result, Cause::Protocol, Phase::FirstByte);
}

#[tokio::test]
async fn handshake_that_stalls() {
    let server = serve_blind(vec![Act::Silence]).await;
    let mut stalled = profile(&format!("https://{}/", server.address));
    stalled.timeout = SHORT;
    stalled.connect_timeout = SHORT / 4;
    let result = probe(stalled).await;
    assert_found(&result, Cause::TlsTimeout, Phase::Tls);
    assert!(result.timings.connect.is_some(), "{result:?}");
}

#[tokio::test]
async fn handshake_that_is_reset_or_closed() {
    for (script, cause) in [
        (vec![Act::Wait(SHORT / 8), Act::Reset], Cause::Reset),
        (vec![send("\x15"), Act::Wait(SHORT / 8)], Cause::Closed),
    ] {
        // The request line of a TLS client never ends, so the hello is not read; what is unread makes a close a reset.
        let server = listen(loopback().await, move |mut stream, _| {
            let script = script.clone();
            async move {
                let mut hello = vec![0; 8192];
                let _ = tokio::io::AsyncReadExt::read(&mut stream, &mut hello).await;
                let _ = play(&mut stream, script).await;
            }
        })
        .await;
        let result = probe(profile(&format!("https://{}/", server.address))).await;
        assert_found(&result, cause, Phase::Tls);
    }
}

#[tokio::test]
async fn an_alert_is_named() {
    // A record of type alert: fatal, handshake_failure.
    let alert = vec![0x15, 3, 3, 0, 2, 2, 40];
    let server = serve_blind(vec![Act::Send(alert), Act::Silence]).await;
    let result = probe(profile(&format!("https://{}/", server.address))).await;
    assert_found(&result, Cause::TlsHandshake, Phase::Tls);
    assert!(result.detail().contains("HandshakeFailure"), "{result:?}");
}

fn demanding(
    authority: &Authority,
    versions: &[&'static SupportedProtocolVersion],
) -> ServerConfig {
    let identity = authority.certify(LOCAL, |_| ());
    let mut roots = RootCertStore::empty();
    roots.add(authority.issuer.der().clone()).unwrap();
    let provider = Arc::new(default_provider());
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .build()
            .unwrap();
    ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(identity.chain.clone(), identity.key())
        .unwrap()
}

#[tokio::test]
async fn a_client_certificate_is_shown_or_said_to_be_missing() {
    let authority = Authority::new();
    let ours = authority.certify(&["monitor.example"], |_| ());
    let files = (authority.file("client.pem"), authority.file("client.key"));
    std::fs::write(&files.0, &ours.pem.0).unwrap();
    std::fs::write(&files.1, &ours.pem.1).unwrap();
    for versions in [&BOTH[..1], &BOTH[1..]] {
        let server = serve_tls(demanding(&authority, versions), NOW, fine()).await;
        let mut known = authority.profile(&server);
        let result = probe(known.clone()).await;
        assert_eq!(result.cause(), Some(Cause::TlsHandshake), "{result:?}");
        assert!(result.detail().contains("client certificate"), "{result:?}");
        known.tls.client_certificate = Some(files.clone());
        assert_ok(&probe(known).await);
    }
}
