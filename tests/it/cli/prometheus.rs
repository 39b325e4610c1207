//! The files of `deploy/prometheus`, tried with Debian's Prometheus: it takes them, scrapes a real daemon by them, and an
//! alert fires for a site that has really stopped.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use super::ground::{Ground, eventually};
use super::page::{address, get, with_page};
use crate::ports::free_port;

fn shipped(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("deploy/prometheus")
        .join(name)
}

/// A Prometheus that ends with the test.
struct Prometheus(Child);

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn promtool(arguments: &[&str], stdin: Option<&str>) {
    use std::io::Write as _;
    let mut command = Command::new("promtool");
    command.args(arguments).stdin(Stdio::piped());
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input
        .write_all(stdin.unwrap_or_default().as_bytes())
        .unwrap();
    drop(input);
    let ended = child.wait_with_output().unwrap();
    let said = [ended.stdout, ended.stderr].concat();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&said));
}

#[test]
fn the_shipped_files_are_taken_and_every_metric_in_them_exists() {
    promtool(
        &[
            "check",
            "rules",
            &shipped("rules.yml").display().to_string(),
        ],
        None,
    );
    promtool(
        &[
            "check",
            "config",
            &shipped("prometheus.yml").display().to_string(),
        ],
        None,
    );
    let page = include_str!("golden/metrics.txt");
    let known: BTreeSet<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next())
        .collect();
    let texts =
        ["rules.yml", "dashboard.json"].map(|name| fs::read_to_string(shipped(name)).unwrap());
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let used: BTreeSet<&str> = texts
        .iter()
        .flat_map(|text| text.split(|c| !word(c)))
        .filter(|name| name.starts_with("prober_") || name.starts_with("probe_"))
        .collect();
    assert!(used.len() > 10, "{used:?}");
    let unknown: Vec<_> = used.difference(&known).collect();
    assert!(unknown.is_empty(), "no such metrics: {unknown:?}");
    let board: Value = serde_json::from_str(&texts[1]).unwrap();
    assert!(board["panels"].as_array().unwrap().len() > 8);
}

#[test]
fn it_scrapes_a_daemon_and_an_alert_fires_for_a_site_that_stopped() {
    let ground = Ground::start();
    ground.configure(&with_page(&ground, "127.0.0.1:0"));
    let mut daemon = ground.begin(&mut ground.command(&["run"]));
    let page = address(&mut daemon, 0);
    eventually("ready", || {
        (get(page, "/readyz").status == 200).then_some(())
    });
    promtool(&["check", "metrics"], Some(&get(page, "/metrics").body));
    let place = tempfile::tempdir().unwrap();
    let config = fs::read_to_string(shipped("prometheus.yml")).unwrap();
    let config = config
        .replace("127.0.0.1:9807", &page.to_string())
        .replace("https://shop.example.com/", &ground.site.url())
        .replace("scrape_timeout: 12s", "scrape_timeout: 1s")
        .replace("interval: 30s", "interval: 1s");
    fs::write(place.path().join("prometheus.yml"), config).unwrap();
    let rules = fs::read_to_string(shipped("rules.yml")).unwrap();
    let rules: Vec<&str> = rules
        .lines()
        .filter(|line| !line.trim().starts_with("for:"))
        .collect();
    fs::write(place.path().join("rules.yml"), rules.join("\n")).unwrap();
    let own = free_port();
    let mut command = Command::new("prometheus");
    command
        .current_dir(place.path())
        .args([
            "--config.file=prometheus.yml",
            "--storage.tsdb.path=data",
            "--log.level=error",
        ])
        .arg(format!("--web.listen-address=127.0.0.1:{own}"))
        .stdout(Stdio::null());
    let _prometheus = Prometheus(command.spawn().unwrap());
    let at = std::net::SocketAddr::from(([127, 0, 0, 1], own));
    let ask = |path: &str| -> Option<Value> {
        std::net::TcpStream::connect(at).ok()?;
        let body = get(at, path).body;
        let start = body.find('{')?;
        serde_json::from_str(body[start..].trim_end_matches(['\r', '\n', '0'])).ok()
    };
    let value = |query: &str| {
        let answer = ask(&format!("/api/v1/query?query={query}"))?;
        let value = answer["data"]["result"][0]["value"][1].as_str()?.to_owned();
        Some(value)
    };
    for job in ["probe", "probe-by-request"] {
        eventually("it is scraped and well", || {
            let query = format!("probe_success%7Bjob=%22{job}%22%7D");
            (value(&query)? == "1").then_some(())
        });
    }
    ground.site.set(false);
    eventually("the alert fires", || {
        let alerts = ask("/api/v1/alerts")?;
        let alerts = alerts["data"]["alerts"].as_array()?.clone();
        let fires = |alert: &Value| {
            alert["labels"]["alertname"] == "ProbeSiteDown"
                && alert["labels"]["profile"] == "shop"
                && alert["state"] == "firing"
        };
        alerts.iter().any(fires).then_some(())
    });
    daemon.signal("TERM");
    daemon.end();
}
