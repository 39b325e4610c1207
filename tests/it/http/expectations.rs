//! Each failing expectation names itself and shows what stands there.

use probe::model::{Cause, Expect, Phase};
use regex::Regex;
use serde_json::json;

use super::server::{Act, fine, response, send, serve};
use super::{assert_found, assert_ok, probe, profile};

/// What is told about a page of this body that these expectations are laid on.
async fn told(kind: &str, body: &[u8], expect: impl FnOnce(&mut Expect)) -> Option<String> {
    let head = format!(
        "HTTP/1.1 200 OK\r\nX-Signature: KUSANAGI\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let body = body.to_vec();
    let server = serve(move |_| vec![send(&head), Act::Send(body.clone())]).await;
    let mut wanting = profile(&server.url("/"));
    expect(&mut wanting.expect);
    let result = probe(wanting).await;
    if result.cause().is_some() {
        assert_found(&result, Cause::Content, Phase::Transfer);
        return Some(result.detail().to_owned());
    }
    assert_ok(&result);
    None
}

const HTML: &str = "text/html; charset=utf-8";

#[tokio::test]
async fn each_is_named_with_its_place() {
    let long = "and it goes on for a while after that. ".repeat(3);
    let page = format!(
        "<html><title>Our shop</title><body><p>Well, but a <b>Warning: mysqli</b> is here</p><p>{long}</p></body></html>"
    );
    let page = page.as_bytes();
    let begins = "the body begins: Our shop Well, but a Warning: mysqli is here and it goes on for a while after that. and it goes on for a \
                  while after tha…";
    assert_eq!(
        told(HTML, page, |e| {
            e.contains = vec!["Our shop".to_owned()];
            e.not_contains = vec!["Fatal error".to_owned()];
            e.matches = Some(Regex::new("(?i)warning.*while").unwrap());
            e.header = vec![("x-signature".into(), "KUSANAGI".into())];
            e.min_size = 100;
        })
        .await,
        None
    );
    let texts = |text: &str| vec![text.to_owned()];
    let header = |name: &str| vec![(name.to_owned(), "other".to_owned())];
    let cases: Vec<(Expect, String)> = vec![
        (
            Expect { contains: texts("footer"), ..Expect::by_default() },
            format!("`footer` not found in the body; {begins}"),
        ),
        (
            Expect { not_contains: texts("Warning:"), ..Expect::by_default() },
            "`Warning:` stands in the body and must not; the place: Our shop Well, but a Warning: mysqli is here and it goes on for a while after t…"
                .to_owned(),
        ),
        (
            Expect { matches: Some(Regex::new("^nothing$").unwrap()), ..Expect::by_default() },
            format!("`^nothing$` does not match in the body; {begins}"),
        ),
        (
            Expect { header: header("x-signature"), ..Expect::by_default() },
            "header `x-signature` is `KUSANAGI`, expected `other`".to_owned(),
        ),
        (
            Expect { header: header("x-none"), ..Expect::by_default() },
            "header `x-none` is missing, expected `other`".to_owned(),
        ),
        (
            Expect { min_size: 5000, ..Expect::by_default() },
            format!("the body has {} bytes, expected at least 5000 (min_size); {begins}", page.len()),
        ),
    ];
    for (expect, words) in cases {
        let detail = told(HTML, page, |e| *e = expect).await.unwrap();
        assert_eq!(detail, words);
    }
}

#[tokio::test]
async fn json_is_looked_into() {
    let body = br#"{"status": "degraded", "checks": [{"name": "db", "ok": true}], "queue": 12}"#;
    let kind = "application/json";
    let want = |pointer: &str, value: serde_json::Value| {
        let pair = (pointer.to_owned(), value);
        move |e: &mut Expect| e.json = vec![pair]
    };
    assert_eq!(
        told(kind, body, want("/checks/0/ok", json!(true))).await,
        None
    );
    assert_eq!(told(kind, body, want("/queue", json!(12.0))).await, None);
    for (detail, words) in [
        (
            told(kind, body, want("/status", json!("ok"))).await,
            "json `/status` is \"degraded\", expected \"ok\"",
        ),
        (
            told(kind, body, want("/checks/1/ok", json!(true))).await,
            "json `/checks/1/ok` is missing, expected true",
        ),
        (
            told(HTML, b"<h1>Bad day</h1>", want("/status", json!("ok"))).await,
            "json `/status` cannot be read: the body is not JSON; the body begins: Bad day",
        ),
        (
            told(
                kind,
                &[b"[".as_slice(), &b"1,".repeat(40_000), b"1]"].concat(),
                want("/0", json!(1)),
            )
            .await,
            "json `/0` cannot be read: the body is longer than max_body; raise it",
        ),
    ] {
        assert_eq!(detail.as_deref(), Some(words));
    }
}

#[tokio::test]
async fn text_is_read_in_its_charset() {
    let word = "重大なエラー";
    for (label, encoding) in [
        ("Shift_JIS", encoding_rs::SHIFT_JIS),
        ("EUC-JP", encoding_rs::EUC_JP),
        ("ISO-2022-JP", encoding_rs::ISO_2022_JP),
    ] {
        let meta =
            format!("<meta http-equiv=\"Content-Type\" content=\"text/html; charset={label}\">");
        let (text, ..) = encoding.encode(word);
        for (kind, page) in [
            (format!("text/html; charset={label}"), text.to_vec()),
            ("text/html".to_owned(), [meta.as_bytes(), &text].concat()),
        ] {
            let found = told(&kind, &page, |e| e.contains = vec![word.to_owned()]).await;
            assert_eq!(found, None, "{kind}");
            let detail = told(&kind, &page, |e| e.not_contains = vec![word.to_owned()]).await;
            let words = "`重大なエラー` stands in the body and must not; the place: ";
            assert!(detail.unwrap().starts_with(words), "{kind}");
        }
    }
}

#[tokio::test]
async fn a_size_is_of_decoded_bytes_and_needs_no_text() {
    let server = serve(|_| fine()).await;
    let mut small = profile(&server.url("/"));
    small.expect.min_size = 17;
    assert_ok(&probe(small.clone()).await);
    small.expect.min_size = 18;
    let result = probe(small).await;
    assert_found(&result, Cause::Content, Phase::Transfer);
    let server = serve(|_| response("200 OK", &[], &"x".repeat(70_000))).await;
    let mut capped = profile(&server.url("/"));
    capped.expect.min_size = 70_000;
    let result = probe(capped).await;
    let words = "only 65536 bytes of the body were read (max_body), expected at least 70000";
    assert!(result.detail().starts_with(words), "{result:?}");
}
