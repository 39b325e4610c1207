//! What becomes of a post, by what a service answers, or does not.

use std::sync::Arc;
use std::time::Duration;

use probe::adapters::http::{HttpPoster, HttpProber};
use probe::model::{
    Delivery, Endpoint, Form, Preset, Secret, SecretSource, Stay, Template, Webhook,
};
use probe::ports::Poster as _;

use super::service::{Answer, Service, response};
use super::{entry, webhook};
use crate::mail::entries;

fn secret(source: &SecretSource) -> Result<Secret, String> {
    match source {
        SecretSource::Environment(name) if name == "TOKEN" => {
            Ok(Secret::new("t0ken-s3cret".to_owned()))
        }
        SecretSource::Environment(name) if name.starts_with("http") => {
            Ok(Secret::new(name.clone()))
        }
        SecretSource::Environment(name) if name == "NOT_A_URL" => {
            Ok(Secret::new("s3cret".to_owned()))
        }
        SecretSource::Environment(name) if name == "TWO_LINES" => {
            Ok(Secret::new("s3cret\nX-Other: s3cret".to_owned()))
        }
        SecretSource::File(_) | SecretSource::Environment(_) | SecretSource::Credential(_) => {
            Err("the environment variable `X` is not set".to_owned())
        }
    }
}

const LONG: Duration = Duration::from_secs(30);

fn poster(limit: Duration) -> HttpPoster {
    HttpPoster::with_limit(&HttpProber::try_new().unwrap(), Arc::new(secret), limit)
}

async fn post(poster: &HttpPoster, webhook: Webhook) -> Delivery {
    let told = poster
        .post(Arc::new(webhook), Arc::default(), entry(entries::gave_up()))
        .await;
    let words = format!("{told:?}");
    assert!(!words.contains("s3cret"), "{words}");
    told
}

fn of(preset: Preset, url: &str) -> Webhook {
    webhook(Form::Preset(preset), url)
}

fn own(url: &str) -> Webhook {
    let template = Template {
        path: "/etc/probe/pager.txt".into(),
        name: "pager.txt".to_owned(),
        text: "{{ subject }}".to_owned(),
    };
    webhook(Form::Body(template), url)
}

fn every(url: &str) -> Vec<Webhook> {
    let presets = Preset::ALL.iter().map(|preset| of(*preset, url));
    presets.chain([own(url)]).collect()
}

fn reason(told: &Delivery) -> &str {
    match told {
        Delivery::Sent { relay: reason }
        | Delivery::Deferred { reason, .. }
        | Delivery::Unclear { reason }
        | Delivery::Rejected { reason } => reason,
    }
}

/// What becomes of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Taken,
    Again(Stay),
    Unclear,
    Refused,
}

fn fate(told: &Delivery) -> Fate {
    match told {
        Delivery::Sent { .. } => Fate::Taken,
        Delivery::Deferred { stay, .. } => Fate::Again(*stay),
        Delivery::Unclear { .. } => Fate::Unclear,
        Delivery::Rejected { .. } => Fate::Refused,
    }
}

/// Where a redirect leads, somebody takes whatever comes.
const MOVED: &str = "location: http://127.0.0.1:9/s3cret\r\n";

/// The same for every service: contract of HTTP, not of theirs.
#[tokio::test(flavor = "multi_thread")]
async fn a_status_decides() {
    let poster = poster(LONG);
    let after = Fate::Again(Stay::After(120));
    for (status, headers, body, wanted) in [
        (
            "301 Moved Permanently",
            MOVED,
            "",
            Fate::Again(Stay::Trouble),
        ),
        ("302 Found", MOVED, "ok", Fate::Again(Stay::Trouble)),
        ("303 See Other", MOVED, "", Fate::Again(Stay::Trouble)),
        (
            "307 Temporary Redirect",
            MOVED,
            "",
            Fate::Again(Stay::Trouble),
        ),
        (
            "308 Permanent Redirect",
            MOVED,
            "",
            Fate::Again(Stay::Trouble),
        ),
        ("304 Not Modified", "", "", Fate::Again(Stay::Trouble)),
        ("400 Bad Request", "", "invalid_payload", Fate::Refused),
        ("401 Unauthorized", "", "", Fate::Refused),
        ("403 Forbidden", "", "action_prohibited", Fate::Refused),
        (
            "404 Not Found",
            "",
            "no_service /hook/s3cret",
            Fate::Refused,
        ),
        ("409 Conflict", "", "", Fate::Refused),
        ("410 Gone", "", "t0ken-s3cret", Fate::Refused),
        ("413 Payload Too Large", "", "", Fate::Refused),
        ("408 Request Timeout", "", "", Fate::Again(Stay::Trouble)),
        ("429 Too Many Requests", "", "", Fate::Again(Stay::Later)),
        (
            "429 Too Many Requests",
            "retry-after: 120\r\n",
            "rate_limited",
            after,
        ),
        (
            "429 Too Many Requests",
            "retry-after: 99999\r\n",
            "",
            Fate::Again(Stay::After(900)),
        ),
        ("500 Oops", "", "ok", Fate::Again(Stay::Trouble)),
        (
            "502 Bad Gateway",
            "",
            "<html>s3cret</html>",
            Fate::Again(Stay::Trouble),
        ),
        ("503 Service Unavailable", "retry-after: 120\r\n", "", after),
    ] {
        let service = Service::start(response(status, headers, body)).await;
        for webhook in every(&service.url()) {
            let name = webhook.name.clone();
            let told = post(&poster, webhook).await;
            assert_eq!(fate(&told), wanted, "{name}, {status}: {told:?}");
            let number = format!("HTTP status {}", &status[..3]);
            assert!(reason(&told).contains(&number), "{told:?}");
        }
        assert_eq!(
            service.requests().len(),
            8,
            "{status}: no redirect followed"
        );
    }
}

const LATER: Fate = Fate::Again(Stay::Later);

/// What each service says in its documentation that it says, and what some say in a 200 that they did not do.
#[tokio::test(flavor = "multi_thread")]
async fn a_service_has_taken_what_it_says_that_it_took() {
    let poster = poster(LONG);
    let teams = "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429";
    let login = "<html>log in at /hook/s3cret</html>";
    let line = r#"{"sentMessages":[{"id":"461230966842064897","quoteToken":"IStG5h1Tz7b"}]}"#;
    let ntfy = r#"{"id":"xE73Iyuabi","time":1673542291,"event":"message","topic":"s3cret","message":"it failed, not found"}"#;
    let discord = r#"{"id":"1","type":0,"content":"","embeds":[{"description":"it failed"}]}"#;
    let google = r#"{"name":"spaces/A/messages/B","text":"it failed"}"#;
    for (preset, status, body, wanted) in [
        (Preset::Slack, "200 OK", "ok", Fate::Taken),
        (Preset::Slack, "200 OK", "ok\r\n", Fate::Taken),
        (Preset::Slack, "200 OK", r#"{"success":true}"#, Fate::Taken),
        (Preset::Slack, "200 OK", google, Fate::Taken),
        (Preset::Slack, "200 OK", "invalid_payload", LATER),
        (
            Preset::Slack,
            "200 OK",
            r#"{"ok":false,"error":"channel_not_found"}"#,
            LATER,
        ),
        (
            Preset::Slack,
            "200 OK",
            r#"{"ok":true,"error":"half of it"}"#,
            LATER,
        ),
        (Preset::Slack, "200 OK", r#"{"success":false}"#, LATER),
        (Preset::Slack, "200 OK", "no_text", LATER),
        (Preset::Slack, "200 OK", login, LATER),
        (Preset::Discord, "204 No Content", "", Fate::Taken),
        (Preset::Discord, "200 OK", discord, Fate::Taken),
        (Preset::Discord, "200 OK", login, LATER),
        (Preset::Teams, "202 Accepted", "", Fate::Taken),
        (Preset::Teams, "200 OK", "1", Fate::Taken),
        (Preset::Teams, "200 OK", teams, LATER),
        (Preset::Teams, "200 OK", login, LATER),
        (Preset::Ntfy, "200 OK", ntfy, Fate::Taken),
        (Preset::Ntfy, "200 OK", login, LATER),
        (Preset::Line, "200 OK", "{}", Fate::Taken),
        (Preset::Line, "200 OK", line, Fate::Taken),
        (Preset::Line, "202 Accepted", "", Fate::Taken),
        (
            Preset::Chatwork,
            "200 OK",
            r#"{"message_id":"1234"}"#,
            Fate::Taken,
        ),
        (
            Preset::Chatwork,
            "200 OK",
            r#"{"errors":["Invalid API Token"]}"#,
            LATER,
        ),
        (Preset::Event, "200 OK", "", Fate::Taken),
        (Preset::Event, "200 OK", "Thanks!", Fate::Taken),
        (Preset::Event, "201 Created", login, Fate::Taken),
        (
            Preset::Event,
            "200 OK",
            r#"{"status":"accepted"}"#,
            Fate::Taken,
        ),
        (Preset::Event, "200 OK", r#"{"status":"failed"}"#, LATER),
        (Preset::Event, "200 OK", r#"{"errors":[]}"#, Fate::Taken),
    ] {
        let service = Service::start(response(status, "", body)).await;
        let told = post(&poster, of(preset, &service.url())).await;
        assert_eq!(fate(&told), wanted, "{preset:?} {body}: {told:?}");
        if wanted == Fate::Taken {
            assert_eq!(reason(&told), "127.0.0.1");
        }
    }
}

/// LINE takes each key once: what it took in a try of which nobody heard the end, it says of the next.
#[tokio::test(flavor = "multi_thread")]
async fn line_says_that_it_took_a_message_before() {
    let poster = poster(LONG);
    let said = r#"{"message":"The retry key is already accepted"}"#;
    let headers = "x-line-accepted-request-id: 123e4567\r\n";
    let service = Service::start(response("409 Conflict", headers, said)).await;
    for webhook in every(&service.url()) {
        let line = webhook.name == "line";
        let told = post(&poster, webhook).await;
        let wanted = if line { Fate::Taken } else { Fate::Refused };
        assert_eq!(fate(&told), wanted, "{told:?}");
    }
    let keys: Vec<Option<String>> = {
        let requests = service.requests();
        let keys = requests
            .iter()
            .map(|one| one.header("x-line-retry-key").map(str::to_owned));
        keys.collect()
    };
    assert_eq!(keys.iter().flatten().count(), 1, "{keys:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_words_of_a_refusal_are_told_and_secrets_in_them_are_not() {
    let poster = poster(LONG);
    for (says, wanted) in [
        (
            "channel_is_archived",
            "and the answer says \"channel_is_archived\"",
        ),
        (
            r#"{"message":"Unknown Webhook","code":10015}"#,
            "Unknown Webhook",
        ),
        ("no hook s3cret", "and the answer says no"),
        ("not t0ken-s3cret", "and the answer says no"),
        ("<html>s3cret</html>", "HTTP status 404"),
    ] {
        let service = Service::start(response("404 Not Found", "", says)).await;
        let told = post(&poster, of(Preset::Ntfy, &service.url())).await;
        assert!(
            reason(&told).ends_with(wanted) || reason(&told).contains(wanted),
            "{told:?}"
        );
    }
}

/// Nothing was sent: it is tried again, and something else may be told in its place.
#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_is_nothing_has_arrived() {
    let poster = poster(LONG);
    let nobody = "http://127.0.0.1:1/hook/s3cret";
    let no_name = "http://nobody.invalid/hook/s3cret";
    for (url, words) in [(nobody, "refused"), (no_name, "")] {
        for webhook in every(url) {
            let told = post(&poster, webhook).await;
            assert_eq!(fate(&told), Fate::Again(Stay::Trouble), "{told:?}");
            assert!(reason(&told).contains(words), "{told:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_broke_behind_the_request_may_have_arrived() {
    let poster = poster(LONG);
    for answer in [
        Answer::Resets,
        Answer::Says(String::new()),
        Answer::Says("HTTP/1.1 200 O".to_owned()),
        Answer::ClosesAtOnce,
    ] {
        let service = Service::start(answer.clone()).await;
        for webhook in every(&service.url()) {
            let told = post(&poster, webhook).await;
            assert_eq!(fate(&told), Fate::Unclear, "{answer:?}: {told:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_ends_at_the_limit_and_may_have_been_heard() {
    let poster = poster(Duration::from_millis(800));
    let service = Service::start(Answer::SaysAndWaits(String::new())).await;
    for webhook in every(&service.url()) {
        let told = post(&poster, webhook).await;
        assert_eq!(fate(&told), Fate::Unclear, "{told:?}");
        assert!(reason(&told).contains("no answer within"), "{told:?}");
    }
}

/// The head has said that it was taken; only a body that says no takes that back.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_without_an_end_is_judged_by_what_came() {
    let poster = poster(LONG);
    let mut cases = tokio::task::JoinSet::new();
    for (begins, wanted) in [
        ("", Fate::Taken),
        ("{\"id\":\"1", Fate::Taken),
        ("<html>", Fate::Taken),
        ("delivery failed", LATER),
    ] {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{begins}");
        for answer in [Answer::SaysAndWaits(head.clone()), Answer::Says(head)] {
            for preset in Preset::ALL {
                let (answer, poster) = (answer.clone(), poster.clone());
                cases.spawn(async move {
                    let service = Service::start(answer).await;
                    let told = post(&poster, of(preset, &service.url())).await;
                    assert_eq!(fate(&told), wanted, "{preset:?} {begins}: {told:?}");
                });
            }
        }
    }
    while let Some(case) = cases.join_next().await {
        case.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_that_cannot_be_read_are_told_by_their_place() {
    let poster = poster(LONG);
    let service = Service::start(response("200 OK", "", "ok")).await;
    let hidden = |name: &str| Endpoint::Secret(SecretSource::Environment(name.to_owned()));
    let slack = |endpoint| Webhook {
        endpoint,
        ..of(Preset::Slack, &service.url())
    };
    let told = post(&poster, slack(hidden(&service.url()))).await;
    assert_eq!(fate(&told), Fate::Taken);
    let told = post(&poster, slack(hidden("X"))).await;
    assert_eq!(
        told,
        Delivery::deferred("the environment variable `X` is not set")
    );
    let told = post(&poster, slack(hidden("NOT_A_URL"))).await;
    assert_eq!(
        told,
        Delivery::deferred("the secret is no http or https address")
    );
    let line = Webhook {
        token: Some(SecretSource::Environment("TWO_LINES".to_owned())),
        ..of(Preset::Line, &service.url())
    };
    let told = post(&poster, line).await;
    assert_eq!(
        told,
        Delivery::deferred("the token cannot be sent in a header")
    );
    assert_eq!(service.requests().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_gets_one_post_with_its_own_token_and_no_other() {
    let poster = poster(LONG);
    let service = Service::start(response("204 No Content", "", "")).await;
    for webhook in every(&service.url()) {
        let name = webhook.name.clone();
        assert_eq!(fate(&post(&poster, webhook).await), Fate::Taken);
        let request = service.requests().pop().unwrap();
        let first = request.head.lines().next().unwrap();
        assert_eq!(first, "POST /hook/s3cret?key=s3cret HTTP/1.1", "{name}");
        assert!(request.header("user-agent").unwrap().starts_with("probe/"));
        let (bearer, chatwork) = match name.as_str() {
            "slack" | "discord" | "teams" => (None, None),
            "chatwork" => (None, Some("t0ken-s3cret")),
            _ => (Some("Bearer t0ken-s3cret"), None),
        };
        assert_eq!(request.header("authorization"), bearer, "{name}");
        assert_eq!(request.header("x-chatworktoken"), chatwork, "{name}");
        let key = request.header("x-line-retry-key");
        assert_eq!(key.is_some(), name == "line");
        let kind = match name.as_str() {
            "chatwork" => "application/x-www-form-urlencoded",
            "ntfy" | "pager" => "text/plain; charset=utf-8",
            _ => "application/json",
        };
        assert_eq!(request.header("content-type"), Some(kind), "{name}");
        assert!(request.body.contains("web1"), "{name}: {}", request.body);
    }
}
