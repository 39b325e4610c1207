//! Which redirects are followed, and what goes along.

use probe::model::{CacheBypass, Cause, Phase};

use super::authority::{Authority, BOTH, LOCAL, NOW, config, serve_tls};
use super::server::{Act, fine, loopback, response, serve, serve_heads};
use super::{assert_found, assert_ok, probe, profile, table};

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
async fn w29_redirect_loop() {
    let server = serve(|path| match path {
        "/circle" => to("/back"),
        "/back" => to("/circle"),
        "/self" => to("/self"),
        longer => to(&format!("{longer}x")),
    })
    .await;
    for (path, connections, words) in [
        ("/circle", 2, "redirects in a circle: "),
        ("/self", 1, "redirects in a circle: "),
        ("/chain", 6, "more than 5 redirects, the next one to "),
    ] {
        let before = server.accepted();
        let result = probe(profile(&server.url(path))).await;
        table::case(
            "w29_redirect_loop",
            &result,
            Cause::Redirect,
            Phase::FirstByte,
            words,
        );
        assert_eq!(server.accepted() - before, connections, "{path}");
    }
}

#[tokio::test]
async fn w32_a_location_that_leads_nowhere() {
    let server = serve(|path| match path {
        "/file" => to("file:///etc/passwd"),
        "/script" => to("javascript:alert(1)"),
        "/bad" => to("http://[nonsense/"),
        "/hostless" => to("http://"),
        "/empty" => to(""),
        "/8bit" => vec![Act::Send(
            b"HTTP/1.1 302 Found\r\nLocation: http://\xff\xfe/\r\nContent-Length: 0\r\n\r\n"
                .to_vec(),
        )],
        "/lines" => to("/next%0d%0aSet-Cookie:%20a=b"),
        "/none" => response("302 Found", &[], ""),
        _ => fine(),
    })
    .await;
    for (path, words) in [
        (
            "/file",
            "redirects to a `file:` address, which is not followed",
        ),
        (
            "/script",
            "redirects to a `javascript:` address, which is not followed",
        ),
        ("/bad", "HTTP status 302 with a Location that is no URL"),
        (
            "/hostless",
            "HTTP status 302 with a Location that is no URL",
        ),
        ("/empty", "redirects in a circle: "),
        ("/8bit", "HTTP status 302 with a Location that is no URL"),
        ("/none", "HTTP status 302 without a Location header"),
    ] {
        let before = server.accepted();
        let result = probe(profile(&server.url(path))).await;
        let name = "w32_a_location_that_leads_nowhere";
        table::case(name, &result, Cause::Redirect, Phase::FirstByte, words);
        assert_eq!(result.http_status, Some(302));
        assert_eq!(server.accepted() - before, 1, "nothing is opened");
    }
    // Encoded line ends stay encoded: they are a path and no header.
    assert_ok(&probe(profile(&server.url("/lines"))).await);
    let heads = server.heads();
    let last = heads.last().unwrap();
    assert!(
        last.starts_with("GET /next%0d%0aSet-Cookie:%20a=b HTTP/1.1\r\n"),
        "{last}"
    );
}

#[tokio::test]
async fn w31_https_to_http() {
    let authority = Authority::new();
    let plain = serve(|_| fine()).await;
    let script = to(&plain.url("/"));
    let server = serve_tls(config(&authority.certify(LOCAL, |_| ()), BOTH), NOW, script).await;
    let result = probe(authority.profile(&server)).await;
    let words = "redirects from https back to http: ";
    table::case(
        "w31_https_to_http",
        &result,
        Cause::Redirect,
        Phase::FirstByte,
        words,
    );
    assert_eq!(plain.accepted(), 0);
}

#[tokio::test]
async fn w30_keys_stay_with_their_origin() {
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
    table::up("w30_keys_stay_with_their_origin", &result, "");
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
async fn w30b_the_failing_place_is_named() {
    let gone = crate::ports::closed_port();
    let server = serve(move |_| to(&format!("http://{gone}/deep?token=secret123"))).await;
    let result = probe(profile(&server.url("/"))).await;
    let words = format!(
        "connection refused: nothing listens there (at http://{gone}/deep?…, after 1 redirect)"
    );
    let name = "w30b_the_failing_place_is_named";
    table::case(name, &result, Cause::Refused, Phase::Connect, &words);
    assert_eq!(result.address, Some(gone));
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

/// A shop that sends every visitor to itself once, with a cookie, and answers whoever brings it back.
fn wants_its_cookie(head: &str) -> Vec<Act> {
    if head.contains("seen=1") {
        return fine();
    }
    let lines = ["Set-Cookie: seen=1; Path=/; HttpOnly", "Location: /"];
    response("302 Found", &lines, "")
}

#[tokio::test]
async fn a_cookie_that_a_redirect_sets_comes_back() {
    let server = serve_heads(loopback().await, wants_its_cookie).await;
    let mut own = profile(&server.url("/"));
    own.headers = vec![("Cookie".to_owned(), "seen=0; login=9".to_owned())];
    for (asked, brought) in [
        (profile(&server.url("/")), "cookie: seen=1\r\n"),
        (own, "cookie: login=9; seen=1\r\n"),
    ] {
        let before = server.accepted();
        let result = probe(asked).await;
        assert_ok(&result);
        assert_eq!(result.redirects, 1);
        // None is left from the check before.
        assert_eq!(server.accepted() - before, 2);
        let last = server.heads().last().unwrap().to_ascii_lowercase();
        assert!(last.contains(brought), "{last}");
    }
}

/// Elsewhere nobody gets it, and a circle is one also with cookies.
#[tokio::test]
async fn a_cookie_stays_with_its_host_and_ends_no_circle() {
    let other = serve(|_| fine()).await;
    let there = format!("http://localhost:{}/", other.address.port());
    let server = serve(move |path| match path {
        "/away" => response(
            "302 Found",
            &[
                "Set-Cookie: key=abcdef; Path=/",
                &format!("Location: {there}"),
            ],
            "",
        ),
        "/again" => response("302 Found", &["Set-Cookie: a=1", "Location: /again"], ""),
        _ => response(
            "302 Found",
            &["Set-Cookie: key=abcdef", "Location: /abcdef"],
            "abcdef",
        ),
    })
    .await;
    assert_ok(&probe(profile(&server.url("/away"))).await);
    let head = other.heads()[0].to_ascii_lowercase();
    assert!(!head.contains("cookie"), "{head}");
    for path in ["/again", "/"] {
        let before = server.accepted();
        let result = probe(profile(&server.url(path))).await;
        assert_found(&result, Cause::Redirect, Phase::FirstByte);
        let words = "redirects in a circle: ";
        assert!(result.detail().contains(words), "{result:?}");
        assert!(server.accepted() - before <= 3, "{path}");
    }
}

/// What a page says of the cookie that it gave is nobody's business.
#[tokio::test]
async fn no_cookie_is_told() {
    let server = serve_heads(loopback().await, |head| {
        if head.contains("session=") {
            return response("404 Not Found", &[], "your session is 0123456789abcdef");
        }
        let lines = ["Set-Cookie: session=0123456789abcdef", "Location: /"];
        response("302 Found", &lines, "")
    })
    .await;
    let result = probe(profile(&server.url("/"))).await;
    assert_found(&result, Cause::Status, Phase::FirstByte);
    assert!(
        result.detail().contains("your session is ***"),
        "{result:?}"
    );
    assert!(!format!("{result:?}").contains("0123456789"), "{result:?}");
}

/// A form that answers a POST with its own address, to be asked for by GET.
#[tokio::test]
async fn see_other_at_the_same_address_is_no_circle() {
    let server = serve_heads(loopback().await, |head| {
        if head.starts_with("POST") {
            response("303 See Other", &["Location: /"], "")
        } else {
            fine()
        }
    })
    .await;
    let mut posting = profile(&server.url("/"));
    posting.method = "POST".to_owned();
    assert_ok(&probe(posting).await);
}

/// Raw bytes in a Location, in whatever character set: each is percent-encoded.
#[tokio::test]
async fn raw_bytes_in_a_location_are_percent_encoded() {
    let to: [(&str, &[u8], &str); 6] = [
        ("/utf8", "/ブ/".as_bytes(), "/%E3%83%96/"),
        ("/latin1", b"/caf\xe9", "/caf%E9"),
        ("/sjis", b"/\x83u\x83\x8d\x83O/", "/%83u%83%8D%83O/"),
        (
            "/query",
            "/q?s=日 本".as_bytes(),
            "/q?s=%E6%97%A5%20%E6%9C%AC",
        ),
        ("/encoded", b"/a%20b%E9", "/a%20b%E9"),
        ("/space", b"/a page", "/a%20page"),
    ];
    let server = serve(move |path| {
        let Some((_, location, _)) = to.iter().find(|(from, ..)| *from == path) else {
            return fine();
        };
        let head: [&[u8]; 3] = [
            b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: ",
            location,
            b"\r\n\r\n",
        ];
        vec![Act::Send(head.concat())]
    })
    .await;
    for (from, _, asked) in to {
        assert_ok(&probe(profile(&server.url(from))).await);
        let head = server.heads().last().unwrap().clone();
        assert!(
            head.starts_with(&format!("GET {asked} HTTP/1.1\r\n")),
            "{from}: {head}"
        );
    }
}
