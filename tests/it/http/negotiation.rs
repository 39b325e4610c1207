//! The fault table's TLS cases that concern the handshake: versions, stalls, strangers on the port, alerts, protocols.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use probe::model::{Cause, Phase, Profile};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::{ServerConfig, ServerConnection};

use super::authority::{Authority, BOTH, LOCAL, NOW, config, serve_tls};
use super::server::{Act, Server, fine, head, listen, loopback, send, serve_blind};
use super::table::record;
use super::{SHORT, assert_found, assert_ok, probe, profile};

fn https(server: &Server) -> Profile {
    profile(&format!("https://{}/", server.address))
}

/// `openssl s_server`, ended with its handle.
struct OpenSsl {
    child: Child,
    port: u16,
}

impl Drop for OpenSsl {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl OpenSsl {
    fn new(authority: &Authority, options: &[&str]) -> Self {
        let identity = authority.certify(LOCAL, |_| ());
        let (certificate, key) = (authority.file("s.pem"), authority.file("s.key"));
        std::fs::write(&certificate, &identity.pem.0).unwrap();
        std::fs::write(&key, &identity.pem.1).unwrap();
        let child = Command::new("openssl")
            .args(["s_server", "-accept", "127.0.0.1:0", "-www", "-cert"])
            .arg(certificate)
            .arg("-key")
            .arg(key)
            .args(options)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("openssl, of Debian's package of that name");
        let mut server = Self { child, port: 0 };
        let mut lines = BufReader::new(server.child.stdout.take().unwrap()).lines();
        let accepts = lines.find_map(|line| Some(line.ok()?.strip_prefix("ACCEPT ")?.to_owned()));
        let accepts = accepts.expect("openssl s_server says where it listens");
        server.port = accepts.trim().rsplit_once(':').unwrap().1.parse().unwrap();
        server
    }
}

#[tokio::test]
async fn t07_only_old_versions_or_old_ciphers() {
    let authority = Authority::new();
    for (id, options, words) in [
        (
            "T7-tls1.0",
            &["-tls1", "-cipher", "ALL:@SECLEVEL=0"][..],
            "older than 1.2",
        ),
        (
            "T7-tls1.1",
            &["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"],
            "older than 1.2",
        ),
        (
            "T7-cbc",
            &["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA"],
            "no cipher",
        ),
        (
            "T7-dh",
            &["-tls1_2", "-cipher", "DHE-RSA-AES128-GCM-SHA256"],
            "no cipher",
        ),
    ] {
        let server = OpenSsl::new(&authority, options);
        let url = format!("https://127.0.0.1:{}/", server.port);
        let result = probe(profile(&url)).await;
        assert_found(&result, Cause::TlsHandshake, Phase::Tls);
        assert!(result.detail().contains(words), "{id}: {result:?}");
        record(id, "old TLS", &result);
    }
}

/// The beginning of what a TLS server answers to a ClientHello.
fn beginning(config: ServerConfig, hello: &[u8], bytes: usize) -> Vec<u8> {
    let mut server = ServerConnection::new(Arc::new(config)).unwrap();
    server.read_tls(&mut &hello[..]).unwrap();
    server.process_new_packets().unwrap();
    let mut answer = vec![];
    while server.wants_write() {
        server.write_tls(&mut answer).unwrap();
    }
    assert!(answer.len() > bytes, "{}", answer.len());
    answer.truncate(bytes);
    answer
}

#[tokio::test]
async fn t08_a_handshake_that_stalls_is_named_in_time() {
    let authority = Arc::new(Authority::new());
    for (id, bytes) in [
        ("T8-client-hello", 0),
        ("T8-server-hello", 60),
        ("T8-certificate", 300),
    ] {
        let identity = Arc::new(authority.certify(LOCAL, |_| ()));
        let server = listen(loopback().await, move |mut stream, _| {
            let identity = Arc::clone(&identity);
            async move {
                let mut hello = vec![0; 8192];
                let length = stream.read(&mut hello).await.unwrap();
                let answer = beginning(config(&identity, BOTH), &hello[..length], bytes);
                stream.write_all(&answer).await.unwrap();
                let _ = stream.read_to_end(&mut hello).await;
            }
        })
        .await;
        let mut stalled = https(&server);
        stalled.timeout = SHORT;
        let result = probe(stalled).await;
        assert_found(&result, Cause::TlsTimeout, Phase::Tls);
        record(id, "stalls", &result);
    }
}

#[tokio::test]
async fn t09_who_answers_in_place_of_tls() {
    let bad = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
    for (id, script, words) in [
        (
            "T9-http",
            vec![send(bad), Act::Silence],
            "plain HTTP answers on this port",
        ),
        (
            "T9-ssh",
            vec![send("SSH-2.0-OpenSSH_9.2p1\r\n"), Act::Silence],
            "an SSH server answers on this port",
        ),
        (
            "T9-mail",
            vec![send("220 mail.example ESMTP\r\n"), Act::Silence],
            "a mail or FTP server",
        ),
        (
            "T9-garbage",
            vec![send("\x01\x02garbage garbage"), Act::Silence],
            "something else answers",
        ),
    ] {
        let server = serve_blind(script).await;
        let result = probe(https(&server)).await;
        assert_found(&result, Cause::NotTls, Phase::Tls);
        assert!(result.detail().contains(words), "{id}: {result:?}");
        record(id, "not TLS", &result);
    }
}

#[tokio::test]
async fn t09_a_web_server_that_waits_to_be_asked() {
    let server = listen(loopback().await, |mut stream, _| async move {
        let mut asked = vec![0; 4096];
        let _ = stream.read(&mut asked).await;
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        let _ = stream.read(&mut asked).await;
    })
    .await;
    let result = probe(https(&server)).await;
    assert_found(&result, Cause::NotTls, Phase::Tls);
    assert!(result.detail().contains("plain HTTP"), "{result:?}");
}

#[tokio::test]
async fn t10_alerts_by_name() {
    for (id, number, words) in [
        (
            "T10-handshake-failure",
            40,
            "no cipher or signature that it has in common",
        ),
        ("T10-internal-error", 80, "InternalError"),
        ("T10-unrecognized-name", 112, "no site of this name"),
        ("T10-protocol-version", 70, "older than 1.2"),
        ("T10-access-denied", 49, "AccessDenied"),
    ] {
        let alert = vec![0x15, 3, 3, 0, 2, 2, number];
        let server = serve_blind(vec![Act::Send(alert), Act::Silence]).await;
        let result = probe(https(&server)).await;
        assert_found(&result, Cause::TlsHandshake, Phase::Tls);
        assert!(result.detail().contains(words), "{id}: {result:?}");
        record(id, "alert", &result);
    }
}

/// rustls takes it for the end of the connection and tells nobody of the alert.
#[tokio::test]
async fn t10_close_notify_at_once() {
    let closes = || Act::Send(vec![0x15, 3, 3, 0, 2, 1, 0]);
    for (id, script, cause, words) in [
        (
            "T10-close-notify",
            vec![closes(), Act::Wait(SHORT / 8)],
            Cause::Closed,
            "the connection was closed during the TLS handshake",
        ),
        (
            "T10-close-notify-and-silence",
            vec![closes(), Act::Silence],
            Cause::TlsTimeout,
            "the TLS handshake did not end within 0.8 s",
        ),
    ] {
        let server = listen(loopback().await, move |mut stream, _| {
            let script = script.clone();
            async move {
                // What is unread would make the close a reset.
                let _ = stream.read(&mut vec![0; 8192]).await;
                let _ = super::server::play(&mut stream, script).await;
            }
        })
        .await;
        let mut closed = https(&server);
        closed.timeout = SHORT;
        let result = probe(closed).await;
        assert_found(&result, cause, Phase::Tls);
        assert!(result.detail().contains(words), "{id}: {result:?}");
        record(id, "close_notify", &result);
    }
}

#[tokio::test]
async fn t11_without_a_common_protocol_it_is_http_1() {
    let authority = Authority::new();
    for (id, protocols, remarks) in [
        ("T11-none", vec![], 0),
        ("T11-unknown", vec![b"foo".to_vec()], 1),
    ] {
        let mut config = config(&authority.certify(LOCAL, |_| ()), BOTH);
        config.alpn_protocols = protocols;
        let server = serve_tls(config, NOW, fine()).await;
        let result = probe(authority.profile(&server)).await;
        assert_ok(&result);
        assert_eq!(result.http_version, Some(probe::model::HttpVersion::Http11));
        assert_eq!(result.remarks.len(), remarks, "{result:?}");
        record(id, "ALPN", &result);
    }
}

#[tokio::test]
async fn t12_a_client_certificate_that_openssl_demands() {
    let authority = Authority::new();
    let ca = authority.file("ca.pem");
    for (id, version) in [("T12-tls1.2", "-tls1_2"), ("T12-tls1.3", "-tls1_3")] {
        let options = [version, "-Verify", "2", "-CAfile", ca.to_str().unwrap()];
        let server = OpenSsl::new(&authority, &options);
        let mut profile = profile(&format!("https://127.0.0.1:{}/", server.port));
        profile.tls.ca_file = Some(ca.clone());
        let result = probe(profile).await;
        assert_eq!(
            result.cause(),
            Some(Cause::TlsHandshake),
            "{id}: {result:?}"
        );
        assert!(
            result.detail().contains("asks for a client certificate"),
            "{id}: {result:?}"
        );
        record(id, "client certificate", &result);
    }
}

#[tokio::test]
async fn t14_no_close_notify() {
    let authority = Authority::new();
    for (id, response, cause) in [
        (
            "T14-framed",
            "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine",
            None,
        ),
        (
            "T14-unframed",
            "HTTP/1.1 200 OK\r\n\r\nfine",
            Some(Cause::Truncated),
        ),
    ] {
        let identity = authority.certify(LOCAL, |_| ());
        let acceptor = TlsAcceptor::from(Arc::new(config(&identity, BOTH)));
        let server = listen(loopback().await, move |stream, _| {
            let acceptor = acceptor.clone();
            async move {
                let mut stream = acceptor.accept(stream).await.unwrap();
                head(&mut stream).await.unwrap();
                stream.write_all(response.as_bytes()).await.unwrap();
                stream.flush().await.unwrap();
                stream.get_mut().0.shutdown().await.unwrap();
            }
        })
        .await;
        let result = probe(authority.profile(&server)).await;
        assert_eq!(result.cause(), cause, "{id}: {result:?}");
        record(id, "no close_notify", &result);
    }
}

/// A middlebox that drops a ClientHello of more than one segment lets ours through.
#[tokio::test]
async fn t16_the_client_hello_fits_into_one_segment() {
    let authority = Authority::new();
    let identity = authority.certify(LOCAL, |_| ());
    let acceptor = TlsAcceptor::from(Arc::new(config(&identity, BOTH)));
    let server = listen(loopback().await, move |stream, heads| {
        let acceptor = acceptor.clone();
        async move {
            let mut header = [0; 5];
            while stream.peek(&mut header).await.unwrap() < 5 {}
            let length = 5 + usize::from(u16::from_be_bytes([header[3], header[4]]));
            // What IPv6 carries everywhere: 1280 bytes less the headers of IP and TCP with options.
            if length > 1280 - 40 - 32 {
                return std::future::pending().await;
            }
            let mut stream = acceptor.accept(stream).await.unwrap();
            let asked = head(&mut stream).await.unwrap();
            heads.lock().unwrap().push(asked);
            let _ = super::server::play(&mut stream, fine()).await;
        }
    })
    .await;
    let result = probe(authority.profile(&server)).await;
    assert_ok(&result);
    record("T16", "one segment", &result);
}
