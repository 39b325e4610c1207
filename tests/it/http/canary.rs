//! Whether our own network is alive.

use std::time::{Duration, Instant};

use probe::adapters::http::HttpProber;
use probe::model::{Canary, Finding, NetworkSettings};
use probe::ports::Prober;
use url::Url;

use super::server::{Act, response, serve, serve_blind};
use crate::ports::closed_port;

async fn ask(canaries: Vec<Canary>) -> (bool, String) {
    let (answered, seen) = prober_asks(canaries).await;
    (answered, seen.detail())
}

async fn prober_asks(canaries: Vec<Canary>) -> (bool, Finding) {
    let prober = HttpProber::try_new().unwrap();
    prober.canary(NetworkSettings { canaries }).await
}

fn http(url: &str) -> Canary {
    Canary::Http(Url::parse(url).unwrap())
}

fn tcp(port: u16) -> Canary {
    Canary::Tcp {
        host: "127.0.0.1".to_owned(),
        port,
    }
}

#[tokio::test]
async fn any_status_is_an_answer_and_one_is_enough() {
    let up = serve(|_| response("503 No", &[], "")).await;
    let stuck = serve_blind(vec![Act::Silence]).await;
    let begun = Instant::now();
    let (alive, seen) = ask(vec![http(&stuck.url("/")), http(&up.url("/"))]).await;
    assert!(alive, "{seen}");
    assert!(seen.contains("HTTP status 503"), "{seen}");
    assert!(
        begun.elapsed() < Duration::from_secs(4),
        "waits for no other"
    );
}

#[tokio::test]
async fn an_accepted_connection_is_an_answer() {
    let up = serve_blind(vec![Act::Silence]).await;
    let (alive, seen) = ask(vec![tcp(up.address.port())]).await;
    assert!(alive, "{seen}");
}

#[tokio::test]
async fn each_silent_one_is_named() {
    let (one, two) = (closed_port(), closed_port());
    let (alive, seen) = ask(vec![http(&format!("http://{one}/")), tcp(two.port())]).await;
    assert!(!alive, "{seen}");
    assert!(seen.contains(&one.to_string()), "{seen}");
    assert!(seen.contains(&two.to_string()), "{seen}");
}

#[tokio::test]
async fn a_gateway_that_asks_for_a_login_is_no_answer() {
    let status = "511 Network Authentication Required";
    let gateway = serve(move |_| response(status, &[], "<h1>Welcome to our hotel</h1>")).await;
    let (alive, seen) = ask(vec![http(&gateway.url("/"))]).await;
    assert!(!alive, "{seen}");
    assert!(
        seen.contains("asks for a login (HTTP status 511)"),
        "{seen}"
    );
}
