//! Which redirects are followed, and what goes along.

use probe::model::{CacheBypass, Cause, Phase};

use super::server::{Act, fine, response, serve};
use super::{assert_found, assert_ok, probe, profile};

fn to(location: &str) -> Vec<Act> {
    response("302 Found", &[&format!("Location: {location}")], "")
}

#[tokio::test]
async fn followed_on_fresh_connections() {
    let server = serve(|path| match path {
        "/" => to("/next?token=secret123"),
        _ => fine(),
    })
    .await;
    let result = probe(profile(&server.url("/"))).await;
    assert_ok(&result);
    assert_eq!(result.redirects, 1);
    assert_eq!(server.accepted(), 2);
    assert_eq!(result.url, server.url("/"));
    assert_eq!(result.final_url, Some(server.url("/next?…")));
}

#[tokio::test]
async fn not_followed_with_redirects_0() {
    let server = serve(|_| to("/next")).await;
    let mut still = profile(&server.url("/"));
    still.redirects = 0;
    let result = probe(still).await;
    assert_ok(&result);
    assert_eq!(result.http_status, Some(302));
    assert_eq!(server.accepted(), 1);
}

#[tokio::test]
async fn refused_ones_say_why() {
    let server = serve(|path| match path {
        "/circle" => to("/back"),
        "/back" => to("/circle"),
        "/file" => to("file:///etc/passwd"),
        "/script" => to("javascript:alert(1)"),
        "/bad" => to("http://[nonsense/"),
        "/none" => response("302 Found", &[], ""),
        longer => to(&format!("{longer}x")),
    })
    .await;
    for (path, words) in [
        ("/circle", "in a circle"),
        ("/file", "`file:`"),
        ("/script", "`javascript:`"),
        ("/bad", "no URL"),
        ("/none", "without a Location"),
        ("/chain", "more than 5 redirects"),
    ] {
        let result = probe(profile(&server.url(path))).await;
        assert_found(&result, Cause::Redirect, Phase::FirstByte);
        assert!(result.detail().contains(words), "{result:?}");
        assert_eq!(result.http_status, Some(302));
    }
}

#[tokio::test]
async fn keys_stay_with_their_origin() {
    let other = serve(|_| fine()).await;
    let there = other.url("/there");
    let server = serve(move |path| match path {
        "/" => to("/same"),
        _ => to(&there),
    })
    .await;
    let url = server.url("/").replace("http://", "http://bob:hunter22@");
    let mut keyed = profile(&url);
    keyed.headers = [
        ("Cookie", "session=abc"),
        ("X-Api-Key", "key-of-ours"),
        ("User-Agent", "watcher"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec();
    let result = probe(keyed).await;
    assert_ok(&result);
    assert_eq!(result.redirects, 2);
    for head in server.heads() {
        let head = head.to_ascii_lowercase();
        assert!(
            head.contains("authorization: basic ym9iomh1bnrlcjiy"),
            "{head}"
        );
        assert!(head.contains("cookie: session=abc"), "{head}");
        assert!(head.contains("x-api-key: key-of-ours"), "{head}");
    }
    let head = other.heads()[0].to_ascii_lowercase();
    for key in ["authorization", "cookie", "x-api-key", "referer"] {
        assert!(!head.contains(key), "{head}");
    }
    assert!(head.contains("user-agent: watcher"), "{head}");
}

#[tokio::test]
async fn the_failing_place_is_named() {
    let gone = super::server::closed_port().await;
    let server = serve(move |_| to(&format!("http://{gone}/deep?token=secret123"))).await;
    let result = probe(profile(&server.url("/"))).await;
    assert_found(&result, Cause::Refused, Phase::Connect);
    assert_eq!(result.address, Some(gone));
    assert!(
        result.detail().contains(&format!("http://{gone}/deep?…")),
        "{result:?}"
    );
}

#[tokio::test]
async fn the_cookie_that_keeps_caches_away_stays_on_the_host() {
    let server = serve(|path| match path {
        path if path.starts_with("/?") => to("/page"),
        _ => fine(),
    })
    .await;
    let mut deep = profile(&server.url("/?a=1"));
    deep.cache_bypass = CacheBypass::WordPress;
    assert_ok(&probe(deep).await);
    let heads = server.heads();
    assert!(heads[0].starts_with("GET /?a=1&_probe="), "{}", heads[0]);
    assert!(heads[1].starts_with("GET /page "), "{}", heads[1]);
    for head in heads {
        let head = head.to_ascii_lowercase();
        assert!(
            head.contains("cookie: wordpress_logged_in_probe=1"),
            "{head}"
        );
        assert!(head.contains("user-agent: probe/"), "{head}");
    }
}
