//! HTTP/2.

use std::sync::Arc;

use hyper::body::Bytes;
use probe::model::{Cause, Phase};
use tokio_rustls::TlsAcceptor;

use super::authority::{Authority, BOTH, Identity, LOCAL, config};
use super::server::{Server, listen, loopback};
use super::{SHORT, assert_found, assert_ok, probe};

/// An HTTP/2 server that answers every request with `answer`.
async fn serve_h2(
    identity: &Identity,
    answer: impl Fn(h2::server::SendResponse<Bytes>) + Clone + Send + Sync + 'static,
) -> Server {
    let mut config = config(identity, BOTH);
    config.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    listen(loopback().await, move |stream, _| {
        let (acceptor, answer) = (acceptor.clone(), answer.clone());
        async move {
            let Ok(stream) = acceptor.accept(stream).await else {
                return;
            };
            let Ok(mut connection) = h2::server::handshake(stream).await else {
                return;
            };
            while let Some(Ok((_, respond))) = connection.accept().await {
                answer(respond);
            }
        }
    })
    .await
}

#[tokio::test]
async fn http2_is_spoken() {
    let authority = Authority::new();
    let server = serve_h2(&authority.certify(LOCAL, |_| ()), |mut respond| {
        let response = hyper::Response::builder().status(200).body(()).unwrap();
        let mut body = respond.send_response(response, false).unwrap();
        body.send_data("<html>two</html>".into(), true).unwrap();
    })
    .await;
    let mut wanting = authority.profile(&server);
    wanting.expect.contains = vec!["two".to_owned()];
    let result = probe(wanting).await;
    assert_ok(&result);
    assert_eq!(result.http_version.as_deref(), Some("2"));
}

#[tokio::test]
async fn http2_streams_that_are_reset() {
    let authority = Authority::new();
    for (reason, cause) in [
        (h2::Reason::REFUSED_STREAM, Cause::Closed),
        (h2::Reason::INTERNAL_ERROR, Cause::Reset),
        (h2::Reason::PROTOCOL_ERROR, Cause::Protocol),
    ] {
        let server = serve_h2(&authority.certify(LOCAL, |_| ()), move |mut respond| {
            respond.send_reset(reason);
        })
        .await;
        let result = probe(authority.profile(&server)).await;
        assert_found(&result, cause, Phase::FirstByte);
        assert_eq!(server.accepted(), 1, "no retry");
    }
    let server = serve_h2(&authority.certify(LOCAL, |_| ()), |mut respond| {
        let response = hyper::Response::builder().status(200).body(()).unwrap();
        let mut body = respond.send_response(response, false).unwrap();
        body.send_data("<html>".into(), false).unwrap();
        // A reset at once would overtake the head.
        tokio::spawn(async move {
            tokio::time::sleep(SHORT / 8).await;
            body.send_reset(h2::Reason::INTERNAL_ERROR);
        });
    })
    .await;
    let result = probe(authority.profile(&server)).await;
    assert_found(&result, Cause::Truncated, Phase::Transfer);
}

#[tokio::test]
async fn http2_headers_have_the_same_limits() {
    let authority = Authority::new();
    for (count, length) in [(300, 1), (160, 2048)] {
        let server = serve_h2(&authority.certify(LOCAL, |_| ()), move |mut respond| {
            let mut response = hyper::Response::builder().status(200);
            for n in 0..count {
                response = response.header(format!("x-line-{n}"), "v".repeat(length));
            }
            let _ = respond.send_response(response.body(()).unwrap(), true);
        })
        .await;
        let result = probe(authority.profile(&server)).await;
        assert_found(&result, Cause::HeadersTooLarge, Phase::FirstByte);
    }
}
