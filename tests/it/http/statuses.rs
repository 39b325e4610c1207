//! Answers that are HTTP and not what was hoped for: W20 to W22, W36 to W41, W44.

use std::time::Duration;

use probe::model::{Cause, Layer, Phase, StatusRange};

use super::server::{Act, fine, response, send, serve};
use super::{LONG, SHORT, assert_ok, probe, profile, table};

/// As nginx writes it when what stands behind it does not answer.
fn nginx(title: &str) -> String {
    format!(
        "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n\
         <hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    )
}

/// A whole response, judged: cause, who made it, words that the detail begins with, and words it holds.
macro_rules! statuses {
    ($($name:ident: $status:literal, $headers:expr, $body:expr => $cause:ident, $layer:expr, $begin:literal, $words:literal;)*) => {
        $(#[tokio::test]
        async fn $name() {
            let server = serve(|_| response($status, $headers, &$body)).await;
            let result = probe(profile(&server.url("/"))).await;
            table::case(stringify!($name), &result, Cause::$cause, Phase::FirstByte, $words);
            assert!(result.detail().starts_with($begin), "{result:?}");
            assert_eq!(result.layer, $layer, "{result:?}");
            assert_eq!(server.accepted(), 1, "one connection, no retry");
        })*
    };
}

statuses! {
    w20_switching_protocols: "101 Switching Protocols", &["Upgrade: x", "Connection: upgrade"], ""
        => Status, None, "HTTP status 101 is not an answer", "";
    w21b_not_modified_unasked: "304 Not Modified", &[], ""
        => Status, None, "HTTP status 304", "nothing was asked that could be unmodified";
    w22_status_600: "600 Odd", &[], "" => Status, None, "HTTP status 600, expected 200-399", "";
    w22b_status_999: "999 What", &[], "" => Status, None, "HTTP status 999, expected 200-399", "";
    w36_status_500: "500 Internal Server Error", &["X-Powered-By: PHP/8.3.1"], "oops"
        => ServerError, Some(Layer::Php), "HTTP status 500, expected 200-399", "the body begins: oops";
    w36b_php_behind_nginx_is_dead: "502 Bad Gateway", &["Server: nginx"], nginx("502 Bad Gateway")
        => ServerError, Some(Layer::WebServer), "HTTP status 502, expected 200-399: the web server runs, but what stands behind it (PHP) does not answer",
        "the body begins: 502 Bad Gateway 502 Bad Gateway nginx";
    w36c_php_hangs: "504 Gateway Time-out", &["Server: nginx"], nginx("504 Gateway Time-out")
        => ServerError, Some(Layer::WebServer), "HTTP status 504, expected 200-399: the web server runs, but", "nginx";
    w36d_503_without_a_term: "503 Service Unavailable", &[], nginx("503 Service Temporarily Unavailable")
        => ServerError, Some(Layer::WebServer), "HTTP status 503, expected 200-399", "503 Service Temporarily Unavailable";
    w37_maintenance: "503 Service Unavailable", &["Retry-After: 600"], "Back soon"
        => Maintenance, None, "HTTP status 503, expected 200-399; Retry-After 600 s", "the body begins: Back soon";
    w38_too_many_requests: "429 Too Many Requests", &["Retry-After: 30"], ""
        => Status, None, "HTTP status 429, expected 200-399: the site asks to be probed less often; Retry-After 30 s", "";
    w39_unauthorized: "401 Unauthorized", &["WWW-Authenticate: Basic"], ""
        => Status, None, "HTTP status 401, expected 200-399: the page asks for a login", "";
    w39b_forbidden: "403 Forbidden", &["Server: nginx"], nginx("403 Forbidden")
        => Status, Some(Layer::WebServer), "HTTP status 403, expected 200-399: a firewall (WAF) may be blocking this machine alone; look from another network", "";
    w39c_not_found: "404 Not Found", &[], "gone"
        => Status, None, "HTTP status 404, expected 200-399: there is no such page; is the URL right?", "the body begins: gone";
    w39d_gone: "410 Gone", &[], ""
        => Status, None, "HTTP status 410, expected 200-399: there is no such page; is the URL right?", "";
    w39e_legal_reasons: "451 Unavailable For Legal Reasons", &[], ""
        => Status, None, "HTTP status 451, expected 200-399: refused for legal reasons, maybe only where this machine stands", "";
}

/// The status has decided; what comes after it only adds words.
#[tokio::test]
async fn w36e_a_status_over_its_broken_body() {
    for (rest, words) in [
        (
            vec![send("Fatal error")],
            "HTTP status 500, expected 200-399; the body begins: Fatal error",
        ),
        (vec![Act::Silence], "HTTP status 500, expected 200-399"),
    ] {
        let head = send("HTTP/1.1 500 No\r\nContent-Length: 100\r\n\r\n");
        let script = [vec![head], rest].concat();
        let server = serve(move |_| script.clone()).await;
        let mut limited = profile(&server.url("/"));
        limited.timeout = LONG / 4;
        let result = probe(limited).await;
        let name = "w36e_a_status_over_its_broken_body";
        table::case(name, &result, Cause::ServerError, Phase::FirstByte, words);
    }
}

/// A 5xx for a share of the probes: each probe says what it saw.
#[tokio::test]
async fn w36f_every_other_probe_fails() {
    let count = std::sync::atomic::AtomicUsize::new(0);
    let server =
        serve(
            move |_| match count.fetch_add(1, std::sync::atomic::Ordering::SeqCst) % 2 {
                0 => response("502 Bad Gateway", &[], ""),
                _ => fine(),
            },
        )
        .await;
    for n in 0..4 {
        let result = probe(profile(&server.url("/"))).await;
        let expected = (n % 2 == 0).then_some(Cause::ServerError);
        assert_eq!(result.cause(), expected, "{result:?}");
        table::record("w36f", "every other probe fails", &result);
    }
}

#[tokio::test]
async fn w37b_retry_after_is_kept_and_capped() {
    let server = serve(|path| {
        let wait = format!("Retry-After: {}", path[1..].replace('_', " "));
        let date = "Date: Sun, 22 Nov 2026 06:00:00 GMT";
        response("503 No", &[date, &wait], "")
    })
    .await;
    for (path, wait) in [
        ("/600", Some(600)),
        ("/86400", Some(900)),
        ("/99999999999999999999", Some(900)),
        ("/Sun,_22_Nov_2026_06:02:00_GMT", Some(120)),
        ("/Sun,_22_Nov_2026_05:00:00_GMT", None),
        ("/0", None),
        ("/-5", None),
        ("/soon", None),
    ] {
        let result = probe(profile(&server.url(path))).await;
        let cause = match wait {
            Some(_) => Cause::Maintenance,
            None => Cause::ServerError,
        };
        let name = "w37b_retry_after_is_kept_and_capped";
        table::case(name, &result, cause, Phase::FirstByte, "HTTP status 503");
        assert_eq!(result.retry_after, wait.map(Duration::from_secs), "{path}");
    }
}

#[tokio::test]
async fn w38b_the_wait_of_a_429_is_kept() {
    for (line, wait) in [
        ("Retry-After: 30", Some(Duration::from_secs(30))),
        ("X-None: 1", None),
    ] {
        let server = serve(move |_| response("429 Too Many Requests", &[line], "")).await;
        let result = probe(profile(&server.url("/"))).await;
        let words = "the site asks to be probed less often";
        let name = "w38b_the_wait_of_a_429_is_kept";
        table::case(name, &result, Cause::Status, Phase::FirstByte, words);
        assert_eq!(result.retry_after, wait);
    }
    let server = serve(|_| response("200 OK", &["Retry-After: 30"], "fine")).await;
    let result = probe(profile(&server.url("/"))).await;
    assert_ok(&result);
    assert_eq!(result.retry_after, None);
}

#[tokio::test]
async fn w21_a_body_where_none_may_be() {
    let server = serve(|_| vec![send("HTTP/1.1 204 No Content\r\n\r\nbody all the same")]).await;
    let result = probe(profile(&server.url("/"))).await;
    table::up("w21_a_body_where_none_may_be", &result, "");
    assert_eq!(result.body_bytes, 0);
}

#[tokio::test]
async fn w21c_not_modified_where_it_was_asked_for() {
    let server = serve(|_| response("304 Not Modified", &[], "")).await;
    let mut asking = profile(&server.url("/"));
    asking.headers = vec![("If-None-Match".to_owned(), "\"a\"".to_owned())];
    let result = probe(asking).await;
    table::up("w21c_not_modified_where_it_was_asked_for", &result, "");
    let mut named = profile(&server.url("/"));
    named.expect.status = vec![StatusRange {
        low: 304,
        high: 304,
    }];
    assert_ok(&probe(named).await);
}

/// Good statuses with bad pages, as the expectations of a profile find them.
#[tokio::test]
async fn w40_an_error_with_status_200() {
    let fatal = "<br />\n<b>Fatal error</b>:  Uncaught Error: Call to undefined function shop() in \
                 /home/kusanagi/shop/DocumentRoot/wp-content/themes/shop/functions.php:12\n";
    let installer = "<!DOCTYPE html><html><head><title>WordPress &rsaquo; Installation</title></head>\
                     <body class=\"wp-core-ui\"><h1>Welcome</h1></body></html>";
    for (body, words) in [
        (
            fatal,
            "`Fatal error` stands in the body and must not; the place: Fatal error : Uncaught Error: Call to undefined",
        ),
        ("", "the body has 0 bytes, expected at least 10 (min_size)"),
        (
            installer,
            "`shop-footer` not found in the body; the body begins: WordPress &rsaquo; Installation Welcome",
        ),
        (
            "<html><body><h1>Shop</h1><p>broken off",
            "`shop-footer` not found in the body; the body begins: Shop broken off",
        ),
    ] {
        let server = serve(move |_| response("200 OK", &["Content-Type: text/html"], body)).await;
        let mut wanting = profile(&server.url("/"));
        wanting.expect.not_contains = vec!["Fatal error".to_owned()];
        wanting.expect.contains = vec!["shop-footer".to_owned()];
        wanting.expect.min_size = 10;
        let result = probe(wanting).await;
        let name = "w40_an_error_with_status_200";
        table::case(name, &result, Cause::Content, Phase::Transfer, words);
    }
}

#[tokio::test]
async fn w41_slow_is_a_remark() {
    let wait = Duration::from_millis(60);
    let server = serve(move |_| [vec![Act::Wait(wait)], fine()].concat()).await;
    let mut slow = profile(&server.url("/"));
    slow.slow = Some(Duration::from_millis(50));
    let result = probe(slow).await;
    assert_eq!(result.cause(), Some(Cause::Slow), "{result:?}");
    assert!(result.detail().contains("slower than 0.1 s"), "{result:?}");
    assert!(result.is_ok());
    table::record("w41", "slow is a remark", &result);
    let mut patient = profile(&server.url("/"));
    patient.slow = Some(SHORT * 10);
    assert_ok(&probe(patient).await);
}

#[tokio::test]
async fn w44_wrong_vhost() {
    let welcome = "<!DOCTYPE html>\n<html>\n<head>\n<title>Welcome to nginx!</title>\n</head>\n<body>\n\
                   <h1>Welcome to nginx!</h1>\n<p>If you see this page, the nginx web server is successfully \
                   installed and\nworking. Further configuration is required.</p>\n</body>\n</html>\n";
    let server = serve(|_| response("200 OK", &["Server: nginx"], welcome)).await;
    let result = probe(profile(&server.url("/"))).await;
    let words =
        "this looks like the default page of nginx; the name may have no site of its own there";
    table::up("w44_wrong_vhost", &result, words);
    assert_eq!(result.layer, Some(Layer::WebServer));
    let mut wanting = profile(&server.url("/"));
    wanting.expect.contains = vec!["Our shop".to_owned()];
    let result = probe(wanting).await;
    let words = "`Our shop` not found in the body: this is the web server's default page, as for a name it knows no site of";
    table::case(
        "w44_wrong_vhost",
        &result,
        Cause::Content,
        Phase::Transfer,
        words,
    );
}
