//! Any bytes at all as a response: exactly one verdict, in time, in words that can be mailed.

use std::time::{Duration, Instant};

use probe::adapters::http::HttpProber;
use probe::model::{CacheBypass, CheckOutcome, Profile, limits};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRng, TestRunner};

use super::server::{Act, serve};
use super::{SHORT, profile, remarks};

/// Responses that are tried; each has a socket of its own.
const CASES: usize = 256;

/// At the same time: most of them wait for something.
const AT_ONCE: usize = 16;

/// A response: noise, or lines that a server would nearly write.
fn response() -> impl Strategy<Value = Vec<u8>> {
    let status = prop_oneof![
        Just("HTTP/1.1 200 OK".to_owned()),
        (0u16..1200).prop_map(|n| format!("HTTP/1.1 {n} Odd")),
        "HTTP/[0-9]\\.[0-9] [0-9]{1,4} .{0,10}",
        "[ -~]{0,30}",
    ];
    let header = prop_oneof![
        (0u64..5000).prop_map(|n| format!("Content-Length: {n}")),
        Just("Transfer-Encoding: chunked".to_owned()),
        prop::sample::select(vec!["gzip", "br", "deflate", "zstd", "gzip, br", "none"])
            .prop_map(|name| format!("Content-Encoding: {name}")),
        "Location: [ -~]{0,40}",
        "Retry-After: [ -~]{0,12}",
        prop::sample::select(vec!["Shift_JIS", "EUC-JP", "utf-16", "nonsense"])
            .prop_map(|name| format!("Content-Type: text/html; charset={name}")),
        "X-(F|B)-Cache: (HIT|MISS|cache|[ -~]{0,8})",
        "Age: [0-9]{0,30}",
        "[A-Za-z-]{1,12}: [ -~\u{80}-\u{ff}]{0,40}",
    ];
    let line = prop_oneof![Just("\r\n"), Just("\r\n"), Just("\n"), Just("\r")];
    let body = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..600),
        "<html><title>.{0,40}</title>.{0,200}</html>".prop_map(String::into_bytes),
        "[0-9a-f]{1,17}(;[a-z=]{0,9})?\r\n.{0,90}\r\n0\r\n\r\n".prop_map(String::into_bytes),
        Just("<h1>Error establishing a database connection</h1>".into()),
    ];
    let nearly = (status, prop::collection::vec(header, 0..6), line, body).prop_map(
        |(status, headers, end, body)| {
            let mut bytes = status.into_bytes();
            for header in headers {
                bytes.extend(end.bytes());
                bytes.extend(header.bytes());
            }
            bytes.extend(end.bytes());
            bytes.extend(end.bytes());
            bytes.extend(body);
            bytes
        },
    );
    prop_oneof![
        1 => prop::collection::vec(any::<u8>(), 0..400),
        6 => nearly,
    ]
}

/// Everything that a profile can ask of a response, by turns.
fn wanting(url: &str, n: usize) -> Profile {
    let mut profile = profile(url);
    profile.timeout = SHORT;
    match n % 4 {
        0 => profile.expect.contains = vec!["</html>".to_owned()],
        1 => profile.expect.not_contains = vec!["e".to_owned()],
        2 => profile.expect.json = vec![("/a".to_owned(), serde_json::json!(1))],
        _ => profile.cache_bypass = CacheBypass::WordPress,
    }
    profile
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_response_has_one_verdict_in_time() {
    let prober = HttpProber::try_new().unwrap();
    let config = Config::default();
    let rng = TestRng::deterministic_rng(config.rng_algorithm);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let strategy = response();
    let responses: Vec<Vec<u8>> = (0..CASES)
        .map(|_| strategy.new_tree(&mut runner).unwrap().current())
        .collect();
    let served = responses.clone();
    let server = serve(move |path| {
        let n = path[1..].split('?').next().unwrap_or_default().parse();
        // Where a response sends us to another page of ours.
        let bytes = n.ok().and_then(|n: usize| served.get(n).cloned());
        vec![Act::Send(bytes.unwrap_or_default())]
    })
    .await;
    let mut causes = std::collections::BTreeSet::new();
    let mut waiting = (0..CASES).map(|n| (n, wanting(&server.url(&format!("/{n}")), n)));
    let mut looks = tokio::task::JoinSet::new();
    loop {
        while looks.len() < AT_ONCE
            && let Some((n, profile)) = waiting.next()
        {
            let prober = prober.clone();
            looks.spawn(async move {
                let begun = Instant::now();
                let results = super::probe_all(&prober, profile).await;
                (n, results, begun.elapsed().saturating_sub(SHORT))
            });
        }
        let Some(looked) = looks.join_next().await else {
            break;
        };
        let (n, results, over) = looked.expect("no panic");
        let shown = String::from_utf8_lossy(&responses[n]);
        assert!(over < Duration::from_millis(500), "{over:?}: {shown:?}");
        assert_eq!(results.len(), 1, "{shown:?}");
        let result = &results[0];
        causes.insert(result.cause().map(probe::model::Cause::word));
        for text in remarks(result).into_iter().chain([result.detail()]) {
            assert!(text.chars().count() <= limits::DETAIL_CHARS, "{shown:?}");
            assert!(!text.chars().any(char::is_control), "{text:?}: {shown:?}");
        }
        if let CheckOutcome::Found { phase, .. } = &result.outcome {
            assert!(!result.detail().is_empty() && phase.is_some(), "{result:?}");
        }
    }
    assert!(causes.len() > 6, "too tame: {causes:?}");
}
