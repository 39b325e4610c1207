//! What holds for every probe: requests, order, deadlines, secrets, no proxy.

use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use probe::adapters::http::HttpProber;
use probe::model::{CacheBypass, Cause};
use probe::ports::Prober;

use super::server::{Act, fine, loopback, response, serve, serve_heads};
use super::{SHORT, assert_ok, probe, probe_with, profile};
use crate::ports::closed_port;

#[tokio::test]
async fn a_nonce_is_never_used_twice() {
    let server = serve(|_| fine()).await;
    let mut deep = profile(&server.url("/"));
    deep.cache_bypass = CacheBypass::WordPress;
    // Two probers, as two runs from cron would have.
    for _ in 0..2 {
        let prober = HttpProber::try_new().unwrap();
        for _ in 0..2 {
            let result = probe_with(&prober, deep.clone()).await;
            assert_ok(&result);
            assert_eq!(result.url, server.url("/"));
        }
    }
    let heads = server.heads();
    let mut lines: Vec<&str> = heads.iter().map(|h| h.lines().next().unwrap()).collect();
    lines.sort_unstable();
    lines.dedup();
    assert_eq!(lines.len(), 4, "{lines:?}");
}

#[tokio::test]
async fn method_and_headers_are_sent() {
    let server = serve(|_| {
        vec![super::server::send(
            "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n",
        )]
    })
    .await;
    let mut head = profile(&server.url("/"));
    head.method = "HEAD".to_owned();
    head.headers = vec![("X-Own".to_owned(), "yes".to_owned())];
    let result = probe(head).await;
    assert_ok(&result);
    assert_eq!(result.body_bytes, 0);
    let head = &server.heads()[0];
    assert!(head.starts_with("HEAD / HTTP/1.1\r\n"), "{head}");
    assert!(head.to_ascii_lowercase().contains("x-own: yes"), "{head}");
}

#[tokio::test]
async fn credentials_appear_nowhere() {
    // A page that shows the whole request, as debugging pages do.
    let page = "<html>Authorization: Basic Ym9iOmh1bnRlcjIy hunter22 token=abcdef123 </html>";
    let server = serve(move |_| response("500 Oops", &[], page)).await;
    let url = server
        .url("/?token=abcdef123")
        .replace("http://", "http://bob:hunter22@");
    let mut keyed = profile(&url);
    keyed.headers = vec![("X-Api-Key".to_owned(), "key-of-ours".to_owned())];
    let result = probe(keyed).await;
    assert_eq!(result.cause(), Some(Cause::ServerError));
    let printed = format!("{result:?}");
    for secret in ["hunter22", "Ym9iOmh1bnRlcjIy", "key-of-ours"] {
        assert!(!printed.contains(secret), "{printed}");
    }
    assert!(!result.detail().contains("abcdef123"), "{printed}");
    let head = &server.heads()[0].to_ascii_lowercase();
    assert!(
        head.contains("authorization: basic ym9iomh1bnrlcjiy"),
        "{head}"
    );
}

#[tokio::test]
async fn one_result_per_url_in_order_and_four_at_once() {
    let server = serve(|path| match path {
        "/bad" => response("500 No", &[], ""),
        _ => [vec![Act::Wait(Duration::from_millis(300))], fine()].concat(),
    })
    .await;
    let mut many = profile(&server.url("/0"));
    many.urls = (0..8)
        .map(|n| {
            if n == 5 {
                "/bad".to_owned()
            } else {
                format!("/{n}")
            }
        })
        .map(|path| server.url(&path).parse().unwrap())
        .collect();
    let prober = HttpProber::try_new().unwrap();
    let begun = Instant::now();
    let results = prober.probe(Arc::new(many), vec![]).await;
    let took = begun.elapsed();
    assert_eq!(results.len(), 8);
    for (n, result) in results.iter().enumerate() {
        let expected = (n == 5).then_some(Cause::ServerError);
        assert_eq!(result.cause(), expected, "{result:?}");
    }
    assert!(
        took >= Duration::from_millis(590),
        "more than four at once: {took:?}"
    );
    assert!(took < Duration::from_millis(1800), "not at once: {took:?}");
}

#[tokio::test]
async fn a_dropped_probe_ends() {
    let server = serve(|_| vec![Act::Silence]).await;
    let prober = HttpProber::try_new().unwrap();
    let probing = prober.probe(Arc::new(profile(&server.url("/"))), vec![]);
    assert!(tokio::time::timeout(SHORT / 4, probing).await.is_err());
    assert_eq!(server.heads().len(), 1);
}

#[tokio::test]
async fn what_cannot_be_sent_is_our_fault() {
    let address = closed_port();
    let mut odd = profile(&format!("http://{address}/"));
    odd.method = "G E T".to_owned();
    let result = probe(odd).await;
    assert_eq!(result.cause(), Some(Cause::Monitor), "{result:?}");
    let mut odd = profile(&format!("http://{address}/"));
    odd.headers = vec![("X-Key".to_owned(), "secret\nvalue".to_owned())];
    let result = probe(odd).await;
    assert_eq!(result.cause(), Some(Cause::Monitor), "{result:?}");
    assert!(!result.detail().contains("secret"), "{result:?}");
}

/// Run by [`proxy_variables_are_ignored`] in a process of its own, where they are set.
#[tokio::test]
async fn straight_to_the_site() {
    let server = serve(|_| fine()).await;
    assert_ok(&probe(profile(&server.url("/"))).await);
    assert_eq!(server.accepted(), 1);
}

#[tokio::test]
async fn proxy_variables_are_ignored() {
    let dead = format!("http://{}", closed_port());
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "http::behaviour::straight_to_the_site"]);
    for name in [
        "http_proxy",
        "HTTP_PROXY",
        "https_proxy",
        "all_proxy",
        "ALL_PROXY",
    ] {
        child.env(name, &dead);
    }
    let output = child
        .env_remove("no_proxy")
        .env_remove("NO_PROXY")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("1 passed"), "{said}");
}

/// A rule against bots as people write it for nginx: `if ($http_user_agent ~ probe) { return 444; }`.
#[tokio::test]
async fn who_keeps_bots_out_answers_a_browser() {
    let agent = |head: &str| {
        let mut lines = head.lines().map(str::to_ascii_lowercase);
        lines.find(|line| line.starts_with("user-agent:"))
    };
    let server = serve_heads(loopback().await, move |head| {
        let browser = agent(head).is_some_and(|line| line.contains("firefox/"));
        if browser { fine() } else { vec![] }
    })
    .await;
    let mut site = profile(&server.url("/"));
    site.headers = vec![
        ("X-Own".to_owned(), "yes".to_owned()),
        ("accept".to_owned(), "text/plain".to_owned()),
    ];
    let result = probe(site.clone()).await;
    assert_eq!(result.cause(), Some(Cause::Closed), "{result:?}");
    assert_ok(&probe(site.as_browser()).await);
    let heads = server.heads();
    assert_eq!(agent(&heads[0]), Some(site.named_by().to_ascii_lowercase()));
    // The profile's own headers go along; what a browser sends itself is sent once, as a browser does.
    let last = heads.last().unwrap().to_ascii_lowercase();
    let count = |name: &str| last.lines().filter(|line| line.starts_with(name)).count();
    for name in [
        "x-own: yes",
        "accept: text/html",
        "accept:",
        "user-agent:",
        "sec-fetch-mode: navigate",
    ] {
        assert_eq!(count(name), 1, "{name}: {last}");
    }
    site.headers = vec![("user-agent".to_owned(), "pass-of-ours".to_owned())];
    assert_eq!(site.named_by(), "User-Agent", "it may be a secret");
    assert_ok(&probe(site.as_browser()).await);
    assert!(!server.heads().concat().contains("pass-of-ours"));
}
