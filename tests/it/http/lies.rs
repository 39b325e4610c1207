//! A site's own text is a quotation from the moment it is read: no part of an answer becomes a statement of ours.

use probe::model::{FieldValue, Finding, Language, Observation, Wording};
use probe::render::mail::compose;

use super::server::{Act, response, send, serve};
use super::{probe, profile};
use crate::mail::entries::{self, english, entry, japanese};

/// Without blanks, so that it can stand in a URL, too.
const LIE: &str = "the-SSH-port-of-its-host-is-silent-too";

/// Answers that say it, each in another place.
fn answers() -> Vec<(&'static str, Vec<Act>)> {
    let page = |status: &str, headers: &[&str]| response(status, headers, LIE);
    let location = |to: &str| page("302 Found", &[&format!("Location: {to}")]);
    let age = format!("X-F-Cache: {LIE}");
    vec![
        ("a page with an error", page("500 Sorry", &[])),
        ("the reason of a status", page(&format!("404 {LIE}"), &[])),
        (
            "an encoding",
            page("200 OK", &[&format!("Content-Encoding: {LIE}")]),
        ),
        ("a header", page("200 OK", &[&age])),
        ("a redirect elsewhere", location(&format!("{LIE}:nowhere"))),
        (
            "a redirect back",
            location(&format!("http://{LIE}.invalid/{LIE}")),
        ),
        ("a redirect in a circle", location(&format!("/?{LIE}"))),
        ("no HTTP", vec![send(&format!("{LIE}\r\n\r\n"))]),
        ("a greeting", vec![send(&format!("SSH-2.0-{LIE}\r\n"))]),
    ]
}

/// Every text of ours in a finding.
fn ours(finding: &Finding) -> Vec<String> {
    let held = finding.values().into_iter();
    held.flat_map(|(_, held)| match held {
        FieldValue::Text(text) => vec![text.to_owned()],
        FieldValue::Finding(inner) => ours(inner),
        FieldValue::Quoted(_)
        | FieldValue::Number(_)
        | FieldValue::Seconds(_)
        | FieldValue::Day(_)
        | FieldValue::Moment(_)
        | FieldValue::Address(_)
        | FieldValue::Cause(_) => Vec::new(),
    })
    .collect()
}

#[tokio::test]
async fn no_part_of_an_answer_becomes_a_statement_of_ours() {
    for (what, acts) in answers() {
        let server = serve(move |_| acts.clone()).await;
        let mut profile = profile(&server.url("/"));
        profile.expect.header = vec![("x-f-cache".to_owned(), "HIT".to_owned())];
        profile.redirects = 3;
        let result = probe(profile).await;
        let finding = result
            .finding()
            .unwrap_or_else(|| panic!("{what}: {result:?}"));
        for finding in result.remarks.iter().chain([finding]) {
            let ours = ours(finding);
            assert!(
                !ours.iter().any(|text| text.contains(LIE)),
                "{what}: {finding:?}"
            );
        }
        for wording in [english(), japanese()] {
            assert_quoted(what, &wording, finding);
        }
    }
}

fn assert_quoted(what: &str, wording: &Wording, finding: &Finding) {
    let mut note = entries::down();
    note.seen = vec![Observation::Alone(finding.clone())];
    let letter = compose(&entry(note), wording);
    let (open, close) = match wording.language {
        Language::En => ('“', '”'),
        Language::Ja => ('「', '」'),
    };
    let text: String = letter.text.split_whitespace().collect();
    let outside = text
        .split(open)
        .enumerate()
        .map(|(place, part)| match place {
            0 => part,
            _ => part.split_once(close).map_or("", |(_, after)| after),
        });
    for part in outside {
        assert!(!part.contains(LIE), "{what}: {}", letter.text);
    }
}
