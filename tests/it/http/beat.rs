//! The outside watcher: what it gets, what counts as taken, and that no word of ours gives its address away.

use std::sync::Arc;

use probe::adapters::http::{HttpPoster, HttpProber, HttpPulse};
use probe::model::{
    Channel, Delivery, Endpoint, Entry, Form, Heartbeat, Language, Preset, Secret, SecretSource,
    Stay, Timestamp, Webhook,
};
use probe::ports::{Poster as _, Pulse as _};

use super::LONG;
use super::authority::{Authority, BOTH, LOCAL, NOW, config, serve_tls};
use super::server::{Act, fine, response, send, serve};

fn secret(source: &SecretSource) -> Result<Secret, String> {
    match source {
        SecretSource::Environment(name) if name.starts_with("http") => {
            Ok(Secret::new(name.clone()))
        }
        SecretSource::Environment(name) if name == "NOT_A_URL" => {
            Ok(Secret::new("s3cret".to_owned()))
        }
        SecretSource::File(_) | SecretSource::Environment(_) | SecretSource::Credential(_) => {
            Err("the environment variable `X` is not set".to_owned())
        }
    }
}

async fn tell(watcher: Endpoint) -> Result<(), String> {
    let pulse = HttpPulse::new(&HttpProber::try_new().unwrap(), Arc::new(secret));
    let told = pulse
        .beat(Arc::new(Heartbeat {
            watcher,
            every: LONG,
        }))
        .await;
    let words = format!("{told:?}");
    assert!(!words.contains("s3cret"), "{words}");
    told
}

fn at(url: &str) -> Endpoint {
    Endpoint::Url(url.parse().unwrap())
}

fn hidden(text: &str) -> Endpoint {
    Endpoint::Secret(SecretSource::Environment(text.to_owned()))
}

#[tokio::test]
async fn it_hears_one_get() {
    let server = serve(|_| response("200 OK", &[], "OK")).await;
    let url = server.url("/s3cret?token=s3cret");
    assert_eq!(tell(at(&url)).await, Ok(()));
    assert_eq!(tell(hidden(&url)).await, Ok(()));
    let heads = server.heads();
    assert_eq!(heads.len(), 2);
    for head in heads {
        assert!(
            head.starts_with("GET /s3cret?token=s3cret HTTP/1.1\r\n"),
            "{head}"
        );
        let head = head.to_lowercase();
        assert!(head.contains("user-agent: probe/"), "{head}");
    }
}

#[tokio::test]
async fn what_is_not_taken_is_told_without_the_address() {
    let server = serve(|path| match path {
        "/s3cret/500" => response("500 Oops", &[], ""),
        "/s3cret/404" => response("404 Not Found", &[], ""),
        "/s3cret/circle" => response("302 Found", &["Location: /s3cret/circle"], ""),
        "/s3cret/out" => response("302 Found", &["Location: ftp://x/s3cret"], ""),
        "/s3cret/304" => response("304 Not Modified", &[], ""),
        _ => vec![Act::Reset],
    })
    .await;
    for (path, words) in [
        ("/s3cret/500", "HTTP status 500"),
        ("/s3cret/404", "HTTP status 404"),
        ("/s3cret/304", "HTTP status 304"),
        ("/s3cret/circle", "HTTP status 302, which is not followed"),
        ("/s3cret/out", "HTTP status 302, which is not followed"),
        ("/s3cret/reset", "reset"),
    ] {
        let told = tell(at(&server.url(path))).await.unwrap_err();
        assert!(told.contains(words), "{path}: {told}");
    }
    let told = tell(at("http://127.0.0.1:1/s3cret")).await.unwrap_err();
    assert!(told.contains("refused"), "{told}");
    let told = tell(hidden("NOT_A_URL")).await.unwrap_err();
    assert_eq!(told, "the secret is no http or https address");
    let told = tell(hidden("X")).await.unwrap_err();
    assert_eq!(told, "the environment variable `X` is not set");
}

/// What each service answers: the head of all of them says 200.
#[tokio::test]
async fn a_body_that_says_no_is_not_heard() {
    let answer = |path: &str| match path {
        "/s3cret/unknown" => "OK (not found)",
        "/s3cret/often" => "OK (rate limited)\n",
        "/s3cret/kuma" => r#"{"ok":false,"msg":"Monitor not found or not active."}"#,
        "/s3cret/mute" => r#"{"success": false}"#,
        "/s3cret/error" => r#"{"error": {"code": 7}, "message": "no such heart"}"#,
        "/s3cret/state" => r#"{"status":"failed"}"#,
        "/s3cret/errors" => r#"{"errors":["no"]}"#,
        "/s3cret/none-of-them" => r#"{"status":"success","errors":[]}"#,
        "/s3cret/echo" => "Failed: GET /s3cret/echo",
        "/s3cret/word" => "s3cret: not found",
        "/s3cret/ok" => "OK",
        "/s3cret/none" => "",
        "/s3cret/up" => r#"{"ok":true}"#,
        "/s3cret/fine" => r#"{"ok":true,"error":null,"msg":"not found yet"}"#,
        "/s3cret/thanks" => "Got it, thanks!",
        "/s3cret/page" => "<html><p>Page not found</p></html>",
        other => panic!("{other}"),
    };
    let server = serve(move |path| response("200 OK", &[], answer(path))).await;
    for (path, words) in [
        ("unknown", "\"OK (not found)\""),
        ("often", "\"OK (rate limited)\""),
        ("kuma", "\"Monitor not found or not active.\""),
        ("mute", "\"no\""),
        ("error", "\"no such heart\""),
        ("state", "\"failed\""),
        ("errors", "\"no\""),
        ("echo", "no"),
        ("word", "no"),
    ] {
        let told = tell(at(&server.url(&format!("/s3cret/{path}")))).await;
        let wanted = format!("HTTP status 200, and the answer says {words}");
        assert_eq!(told, Err(wanted), "{path}");
    }
    for path in ["ok", "none", "up", "fine", "none-of-them", "thanks", "page"] {
        let told = tell(at(&server.url(&format!("/s3cret/{path}")))).await;
        assert_eq!(told, Ok(()), "{path}");
    }
}

/// It was taken, and whoever took it does not end.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_without_an_end_is_judged_by_what_came() {
    for (begins, heard) in [("OK", true), ("OK (not found)", false)] {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{begins}");
        let server = serve(move |_| vec![send(&head), Act::Silence]).await;
        assert_eq!(tell(at(&server.url("/s3cret"))).await.is_ok(), heard);
    }
}

#[tokio::test]
async fn a_few_redirects_are_followed() {
    let server = serve(|path| match path {
        "/taken" => fine(),
        "/1" => response("301 Moved", &["Location: /taken"], ""),
        "/2" => response("302 Found", &["Location: /1"], ""),
        "/3" => response("307 Temporary Redirect", &["Location: /2"], ""),
        _ => response("308 Permanent Redirect", &["Location: /3"], ""),
    })
    .await;
    assert_eq!(tell(at(&server.url("/3"))).await, Ok(()));
    assert!(tell(at(&server.url("/4"))).await.is_err());
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_not_told() {
    let identity = Authority::new().certify(LOCAL, |_| ());
    let server = serve_tls(config(&identity, BOTH), NOW, fine()).await;
    let url = format!("https://localhost:{}/s3cret", server.address.port());
    assert!(tell(at(&url)).await.is_err());
    assert_eq!(server.heads().len(), 0, "the address did not leave us");
}

/// Of a service likewise: neither its address nor the event.
#[tokio::test]
async fn a_webhook_whose_certificate_nobody_vouches_for_gets_nothing() {
    let identity = Authority::new().certify(LOCAL, |_| ());
    let server = serve_tls(config(&identity, BOTH), NOW, fine()).await;
    let webhook = Webhook {
        name: "slack".to_owned(),
        form: Form::Preset(Preset::Slack),
        endpoint: at(&format!(
            "https://localhost:{}/s3cret",
            server.address.port()
        )),
        token: None,
        to: None,
        language: Language::En,
    };
    let entry = Entry::test(Channel::Webhook, "slack".to_owned(), Timestamp(0));
    let poster = HttpPoster::new(&HttpProber::try_new().unwrap(), Arc::new(secret));
    let told = poster.post(Arc::new(webhook), Arc::default(), entry).await;
    let Delivery::Deferred { reason, stay } = told else {
        panic!("{told:?}");
    };
    assert_eq!(stay, Stay::Trouble);
    assert!(
        reason.contains("certificate") && !reason.contains("s3cret"),
        "{reason}"
    );
    assert_eq!(server.heads().len(), 0, "the address did not leave us");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_says_nothing_holds_nobody_up() {
    let server = serve(|_| vec![Act::Silence]).await;
    let told = tell(at(&server.url("/s3cret"))).await.unwrap_err();
    assert_eq!(told, "no answer within 10 s");
}
