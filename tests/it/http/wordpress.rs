//! WordPress behind KUSANAGI's two caches: what answers is told, and a cached page hides no dead PHP or database.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use probe::model::{CacheBypass, Cause, CheckResult, Layer, Phase};

use super::server::{Act, Server, loopback, response, serve, serve_heads};
use super::{assert_ok, probe, profile, table};

/// As `_default_wp_die_handler()` writes it; its style sheet is longer than an excerpt.
fn wp_die(title: &str, message: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"ja\">\n<head>\n\t<meta http-equiv=\"Content-Type\" content=\"text/html; charset=UTF-8\" \
         />\n\t<meta name=\"viewport\" content=\"width=device-width\">\n\t<meta name='robots' content='max-image-preview:large, \
         noindex, follow' />\n\t<title>{title}</title>\n\t<style type=\"text/css\">\n\t\thtml {{\n\t\t\tbackground: #f1f1f1;\n\t\t}}\n{}\
         \t</style>\n</head>\n<body id=\"error-page\">\n\t<div class=\"wp-die-message\">{message}</div></body>\n</html>\n",
        "\t\t.button:hover {\n\t\t\tcolor: #135e96;\n\t\t}\n".repeat(50)
    )
}

const BAD_GATEWAY: &str = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1>\
                           </center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n";

/// What is dead, what is cached, which caches there are.
#[derive(Debug, Default)]
struct Site {
    php_is_dead: bool,
    database_is_dead: bool,
    fcache: Option<BTreeSet<String>>,
    bcache: Option<BTreeSet<String>>,
}

impl Site {
    /// nginx: `fastcgi_cache`, passed by with any query and by some cookies; 200 is kept, and kept when PHP is dead.
    fn answer(&mut self, head: &str) -> Vec<Act> {
        let mut words = head.split(' ');
        let (method, uri) = (words.next().unwrap(), words.next().unwrap());
        let cookie = header(head, "cookie").unwrap_or_default();
        let pattern =
            "comment_author|wordpress_[a-f0-9]+|wp-postpass|wordpress_no_cache|wordpress_logged_in";
        let passed = uri.contains('?') || regex::Regex::new(pattern).unwrap().is_match(&cookie);
        let key = format!("{method}:{uri}");
        let kept = self.fcache.as_ref().is_some_and(|kept| kept.contains(&key));
        let state = match (&self.fcache, passed, kept) {
            (None, _, _) => None,
            (_, true, _) => Some("BYPASS"),
            (_, _, true) => Some("HIT"),
            _ => Some("MISS"),
        };
        if state == Some("HIT") {
            return page(&["X-Signature: KUSANAGI", "X-F-Cache: HIT"]);
        }
        if self.php_is_dead {
            return response(
                "502 Bad Gateway",
                &["Server: nginx", "Content-Type: text/html"],
                BAD_GATEWAY,
            );
        }
        let state = state.map(|state| format!("X-F-Cache: {state}"));
        let mut headers = vec!["X-Signature: KUSANAGI"];
        headers.extend(state.as_deref());
        let made = self.php(method, uri, &cookie, head, &headers);
        if let (Some(kept), false, Ok(_)) = (&mut self.fcache, passed, &made) {
            kept.insert(key);
        }
        made.unwrap_or_else(|error| error)
    }

    /// PHP: `advanced-cache.php` with its table in the database, unknown queries dropped; then WordPress.
    fn php(
        &mut self,
        method: &str,
        uri: &str,
        cookie: &str,
        head: &str,
        headers: &[&str],
    ) -> Result<Vec<Act>, Vec<Act>> {
        if self.database_is_dead {
            // nginx adds its headers to good answers only.
            let body = wp_die("データベースエラー", "<h1>データベース接続確立エラー</h1>");
            return Err(response(
                "500 Internal Server Error",
                &["Content-Type: text/html; charset=UTF-8"],
                &body,
            ));
        }
        let path = uri.split('?').next().unwrap().to_owned();
        let known = ["wordpress_logged_in_", "comment_author_"];
        let visitor = cookie
            .split("; ")
            .any(|c| known.iter().any(|k| c.starts_with(k)));
        let skipped = method != "GET" || header(head, "user-agent").is_none() || visitor;
        let state = match &mut self.bcache {
            None => "BYPASS",
            Some(_) if skipped => "none",
            Some(kept) if kept.contains(&path) => "cache",
            Some(kept) => {
                kept.insert(path);
                "create"
            }
        };
        let state = format!("X-B-Cache: {state}");
        let api = "Link: <https://shop.example/wp-json/>; rel=\"https://api.w.org/\"";
        Ok(page(&[headers, &[&state, api]].concat()))
    }
}

fn page(headers: &[&str]) -> Vec<Act> {
    let body = "<!DOCTYPE html><html><head><title>Shop</title></head><body>Welcome to our shop</body></html>";
    response("200 OK", headers, body)
}

fn header(head: &str, name: &str) -> Option<String> {
    head.lines()
        .filter_map(|line| line.split_once(": "))
        .find_map(|(key, value)| key.eq_ignore_ascii_case(name).then(|| value.to_owned()))
}

async fn stand_in(site: &Arc<Mutex<Site>>) -> Server {
    let site = Arc::clone(site);
    serve_heads(loopback().await, move |head| {
        site.lock().unwrap().answer(head)
    })
    .await
}

async fn look(server: &Server, bypass: CacheBypass) -> CheckResult {
    let mut looking = profile(&server.url("/"));
    looking.cache_bypass = bypass;
    probe(looking).await
}

fn with_both_caches() -> Arc<Mutex<Site>> {
    Arc::new(Mutex::new(Site {
        fcache: Some(BTreeSet::new()),
        bcache: Some(BTreeSet::new()),
        ..Site::default()
    }))
}

#[tokio::test]
async fn w40b_a_cached_page_over_a_dead_php() {
    let site = with_both_caches();
    let server = stand_in(&site).await;
    let first = look(&server, CacheBypass::Off).await;
    assert_ok(&first);
    assert_eq!(first.layer, Some(Layer::Database));
    site.lock().unwrap().php_is_dead = true;

    let hidden = look(&server, CacheBypass::Off).await;
    table::up("w40b_without_bypass_the_cache_answers", &hidden, "");
    assert_eq!(hidden.layer, Some(Layer::Cache));
    let seen = look(&server, CacheBypass::WordPress).await;
    let words = "HTTP status 502, expected 200-399: the web server runs, but what stands behind it (PHP) does not answer";
    let name = "w40b_a_cached_page_over_a_dead_php";
    table::case(name, &seen, Cause::ServerError, Phase::FirstByte, words);
    assert_eq!(seen.layer, Some(Layer::WebServer));
}

#[tokio::test]
async fn w40c_a_cached_page_over_a_dead_database() {
    let site = with_both_caches();
    let server = stand_in(&site).await;
    assert_ok(&look(&server, CacheBypass::Off).await);
    site.lock().unwrap().database_is_dead = true;

    let hidden = look(&server, CacheBypass::Off).await;
    assert_ok(&hidden);
    assert_eq!(hidden.layer, Some(Layer::Cache));
    let seen = look(&server, CacheBypass::WordPress).await;
    let words = "HTTP status 500, expected 200-399: WordPress cannot reach its database; the body begins: データベースエラー \
                 データベース接続確立エラー";
    let name = "w40c_a_cached_page_over_a_dead_database";
    table::case(name, &seen, Cause::ServerError, Phase::FirstByte, words);
    assert_eq!(seen.layer, Some(Layer::Php));
}

#[tokio::test]
async fn the_page_cache_in_the_database_is_passed_too() {
    let site = Arc::new(Mutex::new(Site {
        bcache: Some(BTreeSet::new()),
        ..Site::default()
    }));
    let server = stand_in(&site).await;
    for (bypass, layer) in [
        (CacheBypass::Off, Layer::Database),
        (CacheBypass::Off, Layer::Cache),
        (CacheBypass::WordPress, Layer::Database),
        (CacheBypass::WordPress, Layer::Database),
    ] {
        let result = look(&server, bypass).await;
        assert_ok(&result);
        assert_eq!(result.layer, Some(layer), "{bypass:?}");
    }
}

#[tokio::test]
async fn w40d_a_cache_that_is_not_passed() {
    for sign in [
        "X-F-Cache: HIT",
        "X-B-Cache: cache",
        "Age: 120",
        "X-Cache: HIT",
    ] {
        let server = serve(move |_| page(&[sign])).await;
        let result = look(&server, CacheBypass::WordPress).await;
        let words = format!(
            "the page came from a cache ({sign}) although cache_bypass asks past it: whether PHP and the database live is not shown"
        );
        let name = "w40d_a_cache_that_is_not_passed";
        table::case(name, &result, Cause::Content, Phase::Transfer, &words);
        assert_ok(&look(&server, CacheBypass::Off).await);
    }
}

#[tokio::test]
async fn w40e_error_pages_whatever_their_status() {
    let database = "WordPress cannot reach its database";
    let fatal = "WordPress has broken off with a fatal error (theme, plugin or PHP)";
    for (title, message, words) in [
        (
            "Database Error",
            "<h1>Error establishing a database connection</h1>",
            database,
        ),
        (
            "データベースエラー",
            "<h1>データベース接続確立エラー</h1>",
            database,
        ),
        (
            "WordPress &rsaquo; Error",
            "<p>There has been a critical error on this website.</p>",
            fatal,
        ),
        (
            "WordPress &rsaquo; エラー",
            "<p>このサイトで重大なエラーが発生しました。</p>",
            fatal,
        ),
    ] {
        let framed = wp_die(title, message);
        let bare =
            format!("<html><head><title>{title}</title></head><body>{message}</body></html>");
        for body in [framed, bare] {
            for (status, cause, phase, begin) in [
                ("200 OK", Cause::Content, Phase::Transfer, "HTTP status 200"),
                (
                    "404 Not Found",
                    Cause::Status,
                    Phase::FirstByte,
                    "HTTP status 404, expected 200-399",
                ),
                (
                    "500 Internal Server Error",
                    Cause::ServerError,
                    Phase::FirstByte,
                    "HTTP status 500, expected 200-399",
                ),
            ] {
                let body = body.clone();
                let kind = "Content-Type: text/html; charset=UTF-8";
                let server = serve(move |_| response(status, &[kind], &body)).await;
                let result = probe(profile(&server.url("/"))).await;
                let words = format!("{begin}: {words}; the body begins: ");
                let name = "w40e_error_pages_whatever_their_status";
                table::case(name, &result, cause, phase, &words);
                assert_eq!(result.layer, Some(Layer::Php));
            }
        }
    }
}

#[tokio::test]
async fn w40f_an_error_page_in_an_old_charset() {
    for (label, encoding) in [
        ("Shift_JIS", encoding_rs::SHIFT_JIS),
        ("EUC-JP", encoding_rs::EUC_JP),
    ] {
        let page = format!(
            "<meta charset={label}><title>データベースエラー</title><h1>データベース接続確立エラー</h1>"
        );
        let (bytes, ..) = encoding.encode(&page);
        let bytes = bytes.into_owned();
        let server = serve(move |_| {
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", bytes.len());
            vec![super::server::send(&head), Act::Send(bytes.clone())]
        })
        .await;
        let result = probe(profile(&server.url("/"))).await;
        let words = "HTTP status 200: WordPress cannot reach its database";
        let name = "w40f_an_error_page_in_an_old_charset";
        table::case(name, &result, Cause::Content, Phase::Transfer, words);
    }
}

#[tokio::test]
async fn an_article_about_an_error_is_up() {
    let article = format!(
        "<!DOCTYPE html><html><head><title>「データベース接続確立エラー」の直し方</title><style>{}</style></head><body><h1>「データベース接続\
         確立エラー」の直し方</h1><p>{}</p></body></html>",
        "p { color: #333 }\n".repeat(900),
        "Error establishing a database connection と表示されたときは、設定を確かめます。"
            .repeat(20)
    );
    for bypass in [CacheBypass::Off, CacheBypass::WordPress] {
        let body = article.clone();
        let server =
            serve(move |_| response("200 OK", &["Content-Type: text/html; charset=UTF-8"], &body))
                .await;
        assert_ok(&look(&server, bypass).await);
    }
}

#[tokio::test]
async fn w37c_wordpress_in_maintenance_mode() {
    for (title, message) in [
        (
            "Maintenance",
            "Briefly unavailable for scheduled maintenance. Check back in a minute.",
        ),
        (
            "メンテナンス",
            "現在メンテナンス中のため、しばらくの間ご利用いただけません。",
        ),
    ] {
        for (status, wait, cause, phase, words) in [
            (
                "503 Service Unavailable",
                "Retry-After: 600",
                Cause::Maintenance,
                Phase::FirstByte,
                "HTTP status 503: WordPress is in maintenance mode (an update is under way); Retry-After 600 s",
            ),
            (
                "200 OK",
                "Retry-After: 600",
                Cause::Maintenance,
                Phase::FirstByte,
                "HTTP status 200: WordPress is in maintenance mode (an update is under way); Retry-After 600 s",
            ),
            (
                "200 OK",
                "X-None: 1",
                Cause::Content,
                Phase::Transfer,
                "HTTP status 200: WordPress is in maintenance mode (an update is under way)",
            ),
            (
                "503 Service Unavailable",
                "X-None: 1",
                Cause::ServerError,
                Phase::FirstByte,
                "HTTP status 503, expected 200-399: WordPress is in maintenance mode (an update is under way)",
            ),
        ] {
            let body = wp_die(title, message);
            let server = serve(move |_| response(status, &[wait], &body)).await;
            let result = probe(profile(&server.url("/"))).await;
            table::case(
                "w37c_wordpress_in_maintenance_mode",
                &result,
                cause,
                phase,
                words,
            );
            let held = cause == Cause::Maintenance;
            assert_eq!(result.retry_after.is_some(), held, "{result:?}");
        }
    }
}
