//! The status page of `probe run`, asked over real sockets.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use super::ground::{Ground, Running, eventually};
use super::metrics::{read, value};

/// What the page answered.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    head: String,
    pub(super) body: String,
}

fn ask(at: SocketAddr, request: &str) -> Reply {
    let mut stream = TcpStream::connect(at).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    Reply {
        status: head
            .split(' ')
            .nth(1)
            .map_or(0, |word| word.parse().unwrap()),
        head: head.to_ascii_lowercase(),
        body: body.to_owned(),
    }
}

pub(super) fn get(at: SocketAddr, path: &str) -> Reply {
    ask(
        at,
        &format!("GET {path} HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\n\r\n"),
    )
}

/// The configuration of the ground, with a page.
pub(super) fn with_page(ground: &Ground, listen: &str) -> String {
    let yaml = ground
        .yaml("", None)
        .replace("interval: 5s", "interval: 1s");
    format!(
        "{}status_page: {{listen: \"{listen}\"}}\n",
        yaml.replace("timeout: 5s", "timeout: 1s")
    )
}

/// Where the page listens, as the log says; the `count`-th time.
pub(super) fn address(daemon: &mut Running, count: usize) -> SocketAddr {
    eventually("the page listens", || {
        let log = daemon.stderr();
        let lines = log.lines().filter(|line| line.contains("status page"));
        let line = lines.filter(|line| line.contains("at=")).nth(count)?;
        let (_, at) = line.split_once("at=")?;
        at.split_whitespace().next()?.parse().ok()
    })
}

#[test]
fn a_daemon_is_scraped() {
    let ground = Ground::start();
    ground.configure(&with_page(&ground, "127.0.0.1:0"));
    let mut daemon = ground.begin(&mut ground.command(&["run"]));
    let at = address(&mut daemon, 0);
    let page = eventually("three probes", || {
        let reply = get(at, "/metrics");
        (reply.status == 200).then_some(())?;
        let series = read(&reply.body);
        (value(&series, "prober_probes_total", None) >= 3.0).then_some(reply)
    });
    assert!(
        page.head
            .contains("content-type: text/plain; version=0.0.4")
    );
    for header in ["cache-control: no-store", "nosniff", "default-src 'none'"] {
        assert!(page.head.contains(header), "{header}: {}", page.head);
    }
    let series = read(&page.body);
    let of = |name: &str| value(&series, name, None);
    assert_eq!(
        (of("probe_success"), of("probe_http_status_code")),
        (1.0, 200.0)
    );
    assert!(of("probe_duration_seconds") > 0.0);
    assert!(of("prober_cpu_seconds_per_probe") > 0.0);
    assert!(of("prober_schedule_lag_seconds_count") >= 3.0);
    assert_eq!(of("prober_config_last_reload_successful"), 1.0);
    assert_eq!(get(at, "/healthz").body, "ok\n");
    assert_eq!(get(at, "/readyz").status, 200);
    let status: serde_json::Value = serde_json::from_str(&get(at, "/api/v1/status").body).unwrap();
    assert_eq!(status["profiles"][0]["state"], "up");
    assert_eq!(status["schema"], 1);
    ground.site.set(false);
    eventually("the page says that it is down", || {
        let series = read(&get(at, "/metrics").body);
        let refused = value(&series, "prober_failures_total", Some(("cause", "refused")));
        let down = value(&series, "prober_profile_state", Some(("state", "down")));
        (refused >= 2.0 && down == 1.0).then_some(())
    });
    daemon.signal("TERM");
    daemon.end().expect(0, &[]);
}

#[test]
fn only_reading_only_these_paths_and_only_by_an_address() {
    let ground = Ground::start();
    ground.configure(&with_page(&ground, "127.0.0.1:0"));
    let mut daemon = ground.begin(&mut ground.command(&["run"]));
    let at = address(&mut daemon, 0);
    eventually("ready", || (get(at, "/readyz").status == 200).then_some(()));
    for path in [
        "/metrics/",
        "/../etc/passwd",
        "/api/v1",
        "/profile/none",
        "/profile/",
        "/profile/shop/",
        "/profile/%73hop",
        "/host/web9",
        "/badge/none.svg",
        "/badge/shop",
        "/feed.atom/",
        "/style.css/",
    ] {
        assert_eq!(get(at, path).status, 404, "{path}");
    }
    let index = get(at, "/");
    assert!(index.body.contains("/metrics") && !index.body.contains("<script"));
    for path in [
        "/",
        "/profile/shop",
        "/style.css",
        "/feed.atom",
        "/badge/shop.svg",
        "/icon.svg",
    ] {
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: evil.test\r\nConnection: close\r\n\r\n");
        assert_eq!(ask(at, &request).status, 403, "{path}");
    }
    let asked = |request: &str| ask(at, &format!("{request}Connection: close\r\n\r\n"));
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        let reply = asked(&format!(
            "{method} /metrics HTTP/1.1\r\nHost: {at}\r\nContent-Length: 0\r\n"
        ));
        assert_eq!(reply.status, 405, "{method}");
        assert!(reply.head.contains("allow: get, head"));
    }
    let head = asked(&format!("HEAD /metrics HTTP/1.1\r\nHost: {at}\r\n"));
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    assert_eq!(asked("GET / HTTP/1.1\r\nHost: evil.test\r\n").status, 403);
    assert_eq!(
        asked(&format!("GET / HTTP/1.1\r\nHost: {at}\r\nHost: {at}\r\n")).status,
        403
    );
    assert_eq!(
        asked("GET / HTTP/1.1\r\nHost: localhost:80\r\n").status,
        200
    );
    let long = format!(
        "GET / HTTP/1.1\r\nHost: {at}\r\nX: {}\r\n",
        "x".repeat(9_000)
    );
    assert_eq!(asked(&long).status, 431);
}

#[test]
fn people_see_an_outage_and_its_end() {
    let ground = Ground::start();
    ground.configure(&with_page(&ground, "127.0.0.1:0"));
    let mut daemon = ground.begin(&mut ground.command(&["run"]));
    let at = address(&mut daemon, 0);
    let shows = |path: &str, words: &str| {
        eventually(&format!("{words} at {path}"), || {
            let reply = get(at, path);
            (reply.status == 200 && reply.body.contains(words)).then_some(reply)
        })
    };
    let up = shows("/", "The one site is up");
    for header in [
        "content-type: text/html; charset=utf-8",
        "cache-control: no-store",
        "x-content-type-options: nosniff",
        "referrer-policy: no-referrer",
        "vary: accept-language",
        "content-security-policy: default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; \
         base-uri 'none'; frame-ancestors 'none'\r\n",
    ] {
        assert!(up.head.contains(header), "{header}: {}", up.head);
    }
    assert!(!up.head.contains("refresh:"), "only where it is asked for");
    assert!(get(at, "/?refresh=1").head.contains("refresh: 60"));
    ground.site.set(false);
    shows("/", "class=\"pill down\"");
    let down = shows("/profile/shop", "confirmed down").body;
    for part in [
        "connection refused",
        "the first failure",
        "nothing is restarted for it",
        "still down",
    ] {
        assert!(down.contains(part), "{part}: {down}");
    }
    let japanese = ask(
        at,
        &format!(
            "GET / HTTP/1.1\r\nHost: {at}\r\nAccept-Language: ja,en;q=0.5\r\nConnection: close\r\n\r\n"
        ),
    );
    assert!(japanese.body.contains("<html lang=\"ja\">"), "{japanese:?}");
    assert!(japanese.body.contains("停止中 1 件"), "{japanese:?}");
    let feed = get(at, "/feed.atom");
    assert!(feed.head.contains("application/atom+xml"), "{}", feed.head);
    assert!(
        feed.body
            .contains("<title>Down: shop: connection refused</title>"),
        "{}",
        feed.body
    );
    let badge = get(at, "/badge/shop.svg");
    assert!(
        badge.head.contains("content-type: image/svg+xml"),
        "{}",
        badge.head
    );
    assert!(badge.body.contains("<title>shop: down"), "{}", badge.body);
    let style = get(at, "/style.css");
    assert!(
        style.head.contains("content-type: text/css"),
        "{}",
        style.head
    );
    ground.site.set(true);
    shows("/", "The one site is up");
    let told = shows("/feed.atom", "<title>Up: shop, after ").body;
    assert_eq!(told.matches("<entry>").count(), 2, "{told}");
    let past = shows("/profile/shop", "<td>connection refused</td>").body;
    // An outage of seconds is a minute of this day's name.
    assert!(past.contains("1 min down</b></button></div>"), "{past}");
    daemon.signal("TERM");
    daemon.end().expect(0, &[]);
}

#[test]
fn clients_that_say_nothing_hold_up_nobody() {
    let ground = Ground::start();
    ground.configure(&with_page(&ground, "127.0.0.1:0"));
    let mut daemon = ground.begin(&mut ground.command(&["run"]));
    let at = address(&mut daemon, 0);
    eventually("ready", || (get(at, "/readyz").status == 200).then_some(()));
    let probes = |page: &Reply| value(&read(&page.body), "prober_probes_total", None);
    let before = probes(&get(at, "/metrics"));
    // Some say nothing, some begin a head and do not end it, some have been answered and keep the connection.
    let silent: Vec<TcpStream> = (0..200)
        .map(|n| {
            let mut stream = TcpStream::connect(at).unwrap();
            let said = match n % 3 {
                0 => String::new(),
                1 => "GET /metrics HTTP/1.1\r\nHo".to_owned(),
                _ => format!("GET / HTTP/1.1\r\nHost: {at}\r\n\r\n"),
            };
            // Those who came first may have been closed already.
            let _ = stream.write_all(said.as_bytes());
            stream
        })
        .collect();
    for path in ["/healthz", "/readyz", "/metrics"] {
        let asked = Instant::now();
        assert_eq!(get(at, path).status, 200, "{path}");
        // Half of what a silent one may take for a head.
        let took = asked.elapsed();
        assert!(took < Duration::from_secs(5), "{path} took {took:?}");
    }
    eventually("probing goes on", || {
        (probes(&get(at, "/metrics")) >= before + 3.0).then_some(())
    });
    drop(silent);
    daemon.signal("TERM");
    daemon.end().expect(0, &[]);
}

#[test]
fn a_port_that_is_taken_ends_a_start_and_not_a_daemon() {
    let ground = Ground::start();
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = other.local_addr().unwrap();
    ground.configure(&with_page(&ground, &taken.to_string()));
    let words = format!("the status page cannot listen on {taken}");
    let parts = [words.as_str(), "choose another `status_page.listen`"];
    ground.probe(&["run"]).expect(3, &parts);
    // A single cycle has no page.
    ground.probe(&["once"]).expect(0, &["1 up"]);
    ground.configure(&with_page(&ground, "127.0.0.1:0"));
    let mut daemon = ground.begin(&mut ground.command(&["run"]));
    let first = address(&mut daemon, 0);
    ground.configure(&with_page(&ground, &taken.to_string()));
    daemon.signal("HUP");
    daemon.says(&words);
    assert!(
        TcpStream::connect(first).is_err(),
        "the page before is closed"
    );
    ground.configure(&with_page(&ground, "localhost:0"));
    daemon.signal("HUP");
    let second = address(&mut daemon, 1);
    eventually("it is back", || {
        (get(second, "/healthz").status == 200).then_some(())
    });
    ground.configure("profiles: 5\n");
    daemon.signal("HUP");
    eventually("the page tells of the bad file", || {
        let series = read(&get(second, "/metrics").body);
        (value(&series, "prober_config_last_reload_successful", None) == 0.0).then_some(())
    });
    ground.configure(&ground.yaml("", None));
    daemon.signal("HUP");
    eventually("the page is closed", || {
        TcpStream::connect(second).is_err().then_some(())
    });
    daemon.signal("TERM");
    daemon.end().expect(0, &[]);
}

/// As a scrape job of blackbox_exporter asks: what is configured, by a name that people gave, and not oftener than every five
/// seconds.
#[test]
fn a_url_of_the_configuration_is_probed_for_whoever_asks() {
    let ground = Ground::start();
    let page = with_page(&ground, "127.0.0.1:0");
    let page = page.replace("listen:", "names: [Mon1.example.com], listen:");
    ground.configure(&page);
    let mut daemon = ground.begin(&mut ground.command(&["run"]));
    let at = address(&mut daemon, 0);
    eventually("ready", || (get(at, "/readyz").status == 200).then_some(()));
    let url = ground.site.url();
    let first = get(at, &format!("/probe?module=http_2xx&target={url}"));
    assert_eq!(first.status, 200, "{first:?}");
    let series = read(&first.body);
    let shop = Some(("profile", "shop"));
    assert_eq!(value(&series, "probe_success", shop), 1.0);
    assert_eq!(value(&series, "probe_success", Some(("url", &url))), 1.0);
    assert!(value(&series, "probe_http_content_length", shop) > 0.0);
    assert!(!first.body.contains("prober_"), "{}", first.body);
    let (_, bare) = url.split_once("://").unwrap();
    let again = get(at, &format!("/probe?target={bare}"));
    assert_eq!(again.body, first.body, "repeated, also without the scheme");
    let other = eventually("the answer is made anew", || {
        let reply = get(at, &format!("/probe?target={url}"));
        (reply.body != first.body).then_some(reply)
    });
    assert_eq!(other.status, 200);
    let foreign = get(at, "/probe?target=http://a.test/");
    assert_eq!(
        (foreign.status, foreign.body.contains("no profile")),
        (403, true)
    );
    assert_eq!(get(at, "/probe").status, 400);
    assert_eq!(get(at, "/probe?target=").status, 403);
    let named = |host: &str| {
        let request = format!("GET /readyz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        ask(at, &request).status
    };
    assert_eq!(named("mon1.example.com:9807"), 200);
    assert_eq!(named("mon2.example.com:9807"), 403);
    daemon.signal("TERM");
    daemon.end();
}
