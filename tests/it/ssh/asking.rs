//! Sites asked on the host itself, by every program that may be there: each time with a `PATH` that has no other.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::stage::{SHELLS, Stage};
use crate::ports::closed_port;

const NAME: &str = "shop.example.com";

/// What a look needs beside a program that asks.
const TOOLS: [&str; 14] = [
    "awk", "cat", "cut", "date", "df", "head", "id", "ls", "sh", "sleep", "tail", "timeout", "tr",
    "uname",
];

/// A site that behaves by the path it is asked for; it ends with the test's process.
struct Site {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Site {
    fn start(tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, tls, heard) = (stream.unwrap(), tls.clone(), Arc::clone(&heard));
                std::thread::spawn(move || serve(stream, tls, port, &heard));
            }
        });
        Self { port, asked }
    }

    fn url(&self, scheme: &str, path: &str) -> String {
        format!("{scheme}://{NAME}:{}{path}", self.port)
    }

    /// Who asked for a path, in order: `us`, `browser`.
    fn askers(&self, path: &str) -> Vec<&'static str> {
        let asked = self.asked.lock().unwrap();
        let lines = asked
            .iter()
            .filter(|head| head.starts_with(&format!("GET {path} ")));
        lines.map(|head| who(head)).collect()
    }
}

fn who(head: &str) -> &'static str {
    match head {
        head if head.contains("User-Agent: probe/") => "us",
        head if head.contains("User-Agent: Mozilla/5.0") && head.contains("Accept-Language:") => {
            "browser"
        }
        _ => "somebody",
    }
}

fn serve(stream: TcpStream, tls: Option<Arc<ServerConfig>>, port: u16, heard: &Mutex<Vec<String>>) {
    let Some(tls) = tls else {
        converse(stream, port, heard);
        return;
    };
    let mut connection = ServerConnection::new(tls).unwrap();
    let mut raw = stream;
    while connection.is_handshaking() {
        if connection.complete_io(&mut raw).is_err() {
            return;
        }
    }
    if connection.server_name() == Some(NAME) {
        converse(StreamOwned::new(connection, raw), port, heard);
    }
}

fn converse(mut stream: impl Read + Write, port: u16, heard: &Mutex<Vec<String>>) {
    let mut head = Vec::new();
    let mut more = [0; 4096];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut more) {
            Ok(n) if n > 0 && more.is_ascii() => head.extend_from_slice(&more[..n]),
            _ => return,
        }
    }
    let head = String::from_utf8(head).unwrap();
    let before = heard
        .lock()
        .unwrap()
        .iter()
        .filter(|known| known.lines().next() == head.lines().next())
        .count();
    heard.lock().unwrap().push(head.clone());
    if !head.contains(&format!("Host: {NAME}:{port}\r\n")) {
        let _ = stream.write_all(b"HTTP/1.1 421 Misdirected\r\nConnection: close\r\n\r\n");
        return;
    }
    let path = head.split(' ').nth(1).unwrap_or_default();
    let status = match path {
        "/rule" if who(&head) == "us" => return,
        "/hesitates" if before == 0 => return,
        "/cut" => return,
        "/silent" => {
            std::thread::sleep(Duration::from_secs(30));
            return;
        }
        "/busy" => "503 Busy",
        "/moved" => "302 Found\r\nLocation: http://nowhere.invalid/",
        _ => "200 OK",
    };
    let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n");
    let _ = stream.write_all(answer.as_bytes());
    let _ = stream.flush();
}

fn tls() -> Arc<ServerConfig> {
    let made = rcgen::generate_simple_self_signed([NAME.to_owned()]).unwrap();
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], PrivateKeyDer::Pkcs8(key))
        .unwrap();
    Arc::new(config)
}

fn program(name: &str) -> PathBuf {
    let places = ["/usr/bin", "/bin", "/usr/sbin", "/sbin"];
    let mut found = places.iter().map(|place| Path::new(place).join(name));
    found
        .find(|path| path.exists())
        .unwrap_or_else(|| panic!("{name} is missing: install the package {name}"))
}

/// A host on which nothing but `asker` can ask.
fn stage(asker: &str, sites: &[String]) -> Stage {
    let stage = Stage::new("kusanagi9");
    let tools = stage.path("tools");
    std::fs::create_dir(&tools).unwrap();
    for tool in TOOLS {
        symlink(program(tool), tools.join(tool)).unwrap();
    }
    match asker {
        "" => {}
        "busybox wget" => {
            let text = format!(
                "#!/bin/sh\nexec {} wget \"$@\"\n",
                program("busybox").display()
            );
            stage.write("tools/wget", &text);
            let mode = PermissionsExt::from_mode(0o755);
            std::fs::set_permissions(tools.join("wget"), mode).unwrap();
        }
        asker => symlink(program(asker), tools.join(asker)).unwrap(),
    }
    stage.settings(&format!(
        "PATH={}\nSITES='{}'\nCONFIG_TEST=off",
        tools.display(),
        sites.join(" ")
    ));
    stage
}

/// What is said of the sites, without their URLs: `site_1=200`, `browser_2=reset`, and who asks.
fn said(stage: &Stage) -> BTreeSet<String> {
    let facts = stage.facts(SHELLS[0]).into_iter();
    let about = facts.filter(|line| {
        ["site", "browser_", "asks_"]
            .iter()
            .any(|key| line.starts_with(key))
    });
    about
        .map(|line| line.split(' ').next().unwrap().to_owned())
        .collect()
}

#[track_caller]
fn expect(stage: &Stage, expected: &[&str]) {
    let expected: BTreeSet<String> = expected.iter().map(|&line| line.to_owned()).collect();
    assert_eq!(said(stage), expected);
}

/// Over plain HTTP every program says the same, and each of them asks as we do and as a browser does.
fn plain(asker: &str, asks_http: &str, asks_https: &str) {
    let site = Site::start(None);
    let paths = [
        "/well",
        "/rule",
        "/busy",
        "/cut",
        "/silent",
        "/moved",
        "/hesitates",
    ];
    let mut urls: Vec<String> = paths.iter().map(|path| site.url("http", path)).collect();
    urls.push(format!("http://{NAME}:{}/", closed_port().port()));
    let stage = stage(asker, &urls);
    expect(
        &stage,
        &[
            "sites=8",
            &format!("asks_http={asks_http}"),
            &format!("asks_https={asks_https}"),
            "site_1=200",
            "site_2=reset",
            "browser_2=200",
            "site_3=503",
            "browser_3=503",
            "site_4=reset",
            "browser_4=reset",
            "site_5=timeout",
            "browser_5=timeout",
            "site_6=302",
            "site_7=200",
            "site_8=refused",
        ],
    );
    assert_eq!(site.askers("/well"), ["us"]);
    assert_eq!(site.askers("/rule"), ["us", "browser", "us"]);
    assert_eq!(site.askers("/hesitates"), ["us", "browser", "us"]);
}

#[test]
fn curl_asks() {
    plain("curl", "curl", "curl");
}

#[test]
fn bash_asks() {
    plain("bash", "bash", "none");
}

#[test]
fn perl_asks() {
    plain("perl", "perl", "none");
}

#[test]
fn python3_asks() {
    plain("python3", "python3", "python3");
}

#[test]
fn wget_asks() {
    plain("wget", "wget", "none");
}

#[test]
fn wget_of_busybox_asks() {
    plain("busybox wget", "wget", "none");
}

/// Over TLS the site's own name is sent along, and its certificate is nobody's business here.
#[test]
fn over_tls() {
    for (asker, asks_http) in [
        ("curl", "curl"),
        ("python3", "python3"),
        ("openssl", "none"),
    ] {
        let (site, no_tls) = (Site::start(Some(tls())), Site::start(None));
        let paths = ["/well", "/rule", "/busy", "/cut"];
        let mut urls: Vec<String> = paths.iter().map(|path| site.url("https", path)).collect();
        urls.push(no_tls.url("https", "/"));
        urls.push(format!("https://{NAME}:{}/", closed_port().port()));
        let stage = stage(asker, &urls);
        expect(
            &stage,
            &[
                "sites=6",
                &format!("asks_http={asks_http}"),
                &format!("asks_https={asker}"),
                "site_1=200",
                "site_2=reset",
                "browser_2=200",
                "site_3=503",
                "browser_3=503",
                "site_4=reset",
                "browser_4=reset",
                "site_5=tls",
                "browser_5=tls",
                "site_6=refused",
            ],
        );
        assert_eq!(site.askers("/rule"), ["us", "browser", "us"], "{asker}");
    }
}

/// Where nothing can ask, nothing is claimed of the sites, and that is a fact of its own.
#[test]
fn nothing_that_asks() {
    let site = Site::start(None);
    let (plain, secure) = (site.url("http", "/well"), site.url("https", "/well"));
    expect(
        &stage("", &[plain.clone(), secure.clone()]),
        &["sites=2", "asks_http=none", "asks_https=none"],
    );
    expect(
        &stage("bash", &[plain, secure]),
        &["sites=2", "asks_http=bash", "asks_https=none", "site_1=200"],
    );
    expect(
        &stage("curl", &[]),
        &["sites=0", "asks_http=curl", "asks_https=curl"],
    );
}
